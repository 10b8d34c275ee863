"""Script of a study's report, which needs no external resources."""

WITHOUT_SCRIPT = ".plot,.legend,.controls,.screen{display:none}.still{display:block}"
"""CSS for browsers without scripts: static plots instead of interactive charts."""

SCRIPT = """
(() => {
"use strict";
const read = id => JSON.parse(document.getElementById(id).textContent);
const {charts, bands} = read("chart-data");
const hidden = {};
let banded = bands;
const PAINTED = new Set(["color", "fillcolor", "gridcolor", "linecolor", "bgcolor", "bordercolor",
  "activecolor"]);

// Colours that begin with @ are the page's own, light or dark.
function painted(value, key, page) {
  if (Array.isArray(value)) return typeof value[0] === "object" ? value.map(one => painted(one, key, page)) : value;
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, painted(inner, name, page)]));
  }
  const own = typeof value === "string" && value[0] === "@" && PAINTED.has(key);
  return own ? page.getPropertyValue("--" + value.slice(1)).trim() : value;
}

function draw(only) {
  const page = getComputedStyle(document.documentElement);
  const touch = matchMedia("(pointer: coarse)").matches;
  for (const [name, chart] of Object.entries(charts)) {
    const place = document.getElementById("plot-" + name);
    if (!place || (only !== undefined && chart.group !== only)) continue;
    const off = hidden[chart.group] || new Set();
    const data = chart.data.map(trace => ({...painted(trace, "", page),
      visible: !off.has(trace.meta.place) && (!trace.meta.band || banded)}));
    const layout = painted(chart.layout, "", page);
    layout.font.family = getComputedStyle(document.body).fontFamily;
    if (place.clientWidth < 520 && layout.yaxis.ticktext) {
      layout.yaxis.ticktext = layout.yaxis.ticktext.map(text => text.length > 16 ? text.slice(0, 15) + "…" : text);
    }
    layout.dragmode = touch ? false : "zoom";
    Plotly.react(place, data, layout, {responsive: true, displaylogo: false, displayModeBar: touch ? false : "hover",
      modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]],
      toImageButtonOptions: {filename: name, scale: 2}});
  }
}

for (const legend of document.querySelectorAll(".legend")) {
  const group = legend.dataset.group, off = hidden[group] = new Set();
  legend.addEventListener("click", event => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.all) {
      const all = button.dataset.all === "true";
      for (const one of legend.querySelectorAll("button[data-place]")) {
        one.setAttribute("aria-pressed", String(all));
        if (all) off.delete(Number(one.dataset.place)); else off.add(Number(one.dataset.place));
      }
      draw(group);
      return;
    }
    const place = Number(button.dataset.place), shown = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(shown));
    if (shown) off.delete(place); else off.add(place);
    draw(group);
  });
  const box = legend.querySelector("input[type=checkbox]");
  if (box) {
    box.checked = banded;
    box.addEventListener("change", () => { banded = box.checked; draw(group); });
  }
}

const samples = document.getElementById("sample-data") && read("sample-data");
if (samples) {
  const slider = document.getElementById("moment"), said = document.getElementById("moment-said");
  const choice = document.getElementById("seed");
  const show = () => {
    const at = Number(slider.value), seed = choice ? choice.value : samples.seeds[0];
    said.textContent = samples.moments[at];
    slider.setAttribute("aria-valuetext", samples.moments[at]);
    for (const figure of document.querySelectorAll(".samples figure")) {
      const shown = samples.pictures[figure.dataset.place][seed], image = figure.querySelector("img");
      const label = figure.querySelector("span");
      image.hidden = !shown;
      if (!shown) { label.textContent = samples.none; continue; }
      const [picture, words, alt] = shown.pictures[shown.at[at]];
      image.src = picture;
      image.alt = alt;
      label.textContent = words;
    }
  };
  slider.value = slider.max;
  slider.addEventListener("input", show);
  if (choice) { choice.selectedIndex = 0; choice.addEventListener("change", show); }
  show();
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());
draw();
})();
"""

"""Script of a study's report, which needs no external resources."""

WITHOUT_SCRIPT = ".legend label,.legend [data-all],.controls,.screen{display:none}.legend button{pointer-events:none}"
"""CSS for browsers without scripts: legends are keys, and controls are hidden."""

SCRIPT = """
(() => {
"use strict";
const read = id => JSON.parse(document.getElementById(id).textContent);

for (const legend of document.querySelectorAll(".legend")) {
  const buttons = [...legend.querySelectorAll("button[data-place]")];
  const charts = `figure[data-group="${legend.dataset.group}"]`;
  const show = (button, shown) => {
    button.setAttribute("aria-pressed", String(shown));
    for (const shape of document.querySelectorAll(`${charts} .pg-view [data-place="${button.dataset.place}"]`)) {
      shape.classList.toggle("off", !shown);
    }
  };
  legend.addEventListener("click", event => {
    const button = event.target.closest("button");
    if (button?.dataset.all) buttons.forEach(one => show(one, button.dataset.all === "true"));
    else if (button) show(button, button.getAttribute("aria-pressed") !== "true");
  });
  const box = legend.querySelector("input[type=checkbox]");
  if (box) {
    box.checked = box.defaultChecked;
    box.addEventListener("change", () => document.querySelector(".charts").classList.toggle("bandless", !box.checked));
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
})();
"""

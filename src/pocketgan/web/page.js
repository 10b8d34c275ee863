// Follows a run: asks for what has changed, every two seconds, and puts it in its place. Also moves the sliders.
(() => {
  "use strict";
  const EVERY = 2000, IDLE = 5000;
  let marks = {}, samples = [], shownFile = "", follows = true, timer = 0, asked = "";

  const root = () => document.querySelector(".pg-live");
  const find = (name) => document.querySelector(`.pg-live [data-part="${name}"]`);

  // What a run's files say.

  async function look() {
    clearTimeout(timer);
    const place = root();
    if (!place || !place.dataset.run || document.hidden || !place.offsetParent) {
      timer = setTimeout(look, 500);
      return;
    }
    const name = place.dataset.run;
    if (name !== asked) { shownFile = ""; follows = true; }
    if (name !== asked || !place.dataset.ready) { place.dataset.ready = "1"; asked = name; marks = {}; samples = []; }
    try {
      const have = Object.values(marks).join(",");
      const answer = await fetch(`live/run?${new URLSearchParams({ name, have })}`, { cache: "no-store" });
      if (name === asked && answer.status === 200) take(await answer.json());
      else if (answer.status !== 204 && answer.status !== 200) throw new Error(answer.statusText);
      show(place.querySelector(".pg-lost"), false);
    } catch {
      show(place.querySelector(".pg-lost"), true);
    }
    const state = stateOf();
    timer = setTimeout(look, state === "running" || state === "starting" ? EVERY : IDLE);
  }

  function take(parts) {
    for (const [name, [mark, text]] of Object.entries(parts)) {
      marks[name] = mark;
      if (name === "samples") takeSamples(JSON.parse(text));
      else {
        const place = find(name);
        if (place) place.innerHTML = text;
      }
    }
    const train = document.querySelector(".pg-train");
    if (train) train.dataset.state = stateOf();
    moveCursors();
  }

  const stateOf = () => find("state")?.firstElementChild?.dataset.state || "none";
  const show = (element, shown) => { if (element) element.hidden = !shown; };

  // Sample pictures, and the slider back through them.

  function takeSamples({ list, columns, pairs }) {
    samples = list;
    const slider = find("moment"), place = find("picture");
    show(place, list.length > 0);
    show(find("no-picture"), list.length === 0);
    Object.assign(place.dataset, { columns, pairs });
    if (!slider || !list.length) { shownFile = ""; return; }
    const kept = list.findIndex(([file]) => file === shownFile);
    slider.max = list.length - 1;
    slider.value = follows || kept < 0 ? list.length - 1 : kept;
    slider.disabled = list.length < 2;
    showSample();
  }

  function showSample() {
    const slider = find("moment"), [file, step, changed] = samples[Number(slider.value)] || [];
    if (!file) return;
    const words = slider.dataset, label = words.label.replace("#", Number(step).toLocaleString(document.documentElement.lang));
    slider.setAttribute("aria-valuetext", label);
    find("moment-text").textContent = label;
    const picture = find("image"), query = new URLSearchParams({ name: asked, file, v: changed });
    const source = `live/picture?${query}`;
    if (picture.getAttribute("src") !== source) {
      picture.src = source;
      picture.alt = `${words.alt} ${label}`;
      judge(query, source);
    }
    shownFile = file;
    moveCursors();
  }

  async function judge(query, source) {
    const over = find("judged"), said = find("sure");
    let sure = [];
    try { sure = await (await fetch(`live/judged?${query}`)).json(); } catch { sure = []; }
    if (find("image").getAttribute("src") !== source) return;
    over.replaceChildren();
    const known = sure.filter((value) => value !== null);
    const words = said.dataset;
    if (!known.length) { said.textContent = words.none; return; }
    const percent = (value) => (value).toLocaleString(document.documentElement.lang, { style: "percent", maximumFractionDigits: 0 });
    const middle = known.reduce((a, b) => a + b, 0) / known.length;
    said.textContent = words.some.replace("#", percent(middle));
    const place = find("picture").dataset, pairs = Number(place.pairs) === 2;
    over.style.gridTemplateColumns = `repeat(${place.columns}, 1fr)`;
    over.setAttribute("aria-label", `${words.each} ${sure.map((value) => (value === null ? "–" : percent(value))).join(", ")}`);
    for (const value of sure) {
      if (pairs) over.append(document.createElement("i"));
      const cell = document.createElement("i");
      cell.className = "cell";
      if (value !== null) {
        cell.title = percent(value);
        cell.style.setProperty("--sure", value);
        cell.classList.add(value >= 0.5 ? "real" : "fake");
      }
      over.append(cell);
    }
  }

  function moveCursors() {
    const slider = find("moment"), step = slider && samples[Number(slider.value)]?.[1];
    for (const plot of document.querySelectorAll(".pg-live .pg-plot")) {
      const from = Number(plot.dataset.from), to = Number(plot.dataset.to), cursor = plot.querySelector(".pg-cursor");
      const share = (step - from) / (to - from);
      show(cursor, samples.length > 1 && share >= 0 && share <= 1);
      cursor.style.left = `${100 * share}%`;
    }
  }

  // Runs side by side: one slider over all of them.

  function compareMoment(slider) {
    const share = Number(slider.value) / Number(slider.max), text = document.querySelector(".pg-compare-moment");
    const list = JSON.parse(slider.dataset.moments), moment = share * Number(slider.dataset.end);
    if (text) text.textContent = list[Number(slider.value)];
    slider.setAttribute("aria-valuetext", list[Number(slider.value)]);
    for (const place of document.querySelectorAll(".pg-compare [data-samples]")) {
      const found = JSON.parse(place.dataset.samples).filter(([, at]) => at <= moment * (1 + 1e-9)).pop();
      const picture = place.querySelector("img"), none = place.querySelector(".pg-none");
      show(picture, Boolean(found));
      show(none, !found);
      if (found) {
        const source = `live/picture?${new URLSearchParams({ name: place.dataset.name, file: found[0], v: found[2] })}`;
        if (picture.getAttribute("src") !== source) picture.src = source;
        place.querySelector(".pg-at").textContent = found[3];
      } else place.querySelector(".pg-at").textContent = "";
    }
    for (const plot of document.querySelectorAll(".pg-compare .pg-plot")) {
      const from = Number(plot.dataset.from), to = Number(plot.dataset.to), cursor = plot.querySelector(".pg-cursor");
      const at = (moment - from) / (to - from);
      show(cursor, at >= 0 && at <= 1);
      cursor.style.left = `${100 * at}%`;
    }
  }

  document.addEventListener("input", (event) => {
    if (event.target.matches?.('.pg-live [data-part="moment"]')) {
      follows = Number(event.target.value) === samples.length - 1;
      showSample();
    } else if (event.target.matches?.(".pg-compare-slider")) compareMoment(event.target);
    else if (event.target.matches?.('.pg-live [data-part="shows"]')) {
      find("judged").hidden = !event.target.checked;
    }
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });

  // Where Gradio puts in another run, look at once.
  new MutationObserver(() => {
    const place = root();
    if (place && (place.dataset.run !== asked || !place.dataset.ready)) look();
    for (const slider of document.querySelectorAll(".pg-compare-slider:not([data-ready])")) {
      slider.dataset.ready = "1";
      compareMoment(slider);
    }
  }).observe(document.documentElement, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-run"] });

  document.addEventListener("DOMContentLoaded", look);
})();

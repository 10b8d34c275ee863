// Follows a run: requests changed parts every two seconds and inserts them. Also moves the slider of the samples.
(() => {
  "use strict";
  const EVERY = 2000, IDLE = 5000, ASIDE = 10000;
  let lookedAt = 0;
  let marks = {}, samples = [], shownFile = "", follows = true, timer = 0, asked = "";

  const root = () => document.querySelector(".pg-live");
  const find = (name) => document.querySelector(`.pg-live [data-part="${name}"]`);

  // Content of the run.

  async function look() {
    clearTimeout(timer);
    const place = root();
    if (place && !place.dataset.run) stands("none");
    const aside = document.hidden || !place?.offsetParent, going = ["running", "starting", "waiting"].includes(stateOf());
    if (!place || !place.dataset.run || (aside && (!going || Date.now() - lookedAt < ASIDE))) {
      timer = setTimeout(look, 500);
      return;
    }
    lookedAt = Date.now();
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
    document.dispatchEvent(new CustomEvent("pocketgan:state", { detail: { names: [name], state } }));
    timer = setTimeout(look, ["running", "starting", "waiting"].includes(state) ? EVERY : IDLE);
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
    stands(stateOf());
    moveCursors();
  }

  // Shows the buttons for a state, and the progress of a running run in the title, which is visible behind other browser tabs.
  function stands(state) {
    const train = document.querySelector(".pg-train"), share = find("state")?.firstElementChild?.dataset.share;
    if (train && train.dataset.state !== state) train.dataset.state = state;
    const going = state === "running" && share !== undefined;
    const title = going ? `${share}% · ${root().dataset.run}` : "Pocketgan";
    if (document.title !== title) document.title = title;
  }

  const stateOf = () => find("state")?.firstElementChild?.dataset.state || "none";
  const show = (element, shown) => { if (element) element.hidden = !shown; };

  // Sample pictures, and the slider through earlier ones.

  function takeSamples({ list, columns, pairs }) {
    samples = list;
    const slider = find("moment"), place = find("picture");
    show(place, list.length > 0);
    show(find("no-picture"), list.length === 0);
    Object.assign(place.dataset, { columns, pairs });
    find("more").href = `?${new URLSearchParams({ tab: pairs === 2 ? "redraw" : "create", run: asked })}`;
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
    const latest = !slider || Number(slider.value) === samples.length - 1;
    if (root()) window.pocketgan.show(root(), samples.length > 1 ? step : NaN, latest);
  }

  document.addEventListener("input", (event) => {
    if (event.target.matches?.('.pg-live [data-part="moment"]')) {
      follows = Number(event.target.value) === samples.length - 1;
      showSample();
    } else if (event.target.matches?.('.pg-live [data-part="shows"]')) {
      find("judged").hidden = !event.target.checked;
    }
  });
  // A click on the samples or the link below them opens the Create tab with the same run.
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.('.pg-live :is(.pg-picture, [data-part="more"])') || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    window.pocketgan.go(find("more").getAttribute("href"));
  });
  document.addEventListener("pocketgan:look", look);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });

  // Requests the content at once when Gradio inserts another run.
  new MutationObserver(() => {
    const place = root();
    if (place && place.dataset.run !== asked || (asked && place && !place.dataset.ready)) look();
  }).observe(document.documentElement, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-run"] });

  document.addEventListener("DOMContentLoaded", look);
})();

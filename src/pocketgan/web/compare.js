// Runs side by side: requests changed parts, and moves one slider for all runs.
(() => {
  "use strict";
  const EVERY = 2000, IDLE = 5000;
  const find = () => document.querySelector(".pg-compare[data-names]");
  let timer = 0;

  async function look() {
    clearTimeout(timer);
    const place = find();
    if (!place || document.hidden || !place.offsetParent) {
      timer = setTimeout(look, 500);
      return;
    }
    const parts = [...place.querySelectorAll(":scope > [data-part]")];
    const have = parts.map((part) => part.dataset.mark).join(",");
    try {
      const { names, over } = place.dataset;
      const answer = await fetch(`live/compare?${new URLSearchParams({ names, over, have })}`, { cache: "no-store" });
      if (answer.status === 200 && place === find() && place.dataset.names === names) take(place, await answer.json());
    } catch { /* The next request follows soon. */ }
    const measuring = [...place.querySelectorAll("[data-measuring]")].map((one) => one.dataset.measuring);
    document.dispatchEvent(new CustomEvent("pocketgan:state", { detail: { names: measuring, state: "measuring" } }));
    timer = setTimeout(look, measuring.length ? EVERY : IDLE);
  }

  function take(place, changed) {
    for (const [name, [mark, text]] of Object.entries(changed)) {
      const part = place.querySelector(`:scope > [data-part="${name}"]`);
      if (!part) continue;
      const share = place.querySelector(".pg-compare-slider")?.value;
      part.dataset.mark = mark;
      part.innerHTML = text;
      const slider = part.querySelector(".pg-compare-slider");
      if (slider && share !== undefined) slider.value = share;
    }
    const slider = place.querySelector(".pg-compare-slider");
    if (slider) move(slider);
  }

  function move(slider) {
    slider.dataset.ready = "1";
    const place = slider.closest(".pg-compare"), list = JSON.parse(slider.dataset.moments);
    const moment = (Number(slider.value) / Number(slider.max)) * Number(slider.dataset.end);
    place.querySelector(".pg-compare-moment").textContent = list[Number(slider.value)];
    slider.setAttribute("aria-valuetext", list[Number(slider.value)]);
    for (const box of place.querySelectorAll("[data-samples]")) {
      const sample = JSON.parse(box.dataset.samples).filter(([, at]) => at <= moment * (1 + 1e-9)).pop();
      const picture = box.querySelector("img");
      picture.hidden = !sample;
      box.querySelector(".pg-none").hidden = Boolean(sample);
      box.querySelector(".pg-at").textContent = sample ? sample[3] : "";
      if (!sample) continue;
      const source = `live/picture?${new URLSearchParams({ name: box.dataset.name, file: sample[0], v: sample[2] })}`;
      if (picture.getAttribute("src") !== source) picture.src = source;
    }
    window.pocketgan.show(place, moment, slider.value === slider.max);
  }

  document.addEventListener("input", ({ target }) => { if (target.matches?.(".pg-compare-slider")) move(target); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
  document.addEventListener("pocketgan:look", look);
  new MutationObserver(() => {
    for (const slider of document.querySelectorAll(".pg-compare-slider:not([data-ready])")) move(slider);
  }).observe(document.documentElement, { childList: true, subtree: true });
  document.addEventListener("DOMContentLoaded", look);
})();

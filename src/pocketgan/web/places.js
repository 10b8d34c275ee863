// The page's address: the place, and what is chosen in it. What is chosen goes into the address; see address.js for the way back.
(() => {
  "use strict";
  const choices = { train: { run: "" }, create: { run: "", seed: "" }, redraw: { run: "" }, compare: { runs: [], over: "", study: "" } };
  const UNSAID = { seed: "0", over: "steps" };
  const STEPS = ["run", "study"]; // what one may want to go back from
  let place = "train", arriving = true, target = "", clicked = -1;
  const tabs = () => [...document.querySelectorAll("[role=tablist] [role=tab]")];

  // A tab that somebody opens while the page is on its way: the answers of the way would go back to the first one.
  document.addEventListener("click", event => {
    const tab = event.target.closest?.("[role=tab]");
    if (arriving && event.isTrusted && tab) clicked = tabs().indexOf(tab);
  }, true);

  function write(push) {
    const fields = new URLSearchParams({ tab: place });
    for (const [name, value] of Object.entries(choices[place])) {
      for (const one of [value].flat()) if (one && one !== UNSAID[name]) fields.append(name, one);
    }
    const search = `?${fields}`;
    if (search === location.search) return;
    if (push) history.pushState(null, "", search);
    else history.replaceState(null, "", search);
  }

  window.pocketgan = {
    ...window.pocketgan,

    // The page is on its way to an address.
    going(search) {
      arriving = true;
      const fields = new URLSearchParams(search);
      target = fields.get("tab") || "";
      if (!(target in choices)) return;
      place = target;
      for (const name of Object.keys(choices[place])) {
        choices[place][name] = Array.isArray(choices[place][name]) ? fields.getAll(name) : fields.get(name) || "";
      }
    },

    // It has come there.
    arrived() {
      arriving = false;
      target = "";
      const tab = tabs()[clicked];
      clicked = -1;
      if (tab && tab.getAttribute("aria-selected") !== "true") tab.click();
      write(false);
    },

    // A tab was opened.
    entered(name) {
      if (arriving && target) return;
      const other = name !== place;
      place = name;
      if (!arriving) write(other); // On its way, the page hasn't read the whole address yet.
    },

    // Something was chosen in a place.
    noted(name, field, value) {
      if (field === "seed" && !/^\d+$/.test(value)) return;
      const before = choices[name][field];
      choices[name][field] = Array.isArray(value) ? value : value === null || value === undefined ? "" : String(value);
      if (name === place && !arriving) write(STEPS.includes(field) && Boolean(before?.length));
    },
  };
})();

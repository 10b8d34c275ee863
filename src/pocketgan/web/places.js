// The page's address: the tab, and the choices in it. This script writes choices into the address; address.js reads them.
(() => {
  "use strict";
  const choices = { train: { run: "" }, create: { run: "", seed: "" }, redraw: { run: "" }, compare: { runs: [], over: "", study: "" } };
  const UNSAID = { seed: "0", over: "steps" };
  const STEPS = ["run", "study"]; // Choices with their own step in the browser's history.
  let place = "train", arriving = true, target = "", clicked = -1;
  const tabs = () => [...document.querySelectorAll("[role=tablist] [role=tab]")];

  // Remembers a tab that the user opens while an address is being restored; the restoring would return to the first tab.
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

    // An address is being restored.
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

    // The address has been restored.
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
      if (!arriving) write(other); // While restoring, the address hasn't been read completely.
    },

    // A choice was made in a tab.
    noted(name, field, value) {
      if (field === "seed" && !/^\d+$/.test(value)) return;
      const before = choices[name][field];
      choices[name][field] = Array.isArray(value) ? value : value === null || value === undefined ? "" : String(value);
      if (name === place && !arriving) write(STEPS.includes(field) && Boolean(before?.length));
    },
  };
})();

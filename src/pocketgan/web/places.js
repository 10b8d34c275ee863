// The page's address: the place, and what is chosen in it. What is chosen goes into the address; see address.js for the way back.
(() => {
  "use strict";
  const chosen = { train: { run: "" }, create: { run: "", seed: "" }, redraw: { run: "" }, compare: { runs: [], over: "", study: "" } };
  const UNSAID = { seed: "0", over: "steps" };
  const STEPS = ["run", "study"]; // what one may want to go back from
  let place = "train", arriving = true, wanted = "";

  function write(push) {
    const fields = new URLSearchParams({ tab: place });
    for (const [name, value] of Object.entries(chosen[place])) {
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
      wanted = fields.get("tab") || "";
      if (!(wanted in chosen)) return;
      place = wanted;
      for (const name of Object.keys(chosen[place])) {
        chosen[place][name] = Array.isArray(chosen[place][name]) ? fields.getAll(name) : fields.get(name) || "";
      }
    },

    // It has come there.
    arrived() {
      arriving = false;
      wanted = "";
      write(false);
    },

    // A tab was opened.
    entered(name) {
      if (arriving && wanted) return;
      const other = name !== place;
      place = name;
      write(other && !arriving);
    },

    // Something was chosen in a place.
    noted(name, field, value) {
      if (field === "seed" && !/^\d+$/.test(value)) return;
      const before = chosen[name][field];
      chosen[name][field] = Array.isArray(value) ? value : value === null || value === undefined ? "" : String(value);
      if (name === place && !arriving) write(STEPS.includes(field) && Boolean(before?.length));
    },
  };
})();

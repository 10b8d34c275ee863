// Messages: an error appears beside its field, and a confirmation stays as long as it is true.
(() => {
  "use strict";
  const smooth = () => (matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth");

  // Waits until an element exists and is visible, since an accordion opens with a delay.
  async function seen(find, tries = 60) {
    for (let left = tries; left; left--) {
      const element = find();
      if (element?.offsetParent) return element;
      await new Promise((go) => setTimeout(go, 50));
    }
    return null;
  }

  function unmark() {
    for (const field of document.querySelectorAll("[data-wrong]")) {
      delete field.dataset.wrong;
      field.querySelector(".pg-wrong")?.remove();
      field.querySelector("[aria-invalid]")?.removeAttribute("aria-invalid");
      field.querySelector("[aria-describedby=wrong]")?.removeAttribute("aria-describedby");
    }
  }

  async function mark(message) {
    const field = await seen(() => document.getElementById(message.dataset.field));
    if (!field || !message.isConnected) return;
    const input = field.querySelector("input, textarea");
    const text = Object.assign(document.createElement("p"), { className: "pg-wrong", id: "wrong", textContent: message.textContent });
    text.setAttribute("role", "alert");
    message.replaceChildren();
    field.dataset.wrong = "";
    field.append(text);
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", "wrong");
    input.focus({ preventScroll: true });
    field.scrollIntoView({ block: "center", behavior: smooth() });
    for (const change of ["input", "change"]) field.addEventListener(change, unmark, { once: true });
  }

  async function show(message) {
    unmark();
    if (message.dataset.field) return mark(message);
    message.tabIndex = -1;
    await new Promise((go) => setTimeout(go, 350)); // The form folds.
    if (!message.isConnected || !message.offsetParent) return;
    message.closest(".pg-answer").scrollIntoView({ block: message.dataset.while?.includes("starting") ? "start" : "nearest", behavior: smooth() });
    if (document.activeElement === document.body || !document.activeElement?.offsetParent) message.focus({ preventScroll: true });
  }

  // A confirmation is shown until the run is in another state, or until another run is followed.
  function settle({ detail: { names, state } }) {
    for (const message of document.querySelectorAll(".pg-answer p[data-of]")) {
      const of = message.dataset.of, states = message.dataset.while.split(" ");
      const here = names.includes(of) && states.includes(state);
      if (names.includes(of)) message.dataset.known = "";
      const other = state !== "measuring" || states.includes("measuring");
      if (!here && other && "known" in message.dataset) message.remove();
    }
  }
  document.addEventListener("pocketgan:state", settle);

  new MutationObserver(() => {
    for (const message of document.querySelectorAll(".pg-answer p:not([data-shown])")) {
      message.dataset.shown = "";
      document.dispatchEvent(new Event("pocketgan:look"));
      show(message);
    }
  }).observe(document.documentElement, { childList: true, subtree: true });
})();

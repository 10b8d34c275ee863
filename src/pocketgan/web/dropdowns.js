// Drop-downs: what stands in one is chosen as a whole, so that typing replaces it, and what is half typed is left without a trace.
(() => {
  "use strict";
  const TYPES_NOTHING = /^(Tab|Shift|Control|Alt|AltGraph|Meta|CapsLock|F\d+)$/;
  const isOne = (target) => target?.matches?.("input[role=combobox]");

  document.addEventListener("focusin", ({ target }) => {
    if (!isOne(target)) return;
    const { value } = target;
    target.dataset.before = value;
    target.select();
    setTimeout(() => { if (document.activeElement === target && target.value === value) target.select(); }); // after a click
  });

  // The last key is answered a moment later, also where one has gone on meanwhile: that opens the list again.
  document.addEventListener("focusout", ({ target }) => {
    if (!isOne(target)) return;
    setTimeout(() => {
      const left = document.activeElement !== target && target.getAttribute("aria-expanded") === "true";
      if (left) target.dispatchEvent(new FocusEvent("blur"));
    }, 150);
  });

  // Before Gradio sees them: a key that types nothing would open the list, over what one goes on to.
  window.addEventListener("keydown", (event) => {
    if (isOne(event.target) && TYPES_NOTHING.test(event.key)) event.stopImmediatePropagation();
  }, { capture: true });

  document.addEventListener("keydown", ({ target, key }) => {
    if (key !== "Escape" || !isOne(target) || target.closest(".multiselect")) return;
    setTimeout(() => {
      target.value = target.dataset.before;
      target.dispatchEvent(new Event("input", { bubbles: true }));
      target.select();
    });
  });

  // A list that Escape has closed opens again with a click.
  document.addEventListener("pointerdown", ({ target }) => {
    if (isOne(target) && target === document.activeElement && target.getAttribute("aria-expanded") !== "true") target.blur();
  });
})();

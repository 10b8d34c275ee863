// Drop-downs: focus selects the whole text, so that typing replaces it; Escape restores the text after partial typing.
(() => {
  "use strict";
  const TYPES_NOTHING = /^(Tab|Shift|Control|Alt|AltGraph|Meta|CapsLock|F\d+)$/;
  const isOne = (target) => target?.matches?.("input[role=combobox]");

  document.addEventListener("focusin", ({ target }) => {
    if (!isOne(target)) return;
    const { value } = target;
    target.dataset.before = value;
    target.select();
    setTimeout(() => { if (document.activeElement === target && target.value === value) target.select(); }); // After a click.
  });

  // Gradio handles the last key with a delay. If the focus has moved on meanwhile, the list opens again and must be closed.
  document.addEventListener("focusout", ({ target }) => {
    if (!isOne(target)) return;
    setTimeout(() => {
      const left = document.activeElement !== target && target.getAttribute("aria-expanded") === "true";
      if (left) target.dispatchEvent(new FocusEvent("blur"));
    }, 150);
  });

  // Runs before Gradio's handler, in which a key that types nothing would open the list over the next element. A long
  // list scrolls, so Tab would stop at it, although it is removed at once.
  window.addEventListener("keydown", (event) => {
    if (!isOne(event.target) || !TYPES_NOTHING.test(event.key)) return;
    event.stopImmediatePropagation();
    document.getElementById(event.target.getAttribute("aria-controls"))?.setAttribute("tabindex", "-1");
  }, { capture: true });

  document.addEventListener("keydown", ({ target, key }) => {
    if (key !== "Escape" || !isOne(target) || target.closest(".multiselect")) return;
    setTimeout(() => {
      target.value = target.dataset.before;
      target.dispatchEvent(new Event("input", { bubbles: true }));
      target.select();
    });
  });

  // Lets a click open a list again that Escape has closed.
  document.addEventListener("pointerdown", ({ target }) => {
    if (isOne(target) && target === document.activeElement && target.getAttribute("aria-expanded") !== "true") target.blur();
  });
})();

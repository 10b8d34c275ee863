// A grid of pictures: a click or Enter chooses one, arrow keys move between them. The last two stay marked.
const buttons = () => Array.from(element.querySelectorAll("button[data-index]"));

const mark = (button) => {
  const before = buttons().find((other) => other.dataset.chosen === "2");
  if (before === button) return;
  for (const other of buttons()) {
    const place = other === button ? "2" : other === before ? "1" : "";
    if (place) other.dataset.chosen = place;
    else delete other.dataset.chosen;
    other.setAttribute("aria-pressed", String(Boolean(place)));
  }
};

const focus = (button) => {
  for (const other of buttons()) other.tabIndex = other === button ? 0 : -1;
  button.focus();
};

element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-index]");
  if (!button) return;
  focus(button);
  mark(button);
  trigger("choose", { index: Number(button.dataset.index) });
});

element.addEventListener("keydown", (event) => {
  const button = event.target.closest("button[data-index]");
  if (!button) return;
  const columns = Number(button.parentElement.dataset.columns);
  const all = buttons();
  const place = Number(button.dataset.index);
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns };
  let to = event.key in steps ? place + steps[event.key] : null;
  if (event.key === "Home") to = 0;
  if (event.key === "End") to = all.length - 1;
  if (to === null) return;
  event.preventDefault();
  if (to >= 0 && to < all.length) focus(all[to]);
});

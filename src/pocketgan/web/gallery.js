// Grid of pictures: a click or Enter chooses one, arrow keys move between them. The last two chosen pictures of a model are
// marked 1 and 2 (the latest), even if the other one isn't in the grid any more.
const buttons = () => Array.from(element.querySelectorAll("button[data-index]"));
let before = null;

const mark = (button) => {
  const { model } = button.parentElement.dataset, source = button.querySelector("img").src;
  if (before?.model === model && before.source === source && button.dataset.chosen) return;
  const last = before?.model === model ? before.source : "", number = last ? "2" : "1";
  before = { model, source };
  for (const other of buttons()) {
    const place = other === button ? number : last && other.querySelector("img").src === last ? "1" : "";
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

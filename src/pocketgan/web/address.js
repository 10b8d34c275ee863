// Follows the browser's address: when the page opens, on Back, and when a part of the page leads elsewhere.
const follow = () => {
  window.pocketgan.going(location.search);
  props.value = location.search;
  trigger("go");
};
window.addEventListener("popstate", follow);
window.pocketgan.go = (search) => {
  history.pushState(null, "", search);
  follow();
};
follow();

// Names the landmarks, and lets the keyboard reach code and tables that scroll sideways.

const LANDMARKS = { ".sidebar-drawer": "All pages", ".toc-drawer": "Contents of this page" };
const REGIONS = { "div.highlight pre": "Code", ".table-wrapper": "Table" };

const reach = (region, name) => {
  const scrolls = region.scrollWidth > region.clientWidth;
  const values = { tabindex: "0", role: "group", "aria-label": `${name}, scrolls sideways` };
  for (const [attribute, value] of Object.entries(values)) {
    if (scrolls) region.setAttribute(attribute, value);
    else region.removeAttribute(attribute);
  }
};

document.addEventListener("DOMContentLoaded", () => {
  for (const [selector, name] of Object.entries(LANDMARKS)) {
    document.querySelector(selector)?.setAttribute("aria-label", name);
  }
  for (const [selector, name] of Object.entries(REGIONS)) {
    document.querySelectorAll(selector).forEach((region) => {
      reach(region, name);
      new ResizeObserver(() => reach(region, name)).observe(region);
    });
  }
});

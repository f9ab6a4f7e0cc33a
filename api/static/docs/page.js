// Filters the contents and the page by what is typed; "/" goes to the box.
const box = document.getElementById("filter");
const entries = [...document.querySelectorAll("[data-words]")];
const groups = [...document.querySelectorAll("[data-group]")];
const opened = new Set(groups.filter((group) => group.open));

box.addEventListener("input", () => {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const entry of entries) {
    entry.hidden = !words.every((word) => entry.dataset.words.includes(word));
  }
  for (const group of groups) {
    group.hidden = !group.querySelector("[data-words]:not([hidden])");
    if (group.tagName === "DETAILS") group.open = words.length > 0 || opened.has(group);
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== box) {
    event.preventDefault();
    box.focus();
  }
});
// What a link leads to is shown, whatever is typed.
window.addEventListener("hashchange", () => {
  const found = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (found?.closest("[hidden]")) {
    box.value = "";
    box.dispatchEvent(new Event("input"));
    found.scrollIntoView();
  }
});

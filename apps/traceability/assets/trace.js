/* A trace that is wider than its window begins at its own lot. */
(() => {
  "use strict";
  const begin = () => document.querySelectorAll("[data-trace]").forEach((box) => {
    const svg = box.querySelector("svg.trace"), card = svg && svg.querySelector(".seed");
    if (!card || svg.clientWidth <= box.clientWidth && svg.clientHeight <= box.clientHeight) return;
    const b = card.getBBox();
    box.scrollLeft = b.x + b.width / 2 - box.clientWidth / 2;
    box.scrollTop = b.y + b.height / 2 - box.clientHeight / 2;
  });
  document.addEventListener("tallyway:fresh", begin);
  begin();
})();

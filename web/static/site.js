// Improves the search page, which works without this file. No inline code, no eval.
(() => {
  "use strict";
  document.documentElement.classList.add("has-script");
  const narrow = matchMedia("(max-width: 60rem)");
  const fold = () => {
    const box = document.querySelector("[data-filters]");
    if (box) box.open = !narrow.matches;
  };
  fold();
  narrow.addEventListener("change", fold);
  // The answer to a filter click describes the box as open or closed by default: keep what the reader chose.
  let open = [];
  document.addEventListener("htmx:before:swap", () => {
    open = [...document.querySelectorAll("details[id][open]")].map((box) => box.id);
  });
  document.addEventListener("htmx:after:swap", () => {
    for (const box of document.querySelectorAll(".filters details[id]")) box.open = open.includes(box.id);
  });
})();

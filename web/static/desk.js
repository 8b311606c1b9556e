// Improves the review at the desk, which works without this file. No inline code, no eval.
(() => {
  "use strict";
  const page = document.documentElement;
  page.classList.add("has-script");

  // Single keys are off until this browser's owner turns them on (WCAG 2.1.4).
  const KEPT = "erfaringsbanken.hurtigtaster";
  const box = document.getElementById("hurtigtaster");
  const kept = (value) => {
    try {
      if (value !== undefined) localStorage.setItem(KEPT, value);
      return localStorage.getItem(KEPT) === "ja";
    } catch {
      return value === "ja"; // storage is closed to us: until the next page, then
    }
  };
  const use = (isOn) => {
    page.classList.toggle("has-keys", isOn);
    if (box) box.checked = isOn;
  };
  use(kept());
  if (box) box.addEventListener("change", () => { use(kept(box.checked ? "ja" : "nei") || box.checked); });

  const open = (summary) => {
    const details = summary.parentElement;
    details.open = summary.dataset.key === "?" ? !details.open : true;
    const first = details.open && details.querySelector("[data-first]");
    // What a box held back can be focused only when it has been drawn.
    requestAnimationFrame(() => requestAnimationFrame(() => (first || summary).focus()));
  };
  for (const link of document.querySelectorAll("[data-opens]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      open(document.querySelector(`${link.hash} > summary`));
    });
  }
  document.addEventListener("keydown", (event) => {
    if (!page.classList.contains("has-keys") || event.repeat) return;
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    // Boxes to tick take no letters; the one that turns the keys on still has the focus afterwards.
    const writing = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";
    if (event.target.closest(writing)) return;
    const found = [...document.querySelectorAll("[data-key]")].find(
      (each) => each.dataset.key === event.key.toLowerCase() && each.checkVisibility(),
    );
    if (!found) return;
    event.preventDefault();
    if (found.tagName === "SUMMARY") open(found);
    else found.click();
  });

  // A form is sent once, however often the button is pressed.
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.sent) event.preventDefault();
    else if (event.target.method === "post") event.target.dataset.sent = "yes";
  });
  addEventListener("pageshow", () => {
    for (const form of document.forms) delete form.dataset.sent;
  });

  // Say what was done, and where we are: what is there from the start is not read out.
  for (const each of document.querySelectorAll("[data-say]")) {
    setTimeout(() => { each.textContent = each.dataset.say; }, 200);
  }
  if (location.hash === "#forslag") document.getElementById("forslag")?.focus({ preventScroll: true });

  // Fetch the next proposal's page picture while this one is read.
  const ahead = document.querySelector("[data-ahead]");
  if (ahead) addEventListener("load", () => { new Image().src = ahead.dataset.ahead; });

  // Say at once whether a statement stands in the quote word for word.
  const statement = document.querySelector("[data-statement]");
  if (statement) {
    const plain = (text) => text.replace(/\s+/g, " ").trim();
    const help = document.getElementById("utsagn-hjelp");
    const quotes = [...document.querySelectorAll("[data-quote]")].map((each) => plain(each.textContent));
    statement.addEventListener("input", () => {
      const text = plain(statement.value);
      const stands = text && quotes.some((quote) => quote.includes(text));
      help.textContent = stands ? help.dataset.verbatim : help.dataset.edited;
    });
  }
})();

// Improves collections, notes and the search page, which all work without this file.
// What is remembered stays in this browser: the last searches, and the collection without an account.
(() => {
  "use strict";
  const HISTORY = "erfaringsbanken.sok", COLLECTION = "erfaringsbanken.samling", MOST_SEARCHES = 10;

  const read = (key) => {
    try {
      const found = JSON.parse(localStorage.getItem(key) || "[]");
      return Array.isArray(found) ? found : [];
    } catch {
      return []; // storage is switched off, or holds something else
    }
  };
  const write = (key, value) => {
    try { localStorage.setItem(key, JSON.stringify(value)); } catch { /* switched off or full */ }
  };

  // ── Searches made here ──────────────────────────────────────────────────────
  const isSearch = (one) => one && typeof one.q === "string" && /^\/sok\?/.test(one.address);
  const remember = () => {
    const q = (new URLSearchParams(location.search).get("q") || "").trim();
    if (location.pathname !== "/sok" || !q) return;
    const address = location.pathname + location.search;
    const others = read(HISTORY).filter((one) => isSearch(one) && one.q !== q);
    write(HISTORY, [{ q, address }, ...others].slice(0, MOST_SEARCHES));
  };
  const showHistory = () => {
    const box = document.querySelector("[data-history]");
    if (!box) return;
    const now = new URLSearchParams(location.search).get("q");
    const others = read(HISTORY).filter((one) => isSearch(one) && one.q !== now);
    box.hidden = !others.length;
    box.querySelector("ul").replaceChildren(...others.map((one) => {
      const link = Object.assign(document.createElement("a"), { className: "ds-link", href: one.address, textContent: one.q });
      const item = document.createElement("li");
      item.append(link);
      return item;
    }));
  };
  const keepHistory = () => { remember(); showHistory(); };
  if (document.querySelector("[data-history]")) {
    keepHistory();
    document.addEventListener("htmx:after:swap", () => setTimeout(keepHistory)); // the address follows the swap
    document.addEventListener("click", (event) => {
      if (!event.target.closest("[data-history] button")) return;
      write(HISTORY, []);
      showHistory();
      document.querySelector("main").focus();
    });
  }

  // ── The collection in the address ───────────────────────────────────────────
  const page = document.querySelector("[data-collection]");
  const cameFromHere = document.referrer.startsWith(location.origin + "/");
  if (page && cameFromHere) write(COLLECTION, page.dataset.collection.split(" ")); // a link in a mail replaces nothing
  if (location.pathname === "/samling" && !page && cameFromHere) write(COLLECTION, []);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-collect]");
    if (!link) return;
    const ids = new Set([...read(COLLECTION).filter((id) => /^[0-9a-f]{12}$/.test(id)), link.dataset.collect]);
    link.href = "/samling?" + new URLSearchParams([...ids].slice(-100).map((id) => ["l", id]));
  });

  // ── Small help ──────────────────────────────────────────────────────────────
  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }
  for (const button of document.querySelectorAll("[data-copy]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
      button.textContent = button.dataset.done;
    });
  }
})();

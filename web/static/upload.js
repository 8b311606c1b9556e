// Lists the chosen files with their sizes before they are sent; the page works without this file.
(() => {
  "use strict";
  const field = document.getElementById("files");
  const list = document.getElementById("chosen-files");
  const most = Number(field.dataset.maxBytes);
  const size = (bytes) => new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 }).format(bytes / 1e6) + " MB";
  field.addEventListener("change", () => {
    list.replaceChildren(...[...field.files].map((file) => {
      const row = document.createElement("li");
      const isTooLarge = file.size > most;
      row.textContent = `${file.name} (${size(file.size)})` + (isTooLarge ? `: ${field.dataset.tooLarge}` : "");
      row.classList.toggle("too-large", isTooLarge);
      return row;
    }));
    list.hidden = !field.files.length;
  });
})();

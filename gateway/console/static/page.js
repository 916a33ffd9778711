"use strict";
// What every page does: on a small screen the menu unfolds by its button, and folds by Escape.
(() => {
  const button = document.getElementById("menu"), pages = document.getElementById("pages");
  if (!button || !pages) return;
  const unfold = (open) => {
    pages.classList.toggle("open", open);
    button.setAttribute("aria-expanded", String(open));
  };
  button.addEventListener("click", () => unfold(!pages.classList.contains("open")));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !pages.classList.contains("open")) return;
    unfold(false);
    button.focus();
  });
})();

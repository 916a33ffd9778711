"use strict";
// A new rule: shows what belongs to the chosen repetition, and opens the lists and templates of a type.
(() => {
  const form = document.getElementById("rule"), repeat = document.getElementById("repeat");
  const show = () => {
    for (const part of form.querySelectorAll("[data-for]"))
      part.hidden = !part.dataset.for.split(" ").includes(repeat.value);
  };
  repeat.addEventListener("change", show);
  document.getElementById("type").addEventListener("change", () => form.requestSubmit(document.getElementById("refresh")));
  show();
})();

"use strict";
// Two lists whose entries move to the other one by a double click, Enter or the buttons between them.
(() => {
  const left = document.getElementById("unassigned"), right = document.getElementById("assigned");
  if (!left || !right) return;
  const move = (from, to) => {
    const chosen = [...from.selectedOptions];
    for (const option of chosen) {
      const after = [...to.options].find((other) => other.text.localeCompare(option.text) > 0);
      to.insertBefore(option, after || null);
    }
    if (chosen.length && from.options.length) from.selectedIndex = 0;
    from.focus();
  };
  for (const [from, to] of [[left, right], [right, left]]) {
    from.addEventListener("dblclick", () => move(from, to));
    from.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      move(from, to);
    });
  }
  document.getElementById("assign").addEventListener("click", () => move(left, right));
  document.getElementById("unassign").addEventListener("click", () => move(right, left));
  right.form.addEventListener("submit", () => {
    for (const option of right.options) option.selected = true;
  });
})();

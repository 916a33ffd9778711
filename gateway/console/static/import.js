"use strict";
// Waits with the user: the bar moves, and when the work is over the page shows what became of it.
(() => {
  const busy = document.getElementById("busy"), bar = document.getElementById("bar");
  if (!busy) return;
  const look = async () => {
    try {
      const answer = await fetch(busy.dataset.src, { headers: { "X-Refresh": "1" }, credentials: "same-origin" });
      if (answer.ok) {
        const now = await answer.json();
        if (now.state !== busy.dataset.state) { location.reload(); return; }
        if (bar) bar.value = now.done;
      }
    } catch { /* the next time */ }
    setTimeout(look, 1000);
  };
  setTimeout(look, 1000);
})();

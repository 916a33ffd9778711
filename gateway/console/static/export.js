"use strict";
// Tells how far an export is, once a second, until it is over.
(() => {
  const making = document.getElementById("making");
  if (!making) return;
  const bar = document.getElementById("progress"), count = document.getElementById("count");
  const look = async () => {
    try {
      const answer = await fetch(`/exports/${making.dataset.token}/state`, { headers: { "X-Refresh": "1" } });
      if (!answer.ok) return location.reload();
      const now = await answer.json();
      if (now.over) return location.reload();
      bar.value = now.percent;
      count.textContent = String(now.count);
    } catch { /* away for a moment: asked again */ }
    setTimeout(look, 1000);
  };
  setTimeout(look, 500);
})();

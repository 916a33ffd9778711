"use strict";
// How much waits for the user, beside the entries of the menu; asked for while the page is looked at.
(() => {
  const counts = [...document.querySelectorAll("[data-waiting]")];
  if (!counts.length) return;
  const EVERY_MS = 30000;
  let timer = 0;
  const show = (waiting) => {
    for (const count of counts) {
      const number = waiting[count.dataset.waiting] || 0;
      count.hidden = !number;
      count.firstElementChild.textContent = number > 99 ? "99+" : String(number);
    }
  };
  const look = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch("/me/waiting", { headers: { "X-Refresh": "1" } });
      if (answer.ok) show(await answer.json());
      else if (answer.status === 401) clearInterval(timer); // signed out: what is typed stays on the page
    } catch { /* the gateway is away: the next look tells */ }
  };
  timer = setInterval(look, EVERY_MS);
  document.addEventListener("visibilitychange", look);
  look();
})();

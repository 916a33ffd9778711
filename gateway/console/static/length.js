"use strict";
// Says under the field how many texts the networks will count.
(() => {
  const field = document.getElementById("body"), told = document.getElementById("length");
  if (!field || !told) return;
  const first = told.textContent, WAIT_MS = 250;
  let timer = 0, asked = 0;
  const say = (found) => {
    const words = found.segments === 1 ? told.dataset.one : told.dataset.more.replace("{n}", found.segments);
    const dear = found.foreign && found.plain_segments < found.segments
      ? ", " + told.dataset.foreign.replace("{c}", found.foreign).replace("{m}", found.plain_segments) : "";
    told.textContent = words + dear;
  };
  const count = async () => {
    const mine = ++asked;
    if (!field.value.trim()) { told.textContent = first; return; }
    const headers = { "Content-Type": "application/json", "X-CSRF-Token": document.body.dataset.csrf };
    try {
      const answer = await fetch("/api/texts/length", { method: "POST", headers, body: JSON.stringify({ body: field.value }) });
      const found = await answer.json();
      if (mine !== asked) return;
      if (answer.ok) say(found); else told.textContent = found.error || first;
    } catch { /* the gateway is away: it is counted when it is sent */ }
  };
  field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(count, WAIT_MS); });
  count();
})();

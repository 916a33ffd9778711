"use strict";
// The states of lines, and how far the doctor is, are asked for again while the page is looked at.
(() => {
  const LINES_MS = 2000, DOCTOR_MS = 700;
  const lines = document.getElementById("lines"), progress = document.getElementById("progress");

  const ask = async (path) => {
    const answer = await fetch(path, { headers: { "X-Refresh": "1" } });
    if (answer.status === 401) location.reload();
    if (!answer.ok) throw new Error(answer.status);
    return answer.json();
  };
  const every = (milliseconds, work) => setInterval(async () => {
    if (document.hidden) return;
    try { await work(); } catch { /* asked again */ }
  }, milliseconds);

  if (lines) every(LINES_MS, async () => {
    const { cells, tones, shape } = await ask("/lines/now");
    if (shape !== lines.dataset.shape) {
      if (!lines.querySelector("details[open]")) location.replace("/lines");
      return;
    }
    for (const [id, text] of Object.entries(cells)) {
      const cell = document.getElementById(id);
      if (cell && cell.textContent !== text) cell.textContent = text;
    }
    for (const [id, tone] of Object.entries(tones)) {
      const chip = document.getElementById(id);
      if (chip) chip.className = `chip ${tone}`;
    }
  });
  if (progress) every(DOCTOR_MS, async () => {
    const now = await ask("/doctor/now");
    if (!now.running) location.replace("/doctor");
    progress.max = now.of || 1;
    progress.value = now.done;
  });
})();

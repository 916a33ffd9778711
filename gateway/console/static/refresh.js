"use strict";
// Fetches parts of a page again while somebody looks: an element with data-refresh (seconds) and data-src.
(() => {
  const policy = window.trustedTypes
    ? window.trustedTypes.createPolicy("ringwell-part", { createHTML: (text) => text })
    : { createHTML: (text) => text };

  const refresh = async (id) => {
    const ours = document.getElementById(id);
    if (!ours || document.hidden || ours.contains(document.activeElement)) return;
    try {
      const answer = await fetch(ours.dataset.src, { headers: { "X-Refresh": "1" }, credentials: "same-origin" });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(policy.createHTML(await answer.text()), "text/html");
      const theirs = fresh.getElementById(id);
      if (theirs) ours.replaceWith(document.importNode(theirs, true));
    } catch { /* the next time */ }
  };
  for (const part of document.querySelectorAll("[data-refresh]")) {
    const id = part.id;
    setInterval(() => refresh(id), 1000 * Number(part.dataset.refresh));
  }
})();

"use strict";
// What was typed into a form survives a reload, a restart of the gateway and a lost connection.
(() => {
  const SENT = "draft sent";
  // The page after a form that was taken says so, whichever page that is.
  if (document.querySelector(".done")) sessionStorage.removeItem(sessionStorage.getItem(SENT) || "");
  sessionStorage.removeItem(SENT);
  for (const form of document.querySelectorAll("form[data-draft]")) {
    const key = "draft " + form.dataset.draft;
    const fields = () => [...form.elements].filter((one) => one.name && one.type !== "hidden" && one.type !== "submit" && one.type !== "file");
    const isTick = (one) => one.type === "checkbox" || one.type === "radio";
    const keep = () => {
      const typed = fields().map((one) => [one.name, one.value, isTick(one) ? one.checked : null]);
      sessionStorage.setItem(key, JSON.stringify(typed));
    };
    const restore = (typed) => {
      for (const one of fields()) {
        const found = typed.find(([name, value, ticked]) => name === one.name && (ticked === null || value === one.value));
        if (!found) continue;
        if (isTick(one)) one.checked = found[2];
        else one.value = found[1];
      }
    };
    const kept = sessionStorage.getItem(key);
    // A page that tells of what is wrong has what was typed already.
    if (kept && !document.querySelector(".wrong")) restore(JSON.parse(kept));
    form.addEventListener("input", keep);
    form.addEventListener("change", keep);
    form.addEventListener("submit", () => sessionStorage.setItem(SENT, key));
  }
})();

"use strict";
// Messaging: place holders go where the cursor is, people and preview follow what is typed, drafts are kept.
(() => {
  const policy = window.trustedTypes
    ? window.trustedTypes.createPolicy("ringwell", { createHTML: (text) => text })
    : { createHTML: (text) => text };
  const parsed = (text) => new DOMParser().parseFromString(policy.createHTML(text), "text/html");
  const put = (fresh, id) => {
    const ours = document.getElementById(id), theirs = fresh.getElementById(id);
    if (ours && theirs) ours.replaceWith(document.importNode(theirs, true));
  };
  const form = () => document.getElementById("compose");
  const forgotten = document.querySelector("[data-forget]");
  if (forgotten) sessionStorage.removeItem("draft:" + forgotten.dataset.forget);

  // A plan under way: looked at every second until it is made.
  const poll = async () => {
    if (!document.querySelector("#progress[data-poll]")) return;
    try {
      const answer = await fetch(location.pathname, { headers: { "X-Refresh": "1" } });
      if (answer.status === 401) return location.assign("/sign-in");
      if (answer.ok) put(parsed(await answer.text()), "progress");
    } catch { /* away for a moment: asked again */ }
    setTimeout(poll, 1000);
  };
  if (document.querySelector("#progress[data-poll]")) setTimeout(poll, 500);
  if (!form()) return;

  let asked = 0, timer = 0, last = null;
  const text = (element) => element && element.matches("[data-text]");
  const data = (submitter) => {
    const found = new URLSearchParams(new FormData(form()));
    if (submitter && submitter.name) found.append(submitter.name, submitter.value);
    return found;
  };

  // `parts`: the ids that are replaced; null: everything, as after another type or template.
  const look = async (parts, submitter) => {
    clearTimeout(timer);
    const mine = ++asked;
    const where = (submitter && submitter.getAttribute("formaction")) || "/messaging";
    const only = parts ? { "X-Part": parts.includes("people") ? "people" : "preview" } : {};
    let fresh;
    try {
      const answer = await fetch(where, { method: "POST", body: data(submitter), headers: only });
      if (answer.status === 401) return location.assign("/sign-in");
      fresh = parsed(await answer.text());
    } catch { return; }
    if (mine !== asked || !fresh.getElementById("compose")) return;
    if (parts) return parts.forEach((id) => put(fresh, id));
    const focused = document.activeElement && document.activeElement.id;
    for (const id of ["told", "compose", "people"]) put(fresh, id);
    last = null;
    keep();
    document.getElementById(focused)?.focus({ preventScroll: true });
    if (fresh.querySelector("#told > *")) document.getElementById("told").scrollIntoView({ block: "nearest" });
  };

  const keep = () => {
    const kept = {};
    for (const element of form().elements)
      if (element.name && element.name !== "csrf" && element.tagName !== "BUTTON" && element.type !== "radio")
        kept[element.name] = element.type === "checkbox" ? element.checked : element.value;
    kept.channel = form().elements.channel.value;
    sessionStorage.setItem("draft:" + form().dataset.draft, JSON.stringify(kept));
  };

  const method = () => {
    const chosen = form().querySelector("[name=channel]:checked");
    document.getElementById("send").textContent = chosen.dataset.send;
    for (const details of form().querySelectorAll("details.method"))
      details.open = details.dataset.channel === chosen.value;
  };

  document.addEventListener("focusin", (event) => { if (text(event.target)) last = event.target; });
  document.addEventListener("input", (event) => {
    if (!form().contains(event.target)) return;
    keep();
    if (!text(event.target)) return;
    clearTimeout(timer);
    timer = setTimeout(() => look(["preview"]), 600);
  });
  document.addEventListener("change", (event) => {
    const element = event.target;
    if (!form().contains(element)) return;
    keep();
    if (element.name === "channel") method();
    if ("open" in element.dataset) look(null);
    else if ("look" in element.dataset) look(["who", "people", "preview"]);
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.insert) {
      const box = place(button.dataset.only);
      if (!box) return;
      box.focus();
      box.setRangeText(button.dataset.insert, box.selectionStart, box.selectionEnd, "end");
      box.dispatchEvent(new Event("input", { bubbles: true }));
    } else if ("whole" in button.dataset || button.id === "open-template" || button.id === "over") {
      event.preventDefault();
      look(null, button);
    } else if ("sample" in button.dataset) {
      event.preventDefault();
      button.disabled = true;
      look(["preview"], button);
    }
  });

  const place = (only) => {
    const visible = (box) => box && box.isConnected && box.closest("details").open;
    const fits = (box) => visible(box) && (!only || box.closest("details").dataset.channel === only);
    if (fits(last)) return last;
    return [...form().querySelectorAll("textarea[data-text], input[data-text]")].filter((box) => box.tagName === "TEXTAREA").find(fits);
  };

  // What was typed before a reload is put back; then everything is looked at again.
  const restore = () => {
    const kept = JSON.parse(sessionStorage.getItem("draft:" + form().dataset.draft) || "null");
    if (!kept || document.querySelector("#told > *")) return;
    const body = new URLSearchParams();
    body.set("csrf", document.body.dataset.csrf);
    for (const [name, value] of Object.entries(kept)) if (value !== false) body.append(name, value === true ? "1" : value);
    fetch("/messaging", { method: "POST", body }).then((answer) => answer.text()).then((answer) => {
      const fresh = parsed(answer);
      if (!fresh.getElementById("compose")) return;
      for (const id of ["told", "compose", "people"]) put(fresh, id);
    }).catch(() => {});
  };
  if (performance.getEntriesByType("navigation")[0]?.type === "reload") restore();
  else if ("more" in document.getElementById("who").dataset) look(["who", "people"]);
})();

"use strict";
// Keeps a page current: one WebSocket, cells replaced one by one, the page fetched again when its shape changes.
(() => {
  const body = document.body;
  const marker = document.getElementById("live");
  for (const details of document.querySelectorAll("details"))
    window.addEventListener("beforeprint", () => { details.open = true; });
  if (!body.dataset.live || !marker) return;

  // The one place where text becomes elements: pages of our own server, which escapes what it shows.
  const policy = window.trustedTypes
    ? window.trustedTypes.createPolicy("ringwell", { createHTML: (text) => text })
    : { createHTML: (text) => text };
  const ATTRIBUTES = ["x", "y", "width", "height"];
  const REFETCH_MS = 2000, REFRESH_MS = 30000, HERE_MS = 30000;
  let socket = null, tries = 0, timer = 0, refetching = 0, fetchedAt = Date.now(), saidAt = 0;

  const say = (word, state) => {
    marker.className = "live " + state;
    if (marker.textContent !== word) marker.textContent = word;
  };

  const flash = (element) => {
    const row = element.closest("tr, .tile");
    if (!row) return;
    row.classList.remove("flash");
    void row.getBoundingClientRect(); // restarts the animation
    row.classList.add("flash");
  };

  const put = (element, text) => {
    if (element.textContent === text) return;
    element.textContent = text;
    flash(element);
  };

  const patch = (cells) => {
    for (const [key, value] of Object.entries(cells)) {
      const [id, attribute] = key.split("@");
      const element = document.getElementById(id);
      if (!element) continue;
      if (!attribute) put(element, value);
      else if (ATTRIBUTES.includes(attribute)) element.setAttribute(attribute, value);
    }
  };

  const merge = (text) => {
    const fresh = new DOMParser().parseFromString(policy.createHTML(text), "text/html");
    const theirs = fresh.getElementById("board"), ours = document.getElementById("board");
    if (!theirs || !ours) return;
    if ("keep" in ours.dataset) {
      // Never re-sorted under the reader: known rows change in place, new ones are offered.
      for (const cell of theirs.querySelectorAll("[data-cell]")) {
        const known = document.getElementById(cell.id);
        if (!known) continue;
        known.className = cell.className;
        put(known, cell.textContent);
      }
      const first = theirs.dataset.first;
      if (ours.dataset.first && first && Number(first) > Number(ours.dataset.first))
        document.getElementById("fresh").hidden = false;
    } else if (theirs.dataset.shape !== ours.dataset.shape || body.dataset.live === "cells") {
      const focused = document.activeElement && document.activeElement.id;
      const open = [...ours.querySelectorAll("details[open]")].map((details) => details.id);
      ours.replaceWith(document.importNode(theirs, true));
      for (const id of open) document.getElementById(id)?.setAttribute("open", "");
      if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    }
  };

  const refetch = () => {
    if (refetching) return;
    const wait = Math.max(0, fetchedAt + REFETCH_MS - Date.now());
    refetching = setTimeout(async () => {
      try {
        const answer = await fetch(location.href, { headers: { "X-Refresh": "1" } });
        if (answer.status === 401) return location.assign("/sign-in");
        if (answer.ok) merge(await answer.text());
      } catch { /* the socket's own reconnecting says that the gateway is away */ }
      fetchedAt = Date.now();
      refetching = 0;
    }, wait);
  };

  const hear = (message) => {
    if (message.away) return say(body.dataset.liveAway, "waiting");
    say(body.dataset.liveOn, "on");
    if (body.dataset.live === "page") return refetch();
    const board = document.getElementById("board");
    if (board.dataset.shape === message.shape) patch(message.cells);
    else refetch();
  };

  const connect = () => {
    clearTimeout(timer);
    if (document.hidden || socket) return;
    const scheme = location.protocol === "https:" ? "wss://" : "ws://";
    const mine = socket = new WebSocket(scheme + location.host + "/live");
    mine.onopen = () => {
      if (tries) refetch();
      tries = 0;
    };
    mine.onmessage = (event) => hear(JSON.parse(event.data));
    mine.onclose = (event) => {
      if (socket !== mine) return;
      socket = null;
      if (event.code === 1008) return location.assign("/sign-in");
      if (document.hidden) return;
      say(body.dataset.liveAgain, "waiting");
      tries += 1;
      timer = setTimeout(connect, Math.min(10000, 400 * 2 ** Math.min(tries, 5)) * (0.75 + Math.random() / 2));
    };
  };

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) {
      tries = Math.max(tries, 1); // fetched again: much may have happened meanwhile
      return connect();
    }
    const old = socket;
    socket = null;
    if (old) old.close();
  });
  for (const sign of ["pointerdown", "keydown"])
    document.addEventListener(sign, () => {
      if (!socket || socket.readyState !== WebSocket.OPEN || Date.now() < saidAt + HERE_MS) return;
      saidAt = Date.now();
      socket.send("here");
    });
  if (body.dataset.live === "page")
    setInterval(() => { if (socket && !document.hidden) refetch(); }, REFRESH_MS);
  say(body.dataset.liveFirst, "waiting");
  connect();
})();

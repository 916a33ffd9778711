"use strict";
// Records in the browser: the microphone as a WAV file, sent when it is stopped, kept as a draft.
(() => {
  const box = document.getElementById("recorder");
  if (!box) return;
  const find = (id) => document.getElementById(id);
  const start = find("record"), stop = find("stop"), clock = find("clock"), level = find("level"), said = find("recorder-said");
  let context = null, stream = null, parts = [], samples = 0;

  const wav = (rate) => {
    const bytes = new DataView(new ArrayBuffer(44 + samples * 2));
    const text = (at, word) => [...word].forEach((c, n) => bytes.setUint8(at + n, c.charCodeAt(0)));
    text(0, "RIFF"); bytes.setUint32(4, 36 + samples * 2, true); text(8, "WAVEfmt ");
    bytes.setUint32(16, 16, true); bytes.setUint16(20, 1, true); bytes.setUint16(22, 1, true);
    bytes.setUint32(24, rate, true); bytes.setUint32(28, rate * 2, true);
    bytes.setUint16(32, 2, true); bytes.setUint16(34, 16, true);
    text(36, "data"); bytes.setUint32(40, samples * 2, true);
    let at = 44;
    for (const part of parts) for (const value of part) {
      bytes.setInt16(at, Math.max(-1, Math.min(1, value)) * 32767, true);
      at += 2;
    }
    return new Blob([bytes], { type: "audio/wav" });
  };

  const end = async () => {
    stop.disabled = true;
    for (const track of stream.getTracks()) track.stop();
    const rate = context.sampleRate;
    await context.close();
    const form = new FormData();
    form.append("file", wav(rate), "recording.wav");
    form.append("language", find("record-language").value);
    form.append("draft", "1");
    said.textContent = box.dataset.sending;
    try {
      const answer = await fetch(box.dataset.action, { method: "POST", body: form, headers: { "X-CSRF-Token": document.body.dataset.csrf } });
      if (answer.redirected) return location.assign(answer.url);
      const told = new DOMParser().parseFromString(policy.createHTML(await answer.text()), "text/html").querySelector(".wrong");
      said.textContent = told ? told.textContent : box.dataset.lost;
    } catch { said.textContent = box.dataset.lost; }
    start.disabled = false;
  };

  const policy = window.trustedTypes
    ? window.trustedTypes.createPolicy("ringwell-part", { createHTML: (text) => text })
    : { createHTML: (text) => text };

  const hear = (part) => {
    parts.push(part);
    samples += part.length;
    level.value = part.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const seconds = samples / context.sampleRate;
    clock.textContent = Math.floor(seconds) + " s";
    if (seconds >= Number(box.dataset.most) && !stop.disabled) end();
  };

  start.addEventListener("click", async () => {
    start.disabled = true;
    said.textContent = "";
    parts = [];
    samples = 0;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: false, autoGainControl: false } });
      context = new AudioContext();
      await context.audioWorklet.addModule(box.dataset.worklet);
      const node = new AudioWorkletNode(context, "recorder");
      node.port.onmessage = (event) => { if (!stop.disabled) hear(event.data); };
      context.createMediaStreamSource(stream).connect(node);
      stop.disabled = false;
      said.textContent = box.dataset.running;
      stop.focus();
    } catch {
      said.textContent = box.dataset.away;
      start.disabled = false;
    }
  });
  stop.addEventListener("click", end);
})();

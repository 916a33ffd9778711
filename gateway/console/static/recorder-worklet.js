"use strict";
// Hands what the microphone hears to the page, one channel, as it comes.
registerProcessor("recorder", class extends AudioWorkletProcessor {
  process(inputs) {
    const [channel] = inputs[0];
    if (channel) this.port.postMessage(channel.slice());
    return true;
  }
});

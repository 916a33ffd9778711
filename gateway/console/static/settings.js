"use strict";
// The table of settings follows what is typed; the address follows too, so that a reload shows the same.
(() => {
  const field = document.getElementById("word"), none = document.getElementById("none");
  if (!field || !none) return;
  const plain = (text) => text.toLocaleLowerCase();
  const topics = [...document.querySelectorAll(".topic")].map((topic) => ({
    topic,
    rows: [...topic.querySelectorAll("tbody tr")].map((row) => ({
      row, words: plain(`${topic.dataset.words} ${topic.querySelector("h2").textContent} ${row.textContent}`),
    })),
  }));
  const show = () => {
    const word = plain(field.value.trim());
    let any = false;
    for (const { topic, rows } of topics) {
      let some = false;
      for (const { row, words } of rows) some = !(row.hidden = !words.includes(word)) || some;
      topic.hidden = !some;
      any = any || some;
    }
    none.hidden = any;
  };
  field.addEventListener("input", () => {
    show();
    const address = new URL(location.href);
    field.value.trim() ? address.searchParams.set("word", field.value.trim()) : address.searchParams.delete("word");
    history.replaceState(null, "", address);
  });
})();

// Countdown, polling and copy buttons. Every page works without this file.
"use strict";
const say = (text) => { document.querySelector("[data-live-region]").textContent = text; };
const clock = (s) => `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
// <span role="timer" data-countdown="872">: seconds left; a frozen sandbox clock simply omits it.
for (const timer of document.querySelectorAll("[data-countdown]")) {
  const end = performance.now() + Number(timer.dataset.countdown) * 1000;
  const gauge = document.querySelector(`[data-gauge="${timer.id}"]`);
  const tick = setInterval(() => {
    const left = Math.max(0, Math.round((end - performance.now()) / 1000));
    timer.textContent = clock(left);
    if (gauge) {
      gauge.setAttribute("stroke-dasharray", `${(100 * left) / gauge.dataset.total} 100`);
    }
    if (left === 120) say("Two minutes left");
    if (left === 0) clearInterval(tick);
  }, 1000);
}

// data-poll="URL" data-version="7" data-every="2": reload once the JSON's version differs, unless
// a listener of the "news" event that it is told by then prevents that.
const polled = document.querySelector("[data-poll]");
if (polled) {
  let etag = "";
  const ask = async () => {
    try {
      const headers = { "If-None-Match": etag };
      const answer = await fetch(polled.dataset.poll, { headers, cache: "no-store" });
      if (answer.status === 200) {
        etag = answer.headers.get("ETag") || "";
        const { version, state } = await answer.json();
        if (String(version) !== polled.dataset.version) {
          const news = new CustomEvent("news", { cancelable: true, detail: String(version) });
          if (polled.dispatchEvent(news)) { say(`Now ${state}`); location.reload(); return; }
        }
      }
    } catch { /* the server is away for a moment; the next round asks again */ }
    setTimeout(ask, Number(polled.dataset.every || 2) * 1000);
  };
  setTimeout(ask, 1000);
}

// <button data-copy="ID" hidden>: copies the text of that element.
for (const button of document.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
  button.querySelector("span").textContent = "Copied";
  say("Copied");
});
const search = document.querySelector("input[type=search]");
if (search) document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.target.matches("input, textarea, select")) {
    event.preventDefault(); search.focus();
  }
});

// A form is sent once: its buttons are disabled until the answer is there, or the page is shown again.
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", () => setTimeout(() => {
    for (const button of form.querySelectorAll("button")) {
      if (button.disabled) continue;
      button.disabled = true;
      button.dataset.busy = "";
    }
  }));
}
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("[data-busy]")) {
    button.disabled = false;
    delete button.dataset.busy;
  }
});

// 3-D Secure and one-time codes. Every page works without this file.
"use strict";
const one = (query) => document.querySelector(query);
// A form that leads on by itself, and the way out of a frame.
const send = one("form[data-send]");
if (send) send.submit();
if (document.body.dataset.out) window.top.location.replace(document.body.dataset.out);
if ("seen" in document.body.dataset) window.parent.postMessage("seen", location.origin);

// What only a script knows of the browser, for the issuer: it may show its page in a frame.
for (const field of document.querySelectorAll("[data-window]")) field.value = "01";
for (const field of document.querySelectorAll("[data-browser]")) {
  const { colorDepth, height, width } = screen;
  field.value = [colorDepth, height, width, new Date().getTimezoneOffset()].join();
}

// The bank's page in a frame; the button stays for whoever wants it whole.
const frame = one("[data-frame]");
if (frame) {
  frame.hidden = false;
  const full = one("[data-full]");
  full.classList.remove("btn-primary");
  full.textContent = "Open the bank’s page by itself";
  // As tall as the bank's page, so that one scroll bar is enough.
  const inner = frame.querySelector("iframe");
  inner.addEventListener("load", () => {
    const fit = () => { inner.style.height = `${inner.contentDocument.body.scrollHeight + 4}px`; };
    if (inner.contentDocument) new ResizeObserver(fit).observe(inner.contentDocument.body);
  });
  frame.querySelector("form").submit();
}

// The issuer looks at the browser (method URL); after some seconds nobody waits for it.
const method = one("[data-method]");
if (method) {
  const asks = one("form[data-asks]");
  let gone = false;
  const ask = (done) => {
    if (gone) return;
    gone = true;
    asks.elements.comp_ind.value = done;
    asks.submit();
  };
  window.addEventListener("message", (event) => {
    if (event.origin === location.origin && event.data === "seen") ask("Y");
  });
  setTimeout(() => ask("N"), Number(method.dataset.method) * 1000);
  method.submit();
}

// <button data-wait="18">Send again<span> in 0:18</span>: cannot be pressed until then.
for (const button of document.querySelectorAll("[data-wait]")) {
  const end = performance.now() + Number(button.dataset.wait) * 1000;
  const rest = button.querySelector("span");
  button.disabled = true;
  const tick = setInterval(() => {
    const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
    rest.textContent = left ? ` in ${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}` : "";
    if (!left) { button.disabled = false; clearInterval(tick); }
  }, 500);
}

// Filters and the seller switch apply themselves, the search of scenarios while one types; the clock runs, rows
// change in place. Without this file a button applies, the clock stands, and a link shows what is new.
"use strict";

for (const form of document.querySelectorAll("form[data-submit]")) {
  const button = form.querySelector("button[type=submit]");
  button.hidden = true;
  for (const select of form.querySelectorAll("select")) {
    // Arrow keys change a closed list at every step, so by keyboard the button comes back instead.
    let byKeyboard = false;
    select.addEventListener("keydown", () => { byKeyboard = true; });
    select.addEventListener("pointerdown", () => { byKeyboard = false; });
    select.addEventListener("change", () => {
      if (byKeyboard) button.hidden = false;
      else form.requestSubmit();
    });
  }
}

const narrow = document.querySelector("[data-narrow]");
if (narrow) {
  const groups = [...document.querySelectorAll("details.group")];
  narrow.addEventListener("input", () => {
    const words = narrow.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const group of groups) {
      const head = group.querySelector("summary").textContent;
      let left = 0;
      for (const line of group.querySelectorAll("li")) {
        const text = `${head} ${line.textContent}`.toLowerCase();
        line.hidden = !words.every((word) => text.includes(word));
        left += !line.hidden;
      }
      // Of groups with one name only one can be open.
      group.name = words.length ? "" : "group";
      group.open = words.length > 0 && left > 0;
      group.closest("section").hidden = !left;
    }
  });
}

// <time data-clock="MS">: the sandbox's running clock; a frozen one omits it. India has no summer time.
const INDIA = 5.5 * 3600 * 1000;
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
for (const face of document.querySelectorAll("[data-clock]")) {
  const ahead = Number(face.dataset.clock) - performance.now();
  setInterval(() => {
    const [date, time] = new Date(ahead + performance.now() + INDIA).toISOString().split("T");
    const [year, month, day] = date.split("-").map(Number);
    face.textContent = `${day} ${MONTHS[month - 1]} ${year}, ${time.slice(0, 8)} IST`;
  }, 1000);
}

// A list: [data-rows] holds rows named by data-row. Once there are news the page is read again and each row that
// differs is replaced. New rows wait behind a link while the pointer or the focus is among the others.
const list = document.querySelector("[data-rows]");
// The whole table: the link that offers new rows moves them away from below the pointer.
const table = list?.closest("table") ?? list;
const offer = document.querySelector("[data-new]");
const named = (place) => new Map([...place.children].map((row) => [row.dataset.row, row]));

// What the server said of a row, but for its age and for what scripts and readers do to it.
function content(row) {
  const copy = row.cloneNode(true);
  for (const part of copy.querySelectorAll("time")) part.remove();
  for (const part of copy.querySelectorAll("[open], [hidden]")) {
    part.removeAttribute("open");
    part.removeAttribute("hidden");
  }
  return copy.innerHTML;
}

function replaceRow(old, row) {
  const open = [...old.querySelectorAll("details")].map((fold) => fold.open);
  row.querySelectorAll("details").forEach((fold, place) => { fold.open = open[place] ?? fold.open; });
  const address = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  row.classList.toggle("changed", content(old) !== content(row));
  old.replaceWith(row);
  if (address) [...row.querySelectorAll("a")].find((link) => link.getAttribute("href") === address)?.focus();
}

function showRows(fresh) {
  const [old, now] = [named(list), named(fresh)];
  const busy = table.matches(":hover") || list.contains(document.activeElement);
  const added = [...now.keys()].filter((name) => !old.has(name)).length;
  for (const button of fresh.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
  offer.hidden = !(added && busy);
  offer.textContent = `${added} new`;
  for (const [name, row] of now) if (old.has(name)) replaceRow(old.get(name), row);
  if (!offer.hidden) return;
  for (const [name, row] of now) row.classList.toggle("changed", row.classList.contains("changed") || !old.has(name));
  list.replaceChildren(...now.values());
}

async function look() {
  const answer = await fetch(location.href, { cache: "no-store" }).catch(() => null);
  if (!answer?.ok) return; // the server is away for a moment; the next news ask again
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("[data-rows]");
  if (!list || !fresh) { location.reload(); return; }
  document.body.dataset.version = page.body.dataset.version;
  showRows(fresh);
  for (const place of ["nav.tabs", "figure", ".side"]) {
    const [shown, other] = [document.querySelector(place), page.querySelector(place)];
    if (shown && other && !shown.contains(document.activeElement)) shown.replaceWith(other);
  }
}

if (offer) {
  offer.hidden = true;
  document.body.addEventListener("news", (event) => { event.preventDefault(); look(); });
  table?.addEventListener("mouseleave", () => { if (!offer.hidden) look(); });
}

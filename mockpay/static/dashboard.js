// Filters and the seller switch apply themselves, the search of scenarios while one types; without
// this file their button does.
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

// Filters and the seller switch apply themselves; without this file their button does.
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

// Narrows the list of banks while typing, and names the chosen bank on the button.
"use strict";
const list = document.querySelector("[data-banks]");
const button = list.querySelector("[data-label]");
const find = document.querySelector(".find input");
const name = () => {
  const chosen = list.querySelector("input[type=radio]:checked");
  if (chosen) button.textContent = button.dataset.label + chosen.dataset.name;
};
list.addEventListener("change", name);
name();
find.addEventListener("input", () => {
  const word = find.value.trim().toLowerCase();
  for (const row of list.querySelectorAll("[data-bank]")) {
    row.hidden = !row.dataset.bank.includes(word) && !row.querySelector(":checked");
  }
  for (const more of list.querySelectorAll("details")) {
    if (word) more.open = true;
    more.hidden = !more.querySelector("[data-bank]:not([hidden])");
  }
});

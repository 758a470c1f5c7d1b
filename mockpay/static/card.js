// Names the card's network while its number is typed. The form works without this file.
"use strict";
const number = document.querySelector("input[name=number]");
const network = document.querySelector("[data-networks]");
const ranges = JSON.parse(network.dataset.networks);
const brand = () => {
  const digits = number.value.replace(/[ -]/g, "").slice(0, 6);
  if (!/^[0-9]+$/.test(digits)) return "";
  const from = Number(digits.padEnd(6, "0")), to = Number(digits.padEnd(6, "9"));
  const names = new Set(ranges.filter(([low, high]) => low <= to && from <= high).map((range) => range[2]));
  if (digits.length === 6) return [...names][0] || "";
  return names.size === 1 ? [...names][0] : "";
};
const tell = () => { const name = brand(); if (network.textContent !== name) network.textContent = name; };
number.addEventListener("input", tell);
tell();

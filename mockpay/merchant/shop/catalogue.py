"""What the demo shop pretends to sell."""

from __future__ import annotations

from dataclasses import dataclass

from mockpay.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Thing:
    """Something in the catalogue; `picture` names a drawing in the templates."""

    sku: str
    title: str
    about: str
    price: Money
    picture: str


CATALOGUE = (
    Thing("bell", "Brass bell", "Rings twice", Money(499_00), "bell"),
    Thing("pannier", "Pannier, 20 litres", "Waxed canvas, left side", Money(1_499_00), "pannier"),
    Thing("tourer", "Nilgiri Tourer", "Steel frame, eight gears", Money(24_999_00), "bicycle"),
)

_BY_SKU = {thing.sku: thing for thing in CATALOGUE}


def thing(sku: str) -> Thing | None:
    """Look a thing up by its stock number."""
    return _BY_SKU.get(sku)

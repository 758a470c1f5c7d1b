"""What the demo shop pretends to sell."""

from __future__ import annotations

from dataclasses import dataclass

from mockpay.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Product:
    """A product of the catalogue; `picture` names a drawing in the templates."""

    sku: str
    title: str
    about: str
    price: Money
    picture: str


CATALOGUE = (
    Product("bell", "Brass bell", "Rings twice", Money(499_00), "bell"),
    Product("pannier", "Pannier, 20 litres", "Waxed canvas, left side", Money(1_499_00), "pannier"),
    Product("tourer", "Nilgiri Tourer", "Steel frame, eight gears", Money(24_999_00), "bicycle"),
)

_BY_SKU = {product.sku: product for product in CATALOGUE}


def find_product(sku: str) -> Product | None:
    """Look a product up by its stock number."""
    return _BY_SKU.get(sku)

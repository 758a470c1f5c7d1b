"""Instruments as a tester names them: published test cards, UPI IDs, banks, balances."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

from msgspec import Meta, Struct

from mockpay.domain import wallet
from mockpay.domain.methods import cards, netbanking, upi
from mockpay.domain.methods.instruments import Card, Instrument, NetBanking, Upi, Wallet
from mockpay.kernel.errors import Invalid
from mockpay.services.wallet import parse_email

#: A card that is named here was never typed by a buyer; its form wants some CVV all the same.
_USUAL_CVV = 3


class InstrumentParts(Struct, forbid_unknown_fields=True, kw_only=True):
    """What an instrument is made of; each method has parts of its own."""

    number: Annotated[str | None, Meta(description="card: of a published test card.")] = None
    expiry: Annotated[str | None, Meta(description="card: as `08/29`.")] = None
    name: Annotated[str | None, Meta(description="card: as it is on the card.")] = None
    vpa: Annotated[str | None, Meta(description="upi: the UPI ID.")] = None
    bank: Annotated[str | None, Meta(description="netbanking: the bank's code.")] = None
    email: Annotated[str | None, Meta(description="The buyer's e-mail; wallet: whose it is.")] = None


def instrument(method: str, parts: InstrumentParts, now: int) -> Instrument:
    """
    The instrument of a method.

    Raises:
        Invalid: with the `field` that is missing or wrong; code ``test_card_required`` for a
            card that is on no list of test cards.
    """
    return _READ[method](parts, now)


def _card(parts: InstrumentParts, now: int) -> Card:
    number = parts.number or ""
    brand = cards.brand_of("".join(filter(str.isdecimal, number)))
    cvv = "0" * (brand.cvv if brand else _USUAL_CVV)
    typed = cards.typed(number=number, expiry=parts.expiry or "", cvv=cvv, name=parts.name or "", now=now)
    return Card(typed)


def _upi(parts: InstrumentParts, _now: int) -> Upi:
    return Upi(upi.vpa(parts.vpa) if parts.vpa else None)


def _netbanking(parts: InstrumentParts, _now: int) -> NetBanking:
    if parts.bank is None or parts.bank not in netbanking.BY_CODE:
        message = "A bank is named by its code, as GET .../methods lists them."
        raise Invalid(message, code="bank.unknown", field="bank")
    return NetBanking(parts.bank)


def _wallet(parts: InstrumentParts, _now: int) -> Wallet:
    return Wallet(parse_email(parts.email or ""))


_READ: Mapping[str, Callable[[InstrumentParts, int], Instrument]] = {
    cards.METHOD: _card,
    upi.METHOD: _upi,
    netbanking.METHOD: _netbanking,
    wallet.METHOD: _wallet,
}

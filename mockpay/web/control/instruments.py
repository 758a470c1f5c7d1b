"""Instruments as a tester names them: published test cards, UPI IDs, banks, balances."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, to_builtins

from mockpay.domain.methods.method import Instrument
from mockpay.domain.methods.registry import METHODS


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
    given = {name: value for name, value in to_builtins(parts).items() if value is not None}
    return METHODS[method].read(given, now, None)

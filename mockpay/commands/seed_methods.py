"""Saved methods as a seed file names them: what of each is sealed has a stand-in that is shown alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mockpay.domain.methods.cards import Card, brand_of, restore_card
from mockpay.domain.methods.netbanking import NetBanking
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.methods.upi import Upi
from mockpay.domain.scenarios.resolution import TABLE, Input
from mockpay.kernel.clock import indian, parse_time
from mockpay.vault.rules import mask_address, split_instrument

_LIVE = frozenset({"ACTIVE", "SUSPENDED"})
#: A saved card has no name, and the seed file wants one.
_NAME = "Card Holder"


def seed_methods(email: str, methods: list[Mapping[str, Any]], left_out: list[str]) -> Iterator[dict[str, Any]]:
    """
    A buyer's methods as tables of `[[sellers.buyers.methods]]`, the default first and then the oldest.

    Args:
        methods: As the control API lists them.
        left_out: Takes a line for each that has no stand-in.
    """
    for method in [*methods[:1], *reversed(methods[1:])]:
        if method["status"] not in _LIVE:
            continue
        parts = _parts(method)
        if parts is None:
            left_out.append(f"{METHODS[method['kind']].shown_saved(method['display'])} of {email}")
            continue
        table = {"kind": method["kind"], **parts}
        table |= {"nickname": method["nickname"]} if method["nickname"] else {}
        yield table | ({"suspended": True} if method["status"] == "SUSPENDED" else {})


def _parts(method: Mapping[str, Any]) -> dict[str, str] | None:
    display = method["display"]
    if method["kind"] == NetBanking.method:
        return {"bank": display["bank"]}
    if method["kind"] == Upi.method:
        vpa = _vpa(display["vpa"])
        return {"vpa": vpa} if vpa else None
    if method["kind"] == Card.method:
        number = _number(display)
        # The instant after a card's last day.
        last = indian(parse_time(method["expires_at"]) - 1)
        return {"number": number, "expiry": f"{last:%m/%y}", "name": _NAME} if number else None
    return None


def _vpa(shown: str) -> str | None:
    """The magic UPI ID that is shown so, or an ordinary one where none is; None for one of several."""
    magic = {row.equals for row in TABLE if row.input == Input.VPA and mask_address(row.equals) == shown}
    if magic:
        return magic.pop() if len(magic) == 1 else None
    return shown.replace("****", "x")


def _number(shown: Mapping[str, str]) -> str | None:
    """The published test card that is shown so; no two are shown alike."""
    numbers = {row.equals for row in TABLE if row.input == Input.PAN and row.equals.endswith(shown["last4"])}
    alike = {number for number in numbers if brand_of(number) and _display(number) == shown}
    return next(iter(alike), None)


def _display(number: str) -> Mapping[str, str]:
    return split_instrument(restore_card(number, "12/99")).display

"""Looking for card numbers and CVVs wherever something is kept, printed or told."""

from __future__ import annotations

import json
import re

from mockpay.domain.methods.cards import luhn
from mockpay.domain.scenarios.cards import card_rows
from mockpay.domain.scenarios.resolution import Input

_PANS = [row.equals for row in card_rows() if row.input == Input.PAN]
#: But for the one that its form refuses.
PUBLISHED = [number for number in _PANS if luhn(number)]
MAGIC_CVVS = [row.equals for row in card_rows() if row.input == Input.CVV]
#: Right in form, on no list: somebody might have typed a real card.
UNKNOWN = ["4539578763621486", "5425233430109903", "6074820000000009", "371449635398431"]
#: CVVs that nothing else is called.
CVV, AMEX_CVV = "739", "7391"
CVVS = frozenset({CVV, AMEX_CVV, *MAGIC_CVVS})
NUMBERS = (*PUBLISHED, *UNKNOWN)


def cvv_for(number: str) -> str:
    return AMEX_CVV if len(number) == 15 else CVV


def numbers_in(text: str) -> set[str]:
    """Every full number in a text, however its digits are set apart."""
    digits = re.sub(r"(?<=[0-9])[ -]{1,2}(?=[0-9])", "", text)
    return {number for number in NUMBERS if number in text or number in digits}


def numbers_in_bytes(raw: bytes) -> set[str]:
    """The same in a file, in the encodings that text is stored in."""
    return numbers_in(raw.decode("latin-1")) | {number for number in NUMBERS if number.encode("utf-16-le") in raw}


def values_in(plain: object) -> set[str]:
    """Every text that is a whole value, at any depth, in JSON within JSON too."""
    if isinstance(plain, dict):
        # The last four digits may be kept, and may look like a CVV.
        kept = {name: one for name, one in plain.items() if name != "last4"}
        return set().union(set(), *(values_in(one) for pair in kept.items() for one in pair))
    if isinstance(plain, list | tuple | set):
        return set().union(set(), *(values_in(one) for one in plain))
    if isinstance(plain, bytes | memoryview):
        return values_in(bytes(plain).decode("latin-1"))
    if not isinstance(plain, str):
        return set()
    if plain[:1] in {"{", "["}:
        try:
            return {plain} | values_in(json.loads(plain))
        except ValueError:
            return {plain}
    return {plain}


def found_in(plain: object) -> set[str]:
    """Card numbers anywhere in the values, CVVs where they are the whole value."""
    values = values_in(plain)
    return set().union(values & CVVS, *(numbers_in(one) for one in values))

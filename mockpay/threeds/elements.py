"""
What all messages of EMV 3DS have in common: elements with a name and a form, read strictly.

A reader ignores elements that it does not know, as EMV 3DS asks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar, Self, TypeVar

from mockpay.kernel import ids
from mockpay.kernel.errors import MockpayError
from mockpay.threeds.rules import VERSION

Element = str | int | bool
Plain = Mapping[str, Element]
Read = TypeVar("Read", bound="Message")

#: errorCode, with the words of errorDescription.
ERRORS: Mapping[str, str] = {
    "101": "Message received invalid",
    "102": "Message version not supported",
    "201": "Required element missing",
    "203": "Format of one or more elements is invalid",
    "204": "Duplicate element",
    "301": "Transaction ID not recognized",
    "402": "Transaction timed out",
    "404": "Permanent system failure",
    "405": "System connection failure",
}


class BadMessage(MockpayError):
    """A message that breaks EMV 3DS; `error_code` is what an Erro says of it."""

    code = "threeds.bad_message"

    def __init__(self, error_code: str, element: str) -> None:
        super().__init__(ERRORS[error_code], error_code=error_code, element=element)
        self.error_code, self.element = error_code, element


UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
STATUS, DIGITS2, URL, ANY = "[YNUACDRI]", "[0-9]{2}", "[!-~]{1,2048}", "[^\\0]{0,2048}"
#: The form of an element that is true or false.
FLAG = "flag"


def element(name: str, form: str = ANY) -> dict[str, str]:
    """The metadata of a field: its name on the wire and the form that its text has."""
    return {"name": name, "form": form}


@dataclass(frozen=True, slots=True)
class Message:
    """What all messages have in common; `kind` is messageType."""

    kind: ClassVar[str] = ""

    def plain(self) -> dict[str, Element]:
        """As JSON has it: the names of the wire, nothing that is absent."""
        found: dict[str, Element] = {"messageType": self.kind, "messageVersion": VERSION}
        for one in fields(self):
            value = getattr(self, one.name)
            if value is not None:
                found[one.metadata["name"]] = value if isinstance(value, bool) else str(value)
        return found

    @classmethod
    def read(cls, plain: Plain) -> Self:
        """
        Read what `plain` wrote.

        Raises:
            BadMessage: 101 another message, 102 another version, 201 an element is missing,
                203 one has another form.
        """
        if plain.get("messageType") != cls.kind:
            raise BadMessage("101", "messageType")
        if plain.get("messageVersion") != VERSION:
            raise BadMessage("102", "messageVersion")
        found: dict[str, Any] = {}
        for one in fields(cls):
            name = one.metadata["name"]
            if name in plain:
                found[one.name] = _checked(name, plain[name], one.metadata["form"])
            elif one.default is MISSING:
                raise BadMessage("201", name)
        return cls(**found)


def _checked(name: str, value: Element, form: str) -> Element:
    if form == FLAG:
        if isinstance(value, bool):
            return value
    elif isinstance(value, str) and re.fullmatch(form, value):
        return value
    raise BadMessage("203", name)


def redacted(plain: Plain) -> dict[str, Element]:
    """
    A message as its log may have it.

    Of a card number the first six and last four digits, of an authenticationValue its length and
    the start of its SHA-256, and nothing that a cardholder typed.
    """
    kept = {name: value for name, value in plain.items() if name not in _TYPED}
    number = str(kept.get("acctNumber", ""))
    if number:
        kept["acctNumber"] = f"{number[:6]}…{number[-4:]}"
    value = str(kept.get("authenticationValue", ""))
    if value:
        mark = ids.fingerprint(value.encode())[:8]
        kept["authenticationValue"] = f"{len(value)} characters, SHA-256 {mark}…"
    return kept


_TYPED = frozenset({"challengeDataEntry", "challengeHTMLDataEntry", "otp"})

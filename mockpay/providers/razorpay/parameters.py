"""The parameters of a call, read in Razorpay's words: amounts, texts, notes, and which part of a list."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from mockpay.domain.scenarios.requested import FIELD
from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import MINIMUM_MINOR, Money
from mockpay.providers.razorpay.calls import Call
from mockpay.providers.razorpay.errors import invalid
from mockpay.store.reads.company_lists import Part
from mockpay.wire.razorpay import errors as words

_DIGITS = re.compile("0|[1-9][0-9]{0,18}")
#: A longer number is none to the real service; a larger amount than any wire of ours can tell is too much.
_MOST_NUMBER, _MOST_AMOUNT = 2**63 - 1, 999_999_999_999
_MOST_NOTES, _LONGEST_NOTE = 15, 256
_LONGEST_TEXT = 255
_MOST_IN_LIST, _USUAL_IN_LIST, _FARTHEST = 100, 10, 10**11
#: PostgreSQL keeps no NUL, and no page shows the others.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def whole(value: Any, name: str, *, text: bool = False) -> int:
    """
    A whole number.

    Args:
        text: Whether it may come as its digits: in a form and an address it does.

    Raises:
        Invalid: code ``parameter.invalid``.
    """
    if text and isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _MOST_NUMBER:
        raise invalid(words.not_an_integer(name), name)
    return value


def amount(call: Call, name: str = "amount", default: int | None = None, *, least: int = MINIMUM_MINOR) -> int:
    """
    Paise.

    Args:
        default: What an absent one means; it has to be there where None.

    Raises:
        Invalid: code ``parameter.missing``, ``parameter.invalid``, ``amount.too_small`` or ``amount.too_large``.
    """
    if call.body.get(name) is None:
        if default is None:
            raise invalid(words.missing(name), name, "parameter.missing")
        return default
    minor = whole(call.body[name], name, text=call.form)
    if minor < least:
        raise invalid(words.TOO_SMALL, name, "amount.too_small")
    if minor > _MOST_AMOUNT:
        raise invalid(words.TOO_LARGE, name, "amount.too_large")
    return minor


def currency(call: Call, *, required: bool) -> str:
    """
    The currency, of which there is one; public clients leave it out where they capture.

    Raises:
        Invalid: code ``parameter.missing`` or ``currency.unknown``.
    """
    value = call.body.get("currency")
    if value is None and not required:
        return Money(0).currency
    if value is None:
        raise invalid(words.missing("currency"), "currency", "parameter.missing")
    if value != Money(0).currency:
        raise invalid(words.CURRENCY, "currency", "currency.unknown")
    return str(value)


def text(body: Mapping[str, Any], name: str, most: int = _LONGEST_TEXT, *, required: bool = False) -> str | None:
    """
    A text; None where there is none.

    Raises:
        Invalid: code ``parameter.missing`` or ``parameter.invalid``.
    """
    value = body.get(name)
    if value is None or value == "":
        if required:
            raise invalid(words.missing(name), name, "parameter.missing")
        return None
    if not isinstance(value, str):
        raise invalid(f"The {name} must be a string.", name)
    if len(value) > most:
        raise invalid(words.too_long(name, most), name)
    if _CONTROL.search(value):
        raise invalid(f"The {name} contains invalid characters.", name)
    return value


def notes(body: Mapping[str, Any]) -> dict[str, Any]:
    """
    Up to 15 notes of 256 characters; an empty list is none.

    Raises:
        Invalid: code ``parameter.invalid``.
    """
    value = body.get("notes")
    if not value and not isinstance(value, bool | int | float):
        return {}
    if isinstance(value, list):
        value = {str(number): each for number, each in enumerate(value)}
    if not isinstance(value, Mapping):
        raise invalid("notes must be an array", "notes")
    if len(value) > _MOST_NOTES:
        raise invalid(f"Number of fields in notes should be less than or equal to {_MOST_NOTES}", "notes")
    for name, note in value.items():
        plain = note is None or isinstance(note, str | int | float | bool)
        if not plain or len(str(note)) > _LONGEST_NOTE or len(name) > _LONGEST_NOTE:
            raise invalid(f"The notes.{name[:40]} may not be greater than {_LONGEST_NOTE} characters.", "notes")
        if _CONTROL.search(f"{name}{note}"):
            raise invalid("The notes contain invalid characters.", "notes")
    return dict(value)


def nested(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """
    An object in the body; an empty one where there is none.

    Raises:
        Invalid: code ``parameter.invalid``.
    """
    value = body.get(name)
    if not value and not isinstance(value, bool | int | float):
        return {}
    if not isinstance(value, Mapping):
        raise invalid(f"The {name} must be an array.", name)
    return value


def only(body: Mapping[str, Any], known: Iterable[str]) -> None:
    """
    Refuse what nobody has asked for.

    Raises:
        Invalid: code ``parameter.unknown``.
    """
    unknown = sorted(body.keys() - {*known, "notes", FIELD})
    if unknown:
        names = [re.sub(r"[^\w.\-]", "?", name)[:40] for name in unknown[:5]]
        raise invalid(words.not_required(names), names[0], "parameter.unknown")


def flag(body: Mapping[str, Any], name: str) -> bool:
    """
    A yes or no, as clients spell it: true, 1, ``"1"``, ``"true"``.

    Raises:
        Invalid: code ``parameter.invalid``.
    """
    value = body.get(name)
    if value in (None, "", False, 0, "0", "false"):
        return False
    if value in (True, 1, "1", "true"):
        return True
    raise invalid(f"The {name} field must be true or false.", name)


def part(call: Call) -> Part:
    """
    Which part of a list: `count`, `skip`, and instants in s.

    Raises:
        Invalid: code ``parameter.invalid``.
    """

    def number(name: str, usual: int | None) -> int | None:
        value = call.query.get(name) or None
        # What lies beyond is as far as anything is.
        return usual if value is None else min(whole(value, name, text=True), _FARTHEST)

    count, skip = number("count", _USUAL_IN_LIST) or 0, number("skip", 0) or 0
    if count < 1:
        raise invalid("The count must be at least 1.", "count")
    if count > _MOST_IN_LIST:
        raise invalid(f"The count may not be greater than {_MOST_IN_LIST}.", "count")
    return Part(count, skip, number("from", None), number("to", None))


def object_of(plain: Any) -> Mapping[str, Any]:
    """
    A body as an object; an old spelling of a client sends a bare amount.

    Raises:
        Invalid: code ``parameter.invalid``.
    """
    if isinstance(plain, Mapping):
        return plain
    if isinstance(plain, int | float) and not isinstance(plain, bool):
        return {"amount": plain}
    if plain is None or plain == []:
        return {}
    raise Invalid("The request body must be an object.", code="parameter.invalid")

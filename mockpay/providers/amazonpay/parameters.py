"""A parameter that is missing or wrong, by its name on the wire and with the value that was sent."""

from __future__ import annotations

from mockpay.domain.methods.cards import redact
from mockpay.kernel.errors import Invalid
from mockpay.providers.amazonpay.request_forms import CONTROL

#: What of a value is shown, in characters.
_LONGEST_VALUE = 64


def quoted(value: str, longest: int = _LONGEST_VALUE) -> str:
    """The beginning of a value in quotation marks, without control characters and card numbers."""
    text = redact(CONTROL.sub("\ufffd", value))
    excess = len(text) - longest
    return f'"{text[:longest]}" and {excess} characters more' if excess > 0 else f'"{text}"'


def missing(name: str, code: str = "parameter.missing") -> Invalid:
    """A parameter that must be there is not."""
    return Invalid(f"The parameter {name} is missing.", code=code, name=name)


def wrong(name: str, value: str, rule: str, code: str = "parameter.invalid") -> Invalid:
    """A parameter has a value that it cannot have; `rule` says which it can."""
    return Invalid(f"{name} cannot be {quoted(value)}: {rule}.", code=code, name=name)

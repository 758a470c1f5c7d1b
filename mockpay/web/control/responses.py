"""Makes responses of records, by the names and types of the response's fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from msgspec import Struct

from mockpay.kernel.clock import rfc3339
from mockpay.kernel.money import Money

R = TypeVar("R", bound=Struct)


def to_response(response: type[R], record: object, **values: Any) -> R:
    """
    A response with the record's fields.

    Money becomes ``"1.00"``, an instant RFC 3339, a nested record the nested struct; `currency` is
    the amount's unless the record has one.

    Args:
        values: Fields that the record does not have, or has otherwise.
    """
    for name, convert in _converters(response).items():
        if name not in values:
            values[name] = convert(_value(record, name))
    return response(**values)


def _value(record: object, name: str) -> Any:
    if name == "currency" and not hasattr(record, name):
        amount = record.amount  # type: ignore[attr-defined]  # what has a currency has an amount
        return None if amount is None else amount.currency
    return getattr(record, name)


@cache
def _converters(response: type[Struct]) -> Mapping[str, Callable[[Any], Any]]:
    return {name: _converter(hint) for name, hint in get_type_hints(response).items()}


def _converter(hint: Any) -> Callable[[Any], Any]:
    """What makes a value fit a field of this type."""
    kinds = [kind for kind in get_args(hint) or (hint,) if kind is not type(None)]
    if get_origin(hint) is list:
        item = _converter(kinds[0])
        return lambda values: [item(value) for value in values]
    if get_origin(hint) is dict:
        return dict
    if len(kinds) == 1 and isinstance(kinds[0], type) and issubclass(kinds[0], Struct):
        nested = kinds[0]
        return lambda value: None if value is None else to_response(nested, value)
    return _text if kinds == [str] else lambda value: value


def _text(value: Any) -> str | None:
    if isinstance(value, Money):
        return value.wire()
    if isinstance(value, Enum):
        return str(value.value)
    return rfc3339(value) if isinstance(value, int) else value

"""What a request asks for, by its parameters, and refusals in Stripe's words where it is not what it has to be."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from mockpay.wire.stripe import errors, forms
from mockpay.wire.stripe.errors import ApiError

_LONGEST_TEXT = 500
_LONGEST_URL = 5_000
_MOST_METADATA, _LONGEST_METADATA_NAME = 50, 40
_MISSING, _NO_INTEGER = "parameter_missing", "parameter_invalid_integer"


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, error: ApiError, status: int = 400) -> None:
        super().__init__(error.message)
        self.error, self.status = error, status


def bad_request(message: str, code: str | None = None, param: str | None = None, **more: Any) -> Refused:
    """A refusal of what was asked for: 400."""
    return Refused(ApiError(errors.INVALID_REQUEST, message, code, param=param, **more))


def missing_object(noun: str, object_id: str, param: str | None = None) -> Refused:
    """There is no such object: 404 where the address names it, 400 where a parameter does."""
    shown = object_id[:_LONGEST_TEXT].replace("\0", "")
    error = ApiError(errors.INVALID_REQUEST, f"No such {noun}: '{shown}'", errors.MISSING, param=param or "id")
    return Refused(error, 400 if param else 404)


class Parameters(Struct, frozen=True):
    """The nested parameters of a request; `path` is where an inner object stands, for errors."""

    values: Mapping[str, Any]
    path: str = ""

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def param(self, name: str) -> str:
        """A parameter's name as errors tell it: `payment_method_data[type]`."""
        return f"{self.path}[{name}]" if self.path else name

    def text(self, name: str, *, longest: int = _LONGEST_TEXT) -> str | None:
        """
        A text; None where it is not there or unset by an empty value.

        Raises:
            Refused: it is an object, too long, or no text that can be stored.
        """
        value = self.values.get(name)
        if value is not None and (not isinstance(value, str) or len(value) > longest or "\0" in value):
            raise bad_request(f"Invalid string: {self.param(name)}", "parameter_invalid_string", self.param(name))
        return value or None

    def need(self, name: str) -> str:
        """
        A text that must be there.

        Raises:
            Refused: it is missing or no text.
        """
        value = self.text(name)
        if value is None:
            raise bad_request(f"Missing required param: {self.param(name)}.", _MISSING, self.param(name))
        return value

    def choice(self, name: str, choices: Sequence[str]) -> str | None:
        """
        One of some words; None where it is not there.

        Raises:
            Refused: it is another one.
        """
        value = self.text(name)
        if value is not None and value not in choices:
            message = f"Invalid {self.param(name)}: must be one of {', '.join(choices)}"
            raise bad_request(message, param=self.param(name))
        return value

    def flag(self, name: str) -> bool:
        """
        Whether it is `true`.

        Raises:
            Refused: it is neither `true` nor `false`.
        """
        value = self.text(name)
        if value not in {None, "true", "false"}:
            raise bad_request(f"Invalid boolean: {value}", param=self.param(name))
        return value == "true"

    def url(self, name: str) -> str | None:
        """
        An absolute URL; None where it is not there.

        Raises:
            Refused: it is none.
        """
        value = self.text(name, longest=_LONGEST_URL)
        if value is not None and not re.match("https?://[^/]", value):
            raise bad_request("Not a valid URL", "url_invalid", self.param(name))
        return value

    def integer(self, name: str, default: int | None = None, *, least: int = 1) -> int:
        """
        A whole number.

        Raises:
            Refused: it is none, too small, or missing where there is no default.
        """
        value = self.values.get(name)
        if value is None and default is not None:
            return default
        if value is None:
            raise bad_request(f"Missing required param: {self.param(name)}.", _MISSING, self.param(name))
        if not isinstance(value, str) or not re.fullmatch("[0-9]{1,12}", value):
            raise bad_request(f"Invalid integer: {value}", _NO_INTEGER, self.param(name))
        if int(value) < least:
            raise bad_request(f"This value must be greater than or equal to {least}.", _NO_INTEGER, self.param(name))
        return int(value)

    def inner(self, name: str) -> Parameters | None:
        """
        An object; None where it is not there.

        Raises:
            Refused: it is a text.
        """
        value = self.values.get(name) or None
        if value is not None and not isinstance(value, Mapping):
            raise bad_request("Invalid object", param=self.param(name))
        return None if value is None else Parameters(value, self.param(name))

    def items(self, name: str) -> list[Any]:
        """The entries of a list; none where it is not there."""
        return forms.items(self.values.get(name))

    def words(self, name: str) -> list[str]:
        """
        The entries of a list of texts.

        Raises:
            Refused: one is an object.
        """
        entries = self.items(name)
        if not all(isinstance(entry, str) for entry in entries):
            raise bad_request("Invalid array", param=self.param(name))
        return entries

    def metadata(self, before: Mapping[str, str] | None = None) -> dict[str, str]:
        """
        What the caller keeps with an object, upon what was there; an empty value takes a name away.

        Raises:
            Refused: it is no object of texts that can be stored.
        """
        values = self.values.get("metadata")
        if values is None:
            return dict(before or {})
        if values == "":
            return {}
        if not isinstance(values, Mapping):
            raise bad_request("Invalid hash", param=self.param("metadata"))
        for key, text in values.items():
            if not isinstance(text, str) or len(text) > _LONGEST_TEXT or "\0" in key + text:
                message = f"Metadata values can have up to {_LONGEST_TEXT} characters."
                raise bad_request(message, param=self.param("metadata"))
            if len(key) > _LONGEST_METADATA_NAME:
                message = f"Metadata keys can have up to {_LONGEST_METADATA_NAME} characters."
                raise bad_request(message, param=self.param("metadata"))
        after = {key: text for key, text in {**(before or {}), **values}.items() if text}
        if len(after) > _MOST_METADATA:
            message = f"An object can have up to {_MOST_METADATA} metadata keys."
            raise bad_request(message, param=self.param("metadata"))
        return after

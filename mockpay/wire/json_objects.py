"""JSON that a gateway answers or sends: an object, or nothing that can be read."""

from __future__ import annotations

from typing import Any

import msgspec

from mockpay.kernel.errors import Invalid


def read_object(body: bytes) -> dict[str, Any]:
    """
    The object of an answer.

    Raises:
        Invalid: code ``answer.malformed``: cut off, of another type, or no JSON at all.
    """
    try:
        plain = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid("The answer is not JSON.", code="answer.malformed") from error
    if not isinstance(plain, dict):
        raise Invalid("The answer is no object.", code="answer.malformed")
    return plain

"""Idempotency keys: one key is one request for a day, whose first answer is given again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from mockpay.kernel import ids
from mockpay.kernel.clock import DAY
from mockpay.providers.stripe.parameters import Refused, bad_request
from mockpay.wire.stripe import errors
from mockpay.wire.stripe.errors import ApiError

_LONGEST_KEY = 255


def request_id(key: str) -> str:
    """
    Under which name the request of a key is stored.

    Raises:
        Refused: the key is too long.
    """
    if len(key) > _LONGEST_KEY:
        raise bad_request(f"Idempotency keys have {_LONGEST_KEY} characters at most.")
    return f"idem_{ids.fingerprint(key.encode())}"


def describe(secret: str, path: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """What tells a request from another one; a keyed digest, for its parameters may have a card's number."""
    digest = ids.digest(secret, path, msgspec.json.encode(params, order="sorted")).hex()
    return {"path": path, "parameters": digest}


def is_fresh(created_at: int, now: int) -> bool:
    """Whether a request's key still means it."""
    return now - created_at < DAY


def check_same(key: str, request: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    """
    Refuse a key that was another request's.

    Raises:
        Refused: it was.
    """
    same = "Keys for idempotent requests can only be used"
    if before["path"] != request["path"]:
        message = f"{same} for the same endpoint they were first used for ('{request['path']}' vs '{before['path']}')."
    elif before["parameters"] != request["parameters"]:
        message = f"{same} with the same parameters they were first used with."
    else:
        return
    other = f" Try using a key other than '{key}' if you meant to execute a different request."
    raise Refused(ApiError(errors.IDEMPOTENCY, message + other))

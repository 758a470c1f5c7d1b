"""The `Idempotency-Key` of writing calls: the same body again gets the stored answer, another one a conflict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from flask import request as http_request
from msgspec import Struct

from mockpay.kernel import ids
from mockpay.kernel.errors import Invalid
from mockpay.store import idempotency
from mockpay.store.unit_of_work import Sandbox
from mockpay.web.control.endpoints import IDEMPOTENCY_KEY, Request

R = TypeVar("R", bound=Struct)
_LONGEST = 255


def once(sandbox: Sandbox, request: Request[Any, Any], response: type[R], act: Callable[[], R]) -> R:
    """
    Do what a call asks for, or answer what it was answered before; without a key it is done each time.

    A refusal is not stored: nothing was done, so the same call may be tried again.

    Raises:
        Invalid: code ``idempotency_key.invalid``.
        Conflict: code ``idempotency_conflict``.
    """
    key = http_request.headers.get(IDEMPOTENCY_KEY)
    if key is None:
        return act()
    if not (0 < len(key) <= _LONGEST and key.isascii() and key.isprintable()):
        message = f"An {IDEMPOTENCY_KEY} has 1 to {_LONGEST} printable ASCII characters."
        raise Invalid(message, code="idempotency_key.invalid", field=IDEMPOTENCY_KEY)
    rule = http_request.url_rule.rule if http_request.url_rule else None
    call = [http_request.method, rule, sorted(request.path.items()), request.body]
    digest = ids.fingerprint(msgspec.json.encode(call))
    stored = idempotency.find(sandbox, key, digest)
    if stored is not None:
        return msgspec.json.decode(stored, type=response)
    answer = act()
    idempotency.store(sandbox, key, digest, msgspec.json.encode(answer).decode())
    return answer


def forget(sandbox: Sandbox) -> None:
    """Let the key of this call be used again: what the call began was taken back."""
    key = http_request.headers.get(IDEMPOTENCY_KEY)
    if key is not None:
        idempotency.remove(sandbox, key)

"""Stripe's errors: the `error` of an answer, written and read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

API, CARD, IDEMPOTENCY, INVALID_REQUEST = "api_error", "card_error", "idempotency_error", "invalid_request_error"
#: The code of what an intent's status does not allow; the intent comes with it.
UNEXPECTED_STATE = "payment_intent_unexpected_state"
#: The code of an object that there is not.
MISSING = "resource_missing"


@dataclass(frozen=True, slots=True)
class ApiError:
    """
    The `error` of an answer.

    `decline_code` is the issuer's reason, `network_decline_code` the network's own code of a declined card; `charge`
    the failed one; `payment_intent` and `payment_method` are whole objects.
    """

    type: str
    message: str
    code: str | None = None
    decline_code: str | None = None
    network_decline_code: str | None = None
    param: str | None = None
    charge: str | None = None
    payment_intent: Mapping[str, Any] | None = field(default=None, repr=False)
    payment_method: Mapping[str, Any] | None = field(default=None, repr=False)

    def plain(self) -> dict[str, Any]:
        """Its fields that say something."""
        own = {each.name: getattr(self, each.name) for each in fields(self)}
        about = {} if self.code is None else {"doc_url": f"https://stripe.com/docs/error-codes/{self.code}"}
        return {name: value for name, value in {**own, **about}.items() if value is not None}


def error_body(error: ApiError) -> dict[str, Any]:
    """An error as it is answered."""
    return {"error": error.plain()}


def read_error(error: object) -> ApiError | None:
    """An answer's `error`, or an intent's `last_payment_error`; None where it is none."""
    if not isinstance(error, Mapping):
        return None
    kinds = {"payment_intent": Mapping, "payment_method": Mapping}
    parts: dict[str, Any] = {"type": "", "message": ""}
    for name in (each.name for each in fields(ApiError)):
        if isinstance(value := error.get(name), kinds.get(name, str)):
            parts[name] = value
    return ApiError(**parts)

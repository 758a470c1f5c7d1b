"""Errors of the core as Tinypay tells them: HTTP status and code; one that is not here is an internal error."""

from __future__ import annotations

from collections.abc import Mapping

TABLE: Mapping[str, tuple[int, str]] = {
    "key.unknown": (401, "unknown_key"),
    "path.not_found": (404, "nothing_here"),
    "method.not_allowed": (405, "wrong_method"),
    "request.too_large": (413, "too_large"),
    "order.not_found": (404, "no_such_payment"),
    "order.already_paid": (409, "already_paid"),
    "order.open_with_another_amount": (409, "other_amount"),
    "refund.exceeds_capture": (409, "more_than_paid"),
    "refund.not_captured": (409, "not_paid"),
    "refund.duplicate": (409, "reference_taken"),
}


def status_and_code(code: str) -> tuple[int, str]:
    """The row of a code; what a caller sent wrong is a 400."""
    if code in TABLE:
        return TABLE[code]
    family = code.partition(".")[0]
    caller = {"amount", "body", "form", "http", "outcome", "refund", "return_url", "scenario"}
    return (400, "bad_request") if family in caller else (500, "internal")

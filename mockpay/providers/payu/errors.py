"""The core's errors as PayU tells them: a code of ours, the HTTP status of a page, and the company's words."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from mockpay.providers.error_tables import ErrorTable
from mockpay.wire.payu import errors as wire


class PayuError(Struct, frozen=True):
    """
    How an error is told.

    `status` is a page's or that of an address where nothing is: a command is answered with 200. `words` take the place
    of the error's own message where the company has some; `code` is the number of an action's error.
    """

    status: int = 400
    words: str = ""
    code: int | None = None


def _action(code: int) -> PayuError:
    return PayuError(400, wire.ACTION_ERRORS[code], code)


#: Errors of ours that the company has words for.
TABLE: Mapping[str, PayuError] = {
    "key.unknown": PayuError(401, wire.INVALID_KEY),
    "hash.invalid": PayuError(403, wire.INVALID_HASH),
    "parameter.missing": PayuError(),
    "command.absent": PayuError(),
    "card.not_found": PayuError(),
    "card.not_stored": PayuError(),
    "command.unknown": PayuError(400, "Invalid command"),
    "txnid.duplicate": PayuError(409, wire.DUPLICATE_TXNID),
    "order.already_paid": PayuError(409, wire.DUPLICATE_TXNID),
    "order.open_with_another_amount": PayuError(409, wire.DUPLICATE_TXNID),
    "return_url.not_allowed": PayuError(403),
    "transaction.not_found": _action(wire.NOT_FOUND),
    "transaction.unknown_id": PayuError(),
    "attempt.not_found": _action(wire.NOT_FOUND),
    "order.not_found": _action(wire.NOT_FOUND),
    "token.empty": PayuError(400, wire.TOKEN_EMPTY),
    "amount.empty": PayuError(400, wire.AMOUNT_EMPTY),
    "amount.invalid": _action(wire.INVALID_AMOUNT),
    "amount.too_small": _action(wire.INVALID_AMOUNT),
    "refund.exceeds_capture": _action(wire.INVALID_AMOUNT),
    "refund.duplicate": _action(wire.DUPLICATE_TOKEN),
    "refund.not_captured": _action(wire.INVALID_STATUS),
    "refund.window": _action(wire.INVALID_STATUS),
    "refund.invalid": PayuError(),
    "capture.not_authorized": _action(wire.INVALID_STATUS),
    "capture.done": _action(wire.ALREADY_CAPTURED),
    "capture.pending": _action(wire.LOGGED),
    "capture.exceeds_authorization": _action(wire.MORE_THAN_CAPTURABLE),
    "throttled": PayuError(429, wire.TOO_MANY_REQUESTS),
    "answer.lost": PayuError(500, "Some Exception Occurred", wire.EXCEPTION),
    "path.not_found": PayuError(404),
    "method.not_allowed": PayuError(405),
    "request.too_large": PayuError(413),
}
_ERRORS = ErrorTable(
    rows=TABLE,
    about_requests=frozenset(
        "amount attempt capture card command field form json method order outcome parameter path refund request"
        " return_url scenario token vpa bank emi wallet".split()
    ),
    refusal=PayuError,
    unavailable=PayuError(503),
    internal=PayuError(500, "Some Exception Occurred", wire.EXCEPTION),
)


def payu_error(code: str) -> PayuError:
    """How an error is told; one that nobody thought of is the company's own."""
    return _ERRORS.find(code)

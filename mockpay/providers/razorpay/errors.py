"""The core's errors as Razorpay tells them: a code of ours, the HTTP status, the company's code and words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from mockpay.kernel.errors import Invalid, MockpayError
from mockpay.providers.error_tables import ErrorTable
from mockpay.wire.razorpay import errors as words
from mockpay.wire.razorpay.answers import BAD_REQUEST, SERVER, ApiError


class RazorpayError(Struct, frozen=True):
    """
    How an error is told; `words` take the place of its own message where the company has some.

    `reason`, `source` and `step` are NA for a request that is wrong.
    """

    status: int = 400
    words: str = ""
    code: str = BAD_REQUEST
    reason: str = "NA"
    source: str = "NA"
    step: str = "NA"


def _of_input(text: str = "") -> RazorpayError:
    return RazorpayError(400, text, reason="input_validation_failed", source="business", step="payment_initiation")


_NOT_FOUND = RazorpayError(400, words.NOT_FOUND)
#: Errors of ours that the company has words for.
TABLE: Mapping[str, RazorpayError] = {
    "key.unknown": RazorpayError(401, words.AUTHENTICATION_FAILED),
    "object.not_found": _NOT_FOUND,
    "order.not_found": _NOT_FOUND,
    "attempt.not_found": _NOT_FOUND,
    "refund.not_found": _NOT_FOUND,
    "buyer.not_found": _NOT_FOUND,
    "method.not_found": _NOT_FOUND,
    "parameter.missing": _of_input(),
    "parameter.invalid": _of_input(),
    "parameter.unknown": RazorpayError(),
    "amount.too_small": _of_input(words.TOO_SMALL),
    "amount.too_large": _of_input(words.TOO_LARGE),
    "currency.unknown": _of_input(words.CURRENCY),
    "amount.differs": _of_input(words.OTHER_AMOUNT),
    "order.closed": RazorpayError(400, words.PAID, reason="order_already_paid", source="business"),
    "order.attempts_used_up": RazorpayError(),
    "attempt.live": RazorpayError(reason="payment_in_progress", source="business"),
    "return_url.not_allowed": RazorpayError(400),
    "capture.done": RazorpayError(400, words.ALREADY_CAPTURED),
    "capture.not_authorized": RazorpayError(400, words.NOT_AUTHORIZED),
    "capture.pending": RazorpayError(400, "Request failed because another capture of this payment is in progress."),
    "capture.differs": RazorpayError(400, words.OTHER_CAPTURE),
    "refund.not_captured": RazorpayError(400, words.NOT_CAPTURED),
    "refund.nothing_left": RazorpayError(400, words.FULLY_REFUNDED),
    "refund.exceeds_capture": RazorpayError(400, words.OVER_REFUND),
    "refund.key": RazorpayError(400, words.KEY_FORM),
    "refund.key_taken": RazorpayError(400, words.OTHER_REFUND),
    "refund.receipt_taken": RazorpayError(400, words.RECEIPT_TAKEN),
    "refund.window": RazorpayError(),
    "throttled": RazorpayError(429, words.TOO_MANY),
    "answer.lost": RazorpayError(500, words.SERVER, SERVER),
    "service.unavailable": RazorpayError(503, words.SERVER, SERVER),
    "path.not_found": RazorpayError(404, words.URL_NOT_FOUND),
    "method.not_allowed": RazorpayError(405, "The requested method is not allowed for this URL."),
    "request.too_large": RazorpayError(413),
}
_ERRORS = ErrorTable(
    rows=TABLE,
    about_requests=frozenset(
        "address amount attempt bank buyer capture card consent customer email emi field form json key link method"
        " nickname order otp outcome outgoing parameter path pay refund request return_url scenario test_card_required"
        " token upi url vpa wallet webhook".split()
    ),
    refusal=RazorpayError,
    unavailable=RazorpayError(503, words.SERVER, SERVER),
    internal=RazorpayError(500, words.SERVER, SERVER),
)


class Declined(MockpayError):
    """A payment that its network, its buyer or a bank refused; `error` is told as it is."""

    code = "payment.declined"

    def __init__(self, error: ApiError) -> None:
        super().__init__(error.description, reason=error.reason)
        self.error = error


def status_and_error(error: MockpayError) -> tuple[int, ApiError]:
    """The HTTP status and the error in the company's words."""
    if isinstance(error, Declined):
        return 400, error.error
    row = _ERRORS.find(error.code)
    field = error.detail.get("field")
    named = str(field) if isinstance(field, str) else None
    # What went wrong inside is nobody's business.
    description = row.words or (error.message if row.status < 500 else words.SERVER)
    payment_id, order_id = (_text(error.detail.get(name)) for name in ("payment_id", "order_id"))
    return row.status, ApiError(row.code, description, row.reason, row.source, row.step, named, order_id, payment_id)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def invalid(description: str, field: str | None = None, code: str = "parameter.invalid") -> Invalid:
    """A parameter that cannot be, in the company's words."""
    return Invalid(description, code=code, **({"field": field} if field else {}))

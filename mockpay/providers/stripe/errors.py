"""The core's errors as Stripe tells them: HTTP status, type and code; one table."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from mockpay.kernel.errors import MockpayError
from mockpay.providers.error_tables import ErrorTable
from mockpay.wire.stripe import errors
from mockpay.wire.stripe.errors import ApiError

_INTERNAL = "An unknown error occurred."


class StripeError(Struct, frozen=True):
    """How an error is told; `message` takes the place of its own, `decline_code` is a card error's."""

    status: int = 400
    type: str = errors.INVALID_REQUEST
    code: str | None = None
    message: str = ""
    decline_code: str | None = None
    param: str | None = None

    def api_error(self, error: MockpayError) -> ApiError:
        """The `error` of the answer."""
        field = error.detail.get("field")
        param = self.param or (str(field) if field else None)
        message = self.message or error.message
        return ApiError(self.type, message, self.code, self.decline_code, param=param)


def _card(code: str, decline_code: str | None = None, message: str = "", param: str | None = None) -> StripeError:
    return StripeError(402, errors.CARD, code, message, decline_code, param)


_NOT_A_TEST_CARD = "Your card was declined. Your request was in test mode, but used a non test card."
_UNEXPECTED = StripeError(code=errors.UNEXPECTED_STATE)

#: Errors of ours that Stripe has a code or a status for.
TABLE: Mapping[str, StripeError] = {
    "test_card_required": _card("card_declined", "live_mode_test_card", _NOT_A_TEST_CARD),
    "card_number_invalid": _card("incorrect_number", None, "Your card number is incorrect.", "number"),
    "card_network_not_enabled": _card("card_declined", "card_not_supported"),
    "incorrect_card_expiry_date": _card("invalid_expiry_month", None, param="exp_month"),
    "card_expired": _card("invalid_expiry_year", None, "Your card's expiration year is invalid.", "exp_year"),
    "incorrect_cvv": _card("invalid_cvc", None, "Your card's security code is invalid.", "cvc"),
    "order.closed": _UNEXPECTED,
    "order.busy": _UNEXPECTED,
    "order.attempts_used_up": _UNEXPECTED,
    "attempt.live": _UNEXPECTED,
    "capture.not_authorized": _UNEXPECTED,
    "capture.pending": _UNEXPECTED,
    "capture.exceeds_authorization": StripeError(code="amount_too_large", param="amount_to_capture"),
    "amount.too_small": StripeError(code="amount_too_small", param="amount"),
    "refund.exceeds_capture": StripeError(param="amount"),
    "refund.not_captured": StripeError(code="charge_not_captured"),
    "refund.window": StripeError(code="charge_expired_for_capture"),
    "method.unavailable": StripeError(code="payment_intent_invalid_parameter", param="payment_method"),
    "throttled": StripeError(429, errors.INVALID_REQUEST, "rate_limit", "Too many requests. Try again later."),
    "answer.lost": StripeError(500, errors.API, None, _INTERNAL),
    "service.unavailable": StripeError(503, errors.API, None, _INTERNAL),
    "path.not_found": StripeError(404, message="Unrecognized request URL."),
    "method.not_allowed": StripeError(404, message="Unrecognized request URL."),
    "request.too_large": StripeError(413),
}
_ERRORS = ErrorTable(
    rows=TABLE,
    about_requests=frozenset(
        "amount attempt capture card field form incorrect_cardholder_name method order outcome outgoing parameter"
        " refund request return_url scenario settings vpa".split()
    ),
    refusal=StripeError,
    unavailable=StripeError(503, errors.API, None, _INTERNAL),
    internal=StripeError(500, errors.API, None, _INTERNAL),
)


def stripe_error(code: str) -> StripeError:
    """How an error is told; one that nobody thought of is the company's own."""
    return _ERRORS.find(code)

"""Response codes of the networks as Razorpay tells them, and back."""

from __future__ import annotations

from collections.abc import Mapping

from mockpay.domain.methods.method import Code, MoneyStatus, ResponseCodes
from mockpay.domain.methods.registry import response_codes_of
from mockpay.domain.payments.attempts import Attempt, AttemptState, Failure
from mockpay.domain.payments.retries import TECHNICAL_REASONS
from mockpay.wire.razorpay.answers import BAD_REQUEST, GATEWAY, ApiError

#: Whose refusals are told as the gateway's.
_TECHNICAL = frozenset({"gateway", "network", "beneficiary_bank"})
_TECHNICAL_REASONS = TECHNICAL_REASONS | {"authentication_failed"}

#: What Razorpay says to buyers of a reason.
DESCRIPTIONS: Mapping[str, str] = {
    "authentication_failed": "Your payment didn't go through due to a failed authentication. Try another method.",
    "bank_technical_error": "Your payment didn't go through as the bank was temporarily unavailable. Try again later.",
    "card_declined": "Your payment didn't go through as the card was declined by the bank. Try another method.",
    "card_disabled_for_online_payments": "Your card is disabled for online payments. Try another payment method.",
    "card_expired": "Your payment didn't go through as the card has expired. Try another card or payment method.",
    "card_number_invalid": "You've entered an incorrect card number. Try again.",
    "gateway_technical_error": "Your payment didn't go through due to a temporary issue. Any debited amount will be"
    " refunded in 5-7 business days.",
    "incorrect_cvv": "You've entered an incorrect CVV. Try again.",
    "incorrect_otp": "Payment processing failed because of incorrect OTP",
    "insufficient_funds": "Your payment could not be completed due to insufficient account balance. Try again with"
    " another card or payment method.",
    "invalid_vpa": "Invalid VPA. Please enter a valid Virtual Payment Address",
    "otp_attempts_exceeded": "Payment processing failed because the OTP was entered incorrectly too many times.",
    "payment_cancelled": "Your payment has been cancelled. Try again or complete the payment later.",
    "payment_collect_request_expired": "Payment was unsuccessful as you could not complete it in time.",
    "payment_declined": "Payment was unsuccessful as you declined it in your UPI app.",
    "payment_risk_check_failed": "Your payment didn't go through as it was declined by the risk check.",
    "payment_timed_out": "Payment was unsuccessful as you could not complete it in time.",
}
#: What a buyer did who gave a payment up, and who did nothing.
_LEFT = Failure("customer", "payment_authentication", "payment_cancelled", "")
_LATE = Failure("customer", "payment_authentication", "payment_timed_out", "")


def error_of_attempt(attempt: Attempt, order_id: str) -> ApiError | None:
    """The error of an attempt that ended without money; None where it did not."""
    if attempt.state not in {AttemptState.FAILED, AttemptState.CANCELLED, AttemptState.EXPIRED}:
        return None
    failure = attempt.failure or (_LEFT if attempt.state is AttemptState.CANCELLED else _LATE)
    row = response_codes_of(attempt).codes.get(failure.code)
    meaning = row.meaning if row is not None else failure.reason.replace("_", " ")
    return _api_error(failure, meaning, order_id, attempt.attempt_id)


def _api_error(failure: Failure, meaning: str, order_id: str, payment_id: str) -> ApiError:
    technical = failure.source in _TECHNICAL or failure.reason in _TECHNICAL_REASONS
    description = DESCRIPTIONS.get(failure.reason, f"Your payment did not go through: {meaning}.")
    code = GATEWAY if technical else BAD_REQUEST
    return ApiError(code, description, failure.reason, failure.source, failure.step, None, order_id, payment_id)


def error_of(codes: ResponseCodes, code: str, order_id: str, payment_id: str) -> ApiError:
    """The error of a payment that a network refused."""
    return _api_error(codes.failure(code), codes.codes[code].meaning, order_id, payment_id)


def code_of(codes: ResponseCodes, error: ApiError) -> str:
    """
    The network's code for an error's reason: the first of those that have it, so several codes become one.

    A reason that no code has is what a network says without a closer reason.
    """
    refusals = [row for row in codes.codes.values() if row.money is MoneyStatus.DECLINED and row.reason]
    same = [row for row in refusals if row.reason == error.reason]
    exact = [row for row in same if row.source == error.source]
    first: Code | None = next(iter(exact or same), None)
    return first.code if first is not None else codes.other

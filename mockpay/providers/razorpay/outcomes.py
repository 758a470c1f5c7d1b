"""Response codes of the networks as Razorpay tells them, and back."""

from __future__ import annotations

from mockpay.domain.methods.method import Code, MoneyStatus, ResponseCodes
from mockpay.domain.payments.retries import TECHNICAL_REASONS
from mockpay.wire.razorpay.answers import BAD_REQUEST, GATEWAY, ApiError

#: Whose refusals are told as the gateway's.
_TECHNICAL = frozenset({"gateway", "network", "beneficiary_bank"})
_TECHNICAL_REASONS = TECHNICAL_REASONS | {"authentication_failed"}


def error_of(codes: ResponseCodes, code: str, order_id: str, payment_id: str) -> ApiError:
    """The error of a payment that a network refused."""
    row = codes.codes[code]
    technical = row.source in _TECHNICAL or row.reason in _TECHNICAL_REASONS
    return ApiError(
        GATEWAY if technical else BAD_REQUEST,
        f"Your payment did not go through: {row.meaning}.",
        row.reason,
        row.source,
        codes.step,
        None,
        order_id,
        payment_id,
    )


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

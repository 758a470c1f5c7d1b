"""Response codes of the card networks as Stripe tells them, and back."""

from __future__ import annotations

from collections.abc import Mapping

from mockpay.domain.methods.method import MoneyStatus, ResponseCodes
from mockpay.domain.methods.registry import METHODS
from mockpay.wire.stripe.errors import CARD, ApiError

_DECLINED = "card_declined"
_NOT_BY_CARD = "The customer's bank or app declined the payment."
#: The decline code of a network's code.
_DECLINE_CODES = {
    "01": "call_issuer",
    "03": "service_not_allowed",
    "04": "pickup_card",
    "05": "generic_decline",
    "07": "pickup_card",
    "12": "transaction_not_allowed",
    "13": "invalid_amount",
    "14": "incorrect_number",
    "15": "invalid_account",
    "19": "reenter_transaction",
    "41": "lost_card",
    "43": "stolen_card",
    "46": "invalid_account",
    "51": "insufficient_funds",
    "54": "expired_card",
    "55": "incorrect_pin",
    "57": "card_not_supported",
    "59": "fraudulent",
    "61": "withdrawal_count_limit_exceeded",
    "62": "restricted_card",
    "63": "security_violation",
    "65": "card_velocity_exceeded",
    "75": "pin_try_exceeded",
    "1A": "authentication_required",
    "82": "incorrect_cvc",
    "91": "issuer_not_available",
    "96": "processing_error",
    "N7": "incorrect_cvc",
    "TO": "try_again_later",
}
#: Decline codes that are error codes of their own, and what their buyers read; all others are `card_declined`.
_OWN_CODES = {
    "authentication_required": "Your card was declined. This transaction requires authentication.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "incorrect_number": "Your card number is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
}
_MESSAGES: Mapping[str, str] = {
    **_OWN_CODES,
    "card_not_supported": "Your card does not support this type of purchase.",
    "card_velocity_exceeded": (
        "Your card was declined for making repeated attempts too frequently or exceeding its amount limit."
    ),
    "insufficient_funds": "Your card has insufficient funds.",
}


def error_of(code: str, charge_id: str | None, method: str = "card") -> ApiError:
    """The error of a charge that a network refused."""
    if method != "card":
        reason = METHODS[method].response_codes.codes[code].reason
        known = reason if reason in _MESSAGES else "generic_decline"
        return ApiError(CARD, _NOT_BY_CARD, "payment_method_provider_decline", known, code, charge=charge_id)
    decline_code = _DECLINE_CODES.get(code, "generic_decline")
    return ApiError(
        CARD,
        _MESSAGES.get(decline_code, "Your card was declined."),
        decline_code if decline_code in _OWN_CODES else _DECLINED,
        decline_code,
        code,
        charge=charge_id,
    )


def code_of(codes: ResponseCodes, error: ApiError) -> str:
    """
    The network's code of an error: its own where the error has it, else the first of its decline code.

    What no code stands for is what a network says without a closer reason.
    """
    refusals = [row.code for row in codes.codes.values() if row.money is MoneyStatus.DECLINED]
    if error.network_decline_code in refusals:
        return error.network_decline_code
    reason = error.decline_code or error.code
    return next((code for code in refusals if _DECLINE_CODES.get(code) == reason), codes.other)

"""Response codes of the networks as PayU tells them, and back."""

from __future__ import annotations

from collections.abc import Mapping

from mockpay.domain.methods.method import Code, MoneyStatus, ResponseCodes

#: Failures that have a code of PayU's own; every other one is an invalid transaction with the bank's words beside it.
_ERRORS: Mapping[str, str] = {
    "bank_technical_error": "E208",
    "gateway_technical_error": "E210",
    "payment_timed_out": "E218",
    "authentication_required": "E303",
    "authentication_failed": "E303",
    "incorrect_otp": "E300",
    "otp_attempts_exceeded": "E300",
    "payment_cancelled": "E302",
}
_OTHER_ERROR = "E202"


def error_of(row: Code) -> str:
    """The error of a payment that a network refused."""
    return error_of_reason(row.reason)


def error_of_reason(reason: str) -> str:
    """The error of a payment that failed for a reason of ours."""
    return _ERRORS.get(reason, _OTHER_ERROR)


def code_of(codes: ResponseCodes, error: str, message: str) -> str:
    """
    The network's code for the bank's words, else for PayU's error; of several codes the first.

    What neither tells is what a network says without a closer reason.
    """
    refusals = [row for row in codes.codes.values() if row.money is MoneyStatus.DECLINED and row.reason]
    same_words = (row.code for row in refusals if row.meaning == message)
    same_error = (row.code for row in refusals if _ERRORS.get(row.reason) == error)
    return next(same_words, None) or next(same_error, codes.other)

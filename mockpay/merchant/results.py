"""What a payment came to: signed answers, verified before anything of them is believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from mockpay.kernel.errors import MockpayError
from mockpay.wire.amazonpay.results import verify_result_signature
from mockpay.wire.amazonpay.signing import Encoding, Flavour, matches, sign_result

#: What the clients and shops in the field test for.
SUCCESS_CODE, PENDING_CODE = "001", "01"


class SignatureMismatch(MockpayError):
    """An answer that was not signed with this merchant's secret, or was changed since."""

    code = "result.signature"


class Outcome(StrEnum):
    """What a payment came to; PENDING will become one of the others."""

    SUCCESS = "SUCCESS"
    PENDING = "PENDING"
    FAILURE = "FAILURE"


@dataclass(frozen=True, slots=True)
class PaymentResult:
    """
    A verified result of a payment page; what the page left out is empty.

    Attributes:
        outcome: SUCCESS only with the reason code that says so too.
        transaction_date: Milliseconds since 1970, None if absent.
    """

    outcome: Outcome
    reason_code: str
    description: str
    amazon_order_id: str
    seller_order_id: str
    amount: str
    currency: str
    custom_information: str
    transaction_date: int | None


@dataclass(frozen=True, slots=True)
class ChargeStatus:
    """A verified answer of chargeStatus; `transaction_id` is Amazon's order id."""

    outcome: Outcome
    status_code: str
    description: str
    transaction_id: str
    seller_order_id: str
    amount: str
    currency: str
    custom_information: str
    transaction_date: int | None


def payment_result(params: Mapping[str, str], *, access_key: str, secret: str, flavour: Flavour) -> PaymentResult:
    """
    Verify and read the parameters of a redirect back to the shop.

    Raises:
        ResultError: a parameter is unknown, missing or empty.
        SignatureMismatch: the signature is wrong.
    """
    if not verify_result_signature(params, access_key=access_key, secret=secret, flavour=flavour):
        raise SignatureMismatch("The result is not signed by Amazon Pay.")
    return PaymentResult(
        outcome=_outcome(params["status"], params["reasonCode"]),
        reason_code=params["reasonCode"],
        description=params["description"],
        amazon_order_id=params.get("amazonOrderId", ""),
        seller_order_id=params.get("sellerOrderId", ""),
        amount=params.get("orderTotalAmount", ""),
        currency=params.get("orderTotalCurrencyCode", ""),
        custom_information=params.get("customInformation", ""),
        transaction_date=_milliseconds(params.get("transactionDate", "")),
    )


def charge_status(response: Mapping[str, str], signature: str, *, access_key: str, secret: str) -> ChargeStatus:
    """
    Verify and read the answer of chargeStatus.

    The request has no text that would tell the server this client's encoding, so a signature in any of them counts.

    Raises:
        SignatureMismatch: the signature is wrong.
    """
    expected = [sign_result(response, access_key, secret, encoding) for encoding in Encoding]
    if not any(matches(each, signature) for each in expected):
        raise SignatureMismatch("The charge status is not signed by Amazon Pay.")
    code = response.get("transactionStatusCode", "")
    outcomes = {SUCCESS_CODE: Outcome.SUCCESS, PENDING_CODE: Outcome.PENDING}
    return ChargeStatus(
        outcome=outcomes.get(code, Outcome.FAILURE),
        status_code=code,
        description=response.get("transactionStatusDescription", ""),
        transaction_id=response.get("transactionId", ""),
        seller_order_id=response.get("merchantTransactionId", ""),
        amount=response.get("transactionValue", ""),
        currency=response.get("transactionCurrencyCode", ""),
        custom_information=response.get("merchantCustomData", ""),
        transaction_date=_milliseconds(response.get("transactionDate", "")),
    )


def _outcome(status: str, reason_code: str) -> Outcome:
    if status == Outcome.SUCCESS and reason_code == SUCCESS_CODE:
        return Outcome.SUCCESS
    return Outcome.PENDING if status == Outcome.PENDING else Outcome.FAILURE


def _milliseconds(text: str) -> int | None:
    plain = text.isascii() and text.isdecimal() and len(text) <= 15
    return int(text) if plain else None

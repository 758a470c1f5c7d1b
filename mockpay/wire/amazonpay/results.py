"""
Verify what comes back to the merchant, as strictly as the clients themselves do.

They throw on a parameter too many or a mandatory one missing, and only then compare.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from mockpay.kernel.errors import MockpayError
from mockpay.wire.amazonpay.signing import Flavour, matches, sign_result


class ResultError(MockpayError):
    """The parameters of a result are not the ones that a result may have."""

    code = "result.parameters"


class Operation(StrEnum):
    """Which answer is verified."""

    PROCESS_PAYMENT = "VERIFY_PROCESS_PAYMENT"
    #: Node only: the PHP client has this branch commented out, so it throws.
    CHARGE_STATUS = "VERIFY_CHARGE_STATUS"
    #: Node only, as above.
    PROCESS_CHARGE = "VERIFY_PROCESS_CHARGE_RESPONSE"


class ResultFields(Struct, frozen=True):
    """The parameters that an answer must have and may have."""

    mandatory: tuple[str, ...]
    optional: tuple[str, ...]


RESULT_FIELDS = {
    Operation.PROCESS_PAYMENT: ResultFields(
        ("status", "reasonCode", "description", "signature"),
        (
            "amazonOrderId",
            "sellerOrderId",
            "orderTotalAmount",
            "orderTotalCurrencyCode",
            "transactionDate",
            "customInformation",
        ),
    ),
    Operation.CHARGE_STATUS: ResultFields(
        ("transactionStatusCode", "transactionStatusDescription", "signature"),
        (
            "transactionId",
            "merchantTransactionId",
            "transactionValue",
            "transactionCurrencyCode",
            "merchantCustomData",
            "transactionDate",
        ),
    ),
    Operation.PROCESS_CHARGE: ResultFields(("transactionId", "signature"), ("payUrl",)),
}


def verify_result_signature(
    params: Mapping[str, str],
    *,
    access_key: str,
    secret: str,
    flavour: Flavour = Flavour.PHP,
    operation: Operation = Operation.PROCESS_PAYMENT,
) -> bool:
    """
    Whether a result was signed with the merchant's own secret.

    Args:
        params: The decoded parameters, exactly as they arrived.
        flavour: The family whose encoding and whose rules apply.

    Raises:
        ResultError: a parameter is unknown, missing or empty; the clients throw.
    """
    _check_fields(params, flavour, operation)
    expected = sign_result(params, access_key, secret, flavour.encoding)
    return matches(expected, params["signature"])


def _check_fields(params: Mapping[str, str], flavour: Flavour, operation: Operation) -> None:
    if flavour is Flavour.PHP and operation is not Operation.PROCESS_PAYMENT:
        raise ResultError(f"The PHP client does not know {operation}.", code="result.operation")
    fields = RESULT_FIELDS[operation]
    unknown = [name for name in params if name not in fields.mandatory + fields.optional]
    if unknown:
        raise ResultError(f"The parameter {unknown[0][:64]} is unknown.", name=unknown[0][:64])
    # PHP's empty() takes "0" for nothing.
    nothing = {"", "0"} if flavour is Flavour.PHP else {""}
    missing = [name for name in fields.mandatory if params.get(name, "") in nothing]
    if missing:
        raise ResultError(f"The parameter {missing[0]} is missing.", name=missing[0])

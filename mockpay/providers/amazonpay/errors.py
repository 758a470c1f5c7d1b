"""
Every error of ours in Amazon's words: one table, no logic.

HTTP statuses and codes: Amazon's published error tables; ``AccessDenied``,
``InvalidAccessKeyId``, ``SignatureDoesNotMatch`` and ``RequestExpired`` are MWS's general ones.
What is not in the table is told as the last row.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from mockpay.kernel.errors import MockpayError


class AmazonError(Struct, frozen=True):
    """HTTP status, Amazon's code, and the message where ours should not be shown."""

    status: int
    code: str
    message: str | None = None

    def text(self, error: MockpayError) -> str:
        """What the caller reads."""
        return self.message or error.message


_INVALID = AmazonError(400, "InvalidParameterValue")
_UNREADABLE = AmazonError(400, "InvalidParameterValue", "The payload cannot be decrypted.")
_UNKNOWN_CALLER = AmazonError(403, "InvalidAccessKeyId", "The AWS Access Key Id is not known here.")

TABLE: Mapping[str, AmazonError] = {
    "envelope.missing": _INVALID,
    "envelope.doubled": _INVALID,
    "envelope.encoding": _INVALID,
    "envelope.unreadable": _UNREADABLE,
    "envelope.too_large": AmazonError(413, "InvalidParameterValue"),
    "envelope.content": _INVALID,
    "envelope.duplicate": _INVALID,
    "form.duplicate": _INVALID,
    "form.malformed": _INVALID,
    "form.too_large": AmazonError(413, "InvalidParameterValue"),
    "request.too_large": AmazonError(413, "InvalidParameterValue"),
    "request.broken": _INVALID,
    "parameter.missing": _INVALID,
    "parameter.invalid": _INVALID,
    "time.invalid": _INVALID,
    "access_key.missing": AmazonError(401, "MissingAuthenticationToken"),
    "seller.not_found": _UNKNOWN_CALLER,
    "seller.another": AmazonError(401, "UnauthorizedAccess"),
    "signature.missing": AmazonError(401, "MissingAuthenticationToken"),
    "signature.invalid": AmazonError(
        403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided."
    ),
    "request.expired": AmazonError(400, "RequestExpired"),
    "return_url.missing": _INVALID,
    "return_url.not_allowed": AmazonError(400, "InvalidParameterValue"),
    "region.denied": AmazonError(401, "AccessDenied"),
    "order.not_found": AmazonError(404, "InvalidOrderReferenceId"),
    "transaction.not_found": AmazonError(404, "InvalidTransactionId"),
    "action.unknown": AmazonError(400, "InvalidAction"),
    "order.paid": AmazonError(405, "InvalidCancelAttempt"),
    "order.not_closable": AmazonError(405, "InvalidCloseAttempt"),
    "order.ended": AmazonError(405, "InvalidOrderReferenceStatus"),
    "token.invalid": _INVALID,
    "path.not_found": AmazonError(404, "InvalidAddress", "There is nothing at this address."),
    "method.not_allowed": AmazonError(405, "InvalidAddress"),
    "refund.not_found": AmazonError(404, "InvalidTransactionId"),
    "refund.duplicate": AmazonError(400, "DuplicateRequest"),
    "refund.not_captured": AmazonError(405, "CaptureNotRefundable"),
    "refund.window": AmazonError(405, "CaptureNotRefundable"),
    "refund.exceeds_capture": AmazonError(400, "TransactionAmountExceeded"),
    "refund.too_many": AmazonError(400, "TransactionCountExceeded"),
    "refund.currency": _INVALID,
    "refund.invalid": _INVALID,
    "field.invalid": _INVALID,
    "simulation.invalid": AmazonError(400, "InvalidSandboxSimulationSpecified"),
    "answer.lost": AmazonError(500, "InternalServerError", "There was an internal service failure."),
    "service.unavailable": AmazonError(503, "ServiceUnavailable", "The service is unavailable at this time."),
    "throttled": AmazonError(503, "RequestThrottled", "Request is throttled"),
}

#: The database cannot serve now: the reason is told, since a sandbox's user can mend it.
_UNAVAILABLE = AmazonError(503, "ServiceUnavailable")
OTHER = AmazonError(500, "InternalServerError", "There was an internal service failure.")


#: Families whose unlisted members are a plain 400: the caller sent something unusable.
_CALLERS_FAULT = frozenset({"form", "envelope", "input", "amount", "http"})


def amazon_error(code: str) -> AmazonError:
    """The row of a code; `http.4xx` is what the framework refused, told as a plain 400."""
    family, _, rest = code.partition(".")
    if family == "database":
        return _UNAVAILABLE
    plain = family in _CALLERS_FAULT and not rest.startswith("5")
    return TABLE.get(code) or (_INVALID if plain else OTHER)

"""What was sent, before anything of it is believed: the form, and its names for the journal."""

from __future__ import annotations

import re
from collections.abc import Mapping

from flask import Request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from mockpay.domain.methods.cards import redact
from mockpay.kernel.errors import Invalid, MockpayError
from mockpay.wire.forms import MAX_PAIRS

#: What no text that is stored or shown may hold; a PostgreSQL text cannot even hold a NUL.
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
#: The names that clients send.  Any other may be a value that somebody sent in the wrong
#: place, so the journal only counts it.
NAMES = frozenset(
    "payload key iv redirectUrl isSandbox Action AWSAccessKeyId SellerId Signature"
    " SignatureMethod SignatureVersion Timestamp Version MWSAuthToken ContentType"
    " PaymentDomain QueryId QueryIdType PageSize SortOrder NextPageToken"
    " CreatedTimeRange.StartTime CreatedTimeRange.EndTime AmazonOrderReferenceId"
    " AmazonAuthorizationId CancelationReason ClosureReason"
    " AmazonTransactionId AmazonTransactionIdType AmazonCaptureId AmazonRefundId"
    " RefundReferenceId RefundAmount.Amount RefundAmount.CurrencyCode SellerRefundNote"
    " SoftDescriptor".split()
)
#: Who calls, and the proof of it.
_CREDENTIALS = frozenset(
    "payload key iv Action AWSAccessKeyId SellerId Signature SignatureMethod SignatureVersion Timestamp Version"
    " MWSAuthToken ContentType NextPageToken".split()
)
_LONGEST_VALUE = 200
_NUMBERED = re.compile(r"OrderReferenceStatusListFilter\.OrderReferenceStatus\.[0-9]{1,2}")
#: Codes of a body that cannot be read, a second time even less than the first.
_TOO_LARGE, _BROKEN = _UNREAD = ("request.too_large", "request.broken")


def sent_form(request: Request) -> bytes:
    """
    The form as it was sent: by POST the body, by GET (or by POST with no body) the query.

    Raises:
        Invalid: one of `_UNREAD`.
    """
    if request.method != "POST":
        return request.query_string
    try:
        return request.get_data() or request.query_string
    except RequestEntityTooLarge as error:
        raise Invalid("The request is too large.", code=_TOO_LARGE) from error
    except HTTPException as error:
        raise Invalid("The request ended too soon.", code=_BROKEN) from error


def request_values(fields: Mapping[str, str]) -> dict[str, str]:
    """What a believed call asks: names and values without credentials, card numbers masked, long ones cut."""
    readable = {
        name: fields[name] for name in sorted(fields) if name in NAMES - _CREDENTIALS or _NUMBERED.fullmatch(name)
    }
    return {name: redact(value)[:_LONGEST_VALUE] for name, value in readable.items()}


def field_names(request: Request, refusal: MockpayError) -> dict[str, object]:
    """The names of the fields that were sent, never a value; unknown ones are counted."""
    forms = [request.query_string]
    if request.method == "POST" and refusal.code not in _UNREAD:
        forms.append(request.get_data())
    pairs = (pair for form in forms for pair in form.split(b"&", MAX_PAIRS) if pair)
    names = {pair.partition(b"=")[0].decode(errors="replace") for pair in pairs}
    own = sorted(name for name in names if name in NAMES or _NUMBERED.fullmatch(name))
    others = len(names) - len(own)
    return {"fields": own, "others": others} if others else {"fields": own}

"""What was sent, before anything of it is believed: the form, and its names for the journal."""

from __future__ import annotations

import re
from contextlib import suppress

from flask import Request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from mockpay.kernel.errors import Invalid
from mockpay.wire.forms import MAX_PAIRS

#: What no text that is stored or shown may hold; a PostgreSQL text cannot even hold a NUL.
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
#: The names that clients send.  Any other may be a value that somebody sent in the wrong
#: place, so the journal only counts it.
_NAMES = frozenset(
    "payload key iv redirectUrl isSandbox Action AWSAccessKeyId SellerId Signature"
    " SignatureMethod SignatureVersion Timestamp Version MWSAuthToken ContentType"
    " PaymentDomain QueryId QueryIdType PageSize SortOrder NextPageToken"
    " CreatedTimeRange.StartTime CreatedTimeRange.EndTime AmazonOrderReferenceId"
    " AmazonTransactionId AmazonTransactionIdType AmazonCaptureId AmazonRefundId"
    " RefundReferenceId RefundAmount.Amount RefundAmount.CurrencyCode SellerRefundNote"
    " SoftDescriptor".split()
)
_NUMBERED = re.compile(r"OrderReferenceStatusListFilter\.OrderReferenceStatus\.[0-9]{1,2}")


def sent_form(request: Request) -> bytes:
    """
    The form as it was sent: by POST the body, by GET (or by POST with no body) the query.

    Raises:
        Invalid: code ``request.too_large`` or ``request.broken`` (it ended too soon).
    """
    if request.method != "POST":
        return request.query_string
    try:
        return request.get_data() or request.query_string
    except RequestEntityTooLarge as error:
        raise Invalid("The request is too large.", code="request.too_large") from error
    except HTTPException as error:
        raise Invalid("The request ended too soon.", code="request.broken") from error


def field_names(request: Request) -> dict[str, object]:
    """The names of the fields that were sent, never a value; unknown ones are counted."""
    forms = [request.query_string]
    if request.method == "POST":
        with suppress(HTTPException):  # the refusal that is being written down says it
            forms.append(request.get_data())
    pieces = (piece for form in forms for piece in form.split(b"&", MAX_PAIRS) if piece)
    names = {piece.partition(b"=")[0].decode(errors="replace") for piece in pieces}
    known = sorted(name for name in names if name in _NAMES or _NUMBERED.fullmatch(name))
    others = len(names) - len(known)
    return {"fields": known, "others": others} if others else {"fields": known}

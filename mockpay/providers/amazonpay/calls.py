"""A server-to-server call as it arrived: who signed it, when, and what it asks."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Request
from msgspec import Struct

from mockpay.kernel.clock import parse_time
from mockpay.kernel.errors import Forbidden, Invalid
from mockpay.providers.amazonpay.freshness import check_fresh
from mockpay.providers.amazonpay.parameters import missing, quoted, wrong
from mockpay.providers.amazonpay.request_forms import CONTROL, sent_form
from mockpay.providers.amazonpay.signatures import check_call
from mockpay.store.unit_of_work import Sandbox
from mockpay.wire.amazonpay.signature_verification import SignedRequest, request_fields, request_signature


class Call(Struct, frozen=True):
    """A call before anybody was believed; `fields` are decoded, `request` is what was signed."""

    fields: Mapping[str, str]
    request: SignedRequest

    @property
    def access_key(self) -> str:
        """
        Who says that they call.

        Raises:
            Invalid: code ``access_key.missing``.
        """
        access_key = self.fields.get("AWSAccessKeyId")
        if not access_key:
            raise Invalid("AWSAccessKeyId is missing.", code="access_key.missing")
        return access_key

    def need(self, name: str) -> str:
        """
        A parameter that must be there.

        Raises:
            Invalid: code ``parameter.missing``.
        """
        value = self.fields.get(name)
        if not value:
            raise missing(name)
        return value


def read_call(request: Request) -> Call:
    """
    Read a call, by GET from its query and by POST from its body.

    Control characters of its fields are replaced: nothing that is stored holds any.

    Raises:
        Invalid: the body is too large, or ended too soon.
        FormError: the form is malformed, too large or names a field twice.
    """
    text = sent_form(request).decode("ascii", errors="replace")
    path = request.environ.get("mockpay.raw_path") or request.path
    fields = {name: CONTROL.sub("\ufffd", value) for name, value in request_fields(text).items()}
    return Call(fields, SignedRequest(request.method, request.host, path, text))


def authenticate(call: Call, sandbox: Sandbox) -> dict[str, object]:
    """
    Believe a call; for the journal, which client signs so and what Amazon would refuse of it.

    Raises:
        Invalid: code ``signature.missing``, ``time.invalid`` or ``request.expired``.
        Forbidden: code ``signature.invalid`` or ``seller.another``.
    """
    if not request_signature(call.request.raw):
        raise Invalid("The request is not signed.", code="signature.missing")
    facts = check_call(sandbox.seller, call.request)
    # Amazon's Ruby client asks for the service's status without one.
    if call.fields.get("Action") != "GetServiceStatus" or "SellerId" in call.fields:
        _check_seller_id(call, sandbox)
    check_fresh(sandbox, "Timestamp", _timestamp(call))
    return facts


def _check_seller_id(call: Call, sandbox: Sandbox) -> None:
    seller_id = call.need("SellerId")
    if seller_id != sandbox.seller_id:
        message = f"The SellerId {quoted(seller_id)} is not the caller's."
        raise Forbidden(message, code="seller.another", name="SellerId")


def _timestamp(call: Call) -> int:
    text = call.need("Timestamp")
    try:
        return parse_time(text)
    except Invalid as error:
        raise wrong("Timestamp", text, "a time such as 2026-11-21T15:24:07Z", "time.invalid") from error

"""A server-to-server call as it arrived: who signed it, when, and what it asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Request

from mockpay.kernel.clock import parse_time
from mockpay.kernel.errors import Forbidden, Invalid
from mockpay.providers.amazonpay.codec import fresh
from mockpay.providers.amazonpay.request_forms import CONTROL, sent_form
from mockpay.store.unit_of_work import Sandbox
from mockpay.wire.amazonpay.signature_verification import (
    SignedRequest,
    request_fields,
    request_signature,
    verify_request,
)


@dataclass(frozen=True, slots=True)
class Call:
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
        found = self.fields.get("AWSAccessKeyId")
        if not found:
            raise Invalid("AWSAccessKeyId is missing.", code="access_key.missing")
        return found

    def need(self, name: str) -> str:
        """
        A parameter that must be there.

        Raises:
            Invalid: code ``parameter.missing``.
        """
        found = self.fields.get(name)
        if not found:
            raise Invalid(f"The parameter {name} is missing.", code="parameter.missing", name=name)
        return found


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


def authenticate(call: Call, sandbox: Sandbox) -> str:
    """
    Believe a call; the name of the client family that signs so.

    Raises:
        Invalid: code ``signature.missing``, ``time.invalid`` or ``request.expired``.
        Forbidden: code ``signature.invalid`` or ``seller.another``.
    """
    if not request_signature(call.request.raw):
        raise Invalid("The request is not signed.", code="signature.missing")
    found = verify_request(call.request, secret=sandbox.seller.secret_key)
    if found is None:
        raise Forbidden("The signature does not match.", code="signature.invalid")
    if call.need("SellerId") != sandbox.seller_id:
        raise Forbidden("The SellerId is not the caller's.", code="seller.another")
    moment = parse_time(call.need("Timestamp"))
    if not fresh(sandbox.seller, moment, sandbox.now, sandbox.real_now):
        raise Invalid("The Timestamp is not fresh.", code="request.expired")
    return found.flavour

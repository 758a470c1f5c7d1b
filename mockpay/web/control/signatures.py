"""Explains to a developer why a signature does not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from mockpay.kernel.errors import Invalid
from mockpay.store.unit_of_work import Runtime
from mockpay.web.control.endpoints import Endpoint, Request
from mockpay.web.control.responses import to_response

if TYPE_CHECKING:
    from mockpay.wire.amazonpay.diagnostics import Explanation

_ENVELOPE = ("payload=", "key=", "iv=")


class SignatureExplainRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """A request as it was sent: to the pay page (sealed) or from server to server (signed)."""

    url: Annotated[str, Meta(description="Whole, with its query: http://host/path?a=b")]
    method: Annotated[str, Meta(pattern="^[A-Za-z]{1,10}$")] = "GET"
    body: Annotated[str, Meta(description="The form of a POST, as sent.")] = ""
    signature: Annotated[str | None, Meta(description="Where it is not in the request.")] = None
    string_to_sign: Annotated[str | None, Meta(description="What your code signs, to be compared.")] = None


class SignatureCandidate(Struct, kw_only=True):
    """One way of reading the request, and the signature that it would have to carry."""

    flavour: str
    string_to_sign: str
    expected_signature: str


class SignatureExplanation(Struct, kw_only=True):
    """`first_difference` is the byte at which your string leaves `string_to_sign`."""

    matched: str | None
    cause: str
    signature: str
    expected_signature: str
    string_to_sign: str
    your_string_to_sign: str | None
    first_difference: int | None
    tried: list[SignatureCandidate]


def explain_signature(request: Request[None, SignatureExplainRequest]) -> SignatureExplanation:
    with request.read() as sandbox:
        secret = sandbox.seller.secret_key
    call = request.body
    try:
        parts = urlsplit(call.url)
    except ValueError as error:
        raise Invalid("This is no URL.", code="url.invalid") from error
    raw = call.body or parts.query
    if all(raw.startswith(name) or f"&{name}" in raw for name in _ENVELOPE):
        signature, explanation = _of_envelope(request.runtime, raw, call, secret)
    else:
        signature, explanation = _of_request(parts.netloc, parts.path or "/", raw, call, secret)
    return _response(call, signature, explanation)


def _of_envelope(
    runtime: Runtime, raw: str, call: SignatureExplainRequest, secret: str
) -> tuple[str, Explanation]:
    # Loaded where somebody asks: a server that nobody asks does not pay for them.
    from mockpay.wire import forms  # noqa: PLC0415
    from mockpay.wire.amazonpay import envelope, signing  # noqa: PLC0415
    from mockpay.wire.amazonpay.diagnostics import explain_strings  # noqa: PLC0415
    from mockpay.wire.amazonpay.signature_verification import Candidate  # noqa: PLC0415

    sent = envelope.read_parameters(forms.decode_form(raw))
    opened = envelope.open_envelope(sent.payload, sent.key, sent.iv, runtime.keys.amazonpay)
    signature = call.signature or opened.signature
    reading = Candidate("envelope", signing.request_string(opened.encoded))
    yours = call.string_to_sign
    return signature, explain_strings([reading], secret=secret, signature=signature, claimed=yours)


def _of_request(
    host: str, path: str, raw: str, call: SignatureExplainRequest, secret: str
) -> tuple[str, Explanation]:
    from mockpay.wire.amazonpay.diagnostics import explain as explained  # noqa: PLC0415
    from mockpay.wire.amazonpay.signature_verification import SignedRequest, request_signature  # noqa: PLC0415

    request = SignedRequest(call.method.upper(), host, path, raw)
    signature = call.signature if call.signature is not None else request_signature(raw)
    explanation = explained(request, secret=secret, signature=signature, claimed=call.string_to_sign)
    return signature, explanation


def _response(
    request: SignatureExplainRequest, signature: str, explanation: Explanation
) -> SignatureExplanation:
    return to_response(
        SignatureExplanation,
        explanation,
        signature=signature,
        expected_signature=explanation.nearest.expected_signature,
        string_to_sign=explanation.nearest.string_to_sign,
        your_string_to_sign=request.string_to_sign,
        tried=[to_response(SignatureCandidate, reading) for reading in explanation.readings],
    )


ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/sellers/{seller_id}/signature/explain",
        explain_signature,
        "What had to be signed, the first byte that differs, and the likely cause.",
        example='{"url": "http://127.0.0.1:8420/OffAmazonPayments_Sandbox/2013-01-01?Action=..."}',
    ),
)

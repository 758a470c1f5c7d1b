"""Why the signature of a request fits or does not, for a developer who asks."""

from __future__ import annotations

from urllib.parse import urlsplit

from mockpay.domain.providers import CallToExplain, SignatureExplanation, SignatureReading
from mockpay.domain.sellers import Seller
from mockpay.kernel.errors import Invalid
from mockpay.kernel.keys.files import Keys
from mockpay.providers.amazonpay.keys import PAYMENT_KEY
from mockpay.wire import forms
from mockpay.wire.amazonpay import opening, signing
from mockpay.wire.amazonpay.diagnostics import explain, explain_strings
from mockpay.wire.amazonpay.signature_verification import Candidate, SignedRequest, request_signature

_ENVELOPE = ("payload=", "key=", "iv=")


def explain_signature(seller: Seller, keys: Keys, call: CallToExplain) -> SignatureExplanation:
    """
    Explain a call to the pay page (sealed) or from server to server (signed).

    Raises:
        Invalid: code ``url.invalid``, or the envelope's or the form's own.
    """
    try:
        parts = urlsplit(call.url)
    except ValueError as error:
        raise Invalid("This is no URL.", code="url.invalid") from error
    raw, yours = call.body or parts.query, call.string_to_sign
    if all(raw.startswith(name) or f"&{name}" in raw for name in _ENVELOPE):
        sent = opening.read_parameters(forms.decode_form(raw))
        opened = opening.open_envelope(sent.payload, sent.key, sent.iv, keys.private[PAYMENT_KEY.private])
        signature = call.signature or opened.signature
        reading = Candidate("envelope", signing.request_string(opened.encoded))
        found = explain_strings([reading], secret=seller.secret_key, signature=signature, claimed=yours)
    else:
        request = SignedRequest(call.method.upper(), parts.netloc, parts.path or "/", raw)
        signature = call.signature if call.signature is not None else request_signature(raw)
        found = explain(request, secret=seller.secret_key, signature=signature, claimed=yours)
    readings = (found.nearest, *found.readings)
    nearest, *tried = (SignatureReading(r.flavour, r.string_to_sign, r.expected_signature) for r in readings)
    return SignatureExplanation(found.matched, found.cause, signature, nearest, found.first_difference, tuple(tried))

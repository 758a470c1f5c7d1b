"""Why the signature of a webhook fits or does not, for a developer who asks."""

from __future__ import annotations

import re

from mockpay.domain.providers import CallToExplain, SignatureExplanation, SignatureMistake, SignatureReading
from mockpay.domain.sellers import Seller
from mockpay.kernel.clock import SECOND
from mockpay.kernel.keys.files import Keys
from mockpay.providers.stripe import ids
from mockpay.providers.stripe.credentials import credentials_of
from mockpay.wire.stripe import diagnostics, signatures

_FLAVOUR = "webhook"
#: After so many seconds the public clients refuse a webhook.
_TOLERANCE = 300
#: So many endpoints of a seller's are looked at, those that were deleted too.
_ENDPOINTS = 100


def explain_signature(seller: Seller, _keys: Keys, call: CallToExplain) -> SignatureExplanation:
    """Explain the header `Stripe-Signature` of a body as it came."""
    header, body = call.signature or "", call.body.encode(errors="replace").decode()
    timestamp, received = signatures.read_webhook_header(header)
    endpoints = {f"endpoint {number}": secret for number, secret in enumerate(_secrets(seller), start=1)}
    fitting = (name for name, secret in endpoints.items() if _fits(secret, body, header))
    matched = next(fitting, None)
    others = {} if matched else _others(seller, call)
    mistake = None if matched else diagnostics.find_mistake(header, body, {**endpoints, **others})
    # Where none fits, what the newest endpoint would have sent is as good as any.
    secret = endpoints[matched or "endpoint 1"]
    text = f"{timestamp}.{body}"
    claimed = call.string_to_sign if call.string_to_sign is not None else mistake.text if mistake else None
    expected = signatures.webhook_header(secret, body.encode(), int(timestamp)) if _is_time(timestamp) else ""
    sentence = mistake.sentence if mistake else diagnostics.UNKNOWN
    return SignatureExplanation(
        matched=_FLAVOUR if matched else None,
        cause="The signature fits." if matched else sentence,
        warning=_old(timestamp, call.real_now) if matched else None,
        mistakes=(SignatureMistake(f"stripe.{mistake.name}", mistake.sentence, mistake.code),) if mistake else (),
        signature=",".join(received),
        your_string_to_sign=claimed,
        nearest=SignatureReading(_FLAVOUR, text, expected),
        first_difference=None if claimed is None or claimed == text else _first_difference(claimed, text),
        tried=(),
    )


def _fits(secret: str, body: str, header: str) -> bool:
    return signatures.webhook_fits(secret, body.encode(), header)


def _secrets(seller: Seller) -> list[str]:
    """Those of the seller's endpoints, whose ids follow from how many there were."""
    numbers = range(1, _ENDPOINTS + 1)
    return [ids.endpoint_secret(seller, ids.numbered(seller, "we", number)) for number in numbers]


def _others(seller: Seller, call: CallToExplain) -> dict[str, str]:
    """What is mistaken for an endpoint's secret."""
    own = credentials_of(seller.seller_id, seller.secret_key)
    keys = {"the secret API key": own["secret_key"], "the publishable key": own["publishable_key"]}
    gateway = {"the webhook secret of the gateway": own["webhook_secret"]}
    strangers = {
        f"a key of the seller {name}": credentials_of(name, secret)["webhook_secret"]
        for name, secret in call.other_secrets().items()
    }
    return {**keys, **gateway, **strangers}


def _is_time(timestamp: str) -> bool:
    return bool(re.fullmatch("[0-9]{1,12}", timestamp))


def _old(timestamp: str, real_now: int) -> str | None:
    age = real_now // SECOND - int(timestamp) if _is_time(timestamp) else 0
    if age <= _TOLERANCE:
        return None
    return f"The clients refuse it: t is {age} s ago by the real clock, and {_TOLERANCE} s is the most that they take."


def _first_difference(text: str, other: str) -> int:
    """The byte at which two texts part."""
    pairs = zip(text.encode(), other.encode(), strict=False)
    return next((place for place, pair in enumerate(pairs) if pair[0] != pair[1]), min(len(text), len(other)))

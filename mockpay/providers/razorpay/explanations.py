"""Why a signature of Razorpay's three fits or does not: of a payment, of a payment link, of a webhook."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from mockpay.domain.providers import CallToExplain, SignatureExplanation, SignatureMistake, SignatureReading
from mockpay.domain.sellers import Seller
from mockpay.kernel.errors import Invalid
from mockpay.kernel.keys.files import Keys
from mockpay.providers.razorpay.credentials import NAME, credentials, credentials_of
from mockpay.wire.razorpay import events, requests, signatures

_ORDER, _PAYMENT, _LINK = "razorpay_order_id", "razorpay_payment_id", "razorpay_payment_link_id"
_UNKNOWN = "None of the known mistakes makes this signature: compare the signed text with ours, byte by byte."


def explain_signature(seller: Seller, _keys: Keys, call: CallToExplain) -> SignatureExplanation:
    """
    Explain what came back with a payment, or a webhook by its raw body and the header.

    Raises:
        Invalid: code ``url.invalid`` or ``form.malformed``.
    """
    own, fields = credentials(seller), _fields(call)
    flavour, text, credential = _reading(fields, call.body)
    received = call.signature if call.signature is not None else str(fields.get("razorpay_signature", ""))
    expected = signatures.sign(own[credential], text.encode())
    matched = signatures.fits(expected, received)
    others = {name: credentials_of(name, secret)[credential] for name, secret in call.other_secrets().items()}
    found = None
    if not matched:
        found = next(
            (mistake for mistake, made in _mistakes(text, credential, own, others) if signatures.fits(made, received)),
            None,
        )
    yours = call.string_to_sign
    return SignatureExplanation(
        matched=flavour if matched else None,
        cause="The signature fits." if matched else found.sentence if found else _UNKNOWN,
        warning=None,
        mistakes=(found,) if found else (),
        signature=received,
        your_string_to_sign=yours,
        nearest=SignatureReading(flavour, text, expected),
        first_difference=None if yours is None or yours == text else _first_difference(yours, text),
        tried=(),
    )


def _fields(call: CallToExplain) -> Mapping[str, object]:
    """The fields of a way back: of a form, or of an address; none of a webhook."""
    try:
        query = urlsplit(call.url).query
    except ValueError as error:
        raise Invalid("This is no URL.", code="url.invalid") from error
    if call.body.lstrip().startswith("{"):
        return {}
    return requests.decode_form((call.body or query).encode(errors="replace"))


def _reading(fields: Mapping[str, object], body: str) -> tuple[str, str, str]:
    """What is signed, as a name and as text, and the name of the secret."""
    if _LINK in fields:
        names = (_LINK, "razorpay_payment_link_reference_id", "razorpay_payment_link_status", _PAYMENT)
        return "payment link", "|".join(str(fields.get(name, "")) for name in names), "key_secret"
    if _PAYMENT in fields:
        return "payment", f"{fields.get(_ORDER, '')}|{fields[_PAYMENT]}", "key_secret"
    return "webhook", body, "webhook_secret"


def _mistakes(
    text: str, credential: str, own: Mapping[str, str], others: Mapping[str, str]
) -> Iterator[tuple[SignatureMistake, str]]:
    """Known mistakes, and the signature that each makes."""

    def mistake(name: str, sentence: str, code: str) -> SignatureMistake:
        return SignatureMistake(f"{NAME}.{name}", sentence, code)

    secret = own[credential]
    right = signatures.sign(secret, text.encode())
    other_name = "webhook_secret" if credential == "key_secret" else "key_secret"
    sentence = f"It was made with the {other_name} in the place of the {credential}."
    yield mistake("secret.other", sentence, credential), signatures.sign(own[other_name], text.encode())
    yield mistake("digits.capital", "The hexadecimal digits are capitals.", "hexdigest().lower()"), right.upper()
    in_base64 = base64.b64encode(bytes.fromhex(right)).decode()
    yield mistake("base64", "It is base64, where hexadecimal digits are expected.", "digest('hex')"), in_base64
    for original in _as_sent(text):
        sentence = "It matches after re-serialising: the body was parsed and written again. Sign the raw bytes."
        yield (
            mistake("body.serialised", sentence, "express.raw({type: 'application/json'})"),
            signatures.sign(secret, original.encode()),
        )
    if credential == "key_secret":
        swapped = "|".join(reversed(text.split("|")))
        sentence = "The ids are the wrong way round: it is the order's, a pipe, the payment's."
        yield mistake("ids.swapped", sentence, "order_id + '|' + payment_id"), signatures.sign(secret, swapped.encode())
    for seller_id, theirs in others.items():
        sentence = f"It was made with the {credential} of another seller, {seller_id}."
        yield mistake("seller.other", sentence, credential), signatures.sign(theirs, text.encode())


def _as_sent(text: str) -> Iterator[str]:
    """A webhook's body as it was before somebody parsed it and wrote it again."""
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError):
        return
    yield events.dump(plain)


def _first_difference(text: str, other: str) -> int:
    """The byte at which two texts part."""
    pairs = zip(text.encode(errors="replace"), other.encode(errors="replace"), strict=False)
    return next((place for place, pair in enumerate(pairs) if pair[0] != pair[1]), min(len(text), len(other)))

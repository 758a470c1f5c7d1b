"""Why the hash of a form, a result or a command fits or does not, for a developer who asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from mockpay.domain.providers import CallToExplain, SignatureExplanation, SignatureMistake, SignatureReading
from mockpay.domain.sellers import Seller
from mockpay.kernel import ids
from mockpay.kernel.errors import Invalid
from mockpay.kernel.keys.files import Keys
from mockpay.providers.payu.credentials import credentials, credentials_of
from mockpay.wire.payu import diagnostics, hashes, requests
from mockpay.wire.payu.diagnostics import Mistake

#: In the place of the salt: no secret is answered.
_SALT = "<SALT>"


def explain_signature(seller: Seller, _keys: Keys, call: CallToExplain) -> SignatureExplanation:
    """
    Explain a form as it was posted: of a payment or a command by the seller, of a result by us.

    Raises:
        Invalid: code ``url.invalid`` or ``form.malformed``.
    """
    try:
        raw = call.body or urlsplit(call.url).query
    except ValueError as error:
        raise Invalid("This is no URL.", code="url.invalid") from error
    fields, own = requests.decode(raw.encode(errors="replace")), credentials(seller)
    kind = diagnostics.kind_of(fields)
    received = call.signature if call.signature is not None else fields.get("hash", "")
    text = diagnostics.text_of(kind, fields, own["salt"])
    matched = hashes.fits(text, received) and ids.same(fields.get("key", ""), own["key"])
    others = {} if matched else _salts_of(call)
    mistake = None if matched else _mistake(own["key"], own["salt"], fields, received, others)
    claimed = call.string_to_sign if call.string_to_sign is not None else mistake.text if mistake else None
    salts = (own["salt"], *others.values())
    shown, yours = _masked(text, salts), _masked(claimed, salts) if claimed else None
    cause = "The hash fits." if matched else mistake.sentence if mistake else diagnostics.UNKNOWN
    return SignatureExplanation(
        matched=str(kind) if matched else None,
        cause=cause,
        warning=None,
        mistakes=(SignatureMistake(f"payu.{mistake.name}", mistake.sentence, mistake.code),) if mistake else (),
        signature=received,
        your_string_to_sign=yours,
        nearest=SignatureReading(str(kind), shown, hashes.digest(text)),
        first_difference=None if yours is None or yours == shown else _first_difference(yours, shown),
        tried=(),
    )


def _salts_of(call: CallToExplain) -> dict[str, str]:
    """Those of other sellers, one of which may have been used."""
    return {name: credentials_of(name, secret)["salt"] for name, secret in call.other_secrets().items()}


def _mistake(
    key: str, salt: str, fields: Mapping[str, str], received: str, others: Mapping[str, str]
) -> Mistake | None:
    if not ids.same(fields.get("key", ""), key):
        return Mistake("key.other", f"The key is not this seller's: it is {key}.", "", "the key beside this salt")
    return diagnostics.find_mistake(diagnostics.kind_of(fields), fields, salt, received, others)


def _masked(text: str, salts: Iterable[str]) -> str:
    for salt in salts:
        text = text.replace(salt, _SALT)
    return text


def _first_difference(text: str, other: str) -> int:
    """The byte at which two texts part."""
    pairs = zip(text.encode(), other.encode(), strict=False)
    return next((place for place, pair in enumerate(pairs) if pair[0] != pair[1]), min(len(text), len(other)))

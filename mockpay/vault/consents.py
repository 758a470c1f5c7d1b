"""Consent: without a buyer's yes to a text that we can show again, nothing of theirs is saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mockpay.kernel import ids
from mockpay.kernel.errors import Invalid


@dataclass(frozen=True, slots=True)
class Consent:
    """A buyer's own words: yes, to this text, at this moment."""

    text_version: str
    text_sha256: str
    accepted_at: int
    ip: str


#: What a buyer agrees to, by version; a text that was shown once is never changed.
CONSENT_TEXTS: Mapping[str, str] = {
    "1": "Save this payment method for faster payments to this seller. The card number and its "
    "expiry date are kept as a token by the network; the seller sees its last four digits. "
    "You can remove it at any time."
}
CONSENT_VERSION = "1"


def consent(accepted_at: int, ip: str, version: str = CONSENT_VERSION) -> Consent:
    """The consent of a buyer who was shown a text."""
    sha256 = ids.fingerprint(CONSENT_TEXTS[version].encode())
    return Consent(version, sha256, accepted_at, ip)


def check_consent(given: Consent | None) -> Consent:
    """
    Refuse what is no consent to a text that we know.

    Raises:
        Invalid: code ``consent.required``.
    """
    known = CONSENT_TEXTS.get(given.text_version) if given else None
    if given is None or known is None or ids.fingerprint(known.encode()) != given.text_sha256:
        message = "A payment method is saved only with its owner's consent."
        raise Invalid(message, code="consent.required", field="save")
    return given

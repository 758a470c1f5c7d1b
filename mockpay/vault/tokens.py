"""Tokens, fingerprints and cryptograms: what is made of a secret and tells nothing of it."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping

from mockpay.domain.methods import cards
from mockpay.kernel import ids
from mockpay.kernel.clock import DAY
from mockpay.kernel.keys.keyring import Keyring

_TOKEN_SIZE = 22
_CRYPTOGRAM_BYTES = 20
#: How long a cryptogram may wait for its payment, in ms.
CRYPTOGRAM_LIFE = DAY


def binding(seller_id: str, token: str, kind: str) -> str:
    """What a secret is sealed with, so that its row cannot be put in another's place."""
    return f"mockpay/vault/v1|{seller_id}|{token}|{kind}"


def scoped_fingerprint(ring: Keyring, seller_id: str, identity: str) -> str:
    """An instrument's mark at one seller, to find it saved already."""
    return ring.fingerprint("seller fingerprint", f"{seller_id}|{identity}")


def account_reference(ring: Keyring, pan: str) -> str:
    """The PAR: the same for all tokens of one card; 4 letters of who issued it and 25 more."""
    mark = hmac.digest(ring.derived("par"), pan.encode(), "sha256")
    return "MOCK" + base64.b32encode(mark).decode()[:25]


#: Beginnings of token numbers: in each network's range and of no test card, so that nobody can
#: pay with one.
_TOKEN_BINS: Mapping[str, tuple[str, int]] = {
    "Visa": ("489537", 16),
    "Mastercard": ("520473", 16),
    "RuPay": ("817298", 16),
    "American Express": ("374499", 15),
    "Diners Club": ("361099", 14),
    "Maestro": ("503890", 16),
}


def token_number(seed: str, token: str, network: str) -> str:
    """The number that the network knows a card's token by; not the card's own, and Luhn-good."""
    prefix, length = _TOKEN_BINS[network]
    free = length - len(prefix) - 1
    dice = ids.number(seed, "token number", token, below=10**free)
    body = f"{prefix}{dice:0{free}d}"
    return next(number for digit in range(10) if cards.luhn(number := f"{body}{digit}"))


def new_token() -> str:
    """A token that nobody can guess."""
    return "tok_" + ids.base62(_TOKEN_SIZE)


def cryptogram(ring: Keyring, seller_id: str, token: str) -> str:
    """A new one-time proof that this token pays now (a mock TAVV): 20 bytes in base64."""
    text = f"{seller_id}|{token}|{ids.entropy(16).hex()}"
    mark = hmac.digest(ring.derived("cryptogram"), text.encode(), "sha256")
    return base64.b64encode(mark[:_CRYPTOGRAM_BYTES]).decode()

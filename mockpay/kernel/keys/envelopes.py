"""
Envelopes: a secret under a key of its own, which lies beside it wrapped under the ring's.

To throw the wrapped key away is to throw the secret away; a rotation wraps keys anew and
leaves what they encrypt alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mockpay.kernel.ids import entropy
from mockpay.kernel.keys.keyring import Keyring, another_key

_KEY_BYTES = 32
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Envelope:
    """As stored: `version` of the ring's key, 40 bytes of wrapped key, 12 of nonce, the secret."""

    version: int
    wrapped: bytes = field(repr=False)
    nonce: bytes = field(repr=False)
    sealed: bytes = field(repr=False)


def enclose(ring: Keyring, bound: str, secret: bytes) -> Envelope:
    """AES-256-GCM under a random key of its own; `bound` must be said again to open it."""
    key, nonce = entropy(_KEY_BYTES), entropy(_NONCE_BYTES)
    version, wrapped = ring.wrap(key)
    return Envelope(version, wrapped, nonce, AESGCM(key).encrypt(nonce, secret, bound.encode()))


def disclose(ring: Keyring, bound: str, envelope: Envelope) -> bytes:
    """
    The secret.

    Raises:
        Unusable: code ``store.sealed_by_another_key``: the row was swapped or changed, or its
            key is not in this ring.
    """
    key = ring.unwrap(envelope.version, envelope.wrapped)
    try:
        return AESGCM(key).decrypt(envelope.nonce, envelope.sealed, bound.encode())
    except (InvalidTag, ValueError) as error:
        raise another_key() from error

"""Keys for data at rest: AES-256-GCM under versioned keys, bound to kind and owner."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from functools import cached_property

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mockpay.kernel.errors import Unusable
from mockpay.kernel.ids import entropy

_KEY_BYTES = 32
_NONCE_BYTES = 12


@dataclass(frozen=True)
class Keyring:
    """Versioned keys, the newest last; what it sealed names its key's version."""

    keys: tuple[tuple[int, bytes], ...]

    @classmethod
    def generate(cls) -> Keyring:
        """A ring with one new key, version 1."""
        return cls(((1, entropy(_KEY_BYTES)),))

    @classmethod
    def parse(cls, text: str) -> Keyring:
        """
        Read ``version:base64`` lines.

        Raises:
            Unusable: code ``keys.unusable``.
        """
        try:
            lines = [line.split(":", 1) for line in text.split() if line]
            keys = tuple((int(n), base64.b64decode(key, validate=True)) for n, key in lines)
        except (ValueError, binascii.Error) as error:
            raise _unusable() from error
        if not keys or any(len(key) != _KEY_BYTES or n < 1 or n > 255 for n, key in keys):
            raise _unusable()
        return cls(keys)

    def dump(self) -> str:
        """The text that `parse` reads."""
        return "".join(f"{n}:{base64.b64encode(key).decode()}\n" for n, key in self.keys)

    @cached_property
    def _ciphers(self) -> dict[int, AESGCM]:
        return {n: AESGCM(key) for n, key in self.keys}

    def seal(self, kind: str, owner: str, secret: bytes) -> bytes:
        """Encrypt; only the same kind and owner can open it again."""
        version = self.keys[-1][0]
        nonce = entropy(_NONCE_BYTES)
        sealed = self._ciphers[version].encrypt(nonce, secret, _bound(kind, owner))
        return bytes((version,)) + nonce + sealed

    def open_(self, kind: str, owner: str, sealed: bytes) -> bytes:
        """
        Decrypt.

        Raises:
            Unusable: code ``store.sealed_by_another_key``: a row was moved, changed,
                or sealed under a key that this ring does not have.
        """
        cipher = self._ciphers.get(sealed[0] if sealed else 0)
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            if cipher is None:
                raise InvalidTag
            return cipher.decrypt(nonce, body, _bound(kind, owner))
        except (InvalidTag, ValueError) as error:
            message = (
                "The database was sealed by another store.key than the one in the keys folder."
            )
            raise Unusable(message, code="store.sealed_by_another_key") from error


def _bound(kind: str, owner: str) -> bytes:
    return f"mockpay|{kind}|{owner}".encode()


def _unusable() -> Unusable:
    return Unusable(
        "store.key must hold lines of version:base64 of 32 bytes.", code="keys.unusable"
    )

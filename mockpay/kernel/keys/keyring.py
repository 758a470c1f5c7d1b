"""Keys for data at rest: AES-256-GCM under versioned keys, bound to kind and owner."""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import keywrap
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mockpay.kernel.errors import Unusable
from mockpay.kernel.ids import entropy

_KEY_BYTES = 32
_NONCE_BYTES = 12
#: What was sealed begins with one byte that names the version.
_VERSIONS = 255
#: The line that holds the root instead of a version's key.
_ROOT = "root"

Versions = tuple[tuple[int, bytes], ...]


@dataclass(frozen=True, slots=True, repr=False)
class _Key:
    """One version's key in its two uses, which never share key bytes."""

    cipher: AESGCM
    wrapping: bytes


class Keyring:
    """
    Versioned keys, the newest last; what it sealed names its key's version.

    Args:
        keys: Pairs of version and 32 bytes.
        root: What keys are derived from that must never change; by default made of the first key.
    """

    def __init__(self, keys: Versions, root: bytes | None = None) -> None:
        self.keys = keys
        self._root = root or _derived(keys[0][1], _ROOT)
        self._by_version = {n: _Key(AESGCM(key), _derived(key, "key wrap")) for n, key in keys}

    @classmethod
    def generate(cls) -> Keyring:
        """A ring with one new key, version 1."""
        return cls(((1, entropy(_KEY_BYTES)),))

    @classmethod
    def parse(cls, text: str) -> Keyring:
        """
        Read ``version:base64`` lines, and ``root:base64`` if the first key is not the first.

        Raises:
            Unusable: code ``keys.unusable``.
        """
        try:
            lines = [line.split(":", 1) for line in text.split() if line]
            keys = [(n, base64.b64decode(key, validate=True)) for n, key in lines]
            root = next((key for n, key in keys if n == _ROOT), None)
            versions = tuple((int(n), key) for n, key in keys if n != _ROOT)
        except (ValueError, binascii.Error) as error:
            raise _unusable() from error
        named = {n for n, _ in versions}
        valid = len(named) == len(versions) and all(1 <= n <= _VERSIONS for n in named)
        if not versions or not valid or any(len(key) != _KEY_BYTES for _, key in keys):
            raise _unusable()
        return cls(versions, root)

    def dump(self) -> str:
        """The text that `parse` reads; without a root where it can be derived as ever."""
        lines = self.keys
        is_derived = self._root == _derived(lines[0][1], _ROOT)
        root = "" if is_derived else f"{_ROOT}:{base64.b64encode(self._root).decode()}\n"
        return root + "".join(f"{n}:{base64.b64encode(key).decode()}\n" for n, key in lines)

    @property
    def version(self) -> int:
        """The version that seals and wraps now."""
        return self.keys[-1][0]

    def with_new_key(self) -> Keyring:
        """The same ring with one more key, of a version that is free, which seals from now on."""
        following = (n % _VERSIONS + 1 for n in range(self.version, self.version + _VERSIONS))
        version = next(n for n in following if n not in self._by_version)
        return Keyring((*self.keys, (version, entropy(_KEY_BYTES))), self._root)

    def with_newest_only(self) -> Keyring:
        """The same ring without its old keys."""
        return Keyring(self.keys[-1:], self._root)

    def fingerprint(self, purpose: str, text: str) -> str:
        """32 hex digits that stand for a text and tell nothing of it; keyed, so that nobody can try them out."""
        return hmac.digest(self.derived(purpose), text.encode(), "sha256").hex()[:32]

    def derived(self, purpose: str) -> bytes:
        """A key for one purpose that stays the same through every rotation (fingerprints, MACs)."""
        return _derived(self._root, purpose)

    def seal(self, kind: str, owner: str, secret: bytes) -> bytes:
        """Encrypt; only the same kind and owner can open it again."""
        version = self.version
        nonce = entropy(_NONCE_BYTES)
        sealed = self._by_version[version].cipher.encrypt(nonce, secret, _bound(kind, owner))
        return bytes((version,)) + nonce + sealed

    def open_(self, kind: str, owner: str, sealed: bytes) -> bytes:
        """
        Decrypt.

        Raises:
            Unusable: code ``store.sealed_by_another_key``: a row was moved, changed,
                or sealed under a key that this ring does not have.
        """
        key = self._of(sealed[0] if sealed else 0)
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return key.cipher.decrypt(nonce, body, _bound(kind, owner))
        except (InvalidTag, ValueError) as error:
            raise another_key() from error

    def wrap(self, key: bytes) -> tuple[int, bytes]:
        """Another key under the newest version (RFC 3394), and which version that was."""
        version = self.version
        return version, keywrap.aes_key_wrap(self._by_version[version].wrapping, key)

    def unwrap(self, version: int, wrapped: bytes) -> bytes:
        """
        The key that was wrapped under a version.

        Raises:
            Unusable: code ``store.sealed_by_another_key``.
        """
        try:
            return keywrap.aes_key_unwrap(self._of(version).wrapping, wrapped)
        except (keywrap.InvalidUnwrap, ValueError) as error:
            raise another_key() from error

    def _of(self, version: int) -> _Key:
        try:
            return self._by_version[version]
        except KeyError:
            raise another_key() from None


def another_key() -> Unusable:
    """What is raised when something at rest cannot be opened; it does not tell why."""
    message = (
        "The database was sealed by another store.key than the one in the keys folder;"
        " put that one there or name another database by MOCKPAY_DATABASE_URL."
    )
    return Unusable(message, code="store.sealed_by_another_key")


def _derived(key: bytes, purpose: str) -> bytes:
    return hmac.digest(key, f"mockpay|{purpose}".encode(), "sha256")


def _bound(kind: str, owner: str) -> bytes:
    return f"mockpay|{kind}|{owner}".encode()


def _unusable() -> Unusable:
    return Unusable("store.key must hold lines of version:base64 of 32 bytes.", code="keys.unusable")


_DATA_KEY_BYTES = 32
_WRAP_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Envelope:
    """As stored: `version` of the ring's key, 40 bytes of wrapped key, 12 of nonce, the secret."""

    version: int
    wrapped: bytes = field(repr=False)
    nonce: bytes = field(repr=False)
    sealed: bytes = field(repr=False)


def enclose(keyring: Keyring, bound: str, secret: bytes) -> Envelope:
    """AES-256-GCM under a random key of its own; `bound` must be said again to open it."""
    key, nonce = entropy(_DATA_KEY_BYTES), entropy(_WRAP_NONCE_BYTES)
    version, wrapped = keyring.wrap(key)
    return Envelope(version, wrapped, nonce, AESGCM(key).encrypt(nonce, secret, bound.encode()))


def disclose(keyring: Keyring, bound: str, envelope: Envelope) -> bytes:
    """
    The secret.

    Raises:
        Unusable: code ``store.sealed_by_another_key``: the row was swapped or changed, or its
            key is not in this ring.
    """
    key = keyring.unwrap(envelope.version, envelope.wrapped)
    try:
        return AESGCM(key).decrypt(envelope.nonce, envelope.sealed, bound.encode())
    except (InvalidTag, ValueError) as error:
        raise another_key() from error

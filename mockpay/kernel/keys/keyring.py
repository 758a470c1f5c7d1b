"""Keys for data at rest: AES-256-GCM under versioned keys, bound to kind and owner."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from cryptography.exceptions import InvalidTag
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
class _Held:
    """One version's key in its two uses, which never share key bytes."""

    cipher: AESGCM
    wrapping: bytes


def _held(key: bytes) -> _Held:
    return _Held(AESGCM(key), _derived(key, "key wrap"))


def _no_newer() -> Keyring | None:
    return None


class Keyring:
    """
    Versioned keys, the newest last; what it sealed names its key's version.

    A ring whose keys lie in a file follows that file: before it seals, and where it meets a
    version that it does not know, it takes over what another process wrote there meanwhile.
    It goes on opening with every key that it ever had.

    Args:
        keys: Pairs of version and 32 bytes.
        root: What keys are derived from that must never change; by default the first key says.
        newer: The ring as it is now, None where nothing changed since the last call.
    """

    def __init__(
        self, keys: Versions, root: bytes | None = None, newer: Callable[[], Keyring | None] = _no_newer
    ) -> None:
        self._keys = keys
        self._root = root or _derived(keys[0][1], _ROOT)
        self._held = {version: _held(key) for version, key in keys}
        self._newer = newer
        self._following = Lock()

    @classmethod
    def generate(cls) -> Keyring:
        """A ring with one new key, version 1."""
        return cls(((1, entropy(_KEY_BYTES)),))

    @classmethod
    def parse(cls, text: str, newer: Callable[[], Keyring | None] = _no_newer) -> Keyring:
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
        sane = len(named) == len(versions) and all(1 <= n <= _VERSIONS for n in named)
        if not versions or not sane or any(len(key) != _KEY_BYTES for _, key in keys):
            raise _unusable()
        return cls(versions, root, newer)

    def dump(self) -> str:
        """The text that `parse` reads; without a root where it can be derived as ever."""
        lines = self.keys
        told = self._root != _derived(lines[0][1], _ROOT)
        root = f"{_ROOT}:{base64.b64encode(self._root).decode()}\n" if told else ""
        return root + "".join(f"{n}:{base64.b64encode(key).decode()}\n" for n, key in lines)

    @property
    def keys(self) -> Versions:
        """The versions as they are now, the newest last."""
        self._follow()
        return self._keys

    @property
    def version(self) -> int:
        """The version that seals and wraps now."""
        return self.keys[-1][0]

    def with_new_key(self) -> Keyring:
        """
        The same ring with one more key, which seals from now on.

        Raises:
            Unusable: code ``keys.too_many``.
        """
        known = dict(self.keys)
        if len(known) == _VERSIONS:
            raise Unusable("store.key is full; retire its old versions.", code="keys.too_many")
        following = self.version % _VERSIONS + 1
        while following in known:
            following = following % _VERSIONS + 1
        return Keyring((*self.keys, (following, entropy(_KEY_BYTES))), self._root)

    def with_newest_only(self) -> Keyring:
        """The same ring without its old keys."""
        return Keyring(self.keys[-1:], self._root)

    def derived(self, purpose: str) -> bytes:
        """A key for one purpose that stays the same through every rotation (fingerprints, MACs)."""
        return _derived(self._root, purpose)

    def seal(self, kind: str, owner: str, secret: bytes) -> bytes:
        """Encrypt; only the same kind and owner can open it again."""
        version = self.version
        nonce = entropy(_NONCE_BYTES)
        sealed = self._held[version].cipher.encrypt(nonce, secret, _bound(kind, owner))
        return bytes((version,)) + nonce + sealed

    def open_(self, kind: str, owner: str, sealed: bytes) -> bytes:
        """
        Decrypt.

        Raises:
            Unusable: code ``store.sealed_by_another_key``: a row was moved, changed,
                or sealed under a key that this ring does not have.
        """
        held = self._of(sealed[0] if sealed else 0)
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return held.cipher.decrypt(nonce, body, _bound(kind, owner))
        except (InvalidTag, ValueError) as error:
            raise another_key() from error

    def wrap(self, key: bytes) -> tuple[int, bytes]:
        """Another key under the newest version (RFC 3394), and which version that was."""
        # Here, as most servers never save a card.
        from cryptography.hazmat.primitives.keywrap import aes_key_wrap  # noqa: PLC0415

        version = self.version
        return version, aes_key_wrap(self._held[version].wrapping, key)

    def unwrap(self, version: int, wrapped: bytes) -> bytes:
        """
        The key that was wrapped under a version.

        Raises:
            Unusable: code ``store.sealed_by_another_key``.
        """
        from cryptography.hazmat.primitives import keywrap  # noqa: PLC0415

        try:
            return keywrap.aes_key_unwrap(self._of(version).wrapping, wrapped)
        except (keywrap.InvalidUnwrap, ValueError) as error:
            raise another_key() from error

    def _of(self, version: int) -> _Held:
        if version not in self._held:
            self._follow()
        try:
            return self._held[version]
        except KeyError:
            raise another_key() from None

    def _follow(self) -> None:
        with self._following:
            newer = self._newer()
            if newer is not None:
                # A version that was known keeps its key: what is open must not close.
                self._held = {**newer._held, **self._held}  # noqa: SLF001
                self._keys = newer._keys  # noqa: SLF001


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

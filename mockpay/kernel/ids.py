"""
Names for things: reproducible ones that people see, and unguessable ones.

A visible id is HMAC(seed, seller | noun | natural key | n), so the same seed gives the same ids in every run,
whatever processes, restarts and threads do. Keys, nonces and page tokens come from the operating system.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import string

_BASE62 = string.digits + string.ascii_letters


def entropy(size: int) -> bytes:
    """Bytes from the operating system, for keys, nonces and salts."""
    return secrets.token_bytes(size)


def page_token() -> str:
    """A 128-bit token for a page's address (22 characters)."""
    return secrets.token_urlsafe(16)


def base62(size: int) -> str:
    """Letters and digits that nobody can guess, for tokens that programs pass on."""
    return "".join(secrets.choice(_BASE62) for _ in range(size))


def request_id() -> str:
    """A new id in the form of a UUID, as services put one on every answer."""
    return _grouped(secrets.token_hex(16))


def uuid(seed: str, *parts: object) -> str:
    """A reproducible id in the form of a UUID."""
    return _grouped(digest(seed, *parts)[:16].hex())


def _grouped(text: str) -> str:
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def same(first: str, second: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(first.encode(), second.encode())


def digest(seed: str, *parts: object) -> bytes:
    """32 bytes that depend on the seed and the parts alone."""
    text = "|".join(str(part) for part in parts)
    return hmac.digest(seed.encode(), text.encode(), "sha256")


def number(seed: str, *parts: object, below: int) -> int:
    """A number from 0 up to, not including, `below`: dice that fall the same in every run."""
    return int.from_bytes(digest(seed, *parts)[:16]) % below


def short(prefix: str, seed: str, *parts: object) -> str:
    """An internal id such as ``att_k5xq...``: the prefix and 20 characters (100 bits)."""
    text = base64.b32encode(digest(seed, prefix, *parts)[:13]).decode().lower()
    return f"{prefix}_{text[:20]}"


def fingerprint(data: bytes) -> str:
    """Hexadecimal SHA-256, for telling whether two contents are the same."""
    return hashlib.sha256(data).hexdigest()

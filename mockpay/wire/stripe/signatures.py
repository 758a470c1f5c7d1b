"""Stripe's credentials and signatures: a secret key as Bearer or Basic, HMAC-SHA256 of a webhook's time and body."""

from __future__ import annotations

import base64
import binascii
import hmac


def authorization(secret_key: str) -> str:
    """The header of a request."""
    return f"Bearer {secret_key}"


def parse_authorization(header: str) -> str | None:
    """The key of a header: Bearer, or Basic with the key as user and no password (curl's `-u`); None for none."""
    scheme, _, text = header.partition(" ")
    if scheme.lower() == "bearer":
        return text.strip() or None
    try:
        plain = base64.b64decode(text.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return plain.partition(":")[0] or None if scheme.lower() == "basic" else None


def webhook_header(secret: str, body: bytes, timestamp: int) -> str:
    """
    The header `Stripe-Signature`: `t=1700000000,v1=...`, without a blank, which the public clients do not skip.

    Args:
        timestamp: When it is sent, in seconds of real time: clients refuse what is older than 300 s.
    """
    return f"t={timestamp},v1={_sign(secret, body, str(timestamp))}"


def read_webhook_header(header: str) -> tuple[str, list[str]]:
    """Time and signatures of a header, empty where it has none."""
    parts = [part.split("=", 1) for part in header.split(",") if "=" in part]
    times = [value for name, value in parts if name == "t"]
    return next(iter(times), ""), [value for name, value in parts if name == "v1"]


def webhook_fits(secret: str, body: bytes, header: str) -> bool:
    """Whether one of a header's signatures is that of the raw body."""
    timestamp, signatures = read_webhook_header(header)
    expected = _sign(secret, body, timestamp)
    return any(hmac.compare_digest(expected.encode(), signature.encode()) for signature in signatures)


def _sign(secret: str, body: bytes, timestamp: str) -> str:
    return hmac.digest(secret.encode(), timestamp.encode() + b"." + body, "sha256").hex()

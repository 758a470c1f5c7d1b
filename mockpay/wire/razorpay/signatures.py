"""Razorpay's credentials and signatures: Basic for requests, HMAC-SHA256 in hexadecimal for what comes back."""

from __future__ import annotations

import base64
import binascii
import hmac


def authorization(key_id: str, key_secret: str) -> str:
    """The header of a request."""
    return f"Basic {base64.b64encode(f'{key_id}:{key_secret}'.encode()).decode()}"


def parse_authorization(header: str) -> tuple[str, str] | None:
    """Key id and secret of a header; None where it is none."""
    scheme, _, text = header.partition(" ")
    try:
        plain = base64.b64decode(text.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    key_id, colon, key_secret = plain.partition(":")
    return (key_id, key_secret) if scheme.lower() == "basic" and colon else None


def payment_signature(key_secret: str, order_id: str, payment_id: str) -> str:
    """What comes back beside the ids of a payment that succeeded: `order_id|payment_id` under the key's secret."""
    return sign(key_secret, f"{order_id}|{payment_id}".encode())


def link_signature(key_secret: str, link_id: str, reference: str, status: str, payment_id: str) -> str:
    """What comes back of a payment link, under the key's secret."""
    return sign(key_secret, f"{link_id}|{reference}|{status}|{payment_id}".encode())


def webhook_signature(webhook_secret: str, body: bytes) -> str:
    """The header `X-Razorpay-Signature`: the raw body under the webhook's secret."""
    return sign(webhook_secret, body)


def fits(expected: str, received: str) -> bool:
    """Compare two signatures in constant time; `received` may be anything."""
    return hmac.compare_digest(expected.encode(), received.encode())


def sign(secret: str, text: bytes) -> str:
    """HMAC-SHA256 in small hexadecimal digits."""
    return hmac.digest(secret.encode(), text, "sha256").hex()

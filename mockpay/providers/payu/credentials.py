"""What PayU would have issued to a seller: reproducible, and no other seller's."""

from __future__ import annotations

from collections.abc import Mapping

from mockpay.kernel import ids

NAME = "payu"


def credentials_of(seller_id: str, seller_secret: str) -> Mapping[str, str]:
    """The merchant's key and salt, which follow from the seller's own secret."""

    def derived(name: str, size: int) -> str:
        return ids.digest(seller_secret, NAME, name, seller_id).hex()[:size]

    return {"key": derived("key", 12), "salt": derived("salt", 32)}

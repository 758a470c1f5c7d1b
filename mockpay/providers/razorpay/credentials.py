"""What Razorpay would have issued to a seller: reproducible, and no other seller's."""

from __future__ import annotations

from collections.abc import Mapping

from mockpay.kernel import ids

NAME = "razorpay"


def credentials_of(seller_id: str, seller_secret: str) -> Mapping[str, str]:
    """Key id and the two secrets, which follow from the seller's own secret."""

    def derived(name: str, size: int) -> str:
        return ids.digest(seller_secret, NAME, name, seller_id).hex()[:size]

    return {
        "key_id": f"rzp_test_{derived('key_id', 14)}",
        "key_secret": derived("key_secret", 24),
        "webhook_secret": derived("webhook_secret", 24),
    }

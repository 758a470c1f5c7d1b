"""What Stripe would have issued to a seller: reproducible, and no other seller's."""

from __future__ import annotations

from collections.abc import Mapping

from mockpay.kernel import ids

NAME = "stripe"


def credentials_of(seller_id: str, seller_secret: str) -> Mapping[str, str]:
    """The two keys and the secret of webhooks, which follow from the seller's own secret."""

    def derived(name: str, size: int) -> str:
        return ids.digest(seller_secret, NAME, name, seller_id).hex()[:size]

    return {
        "secret_key": f"sk_test_{derived('secret_key', 32)}",
        "publishable_key": f"pk_test_{derived('publishable_key', 32)}",
        "webhook_secret": f"whsec_{derived('webhook_secret', 32)}",
    }

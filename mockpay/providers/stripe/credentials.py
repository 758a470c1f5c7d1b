"""What Stripe would have issued to a seller: reproducible, and no other seller's; and where its software finds us."""

from __future__ import annotations

from collections.abc import Mapping

from mockpay.domain.sellers import Seller
from mockpay.kernel import ids
from mockpay.kernel.keys.files import Keys

NAME, MOUNT = "stripe", "/gw/stripe"


def credentials_of(seller_id: str, seller_secret: str) -> Mapping[str, str]:
    """The two keys and the secret of webhooks, which follow from the seller's own secret."""

    def derived(name: str, size: int) -> str:
        return ids.digest(seller_secret, NAME, name, seller_id).hex()[:size]

    return {
        "secret_key": f"sk_test_{derived('secret_key', 32)}",
        "publishable_key": f"pk_test_{derived('publishable_key', 32)}",
        "webhook_secret": f"whsec_{derived('webhook_secret', 32)}",
    }


def credentials(seller: Seller) -> Mapping[str, str]:
    """The keys of the front side; a webhook endpoint has a secret of its own."""
    issued = credentials_of(seller.seller_id, seller.secret_key)
    return {name: issued[name] for name in ("secret_key", "publishable_key")}


def addresses(base_url: str) -> Mapping[str, str]:
    """What the company's clients take as the base address of their calls."""
    return {"stripe": f"{base_url.rstrip('/')}{MOUNT}"}


def environment(seller: Seller, _keys: Keys, base_url: str) -> Mapping[str, str]:
    """Variables for the seller's software, by the names that are usual with this company."""
    issued = credentials(seller)
    return {
        "STRIPE_SECRET_KEY": issued["secret_key"],
        "STRIPE_PUBLISHABLE_KEY": issued["publishable_key"],
        "STRIPE_API_BASE": addresses(base_url)["stripe"],
    }

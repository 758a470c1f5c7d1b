"""What Razorpay would have issued to a seller, reproducible and no other seller's, and where its software calls."""

from __future__ import annotations

from collections.abc import Mapping

from mockpay.domain.sellers import Seller
from mockpay.kernel import ids
from mockpay.kernel.keys.files import Keys

NAME, MOUNT = "razorpay", "/gw/razorpay"


def credentials_of(seller_id: str, seller_secret: str) -> Mapping[str, str]:
    """Key id and the two secrets, which follow from the seller's own secret."""

    def derived(name: str, size: int) -> str:
        return ids.digest(seller_secret, NAME, name, seller_id).hex()[:size]

    return {
        "key_id": f"rzp_test_{derived('key_id', 14)}",
        "key_secret": derived("key_secret", 24),
        "webhook_secret": derived("webhook_secret", 24),
    }


def credentials(seller: Seller) -> Mapping[str, str]:
    """The seller's key id and its two secrets."""
    return credentials_of(seller.seller_id, seller.secret_key)


def addresses(base_url: str) -> Mapping[str, str]:
    """Below what the API is, and where a shop's page posts its form."""
    return {"razorpay": f"{base_url}{MOUNT}", "razorpay_checkout": f"{base_url}{MOUNT}/v1/checkout/embedded"}


def environment(seller: Seller, _keys: Keys, base_url: str) -> Mapping[str, str]:
    """What a client is made with, and what its webhooks are verified by."""
    own = credentials(seller)
    return {
        "RAZORPAY_KEY_ID": own["key_id"],
        "RAZORPAY_KEY_SECRET": own["key_secret"],
        "RAZORPAY_WEBHOOK_SECRET": own["webhook_secret"],
        "RAZORPAY_BASE_URL": f"{base_url}{MOUNT}",
    }

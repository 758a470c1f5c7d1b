"""What PayU would have issued to a seller, reproducible and no other seller's, and where its software calls."""

from __future__ import annotations

from collections.abc import Mapping

from mockpay.domain.sellers import Seller
from mockpay.kernel import ids
from mockpay.kernel.keys.files import Keys
from mockpay.wire.payu import requests

NAME, MOUNT = "payu", "/gw/payu"


def credentials_of(seller_id: str, seller_secret: str) -> Mapping[str, str]:
    """The merchant's key and salt, which follow from the seller's own secret."""

    def derived(name: str, size: int) -> str:
        return ids.digest(seller_secret, NAME, name, seller_id).hex()[:size]

    return {"key": derived("key", 12), "salt": derived("salt", 32)}


def credentials(seller: Seller) -> Mapping[str, str]:
    """The seller's key and salt."""
    return credentials_of(seller.seller_id, seller.secret_key)


def addresses(base_url: str) -> Mapping[str, str]:
    """Where payments are posted, and commands."""
    return {
        "payu_payment": f"{base_url}{MOUNT}{requests.PAYMENT_PATH}",
        "payu_command": f"{base_url}{MOUNT}{requests.COMMAND_PATH}?form=2",
    }


def environment(seller: Seller, _keys: Keys, base_url: str) -> Mapping[str, str]:
    """What a client is made with."""
    own, called = credentials(seller), addresses(base_url)
    return {
        "PAYU_KEY": own["key"],
        "PAYU_SALT": own["salt"],
        "PAYU_PAYMENT_URL": called["payu_payment"],
        "PAYU_API_URL": called["payu_command"],
    }

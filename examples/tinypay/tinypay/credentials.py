"""What Tinypay would have issued to a seller: one key, which follows from the seller's own secret."""

from __future__ import annotations

from collections.abc import Mapping

from mockpay.domain.sellers import Seller
from mockpay.kernel import ids
from mockpay.kernel.keys.files import Keys

NAME = "tinypay"
MOUNT = f"/gw/{NAME}"


def credentials(seller: Seller) -> Mapping[str, str]:
    """The secret key."""
    return {"secret_key": f"tiny_{ids.digest(seller.secret_key, NAME, seller.seller_id).hex()[:24]}"}


def addresses(base_url: str) -> Mapping[str, str]:
    """What a seller's software calls."""
    return {NAME: f"{base_url}{MOUNT}/payments"}


def environment(seller: Seller, _keys: Keys, base_url: str) -> Mapping[str, str]:
    """The variables by which a seller's software is configured."""
    return {"TINYPAY_SECRET_KEY": credentials(seller)["secret_key"], "TINYPAY_URL": f"{base_url}{MOUNT}"}

"""Amazon's keys, and what a seller's software must know of them and of the addresses."""

from __future__ import annotations

from collections.abc import Mapping

from mockpay.domain.sellers import Seller
from mockpay.kernel.keys.files import KeyFile, Keys
from mockpay.wire.keys import public_key_line

PAYMENT_KEY = KeyFile(
    "amazonpay_private.pem", "amazonpay_public.pem", "opens payment requests", "for shops: encrypts payment requests"
)
#: Real handlers look at the certificate's subject.
NOTIFICATION_KEY = KeyFile(
    "ipn_signing.pem",
    "ipn_signing_cert.pem",
    "signs notifications",
    "for shops: verifies notifications",
    certificate_subject="sns.amazonaws.com",
)
KEY_FILES = (PAYMENT_KEY, NOTIFICATION_KEY)


def addresses(base_url: str) -> Mapping[str, str]:
    """What the clients of either family call."""
    return {
        "pay": f"{base_url}/initiatePayment",
        "mws": f"{base_url}/OffAmazonPayments_Sandbox/2013-01-01",
        "charge_status": f"{base_url}/v2/payments/chargeStatus",
        "dynamic_config": f"{base_url}/getDynamicConfig",
    }


def credentials(seller: Seller) -> Mapping[str, str]:
    """The access key and its secret."""
    return {"access_key": seller.access_key, "secret_key": seller.secret_key}


def environment(seller: Seller, keys: Keys, base_url: str) -> Mapping[str, str]:
    """The variables that the merchant side reads; SDKs take the key as one line."""
    return {
        "AMAZONPAY_SELLER_ID": seller.seller_id,
        "AMAZONPAY_ACCESS_KEY": seller.access_key,
        "AMAZONPAY_SECRET_KEY": seller.secret_key,
        "AMAZONPAY_PUBLIC_KEY": public_key_line(keys.private[PAYMENT_KEY.private].public_key()),
        "AMAZONPAY_BASE_URL": base_url,
    }

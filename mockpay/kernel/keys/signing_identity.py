"""The key and certificate that sign notifications, read when the first one is sent."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from mockpay.kernel import ids
from mockpay.kernel.errors import Unusable
from mockpay.kernel.keys.files import IPN_CERTIFICATE, IPN_KEY


@dataclass(frozen=True, slots=True)
class IpnIdentity:
    """The private key, its certificate in PEM, and the name of the certificate's file."""

    key: RSAPrivateKey
    certificate: bytes
    file_name: str


@cache
def ipn_identity(folder: Path) -> IpnIdentity:
    """
    What the keys folder holds; the start of the server has made sure that it is there.

    Raises:
        Unusable: code ``keys.unusable``.
    """
    try:
        pem, certificate = (folder / IPN_KEY).read_bytes(), (folder / IPN_CERTIFICATE).read_bytes()
        key = serialization.load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
    except (OSError, ValueError, TypeError) as error:
        message = "The notifications' signing key cannot be read."
        raise Unusable(message, code="keys.unusable") from error
    if not isinstance(key, RSAPrivateKey):
        message = "The notifications' signing key is no RSA key."
        raise Unusable(message, code="keys.unusable")
    name = f"SimpleNotificationService-{ids.fingerprint(certificate)[:32]}.pem"
    return IpnIdentity(key, certificate, name)

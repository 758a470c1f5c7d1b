"""RSA keys in the spellings that configuration files and clients use."""

from __future__ import annotations

import base64
import binascii

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from mockpay.kernel.errors import Invalid


def load_public_key(text: str) -> RSAPublicKey:
    """
    Read a public key: PEM, or base64 SubjectPublicKeyInfo on one line as in config.ini.

    Raises:
        Invalid: code ``key.invalid``.
    """
    try:
        if "-----BEGIN" in text:
            key = load_pem_public_key(text.encode())
        else:
            key = load_der_public_key(base64.b64decode("".join(text.split()), validate=True))
    except (ValueError, binascii.Error, UnsupportedAlgorithm) as error:
        raise _invalid() from error
    if not isinstance(key, RSAPublicKey):
        raise _invalid()
    return key


def public_key_line(key: RSAPublicKey) -> str:
    """Write base64 SubjectPublicKeyInfo on one line, as the clients' config.ini wants it."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode("ascii")


def _invalid() -> Invalid:
    return Invalid("This is no usable RSA key.", code="key.invalid")

"""
The certificate that names the signer of notifications: key in, certificate out.

A program of its own (`python -m mockpay.kernel.certificates`), so that x509 and what it loads,
10 MB and 70 ms, never stay in a server's memory.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

#: What real handlers ask of the certificate's subject (facts on the IPN).
COMMON_NAME = "sns.amazonaws.com"
_YEARS = 20


def self_signed(key: RSAPrivateKey) -> bytes:
    """A certificate in PEM, good from yesterday for twenty years."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, COMMON_NAME)])
    names = x509.SubjectAlternativeName([x509.DNSName(COMMON_NAME)])
    began = datetime.now(UTC) - timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(began)
        .not_valid_after(began + timedelta(days=365 * _YEARS))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


def main() -> None:
    """Read a private key in PEM, write its certificate in PEM."""
    key = serialization.load_pem_private_key(sys.stdin.buffer.read(), None)
    assert isinstance(key, RSAPrivateKey)
    sys.stdout.buffer.write(self_signed(key))


if __name__ == "__main__":
    main()

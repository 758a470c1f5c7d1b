"""
A self-signed certificate for a key: key in, certificate out.

A program of its own (`python -m mockpay.kernel.keys.certificates`), so that x509 and what it
loads, 10 MB and 70 ms, never stay in a server's memory.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_YEARS = 20


def self_signed(key: RSAPrivateKey, common_name: str) -> bytes:
    """A certificate in PEM, good from yesterday for twenty years."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    names = x509.SubjectAlternativeName([x509.DNSName(common_name)])
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
    """Read a line with the subject and a private key in PEM, write its certificate in PEM."""
    subject = sys.stdin.buffer.readline().decode().strip()
    key = serialization.load_pem_private_key(sys.stdin.buffer.read(), None)
    assert isinstance(key, RSAPrivateKey)
    sys.stdout.buffer.write(self_signed(key, subject))


if __name__ == "__main__":
    main()

"""
A certificate authority that can vouch for the impersonated hosts and this machine only.

Whoever trusts it risks nothing else: the name constraints are critical, so a client that does not understand them
refuses it. Loading x509 takes 70 ms, so this module is imported by those commands only that need a certificate.
"""

from __future__ import annotations

import os
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from mockpay.kernel.clock import SystemClock
from mockpay.kernel.errors import Unusable
from mockpay.kernel.keys.files import keep, rewrite
from mockpay.reach.hosts import HOSTS

KEY_FILE, CERTIFICATE_FILE = "ca.key", "ca.pem"
#: The names of this machine, for `mockpay serve --tls`.
_LOCAL_NAME, _LOCAL_ADDRESSES = "localhost", ("127.0.0.1", "::1")
_YEARS = 20
_NAME = "mockpay test authority"
#: Some clients refuse a server's certificate of more than 398 days; ours are new at every start.
_LEAF_DAYS = 397

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Leaf(Struct, frozen=True):
    """What a TLS server presents, as PEM: its private key, and the chain that vouches for it."""

    key: bytes
    chain: bytes


class Authority(Struct, frozen=True):
    """The authority of one keys folder; `path` is the certificate that clients must trust."""

    key: Key
    certificate: x509.Certificate
    path: Path

    @property
    def pem(self) -> bytes:
        """The certificate, for a client's bundle."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def leaf(self, *names: str) -> Leaf:
        """
        A new certificate for these DNS names, by default for all that the sandbox stands in for.

        This machine's own names are always in it.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _sign(
            self,
            _builder("mockpay sandbox", key, self.certificate.subject, _LEAF_DAYS)
            .add_extension(_names(names or HOSTS), critical=False)
            .add_extension(_serves(), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(authority=False), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False),
        )
        chain = certificate.public_bytes(serialization.Encoding.PEM) + self.pem
        return Leaf(_private_pem(key), chain)


def open_authority(folder: Path) -> Authority:
    """
    The authority of a keys folder, made when it is first asked for; safe to race.

    Raises:
        Unusable: code ``keys.unusable``, in one sentence.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        key = _key(folder / KEY_FILE)
        path = folder / CERTIFICATE_FILE
        pem = keep(path, lambda: _own_certificate(key), private=False)
    except OSError as error:
        why = error.strerror or "it cannot be read or written"
        raise _unusable(folder, why) from error
    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise _unusable(path, "it is no certificate") from error
    if certificate.public_key() != key.public_key():
        raise _unusable(path, f"it does not belong to {KEY_FILE}")
    if _is_outdated(certificate):
        certificate = _renewed(path, key)
    return Authority(key, certificate, path)


def _is_outdated(certificate: x509.Certificate) -> bool:
    """Whether an older version made it, which stood in for fewer hosts; what somebody put there is left alone."""
    own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _NAME)])
    if certificate.subject != own or certificate.issuer != own:
        return False
    return _constraints() not in [extension.value for extension in certificate.extensions]


def _renewed(path: Path, key: Key) -> x509.Certificate:
    try:
        pem = rewrite(path, _own_certificate(key))
    except OSError as error:
        raise _unusable(path, error.strerror or "it cannot be written") from error
    return x509.load_pem_x509_certificate(pem)


def _unusable(path: Path, why: str) -> Unusable:
    return Unusable(f"{path} cannot be used: {why}.", code="keys.unusable")


def _key(path: Path) -> Key:
    new = keep(path, lambda: _private_pem(ec.generate_private_key(ec.SECP256R1())), private=True)
    try:
        key = serialization.load_pem_private_key(new, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _unusable(path, "it is no unencrypted private key") from error
    if not isinstance(key, Key):
        raise _unusable(path, "it is no EC or RSA key")
    return key


def _private_pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _own_certificate(key: Key) -> bytes:
    builder = (
        _builder(_NAME, key, None, 365 * _YEARS)
        .add_extension(_constraints(), critical=True)
        .add_extension(_serves(), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _sign(authority: Authority, builder: x509.CertificateBuilder) -> x509.Certificate:
    return builder.sign(authority.key, hashes.SHA256())


def _builder(common_name: str, key: Key, issuer: x509.Name | None, days: int) -> x509.CertificateBuilder:
    """What both kinds of certificate have; no issuer means it signs itself."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.fromtimestamp(SystemClock().now() / 1000, UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer or name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A container's clock may be behind.
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _names(names: tuple[str, ...]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName(
        [
            *(x509.DNSName(name) for name in (*names, _LOCAL_NAME)),
            *(x509.IPAddress(ip_address(address)) for address in _LOCAL_ADDRESSES),
        ]
    )


def _constraints() -> x509.NameConstraints:
    permitted = [
        *(x509.DNSName(name) for name in (*HOSTS, _LOCAL_NAME)),
        *(x509.IPAddress(ip_network(address)) for address in _LOCAL_ADDRESSES),
    ]
    return x509.NameConstraints(permitted_subtrees=permitted, excluded_subtrees=None)


def _serves() -> x509.ExtendedKeyUsage:
    return x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def server_context(authority: Authority) -> ssl.SSLContext:
    """A server's context with a new leaf for every host that the sandbox stands in for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    leaf = authority.leaf()
    # The ssl module reads keys from files only, so the leaf lies in one (0600) for a moment.
    number, name = tempfile.mkstemp(prefix="mockpay-leaf-")
    try:
        with os.fdopen(number, "wb") as file:
            file.write(leaf.key + leaf.chain)
        context.load_cert_chain(name)
    finally:
        Path(name).unlink()
    return context


def client_context(authority: Authority) -> ssl.SSLContext:
    """A client's context that trusts the machine's roots and our authority."""
    context = ssl.create_default_context()
    context.load_verify_locations(cadata=authority.pem.decode("ascii"))
    return context

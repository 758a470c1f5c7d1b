"""
Amazon SNS signatures, which carry instant payment notifications (IPN).

RSA PKCS#1 v1.5 over a few named lines, with SHA-1 (SignatureVersion 1, which every known consumer verifies) or
SHA-256 (2); the certificate comes from a URL that must be Amazon's own.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Container, Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from mockpay.kernel.errors import MockpayError

#: In this order; Subject is signed by some consumers only, so the sandbox never sends it.
SIGNED_FIELDS = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
#: Of a SubscriptionConfirmation and an UnsubscribeConfirmation (AWS documentation, "Verifying the signatures").
SIGNED_FIELDS_OF_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
NOTIFICATION, SUBSCRIPTION, UNSUBSCRIPTION = "Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"
#: Tuples: what is looked up may be a list of somebody's making, which no set takes.
CONFIRMATIONS = (SUBSCRIPTION, UNSUBSCRIPTION)
TYPES = (NOTIFICATION, *CONFIRMATIONS)
_HASHES = {"1": hashes.SHA1, "2": hashes.SHA256}
CERTIFICATE_NAME = "sns.amazonaws.com"
#: The host as every consumer has it; no port or user name, which some of them would take.
_HOST = r"https://sns\.[a-zA-Z0-9\-]{3,}\.amazonaws\.com(\.cn)?/"
_SUBSCRIBE_URL = re.compile(_HOST + r"\?[^#\\\s]*")
_CERTIFICATE_URL = re.compile(_HOST + r"[^?#\\\s]*\.pem")


class SnsError(MockpayError):
    """A notification that is not, or cannot be shown to be, signed by Amazon SNS."""

    code = "notification.signature"


def canonical_string(body: Mapping[str, object]) -> str:
    """
    The lines that are signed.

    Raises:
        SnsError: code ``notification.field``: one of them is missing or no text.
    """
    lines = []
    for name in SIGNED_FIELDS_OF_CONFIRMATION if body.get("Type") in CONFIRMATIONS else SIGNED_FIELDS:
        if name == "Subject" and body.get(name) is None:
            continue
        lines += [name, _text(body, name)]
    return "\n".join(lines) + "\n"


def sign_notification(body: Mapping[str, object], private_key: RSAPrivateKey) -> str:
    """Sign a notification by its SignatureVersion; the result is its Signature, in base64."""
    return sign_text(canonical_string(body), private_key, str(body.get("SignatureVersion", "1")))


def sign_text(canonical: str, private_key: RSAPrivateKey, version: str = "1") -> str:
    """The same for a notification whose `canonical_string` is known."""
    octets = canonical.encode(errors="replace")
    signature = private_key.sign(octets, PKCS1v15(), _HASHES[version]())
    return base64.b64encode(signature).decode("ascii")


def check_certificate_url(url: str, also: Container[str] = ()) -> None:
    """
    Hold a SigningCertURL against the rules that all known consumers share.

    Args:
        also: URLs that are trusted beside Amazon's, compared exactly.

    Raises:
        SnsError: code ``notification.certificate_url``: not https, not an SNS host of
            Amazon's, a port, or no ``.pem``.
    """
    if url not in also and not _CERTIFICATE_URL.fullmatch(url):
        raise SnsError("The signing certificate does not come from Amazon SNS.", code="notification.certificate_url")


def check_subscribe_url(url: str) -> None:
    """
    Hold a SubscribeURL against Amazon's own hosts: who visits it must not be led elsewhere.

    Raises:
        SnsError: code ``notification.subscribe_url``.
    """
    if not _SUBSCRIBE_URL.fullmatch(url):
        raise SnsError("The SubscribeURL does not lead to Amazon SNS.", code="notification.subscribe_url")


def certificate_key(certificate_pem: bytes) -> RSAPublicKey:
    """
    The public key of a signing certificate that carries Amazon SNS's name.

    Its issuer is not checked, nor does any known consumer: the https download vouches.

    Raises:
        SnsError: code ``notification.certificate``.
    """
    # x509 costs start time and memory; only a receiver of notifications needs it.
    from cryptography import x509  # noqa: PLC0415
    from cryptography.x509.oid import NameOID  # noqa: PLC0415

    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem)
        names = [entry.value for entry in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        key = certificate.public_key()
    except ValueError as error:
        raise _bad_certificate() from error
    if names != [CERTIFICATE_NAME] or not isinstance(key, RSAPublicKey):
        raise _bad_certificate()
    return key


def verify_notification(body: Mapping[str, object], certificate_pem: bytes, also: Container[str] = ()) -> None:
    """
    Verify an SNS message: version, certificate URL and name, signature.

    Args:
        body: The message as JSON; `certificate_pem` what its SigningCertURL answered.
        also: Certificate URLs that are trusted beside Amazon's, compared exactly.

    Raises:
        SnsError: `code` says which of them failed.
    """
    version = _text(body, "SignatureVersion")
    if version not in _HASHES:
        raise SnsError("Only SignatureVersion 1 and 2 are known.", code="notification.version")
    check_certificate_url(_text(body, "SigningCertURL"), also)
    key = certificate_key(certificate_pem)
    octets = canonical_string(body).encode(errors="replace")
    try:
        signature = base64.b64decode(_text(body, "Signature"), validate=True)
        key.verify(signature, octets, PKCS1v15(), _HASHES[version]())
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise SnsError("The notification's signature is wrong.") from error


def _text(body: Mapping[str, object], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise SnsError(f"The notification has no {name}.", code="notification.field", name=name)
    return value


def _bad_certificate() -> SnsError:
    return SnsError("The signing certificate is not Amazon SNS's.", code="notification.certificate")

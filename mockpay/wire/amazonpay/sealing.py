"""Seal a payment request into an envelope, as the merchant's side does."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from urllib.parse import quote

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from mockpay.wire.amazonpay.signing import Flavour, request_string, sign

#: Both client families make AES-128 keys.
DATA_KEY_BYTES = 16
#: The wrapping of the data key: OAEP with SHA-1 twice, both clients' default.
DATA_KEY_PADDING = OAEP(mgf=MGF1(hashes.SHA1()), algorithm=hashes.SHA1(), label=None)  # noqa: S303 (the wire's)


class Envelope(Struct, frozen=True):
    """The three sealed parameters, each base64 and not yet percent-encoded."""

    payload: str
    key: str
    iv: str

    def query(self, redirect_url: str | None = None, flavour: Flavour = Flavour.PHP) -> str:
        """Write ``payload=..&key=..&iv=..[&redirectUrl=..]``, each encoded once."""
        pairs = {"payload": self.payload, "key": self.key, "iv": self.iv}
        text = "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs.items())
        if redirect_url is None:
            return text
        return f"{text}&redirectUrl={flavour.encode_url(redirect_url)}"


def seal(
    fields: Mapping[str, str],
    *,
    seller_id: str,
    access_key: str,
    secret_key: str,
    public_key: RSAPublicKey,
    flavour: Flavour,
    start_time: int,
    entropy: Callable[[int], bytes],
) -> Envelope:
    """
    Sign and encrypt a request exactly as a client of this family does.

    Args:
        fields: The request's own fields; sellerId, startTime and the rest are added.
        start_time: Seconds since 1970.
        entropy: Random bytes of a given length (`mockpay.kernel.ids.entropy`).

    Raises:
        FormError: code ``form.unencodable``: a value holds a lone surrogate.
    """
    plaintext = signed_plaintext(
        {**fields, "sellerId": seller_id, "startTime": str(start_time)},
        access_key=access_key,
        secret_key=secret_key,
        flavour=flavour,
    )
    data_key, iv = entropy(DATA_KEY_BYTES), entropy(flavour.iv_bytes)
    sealed = AESGCM(data_key).encrypt(iv, plaintext.encode(), None)
    return Envelope(_base64(sealed), _base64(public_key.encrypt(data_key, DATA_KEY_PADDING)), _base64(iv))


def signed_plaintext(fields: Mapping[str, str], *, access_key: str, secret_key: str, flavour: Flavour) -> str:
    """
    The signed form that goes into the payload.

    The signature covers the values encoded once; the form carries them encoded twice, but
    the access key and the signature only once, and the signature last.
    """
    encoded = {name: flavour.encode_field(name, value) for name, value in fields.items()}
    signature = sign(secret_key, request_string({**encoded, "AWSAccessKeyId": access_key}))
    encoded_twice = {name: flavour.encode_field(name, value) for name, value in encoded.items()}
    encoded_twice["AWSAccessKeyId"] = flavour.encoding.percent_encode(access_key)
    form = [f"{name}={value}" for name, value in sorted(encoded_twice.items())]
    form.append(f"Signature={flavour.encoding.percent_encode(signature)}")
    return "&".join(form)


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")

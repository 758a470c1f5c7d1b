"""The vectors that public clients produced, and a way to seal what no client would."""

import base64
import json
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from mockpay.wire import forms, keys
from mockpay.wire.amazonpay import sealing
from mockpay.wire.amazonpay.opening import EnvelopeParameters, read_parameters

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "amazonpay.json").read_text(encoding="utf-8"))
SELLER_ID = VECTORS["credentials"]["merchant_id"]
ACCESS_KEY = VECTORS["credentials"]["access_key"]
SECRET_KEY = VECTORS["credentials"]["secret_key"]
PRIVATE_KEY = load_pem_private_key(VECTORS["rsa_private_key_pem"].encode(), None, unsafe_skip_rsa_key_validation=True)
PUBLIC_KEY = keys.load_public_key(VECTORS["rsa_public_key_pem"])
SNS_PRIVATE_KEY = load_pem_private_key(
    VECTORS["sns_private_key_pem"].encode(), None, unsafe_skip_rsa_key_validation=True
)


def name_of(vector: dict) -> str:
    return "-".join(str(vector[key]) for key in ("sdk", "name", "signed_with") if key in vector)


def parameters_of(url: str) -> EnvelopeParameters:
    return read_parameters(forms.decode_form(urlsplit(url).query))


def seal_text(plaintext: str | bytes, *, data_key: bytes = b"k" * 16, iv: bytes = b"i" * 12) -> tuple[str, str, str]:
    """Encrypt any text, with any size of key that AES has: payload, key, iv."""
    octets = plaintext.encode() if isinstance(plaintext, str) else plaintext
    aes_key = data_key if len(data_key) in {16, 24, 32} else b"k" * 16
    sealed = AESGCM(aes_key).encrypt(iv, octets, None)
    wrapped = PUBLIC_KEY.encrypt(data_key, sealing.DATA_KEY_PADDING)
    payload, key, nonce = (base64.b64encode(part).decode() for part in (sealed, wrapped, iv))
    return payload, key, nonce

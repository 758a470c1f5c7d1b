"""
SignatureVersion 2: the string that is signed, the HMAC over it, the comparison.

``VERB\\nhost\\npath\\nk=v&k=v`` with the parameters in byte order of their names and each
value percent-encoded once; HMAC-SHA256 with the seller's secret, in base64.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping

from mockpay.wire.amazonpay.client_families import Encoding

#: What both client families sign over for envelopes and results, whatever URL they use.
VERB, HOST, PATH = "POST", "amazonpay.amazon.in", "/"

#: Signed over, never sent inside an envelope or a result.
SIGNATURE_FIELDS = {"SignatureMethod": "HmacSHA256", "SignatureVersion": "2"}


def string_to_sign(verb: str, host: str, path: str, encoded_params: Mapping[str, str]) -> str:
    """Write the canonical string; values must be encoded already and are taken as they are."""
    query = "&".join([f"{name}={value}" for name, value in sorted(encoded_params.items())])
    return f"{verb}\n{host}\n{path}\n{query}"


def sign(secret: str, text: str) -> str:
    """HMAC-SHA256 in base64."""
    mac = hmac.digest(_octets(secret), _octets(text), "sha256")
    return base64.b64encode(mac).decode("ascii")


def matches(signature: str, expected: str) -> bool:
    """Compare two signatures in constant time; any text is allowed."""
    return hmac.compare_digest(_octets(signature), _octets(expected))


def request_string(encoded: Mapping[str, str]) -> str:
    """What is signed for an envelope: all its fields but the signature, plus the two constants."""
    return string_to_sign(VERB, HOST, PATH, SIGNATURE_FIELDS | _without(encoded, "Signature"))


def result_string(fields: Mapping[str, str], access_key: str, encoding: Encoding) -> str:
    """What is signed for a result: the parameters sent back, but the signature."""
    encoded = {n: encoding.percent_encode(v) for n, v in _without(fields, "signature").items()}
    encoded["AWSAccessKeyId"] = access_key
    return string_to_sign(VERB, HOST, PATH, SIGNATURE_FIELDS | encoded)


def sign_result(fields: Mapping[str, str], access_key: str, secret: str, encoding: Encoding) -> str:
    """
    Sign what goes back to the merchant: redirect parameters or a chargeStatus response.

    Raises:
        FormError: code ``form.unencodable``: a value holds a lone surrogate.
    """
    return sign(secret, result_string(fields, access_key, encoding))


def _without(fields: Mapping[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in fields.items() if key != name}


def _octets(text: str) -> bytes:
    return text.encode(errors="replace")

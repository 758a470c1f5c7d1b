import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mockpay.kernel.errors import Invalid
from mockpay.wire import keys
from tests.wire.known_answers import PUBLIC_KEY, VECTORS


def test_a_public_key_is_read_in_both_spellings():
    line = keys.public_key_line(PUBLIC_KEY)

    assert "\n" not in line
    assert keys.load_public_key(line).public_numbers() == PUBLIC_KEY.public_numbers()
    assert keys.load_public_key(VECTORS["rsa_public_key_pem"]) == PUBLIC_KEY


ELLIPTIC = ec.generate_private_key(ec.SECP256R1())
ELLIPTIC_PUBLIC = ELLIPTIC.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


def test_what_is_no_rsa_public_key_is_refused(subtests):
    for text in ["", "é", "AAAA", "-----BEGIN PUBLIC KEY-----", ELLIPTIC_PUBLIC.decode()]:
        with subtests.test(text=text):
            with pytest.raises(Invalid) as refused:
                keys.load_public_key(text)

            assert refused.value.code == "key.invalid"

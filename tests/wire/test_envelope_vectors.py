import pytest

from mockpay.wire.amazonpay import opening, sealing, signing
from mockpay.wire.amazonpay.opening import EnvelopeError, Flavour, open_envelope
from mockpay.wire.amazonpay.signing import Encoding
from tests.wire.known_answers import ACCESS_KEY, PRIVATE_KEY, SECRET_KEY, SELLER_ID, VECTORS, name_of, parameters_of

REQUESTS = VECTORS["process_payment_requests"]


def test_a_real_clients_request_opens_to_what_the_shop_wrote(subtests):
    for vector in REQUESTS:
        with subtests.test(vector=vector):
            sent = parameters_of(vector["url"])
            opened = open_envelope(sent.payload, sent.key, sent.iv, PRIVATE_KEY)

            assert opened.plaintext == vector["plaintext"]
            assert opened.encoded == vector["params_single_encoded"]
            assert opened.values == vector["expected_params"]
            assert opened.iv_bytes == vector["iv_bytes"]
            assert opened.access_key == ACCESS_KEY
            assert sent.redirect_url == vector["redirectUrl_as_received"]


def test_a_real_clients_signature_verifies(subtests):
    for vector in REQUESTS:
        with subtests.test(vector=vector):
            sent = parameters_of(vector["url"])
            opened = open_envelope(sent.payload, sent.key, sent.iv, PRIVATE_KEY)

            assert signing.request_string(opened.encoded) == vector["string_to_sign"]
            assert signing.sign(SECRET_KEY, vector["string_to_sign"]) == vector["expected_signature"]
            assert opening.verify_envelope(opened, SECRET_KEY)
            assert not opening.verify_envelope(opened, SECRET_KEY + "x")


def test_sealing_writes_the_real_clients_plaintext_byte_for_byte(subtests):
    for vector in REQUESTS:
        with subtests.test(vector=vector):
            plaintext = sealing.signed_plaintext(
                {**vector["inputs"], "sellerId": SELLER_ID, "startTime": vector["expected_params"]["startTime"]},
                access_key=ACCESS_KEY,
                secret_key=SECRET_KEY,
                flavour=Flavour(vector["sdk"]),
            )

            assert plaintext == vector["plaintext"]


def test_the_return_url_is_written_as_the_real_client_writes_it(subtests):
    for vector in [v for v in REQUESTS if v["redirectUrl"]]:
        with subtests.test(vector=vector):
            written = Flavour(vector["sdk"]).encode_url(vector["redirectUrl"])

            assert vector["url"].endswith(f"&redirectUrl={written}")


@pytest.mark.parametrize("vector", VECTORS["process_payment_rejects"], ids=name_of)
def test_a_broken_request_is_refused(vector):
    def read():
        sent = parameters_of(vector["url"])
        return open_envelope(sent.payload, sent.key, sent.iv, PRIVATE_KEY)

    with pytest.raises(EnvelopeError):
        read()


def test_the_answer_is_signed_in_the_encoding_of_the_request(subtests):
    for name, double_utf8, node_marks, encoding in [
        ("node-plain", None, False, Encoding.PHP),
        ("node-unicode-note", True, False, Encoding.NODE),
        ("node-plus-slash-tilde-star-space", None, True, Encoding.NODE),
        ("node-long-customInformation", None, True, Encoding.NODE),
        ("php-unicode-note", True, False, Encoding.PHP),
        ("php-long-customInformation", None, False, Encoding.PHP),
    ]:
        with subtests.test(name=name, double_utf8=double_utf8, node_marks=node_marks, encoding=encoding):
            vector = next(vector for vector in REQUESTS if name_of(vector) == name)
            sent = parameters_of(vector["url"])
            opened = open_envelope(sent.payload, sent.key, sent.iv, PRIVATE_KEY)

            assert (opened.double_utf8, opened.node_marks) == (double_utf8, node_marks)
            assert opening.result_encoding(opened) is encoding

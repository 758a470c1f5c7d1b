import pytest

from mockpay.wire.amazonpay import opening, signing
from mockpay.wire.amazonpay.opening import OpenedEnvelope
from mockpay.wire.amazonpay.results import Operation, ResultError, verify_result_signature
from mockpay.wire.amazonpay.signing import Encoding, Flavour
from tests.wire.known_answers import ACCESS_KEY, SECRET_KEY, VECTORS, name_of

RESULTS = VECTORS["redirect_responses"]
SIGNED = [v for v in RESULTS if v["string_to_sign"] and v["signed_with"] in set(Encoding)]
ANSWER = {"status": "SUCCESS", "reasonCode": "001", "description": "Txn Success"}


@pytest.mark.parametrize("flavour", Flavour)
@pytest.mark.parametrize("vector", RESULTS, ids=name_of)
def test_a_result_is_judged_as_the_real_clients_judge_it(vector, flavour):
    def verify():
        return verify_result_signature(
            vector["params"],
            access_key=ACCESS_KEY,
            secret=SECRET_KEY,
            flavour=flavour,
            operation=Operation(vector["operation"] or Operation.PROCESS_PAYMENT),
        )

    verdict = vector[f"{flavour}_verdict"]
    if verdict == "throws":
        with pytest.raises(ResultError):
            verify()
    else:
        assert verify() is verdict


def test_a_result_is_signed_to_the_letter(subtests):
    for vector in SIGNED:
        with subtests.test(vector=vector):
            encoding = Encoding(vector["signed_with"])
            signed = signing.sign_result(vector["params"], ACCESS_KEY, SECRET_KEY, encoding)

            assert signing.result_string(vector["params"], ACCESS_KEY, encoding) == vector["string_to_sign"]
            assert signed == vector["params"]["signature"]


def test_marks_make_node_and_php_need_different_signatures():
    answer = ANSWER | {"customInformation": "(x)*"}
    for_node, for_php = (
        answer | {"signature": signing.sign_result(answer, ACCESS_KEY, SECRET_KEY, e)}
        for e in (Encoding.NODE, Encoding.PHP)
    )

    for flavour in Flavour:
        keys = {"access_key": ACCESS_KEY, "secret": SECRET_KEY, "flavour": flavour}
        assert verify_result_signature(for_node, **keys) is (flavour is Flavour.NODE)
        assert verify_result_signature(for_php, **keys) is (flavour is Flavour.PHP)


def test_an_empty_mandatory_parameter_is_refused(subtests):
    for name in ["status", "reasonCode", "description", "signature"]:
        for flavour in Flavour:
            with subtests.test(name=name, flavour=flavour):
                with pytest.raises(ResultError) as refused:
                    verify_result_signature(
                        ANSWER | {"signature": "x"} | {name: ""},
                        access_key=ACCESS_KEY,
                        secret=SECRET_KEY,
                        flavour=flavour,
                    )

                assert refused.value.detail == {"name": name}


def test_the_encoding_of_the_answer_follows_the_marks_of_the_request(subtests):
    for node_marks, iv_bytes, double_utf8, encoding in [
        (False, 16, None, Encoding.PHP),
        (False, 16, True, Encoding.PHP),
        (False, 16, False, Encoding.RFC3986),
        (False, 12, None, Encoding.PHP),
        (False, 12, True, Encoding.NODE),
        (False, 12, False, Encoding.RFC3986),
        (True, 12, None, Encoding.NODE),
        (True, 16, True, Encoding.NODE),
        (True, 12, False, Encoding.JAVASCRIPT),
    ]:
        with subtests.test(node_marks=node_marks, iv_bytes=iv_bytes, double_utf8=double_utf8, encoding=encoding):
            opened = OpenedEnvelope(
                plaintext="",
                encoded={},
                values={},
                signature="",
                access_key="",
                iv_bytes=iv_bytes,
                double_utf8=double_utf8,
                node_marks=node_marks,
            )

            assert opening.result_encoding(opened) is encoding


def test_parameters_are_signed_in_byte_order_of_their_names():
    text = signing.string_to_sign("GET", "h", "/p", {"b": "1", "a.b": "2", "a": "3", "B": "4"})

    assert text == "GET\nh\n/p\nB=4&a=3&a.b=2&b=1"


def test_comparing_takes_any_text():
    assert signing.matches("é\ud800", "é\ud800")
    assert not signing.matches("", "x")

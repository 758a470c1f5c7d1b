import base64
import hashlib
import hmac
from urllib.parse import unquote

from mockpay.wire import forms
from mockpay.wire.amazonpay.diagnostics import explain, explain_strings
from mockpay.wire.amazonpay.signature_verification import Candidate, SignedRequest, candidates
from mockpay.wire.amazonpay.signing import sign

SECRET = "secret+key"
PATH = "/OffAmazonPayments_Sandbox/2013-01-01"
RAW = "SellerId=A1&Action=Refund&Note=a%20b%2Fc~&aWS=x&Timestamp=2026-11-21T21%3A05%3A25Z"
RIGHT = "POST\nlocalhost:8420\n" + PATH + "\n" + "&".join(sorted(RAW.split("&")))


def request_with(signature=""):
    raw = RAW + ("&Signature=" + forms.percent_encode(signature) if signature else "")
    return SignedRequest("POST", "localhost:8420", PATH, raw)


def test_a_right_signature_is_told_with_its_flavour():
    found = explain(request_with(sign(SECRET, RIGHT)), secret=SECRET, claimed=RIGHT)

    assert found.matched == "mws/as-sent"
    assert found.nearest.string_to_sign == RIGHT
    assert found.first_difference is None
    assert found.cause == "The signature is right (mws/as-sent)."


def test_every_reading_is_listed_with_the_signature_it_needs():
    request = request_with("wrong")
    found = explain(request, secret=SECRET)

    assert [t.string_to_sign for t in found.readings] == [c.string_to_sign for c in candidates(request)]
    assert all(t.expected_signature == sign(SECRET, t.string_to_sign) for t in found.readings)
    assert found.matched is None


MISTAKES = [
    (RIGHT.replace("POST", "GET"), "verb"),
    (RIGHT.replace("localhost", "https://localhost"), "scheme"),
    (RIGHT.replace(PATH, "/"), "path was signed as /"),
    (RIGHT.replace("%20", "+"), "space is written as +"),
    (RIGHT.replace("~", "%7E"), "tilde"),
    (unquote(RIGHT), "not percent-encoded"),
    (RIGHT + "\n", "newline"),
    ("POST\nlocalhost:8420\n" + PATH + "\n" + RAW, "not sorted by the byte order"),
    (
        "POST\nlocalhost:8420\n" + PATH + "\n" + "&".join(sorted(RAW.split("&"), key=str.lower)),
        "without regard to case",
    ),
]


def test_a_common_mistake_is_named_with_or_without_the_callers_string(subtests):
    for string_is_given in [True, False]:
        for wrong, cause in MISTAKES:
            with subtests.test(wrong=wrong, cause=cause, string_is_given=string_is_given):
                found = explain(
                    request_with(sign(SECRET, wrong)), secret=SECRET, claimed=wrong if string_is_given else None
                )

                assert found.matched is None
                assert cause in found.cause


def test_lower_case_percent_codes_are_named_where_only_one_string_is_right():
    right = Candidate("envelope", "POST\nh\n/\na=%2F")
    wrong = "POST\nh\n/\na=%2f"
    found = explain_strings([right], secret=SECRET, signature=sign(SECRET, wrong))

    assert "lower case" in found.cause


def hmac_of(text, digest="sha256"):
    return hmac.digest(SECRET.encode(), text.encode(), getattr(hashlib, digest))


def test_a_signature_in_the_wrong_form_is_recognised(subtests):
    for signature, cause in [
        (hmac_of(RIGHT).hex(), "hexadecimal; it must be base64"),
        (base64.b64encode(hmac_of(RIGHT).hex().encode()).decode(), "base64 of the hexadecimal"),
        (base64.b64encode(hmac_of(RIGHT, "sha1")).decode(), "SHA-1"),
        (sign(SECRET + "\n", RIGHT), "newline"),
        ("", "no signature"),
        (sign("another", RIGHT), "No known way"),
    ]:
        with subtests.test(signature=signature, cause=cause):
            assert cause in explain(request_with(signature), secret=SECRET).cause


def test_a_plus_that_became_a_space_and_the_urlsafe_alphabet_are_recognised():
    texts = (f"POST\nh\n/\na={n}" for n in range(1000))
    text = next(text for text in texts if {"+", "/"} <= set(sign(SECRET, text)))
    right, reading = sign(SECRET, text), [Candidate("result", text)]

    spaced = explain_strings(reading, secret=SECRET, signature=right.replace("+", " "))
    urlsafe = right.replace("+", "-").replace("/", "_")
    safe = explain_strings(reading, secret=SECRET, signature=urlsafe)

    assert "became a space" in spaced.cause
    assert "URL-safe" in safe.cause


def test_the_right_string_with_another_secret_points_at_the_secret():
    found = explain(request_with(sign("another", RIGHT)), secret=SECRET, claimed=RIGHT)

    assert found.first_difference is None
    assert "secret key is another one" in found.cause


def test_the_first_difference_from_the_nearest_reading_is_shown(subtests):
    for yours, cause, difference in [
        (RIGHT.replace("localhost", "shop.example"), "host differs", 5),
        (RIGHT.replace("2013-01-01", "2014"), "path differs", RIGHT.index("2013") + 3),
        (RIGHT.replace("PO", "PU"), "verb differs", 1),
        (RIGHT.replace("&aWS=x", ""), "did not sign aWS", len(RIGHT) - len("&aWS=x")),
        (RIGHT + "&zz=1", "signed zz too", len(RIGHT)),
        (RIGHT.replace("A1", "A2"), "value of SellerId differs", RIGHT.index("A1") + 1),
        ("POST", "4 lines, yours has 1", 4),
        (RIGHT.replace("aWS=x", "Note=\u00e9"), "Note", RIGHT.index("aWS")),
    ]:
        with subtests.test(yours=yours, cause=cause, difference=difference):
            found = explain(request_with("x"), secret=SECRET, claimed=yours)

            assert found.nearest.string_to_sign == RIGHT
            assert cause in found.cause or "did not sign aWS" in found.cause
            assert found.first_difference == difference


def test_parameters_in_any_other_order_are_recognised():
    head, _, query = RIGHT.rpartition("\n")
    yours = head + "\n" + "&".join(sorted(query.split("&"), reverse=True))

    assert "not sorted" in explain(request_with("x"), secret=SECRET, claimed=yours).cause


def test_strange_text_does_not_break_the_explanation():
    for yours in ("", "\ud800", "\n\n\n\n", "a\nb\nc\n" + "&" * 300, "é\n" * 3):
        assert explain(request_with("x"), secret="\ud800", claimed=yours).cause

import base64
import hashlib
import hmac
from urllib.parse import unquote

from mockpay.wire import forms
from mockpay.wire.amazonpay.diagnostics import explain, explain_strings
from mockpay.wire.amazonpay.mistaken_strings import search
from mockpay.wire.amazonpay.mistakes import mistake
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

    assert found.matched == "mws/rfc3986"
    assert found.nearest.string_to_sign == RIGHT
    assert found.first_difference is None
    assert found.cause == "The signature is right (mws/rfc3986)."


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


NODE_RAW = "AWSAccessKeyId=AK&SellerId=A1&Note=(x)%20%C3%83%C2%A9&Timestamp=2026-11-21T21%3A05%3A25Z&isSandbox=true"
NODE_RIGHT = "POST\namazonpay.amazon.in\n/\nAWSAccessKeyId=AK&Note=(x)%20%C3%83%C2%A9&SellerId=A1&Timestamp=2026-11-21T21%3A05%3A25Z"


def test_mistakes_of_the_node_familys_calls_are_named(subtests):
    query = NODE_RIGHT.rpartition("\n")[2]
    for wrong, names in [
        (NODE_RIGHT + "&isSandbox=true", ["parameter.unsent"]),
        (NODE_RIGHT.replace("(x)", "%28x%29"), ["encoding.excess"]),
        (NODE_RIGHT.replace("%C3%83%C2%A9", "%C3%A9"), ["text.utf8_once"]),
        (f"GET\nlocalhost:8420\n/v2/payments/refund\n{query}", ["verb.other", "host.other", "path.other"]),
    ]:
        with subtests.test(wrong=wrong):
            raw = f"{NODE_RAW}&Signature={forms.percent_encode(sign(SECRET, wrong))}"
            found = explain(SignedRequest("GET", "localhost:8420", "/v2/payments/refund", raw), secret=SECRET)

            assert [mistake.name for mistake in found.mistakes] == names
            assert (found.signed, found.nearest.string_to_sign) == (wrong, NODE_RIGHT)
    right = f"{NODE_RAW}&Signature={forms.percent_encode(sign(SECRET, NODE_RIGHT))}"
    assert explain(SignedRequest("GET", "h", "/v2/payments/refund", right), secret=SECRET).mistakes == ()


def test_two_mistakes_at_once_are_both_named(subtests):
    head, _, query = RIGHT.rpartition("\n")
    dotnet = query.replace("%20", "+").replace("~", "%7E")
    for wrong, names in [
        (f"{head}\n{dotnet}", ["encoding.space", "encoding.tilde"]),
        (f"{head}\n{forms_in_lower_case(dotnet)}", ["encoding.space", "encoding.hex", "encoding.tilde"]),
        (RIGHT.replace("%20", "+").replace(PATH, "/"), ["path.root", "encoding.space"]),
        (RIGHT.replace("POST", "GET").replace("&aWS=x", ""), ["verb.other", "parameter.unsigned"]),
        (RIGHT.replace("Action=Refund&", "").replace("&aWS=x", ""), ["parameter.unsigned"]),
    ]:
        with subtests.test(wrong=wrong):
            found = explain(request_with(sign(SECRET, wrong)), secret=SECRET)

            assert sorted(mistake.name for mistake in found.mistakes) == sorted(names)
            assert found.signed == wrong


def forms_in_lower_case(query):
    return query.replace("%2F", "%2f").replace("%3A", "%3a").replace("%7E", "%7e")


def test_two_mistakes_at_once_are_not_looked_for_in_haste():
    wrong = RIGHT.replace("POST", "GET").replace("&aWS=x", "")

    found = explain(request_with(sign(SECRET, wrong)), secret=SECRET, deep=False)

    assert [mistake.name for mistake in found.mistakes] == ["unknown"]


def test_a_wrong_key_is_named(subtests):
    for key, name in [
        (f"{SECRET}\r\n", "key.newline"),
        (f" {SECRET}", "key.space"),
        (f'"{SECRET}"', "key.quotes"),
        ("secret%2Bkey", "key.encoded"),
        ("A1", "key.other"),
        ("", "key.other"),
        ("their+key", "key.other_seller"),
    ]:
        with subtests.test(key=key):
            found = explain(request_with(sign(key, RIGHT)), secret=SECRET, others={"A2": "their+key"})

            assert [mistake.name for mistake in found.mistakes] == [name]
            assert found.mistakes[0].code
            assert "their+key" not in found.cause


def test_text_that_was_sent_in_latin1_is_named_though_it_was_signed_as_sent():
    raw = "Action=Refund&Note=caf%E9"
    text = f"POST\nh\n/\n{raw}"
    for lenient in (False, True):
        request = SignedRequest("POST", "h", "/", f"{raw}&Signature={forms.percent_encode(sign(SECRET, text))}")
        found = explain(request, secret=SECRET, lenient=lenient)

        assert bool(found.matched) is lenient
        assert [mistake.name for mistake in found.mistakes] == ["text.latin1", "text.latin1"]
        assert found.nearest.string_to_sign.endswith("Note=caf%C3%A9")
        assert found.warning.startswith("Amazon would refuse this: ") is lenient


def test_what_is_accepted_leniently_carries_a_warning():
    wrong = forms_in_lower_case(RIGHT)
    request = request_with(sign(SECRET, wrong))

    found = explain(request, secret=SECRET, lenient=True)

    assert found.matched == "mws/lower-hex"
    assert found.warning.startswith("Amazon would refuse this: Percent codes are written in lower case (Note")
    assert found.cause == f"The signature is right (mws/lower-hex). {found.warning}"
    assert explain(request, secret=SECRET).warning == ""


def test_a_long_request_is_explained_in_bounded_time():
    raw = f"{RAW}&Long={'x' * 900_000}&Signature=x"
    request = SignedRequest("POST", "localhost:8420", PATH, raw)

    found = explain(request, secret=SECRET)

    assert [mistake.name for mistake in found.mistakes] == ["unknown"]


def test_every_part_of_the_string_that_differs_is_named(subtests):
    head, _, query = RIGHT.rpartition("\n")
    for wrong, name in [
        (RIGHT.replace("POST", "post"), "verb.case"),
        (RIGHT.replace("localhost", "LOCALHOST"), "host.case"),
        (RIGHT.replace("8420", "443"), "host.port"),
        (RIGHT.replace("localhost:8420", "127.0.0.1:8420"), "host.other"),
        (RIGHT.replace(PATH, f"{PATH}?"), "path.query"),
        (RIGHT.replace(PATH, PATH[1:]), "path.other"),
        (RIGHT.replace("\n", "\r\n"), "string.crlf"),
        (f"{head}\n?{query}", "string.separator"),
        (f"{RIGHT}&", "string.separator"),
        (f"{head}\nAction=Refund&{query.replace('Action=Refund&', '')}", None),
        (RIGHT.replace("Timestamp", "SignatureVersion=2&Timestamp"), "parameter.unsent"),
        (RIGHT.replace("b%2Fc", "b/c"), "encoding.bare"),
    ]:
        with subtests.test(wrong=wrong):
            for claimed in (None, wrong):
                found = explain(request_with(sign(SECRET, wrong)), secret=SECRET, claimed=claimed)

                assert [mistake.name for mistake in found.mistakes] == ([name] if name else [])
                assert found.matched == (None if name else "mws/rfc3986")


def test_names_sorted_with_their_values_are_told_from_sorted_names():
    """What joins name and value before it sorts puts Item.10 before Item.1."""
    head = f"POST\nh\n{PATH}\n"
    raw, signed = "Item.1=a&Item.10=b", "Item.10=b&Item.1=a"
    request = SignedRequest("POST", "h", PATH, f"{raw}&Signature={forms.percent_encode(sign(SECRET, head + signed))}")

    assert [mistake.name for mistake in explain(request, secret=SECRET).mistakes] == ["order.pairs"]


def test_a_strange_request_does_not_break_the_explanation(subtests):
    for raw in [
        "",
        "&&",
        "a",
        "=x",
        "%E9=1",
        "%E9=%E8&b=+",
        "a=%&b=%zz",
        "\ud800=\ud800",
        "caf\u00e9=1",
        "a=1\n&b\n=2",
        "a==&b=?",
    ]:
        for path in ("/", "/v2/payments/refund"):
            with subtests.test(raw=ascii(raw), path=path):
                request = SignedRequest("GET", "h", path, raw)

                assert explain(request, secret=SECRET, signature="x").cause
                assert explain(request, secret=SECRET, signature="x", claimed="GET\nh\n/\na=1").cause


def test_an_envelope_with_line_breaks_does_not_break_the_explanation():
    right = Candidate("envelope", "POST\nh\n/\na\nb=1&c=2")

    assert explain_strings([right], secret=SECRET, signature="x").cause
    assert explain_strings([right], secret=SECRET, signature="x", claimed="POST\nh\n/\na=1").cause


def test_a_mistake_that_no_signature_mends_is_never_accepted():
    right = Candidate("envelope", "POST\nh\n/\na=b%20c")
    once = mistake("value.once", "The payload has a percent-encoded once.", ["a"])
    for lenient in (False, True):
        found = explain_strings(
            [right], secret=SECRET, signature=sign(SECRET, right.string_to_sign), unmendable=[once], lenient=lenient
        )

        assert (found.matched, found.cause, found.warning) == (None, once.sentence, "")


def test_a_long_string_is_tried_less_often():
    tried = []

    assert search([f"{RIGHT}&z={'x' * 900_000}"], lambda text: tried.append(len(text)), sent_order=["z"]) is None
    assert 0 < sum(tried) <= 20_000_000 * 1.01

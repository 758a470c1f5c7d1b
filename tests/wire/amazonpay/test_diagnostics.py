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
    assert [mistake.name for mistake in found.mistakes] == ["key.other"]
    assert found.mistakes[0].code


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
            found = explain(request_with(sign(key, RIGHT)), secret=SECRET, other_secrets=lambda: {"A2": "their+key"})

            assert [mistake.name for mistake in found.mistakes] == [name]
            assert found.mistakes[0].code
            assert "their+key" not in found.cause


def test_other_sellers_secrets_are_read_only_where_no_other_mistake_explains_a_signature(subtests):
    reads = []

    def other_secrets():
        reads.append("read")
        return {}

    for key, count in ((SECRET, 0), (f" {SECRET}", 0), ("their+key", 1)):
        with subtests.test(key=key):
            reads.clear()
            explain(request_with(sign(key, RIGHT)), secret=SECRET, other_secrets=other_secrets)
            assert len(reads) == count


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


A, B = (Candidate(host, f"POST\n{host}\n/p\nx=1&y=2") for host in ("a", "b"))
SEEN = Candidate("seen", "POST\nc\n/p\nx=1&y=2")


def test_of_several_strings_the_one_that_fits_is_told():
    found = explain_strings([A, B], secret=SECRET, signature=sign(SECRET, B.string_to_sign))

    assert (found.matched, found.nearest.flavour, found.signed, found.mistakes) == ("b", "b", None, ())
    assert [reading.flavour for reading in found.readings] == ["a", "b"]


def test_where_nothing_fits_the_likeliest_string_is_told():
    found = explain_strings([A, B], secret=SECRET, signature="x")

    assert (found.matched, found.nearest.flavour, found.first_difference) == (None, "a", None)


def test_what_clients_were_seen_to_sign_is_accepted_leniently_alone():
    signature = sign(SECRET, SEEN.string_to_sign)
    strict = explain_strings([A, B], [SEEN], secret=SECRET, signature=signature)
    lenient = explain_strings([A, B], [B, SEEN], secret=SECRET, signature=signature, lenient=True)

    assert (strict.matched, strict.signed, strict.nearest.flavour) == (None, SEEN.string_to_sign, "a")
    assert [mistake.name for mistake in strict.mistakes] == ["host.other"]
    assert [reading.flavour for reading in strict.readings] == ["a", "b"]
    assert (lenient.matched, lenient.nearest.flavour) == ("seen", "a")
    assert [reading.flavour for reading in lenient.readings] == ["a", "b", "seen"]


def test_a_string_of_nobodys_making_that_clients_were_seen_to_sign_is_told():
    seen = Candidate("seen", "PUT\nz\n/z\nz=9")
    found = explain_strings([A], [seen], secret=SECRET, signature=sign(SECRET, seen.string_to_sign))

    assert found.signed == seen.string_to_sign
    assert [mistake.name for mistake in found.mistakes][:3] == ["verb.other", "host.other", "path.other"]


def test_the_callers_string_is_held_against_the_one_that_it_is():
    found = explain_strings([A, B], secret=SECRET, signature="x", claimed=B.string_to_sign)

    assert (found.nearest.flavour, found.first_difference) == ("b", None)
    assert [mistake.name for mistake in found.mistakes] == ["key.other"]


def test_a_wrong_signature_of_the_callers_wrong_string_has_both_mistakes():
    wrong = A.string_to_sign.replace("POST", "GET")
    found = explain_strings([A], secret=SECRET, signature=hmac_of(wrong).hex(), claimed=wrong)

    assert [mistake.name for mistake in found.mistakes] == ["verb.other", "signature.hex"]


def test_where_no_signature_mends_the_request_two_more_mistakes_are_not_looked_for():
    once = mistake("value.once", "The payload has a percent-encoded once.", ["a"])
    wrong = A.string_to_sign.replace("POST", "GET").replace("&y=2", "")
    about = {"secret": SECRET, "signature": sign(SECRET, wrong)}

    assert [each.name for each in explain_strings([A], unmendable=[once], **about).mistakes] == ["value.once"]
    assert len(explain_strings([A], **about).mistakes) == 2


def test_the_string_with_most_parts_in_common_is_the_nearest(subtests):
    for claimed, first, second, nearest in [
        ("GET\nh\n/p\nx=1&y=2", "GET\nh\n/q\nz=1", "POST\nk\n/p\nx=1&y=2", 1),
        ("POST\nh\n/p\nx=1", "GET\nk\n/p\nx=1", "POST\nh\n/q\ny=1", 1),
        ("POST\nkk\n/p\nx=1", "POST\nh\n/p\nx=1", "POST\nk\n/p\nx=1", 1),
        ("POST\nh\n/p\nx=1&y=2", "h\nPOST\n/p\nx=1&y=2", "POST\nh\nx\ny", 0),
        ("POST\nh\n/p\nx=1", "h\nPOST\n/p\nx=1", "POST\nh\nx\ny", 1),
        ("POST\nh\n/p\nx=1\n&\ud800=1", "POST\nh\n/p\nx=1&y=1", "POST\nh\n/p\nx=1\n&y=1", 1),
    ]:
        with subtests.test(claimed=claimed, first=first):
            right = [Candidate("0", first), Candidate("1", second)]
            found = explain_strings(right, secret=SECRET, signature="x", claimed=claimed)

            assert found.nearest.flavour == str(nearest)


def test_the_signature_is_the_requests_own_where_none_is_given():
    request = request_with("wrong")

    assert explain(request, secret=SECRET, signature=sign(SECRET, RIGHT)).matched == "mws/rfc3986"
    assert explain(request_with(sign(SECRET, RIGHT)), secret=SECRET, signature="x").matched is None


def test_text_in_latin1_is_spelt_anew_in_utf8():
    request = SignedRequest("POST", "h", "/", "%E9=caf%E9+x%2F%80&ok=a+b&Signature=x")
    found = explain(request, secret=SECRET)

    assert found.nearest.string_to_sign == "POST\nh\n/\n%C3%A9=caf%C3%A9%20x%2F%E2%82%AC&ok=a%20b"
    assert found.mistakes[0].parameters == ("%E9",)


def test_a_long_request_is_tried_against_what_clients_sign_only_where_it_may_be_accepted():
    """Three mistakes at once: no search finds them."""
    for length, names in [(65_536, ["host.other", "path.slashes", "encoding.hex"]), (65_537, ["unknown"])]:
        text = "x" * (length - len("a=%2F&b=&Signature=") - len(sign("", "")))
        signature = sign(SECRET, f"POST\nmws.amazonservices.in\n/p/\na=%2f&b={text}")
        request = SignedRequest("POST", "h", "/p", f"a=%2F&b={text}&Signature={signature}")

        assert len(request.raw) == length
        assert [mistake.name for mistake in explain(request, secret=SECRET).mistakes] == names
        assert explain(request, secret=SECRET, lenient=True).matched == "mws/lower-hex"


def test_half_a_surrogate_pair_beside_latin1_text_is_a_question_mark():
    request = SignedRequest("POST", "h", "/", "\ud800=%E9&Signature=x")

    assert explain(request, secret=SECRET).nearest.string_to_sign.endswith("=%C3%A9")

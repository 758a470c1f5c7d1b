import pytest

from mockpay.wire import forms
from mockpay.wire.amazonpay import signature_verification, signing
from mockpay.wire.amazonpay.signature_verification import (
    SignedRequest,
    candidates,
    request_fields,
    request_signature,
    tolerated,
    verify_request,
)
from tests.wire.known_answers import SECRET_KEY, VECTORS

REQUESTS = VECTORS["server_to_server_requests"]
MWS_PATH = "/OffAmazonPayments_Sandbox/2013-01-01"


def request_of(vector):
    return SignedRequest(vector["method"], vector["host"], vector["path"], vector["raw_query_or_body"])


def signed(pairs, *, verb="POST", host="localhost:8420", path=MWS_PATH, spell=signature_verification.reencode):
    """A request whose sender signed over these, spelling values in its own way."""
    params = {name: spell(forms.percent_encode(value)) for name, value in pairs.items()}
    signature = signing.sign(SECRET_KEY, signing.string_to_sign(verb, host, path, params))
    return forms.encode_form([*pairs.items(), ("Signature", signature)])


PAIRS = {"Action": "Refund", "SellerId": "A1", "Note": "a *(b) c/é+~", "undefined": "x"}


def test_a_real_clients_request_is_verified_without_knowing_the_client(subtests):
    for vector in REQUESTS:
        with subtests.test(vector=vector):
            request = request_of(vector)

            assert vector["string_to_sign"] in [c.string_to_sign for c in candidates(request)]
            found = verify_request(request, secret=SECRET_KEY)
            assert found is not None
            assert found.string_to_sign == vector["string_to_sign"]
            assert found.flavour.startswith("pwain/" if vector["sdk"] == "node" else "mws/")


def test_a_changed_request_is_not_verified(subtests):
    for vector in REQUESTS:
        with subtests.test(vector=vector):
            request = request_of(vector)
            raw = request.raw

            assert verify_request(request, secret=SECRET_KEY + "x") is None
            assert verify_request(request, secret=SECRET_KEY, signature="") is None
            for spoilt in (
                raw.replace("AKIDEXAMPLE", "AKIDEXAMPLF"),
                raw + "&extra=1",
                raw.replace("&Timestamp=2026", "&Timestamp=2027"),
                raw.replace("Signature=", "Signature=x"),
            ):
                assert spoilt != raw
                changed = SignedRequest(request.method, request.host, request.path, spoilt)
                assert verify_request(changed, secret=SECRET_KEY) is None


def test_what_clients_sign_but_amazon_refuses_is_only_taken_leniently(subtests):
    for flavour, spell in [
        ("mws/node", lambda value: signature_verification.reencode(value, safe=signing.NODE_MARKS)),
        ("mws/npm", lambda value: value.replace("%2A", "%2a")),
        ("mws/lower-hex", signature_verification.lower_hex),
    ]:
        with subtests.test(flavour=flavour):
            request = SignedRequest("POST", "localhost:8420", MWS_PATH, signed(PAIRS, spell=spell))

            found = verify_request(request, secret=SECRET_KEY, lenient=True)

            assert verify_request(request, secret=SECRET_KEY) is None
            assert (found.flavour, found.accepted) == (flavour, False)


def test_a_form_encoded_body_is_encoded_anew_before_comparing():
    body = signed(PAIRS).replace("%20", "+")

    found = verify_request(SignedRequest("post", "LOCALHOST:8420", MWS_PATH, body), secret=SECRET_KEY)

    assert (found.flavour, found.accepted) == ("mws/rfc3986", True)


def test_host_and_path_are_signed_as_the_call_says(subtests):
    own, bare, amazon = "localhost:8420", "localhost", "mws.amazonservices.in"
    accepted = {(own, own), (own, bare), (bare, bare), (amazon, amazon), (f"{amazon}:443", amazon)}
    for sent_host in (own, bare, amazon, f"{amazon}:443"):
        for sent_path in (MWS_PATH, f"{MWS_PATH}/", f"/{MWS_PATH}"):
            for path in (MWS_PATH, f"{MWS_PATH}/", f"/{MWS_PATH}"):
                for host in (own, bare, amazon, f"{amazon}:443"):
                    with subtests.test(host=host, path=path, sent_host=sent_host, sent_path=sent_path):
                        raw = signed(PAIRS, verb="GET", host=host, path=path)
                        request = SignedRequest("GET", sent_host, sent_path, raw)
                        found = verify_request(request, secret=SECRET_KEY)

                        assert bool(found) is ((sent_host, host) in accepted and sent_path == path)


BUILT_IN_HOSTS = [
    *("mws.amazonservices.in", "mws.amazonservices.com", "mws-eu.amazonservices.com", "mws.amazonservices.jp"),
    "amazonpay.amazon.in",
]


def test_the_hosts_that_clients_have_built_in_are_signed_without_a_port():
    for host in BUILT_IN_HOSTS:
        raw = signed(PAIRS, host=host)
        assert verify_request(SignedRequest("POST", f"{host}:8420", MWS_PATH, raw), secret=SECRET_KEY) is not None
        with_port = signed(PAIRS, host=f"{host}:8420")
        assert verify_request(SignedRequest("POST", f"{host}:8420", MWS_PATH, with_port), secret=SECRET_KEY) is None


def test_another_path_or_built_in_host_is_taken_leniently(subtests):
    for path in (MWS_PATH, f"{MWS_PATH}/"):
        for host in ("localhost:8420", "localhost", *BUILT_IN_HOSTS):
            with subtests.test(host=host, path=path):
                raw = signed(PAIRS, verb="GET", host=host, path=path)
                request = SignedRequest("GET", "localhost:8420", f"{MWS_PATH}/", raw)

                assert verify_request(request, secret=SECRET_KEY, lenient=True) is not None


def lines_of(request, number, **how):
    """A line of every string that may have been signed."""
    return {candidate.string_to_sign.split("\n")[number] for candidate in candidates(request, **how)}


def test_a_port_is_digits_behind_a_colon():
    for host, hosts in {
        "LOCALHOST:8420": {"localhost:8420", "localhost"},
        "[::1]:8420": {"[::1]:8420", "[::1]"},
        "[::1]": {"[::1]"},
        "2130706433": {"2130706433"},
    }.items():
        assert lines_of(SignedRequest("GET", host, MWS_PATH, "a=b"), 1) == hosts


def test_a_slash_more_or_less_at_the_end_of_a_path_is_taken_leniently():
    for path, paths in {"/p": {"/p", "/p/"}, "/px//": {"/px//", "/px", "/px/"}, "/": {"/"}}.items():
        request = SignedRequest("GET", "h", path, "a=b")
        assert lines_of(request, 2) == {path}
        assert {other.string_to_sign.split("\n")[2] for other in tolerated(request)} == paths | {"/"}


def test_a_form_encoded_anew_is_taken_leniently_at_another_path():
    raw = signed(PAIRS, path="/").replace("%20", "+")
    found = verify_request(SignedRequest("POST", "localhost:8420", "//", raw), secret=SECRET_KEY, lenient=True)
    assert (found.flavour, found.accepted) == ("mws/rfc3986", False)


def test_a_node_clients_call_in_another_spelling_is_taken_leniently_with_what_it_appended():
    raw = signed(PAIRS, host=signing.HOST, path="/") + "&isSandbox=true"
    for path in (MWS_PATH, "/v2/payments/refund"):
        request = SignedRequest("POST", "localhost:8420", path, raw)
        assert verify_request(request, secret=SECRET_KEY) is None
        found = verify_request(request, secret=SECRET_KEY, lenient=True)
        assert (found.flavour.partition("/")[0], found.accepted) == ("pwain", False)


def test_what_amazon_accepts_is_tried_before_what_is_tolerated():
    for path in (MWS_PATH, "/v2/payments/refund"):
        request = SignedRequest("POST", "localhost:8420", path, "a=x+y&b=%2A&isSandbox=true")
        taken = [candidate.accepted for candidate in candidates(request, lenient=True)]
        assert taken == sorted(taken, reverse=True)
        assert sum(taken) == len(list(candidates(request)))


def test_npm_amazon_payments_alone_may_sign_a_star_in_lower_case(subtests):
    """Its marks: a POST, a Timestamp that ends in a small z, the host without its port."""
    for verb, stamp, host, taken in [
        ("POST", "2026-11-21T21:05:25z", "localhost", True),
        ("GET", "2026-11-21T21:05:25z", "localhost", False),
        ("POST", "2026-11-21T21:05:25Z", "localhost", False),
        ("POST", "2026-11-21T21:05:25z", "localhost:8420", False),
    ]:
        with subtests.test(verb=verb, stamp=stamp, host=host):
            pairs = {**PAIRS, "Timestamp": stamp}
            raw = signed(pairs, verb=verb, host=host, spell=lambda value: value.replace("%2A", "%2a"))
            found = verify_request(SignedRequest(verb, "localhost:8420", MWS_PATH, raw), secret=SECRET_KEY)

            assert (found is not None) is taken
            assert not taken or (found.flavour == "mws/npm" and "%2a" in found.note)


def of_node(value):
    return signature_verification.reencode(value, safe=signing.NODE_MARKS)


@pytest.mark.parametrize("is_sandbox", ["null", "undefined", "true"])
def test_a_node_client_appends_is_sandbox_after_signing(is_sandbox):
    pairs = {name: value for name, value in PAIRS.items() if name != "Action"}
    raw = signed(pairs, host=signing.HOST, path="/", spell=of_node) + f"&isSandbox={is_sandbox}"
    request = SignedRequest("GET", "amazonpay.amazon.in", "/v2/payments/refund", raw)

    found = verify_request(request, secret=SECRET_KEY)

    assert (found.flavour, found.accepted) == ("pwain/node", True)


def test_each_family_signs_only_its_own_way(subtests):
    node, mws = "/v2/payments/refund", MWS_PATH
    for path, frame, spell, taken in [
        (node, ("POST", signing.HOST, "/"), of_node, True),
        (f"/{node}", ("POST", signing.HOST, "/"), of_node, True),
        (node, ("POST", signing.HOST, "/"), signature_verification.reencode, False),
        (node, ("GET", "localhost:8420", node), signature_verification.reencode, False),
        (mws, ("GET", "localhost:8420", mws), signature_verification.reencode, True),
        (mws, ("GET", "localhost:8420", mws), of_node, False),
        (mws, ("POST", signing.HOST, "/"), of_node, False),
    ]:
        with subtests.test(path=path, frame=frame, spell=spell.__name__):
            verb, host, signed_path = frame
            raw = signed(PAIRS, verb=verb, host=host, path=signed_path, spell=spell)
            request = SignedRequest("GET", "localhost:8420", path, raw)

            assert bool(verify_request(request, secret=SECRET_KEY)) is taken
            assert verify_request(request, secret=SECRET_KEY, lenient=True) is not None


def test_text_that_is_not_utf8_is_only_taken_leniently():
    text = signing.string_to_sign("GET", "h", "/p", {"Note": "caf%E9"})
    signature = forms.percent_encode(signing.sign(SECRET_KEY, text))
    for path in ("/p", "/v2/p"):
        request = SignedRequest("GET", "h", path, f"Note=caf%E9&Signature={signature}")
        assert verify_request(request, secret=SECRET_KEY) is None
    request = SignedRequest("GET", "h", "/p", f"Note=caf%E9&Signature={signature}")
    assert verify_request(request, secret=SECRET_KEY, lenient=True).flavour == "mws/as-sent"


def test_a_signature_of_another_host_or_verb_is_not_enough():
    for raw in (signed(PAIRS, host="evil.example"), signed(PAIRS, verb="GET")):
        request = SignedRequest("POST", "localhost:8420", MWS_PATH, raw)
        assert verify_request(request, secret=SECRET_KEY) is None


def test_no_reading_is_tried_twice():
    texts = [c.string_to_sign for vector in REQUESTS for c in candidates(request_of(vector), lenient=True)]

    assert len(texts) == len(set(texts))


def test_a_parameter_given_twice_is_refused():
    request = SignedRequest("GET", "h", "/", "a=1&a=2&Signature=x")

    for read in (lambda: verify_request(request, secret="s"), lambda: request_fields(request.raw)):
        with pytest.raises(forms.FormError) as refused:
            read()
        assert refused.value.code == "form.duplicate"


def test_fields_are_read_with_double_utf8_undone():
    assert request_fields("a=%C3%83%C2%A9+x&b=%C3%A9") == {"a": "é x", "b": "é"}


def test_a_signature_sent_bare_keeps_its_plus_signs():
    assert request_signature("a=1&Signature=x+/=") == "x+/="
    assert request_signature("Signature=x%2B%2F%3D") == "x+/="
    assert request_signature("Signature=x%20y") == "x+y"
    assert request_signature("a=1") == ""

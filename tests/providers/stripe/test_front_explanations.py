"""Why a webhook's signature does not fit: the mistakes that handlers make, by name."""

import base64
import hmac
import json

from mockpay.wire.stripe import signatures

BODY = b'{\n  "id": "evt_1",\n  "amount": 1.0,\n  "name": "\\u00e9"\n}'
TIME = 1_700_000_000


def explain(software, header, body=BODY, **more):
    url = f"{software.seller.server.url}/gw/stripe/v1/hook"
    call = {"url": url, "method": "POST", "body": body.decode(), "signature": header, **more}
    return software.seller.control("POST", "/signature/explain", call)


def signed(secret, text):
    return hmac.digest(secret.encode(), text, "sha256")


def test_each_mistake_in_a_webhooks_signature_is_named(software, mockpay_server, subtests):
    """Trap 13 (stripe-node#341, razorpay-node#434): a signature checked over re-serialised JSON, among others."""
    other = type(software)(mockpay_server.new_seller())
    [_, secret] = [
        software.post("webhook_endpoints", url="http://127.0.0.1:9/", enabled_events=["*"])["secret"] for _ in range(2)
    ]
    published = software.seller.fields["credentials"]["stripe"]["publishable_key"]
    right = signatures.webhook_header(secret, BODY, TIME)
    text, anew = f"{TIME}.".encode() + BODY, json.loads(BODY)
    pretty = json.dumps(anew, indent=2, ensure_ascii=False).encode()
    made = {
        ("header.missing", None): (None, BODY),
        ("header.malformed", None): ("sha256=abc", BODY),
        ("header.blank", None): (right.replace(",", ", "), BODY),
        ("body.alone", None): (f"t={TIME},v1={signed(secret, BODY).hex()}", BODY),
        ("signature.base64", None): (f"t={TIME},v1={base64.b64encode(signed(secret, text)).decode()}", BODY),
        ("secret.prefix", None): (f"t={TIME},v1={signed(secret.removeprefix('whsec_'), text).hex()}", BODY),
        ("body.stripped", None): (right, BODY + b"\n"),
        ("body.reserialized", "indented"): (
            signatures.webhook_header(secret, pretty, TIME),
            json.dumps(anew, separators=(",", ":")).encode(),
        ),
        ("body.reserialized", "spaced"): (signatures.webhook_header(secret, b'{"a": 1}', TIME), b'{"a":1}'),
        ("body.reserialized", "sorted"): (signatures.webhook_header(secret, b'{"a":1,"b":2}', TIME), b'{"b":2,"a":1}'),
        ("secret.other", "key"): (signatures.webhook_header(software.key, BODY, TIME), BODY),
        ("secret.other", "publishable"): (signatures.webhook_header(published, BODY, TIME), BODY),
    }
    for (name, variant), (header, body) in made.items():
        with subtests.test(name, variant=variant):
            told = explain(software, header, body)
            assert (told["matched"], [each["name"] for each in told["mistakes"]]) == (None, [f"stripe.{name}"])
            assert told["cause"] == told["mistakes"][0]["sentence"]
            for hidden in (secret, software.key, other.key):
                assert hidden not in json.dumps(told)
    alone = explain(software, made["body.alone", None][0])
    assert (alone["first_difference"], alone["your_string_to_sign"]) == (0, BODY.decode())
    assert explain(software, f"t={TIME},v1=abc")["mistakes"] == []


def test_a_signature_that_fits_is_told_with_what_the_clients_would_say_of_its_age(software):
    secret = software.post("webhook_endpoints", url="http://127.0.0.1:9/", enabled_events=["*"])["secret"]
    header = signatures.webhook_header(secret, BODY, TIME)
    told = explain(software, header)
    assert (told["matched"], told["mistakes"], told["expected_signature"]) == ("webhook", [], header)
    assert "the most that they take" in told["warning"]
    fresh = signatures.webhook_header(secret, BODY, 4_000_000_000)
    assert explain(software, fresh)["warning"] is None
    assert explain(software, f"t=x,v1={fresh.rpartition('=')[2]}")["matched"] is None

"""What signature/explain says of Razorpay's three signatures."""

import base64
import json
from urllib.parse import urlencode

from mockpay.wire.razorpay import signatures


def explain(software, body, signature=None, **more):
    request = {"url": "http://127.0.0.1/callback", "method": "POST", "body": body, "provider": "razorpay", **more}
    return software.control(
        "POST", "/signature/explain", {**request, **({"signature": signature} if signature else {})}
    )


def test_the_mistake_of_a_payments_signature_is_named(software, other_software, subtests):
    secret, text = software.key[1], "order_1|pay_1"
    ids = {"razorpay_order_id": "order_1", "razorpay_payment_id": "pay_1"}
    right = signatures.payment_signature(secret, "order_1", "pay_1")
    fitting = explain(software, urlencode({**ids, "razorpay_signature": right}))
    assert (fitting["matched"], fitting["cause"]) == ("payment", "The signature fits.")
    for words, received in {
        "wrong way round": signatures.payment_signature(secret, "pay_1", "order_1"),
        "capitals": right.upper(),
        "base64": base64.b64encode(bytes.fromhex(right)).decode(),
        "webhook_secret in the place": signatures.sign(software.credentials["webhook_secret"], text.encode()),
        "of another seller": signatures.sign(other_software.key[1], text.encode()),
        "None of the known": "0" * 64,
    }.items():
        with subtests.test(words):
            told = explain(software, urlencode({**ids, "razorpay_signature": received}))
            assert told["matched"] is None
            assert words in told["cause"]
            assert secret not in json.dumps(told)


def test_a_body_that_was_written_again_is_told_from_a_wrong_secret(software):
    software.paid(notes={"a/b": "ü"})
    _, headers, body = software.received[-1]
    received = headers["x-razorpay-signature"]
    assert explain(software, body, received)["matched"] == "webhook"
    again = json.dumps(json.loads(body), ensure_ascii=False)
    assert "matches after re-serialising" in explain(software, again, received)["cause"]
    wrong = signatures.sign(software.key[1], body.encode())
    assert "key_secret in the place" in explain(software, body, wrong)["cause"]

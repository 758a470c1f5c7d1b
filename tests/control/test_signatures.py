"""Explaining a signature by control API."""

from urllib.parse import quote

from mockpay.kernel.ids import entropy
from mockpay.wire.amazonpay import opening
from mockpay.wire.amazonpay.signature_verification import SignedRequest, candidates
from mockpay.wire.amazonpay.signing import sign
from mockpay.wire.keys import load_public_key

MWS = "/OffAmazonPayments_Sandbox/2013-01-01"
QUERY = "AWSAccessKeyId=AKID&Action=ListOrderReference&SellerId=A1&Version=2013-01-01"


def signed(secret):
    request = SignedRequest("GET", "localhost", MWS, QUERY)
    right = next(iter(candidates(request)))
    return right.string_to_sign, sign(secret, right.string_to_sign)


def explained(world, **call):
    answer = world.post("/signature/explain", {"url": f"http://localhost{MWS}?{QUERY}", **call})
    assert answer.status_code == 200, answer.json
    return answer.json


def test_a_right_signature_is_told_to_be_right(world):
    text, signature = signed(world.get("").json["secret_key"])
    told = explained(world, url=f"http://localhost{MWS}?{QUERY}&Signature={quote(signature)}")
    assert told["matched"] is not None
    assert told["string_to_sign"] == text
    assert told["expected_signature"] == told["signature"] == signature


def test_a_wrong_one_is_told_with_the_first_byte_that_differs_and_the_cause(world):
    text, _ = signed(world.get("").json["secret_key"])
    mine = text.replace("GET", "POST", 1)
    signature = sign(world.get("").json["secret_key"], mine)
    told = explained(world, signature=signature, string_to_sign=mine)
    assert told["matched"] is None
    assert told["first_difference"] is not None
    assert "verb" in told["cause"]
    assert told["your_string_to_sign"] == mine


def test_another_sellers_secret_is_not_the_one_compared_with(api, world):
    other = api.new_seller()
    _, signature = signed(other.get("").json["secret_key"])
    explanation = explained(world, signature=signature)
    assert explanation["matched"] is None
    assert other.seller_id in explanation["cause"]


def test_a_sealed_request_to_pay_is_opened_and_explained(world):
    seller = world.get("").json
    sealed = opening.seal(
        {"sellerOrderId": "A-1", "orderTotalAmount": "1.00"},
        seller_id=world.seller_id,
        access_key=seller["access_key"],
        secret_key="another-secret-key",
        public_key=load_public_key(world.api.get("/public-key").text),
        flavour=opening.Flavour.PHP,
        start_time=1_700_000_000,
        entropy=entropy,
    )
    told = explained(world, url=f"http://localhost/initiatePayment?{sealed.query('http://x/')}")
    assert told["matched"] is None
    assert "sellerOrderId=A-1" in told["string_to_sign"]


def test_what_cannot_be_read_is_refused(world):
    sealed = "http://localhost/initiatePayment?payload=x&key=y&iv=z"
    for url in ("http://[", f"http://localhost{MWS}?a=1&a=2", sealed):
        answer = world.post("/signature/explain", {"url": url})
        assert 400 <= answer.status_code < 500, url

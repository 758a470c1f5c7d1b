"""Who is signed in on a browser: where they may be led, and what counts as a yes."""

from flask import Flask

from mockpay.web import buyers

HOME = "/account/A1/methods"


def test_after_signing_in_a_payment_or_account_page_follows(subtests):
    for address in ["/pay/abc/", "/pay/abc/saved", "/account/A1/", "/account/A1/methods?done=rename"]:
        with subtests.test(address=address):
            assert buyers.onward(address, "A1") == address


def test_no_other_address_follows(subtests):
    for address in [
        "",
        "/",
        "/payable",
        "/account/A12/",
        "https://evil.example/pay/x",
        "//evil.example/pay/",
        "/pay//evil.example",
        "/pay/\\evil.example",
        "/pay/x\r\nSet-Cookie: a=b",
        "/pay/é",
        "/_mockpay/ui",
    ]:
        with subtests.test(address=address):
            assert buyers.onward(address, "A1") == HOME


def test_only_a_clear_yes_agrees(subtests):
    for typed, yes in [("yes", True), ("on", True), ("TRUE", True), ("1", True), ("no", False), ("", False)]:
        context = Flask("x").test_request_context("/", method="POST", data={"save": typed})
        with subtests.test(typed=typed, yes=yes), context:
            assert buyers.agreed() is yes


def test_a_session_belongs_to_one_seller():
    app = Flask("x")
    with app.test_request_context("/", headers={"Cookie": "mockpay_buyer_A1=abc"}):
        assert (buyers.session_of("A1"), buyers.session_of("A2")) == ("abc", "")


def test_an_endless_session_is_cut():
    with Flask("x").test_request_context("/", headers={"Cookie": f"mockpay_buyer_A={'x' * 999}"}):
        assert len(buyers.session_of("A")) == 64

"""Payments from server to server: cards with a one-time password, UPI, banks, saved tokens."""

import pytest
from razorpay.errors import BadRequestError, GatewayError

from tests.providers.razorpay.software import CARD, MOUNT, SUCCESS


def body(order, **more):
    usual = {"amount": order["amount"], "currency": "INR", "order_id": order["id"], "email": "asha@example.in"}
    return {**usual, "contact": "9000090000", "method": "card", "card": CARD, **more}


def begun(software, **more):
    """A card's payment that waits for its code."""
    order = software.order()
    answer = software.client.payment.createPaymentJson(body(order, **more))
    assert [step["action"] for step in answer["next"]] == ["redirect", "otp_generate"]
    return answer["razorpay_payment_id"], answer


def test_a_card_is_paid_by_the_code_that_its_buyer_gets(software):
    payment_id, answer = begun(software)
    assert answer["metadata"] == {"issuer": "HDFC", "network": "Visa", "last4": "1007", "iin": "410028"}
    otp_url = answer["next"][1]["url"]
    assert otp_url.endswith(f"{MOUNT}/v1/payments/{payment_id}/otp_generate")
    asked = software.client.payment.otpGenerate(payment_id)
    assert [step["action"] for step in asked["next"]] == ["otp_submit", "otp_resend"]
    [message] = software.control("GET", f"/inbox?kind=otp&attempt_id={payment_id}")["items"]
    software.advance(30)
    software.client.payment.otpResend(payment_id)
    assert len(software.control("GET", f"/inbox?kind=otp&attempt_id={payment_id}")["items"]) == 2
    with pytest.raises(BadRequestError, match="incorrect OTP"):
        software.client.payment.otpSubmit(payment_id, {"otp": "123"})
    code = software.control("GET", f"/inbox?kind=otp&attempt_id={payment_id}")["items"][0]["otp"]
    paid = software.client.payment.otpSubmit(payment_id, {"otp": code})
    assert software.client.utility.verify_payment_signature(paid)
    assert message["otp"]
    payment = software.client.payment.fetch(payment_id)
    assert (payment["status"], payment["email"], payment["contact"]) == ("captured", "asha@example.in", "9000090000")
    assert CARD["number"] not in str(software.control("GET", "/journal"))


@pytest.mark.parametrize("code", ["1234", "4321567890"])
def test_any_code_of_four_to_ten_digits_is_right_as_on_the_companys_own_page(software, code):
    payment_id, _ = begun(software)
    assert software.client.payment.otpSubmit(payment_id, {"otp": code})["razorpay_signature"]


def test_wrong_codes_end_a_payment_and_no_code_is_waited_for_then(software):
    payment_id, _ = begun(software)
    for _ in range(3):
        with pytest.raises((BadRequestError, GatewayError)):
            software.client.payment.otpSubmit(payment_id, {"otp": "12"})
    failed = software.client.payment.fetch(payment_id)
    assert failed["status"] == "failed"
    assert failed["error_step"] == "payment_authentication"
    with pytest.raises(BadRequestError, match="waits for no code"):
        software.client.payment.otpSubmit(payment_id, {"otp": "1234"})
    assert "otp field is required" in software.refused("POST", f"/v1/payments/{payment_id}/otp/submit", {})


DECLINES = {
    "4100280000080001": ("BAD_REQUEST_ERROR", "insufficient_funds"),
    "5305620000050001": ("BAD_REQUEST_ERROR", "insufficient_funds"),
    "4100280000060003": ("BAD_REQUEST_ERROR", "card_declined"),
    "5305620000030003": ("BAD_REQUEST_ERROR", "card_declined"),
    "4100280000050004": ("BAD_REQUEST_ERROR", "card_declined"),
    "4100280000040005": ("BAD_REQUEST_ERROR", "card_declined"),
    "5305620000020004": ("BAD_REQUEST_ERROR", "card_declined"),
    "5305620000010005": ("BAD_REQUEST_ERROR", "card_declined"),
    "4100280000030006": ("BAD_REQUEST_ERROR", "card_disabled_for_online_payments"),
    "5305620000000006": ("BAD_REQUEST_ERROR", "card_disabled_for_online_payments"),
    "4100280000010008": ("BAD_REQUEST_ERROR", "card_number_invalid"),
    "5305620000080008": ("BAD_REQUEST_ERROR", "card_number_invalid"),
    "4100280000020007": ("GATEWAY_ERROR", "gateway_technical_error"),
    "5305620000090007": ("GATEWAY_ERROR", "gateway_technical_error"),
    "4100280000000009": ("GATEWAY_ERROR", "authentication_failed"),
    "5305620000070009": ("GATEWAY_ERROR", "authentication_failed"),
    "4100280000070002": ("BAD_REQUEST_ERROR", "payment_cancelled"),
    "5305620000040002": ("BAD_REQUEST_ERROR", "payment_cancelled"),
}


def test_the_published_cards_fail_as_published(software, subtests):
    for number, (code, reason) in DECLINES.items():
        with subtests.test(number):
            order = software.order()
            answer = software.call("POST", "/v1/payments/create/json", body(order, card={**CARD, "number": number}))[1]
            if "error" not in answer:
                path = f"/v1/payments/{answer['razorpay_payment_id']}/otp"
                asked = software.call("POST", f"{path}_generate", {})[1]
                answer = asked if "error" in asked else software.call("POST", f"{path}/submit", {"otp": "1234"})[1]
            error = answer["error"]
            assert (error["code"], error["reason"]) == (code, reason)
            assert error["metadata"]["order_id"] == order["id"]
            payment = software.client.payment.fetch(error["metadata"]["payment_id"])
            told = (payment["status"], payment["error_code"], payment["error_reason"], payment["error_description"])
            assert told == ("failed", code, reason, error["description"])


GOOD = [
    "4100280000001007",
    "5500670000001002",
    "6527658900001005",
    "36082800091007",
    "4111111111111111",
    "5267318187975449",
    "5555555555554444",
    "5105105105105100",
    "5104060000000008",
    "4012888888881881",
    "4718609108204366",
    "5104015555555558",
    "5241810000000000",
]


def test_the_published_cards_pay_as_published(software, subtests):
    for number in GOOD:
        with subtests.test(number):
            answer = software.client.payment.createPaymentJson(body(software.order(), card={**CARD, "number": number}))
            payment_id = answer["razorpay_payment_id"]
            if "next" in answer:
                answer = software.client.payment.otpSubmit(payment_id, {"otp": "1234"})
            assert software.client.utility.verify_payment_signature(answer)


def test_a_card_of_which_nobody_is_asked_is_paid_at_once_or_declined_at_once(software):
    order = software.order(notes={"mockpay_outcome": "auth=frictionless"})
    paid = software.client.payment.createPaymentJson(body(order))
    assert software.client.utility.verify_payment_signature(paid)
    with pytest.raises(BadRequestError, match="already done"):
        software.client.payment.createPaymentJson(body(order))
    order = software.order()
    headers = {"Mockpay-Outcome": "auth=frictionless, issuer=96"}
    with pytest.raises(GatewayError):
        software.client.payment.createPaymentJson(body(order), headers=headers)
    software.client.payment.createPaymentJson(body(order), headers={"Mockpay-Outcome": "auth=frictionless"})
    statuses = [each["status"] for each in software.client.order.payments(order["id"])["items"]]
    assert statuses == ["failed", "captured"]


def test_while_a_payment_goes_on_its_order_takes_no_other(software):
    order = software.order()
    software.client.payment.createPaymentJson(body(order))
    error = software.explained("POST", "/v1/payments/create/json", body(order))
    assert error["reason"] == "payment_in_progress"


def test_the_redirect_leads_to_the_bank_and_back_to_the_callback(software):
    order = software.order()
    answer = software.client.payment.createPaymentJson(body(order, callback_url="http://127.0.0.1/callback"))
    page = answer["next"][0]["url"].partition("http://mock")[2]
    assert page.startswith("/pay/")
    software.control("POST", f"/orders/{order['id']}/pay", {"otp": "123456"})
    url, fields = software.leave(page)
    assert url == "http://127.0.0.1/callback"
    assert software.client.utility.verify_payment_signature(fields)
    without = software.order()
    answer = software.client.payment.createPaymentJson(body(without))
    page = answer["next"][0]["url"].partition("http://mock")[2]
    software.control("POST", f"/orders/{without['id']}/pay", {"otp": "123456"})
    assert software.leave(page) == (f"{page}result", None)


def test_upi_is_asked_by_its_id_or_by_a_link(software):
    order = software.order()
    upi = {"flow": "collect", "vpa": SUCCESS, "expiry_time": 5}
    asked = software.client.payment.createUpi(body(order, method=None, card=None, upi=upi))
    assert [step["action"] for step in asked["next"]] == ["poll"]
    software.advance(10)
    assert software.client.payment.fetch(asked["razorpay_payment_id"])["status"] == "captured"
    linked = software.client.payment.createUpi(body(software.order(), upi={"flow": "intent"}))
    assert linked["link"].startswith("upi://pay?")
    assert linked["razorpay_payment_id"] in linked["link"]
    with pytest.raises(BadRequestError, match="Invalid VPA"):
        software.client.payment.createUpi(body(software.order(), vpa="invalid@mockpay"))
    failed = software.client.payment.createUpi(body(software.order(), vpa="failure@razorpay"))
    software.advance(10)
    assert software.client.payment.fetch(failed["razorpay_payment_id"])["status"] == "failed"


def test_a_bank_asks_its_buyer_on_its_own_page(software):
    answer = software.client.payment.createPaymentJson(body(software.order(), method="netbanking", bank="HDFC"))
    assert [step["action"] for step in answer["next"]] == ["redirect"]
    assert software.client.payment.fetch(answer["razorpay_payment_id"])["bank"] == "HDFC"


def test_what_cannot_be_paid_so_is_refused(software, subtests):
    order = software.order()
    for name, (change, words) in {
        "another amount": ({"amount": 100}, "different from your order amount"),
        "no order": ({"order_id": None}, "order id field is required"),
        "unknown order": ({"order_id": "order_1"}, "does not exist"),
        "no method": ({"method": None}, "selected method is invalid"),
        "odd method": ({"method": "cash"}, "selected method is invalid"),
        "method as list": ({"method": ["card"]}, "selected method is invalid"),
        "no card": ({"card": None}, "number of the card"),
        "card as text": ({"card": "4111"}, "card must be an array"),
        "mistyped card": ({"card": {**CARD, "number": "4100280000001008"}}, "check digit"),
        "a real card": ({"card": {**CARD, "number": "4000056655665556"}}, "test cards"),
        "expired": ({"card": {**CARD, "expiry_year": "20"}}, "expired"),
        "no vpa": ({"method": "upi"}, "vpa field is required"),
        "odd vpa": ({"method": "upi", "vpa": "x"}, "UPI ID"),
        "odd bank": ({"method": "netbanking", "bank": "NONE"}, "bank"),
        "wallet of nobody": ({"method": "wallet", "wallet": "mockpay", "email": "x"}, "e-mail"),
        "another company's wallet": (
            {"method": "wallet", "wallet": "payzapp", "email": "rich@buyers.mockpay.test"},
            "'payzapp' is not in this sandbox",
        ),
        "odd wallet": ({"method": "wallet", "wallet": ["mockpay"]}, "is not in this sandbox"),
        "foreign callback": ({"callback_url": "https://evil.example/"}, "return URLs"),
        "token of nobody": ({"token": "token_1"}, "customer id field is required"),
        "odd outcome": ({"notes": {"mockpay_outcome": "issuer=odd"}}, "odd"),
        "outcome of another method": ({"notes": {"mockpay_outcome": "issuer=ZM"}}, "ZM"),
        "number as text": ({"email": 5}, "email must be a string"),
    }.items():
        with subtests.test(name):
            assert words in software.refused("POST", "/v1/payments/create/json", body(order, **change))
    assert software.client.order.fetch(order["id"])["attempts"] == 0


def test_a_upi_id_is_looked_up(software):
    found = software.client.payment.validateVpa({"vpa": "asha.rao@okhdfc"})
    assert found == {"vpa": "asha.rao@okhdfc", "success": True, "customer_name": "Asha Rao"}
    for vpa in ("invalid@mockpay", "no-vpa", None):
        with pytest.raises(BadRequestError):
            software.client.payment.validateVpa({"vpa": vpa})


def test_methods_and_down_times_are_told(software):
    methods = software.client.payment.fetchPaymentMethods()
    assert methods == software.call("GET", "/v1/methods", auth=(software.key[0], ""))[1]
    assert (methods["card"], methods["upi"], methods["netbanking"]["HDFC"]) == (True, True, "HDFC Bank")
    assert software.client.payment.fetchDownTime()["items"] == []
    windows = [{"from": "2026-11-21T00:00:00Z", "to": "2026-11-22T00:00:00Z"}]
    software.control(
        "PATCH", "/methods", {"banks": {"HDFC": {"down": windows}}, "methods": {"upi": {"enabled": False}}}
    )
    [down] = software.client.payment.fetchDownTime()["items"]
    assert (down["status"], down["instrument"]) == ("started", {"bank": "HDFC"})
    assert software.client.payment.fetchDownTimeById(down["id"]) == down
    assert software.client.payment.fetchPaymentMethods()["upi"] is False


def test_a_customers_card_is_saved_and_pays_by_its_token(software):
    customer = software.client.customer.create({"name": "Asha", "email": "Asha@example.in", "contact": "9000090000"})
    assert (customer["entity"], customer["email"]) == ("customer", "asha@example.in")
    payment_id, _ = begun(software, customer_id=customer["id"], save=1)
    software.client.payment.otpSubmit(payment_id, {"otp": "1234"})
    [token] = software.client.token.all(customer["id"])["items"]
    assert (token["method"], token["card"]["last4"], token["card"]["network"]) == ("card", "1007", "Visa")
    assert software.client.token.fetch(customer["id"], token["id"]) == token
    again, _ = begun(software, customer_id=customer["id"], token=token["id"], card=None)
    software.client.payment.otpSubmit(again, {"otp": "1234"})
    paid = software.client.payment.fetch(again)
    assert (paid["status"], paid["customer_id"], paid["token_id"]) == ("captured", customer["id"], token["id"])
    assert software.client.token.delete(customer["id"], token["id"]) == {"deleted": True}
    assert software.client.token.all(customer["id"])["count"] == 0
    with pytest.raises(BadRequestError, match="does not exist"):
        software.client.token.fetch(customer["id"], token["id"])


def test_customers_are_listed_edited_and_not_made_twice(software):
    wanted = {"name": "Asha", "email": "asha@example.in", "contact": "9000090000", "notes": {"a": "1"}}
    customer = software.client.customer.create(wanted)
    with pytest.raises(BadRequestError, match="already exists"):
        software.client.customer.create(wanted)
    assert software.client.customer.create({**wanted, "fail_existing": "0"}) == customer
    assert software.client.customer.edit(customer["id"], {"name": "Asha Rao"})["name"] == "Asha Rao"
    assert software.client.customer.fetch(customer["id"])["notes"] == {"a": "1"}
    assert software.client.customer.all()["count"] == 1
    token = software.client.token.create({"customer_id": customer["id"], "method": "card", "card": CARD})
    assert software.client.token.fetchToken({"id": token["id"]})["id"] == token["id"]
    other = {**CARD, "number": "5500670000001002"}
    second = software.client.token.create({"customer_id": customer["id"], "method": "card", "card": other})
    assert software.client.token.fetch(customer["id"], second["id"])["card"]["last4"] == "1002"
    software.client.token.deleteToken({"id": token["id"]})
    assert [each["id"] for each in software.client.token.all(customer["id"])["items"]] == [second["id"]]
    assert "valid email" in software.refused("POST", "/v1/customers", {"email": "x"})
    assert "does not exist" in software.refused("GET", "/v1/customers/cust_1")


def test_a_refusal_names_the_field(software):
    order = software.order()
    wallet = {"method": "wallet", "wallet": "payzapp", "email": "rich@buyers.mockpay.test"}
    for field, change in {"callback_url": {"callback_url": "https://evil.example/"}, "wallet": wallet}.items():
        assert software.explained("POST", "/v1/payments/create/json", body(order, **change))["field"] == field

"""3-D Secure without a script: forms lead to the card's bank and back."""

import base64
import json
from urllib.parse import urljoin, urlsplit

import pytest
import requests

from tests.journeys.form_browser import FormBrowser

CARD, MASTERCARD, RUPAY = "4100280000001007", "5500670000001002", "6527658900001005"


@pytest.fixture
def at_issuer(buyer, shop):
    """A buyer on the page of their card's bank."""
    return buyer.buys(shop).types_card().goes_to_issuer()


def why(buyer):
    reason = buyer.sees("payment-reason")
    return reason.get("data-reason"), reason.get("data-code")


def attempt(shop):
    return shop.order()["attempts"][-1]


def proof(shop):
    """State, ECI and liability of the newest try."""
    last = attempt(shop)
    return last["state"], last["eci"], last["liability"]


def story(shop):
    """The steps of the newest authentication."""
    return [one["event"] for one in shop.order()["timeline"] if one["machine"] == "threeds"]


def plain(message):
    return json.loads(base64.urlsafe_b64decode(message + "=" * (-len(message) % 4)))


def sealed(message):
    return base64.urlsafe_b64encode(json.dumps(message).encode()).rstrip(b"=").decode()


def field(buyer, name):
    return buyer.page.xpath("//input[@name=$name]/@value", name=name)[-1]


def test_message_and_page_tell_the_same_time_for_a_code_and_none_outlives_the_page(at_issuer, shop):
    def shows(*words):
        (message, *_) = shop.seller.control("GET", "/inbox?kind=otp")["items"]
        text = " ".join(f"{at_issuer.goes_to(at_issuer.url).page.text_content()} {message['body']}".split())
        assert all(word in text for word in words), text

    shows("OTP expires in 5:00", "Valid for 5 minutes.")
    shop.seller.advance(seconds=301)
    shows("Page closes in 4:59")
    shop.seller.advance(seconds=200)
    at_issuer.presses("acs-resend")
    shows("OTP expires in 1:39", "Valid for 99 seconds.")


def test_a_card_is_proved_by_a_code_at_its_bank(at_issuer, shop):
    assert urlsplit(at_issuer.url).path.startswith("/acs/")
    shown = at_issuer.page.text_content()
    for told in ("Stands in for HDFC Bank", "Visa •••• 1007", "NILGIRI CYCLE WORKS", "Visa"):
        assert told in shown
    assert at_issuer.reads("order-amount") == "INR 499.00"
    assert "OTP sent to ******" in shown
    at_issuer.presses("acs-submit", otp="123456").returns_from_issuer()
    assert at_issuer.reads("payment-status") == "SUCCESS"
    assert proof(shop) == ("CAPTURED", "05", "ISSUER")
    assert story(shop) == ["prepared", "method", "authenticate", "challenge", "complete"]
    at_issuer.follows("return-to-seller")
    assert at_issuer.sees("shop-order-state").get("data-state") == "PAID"
    assert shop.seller.control("GET", "/audit") == {"ok": True, "violations": []}


def test_the_messages_are_those_of_emv_3ds(buyer, shop):
    buyer.buys(shop).types_card()
    assert urlsplit(buyer.url).path.endswith("/3ds")
    creq = plain(field(buyer, "creq"))
    assert (creq["messageType"], creq["messageVersion"]) == ("CReq", "2.2.0")
    assert creq["challengeWindowSize"] == "05"
    session = field(buyer, "threeDSSessionData")
    buyer.presses("threeds-continue").presses("acs-submit", otp="123456")
    cres = plain(field(buyer, "cres"))
    assert (cres["messageType"], cres["transStatus"]) == ("CRes", "Y")
    assert cres["threeDSServerTransID"] == creq["threeDSServerTransID"]
    assert field(buyer, "threeDSSessionData") == session


def test_the_pages_of_the_bank_may_stand_in_our_frame_only(at_issuer):
    policy = "default-src 'self'; frame-ancestors 'self'; base-uri 'none'"
    assert at_issuer.answer.headers["Content-Security-Policy"] == policy
    at_issuer.presses("acs-submit", otp="123456")
    assert at_issuer.answer.headers["Content-Security-Policy"] == policy
    at_issuer.returns_from_issuer()
    assert "frame-ancestors 'none'" in at_issuer.answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("number", "eci"), [(CARD, "05"), (MASTERCARD, "02"), (RUPAY, "05"), ("340256000401007", "05")]
)
def test_every_network_tells_its_own_indicator(buyer, shop, number, eci):
    buyer.buys(shop).pays_by_card(number, cvv="1234" if len(number) == 15 else "123")
    assert proof(shop) == ("CAPTURED", eci, "ISSUER")


@pytest.mark.parametrize(
    ("otp", "reason", "state"),
    [
        ("333333", ("authentication_failed", "N/01"), "FAILED"),
        ("444444", ("authentication_failed", "U/22"), "FAILED"),
        ("555555", ("authentication_failed", "R/11"), "FAILED"),
        ("777777", ("payment_timed_out", "U/14"), "EXPIRED"),
        ("888888", ("authentication_failed", "N/01"), "FAILED"),
    ],
)
def test_a_magic_code_fails_at_the_bank_and_upi_may_follow(at_issuer, shop, otp, reason, state):
    at_issuer.presses("acs-submit", otp=otp).returns_from_issuer()
    assert at_issuer.reads("payment-status") == "FAILURE"
    assert why(at_issuer) == reason
    assert attempt(shop)["state"] == state
    at_issuer.follows("retry").asks("success@mockpay")
    assert at_issuer.reads("payment-status") == "SUCCESS"


def test_an_attempt_is_proved_and_pays(at_issuer, shop):
    at_issuer.presses("acs-submit", otp="222222").returns_from_issuer()
    assert proof(shop) == ("CAPTURED", "06", "ISSUER")


@pytest.mark.parametrize(
    ("choice", "state"),
    [
        ("Y", "CAPTURED"),
        ("A", "CAPTURED"),
        ("N", "FAILED"),
        ("U", "FAILED"),
        ("R", "FAILED"),
        ("timeout", "EXPIRED"),
        ("error", "FAILED"),
    ],
)
def test_the_tester_decides_by_a_button(at_issuer, shop, choice, state):
    at_issuer.presses(f"acs-choose-{choice}").returns_from_issuer()
    assert attempt(shop)["state"] == state


def test_wrong_codes_use_up_the_tries(at_issuer, shop):
    at_issuer.presses("acs-submit", otp="000000")
    assert at_issuer.reads("acs-notice") == "That OTP is not right."
    assert "2 attempts left" in at_issuer.page.text_content()
    assert at_issuer.page.xpath("//input[@name='otp']/@value") == []
    at_issuer.goes_to(at_issuer.url)
    assert "2 attempts left" in at_issuer.page.text_content()
    at_issuer.presses("acs-submit", otp="1").presses("acs-submit", otp="000000")
    at_issuer.returns_from_issuer()
    assert why(at_issuer) == ("authentication_failed", "N/01")


def test_another_code_is_sent_after_a_while(at_issuer, shop):
    at_issuer.presses("acs-resend")
    assert "in a moment" in at_issuer.reads("acs-notice")
    shop.seller.advance(seconds=30)
    at_issuer.presses("acs-resend")
    assert at_issuer.reads("acs-notice") == "A new OTP has been sent."
    at_issuer.presses("acs-submit", otp="123456").returns_from_issuer()
    assert at_issuer.reads("payment-status") == "SUCCESS"


def test_a_code_that_has_expired_is_asked_for_again(at_issuer, shop):
    shop.seller.advance(seconds=300)
    at_issuer.presses("acs-submit", otp="123456")
    assert "has expired" in at_issuer.reads("acs-notice")
    at_issuer.presses("acs-resend").presses("acs-submit", otp="123456").returns_from_issuer()
    assert at_issuer.reads("payment-status") == "SUCCESS"


def test_a_technical_error_of_the_bank_comes_once(at_issuer):
    at_issuer.presses("acs-submit", otp="666666")
    assert at_issuer.answer.status_code == 503
    at_issuer.presses("acs-submit", otp="666666").returns_from_issuer()
    assert at_issuer.reads("payment-status") == "SUCCESS"


def test_a_cardholder_who_leaves_may_pay_in_another_way(at_issuer, shop):
    at_issuer.presses("acs-cancel").returns_from_issuer()
    assert why(at_issuer) == ("payment_cancelled", "N/26")
    assert "You stopped this try. No money was taken." in at_issuer.reads("payment-reason")
    at_issuer.follows("retry").pays_from_balance("rich")
    assert at_issuer.reads("payment-status") == "SUCCESS"


def test_a_challenge_ends_with_the_clock_and_the_page_leads_back(at_issuer, shop):
    shop.seller.advance(seconds=600)
    assert attempt(shop)["state"] == "EXPIRED"
    at_issuer.presses("acs-submit", otp="123456").returns_from_issuer()
    assert why(at_issuer) == ("payment_timed_out", "U/14")
    assert "Nobody confirmed the payment in time." in at_issuer.reads("payment-reason")
    assert story(shop)[-1] == "time_out"


def test_a_challenge_that_nobody_opens_ends_with_the_clock(buyer, shop):
    buyer.buys(shop).types_card()
    shop.seller.advance(seconds=600)
    assert why(buyer.goes_to(buyer.url)) == ("payment_timed_out", "U/14")


def test_a_challenge_that_never_completes_waits_for_the_clock(buyer, shop):
    buyer.buys(shop).types_card("4100280000090000").goes_to_issuer()
    buyer.presses("acs-submit", otp="123456")
    assert buyer.reads("acs-notice") == "The bank has not answered yet."
    shop.seller.advance(seconds=600)
    buyer.goes_to(buyer.url).returns_from_issuer()
    assert why(buyer) == ("payment_timed_out", "U/14")


def test_a_card_may_be_let_through_without_a_challenge(buyer, shop):
    buyer.buys(shop).types_card(name="3DS FRICTIONLESS")
    assert buyer.reads("payment-status") == "SUCCESS"
    assert proof(shop) == ("CAPTURED", "05", "ISSUER")
    assert story(shop)[-1] == "frictionless"


@pytest.mark.parametrize(
    ("name", "state", "eci"),
    [
        ("3DS Y", "CAPTURED", "05"),
        ("3DS A", "CAPTURED", "06"),
        ("3DS I", "CAPTURED", "07"),
        ("3DS N", "FAILED", "07"),
        ("3DS R", "FAILED", "07"),
        ("3DS U", "FAILED", "07"),
        ("3DS NOTENROLLED", "FAILED", "07"),
    ],
)
def test_the_name_on_the_card_forces_what_the_bank_says(buyer, shop, name, state, eci):
    buyer.buys(shop).types_card(name=name)
    assert (attempt(shop)["state"], attempt(shop)["eci"]) == (state, eci)


def test_a_result_that_was_tampered_with_on_the_way_is_refused(buyer, shop):
    buyer.buys(shop).pays_by_card(name="3DS TAMPER")
    assert why(buyer) == ("authentication_failed", "N/09")
    assert proof(shop) == ("FAILED", "07", "MERCHANT")
    assert story(shop)[-2:] == ["complete", "fail"]


@pytest.mark.parametrize(
    "changes",
    [{"transStatus": "Y"}, {"acsTransID": "00000000-0000-4000-8000-000000000000"}, {"messageVersion": "2.1.0"}],
)
def test_a_result_that_somebody_wrote_by_hand_never_pays(buyer, shop, changes):
    buyer.buys(shop).types_card()
    creq, session = plain(field(buyer, "creq")), field(buyer, "threeDSSessionData")
    cres = creq | {"messageType": "CRes", "transStatus": "Y"} | changes
    del cres["challengeWindowSize"]
    buyer.sends_to("3ds-return", cres=sealed(cres), threeDSSessionData=session)
    assert why(buyer) == ("authentication_failed", "N/09")
    assert story(shop)[-1] == "fail"


def test_a_result_with_another_session_never_pays(at_issuer, shop):
    at_issuer.presses("acs-submit", otp="123456")
    cres, back = field(at_issuer, "cres"), at_issuer.page.xpath("//form/@action")[0]
    answer = at_issuer.session.post(back, data={"cres": cres, "threeDSSessionData": "x"})
    assert "Payment failed" in answer.text


def test_what_is_no_message_at_all_never_pays(buyer, shop):
    buyer.buys(shop).types_card()
    buyer.sends_to("3ds-return", cres="no message")
    assert why(buyer) == ("authentication_failed", "N/09")


def test_coming_back_with_nothing_changes_nothing(buyer, shop):
    buyer.buys(shop).types_card()
    here = buyer.url
    assert buyer.sends_to("3ds-return").url == here
    assert buyer.goes_to(f"{here}-return").url == here
    assert attempt(shop)["state"] == "AUTH_PENDING"


def test_a_result_that_comes_twice_pays_once(at_issuer, shop):
    at_issuer.presses("acs-submit", otp="123456")
    form = at_issuer.page.forms[0]
    for _ in range(2):
        answer = at_issuer.session.post(form.action, data=dict(form.form_values()), timeout=30)
        assert "Payment successful" in answer.text
    assert attempt(shop)["state"] == "CAPTURED"


def test_a_result_of_an_earlier_try_leaves_a_later_one_alone(at_issuer, shop):
    at_issuer.presses("acs-cancel")
    form = at_issuer.page.forms[0]
    at_issuer.returns_from_issuer().follows("retry").types_card()
    answer = at_issuer.session.post(form.action, data=dict(form.form_values()), timeout=30)
    assert "Confirm with your bank" in answer.text
    assert [one["state"] for one in shop.order()["attempts"]] == ["CANCELLED", "AUTH_PENDING"]
    at_issuer.confirms_at_issuer()
    assert at_issuer.reads("payment-status") == "SUCCESS"


def test_a_buyer_who_finds_the_way_back_alone_is_taken_at_the_banks_word(at_issuer, shop):
    at_issuer.presses("acs-submit", otp="123456")
    back = at_issuer.page.xpath("//form/@action")[0]
    at_issuer.goes_to(back.removesuffix("-return"))
    assert at_issuer.reads("payment-status") == "SUCCESS"


def test_the_order_can_be_cancelled_on_the_way(buyer, shop):
    buyer.buys(shop).types_card().presses("cancel-payment")
    assert buyer.reads("payment-status") == "CANCELLED"
    assert attempt(shop)["state"] == "CANCELLED"


def test_the_bank_refuses_what_is_no_message_of_its_challenge(buyer, shop):
    buyer.buys(shop).types_card()
    there = urljoin(buyer.url, buyer.page.xpath("//form[@target='acs']/@action")[0])
    for creq, code in (
        ("", "101"),
        ("é", "101"),
        (sealed(plain(field(buyer, "creq")) | {"messageVersion": "9"}), "102"),
        (sealed(plain(field(buyer, "creq")) | {"acsTransID": "x"}), "203"),
    ):
        refused = FormBrowser()._shown(requests.post(there, data={"creq": creq}, timeout=30))
        assert refused.answer.status_code == 400
        assert refused.sees("acs-refused").get("data-code") == code
    assert buyer.confirms_at_issuer().reads("payment-status") == "SUCCESS"


def test_a_challenge_that_is_over_is_not_opened_again(buyer, shop):
    buyer.buys(shop).types_card()
    creq = {"creq": field(buyer, "creq")}
    buyer.presses("threeds-continue").presses("acs-submit", otp="123456")
    again = FormBrowser()._shown(requests.post(buyer.url, data=creq, timeout=30))
    assert again.answer.status_code == 400
    assert again.sees("acs-refused").get("data-code") == "101"
    buyer.returns_from_issuer()
    assert again.follows("acs-onward").url == buyer.url
    assert buyer.reads("payment-status") == "SUCCESS"


def test_a_challenge_of_nobody_is_a_page_that_says_so(buyer, shop):
    buyer.goes_to(f"{shop.server.url}/acs/nothing")
    assert buyer.answer.status_code == 404
    assert buyer.heading == "The bank refuses this"
    assert "/journal" in buyer.sees("open-journal").get("href")
    assert buyer.follows("acs-onward").url == f"{shop.server.url}/"


def test_the_bank_looks_at_a_browser_for_payments_of_this_sandbox_only(shop):
    there = f"{shop.server.url}/acs/method"
    asked = {"threeDSServerTransID": "x", "threeDSMethodNotificationURL": ""}
    for back in ("http://127.0.0.1:1/pay/x/3ds-method", "javascript:alert(1)", "http://[", 1):
        data = sealed(asked | {"threeDSMethodNotificationURL": back})
        answer = requests.post(there, data={"threeDSMethodData": data}, timeout=30)
        assert answer.status_code == 400
        assert "javascript:" not in answer.text
    assert requests.get(there, timeout=30).status_code == 400


def test_an_issuer_that_has_seen_the_browser_is_told_so(buyer, shop):
    buyer.buys(shop).types_card(window="01", browser="24,844,390,-330")
    assert buyer.heading == "Asking your bank"
    look = next(one for one in buyer.page.forms if one.get("target") == "acs-method")
    seen = FormBrowser()._shown(
        requests.post(urljoin(buyer.url, look.action), data=dict(look.form_values()), timeout=30)
    )
    back = seen.page.forms[0]
    told = requests.post(back.action, data=dict(back.form_values()), timeout=30)
    assert told.status_code == 200
    assert "frame-ancestors 'self'" in told.headers["Content-Security-Policy"]
    assert requests.post(back.action, data={"threeDSMethodData": "x"}).status_code == 400
    buyer.confirms_at_issuer()
    assert buyer.reads("payment-status") == "SUCCESS"


@pytest.mark.parametrize("told", ["", "x", "24,844,390", "24,844,390,-330,1", "1\u0661,1,1,1"])
def test_what_a_browser_tells_of_itself_breaks_nothing(buyer, shop, told):
    strange = {"Accept-Language": "x" * 400, "User-Agent": "é" * 3000}
    buyer.session.headers.update({name: one.encode() for name, one in strange.items()})
    buyer.buys(shop).types_card(window="01", browser=told)
    assert buyer.confirms_at_issuer().reads("payment-status") == "SUCCESS"


#: What nobody's browser sends: nothing, no text, another message, and what no database keeps.
STRANGE = [
    "",
    "\0",
    "é\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    "A" * 5000,
    sealed({"threeDSServerTransID": "\0", "acsTransID": "\ud800"}),
    sealed({"messageType": "CRes", "threeDSServerTransID": 1, "transStatus": True}),
    sealed({"threeDSMethodNotificationURL": "/pay/\ud800", "threeDSServerTransID": "x"}),
]


@pytest.mark.parametrize("strange", STRANGE, ids=range(len(STRANGE)))
@pytest.mark.parametrize("page", ["3ds", "3ds-method", "3ds-return", "otp", "card"])
def test_nothing_that_is_posted_breaks_a_page_of_a_payment(buyer, shop, page, strange):
    buyer.buys(shop).types_card()
    names = (
        "cres creq threeDSSessionData threeDSMethodData comp_ind window browser otp action "
        "mockpay_device mockpay_ip email name number"
    )
    answer = buyer.sends_to(page, **dict.fromkeys(names.split(), strange)).answer
    assert answer.status_code in {200, 400, 422}


@pytest.mark.parametrize("strange", STRANGE, ids=range(len(STRANGE)))
@pytest.mark.parametrize("names", ["creq threeDSSessionData", "otp", "action otp", "action choice"])
def test_nothing_that_is_posted_breaks_the_banks_page(at_issuer, names, strange):
    there = at_issuer.url
    asked = dict.fromkeys(names.split(), strange)
    if "choice" in asked:
        asked["action"] = "choose"
    answer = at_issuer.session.post(there, data=asked, timeout=30)
    assert answer.status_code in {200, 400}
    look = at_issuer.session.get(there, params={"said": strange}, timeout=30)
    assert look.status_code == 200
    method = urljoin(there, "method")
    answer = at_issuer.session.post(method, data={"threeDSMethodData": strange}, timeout=30)
    assert answer.status_code == 400


def test_a_device_or_address_that_is_none_says_nothing(buyer, shop):
    buyer.session.headers["X-Mockpay-Buyer-Ip"] = "no address"
    buyer.buys(shop).follows("method-upi")
    token = field(buyer, "form_token")
    strange = {"mockpay_device": "\0", "name": "\0", "email": "\0", "form_token": token}
    buyer.sends_to("upi", vpa="success@mockpay", **strange)
    assert buyer.reads("payment-status") == "SUCCESS"

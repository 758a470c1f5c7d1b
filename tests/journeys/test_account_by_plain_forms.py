"""The account pages as a program uses them: sign-in, its refusals, and what each button does."""

from datetime import datetime, timedelta, timezone
from urllib.parse import urlsplit

import pytest
import requests

from tests.journeys.account_buyer import POOR, RICH, AccountBuyer, code_for

CARD = "HDFC Bank Visa •••• 1007"


@pytest.fixture
def buyer():
    return AccountBuyer()


@pytest.fixture
def asked(buyer, shop):
    """Somebody to whom a code was sent."""
    return buyer.account(shop, "").presses("sign-in", email=RICH)


@pytest.fixture
def owner(buyer, shop):
    """Somebody who saved a card and a UPI ID, and looks at both."""
    buyer.has_signed_in(shop).saves_a_card(shop)
    buyer.buys(shop).follows("method-upi").presses("pay", vpa="success@mockpay", save="yes")
    return buyer.account(shop)


def titles(buyer):
    return [row.xpath("string(.//b)").strip() for row in buyer.page.xpath("//li[@data-token]")]


def cookie(answer):
    return answer.headers["Set-Cookie"]


def test_the_code_from_the_inbox_signs_in_and_leads_back_to_the_payment(buyer, shop):
    here = buyer.buys(shop).url
    buyer.follows("account-sign-in").presses("sign-in", email=RICH.upper())
    assert "r***@buyers.mockpay.test" in buyer.page.text_content()
    code = code_for(shop, RICH)
    assert code not in buyer.answer.text
    buyer.presses("otp-submit", otp=code)
    assert buyer.url == here
    assert "Signed in as r***@buyers.mockpay.test." in buyer.page.text_content()
    assert buyer.misses("account-sign-in")


def test_the_session_is_the_sellers_own_and_comes_along_from_the_shop(asked, shop):
    session = asked.session
    answer = session.post(
        asked.url.partition("?")[0],
        data=dict(asked.page.forms[0].form_values()) | {"otp": "123456", "action": "verify"},
        allow_redirects=False,
        timeout=30,
    )
    assert answer.status_code == 303
    given = cookie(answer)
    assert given.startswith(f"mockpay_buyer_{shop.seller.seller_id}=")
    for mark in ("HttpOnly", "SameSite=Lax", "Path=/;", "Max-Age=43200"):
        assert mark in given, given


def test_another_sellers_pages_know_nothing_of_the_session(buyer, shop, mockpay_seller):
    buyer.has_signed_in(shop)
    mark = buyer.session.cookies[f"mockpay_buyer_{shop.seller.seller_id}"]
    name = f"mockpay_buyer_{mockpay_seller.seller_id}"
    there = f"{shop.server.url}/account/{mockpay_seller.seller_id}/methods"
    answer = requests.get(there, cookies={name: mark}, timeout=30)
    assert "Sign in" in answer.text
    assert urlsplit(answer.url).path == f"/account/{mockpay_seller.seller_id}/"


def test_the_short_address_leads_to_the_default_seller(buyer, shop):
    for path in ("/account", "/account/"):
        buyer.goes_to(f"{shop.server.url}{path}")
        assert urlsplit(buyer.url).path == "/account/A1MOCKPAYSELLER/"
        assert buyer.heading == "Sign in"


def test_the_sign_in_names_the_buyers_that_are_there(buyer, shop):
    note = buyer.account(shop, "").page.xpath("string(//*[@role='note'])")
    for local in ("rich", "poor", "minkyc", "frozen", "reload", "reloadfail", "reloadcap", "newbie"):
        assert f"{local}@buyers.mockpay.test" in note


def test_whoever_is_signed_in_is_not_asked_again(buyer, shop):
    assert buyer.has_signed_in(shop).account(shop, "").heading == "Saved methods"


@pytest.mark.parametrize("email", ["", "nobody", "a@b", "a b@example.com"])
def test_what_is_no_email_is_told_at_its_field(buyer, shop, email):
    buyer.account(shop, "").presses("sign-in", email=email)
    assert buyer.answer.status_code == 422
    (field,) = buyer.page.xpath("//input[@name='email']")
    assert field.get("aria-describedby") == "f-email-error"
    assert field.get("value") == email


def test_wrong_codes_are_counted_and_lock_the_challenge(asked):
    asked.presses("otp-submit", otp="000000")
    assert asked.answer.status_code == 422
    assert asked.reads("otp-error") == "That code is not right. 2 tries left."
    asked.presses("otp-submit", otp="12").presses("otp-submit", otp="000000")
    assert asked.reads("otp-error") == "Too many wrong codes were typed. Send a new one."
    asked.presses("otp-submit", otp="123456")
    assert asked.reads("otp-error") == "Too many wrong codes were typed. Send a new one."
    asked.presses("otp-resend").presses("otp-submit", otp="123456")
    assert asked.heading == "Saved methods"


def test_two_locked_challenges_lock_the_email_out_for_a_while(asked, shop):
    asked.presses("otp-submit", otp="888888")
    now = datetime.fromisoformat(shop.seller.control("GET", "/clock")["now"])
    later = (now + timedelta(minutes=30)).astimezone(timezone(timedelta(hours=5, minutes=30)))
    end = later.strftime("%I:%M %p").lstrip("0").lower()
    asked.presses("otp-resend").presses("otp-submit", otp="888888").presses("otp-resend")
    assert asked.reads("otp-error") == f"Too many wrong codes were typed. No code is sent until {end}."
    assert f"The lock ends at {end} by the seller’s clock" in asked.reads("unlock")
    asked.account(shop, "").presses("sign-in", email=RICH)
    assert asked.answer.status_code == 422
    assert f"No code is sent until {end}." in asked.page.text_content()
    assert f"The lock ends at {end} by the seller’s clock" in asked.reads("unlock")
    shop.seller.advance(seconds=1801)
    asked.presses("sign-in", email=RICH).presses("otp-submit", otp="123456")
    assert asked.heading == "Saved methods"


def test_sign_ins_begun_without_end_are_told_until_when_no_code_is_sent(buyer, shop):
    now = datetime.fromisoformat(shop.seller.control("PUT", "/clock", {"mode": "frozen"})["now"])
    later = (now + timedelta(minutes=30)).astimezone(timezone(timedelta(hours=5, minutes=30)))
    end = later.strftime("%I:%M %p").lstrip("0").lower()
    for email in (RICH, RICH, RICH.upper()):
        buyer.account(shop, "").presses("sign-in", email=email)
        assert buyer.misses("unlock")
    buyer.account(shop, "").presses("sign-in", email=RICH)
    told = f"Too many codes were sent and none was typed. No code is sent until {end}."
    assert (buyer.answer.status_code, told in buyer.page.text_content()) == (422, True)
    assert f"The lock ends at {end} by the seller’s clock" in buyer.reads("unlock")


def test_a_code_expires_by_the_sandboxs_clock(asked, shop):
    code = code_for(shop, RICH)
    shop.seller.advance(seconds=300)
    asked.presses("otp-submit", otp=code)
    assert asked.reads("otp-error") == "This code has expired. Send a new one."
    asked.presses("otp-resend").presses("otp-submit", otp=code_for(shop, RICH))
    assert asked.heading == "Saved methods"


def test_another_code_is_sent_after_a_moment_and_the_first_is_worth_nothing(asked, shop):
    first = code_for(shop, RICH)
    asked.presses("otp-resend")
    assert asked.reads("otp-error") == "Another code can be sent in 0:30."
    shop.seller.advance(seconds=30)
    asked.presses("otp-resend")
    assert "A new code was sent" in asked.page.text_content()
    asked.presses("otp-submit", otp=first)
    assert asked.reads("otp-error") == "That code is not right. 2 tries left."
    assert asked.presses("otp-submit", otp=code_for(shop, RICH)).heading == "Saved methods"


def test_a_technical_error_costs_no_try(asked):
    asked.presses("otp-submit", otp="666666")
    assert asked.answer.status_code == 503
    assert asked.reads("otp-error") == "The code could not be checked just now. Send it once more."
    assert asked.presses("otp-submit", otp="666666").heading == "Saved methods"


def test_the_code_of_a_payment_opens_no_session(buyer, shop):
    buyer.buys(shop, amount="5000.01").pays_from_balance("rich")
    with_it = {"otp": code_for(shop, RICH), "challenge": _challenge_of(shop), "action": "verify"}
    buyer.account(shop, "")
    token = buyer.page.xpath("//input[@name='form_token']/@value")[0]
    buyer.posts("otp", form_token=token, **with_it)
    assert buyer.heading == "Sign in"


def _challenge_of(shop):
    return next(one for one in shop.order()["timeline"] if one["machine"] == "otp")["subject"]


@pytest.mark.parametrize(
    "onward",
    [
        "https://example.com/",
        "//example.com/",
        "/pay//example.com",
        "/_mockpay/ui",
        "/pay/\\x",
        "/account/OTHER/methods",
        "javascript:alert(1)",
    ],
)
def test_signing_in_leads_to_no_other_place(buyer, shop, onward):
    buyer.account(shop, f"?next={onward}").presses("sign-in", email=RICH)
    buyer.presses("otp-submit", otp="123456")
    assert urlsplit(buyer.url).path == f"/account/{shop.seller.seller_id}/methods"


def test_signing_out_ends_the_session_itself(owner, shop):
    name = f"mockpay_buyer_{shop.seller.seller_id}"
    old = owner.session.cookies[name]
    owner.presses("sign-out")
    assert owner.heading == "Sign in"
    assert name not in owner.session.cookies
    there = f"{shop.server.url}/account/{shop.seller.seller_id}/methods"
    assert "<h1>Sign in</h1>" in requests.get(there, cookies={name: old}, timeout=30).text
    assert owner.buys(shop).misses("method-saved")


def test_a_link_alone_signs_nobody_out(owner, shop):
    owner.account(shop, "sign-out")
    assert owner.account(shop).heading == "Saved methods"


def test_a_method_gets_a_name_and_loses_it_again(owner):
    owner.presses("rename-1", nickname="  Office   card ")
    assert titles(owner)[0] == "Office card"
    assert f"{CARD}. Saved" in owner.page.text_content()
    owner.presses("rename-1", nickname="")
    assert titles(owner)[0] == CARD


def test_a_card_number_is_no_name_and_never_comes_back(owner):
    owner.presses("rename-1", nickname="4100 2800 0000 1007")
    assert owner.answer.status_code == 422
    (field,) = owner.page.xpath("//input[@aria-invalid='true']")
    assert (field.get("name"), field.get("value")) == ("nickname", "")
    assert owner.page.xpath("string(//*[@id=$id])", id=field.get("aria-describedby"))
    assert "4100 2800" not in owner.answer.text
    owner.presses("rename-1", nickname="x" * 41)
    assert owner.page.xpath("//input[@aria-invalid='true']/@value") == ["x" * 40]


def test_another_default_comes_first_and_is_offered_first(owner, shop):
    assert titles(owner) == [CARD, "su****@mockpay"]
    owner.presses("default-2")
    assert titles(owner) == ["su****@mockpay", CARD]
    owner.buys(shop)
    assert owner.page.xpath("string(//label[.//input[@name='token'][@checked]]//b)") == "su****@mockpay"


def test_what_is_removed_pays_no_more_and_another_becomes_the_default(owner, shop):
    gone = owner.page.xpath("//li/@data-token")[0]
    owner.presses("delete-1")
    assert titles(owner) == ["su****@mockpay"]
    assert "Default" in owner.page.xpath("string(//li[@data-token])")
    owner.buys(shop).posts("saved", token=gone)
    assert owner.answer.status_code == 404
    owner.account(shop).presses("delete-1")
    assert owner.sees("no-methods") is not None
    assert owner.buys(shop).misses("method-saved")


def test_a_button_that_is_not_there_changes_nothing(owner):
    token = owner.page.xpath("//li/@data-token")[0]
    mark = owner.page.xpath("//input[@name='form_token']/@value")[0]
    owner.posts("methods", action="explode", token=token, form_token=mark)
    assert owner.answer.status_code == 422
    assert titles(owner) == [CARD, "su****@mockpay"]


def test_the_balance_is_shown_to_its_owner(buyer, shop):
    assert buyer.has_signed_in(shop, POOR).reads("wallet-balance") == "₹10.00"


def test_a_guest_sees_no_methods_and_changes_none(owner, shop):
    token = owner.page.xpath("//li/@data-token")[0]
    guest = AccountBuyer().account(shop)
    assert guest.heading == "Sign in"
    mark = guest.page.xpath("//input[@name='form_token']/@value")[0]
    guest.posts("methods", action="delete", token=token, form_token=mark)
    assert guest.heading == "Sign in"
    assert titles(owner.account(shop)) == [CARD, "su****@mockpay"]


def test_nothing_is_done_without_the_forms_own_token(owner, shop):
    token = owner.page.xpath("//li/@data-token")[0]
    for mark in ("", "x", "0" * 64):
        owner.posts("methods", action="delete", token=token, form_token=mark)
        assert owner.answer.status_code == 403
    assert titles(owner.account(shop)) == [CARD, "su****@mockpay"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "amazonpay.amazon.in"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_account_pages_answer_only_to_our_own_name_and_pages(owner, shop, headers):
    for page in ("", "methods", "otp", "sign-out"):
        there = f"{shop.server.url}/account/{shop.seller.seller_id}/{page}"
        assert owner.session.get(there, headers=headers, timeout=30).status_code == 403
        assert owner.session.post(there, headers=headers, timeout=30).status_code == 403
    there = f"{shop.server.url}/account"
    assert owner.session.get(there, headers=headers, timeout=30).status_code == 403


def test_under_a_providers_name_a_payment_offers_no_sign_in(buyer, shop):
    here = buyer.buys(shop).url
    for page in ("", "card"):
        answer = requests.get(f"{here}{page}", headers={"Host": "amazonpay.amazon.in"}, timeout=30)
        assert answer.status_code == 200
        assert "account-sign-in" not in answer.text
    answer = requests.get(f"{here}saved", headers={"Host": "amazonpay.amazon.in"}, timeout=30, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, urlsplit(here).path)


def test_a_seller_that_nobody_has_is_not_found(buyer, shop):
    for page in ("", "methods", "otp"):
        buyer.account(shop, page, seller_id="NOBODY")
        assert buyer.answer.status_code == 404


def test_no_cache_keeps_an_account_page(owner, shop):
    for page in ("", "methods"):
        assert owner.account(shop, page).answer.headers["Cache-Control"] == "no-store"

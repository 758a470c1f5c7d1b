"""Auto-reload as a program sets it up and watches it: a code, a reload, a pause at a limit, three failures, and back."""

import pytest

from tests.journeys.account_buyer import AccountBuyer, code_for

ASHA = "asha@example.com"
GOOD, REFUSED = "4718609108204366", "4100280000080001"


def save_card(shop, number=GOOD):
    return shop.seller.save_method(ASHA, "card", number=number, expiry="08/29", name="Asha Rao")["token"]


@pytest.fixture
def asha(shop):
    """Asha has 600.00 and a saved card, and looks at her auto-reload."""
    save_card(shop)
    shop.seller.control("POST", f"/buyers/{ASHA}/wallet/adjust", {"amount": "600.00"})
    return AccountBuyer().has_signed_in(shop, ASHA).account(shop, "wallet").follows("wallet-auto-reload")


def state(buyer):
    return buyer.sees("reload-state").get("data-state")


def switch_on(buyer, shop, **settings):
    buyer.account(shop, "auto-reload").presses("reload-save", agree="yes", **settings)
    assert buyer.heading == "Enter the code"
    return buyer.presses("otp-submit", otp=code_for(shop, ASHA))


def pays(buyer, shop, amount):
    """Pay from the balance, and let what waits be done."""
    buyer.buys(shop, amount=amount).follows("method-wallet").presses("pay", email=ASHA)
    shop.seller.advance(seconds=0)
    return buyer.account(shop, "auto-reload")


def runs(buyer):
    """Each run's state and what is said of it, the newest first."""
    return [
        (row.get("data-state"), " ".join(row.xpath("string(.//span[@class='grow'])").split()))
        for row in buyer.page.xpath("//li[@data-run]")
    ]


def test_a_code_switches_it_on_and_a_payment_that_lowers_the_balance_reloads_it(asha, shop):
    assert (asha.heading, state(asha)) == ("Auto-reload", "OFF")
    asha.presses("reload-save", agree="yes")
    assert "They let ₹1,000.00 be added whenever your balance is below ₹500.00." in asha.page.text_content()
    asha.presses("otp-submit", otp="111222")
    assert asha.answer.status_code == 422
    assert "That code is not right" in asha.reads("otp-error")
    asha.presses("otp-submit", otp=code_for(shop, ASHA))
    assert "Auto-reload is on" in asha.page.text_content()
    assert state(pays(asha, shop, "200.00")) == "ON"
    assert asha.reads("reload-balance") == "₹1,400.00"
    [(how, words)] = runs(asha)
    assert how == "SUCCEEDED"
    assert words.startswith("The balance fell to ₹400.00")
    asha.goes_to(asha.page.xpath("//li[@data-run]//a/@href")[0].join([shop.server.url, ""]))
    assert asha.heading == "Added by auto-reload"
    [line] = asha.account(shop, "auto-reload").page.xpath("//ul[@data-testid='reload-changes']/li")
    assert "Switched on by the buyer, with a code" in line.text_content()
    assert "From: HDFC Bank Visa •••• 4366" in line.text_content()


def test_what_is_wrong_is_said_at_its_field_and_nothing_is_sent(asha, shop):
    for typed, words in (
        ({"amount": "99.00"}, "At least ₹100.00 is added at a time."),
        ({"amount": "1.001"}, "at most two after the point"),
        ({"threshold": "200000.01"}, "would exceed the balance’s cap"),
        ({"cap_month": "1.00"}, "must leave room for one reload"),
        ({"max_per_day": "many"}, "Type a whole number"),
    ):
        asha.account(shop, "auto-reload").presses("reload-save", agree="yes", **typed)
        errors = [error.text_content().strip() for error in asha.page.xpath("//p[@class='field-error']")]
        assert (asha.answer.status_code, len(errors)) == (422, 1)
        assert words.replace("’", "'") in errors[0].replace("’", "'"), errors
    asha.account(shop, "auto-reload").presses("reload-save")
    assert "Tick the box to go on." in asha.page.text_content()
    assert shop.seller.inbox(kind="otp", to=ASHA)[0]["template"] == "otp.sign_in"
    assert not shop.seller.auto_reload(ASHA)["enabled"]


def test_another_code_can_be_sent_and_none_is_needed_to_switch_off(asha, shop):
    asha.presses("reload-save", agree="yes")
    first = code_for(shop, ASHA)
    shop.seller.advance(seconds=30)
    asha.presses("otp-resend")
    asha.presses("otp-submit", otp=first)
    assert asha.answer.status_code == 422
    asha.presses("otp-submit", otp=code_for(shop, ASHA))
    assert state(asha) == "ON"
    asha.presses("reload-off")
    assert state(asha) == "OFF"
    assert "Nothing is charged without you" in asha.page.text_content()


def test_another_buyers_code_changes_nothing(asha, shop):
    asha.presses("reload-save", agree="yes")
    url = asha.url
    ravi = AccountBuyer().has_signed_in(shop, "ravi@example.com").goes_to(url)
    assert (ravi.heading, state(ravi)) == ("Auto-reload", "OFF")
    assert AccountBuyer().goes_to(url).heading == "Sign in"


def test_it_pauses_at_a_limit_and_goes_on_when_the_month_has_passed(asha, shop):
    shop.seller.freeze("2026-11-21T12:00:00Z")
    switch_on(asha, shop, cap_month="1500.00")
    pays(asha, shop, "200.00")
    shop.seller.advance(seconds=300)
    assert state(pays(asha, shop, "1000.00")) == "PAUSED_CAP"
    assert asha.reads("reload-waits") == ("Your limit of a month is reached. It goes on at 01 Dec 2026, 00:00:00 IST.")
    shop.seller.advance(to="2026-11-30T18:30:00Z")
    assert state(asha.account(shop, "auto-reload")) == "ON"
    assert asha.reads("reload-balance") == "₹1,400.00"
    assert runs(asha)[0][1].startswith("The limit’s window has rolled, with ₹400.00 there")


def test_three_failures_switch_it_off_and_its_buyer_brings_it_back(asha, shop):
    refused = save_card(shop, REFUSED)
    switch_on(asha, shop, token=refused)
    assert state(pays(asha, shop, "200.00")) == "BACKOFF"
    assert "The last reload failed. It goes on at" in asha.reads("reload-waits")
    shop.seller.advance(seconds=300)
    shop.seller.advance(seconds=1_800)
    assert state(asha.account(shop, "auto-reload")) == "DISABLED_FAILURES"
    assert asha.reads("reload-waits") == "It switched itself off: it failed too often in a row."
    assert [how for how, _ in runs(asha)] == ["FAILED"] * 3
    assert shop.seller.inbox(kind="auto_reload", to=ASHA)[0]["template"] == "reload.off"
    switch_on(asha, shop, token=save_card(shop))
    shop.seller.advance(seconds=0)
    assert asha.account(shop, "auto-reload").reads("reload-balance") == "₹1,400.00"


def test_a_payment_that_lacks_money_waits_for_the_reload(asha, shop):
    switch_on(asha, shop, just_in_time="yes")
    shop.seller.next("issuer", "pendingok", kind="reload")
    asha.buys(shop, amount="900.00").follows("method-wallet").presses("pay", email=ASHA)
    assert asha.heading == "Your balance is being filled up"
    payment = next(order for order in shop.seller.orders() if order["kind"] == "payment")["order_id"]
    shop.seller.advance(until="idle")
    assert shop.seller.order(payment)["state"] == "PAID"
    asha.goes_to(f"{shop.ui}/orders/{payment}")
    timeline = [line.text_content() for line in asha.page.xpath("//ol[@class='timeline']/li/b")]
    assert timeline[4:7] == ["Waits for a reload", "Amazon Pay balance decided: paid", "Order paid"]
    assert shop.seller.wallet(ASHA)["balance"] == "700.00"


def test_the_card_that_it_charges_is_removed_with_a_word_of_its_own(asha, shop):
    switch_on(asha, shop)
    asha.account(shop)
    assert "Charged by auto-reload" in asha.page.xpath("string(//li[@data-token])")
    assert "Remove, and switch auto-reload off" in asha.sees("delete-1").text_content()
    token = asha.page.xpath("//li/@data-token")[0]
    form_token = asha.page.xpath("//input[@name='form_token']/@value")[0]
    asha.posts(asha.url, token=token, action="delete", form_token=form_token)
    assert asha.answer.status_code == 422
    asha.account(shop).presses("delete-1")
    assert state(asha.account(shop, "auto-reload")) == "OFF"
    assert asha.reads("reload-waits") == "It switched itself off: its payment method was removed."
    assert asha.sees("reload-no-method") is not None

"""The order's page tells what happened, and nothing else."""

import pytest

from mockpay.domain.methods.netbanking import NetBanking
from mockpay.domain.methods.upi import Upi
from mockpay.domain.methods.wallet import Wallet
from mockpay.domain.wallet.limits import Status
from mockpay.kernel.http.calls import Unreachable
from mockpay.kernel.money import Money
from mockpay.services import buyers
from mockpay.services.payments import authentication, orders
from mockpay.services.payments.authentication import Payer
from mockpay.services.wallet import corrections, top_ups
from mockpay.store import scenarios
from tests.factories import World
from tests.web.visitor import Visitor, text

RICH = "rich@buyers.mockpay.test"


def timeline(page):
    """Titles of the timeline's lines with their facts."""
    lines = page.xpath("//ol[contains(@class, 'timeline')]/li")
    return {text(line.xpath("./b")[0]): text(line.xpath("./p")[0]) for line in lines}


def facts(page):
    """The order's facts by their labels."""
    return {text(label): text(label.getnext()) for label in page.xpath("//dl//dt")}


def decisions(page):
    return [text(head) for head in page.xpath("//aside[contains(@class, 'decision')]//p")]


def rules_left(world):
    with world.read() as sandbox:
        return [rule.times for rule in scenarios.waiting(sandbox)]


@pytest.mark.parametrize("bank", ["MKF1", "MKX1", "HDFC"])
def test_nobody_approves_what_a_bank_refuses_by_itself(visitor, world, bank):
    if bank == "HDFC":
        world.add_rule("failure", match={"method": "netbanking"})
    order = world.order()
    world.pay_with(order, NetBanking(bank))
    told = timeline(visitor.see_order(order))
    assert "Buyer approved" not in told
    assert told["Bank asked"] == "By the bank itself, as the scenario has it; nobody was on its page"
    assert ("Bank’s answer refused" in told) == (bank == "MKX1")


def test_a_bank_that_pays_by_itself_is_not_told_as_a_buyers_approval(visitor, world):
    order = world.order()
    world.pay_with(order, NetBanking("MKS1"))
    told = timeline(visitor.see_order(order))
    assert "Buyer approved" not in told
    assert "nobody was on its page" in told["Bank confirmed"]


def test_stages_behind_a_refusal_of_the_risk_check_decide_nothing(visitor, world):
    world.add_rule("decline", stage="risk")
    world.add_rule("51", stage="issuer", match={"method": "card"})
    order = world.order()
    world.pay_with(order, world.card("4000000000000002", name="3DS N"))
    (decided,) = decisions(visitor.see_order(order))
    assert "at stage risk" in decided
    # The rule of the stage that was never reached still waits.
    assert rules_left(world) == [0, 1]


def test_a_rule_for_a_code_that_nobody_asks_for_waits_and_decides_nothing(visitor, world):
    world.add_rule("timeout", stage="auth", match={"method": "wallet"})
    world.add_rule("N", stage="auth")
    order = world.order(amount="499.00")
    attempt = world.pay_with(order, Wallet(RICH))
    assert attempt.state == "CAPTURED"
    assert "stage auth" not in " ".join(decisions(visitor.see_order(order)))
    assert rules_left(world) == [1, 1]
    asked = world.start(world.order("O-2", "20000.00"), Wallet(RICH)).attempt
    # What only a card's issuer can say means nothing here either.
    assert rules_left(world) == [0, 1]
    with world.transaction() as sandbox:
        assert authentication.submit_otp(sandbox, asked, "123456")[0] == "EXPIRED"
        assert authentication.active_otp(sandbox, asked) is None


def test_a_rule_waits_on_when_the_buyer_cancels_before_the_answer(world):
    world.add_rule("frozen", match={"method": "upi"})
    order = world.order()
    world.create_attempt(order)
    assert rules_left(world) == [0]
    world.cancel(order)
    assert rules_left(world) == [1]


def test_the_address_of_a_notification_is_where_it_went(runtime):
    world = World.new(runtime, ipn_url="http://127.0.0.1:8420/old")
    order = world.order()
    world.pay(order)
    world.advance(1)
    visitor = Visitor(runtime, world.seller_id)
    (sent,) = world.notifications(order)
    page = f"/notifications/{sent.notification_id}"
    before = text(visitor.see(page).xpath("//div[@class='detail-head']")[0])
    assert world.delivery_tries(sent)
    assert "to http://127.0.0.1:8420/old" in before
    form = {"name": "X", "return_urls": "http://127.0.0.1:*", "ipn_url": "http://127.0.0.1:8420/new"}
    token = visitor.see("/seller").xpath("//input[@name='form_token']/@value")[0]
    assert visitor.client.post(f"{visitor.home}/seller", data={**form, "form_token": token}).status_code == 303
    assert text(visitor.see(page).xpath("//div[@class='detail-head']")[0]) == before


def test_a_code_ends_with_its_try_and_no_buyer_gave_it_up(visitor, world):
    order = world.order(amount="20000.00")
    world.start(order, Wallet(RICH))
    visitor.press(visitor.see_order(order), "Cancel order")
    assert timeline(visitor.see_order(order))["Code needed no more"] == "What it was sent for is over"


def test_the_headline_of_an_expired_order_says_that_its_time_is_over(visitor, world):
    order = world.order()
    world.pay(order, "insufficient@mockpay")
    world.advance(901)
    page = visitor.see_order(order)
    assert text(page.xpath("//h1")[0]).endswith("not enough funds; the time to pay is over")
    assert timeline(page)["Buyer may try again"] == "For as long as the order is open"


def test_a_browser_that_never_comes_back_is_not_told_as_sent(world, visitor, runtime):
    order = world.order(amount="1703.07")
    world.pay(order)
    with world.transaction() as sandbox:
        orders.record_return(sandbox, order, "http://127.0.0.1/", "never_returns")
    told = timeline(visitor.see_order(order))
    assert told["Not sent back to the seller"] == "The browser is never sent back"
    assert "Sent back to the seller" not in told


def test_a_seller_who_answered_was_reached(runtime, post):
    post.answers = [500, Unreachable("Nobody is there.")]
    world = World.new(runtime, ipn_url="http://127.0.0.1:8420/ipn", ipn_profile="fast")
    order = world.order()
    world.pay(order)
    for _ in range(3):
        world.advance(60)
    told = timeline(Visitor(runtime, world.seller_id).see_order(order))
    assert "Seller refused it: 500" in told
    assert "Seller not reached" in told


def test_nothing_is_charged_back_of_a_failed_payment(visitor, world):
    order = world.order()
    world.pay_with(order, world.card("4100280000080001"))
    assert world.attempts(order)[0].eci is not None
    assert "Liability" not in facts(visitor.see_order(order))


def test_the_money_of_an_order_is_told_as_it_stands(visitor, world):
    whole, foreign, half = (world.order(number) for number in ("WHOLE", "FOREIGN", "HALF"))
    world.pay_with(whole, world.card("4718609108204366"))
    world.pay_with(foreign, world.card("4012888888881881", name="3DS U"))
    world.add_rule("partial", stage="capture")
    world.pay(half)
    told = facts(visitor.see_order(whole))
    assert (told["Captured"], told["Refundable"]) == ("₹499.00", "₹499.00")
    assert told["Liability"] == "ECI 05: the card’s issuer bears the loss of a fraud chargeback"
    assert "Released" not in told
    assert facts(visitor.see_order(foreign))["Liability"] == "ECI 07: the seller bears the loss of a fraud chargeback"
    told = facts(visitor.see_order(half))
    assert (told["Captured"], told["Released"], told["Refundable"]) == ("₹249.50", "₹249.50", "₹249.50")


def test_a_hold_has_a_liability_and_no_money_yet(runtime):
    world = World.new(runtime, capture="manual")
    order = world.order()
    world.pay_with(order, world.card("4718609108204366"))
    told = facts(Visitor(runtime, world.seller_id).see_order(order))
    assert told["Liability"].startswith("ECI 05: the card’s issuer")
    assert not told.keys() & {"Captured", "Refundable"}


def test_why_there_is_no_notification(runtime, subtests):
    world = World.new(runtime, ipn_url="http://127.0.0.1:8420/ipn")
    visitor, untried, tried = Visitor(runtime, world.seller_id), world.order("UNTRIED"), world.order("TRIED")

    def told(order):
        return text(visitor.see_order(order).xpath("//section[@aria-labelledby='told']//p[contains(., 'By not')]")[0])

    world.request_approval(tried)
    for order, why in [(untried, "None yet."), (tried, "None yet: one is sent when the payment has ended.")]:
        with subtests.test(order.seller_order_id):
            assert told(order) == f"By notification. {why}"
    world.cancel_by_seller(untried)
    assert told(untried) == "By notification. None: nothing was tried, so there is no payment to tell of."


def test_an_order_names_its_newest_buyer_and_leads_to_nobody_elses_orders(visitor, world):
    with world.transaction() as sandbox:
        asha, tasha = (buyers.ensure(sandbox, email).buyer_id for email in ("asha@x.test", "tasha@x.test"))
    order = world.order()
    world.pay_with(order, Wallet("poor@buyers.mockpay.test"))
    world.pay_with(order, Wallet(RICH))
    row = visitor.see_order(order).xpath("//dt[.='Buyer']/following-sibling::dd")[0]
    assert text(row).startswith("r***@")
    wallet = visitor.see(visitor.client.get(row.xpath(".//a/@href")[2]).location)
    assert text(wallet.xpath("//h1")[0]) == f"Wallet of {RICH}"
    of_asha, of_tasha = world.order("ASHA"), world.order("TASHA")
    world.pay_with(of_asha, Upi("success@mockpay"), Payer(buyer_id=asha))
    world.pay_with(of_tasha, Upi("success@mockpay"), Payer(buyer_id=tasha))
    link = visitor.see_order(of_asha).xpath("//dt[.='Buyer']/following-sibling::dd/a/@href")[1]
    assert len(visitor.see(link).xpath("//tr[@data-row]")) == 1


def test_a_risk_rule_says_what_it_decided(visitor, world):
    for number in range(11):
        order = world.order(f"O-{number}")
        world.pay_with(order, world.card("4718609108204366"))
    assert "the risk check declined the payment: " in decisions(visitor.see_order(order))[0]


@pytest.mark.parametrize(("button", "state"), [("Approve the payment", "CAPTURED"), ("Reject the payment", "FAILED")])
def test_a_review_is_decided_on_the_orders_page(visitor, world, button, state):
    world.add_rule("review", stage="risk")
    order = world.order()
    world.pay(order)
    page = visitor.see_order(order)
    assert "it is approved by itself on 21 Nov 2026" in text(page)
    assert "attempt.review" not in text(page)
    assert visitor.press(page, button).status_code == 303
    world.advance(0)
    assert world.attempts(order)[0].state == state
    assert not visitor.see_order(order).xpath(f"//button[normalize-space()='{button}']")


def test_the_timeline_names_who_decided_a_review(visitor, world):
    ways = {
        "; the card’s issuer is asked next": world.card("4718609108204366"),
        "": Wallet(RICH),
        "; the buyer is asked next": Upi("success@mockpay"),
    }
    for number, (waits, instrument) in enumerate(ways.items()):
        for button in ("Approve the payment", "Reject the payment", ""):
            order = world.order(f"O-{number}-{button[:1]}", "1706.02")
            world.start(order, instrument)
            if button:
                visitor.press(visitor.see_order(order), button)
            else:
                world.advance(10)
            told = timeline(visitor.see_order(order))
            if button.startswith("Reject"):
                assert told["Risk review failed"] == "By a tester"
            else:
                by = "By a tester" if button else "By itself after 10 s"
                assert told["Risk review passed"] == by + waits


def test_the_buyer_of_an_order_leads_to_their_messages_and_orders(visitor, world):
    order = world.order(amount="20000.00")
    world.pay_with(order, Wallet(RICH))
    row = visitor.see_order(order).xpath("//dt[.='Buyer']/following-sibling::dd")[0]
    assert text(row) == "r***@buyers.mockpay.test: messages of this order, all orders, wallet"
    inbox, orders, wallet = row.xpath(".//a/@href")
    assert visitor.see(visitor.client.get(wallet).location).xpath("//tr[@data-entry]")
    assert len(visitor.see(inbox).xpath("//article")) == 1
    world.order("O-2")
    assert len(visitor.see(orders).xpath("//tr[@data-row]")) == 1


def test_earlier_tries_are_folded_in_the_timeline(visitor, world):
    order = world.order()
    world.pay(order, "failure@mockpay")
    world.pay(order, "insufficient@mockpay")
    page = visitor.see_order(order)
    folded = page.xpath("//section[@aria-labelledby='timeline']/details")
    assert [text(one.xpath("./summary")[0]) for one in folded] == ["Try 1: failure@mockpay, 7 events"]
    assert "Order opened" in text(folded[0])
    (newest,) = page.xpath("//section[@aria-labelledby='timeline']/div/ol")
    assert text(newest).startswith("UPI chosen")


def test_an_order_without_an_address_for_notifications_leads_to_the_seller(visitor, world):
    order = world.order()
    world.pay(order)
    told = visitor.see_order(order).xpath("//section[@aria-labelledby='told']//p[contains(., 'By notification.')]")[0]
    assert text(told) == "By notification. None: the seller has no address for notifications. Seller’s page"
    assert told.xpath("./a/@href") == [f"{visitor.home}/seller"]


def test_an_order_that_fills_a_wallet_tells_of_no_seller(visitor, world):
    with world.transaction() as sandbox:
        order = top_ups.open_order(sandbox, RICH, Money.parse("500.00"), "/account/wallet")
    world.pay_with(order, Upi("success@mockpay"))
    page = visitor.see_order(order)
    assert text(page.xpath("//h1")[0]) == "Added to the balance by UPI"
    lines = timeline(page)
    assert lines["Order opened"] == "By the buyer, to add money to a balance"
    assert lines["Added to the balance"] == "₹500.00"
    headings = {text(heading) for heading in page.xpath("//h2")}
    assert not headings & {"What the seller was told", "What the seller does next", "Do it again", "Signature"}


def test_added_money_is_refunded_by_the_form_and_tells_of_no_company(visitor, world):
    with world.transaction() as sandbox:
        order = top_ups.open_order(sandbox, RICH, Money.parse("500.00"), "/account/wallet")
    world.pay_with(order, Upi("success@mockpay"))
    assert visitor.press(visitor.see_order(order), "Refund", amount="100.00").status_code == 303
    world.advance(60)
    page = visitor.see_order(order)
    assert text(page.xpath("//h1")[0]) == "Added to the balance by UPI, refunded in part"
    (refund,) = world.refunds(order)
    shown = visitor.see(f"/refunds/{refund.refund_id}")
    labels = [text(label) for label in shown.xpath("//section[@aria-labelledby='facts']//dt")]
    assert labels[:2] == ["Refund id", "Reference"]
    visitor.press(page, "Cancel and refund ₹400.00")
    world.advance(60)
    page = visitor.see_order(order)
    assert text(page.xpath("//h1")[0]) == "Added to the balance by UPI, refunded in full"
    assert not page.xpath("//button[@data-testid='order-refund']")
    wallet = visitor.see(f"/buyers/{RICH}/wallet")
    titles = [text(row) for row in wallet.xpath("//tr[@data-type='TOPUP_REFUND']//summary")]
    assert [title.partition(": ")[2] for title in titles] == ["Refund of added money"] * 2


def test_what_a_wallet_could_not_take_is_told_with_its_limit(visitor, world):
    with world.transaction() as sandbox:
        order = top_ups.open_order(sandbox, RICH, Money.parse("500.00"), "/account/wallet")
        corrections.change_profile(sandbox, RICH, status=Status.FROZEN)
    world.pay_with(order, Upi("success@mockpay"))
    world.advance_until_idle()
    page = visitor.see_order(order)
    assert text(page.xpath("//h1")[0]) == "Paid by UPI, not added to the balance; sent back"
    assert timeline(page)["Not added to the balance"] == "This balance is frozen. The money goes back."

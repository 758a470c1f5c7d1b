"""Who ended an order, what of it failed on the seller's side, and nothing that nobody knows yet."""

import dataclasses

from msgspec.structs import replace

from mockpay.domain.methods.netbanking import NetBanking
from mockpay.domain.methods.upi import Upi
from mockpay.domain.methods.wallet import Wallet
from mockpay.domain.payments.attempts import Stage
from mockpay.providers.amazonpay import provider as amazonpay
from mockpay.services.payments import orders
from mockpay.services.payments.transitions import mark_met
from mockpay.store import attempts, journal
from mockpay.store.reads.lists import OrderFilter, orders_page
from mockpay.web.checkout import upi
from mockpay.web.checkout.page_session import PageSession
from tests.factories import World
from tests.web.dashboard.test_order_truth import RICH, rules_left, timeline
from tests.web.visitor import Visitor, text

IPN = "http://127.0.0.1:8420/ipn"
INNOCENT = "Nothing is wrong in your integration. "


def second_line(visitor, order) -> str:
    return text(visitor.see_order(order).xpath("//h1/following-sibling::p")[0])


def tag(visitor, order) -> str:
    return text(visitor.see(f"/orders?q={order.order_id}").xpath("//td[@class='c-why']")[0])


def note_call(world, order, status, outcome, **facts):
    with world.transaction() as sandbox:
        line = journal.RequestLine("GET", "/", 0.0)
        journal.add(
            sandbox.connection,
            world.seller_id,
            sandbox.now,
            0,
            kind="Refund",
            outcome=outcome,
            line=line,
            orders=(order.order_id,),
            status=status,
            facts=facts,
        )


# --- the seller's own part


def test_a_notification_that_the_seller_refused_is_named_instead_of_innocence(runtime, post):
    world = World.new(runtime, ipn_url=IPN)
    visitor = Visitor(runtime, world.seller_id)
    for number, (answer, says) in enumerate(
        [
            (404, "Look at your integration: notification “Payment Completed, ₹499.00”: answered 404; a 4xx is never"),
            (500, "Look at your integration: notification “Payment Completed, ₹499.00”: answered 500."),
            (200, "The UPI ID success@mockpay asked for this answer."),
        ]
    ):
        post.answers = [answer]
        order = world.order(f"O-{number}")
        world.pay(order)
        world.advance(0)
        assert second_line(visitor, order).startswith(says)


def test_tries_that_a_scenario_loses_are_not_the_sellers_fault(runtime):
    world = World.new(runtime, ipn_url=IPN)
    order = world.order(amount="1704.06")
    world.pay(order)
    world.advance(2)
    visitor = Visitor(runtime, world.seller_id)
    innocent = f"{INNOCENT}The amount 1704.06 asked for this notification."
    assert second_line(visitor, order) == innocent
    world.advance(10)
    (notification,) = world.notifications(order)
    assert (notification.tries, second_line(visitor, order)) == (3, innocent)
    lost = "About the payment: try 1 failed: lost on the way, as the scenario has it; tried again later"
    assert lost in text(visitor.see_order(order))
    assert "answered 503" not in text(visitor.see_order(order))


def test_a_call_that_was_refused_is_named_and_the_sandboxs_own_trouble_is_not(visitor, world):
    for number, (status, named) in enumerate([(200, False), (400, True), (403, True), (499, True), (500, False)]):
        order = world.order(f"O-{number}")
        world.pay(order)
        note_call(world, order, status, "refund.exceeds_capture")
        assert ("Refund was refused: refund.exceeds_capture" in second_line(visitor, order)) is named


def test_what_the_real_service_would_refuse_is_no_innocence(visitor, world):
    order = world.order(warnings={"Signature": "Amazon would refuse this."})
    world.pay(order, "failure@mockpay")
    note_call(world, order, 200, "ok", warnings={"Signature": "Amazon would refuse this.", "x": "too long"})
    says = second_line(visitor, order)
    assert says.startswith("Look at your integration: Signature: Amazon would refuse this; x: too long. The UPI ID")


# --- who ended it


def test_a_code_that_was_typed_is_told_below_the_title(visitor, world):
    order = world.order(amount="20000.00")
    world.pay_with(order, Wallet(RICH))
    assert second_line(visitor, order) == "The code 123456 was typed: correct. All else was normal."


def test_whoever_cancels_is_the_one_who_decided(visitor, world):
    decided = {}
    for number, cancels in enumerate(
        [lambda order: visitor.press(visitor.see_order(order), "Cancel order"), world.cancel_by_seller, world.cancel]
    ):
        order = world.order(f"O-{number}")
        world.pay(order, "failure@mockpay")
        cancels(order)
        decided[order.seller_order_id] = tag(visitor, order)
    assert decided == {"O-0": "tester", "O-1": "seller", "O-2": "buyer"}
    for by, number in [("tester", "O-0"), ("seller", "O-1"), ("buyer", "O-2")]:
        rows = visitor.see(f"/orders?by={by}").xpath("//tr[@data-row]")
        assert [number in text(row) for row in rows] == [True]
    assert not visitor.see("/orders?by=instrument").xpath("//tr[@data-row]")


def test_a_hold_that_ended_says_who_ended_it(runtime):
    world = World.new(runtime, capture="manual")
    visitor = Visitor(runtime, world.seller_id)
    cancelled, expired = world.order("A"), world.order("B")
    for order in (cancelled, expired):
        world.pay(order)
    visitor.press(visitor.see_order(cancelled), "Cancel and release the hold")
    world.advance_until_idle()
    says = "A tester cancelled the order, by the dashboard or the control API."
    assert (tag(visitor, cancelled), second_line(visitor, cancelled)) == ("tester", INNOCENT + says)
    assert tag(visitor, expired) == "clock"
    assert second_line(visitor, expired) == f"{INNOCENT}The seller did not ask for the money."


def test_a_capture_that_failed_was_cancelled_by_nobody(visitor, world):
    order = world.order(amount="1708.02")
    world.pay(order)
    assert (world.get_order(order).state, tag(visitor, order)) == ("CANCELLED", "amount 1708.02")


def test_a_frozen_balance_is_not_told_as_too_small(visitor, world):
    order = world.order()
    world.pay_with(order, Wallet("frozen@buyers.mockpay.test"))
    assert "balance was ₹5,000.00, but frozen" in second_line(visitor, order)


def test_a_capture_that_takes_its_time_does_not_wait_for_the_seller(visitor, world):
    order = world.order(amount="1708.01")
    world.pay(order)
    assert "The seller captures" not in second_line(visitor, order)
    assert "A capture takes its time at the bank" in second_line(visitor, order)


def test_a_review_that_passed_did_not_decide_what_was_paid(visitor, world):
    order = world.order(amount="1706.02")
    world.start(order, Upi("success@mockpay"))
    assert tag(visitor, order) == "amount 1706.02"
    world.advance_until_idle()
    assert tag(visitor, order) == "UPI ID"


def test_what_a_person_pressed_is_not_told_as_the_simulated_buyers(visitor, world):
    order = world.order()
    attempt = world.request_approval(order, "asha@okbank")
    with world.transaction() as sandbox:
        upi.answer(PageSession(sandbox, world._fresh(sandbox, order), attempt), attempt, "approve", "1234")
    told = timeline(visitor.see_order(order))
    assert told["Buyer approved"] == "In the UPI app"
    assert second_line(visitor, order).endswith("The buyer approved the payment in the simulated UPI app.")
    assert tag(visitor, order) == "UPI app"
    other = world.order("O-2")
    world.request_approval(other, "asha@okbank")
    world.advance(20)
    assert timeline(visitor.see_order(other))["Buyer approved"] == "By the simulated buyer, in the UPI app"
    assert tag(visitor, other) == ""


def test_money_that_the_network_sent_back_was_not_approved_late(visitor, world):
    order, late = world.order(), world.order("O-2")
    world.pay(order, "deemedfail@mockpay")
    world.pay(late, "late@mockpay")
    world.advance(31)
    assert text(visitor.see_order(order).xpath("//h1")[0]) == "The network sent the money back"
    world.advance_until_idle()
    ended = "The network sent the money back; the time to pay is over"
    assert text(visitor.see_order(order).xpath("//h1")[0]) == ended
    late_title = "Approved after the order had ended; the money went back"
    assert text(visitor.see_order(late).xpath("//h1")[0]) == late_title


def test_a_forged_result_of_3d_secure_is_not_the_buyers_doing(visitor, world):
    order = world.order()
    world.pay_with(order, world.card("4718609108204366", name="3DS TAMPER"))
    title = text(visitor.see_order(order).xpath("//h1")[0])
    assert title == "3-D Secure’s result was forged on its way: security failure"


def test_a_bank_that_declined_is_not_told_twice(visitor, world):
    order = world.order()
    world.pay_with(order, NetBanking("MKF1"))
    assert text(visitor.see_order(order).xpath("//h1")[0]) == "The buyer’s bank declined the payment"
    assert "Buyer’s bank declined (F)" in text(visitor.see("/orders"))


def test_locked_codes_are_not_told_as_typed_for_this_order(visitor, world):
    for number in ("A", "B", "C"):
        order = world.order(number, amount="20000.00")
        world.pay_with(order, Wallet(RICH), otp="888888")
    page = visitor.see_order(order)
    assert text(page.xpath("//h1")[0]) == "The buyer’s one-time codes are locked"
    assert timeline(page)["Buyer not authenticated"] == "The buyer’s one-time codes are locked"


# --- nothing that is not decided


def test_nothing_is_told_to_have_decided_before_it_has(visitor, world):
    coded, at_app = world.order("A", amount="20000.00"), world.order("B")
    world.start(coded, Wallet(RICH))
    world.request_approval(at_app, "asha@okbank")
    for order in (coded, at_app):
        page = visitor.see_order(order)
        assert not page.xpath("//aside[contains(@class, 'decision')]")
        assert second_line(visitor, order) == "It is the buyer’s turn; nothing is decided yet."


def test_the_timeline_speaks_of_authentication_and_of_what_was_asked(visitor, world):
    coded, plain, silent = world.order("A", amount="20000.00"), world.order("B"), world.order("C")
    world.pay_with(coded, Wallet(RICH))
    world.pay_with(plain, world.card("4718609108204366", name="3DS FRICTIONLESS"))
    world.pay(silent, "noresponse@mockpay")
    told = timeline(visitor.see_order(coded))
    assert told["Authentication asked for"] == told["Buyer authenticated"] == "By a one-time code"
    assert "Amazon Pay balance asked" in told
    assert "Sent to the bank" not in told
    assert "Payment reference" in text(visitor.see_order(coded))
    told = timeline(visitor.see_order(plain))
    assert told["Buyer authenticated"] == "By the card’s issuer, who did not ask the buyer"
    assert "Bank reference" in text(visitor.see_order(plain))
    assert timeline(visitor.see_order(silent))["Buyer not asked"] == "No gateway answered that could have asked"


def test_a_hold_goes_back_to_the_seller_as_pending(runtime):
    world = World.new(runtime, capture="manual")
    order = world.order()
    world.pay(order)
    with world.transaction() as sandbox:
        orders.record_return(sandbox, world._fresh(sandbox, order), "http://127.0.0.1/", "success")
    told = timeline(Visitor(runtime, world.seller_id).see_order(order))
    assert told["Sent back to the seller"] == "PENDING: the signed result"


# --- rules of what comes after the last try


def test_rules_for_what_follows_a_payment_are_free_for_the_try_that_comes_to_it(visitor, world):
    for stage, outcome in [("redirect", "bad_signature"), ("ipn", "tripled"), ("verify", "unavailable")]:
        world.add_rule(outcome, stage=stage)
    order = world.order()
    first = world.pay(order, "failure@mockpay")
    assert rules_left(world) == [0, 0, 0]
    second = world.pay(order)
    assert rules_left(world) == [0, 0, 0]
    assert set(world.get_attempt(first.attempt_id).plan.decisions) == {Stage.ISSUER}
    assert {stage: made.outcome for stage, made in second.plan.decisions.items() if stage is not Stage.ISSUER} == {
        Stage.REDIRECT: "bad_signature",
        Stage.IPN: "tripled",
        Stage.VERIFY: "unavailable",
    }


def test_an_amounts_word_for_the_way_back_is_not_told_of_a_try_that_never_came_to_it(world):
    order = world.order(amount="1703.01")
    first = world.pay(order, "failure@mockpay")
    second = world.pay(order)
    assert not world.get_attempt(first.attempt_id).plan.decides(Stage.REDIRECT)
    assert second.plan.decides(Stage.REDIRECT)


def test_a_rule_for_the_status_that_was_met_is_used_up(world):
    world.add_rule("unavailable", stage="verify")
    order = world.order()
    first = world.pay(order, "failure@mockpay")
    # Later than the try's own end, from which the age of a status counts.
    world.advance(5)
    with world.transaction() as sandbox:
        mark_met(sandbox, first, Stage.VERIFY)
        mark_met(sandbox, attempts.by_id(sandbox, first.attempt_id), Stage.VERIFY)
    second = world.pay(order)
    assert rules_left(world) == [0]
    assert not second.plan.decides(Stage.VERIFY)
    met = world.get_attempt(first.attempt_id)
    assert (met.stage_decisions[Stage.VERIFY].outcome, met.updated_at) == ("unavailable", first.updated_at)


# --- the filter


def test_the_filter_names_only_what_was_met(world):
    planned, met = world.order("A"), world.order("B", amount="1703.01")
    world.add_rule("51", stage="issuer", match={"method": "card"})
    world.pay_with(planned, world.card("4718609108204366", name="3DS N"))
    world.pay(met)

    def found(by):
        with world.read() as sandbox:
            return [row.order.seller_order_id for row in orders_page(sandbox, OrderFilter(decided_by=by)).items]

    assert found("amount.redirect.01") == found("upi.success") == ["B"]
    assert found("amount") == ["B"]
    assert found("rule") == found("rule 1") == []
    assert found("instrument") == found("card.name.n") == ["A"]
    assert found("success") == []


def test_the_filter_fills_a_page_from_several_and_goes_on(world):
    for number in range(9):
        world.pay(world.order(f"O-{number}"), "failure@mockpay" if number % 3 == 0 else None)
    pages, cursor = [], None
    with world.read() as sandbox:
        while True:
            page = orders_page(sandbox, OrderFilter(decided_by="instrument"), cursor, 2)
            pages.append([row.order.seller_order_id for row in page.items])
            cursor = page.next_cursor
            if cursor is None:
                break
    assert pages == [["O-6", "O-3"], ["O-0"]]


# --- words of a provider, and the clock


def test_the_scenarios_page_names_notes_in_the_companys_own_words(runtime, world):
    introduction = "//p[@class='muted'][contains(., 'An agreed input')]"
    said = text(Visitor(runtime, world.seller_id).see("/scenarios").xpath(introduction)[0])
    assert f"a note (Amazon Pay: {amazonpay.simulation})" in said
    silent = replace(runtime, providers={"amazonpay": dataclasses.replace(amazonpay, simulation="")})
    said = text(Visitor(silent, world.seller_id).see("/scenarios").xpath(introduction)[0])
    assert "a rule, the instrument" in said


def test_real_time_is_offered_where_the_clock_is_shown_and_only_while_it_is_another(visitor, world):
    button = "//button[@value='real'][ancestor::header]"
    assert not visitor.see().xpath(button)
    visitor.press(visitor.see(), "minute")
    page = visitor.see()
    assert page.xpath(button)
    form = page.xpath(button)[0].getparent()
    fields = {one.get("name"): one.get("value") for one in form.xpath(".//input")}
    assert visitor.client.post(form.get("action"), data={**fields, "act": "real"}).status_code == 303
    assert not visitor.see().xpath(button)

"""Attempts that the risk check puts aside, and what it learns of how attempts ended."""

import pytest

from mockpay.domain.methods.netbanking import NetBanking
from mockpay.domain.methods.upi import Upi
from mockpay.domain.methods.wallet import Wallet
from mockpay.domain.timeline import Actor
from mockpay.kernel.errors import Conflict
from mockpay.risk import assessment
from mockpay.risk.assessment import Inputs
from mockpay.services.payments import authentication, payments
from mockpay.services.payments.authentication import Payer
from mockpay.store import schedule
from mockpay.threeds import threeds_table
from tests.factories import GUEST_AT_PAGE, World, run_concurrently

VISA, DECLINED = "4111111111111111", "4000000000000002"
RICH, APP, BANK = Wallet("rich@buyers.mockpay.test"), Upi("success@mockpay"), NetBanking("MKS1")
ADDRESS = Payer(inputs=Inputs(ip="203.0.113.9"), checkout=GUEST_AT_PAGE.checkout)


def parked(world, instrument, number="O-1"):
    order = world.order(number, "1706.02")
    attempt = world.start(order, instrument).attempt
    assert (attempt.state, attempt.auth) == ("RISK_REVIEW", None)
    return order, attempt


def decide(world, attempt, *, approved=True):
    with world.transaction() as sandbox:
        return payments.decide_review(sandbox, attempt.attempt_id, approved=approved, actor=Actor.TESTER)


@pytest.mark.parametrize("instrument", [RICH, APP, BANK], ids=["wallet", "upi", "netbanking"])
@pytest.mark.parametrize("who", ["tester", "clock"])
def test_an_approved_payment_goes_on_by_itself(world, instrument, who):
    order, attempt = parked(world, instrument)
    if who == "tester":
        decide(world, attempt)
    world.advance(10)
    assert world.advance_until_idle().complete
    assert world.states(order) == ("PAID", "CAPTURED")
    assert world.violations() == []


def test_the_clock_approves_when_the_seller_has_it_so_and_not_before(runtime):
    world = World.new(runtime, risk_review_seconds=120)
    order, _ = parked(world, RICH)
    world.advance(119.999)
    assert world.states(order) == ("PENDING", "RISK_REVIEW")
    world.advance(0.001)
    assert world.advance_until_idle().complete
    assert world.states(order) == ("PAID", "CAPTURED")


def test_an_approved_card_waits_for_its_buyers_browser_and_is_asked_then(world):
    _, attempt = parked(world, world.card(VISA))
    world.advance(10)
    waits = world.get_attempt(attempt.attempt_id)
    assert (waits.state, waits.auth) == ("AUTH_PENDING", "3ds")
    with world.transaction() as sandbox:
        assert threeds_table.latest(sandbox, waits.attempt_id) is None
        authentication.prepare(sandbox, waits, GUEST_AT_PAGE.checkout)
    assert world.authenticate(waits).state == "CAPTURED"
    assert world.violations() == []


def test_an_approved_card_whose_buyer_has_gone_times_out(world):
    order, _ = parked(world, world.card(VISA))
    world.advance(10 + 660)
    assert world.states(order) == ("PENDING", "EXPIRED")
    with world.read() as sandbox:
        assert schedule.next_due(sandbox) == order.expires_at


def test_a_rejected_payment_fails_in_neutral_words_and_another_try_is_free(world):
    order, attempt = parked(world, RICH)
    failed = decide(world, attempt, approved=False)
    assert (failed.state, failed.reason) == ("FAILED", "payment_risk_check_failed")
    assert (failed.failure.source, failed.failure.code) == ("internal", "")
    with world.read() as sandbox:
        assert schedule.waiting_of(sandbox, attempt.attempt_id) == []
    assert world.get_order(order).state == "PENDING"


@pytest.mark.parametrize("instrument", [RICH, APP], ids=["wallet", "upi"])
def test_an_approved_payment_waits_for_no_reviewer_any_more(world, instrument):
    _, attempt = parked(world, instrument)
    decide(world, attempt)
    with world.read() as sandbox:
        waiting = schedule.waiting_of(sandbox, attempt.attempt_id)
    assert "attempt.review" not in [event.kind for event in waiting]


@pytest.mark.parametrize("approved", [True, False])
def test_a_review_is_decided_once(world, approved):
    _, attempt = parked(world, RICH)
    decide(world, attempt, approved=approved)
    with pytest.raises(Conflict) as refused:
        decide(world, attempt, approved=not approved)
    assert refused.value.code == "review.over"


def test_of_two_reviewers_at_once_one_decides(world):
    order, attempt = parked(world, RICH)
    got = run_concurrently(2, lambda one: decide(world, attempt, approved=bool(one)))
    assert sum(isinstance(one, Conflict) for one in got) == 1
    assert world.advance_until_idle().complete
    assert world.states(order)[1] in {"CAPTURED", "FAILED"}
    steps = [one.event for one in world.timeline(order)]
    assert ("approve" in steps) + ("reject" in steps) == 1


def test_a_payment_of_much_money_still_asks_for_its_password_after_the_review(world):
    order = world.order(amount="499.00")
    world.add_rule("review", stage="risk")
    payer = Payer(inputs=Inputs(device="dev_new"), checkout=GUEST_AT_PAGE.checkout)
    attempt = world.start(order, RICH, payer).attempt
    assert attempt.state == "RISK_REVIEW"
    asked = decide(world, attempt)
    assert (asked.state, asked.auth) == ("AUTH_PENDING", "otp")  # the device was new
    assert world.authenticate(asked).state == "CAPTURED"


# --- what the check learns


def test_five_declines_from_an_address_close_it(world):
    for number in range(5):
        attempt = world.pay_with(world.order(f"O-{number}"), world.card(DECLINED), ADDRESS)
        assert attempt.state == "FAILED"
        world.advance(61)  # not so fast that the card itself is noticed
    blocked = world.start(world.order("NEXT"), RICH, ADDRESS).attempt
    assert (blocked.state, blocked.reason) == ("FAILED", "payment_risk_check_failed")
    with world.read() as sandbox:
        found = assessment.of_attempt(sandbox, blocked.attempt_id)
    assert "VEL_DECLINES" in [hit.rule for hit in found.hits]
    world.advance(600)
    assert world.start(world.order("LATER"), RICH, ADDRESS).attempt.state != "FAILED"


def test_what_was_paid_closes_no_address(world):
    for number in range(5):
        assert world.pay_with(world.order(f"O-{number}"), RICH, ADDRESS).state == "CAPTURED"
        world.advance(61)
    assert world.pay_with(world.order("NEXT"), RICH, ADDRESS).state == "CAPTURED"


def test_a_buyers_first_large_payment_is_challenged_and_the_next_is_not(world):
    asha = Payer(checkout=GUEST_AT_PAGE.checkout, buyer_id="byr_asha")
    first = world.start(world.order("A", "20000.01"), APP, asha).attempt
    assert first.auth == "otp"
    assert world.authenticate(first).state == "CAPTURED"
    second = world.start(world.order("B", "20000.01"), APP, asha).attempt
    assert world.get_attempt(second.attempt_id).state == "CAPTURED"

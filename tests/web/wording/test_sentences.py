"""Plain sentences: what happened, and whose doing it is."""

import pytest

from mockpay.domain.methods.upi import CODES
from mockpay.domain.payments.attempts import Failure, Source
from mockpay.domain.payments.decisions import deciding
from mockpay.kernel.clock import DAY
from mockpay.risk.rules import DECLINED_REASON
from mockpay.services.sellers.accounts import Changes, change
from mockpay.web.wording.sentences import (
    countdown,
    decided_by,
    failure_sentence,
    method_title,
    span,
    what_happened,
    whose_doing,
)


def told(world, order):
    """The sentence of an order's row, by the seller's clock."""
    tries = world.attempts(order)
    return what_happened(world.get_order(order), tries[-1] if tries else None, world.now())


@pytest.mark.parametrize(
    ("vpa", "says"),
    [
        ("success@mockpay", "Paid by UPI"),
        ("insufficient@mockpay", "Buyer’s bank declined: not enough funds (Z9); may try again"),
        ("wrongpin@mockpay", "Wrong UPI PIN (ZM); may try again"),
        ("fraud@mockpay", "UPI network refused: risk threshold exceeded (U16); may try again"),
        ("xi@mockpay", "Seller’s bank refused: payee's account does not exist (XI); may try again"),
        ("invalid@mockpay", "No such UPI ID (ZH); may try again"),
        ("pending@mockpay", "The bank has not decided yet"),
        ("deemed@mockpay", "No clear answer; money may have moved"),
        ("asha@okhdfc", "Waiting for asha@okhdfc to approve"),
        (None, "Waiting for the buyer’s UPI app"),
    ],
)
def test_a_row_says_in_one_sentence_how_a_try_stands(world, vpa, says):
    order = world.order()
    world.pay(order, vpa)
    assert told(world, order) == says


def test_an_order_that_nobody_tried_says_how_long_is_left(world):
    order = world.order()
    world.advance(100)
    assert told(world, order) == "Buyer is on the payment page, 13:20 left"


def test_a_cancelled_order_says_that_the_buyer_gave_up(world):
    order = world.order()
    world.cancel(order)
    assert told(world, order) == "Cancelled on the payment page"
    assert whose_doing(world.get_order(order), None) == "The buyer gave up on the payment page."


def test_an_expired_order_says_that_nothing_was_tried(world):
    order = world.order()
    world.advance(901)
    assert told(world, order) == "The time to pay ran out; nothing was tried"
    assert whose_doing(world.get_order(order), None) == "Nobody paid within 15 min."


def test_an_order_that_expired_while_the_bank_was_deciding_says_so(world):
    order = world.order()
    world.pay(order, "pending@mockpay")
    world.advance(901)
    assert told(world, order) == "The time to pay ran out while the bank was deciding"


def test_money_that_came_too_late_went_back(world):
    order = world.order()
    world.pay(order, "late@mockpay")
    world.advance_until_idle()
    assert told(world, order) == "Approved after the order had ended; the money went back"


def test_money_that_was_told_as_failure_went_back(world):
    order = world.order(amount="1703.08")
    world.pay(order, "asha@okhdfc")
    world.advance_until_idle()
    assert told(world, order) == "Captured, but told FAILURE; the money went back"


def test_a_fault_on_the_way_back_is_told_of_a_paid_order(world):
    order = world.order(amount="1703.01")
    world.pay(order, "asha@okhdfc")
    world.advance(20)
    assert told(world, order) == "Paid by UPI; the result is sent back with a wrong signature"


def test_a_title_is_a_whole_sentence_without_codes(world):
    order = world.order()
    last = world.pay(order, "insufficient@mockpay")
    says = what_happened(world.get_order(order), last, full=True)
    assert says == "The buyer’s bank declined the payment: not enough funds"


def test_every_code_makes_a_sentence_for_a_row_and_one_for_a_title(subtests):
    for code in [code for code, row in CODES.items() if row.reason]:
        with subtests.test(code=code):
            row = CODES[code]
            failure = Failure(row.source, "step", row.reason, code)
            short, full = failure_sentence(failure, "upi"), failure_sentence(failure, "upi", full=True)
            assert short[0].isupper()
            assert short.endswith(f"({code})")
            assert full[0].isupper()
            assert f"({code})" not in full


def test_an_end_before_the_banks_turn_is_told_in_words(subtests):
    for reason, code, says in [
        ("otp_attempts_exceeded", "", "The buyer’s one-time codes are locked"),
        ("payment_cancelled", "", "The buyer gave this try up"),
        ("payment_timed_out", "", "The buyer did not prove who they are in time"),
        ("authentication_failed", "N/01", "The buyer did not prove who they are at the card’s bank"),
        (DECLINED_REASON, "", "The risk check declined the payment"),
    ]:
        with subtests.test(reason=reason, code=code, says=says):
            failure = Failure("customer", "payment_authentication", reason, code)
            assert failure_sentence(failure, full=True, method="card") == says
            assert failure_sentence(failure, method="card") == (f"{says} ({code})" if code else says)


@pytest.mark.parametrize(
    ("vpa", "amount", "tag", "asked"),
    [
        ("failure@mockpay", "499.00", "UPI ID", "The UPI ID failure@mockpay asked for this answer."),
        ("asha@okhdfc", "1700.51", "amount 1700.51", "The amount 1700.51 asked for this answer."),
    ],
)
def test_the_deciding_input_is_named(world, vpa, amount, tag, asked):
    order = world.order(amount=amount)
    last = world.pay(order, vpa)
    assert decided_by(last) == tag
    says = whose_doing(world.get_order(order), last)
    assert says == f"{asked} The buyer may try again."


def test_a_rule_is_named_before_the_upi_id(world):
    world.add_rule("Z9")
    order = world.order()
    last = world.pay(order, "failure@mockpay")
    assert decided_by(last) == last.plan.scenario
    assert f"The seller’s {last.plan.scenario} asked for this answer." in whose_doing(order, last)


def test_a_sellers_default_is_named(world):
    with world.transaction() as sandbox:
        change(sandbox, Changes(settings={"default_outcomes": {"issuer": "Z9"}}))
    order = world.order()
    last = world.pay(order, "asha@okhdfc")
    assert decided_by(last) == "seller default"
    assert "The seller’s default outcome Z9 asked" in whose_doing(order, last)


def test_normal_behaviour_has_no_tag(world):
    order = world.order()
    world.pay(order, "asha@okhdfc")
    world.advance(20)
    last = world.attempts(order)[-1]
    assert decided_by(last) is None
    assert deciding(last) is None
    says = whose_doing(world.get_order(order), last)
    assert says == "No scenario had a say: what is not asked to fail succeeds."


def test_a_choice_in_the_upi_app_is_the_buyers_doing(world):
    order = world.order()
    last = world.decline(world.request_approval(order))
    assert deciding(last)[1].source is Source.BUYER
    assert decided_by(last) == "UPI app"
    assert "The buyer declined the payment in the simulated UPI app." in whose_doing(world.get_order(order), last)


def test_a_request_that_the_clock_ended_is_not_the_buyers_choice(world):
    order = world.order()
    world.request_approval(order)
    world.advance(301)
    assert deciding(world.attempts(order)[-1])[1].source is not Source.BUYER
    assert told(world, order) == "UPI request was never answered (U69); may try again"


def test_what_was_paid_with_is_told_short(world):
    order = world.order()
    assert method_title(None) == ""
    assert method_title(world.request_approval(order)) == "UPI app"
    assert method_title(world.pay(world.order("O-2"), "asha@okhdfc")) == "asha@okhdfc"


def test_an_age_is_told_in_its_largest_unit(subtests):
    for ms, says in [(0, "0 s"), (59_999, "59 s"), (60_000, "1 min"), (3_600_000, "1 h"), (2 * DAY, "2 d")]:
        with subtests.test(ms=ms, says=says):
            assert span(ms) == says


def test_time_left_is_told_as_a_clock_does(subtests):
    for ms, says in [(-1, "0:00"), (5_000, "0:05"), (680_000, "11:20"), (3_905_000, "1:05:05"), (3 * DAY, "3 d")]:
        with subtests.test(ms=ms, says=says):
            assert countdown(ms) == says


@pytest.mark.parametrize("by", ["the buyer", "the seller"])
def test_an_order_that_is_cancelled_while_its_bank_decides_says_what_is_true(world, by):
    order = world.order()
    attempt = world.pay(order, "pendingok@mockpay")
    world.cancel(order) if by == "the buyer" else world.cancel_by_seller(order)
    says = {"the buyer": "Cancelled on the payment page", "the seller": "Cancelled by the seller"}[by]
    assert told(world, order) == f"{says} while the bank was deciding"
    doing = whose_doing(world.get_order(order), world.get_attempt(attempt.attempt_id))
    assert doing.endswith(" Should the bank still pay, the money goes back.")
    world.advance_until_idle()
    assert told(world, order) == "Approved after the order had ended; the money went back"
    assert "Should the bank" not in whose_doing(world.get_order(order), world.get_attempt(attempt.attempt_id))


def test_half_a_capture_says_how_much_was_taken(world):
    order = world.order(amount="1708.03")
    world.pay(order, "asha@okhdfc")
    world.advance_until_idle()
    assert told(world, order) == "Paid by UPI, ₹854.01 of ₹1,708.03 captured"

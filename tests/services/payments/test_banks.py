"""Net banking: the bank's own book, and what is believed of the way back from it."""

from contextlib import suppress

import pytest
from msgspec.structs import replace

from mockpay.domain.methods.netbanking import NetBanking
from mockpay.kernel.errors import Invalid, MockpayError
from mockpay.services.payments import banks, payments
from mockpay.services.payments.transitions import get_order
from mockpay.store import banks as book
from tests.factories import World


def at_bank(world, number="O-1", bank="HDFC"):
    """(order, attempt) of a buyer who is on the bank's page."""
    order = world.order(number)
    attempt = world.pay_with(order, NetBanking(bank))
    assert attempt.state == "AUTH_PENDING"
    return order, attempt


def decided(world, attempt, outcome="success"):
    with world.transaction() as sandbox:
        return banks.record_decision(sandbox, attempt, outcome)


def checked(world, order, attempt, back):
    """None, or what did not fit, in the order's timeline too."""
    with world.transaction() as sandbox:
        try:
            banks.verify_return(sandbox, get_order(sandbox, order.order_pk), attempt, back)
        except Invalid as error:
            return error.detail["wrong"]
    return None


def test_the_bank_is_asked_with_a_reference_of_its_own(world):
    _, attempt = at_bank(world)
    assert attempt.reference.startswith("BID")
    assert attempt.instrument == {"bank": "HDFC", "bank_name": "HDFC Bank"}
    with world.read() as sandbox:
        assert banks.decision(sandbox, attempt) is None


def test_the_gateway_gets_what_the_banks_book_says(world):
    _, attempt = at_bank(world)
    decided(world, attempt, "insufficient")
    with world.read() as sandbox:
        assert payments.charge_request(sandbox, attempt).planned == "insufficient"


def test_two_sellers_may_have_requests_of_one_reference(world):
    sellers = [world, World.new(world.runtime)]
    for seller, outcome in zip(sellers, ["success", "failure"], strict=True):
        with seller.transaction() as sandbox:
            book.add(sandbox, "BID1", "pay_1", 49_900)
            assert book.decide(sandbox, "BID1", outcome)
    for seller, outcome in zip(sellers, ["success", "failure"], strict=True):
        with seller.read() as sandbox:
            assert book.of_attempt(sandbox, "pay_1").outcome == outcome


@pytest.mark.parametrize(
    ("outcome", "letter"),
    [
        ("success", "S"),
        ("failure", "F"),
        ("pendingok", "P"),
        ("cancelled", "C"),
        ("locked", "F"),
        ("insufficient", "F"),
    ],
)
def test_the_way_back_tells_what_the_bank_decided(world, outcome, letter):
    order, attempt = at_bank(world)
    back = decided(world, attempt, outcome)
    assert (back.bank_ref, back.status, back.amount) == (attempt.reference, letter, "499.00")
    assert checked(world, order, attempt, back) is None
    with world.read() as sandbox:
        assert banks.decision(sandbox, attempt) == outcome


@pytest.mark.parametrize(
    ("forged", "wrong"),
    [
        ({"status": "S"}, "checksum"),
        ({"amount": "1.00"}, "checksum"),
        ({"bank_ref": "BID000000000000"}, "checksum"),
        ({"checksum": "0" * 64}, "checksum"),
        ({"checksum": ""}, "checksum"),
        ({"checksum": "é"}, "checksum"),
    ],
)
def test_nothing_that_was_changed_on_the_way_is_believed(world, forged, wrong):
    order, attempt = at_bank(world)
    back = decided(world, attempt, "failure")
    assert checked(world, order, attempt, replace(back, **forged)) == wrong
    assert world.states(order) == ("PENDING", "AUTH_PENDING")
    told = [line for line in world.timeline(order) if line.event == "bank_return_refused"]
    assert [line.facts["wrong"] for line in told] == [wrong]


def test_another_payments_true_way_back_is_not_this_ones(world):
    _, first = at_bank(world, "A")
    order, second = at_bank(world, "B")
    back = decided(world, first)
    assert checked(world, order, second, back) == "bank_ref"
    with world.read() as sandbox:
        assert banks.decision(sandbox, second) is None


def test_another_sellers_bank_signs_with_another_key(world):
    other = World.new(world.runtime)
    _, theirs = at_bank(other)
    order, mine = at_bank(world)
    back = replace(decided(other, theirs), bank_ref=mine.reference)
    assert checked(world, order, mine, back) == "checksum"


def test_a_bank_decides_once(world):
    _, attempt = at_bank(world)
    decided(world, attempt, "failure")
    with suppress(MockpayError):  # pressed twice or forged: either way the first one stands
        assert decided(world, attempt, "success").status == "F"
    with world.read() as sandbox:
        assert banks.decision(sandbox, attempt) == "failure"


def test_a_bank_knows_only_its_own_sellers_requests(world):
    other = World.new(world.runtime)
    _, attempt = at_bank(world)
    decided(world, attempt)
    with other.read() as sandbox:
        assert banks.decision(sandbox, attempt) is None


@pytest.mark.parametrize(
    ("bank", "first", "last"),
    [
        ("MKS1", ("PAID", "CAPTURED"), ("PAID", "CAPTURED")),
        ("MKP1", ("PENDING", "PENDING"), ("PAID", "CAPTURED")),
        ("MKP2", ("PENDING", "PENDING"), ("EXPIRED", "FAILED")),
        ("MKL1", ("PENDING", "PENDING"), ("EXPIRED", "REVERSED")),
        ("MKT1", ("PENDING", "AUTH_PENDING"), ("EXPIRED", "EXPIRED")),
        ("MKX1", ("PENDING", "FAILED"), ("EXPIRED", "FAILED")),
    ],
)
def test_a_magic_bank_answers_by_itself_now_and_on_the_clock(world, bank, first, last):
    order = world.order()
    world.pay_with(order, NetBanking(bank))
    assert world.states(order) == first
    world.advance_until_idle()
    assert world.states(order) == last
    assert world.violations() == []


def test_a_bank_that_nobody_answers_is_left_after_its_time(runtime):
    world = World.new(runtime, bank_page_seconds=60)
    order, attempt = at_bank(world)
    world.advance(59)
    assert world.get_attempt(attempt.attempt_id).state == "AUTH_PENDING"
    world.advance(1)
    assert world.states(order) == ("PENDING", "EXPIRED")
    assert world.attempts(order)[0].reason == "payment_timed_out"

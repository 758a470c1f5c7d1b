"""Whatever was paid with, an issuer may answer late, never, or not in time."""

import pytest

from mockpay.domain.methods.netbanking import NetBanking
from mockpay.domain.methods.upi import Upi
from mockpay.domain.methods.wallet import Wallet
from tests.services.ledger import RICH

WAYS = {
    "upi": lambda world: Upi("asha@okbank"),
    "card": lambda world: world.card("4111111111111111"),
    "netbanking": lambda world: NetBanking("HDFC"),
    "wallet": lambda world: Wallet(RICH),
}


@pytest.fixture(params=WAYS)
def pay(request, world):
    """A payment by each method whose issuer was told what to answer."""

    def paid(outcome):
        world.add_rule(outcome)
        order = world.order()
        attempt = world.pay_with(order, WAYS[request.param](world))
        assert attempt.scenario is not None
        return order

    return paid


def test_what_is_pending_is_paid_in_the_end(world, pay):
    order = pay("pendingok")
    assert world.states(order) == ("PENDING", "PENDING")
    world.advance(31)
    assert world.states(order) == ("PAID", "CAPTURED")
    assert world.violations() == []


def test_what_is_held_stays_pending(world, pay):
    order = pay("pending")
    world.advance(300)
    assert world.states(order) == ("PENDING", "PENDING")
    assert world.violations() == []


def test_an_issuer_that_did_not_answer_took_no_money(world, pay):
    order = pay("timedout")
    assert world.states(order) == ("PENDING", "FAILED")
    assert world.attempts(order)[0].reason == "payment_timed_out"
    world.advance_until_idle()
    assert world.attempts(order)[0].state == "FAILED"
    assert world.violations() == []

"""Payments over three gateways with any faults, by seed: never two captures of an order, no money lost, an end for all."""

import os
import random

from mockpay.domain.payments.attempts import AttemptState
from mockpay.domain.payments.faults import Fault
from mockpay.domain.payments.gateways import Operation
from mockpay.services.gateways import faults
from tests.factories import World
from tests.services.gateways.stubs import OP, K, Stub, pay, routed_world, send_all
from tests.services.gateways.test_payments import objects

#: A failing seed is played again alone by SEED=n; SEEDS=n plays more of them.
SEEDS = [int(os.environ["SEED"])] if "SEED" in os.environ else range(int(os.environ.get("SEEDS", "6")))
ISSUER = ["success"] * 5 + ["insufficient", "91", "96", "pendingok", "pendingreversed", "deemed", "deemedfail"]
ANSWERS = [K.APPROVED] * 4 + [K.NOT_SENT, K.NO_ANSWER, K.REJECTED, K.DECLINED, K.PENDING]
#: Gateways with a wire format of their own; a seed plays one of them.
COMPANIES = ("razorpay", "payu")
MONEY = [Operation.CHARGE, Operation.AUTHORIZE, Operation.LOOKUP, Operation.STATUS, Operation.CAPTURE, Operation.REFUND]


def play(runtime, seed):
    """One order: two tries at most, by gateways that fail by chance, then maybe a refund, until nothing happens more."""
    dice, company = random.Random(seed), COMPANIES[seed % len(COMPANIES)]
    stub = Stub(
        "second",
        answers={
            OP.CHARGE: dice.choices(ANSWERS, k=4),
            OP.LOOKUP: dice.choices([K.ABSENT, K.APPROVED, K.NO_ANSWER], k=3),
        },
    )
    names = dice.sample([company, "second", "simulator"], k=dice.randint(1, 3))
    world = routed_world(runtime, stub, to=names, capture=dice.choice(["auto", "auto", "manual"]))
    for _ in range(dice.randint(0, 3)):
        fault, operation = dice.choice(list(Fault)), dice.choice([None, *MONEY])
        with world.transaction() as sandbox:
            faults.add(
                sandbox,
                company,
                fault,
                operation=operation,
                times=dice.randint(1, 3),
                probability=dice.choice([1, 0.5]),
            )
    order = world.order()
    for _ in range(2):
        world.add_rule(dice.choice(ISSUER))
        if world.get_order(order).open and not any(attempt.live for attempt in world.attempts(order)):
            pay(world, order)
    if world.get_order(order).state == "AUTHORIZED":
        world.capture(order)
        send_all(world)
    if world.get_order(order).state == "PAID" and dice.random() < 0.5:
        world.refund(order, "100.00")
    settle(world)
    return world, company, order


def settle(world):
    """Let the seller's clock and real time go on until nothing is left to happen."""
    for _ in range(3):
        send_all(world)
        world.advance(600)
    send_all(world)


def captured_at(world):
    """Captured money that the company has not sent back, by payment."""
    refunded = {}
    for refund in objects(world, "refund"):
        refunded[refund.parent] = refunded.get(refund.parent, 0) + refund.amount_minor
    captured = [each for each in objects(world) if each.state == "captured"]
    return {each.object_id: each.amount_minor - refunded.get(each.object_id, 0) for each in captured}


def test_no_order_is_captured_twice_and_every_attempt_has_an_end(runtime, subtests):
    for seed in SEEDS:
        with subtests.test(seed=seed):
            check(*play(runtime, seed))


def check(world: World, company, order):
    tries, fresh = world.attempts(order), world.get_order(order)
    assert world.violations() == []
    assert sum(attempt.state is AttemptState.CAPTURED for attempt in tries) <= 1
    assert [
        attempt.state for attempt in tries if attempt.state in {AttemptState.UNKNOWN, AttemptState.PROCESSING}
    ] == []
    paid = [attempt for attempt in tries if attempt.state is AttemptState.CAPTURED and attempt.gateway == company]
    expected = {attempt.external_ids["payment"]: attempt.captured_minor - fresh.refunded_minor for attempt in paid}
    assert captured_at(world) == expected

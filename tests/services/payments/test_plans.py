"""What an attempt will meet: decided once, by precedence, and kept."""

import pytest

from mockpay.domain.methods.upi import Upi
from mockpay.domain.payments.attempts import Source, Stage
from mockpay.domain.scenarios.resolution import find
from mockpay.kernel.clock import SECOND
from mockpay.services.payments import payments
from mockpay.services.scenarios import stage_decisions
from mockpay.services.sellers.accounts import Changes, NewSeller, change, create, delete, reset
from tests.factories import World, on_sqlite


def decided(attempt, stage=Stage.ISSUER):
    one = attempt.plan.at(stage)
    return one.outcome, one.source


def test_the_plan_is_stored_with_the_attempt_and_says_who_decided(world):
    attempt = world.pay(world.order(amount="1703.01"), "z9@mockpay")
    assert attempt.scenario == "upi.code.z9"
    assert [(one.stage, one.outcome, one.source, one.value) for one in stage_decisions(attempt)] == [
        ("issuer", "Z9", "instrument", "z9@mockpay"),
        ("redirect", "bad_signature", "amount", "1703.01"),
    ]
    assert all(one.description for one in stage_decisions(attempt))


@on_sqlite
def test_an_ordinary_payment_has_one_normal_line(world):
    attempt = world.request_approval(world.order(), "asha@okbank")
    assert attempt.scenario is None
    # Nothing is decided before the money was there.
    assert stage_decisions(attempt) == []
    world.advance(20)
    paid = world.get_attempt(attempt.attempt_id)
    assert [(one.outcome, one.source, one.scenario) for one in stage_decisions(paid)] == [("success", "success", None)]


def test_a_rule_goes_before_the_instrument_and_is_used_up(world):
    world.add_rule("frozen")
    first, second = world.order("A"), world.order("B")
    assert decided(world.pay(first, "success@mockpay")) == ("frozen", Source.RULE)
    assert decided(world.pay(second, "success@mockpay")) == ("success", Source.INSTRUMENT)


@on_sqlite
@pytest.mark.parametrize(("times", "hits"), [(1, 1), (2, 2), (None, 3)])
def test_a_rule_decides_as_often_as_it_says(world, times, hits):
    world.add_rule("frozen", times=times)
    order = world.order()
    tries = [world.pay(order, "failure@mockpay") for _ in range(3)]
    assert [decided(one)[1] for one in tries].count(Source.RULE) == hits


@on_sqlite
@pytest.mark.parametrize(
    ("match", "hits"),
    [
        ({"vpa": "ASHA@okbank"}, True),
        ({"vpa": "ravi@okbank"}, False),
        ({"amount": "499"}, True),
        ({"amount": "500.00"}, False),
        ({"seller_order_id": "O-1"}, True),
        ({"seller_order_id": "O-2"}, False),
        ({"method": "upi"}, True),
        ({"method": "card"}, False),
        ({"vpa": "asha@okbank", "amount": "1.00"}, False),
    ],
)
def test_a_rule_decides_what_it_matches(world, match, hits):
    world.add_rule("51", match=match)
    attempt = world.pay(world.order(), "asha@okbank")
    assert (decided(attempt)[0] == "iso:51") is hits


@on_sqlite
def test_a_rule_for_a_upi_id_leaves_a_payment_without_one_alone(world):
    world.add_rule("frozen", match={"vpa": "asha@okbank"})
    assert world.request_approval(world.order()).scenario is None


@on_sqlite
def test_the_oldest_rule_that_fits_decides(world):
    world.add_rule("frozen", match={"amount": "1.00"})
    world.add_rule("dormant")
    world.add_rule("limit")
    order = world.order()
    assert [decided(world.pay(order))[0] for _ in range(3)] == ["dormant", "limit", "success"]


@on_sqlite
def test_one_attempt_uses_up_one_rule_of_each_stage(world):
    world.add_rule("success")
    world.add_rule("delayed", stage="redirect")
    world.add_rule("frozen")
    attempt = world.pay(world.order("A"), "failure@mockpay")
    assert decided(attempt) == ("success", Source.RULE)
    assert decided(attempt, Stage.REDIRECT) == ("delayed", Source.RULE)
    assert decided(world.pay(world.order("B"))) == ("frozen", Source.RULE)


@on_sqlite
@pytest.mark.parametrize(("seconds", "hits"), [(59.999, True), (60, False)])
def test_a_rule_lives_by_the_sellers_clock(world, real_clock, seconds, hits):
    world.add_rule("frozen", ttl_seconds=60)
    real_clock.move(3_600 * SECOND)
    world.advance(seconds)
    assert (decided(world.pay(world.order()))[0] == "frozen") is hits


def throws(world, probability):
    """Whether a rule that may take each of 100 attempts took it."""
    world.add_rule("frozen", times=None, probability=probability)
    order = world.order()
    with world.transaction() as sandbox:
        found = [payments.plan_payment(sandbox, order, Upi(), f"att_{n}") for n in range(100)]
        reset(sandbox)
    return [plan.at(Stage.ISSUER).outcome == "frozen" for plan in found]


@on_sqlite
def test_a_rule_with_a_probability_takes_about_so_many(world):
    assert 30 < sum(throws(world, 0.5)) < 70
    assert not any(throws(world, 0.0))
    assert all(throws(world, 1.0))


@on_sqlite
def test_the_same_seed_throws_the_same_dice_again(runtime):
    """Whatever other sellers did in between."""
    world = World(runtime, create(runtime, NewSeller(seller_id="A1SAME")).seller_id)
    first = throws(world, 0.5)
    with world.transaction() as sandbox:
        delete(sandbox)
    World.new(runtime).add_rule("frozen")
    create(runtime, NewSeller(seller_id="A1SAME"))
    assert throws(world, 0.5) == first


@on_sqlite
def test_a_sellers_default_speaks_last(runtime):
    world = World.new(runtime, default_outcomes={"issuer": "insufficient", "redirect": "delayed"})
    order = world.order()
    failed = world.pay(order, "asha@okbank")
    assert decided(failed) == ("insufficient", Source.DEFAULT)
    assert decided(failed, Stage.REDIRECT) == ("delayed", Source.DEFAULT)
    assert failed.failure.code == "Z9"
    assert decided(world.pay(order, "success@mockpay")) == ("success", Source.INSTRUMENT)


@on_sqlite
def test_magic_amounts_can_be_switched_off_for_a_seller(runtime):
    world = World.new(runtime, magic_amounts=False)
    assert world.request_approval(world.order(amount="1700.51")).scenario is None


@on_sqlite
def test_a_plan_does_not_change_once_it_was_made(world):
    order = world.order()
    attempt = world.request_approval(order)
    world.add_rule("frozen", times=None)
    with world.transaction() as sandbox:
        change(sandbox, Changes(settings={"default_outcomes": {"issuer": "frozen"}}))
    assert world.approve(attempt).state == "CAPTURED"


# --- PINs


@on_sqlite
def test_a_pin_that_is_not_magic_meets_the_plan(world):
    attempt = world.request_approval(world.order(amount="1700.51"))
    with world.read() as sandbox:
        assert payments.pin_decision(sandbox, attempt, "4321") is None
    assert world.approve(attempt, "4321").failure.code == "Z9"


@on_sqlite
def test_a_wrong_pin_fails_a_try_and_the_third_one_locks(world):
    order = world.order()
    codes = [world.approve(world.request_approval(order), "0000").failure.code for _ in range(4)]
    assert codes == ["ZM", "ZM", "Z6", "Z6"]


@on_sqlite
def test_wrong_pins_of_another_order_do_not_count(world):
    for number in ("A", "B", "C"):
        assert world.approve(world.request_approval(world.order(number)), "000000").failure.code == "ZM"


@on_sqlite
def test_the_locking_pin_locks_at_once(world):
    assert find("pin", "9999").outcome == "Z6"
    attempt = world.approve(world.request_approval(world.order()), "9999")
    assert (attempt.failure.code, attempt.reason) == ("Z6", "pin_attempts_exceeded")

"""Amounts 1701.CC: what the calls of a payment meet at its first gateway, and where it ends up."""

from mockpay.services.gateways import faults
from mockpay.services.payments.transitions import get_attempt
from tests.factories import World, on_sqlite
from tests.services.gateways.stubs import OP, VISA, K, Stub, lines, log, pay, routed_world, rules, send_all, set_rules

#: State, gateway, and the calls of each but those that name the payment: (gateway, operation, outcome).
FIRST, SECOND = "razorpay", "stripe"
ENDS = {
    "01": ("CAPTURED", FIRST, [(FIRST, "CHARGE", "not_sent"), (FIRST, "CHARGE", "approved")]),
    "02": ("CAPTURED", SECOND, [*[(FIRST, "CHARGE", "not_sent")] * 3, (SECOND, "CHARGE", "approved")]),
    "03": ("CAPTURED", FIRST, [(FIRST, "CHARGE", "no_answer"), (FIRST, "LOOKUP", "approved")]),
    "04": ("FAILED", FIRST, [(FIRST, "CHARGE", "no_answer"), (FIRST, "LOOKUP", "declined")]),
    "05": ("CAPTURED", FIRST, [(FIRST, "CHARGE", "no_answer"), (FIRST, "LOOKUP", "approved")]),
    "07": ("CAPTURED", FIRST, [(FIRST, "CHARGE", "no_answer"), (FIRST, "LOOKUP", "approved")]),
    "08": ("CAPTURED", FIRST, [(FIRST, "CHARGE", "no_answer"), (FIRST, "LOOKUP", "approved")]),
    "09": ("CAPTURED", FIRST, [(FIRST, "CHARGE", "approved")]),
    "13": ("CAPTURED", SECOND, [(FIRST, "CHARGE", "declined"), (SECOND, "CHARGE", "approved")]),
}


def paid(runtime, amount, *gateways):
    world = World.new(runtime)
    set_rules(world, rules(*gateways))
    attempt = pay(world, world.order(amount=amount))
    told = [(gateway, operation, outcome) for gateway, operation, _, outcome in lines(world, attempt)]
    return world, attempt, [line for line in told if line[1] != "PREPARE"]


@on_sqlite
def test_each_amount_meets_its_fault_and_the_payment_goes_on_as_it_says(runtime, subtests):
    for code, (state, gateway, calls) in ENDS.items():
        with subtests.test(amount=f"1701.{code}"):
            world, attempt, told = paid(runtime, f"1701.{code}", FIRST, SECOND)
            assert (attempt.state, attempt.gateway, told) == (state, gateway, calls)
            assert world.violations() == []


@on_sqlite
def test_a_gateway_that_is_busy_once_is_looked_up_and_asked_again(runtime):
    world, attempt, told = paid(runtime, "1701.06", FIRST)
    assert (attempt.state, told[0], told[-1]) == (
        "CAPTURED",
        (FIRST, "CHARGE", "no_answer"),
        (FIRST, "CHARGE", "approved"),
    )
    assert {call.status for call in log(world, attempt) if call.outcome is K.NO_ANSWER} == {503}


@on_sqlite
def test_a_slow_gateway_is_slow_in_the_log(runtime):
    world, attempt, _ = paid(runtime, "1701.09", FIRST)
    [charge] = [call for call in log(world, attempt) if call.operation is OP.CHARGE]
    assert 6_000 <= charge.latency_ms < 7_000


@on_sqlite
def test_without_another_gateway_the_payment_fails(runtime, subtests):
    for amount in ("1701.02", "1701.13"):
        with subtests.test(amount=amount):
            _, attempt, told = paid(runtime, amount, FIRST)
            assert (attempt.state, attempt.reason) == ("FAILED", "gateway_technical_error")
            assert {gateway for gateway, *_ in told} == {FIRST}


@on_sqlite
def test_what_is_pending_at_a_gateway_ends_as_the_amount_says(runtime, subtests):
    for code, state in (("10", "CAPTURED"), ("11", "FAILED"), ("12", "PENDING")):
        with subtests.test(amount=f"1701.{code}"):
            world, attempt, _ = paid(runtime, f"1701.{code}", FIRST)
            assert attempt.state == "PENDING"
            for _ in range(3):
                world.advance(60)
                send_all(world)
            assert world.get_attempt(attempt.attempt_id).state == state


@on_sqlite
def test_a_fault_that_a_tester_made_goes_before_the_plan_and_no_other_call_meets_it(runtime):
    world = routed_world(runtime, Stub("first"), Stub("second"))
    attempt = world.pay_with(world.order(amount="1701.02"), world.card(VISA))
    send_all(world)
    with world.transaction() as sandbox:
        [call] = [call for call in log(world, attempt) if call.operation is OP.CHARGE]
        fresh = get_attempt(sandbox, attempt.attempt_id)
        assert faults.find(sandbox, call, OP.CHARGE).fault == "refuse"
        assert faults.find(sandbox, call, OP.LOOKUP) is None
        assert faults.find(sandbox, call, OP.PREPARE) is None
        made = faults.add(sandbox, "first", faults.Fault.GARBAGE)
        assert faults.find(sandbox, call, OP.CHARGE) == made
        assert fresh.at_first_gateway


@on_sqlite
def test_amounts_decide_nothing_where_they_are_off(runtime):
    world = World.new(runtime, magic_amounts=False)
    set_rules(world, rules(FIRST))
    assert [outcome for *_, outcome in lines(world, pay(world, world.order(amount="1701.02")))] == ["approved"] * 2


@on_sqlite
def test_an_answer_that_is_wrongly_signed_is_no_answer_and_what_no_company_signs_comes_as_it_is(runtime, subtests):
    for gateway, operations in {"razorpay": 2, "payu": 2, "stripe": 1}.items():
        with subtests.test(gateway=gateway):
            world, attempt, called = paid(runtime, "1701.08", gateway)
            assert (attempt.state, len(called)) == ("CAPTURED", operations)
            [charge] = [call for call in log(world, attempt) if call.operation is OP.CHARGE]
            refused = ("answer.signature", "bad_signature") if operations == 2 else (None, None)
            assert (charge.raw_code, charge.error_class and str(charge.error_class)) == refused
            assert charge.status == 200
            assert isinstance(charge.exchange["answer"], dict)
            assert world.violations() == []


@on_sqlite
def test_a_decline_that_is_wrongly_signed_is_looked_up(runtime):
    world = World.new(runtime)
    set_rules(world, rules("payu"))
    world.add_rule("51")
    with world.transaction() as sandbox:
        faults.add(sandbox, "payu", faults.Fault.WRONG_SIGNATURE)
    attempt = pay(world)
    assert (attempt.state, attempt.failure.code) == ("FAILED", "51")
    assert [line[1:] for line in lines(world, attempt)] == [("CHARGE", 1, "no_answer"), ("LOOKUP", 1, "declined")]

"""Refunds that gateways tell of unasked, and refunds that a tester ends by hand: both sides' books agree."""

import dataclasses

import msgspec
import pytest
from msgspec.structs import replace

from mockpay.domain.payments.faults import Fault
from mockpay.domain.payments.gateways import Operation
from mockpay.kernel.errors import Conflict, IllegalTransition
from mockpay.services.gateways import accounts, faults, webhooks
from mockpay.services.refunds import refund_settlement, refunds
from mockpay.services.refunds.transitions import get_refund
from mockpay.store import gateway_accounts, gateway_events, gateway_objects
from mockpay.store.unit_of_work import transaction
from mockpay.wire.razorpay import signatures as razorpay_signatures
from mockpay.wire.stripe import signatures as stripe_signatures
from tests.factories import World, on_sqlite
from tests.services.gateways.stubs import OP, K, Stub, lines, log, pay, routed_world, rules, send_all, set_rules
from tests.services.gateways.test_payments import objects
from tests.services.gateways.test_webhooks import incoming

#: What each calls a refund that is done, on its way, and one that came to nothing.
STATES = {
    "razorpay": ("processed", "pending", "failed"),
    "stripe": ("succeeded", "pending", "failed"),
    "payu": ("success", "requested", "failure"),
}


def paid(runtime, gateway, **settings):
    world = World.new(runtime, **settings)
    set_rules(world, rules(gateway))
    order = world.order()
    attempt = pay(world, order)
    return world, order, attempt


def slow(runtime, gateway):
    """A process whose gateway has each new refund on its way at first, and tells nothing of it by itself."""
    provider, (done, waiting, _) = runtime.providers[gateway], STATES[gateway]
    before = {done, "queued"}

    def answer(runtime, seller_id, call):
        known = {each.object_id for each in refunds_there(runtime, seller_id)}
        reply = provider.acquirer(runtime, seller_id, call)
        new = [each for each in refunds_there(runtime, seller_id) if each.object_id not in known]
        if not new:
            return reply
        with transaction(runtime, seller_id) as sandbox:
            for each in new:
                assert each.state in before
                gateway_objects.change(sandbox, each, state=waiting)
        return replace(reply, body=reply.body.replace(f'"status":"{done}"'.encode(), b'"status":"pending"'))

    silent = dataclasses.replace(provider, acquirer=answer)
    return replace(runtime, providers={**runtime.providers, gateway: silent})


def refunds_there(runtime, seller_id):
    return objects(World(runtime, seller_id), "refund")


def put(world, state):
    """Let the gateway have its refund in this state."""
    for each in objects(world, "refund"):
        put_state(world, each, state)


def put_state(world, refund, state):
    with world.transaction() as sandbox:
        gateway_objects.change(sandbox, refund, state=state)


def message(world, gateway, state, attempt, number=0):
    """Headers and body of what a gateway tells of its refund in a state."""
    refund = objects(world, "refund")[number]
    with world.read() as sandbox:
        secret = accounts.credentials_of(sandbox, gateway_accounts.find(sandbox, gateway))
    if gateway == "payu":
        plain = {"action": "refund", "status": state, "key": secret["key"], "mihpayid": refund.parent}
        return {"Content-Type": "application/json"}, msgspec.json.encode({**plain, "request_id": refund.object_id})
    if gateway == "stripe":
        intent = attempt.external_ids["intent"]
        about = {"object": "refund", "id": refund.object_id, "status": state, "payment_intent": intent}
        body = msgspec.json.encode({"id": f"evt_{state}", "type": "refund.updated", "data": {"object": about}})
        header = stripe_signatures.webhook_header(secret["webhook_secret"], body, 1)
        return {"Stripe-Signature": header}, body
    about = {"id": refund.object_id, "payment_id": refund.parent, "status": state}
    event = f"refund.{state}" if state in {"processed", "failed"} else "refund.created"
    body = msgspec.json.encode({"event": event, "payload": {"refund": {"entity": about}}})
    signature = razorpay_signatures.webhook_signature(secret["webhook_secret"], body)
    return {"X-Razorpay-Signature": signature, "X-Razorpay-Event-Id": f"evt_{state}"}, body


def tell(world, gateway, *told):
    headers, body = message(world, gateway, *told)
    with world.transaction() as sandbox:
        assert webhooks.receive(sandbox, gateway, headers, body) is None
    send_all(world)


def state_of(world, order):
    [refund] = world.refunds(order)
    return str(refund.state)


def calls_of(world, attempt):
    return [line[1] for line in lines(world, attempt) if line[1] in {"REFUND", "STATUS"}]


# --- told unasked


def test_each_gateway_tells_of_a_refund_and_it_is_written_down(runtime, subtests):
    for gateway in STATES:
        with subtests.test(gateway=gateway):
            world, order, attempt = paid(runtime, gateway)
            world.refund(order, "100.00")
            world.advance(20)
            assert state_of(world, order) == "COMPLETED"
            line = incoming(world, attempt)[0]
            [refund] = world.refunds(order)
            told = (line.operation, line.refund_id, str(line.outcome), line.status)
            assert told == (Operation.REFUND, refund.refund_id, "approved", 200)
            assert world.violations() == []


def test_a_refund_that_is_on_its_way_ends_as_the_gateway_answers_once_it_tells(runtime, subtests):
    for gateway, states in STATES.items():
        for end, place in (("COMPLETED", 0), ("DECLINED", 2)):
            with subtests.test(gateway=gateway, end=end):
                world, order, attempt = begun(runtime, gateway)
                put(world, states[place])
                tell(world, gateway, states[place], attempt)
                assert state_of(world, order) == end
                assert calls_of(world, attempt) == ["REFUND", "STATUS"]
                # Once more, and what is due later, change nothing.
                tell(world, gateway, states[place], attempt)
                world.advance(90)
                assert (state_of(world, order), calls_of(world, attempt)) == (end, ["REFUND", "STATUS"])
                assert world.violations() == []


def begun(runtime, gateway):
    """A refund that its gateway has on its way."""
    world, order, attempt = paid(slow(runtime, gateway), gateway)
    drop_messages(world, gateway)
    world.refund(order, "100.00")
    world.advance(5)
    assert (state_of(world, order), calls_of(world, attempt)) == ("PENDING", ["REFUND"])
    return world, order, attempt


def drop_messages(world, gateway):
    with world.transaction() as sandbox:
        faults.add(sandbox, gateway, Fault.WEBHOOK_DROP)


def test_a_message_that_contradicts_the_gateway_changes_nothing(runtime, subtests):
    for gateway, (done, waiting, failed) in STATES.items():
        with subtests.test(gateway=gateway):
            world, order, attempt = begun(runtime, gateway)
            tell(world, gateway, done, attempt)
            assert state_of(world, order) == "PENDING"
            put(world, done)
            tell(world, gateway, waiting, attempt)
            assert state_of(world, order) == "COMPLETED"
            tell(world, gateway, failed, attempt)
            assert state_of(world, order) == "COMPLETED"
            assert calls_of(world, attempt) == ["REFUND", "STATUS", "STATUS", "STATUS"]
            assert world.get_order(order).refunded_minor == 10_000


def test_a_refund_that_comes_back_to_the_seller_is_taken_back(runtime, subtests):
    for gateway, (done, _, failed) in STATES.items():
        with subtests.test(gateway=gateway):
            world, order, attempt = begun(runtime, gateway)
            put(world, done)
            tell(world, gateway, done, attempt)
            put(world, failed)
            tell(world, gateway, failed, attempt)
            assert (state_of(world, order), world.get_order(order).refunded_minor) == ("REVERSED", 0)
            assert world.violations() == []
            # Nothing moves it any more.
            calls = calls_of(world, attempt)
            tell(world, gateway, f"{failed}".lower(), attempt)
            assert (state_of(world, order), calls_of(world, attempt)) == ("REVERSED", calls)


def test_a_message_before_the_answer_and_one_whose_answer_was_lost_end_alike(runtime, subtests):
    for gateway, (done, _, _) in STATES.items():
        with subtests.test(gateway=gateway):
            world, order, attempt = paid(runtime, gateway)
            drop_messages(world, gateway)
            with world.transaction() as sandbox:
                faults.add(sandbox, gateway, Fault.TIMEOUT_AFTER, operation=Operation.REFUND, times=1)
            world.refund(order, "100.00")
            world.advance(5)
            [refund] = world.refunds(order)
            with world.read() as sandbox:
                assert gateway_events.find_refund_name(sandbox, gateway, refund.refund_id) is None
            tell(world, gateway, done, attempt)
            assert state_of(world, order) == "COMPLETED"
            assert [line[1] for line in lines(world, attempt)].count("REFUND") == 2
            assert [each.amount_minor for each in objects(world, "refund")] == [10_000]
            assert world.violations() == []


@on_sqlite
def test_a_refund_that_was_not_sent_yet_or_is_held_is_not_asked_for_by_a_message(runtime):
    world, order, attempt = begun(runtime, "razorpay")
    world.refund(order, "50.00", "R-2")
    tell(world, "razorpay", "pending", attempt)
    assert calls_of(world, attempt) == ["REFUND", "STATUS"]
    with world.transaction() as sandbox:
        first = next(each for each in world.refunds(order) if each.reference == "R-1")
        refunds.hold(sandbox, get_refund(sandbox, first.refund_id))
    put(world, "processed")
    tell(world, "razorpay", "processed", attempt)
    assert calls_of(world, attempt) == ["REFUND", "STATUS"]


@on_sqlite
def test_a_message_has_only_the_refund_asked_about_that_it_is_of(runtime):
    world, order, attempt = begun(runtime, "razorpay")
    world.refund(order, "50.00", "R-2")
    world.advance(5)
    tell(world, "razorpay", "pending", attempt, 1)
    assert calls_of(world, attempt) == ["REFUND", "REFUND", "STATUS"]
    [asked] = [line for line in log(world, attempt) if line.operation is Operation.STATUS and line.direction == "out"]
    assert asked.refund_id == next(each.refund_id for each in world.refunds(order) if each.reference == "R-2")


@on_sqlite
def test_a_message_of_a_refund_without_a_name_here_has_only_those_asked_for_that_were_sent(runtime):
    world, order, attempt = paid(runtime, "razorpay", refund_delay_seconds=5)
    drop_messages(world, "razorpay")
    with world.transaction() as sandbox:
        faults.add(sandbox, "razorpay", Fault.TIMEOUT_AFTER, operation=Operation.REFUND, times=1)
    world.refund(order, "100.00")
    world.advance(5)
    world.refund(order, "50.00", "R-2")
    tell(world, "razorpay", "processed", attempt)
    assert {each.reference: str(each.state) for each in world.refunds(order)} == {"R-1": "COMPLETED", "R-2": "PENDING"}


@on_sqlite
def test_what_is_asked_about_in_between_is_asked_again_once_not_twice(runtime):
    world, _, attempt = begun(runtime, "razorpay")
    for _ in range(2):  # The same message, which counts once.
        tell(world, "razorpay", "processed", attempt)
    world.advance(30)
    assert calls_of(world, attempt) == ["REFUND", "STATUS", "REFUND"]


@on_sqlite
def test_a_refund_that_was_completed_stays_so_where_nobody_answers(runtime):
    world, order, attempt = begun(runtime, "razorpay")
    put(world, "processed")
    tell(world, "razorpay", "processed", attempt)
    with world.transaction() as sandbox:
        faults.add(sandbox, "razorpay", Fault.TIMEOUT_BEFORE)
    tell(world, "razorpay", "failed", attempt)
    assert (state_of(world, order), calls_of(world, attempt)[-1]) == ("COMPLETED", "STATUS")


@on_sqlite
def test_money_that_was_taken_for_nothing_is_sent_back_again_at_once_when_its_gateway_tells_of_it(runtime):
    world = World.new(slow(runtime, "razorpay"))
    set_rules(world, rules("razorpay"))
    world.add_rule("pendingok")
    drop_messages(world, "razorpay")
    order = world.order()
    attempt = pay(world, order)
    world.cancel_by_seller(order)
    world.advance(120)
    send_all(world)
    assert calls_of(world, attempt)[-1] == "REFUND"
    sent = calls_of(world, attempt).count("REFUND")
    put(world, "processed")
    tell(world, "razorpay", "processed", attempt)
    assert calls_of(world, attempt).count("REFUND") == sent + 1
    world.advance(600)
    assert calls_of(world, attempt).count("REFUND") == sent + 1


@on_sqlite
def test_a_message_of_a_refund_that_cannot_be_read_or_believed_changes_nothing(runtime, subtests):
    for gateway, (done, _, _) in STATES.items():
        with subtests.test(gateway=gateway):
            world, order, attempt = begun(runtime, gateway)
            put(world, done)
            for state, code in (("odd", "malformed"), (done, "webhook.signature")):
                headers, body = message(world, gateway, state, attempt)
                if code == "webhook.signature":
                    body = body.replace(b'"key":"', b'"key":"x').replace(b'"id":"', b'"id":"x')
                if (gateway, state) == ("payu", "odd"):
                    body = body.replace(b'"request_id":"', b'"other":"')
                with world.transaction() as sandbox:
                    refusal = webhooks.receive(sandbox, gateway, headers, body)
                assert refusal.code.endswith(code)
            send_all(world)
            assert (state_of(world, order), calls_of(world, attempt)) == ("PENDING", ["REFUND"])


def test_what_came_to_nothing_at_a_gateway_can_be_refunded_again_there(runtime, subtests):
    for gateway, (_, _, failed) in STATES.items():
        with subtests.test(gateway=gateway):
            world, order, attempt = begun(runtime, gateway)
            put(world, failed)
            tell(world, gateway, failed, attempt)
            assert state_of(world, order) == "DECLINED"
            world.refund(order, "499.00", "R-2")
            world.advance(5)
            put_state(world, objects(world, "refund")[1], STATES[gateway][0])
            world.advance(30)
            assert world.get_order(order).state == "REFUNDED"


@on_sqlite
def test_a_message_of_a_gateway_that_does_not_have_the_payment_has_nobody_asked(runtime):
    world, order, attempt = begun(runtime, "stripe")
    tell_of_another_refund(world, attempt.attempt_id)
    assert (state_of(world, order), calls_of(world, attempt)) == ("PENDING", ["REFUND"])
    assert incoming(world, attempt)[0].gateway == "razorpay"


def tell_of_another_refund(world, payment_id):
    """Razorpay's message of a refund that nobody asked for here."""
    with world.transaction() as sandbox:
        secret = accounts.credentials_of(sandbox, gateway_accounts.find(sandbox, "razorpay"))["webhook_secret"]
        about = {"id": "rfnd_1", "payment_id": payment_id, "status": "processed"}
        body = msgspec.json.encode({"event": "refund.processed", "payload": {"refund": {"entity": about}}})
        headers = {"X-Razorpay-Signature": razorpay_signatures.webhook_signature(secret, body)}
        assert webhooks.receive(sandbox, "razorpay", headers, body) is None
    send_all(world)


@on_sqlite
def test_a_refund_that_was_made_elsewhere_sends_none_of_ours_early(runtime):
    world, order, attempt = paid(runtime, "razorpay", refund_delay_seconds=600)
    world.refund(order, "100.00")
    tell_of_another_refund(world, attempt.external_ids["payment"])
    assert (state_of(world, order), calls_of(world, attempt)) == ("PENDING", [])


@on_sqlite
def test_names_of_payments_and_refunds_are_a_sellers_own(runtime):
    world, order, attempt = begun(runtime, "razorpay")
    [refund], [there] = world.refunds(order), objects(world, "refund")
    for sellers, found in ((world, (attempt.attempt_id, refund.refund_id)), (World.new(runtime), (None, None))):
        with sellers.read() as sandbox:
            payment = gateway_events.find_attempt_id(sandbox, "razorpay", attempt.external_ids["payment"])
            assert (payment, gateway_events.find_refund_id(sandbox, "razorpay", there.object_id)) == found
            assert gateway_events.find_refund_id(sandbox, "stripe", there.object_id) is None


@on_sqlite
def test_a_forged_message_of_a_refund_is_refused_of_every_gateway(runtime, subtests):
    for gateway in STATES:
        with subtests.test(gateway=gateway):
            world, order, _ = paid(runtime, gateway)
            with world.transaction() as sandbox:
                faults.add(sandbox, gateway, Fault.WEBHOOK_BAD_SIGNATURE)
            world.refund(order, "100.00")
            world.advance(40)
            assert incoming(world)[0].raw_code == "webhook.signature"
            assert state_of(world, order) == "COMPLETED"


# --- ended by hand


def by_hand(world, order, verb, *more):
    with world.transaction() as sandbox:
        [refund] = world.refunds(order)
        verb(sandbox, get_refund(sandbox, refund.refund_id), *more)
    world.advance(0)
    send_all(world)


@on_sqlite
def test_a_refund_that_a_tester_completes_is_asked_of_its_gateway_at_once(runtime, subtests):
    for gateway in ("razorpay", "stripe"):
        for held in (False, True):
            with subtests.test(gateway=gateway, held=held):
                world, order, attempt = paid(runtime, gateway, refund_delay_seconds=600)
                world.refund(order, "100.00")
                if held:
                    by_hand(world, order, refunds.hold)
                by_hand(world, order, refund_settlement.complete_by_hand)
                assert state_of(world, order) == "COMPLETED"
                assert calls_of(world, attempt) == ["REFUND"]
                assert [each.amount_minor for each in objects(world, "refund")] == [10_000]
                [asked] = [line for line in world.timeline(order) if line.event == "expedited"]
                assert (str(asked.actor), asked.facts["gateway"]) == ("tester", gateway)
                world.advance(600)
                assert calls_of(world, attempt) == ["REFUND"]
                with pytest.raises(IllegalTransition):
                    by_hand(world, order, refund_settlement.complete_by_hand)


@on_sqlite
def test_what_the_gateway_refuses_is_not_completed_by_a_tester_either(runtime):
    world = routed_world(runtime, Stub("first", answers={OP.REFUND: [K.DECLINED]}))
    order = world.order()
    pay(world, order)
    world.refund(order, "100.00")
    by_hand(world, order, refund_settlement.complete_by_hand)
    assert state_of(world, order) == "DECLINED"


@on_sqlite
def test_a_scenario_that_declines_gives_way_to_a_tester_who_completes(runtime):
    world, order, attempt = paid(runtime, "razorpay")
    world.add_rule("REJECTED", stage="refund")
    world.refund(order, "100.00")
    by_hand(world, order, refund_settlement.complete_by_hand)
    assert (state_of(world, order), calls_of(world, attempt)) == ("COMPLETED", ["REFUND"])


@on_sqlite
def test_a_refund_is_declined_by_a_tester_only_before_its_gateway_was_asked(runtime):
    world, order, attempt = paid(runtime, "razorpay")
    world.refund(order, "100.00")
    by_hand(world, order, refund_settlement.decline_by_hand, "REJECTED")
    assert (state_of(world, order), calls_of(world, attempt)) == ("DECLINED", [])
    assert objects(world, "refund") == []

    world, order, attempt = begun(runtime, "razorpay")
    with pytest.raises(Conflict) as refused:
        by_hand(world, order, refund_settlement.decline_by_hand, "REJECTED")
    assert (refused.value.code, state_of(world, order)) == ("refund.at_gateway", "PENDING")
    # Another one of the same payment, which was not sent yet.
    other = world.refund(order, "50.00", "R-2")
    with world.transaction() as sandbox:
        refund_settlement.decline_by_hand(sandbox, get_refund(sandbox, other.refund_id))
    assert sorted(str(each.state) for each in world.refunds(order)) == ["DECLINED", "PENDING"]
    put(world, "processed")
    world.advance(30)
    first = next(each for each in world.refunds(order) if each.reference == "R-1")
    assert str(first.state) == "COMPLETED"
    with pytest.raises(IllegalTransition), world.transaction() as sandbox:
        refund_settlement.decline_by_hand(sandbox, get_refund(sandbox, first.refund_id))


@on_sqlite
def test_without_a_gateway_a_tester_ends_a_refund_at_once(world):
    order = world.order()
    world.pay(order)
    world.refund(order, "100.00")
    by_hand(world, order, refund_settlement.complete_by_hand)
    assert state_of(world, order) == "COMPLETED"

"""Payments that a seller's rules send to a gateway: settled, repeated, looked up, and sent elsewhere."""

import json

import pytest
from msgspec.structs import replace
from sqlalchemy import select, update

from mockpay.delivery import sender_pool
from mockpay.delivery.gateway_calls import gateway_call
from mockpay.delivery.outbox import claim, leased
from mockpay.domain.methods.iso8583 import SCA_REQUIRED
from mockpay.domain.methods.netbanking import NetBanking
from mockpay.domain.payments.gateways import Capabilities, Exchange, Result
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Conflict
from mockpay.services.gateways.calls import CALL
from mockpay.services.payments import settlement
from mockpay.services.sellers import accounts
from mockpay.store import gateway_calls, gateway_objects, outbox
from mockpay.store.outbox import OutboxRow
from tests.factories import NOON, World, on_sqlite
from tests.services.gateways.stubs import OP, VISA, K, Stub, lines, log, pay, routed_world, rules, send_all, set_rules

CARD = frozenset({"card"})
TECHNICAL = Result(K.DECLINED, "91")


def razorpay_world(runtime, *fallbacks, **settings):
    world = World.new(runtime, **settings)
    set_rules(world, rules("razorpay", fallbacks=fallbacks))
    return world


def objects(world, kind="payment"):
    """What Razorpay's acquirer has of a seller."""
    with world.read() as sandbox:
        query = (
            select(gateway_objects.objects)
            .where(gateway_objects.objects.c.seller_id == world.seller_id, gateway_objects.objects.c.kind == kind)
            .order_by(gateway_objects.objects.c.id)
        )
        return gateway_objects.mapper.all(sandbox.connection, query)


def queued(world, order):
    """An attempt whose call is leased to a page that never sends it."""
    attempt = world.start(order, world.card(VISA)).attempt
    object.__setattr__(world, "_send", lambda _outbox_id: None)
    world.authenticate(attempt)
    return attempt


# --- Razorpay in process, from top to bottom


def test_a_rule_sends_a_card_to_razorpay_and_the_log_has_each_call(runtime):
    world = razorpay_world(runtime)
    order = world.order()
    attempt = pay(world, order)
    assert world.states(order) == ("PAID", "CAPTURED")
    assert (attempt.gateway, attempt.routing.rule, attempt.routing.chosen) == ("razorpay", "rule 1", "razorpay")
    assert lines(world, attempt) == [("razorpay", "PREPARE", 1, "approved"), ("razorpay", "CHARGE", 1, "approved")]
    (payment,) = objects(world)
    assert attempt.external_ids == {"order": payment.parent, "payment": payment.object_id}
    (submitted,) = [line for line in world.timeline(order) if line.event == "submit"]
    assert submitted.facts == {"gateway": "razorpay"}
    call = log(world, attempt)[1]
    assert (call.status, call.reference, call.order_id) == (200, payment.object_id, order.order_id)
    assert call.exchange["request"]["amount"] == 49_900
    kept = json.dumps([line.exchange for line in log(world, attempt)])
    assert VISA not in kept
    assert "Basic" not in kept
    assert world.violations() == []


@on_sqlite
def test_without_rules_the_simulator_takes_it_and_nothing_is_logged(world):
    attempt = pay(world)
    assert (attempt.gateway, attempt.routing, log(world, attempt)) == ("simulator", None, [])


@on_sqlite
def test_what_a_gateway_does_not_take_goes_to_the_simulator_and_says_why(runtime):
    world = World.new(runtime)
    set_rules(world, rules("stripe"))
    order = world.order()
    attempt = world.pay_with(order, NetBanking("HDFC"))
    assert attempt.gateway == "simulator"
    assert attempt.routing.candidates[0].reason == "does not take netbanking"


def test_a_decline_is_final_and_the_order_may_be_paid_again(runtime):
    world = razorpay_world(runtime, "simulator")
    world.add_rule("insufficient")
    order = world.order()
    attempt = pay(world, order)
    assert (attempt.state, attempt.failure.code, attempt.gateway) == ("FAILED", "51", "razorpay")
    assert pay(world, order).state == "CAPTURED"
    assert world.states(order) == ("PAID", "FAILED", "CAPTURED")
    assert [payment.state for payment in objects(world)] == ["failed", "captured"]


@on_sqlite
def test_a_pending_payment_is_asked_about_by_the_sellers_clock_until_it_is_known(runtime):
    for planned, end in (("pendingok", "CAPTURED"), ("pendingreversed", "REVERSED"), ("deemed", "CAPTURED")):
        world = razorpay_world(runtime)
        world.add_rule(planned)
        order = world.order()
        attempt = pay(world, order)
        assert attempt.state == "PENDING"
        world.advance(29)
        assert world.get_attempt(attempt.attempt_id).state == "PENDING"
        world.advance_until_idle()
        assert world.get_attempt(attempt.attempt_id).state == end
        assert world.violations() == []


@on_sqlite
def test_one_that_stays_pending_is_not_asked_about_for_ever(runtime):
    world = razorpay_world(runtime)
    world.add_rule("pending")
    attempt = pay(world)
    world.advance_until_idle()
    assert [line[1] for line in lines(world, attempt)].count("STATUS") == 20
    assert world.get_attempt(attempt.attempt_id).state == "PENDING"


def test_an_answer_that_was_lost_is_looked_up_and_nothing_is_charged_twice(runtime):
    for fault, end in (("noresponse", "CAPTURED"), ("noresponsefail", "FAILED")):
        world = razorpay_world(runtime, "simulator")
        world.add_rule(fault, stage="gateway")
        order = world.order()
        attempt = pay(world, order)
        assert (attempt.state, attempt.gateway) == (end, "razorpay")
        calls = [line[1:] for line in lines(world, attempt) if line[1] != "PREPARE"]
        found = "approved" if end == "CAPTURED" else "declined"
        assert calls == [("CHARGE", 1, "no_answer"), ("LOOKUP", 1, found)]
        assert len(objects(world)) == 1
        assert world.violations() == []


def test_a_sender_that_died_is_followed_by_a_look_up_not_by_a_second_charge(runtime, real_clock):
    """Before it had sent the call or after: nobody knows, so the gateway is asked what it has."""
    for executed, found, end in ((False, "absent", "FAILED"), (True, "approved", "CAPTURED")):
        world = razorpay_world(runtime, "simulator")
        order = world.order()
        attempt = queued(world, order)
        if executed:
            send_without_recording(world, attempt)
        real_clock.move(31 * SECOND)
        send_all(world)
        assert world.get_attempt(attempt.attempt_id).state == "UNKNOWN"
        world.advance(79)
        assert world.get_attempt(attempt.attempt_id).state == end
        calls = [line for line in lines(world, attempt) if line[1] != "PREPARE"]
        assert calls[:2] == [("razorpay", "CHARGE", 1, "no_answer"), ("razorpay", "STATUS", 1, found)]
        assert len(objects(world)) == executed
        assert world.violations() == []


def send_without_recording(world, attempt):
    """Send the attempt's call as a process does that is killed before it has written down the answer."""
    call = log(world, attempt)[0]
    row = OutboxRow(queued_row(world), world.seller_id, CALL, attempt.attempt_id, 0, {"call": call.number})
    with world.read() as sandbox:
        send = gateway_call(sandbox, row)
    send(world.runtime)


# --- gateways that answer as a test says


def two(runtime, first=None, second=None, **first_can):
    """A world whose payments go to two gateways in turn."""
    stubs = Stub("first", Capabilities(methods=CARD, **first_can), first or {}), Stub("second", answers=second or {})
    return (routed_world(runtime, *stubs), *stubs)


def test_what_cannot_be_sent_is_repeated_and_then_sent_by_another_gateway(runtime):
    world, first, second = two(runtime, {OP.CHARGE: [K.NOT_SENT] * 3})
    order = world.order()
    attempt = pay(world, order)
    assert world.states(order) == ("PAID", "CAPTURED")
    assert lines(world, attempt) == [
        ("first", "CHARGE", 1, "not_sent"),
        ("first", "CHARGE", 2, "not_sent"),
        ("first", "CHARGE", 3, "not_sent"),
        ("second", "CHARGE", 1, "approved"),
    ]
    # One key for all tries of an operation at one gateway.
    assert len({key for _, key in first.asked}) == len(second.asked) == 1
    assert first.asked[0][1] != second.asked[0][1]
    (moved,) = [line for line in world.timeline(order) if line.event == "failover"]
    assert {name: moved.facts[name] for name in ("former", "gateway", "why")} == {
        "former": "first",
        "gateway": "second",
        "why": "not_sent",
    }
    assert attempt.external_ids == {"payment": f"second-{attempt.attempt_id}"}
    assert world.violations() == []


@on_sqlite
def test_the_waits_between_tries_are_real_time_whatever_the_sellers_clock_does(runtime, real_clock):
    world, first, _ = two(runtime, {OP.CHARGE: [Result(K.REJECTED, "05", may_retry=True, retry_after_ms=3_000)]})
    world.pay_with(world.order(), world.card(VISA))
    assert len(first.asked) == 1
    real_clock.move(2_999)
    sender_pool.send_waiting(world.runtime, world.seller_id)
    assert len(first.asked) == 1
    real_clock.move(1)
    sender_pool.send_waiting(world.runtime, world.seller_id)
    assert len(first.asked) == 2
    assert world.now() == NOON


def test_what_is_unanswered_stays_with_its_gateway_and_is_known_by_the_sellers_clock(runtime):
    world, _, second = two(runtime, {OP.CHARGE: [K.NO_ANSWER], OP.LOOKUP: [K.ABSENT, K.ABSENT, K.APPROVED]})
    order = world.order()
    attempt = pay(world, order)
    assert world.states(order) == ("PENDING", "UNKNOWN")
    assert lines(world, attempt) == [("first", "CHARGE", 1, "no_answer"), ("first", "LOOKUP", 1, "absent")]
    world.advance(3)
    assert world.states(order) == ("PAID", "CAPTURED")
    assert [line[1:] for line in lines(world, attempt)][2:] == [("STATUS", 1, "absent"), ("STATUS", 2, "approved")]
    assert second.asked == []
    assert world.violations() == []


def test_what_never_arrived_has_failed_once_it_would_have_arrived(runtime):
    world, _, second = two(runtime, {OP.CHARGE: [K.NO_ANSWER]})
    order = world.order()
    attempt = pay(world, order)
    world.advance(59.999)
    assert world.get_attempt(attempt.attempt_id).state == "UNKNOWN"
    world.advance(20)
    ended = world.get_attempt(attempt.attempt_id)
    assert (ended.state, ended.failure.code) == ("FAILED", "96")
    assert world.states(order) == ("PENDING", "FAILED")
    assert second.asked == []
    assert pay(world, order).state == "CAPTURED"
    assert world.violations() == []


@on_sqlite
def test_only_a_fence_lets_another_gateway_charge_what_was_unanswered(runtime):
    for fenced, gateway, end in ((K.APPROVED, "second", "CAPTURED"), (K.REJECTED, "first", "UNKNOWN")):
        world, first, second = two(runtime, {OP.CHARGE: [K.NO_ANSWER], OP.FENCE: [fenced]}, fence=True)
        attempt = pay(world)
        assert (attempt.gateway, attempt.state) == (gateway, end)
        assert first.operations == [OP.CHARGE, OP.LOOKUP, OP.FENCE]
        assert len(second.asked) == (1 if gateway == "second" else 0)


@on_sqlite
def test_a_technical_decline_goes_to_another_gateway_once(runtime):
    world, _, _ = two(runtime, {OP.CHARGE: [TECHNICAL]})
    assert pay(world).gateway == "second"

    stubs = [Stub(name, answers={OP.CHARGE: [TECHNICAL]}) for name in ("first", "second", "third")]
    world = routed_world(runtime, *stubs)
    attempt = pay(world)
    assert (attempt.state, attempt.gateway, attempt.failure.code) == ("FAILED", "second", "91")
    assert stubs[2].asked == []


@on_sqlite
def test_what_the_former_gateway_called_the_payment_is_not_told_to_the_next_one(runtime):
    world = routed_world(runtime, Stub("second"), to=["razorpay", "second"])
    world.add_rule("96")
    attempt = pay(world)
    assert attempt.external_ids == {"payment": f"second-{attempt.attempt_id}"}
    assert [payment.state for payment in objects(world)] == ["failed"]


@on_sqlite
def test_a_card_number_that_a_gateway_quotes_is_masked_in_the_log(runtime):
    told = f"Card {VISA} is not enrolled"
    exchange = Exchange(
        "POST", "http://first", {}, {"card": [VISA]}, 400, {}, {"description": told, "amount": 4111111111111111}
    )
    world, _, _ = two(runtime, {OP.CHARGE: [Result(K.REJECTED, "05", message=told, exchange=exchange)]})
    [call] = log(world, pay(world))
    assert (call.message, call.status) == ("Card XXXXXXXXXXXX1111 is not enrolled", 400)
    assert call.exchange["request"] == {"card": ["XXXXXXXXXXXX1111"]}
    assert call.exchange["answer"]["description"] == "Card XXXXXXXXXXXX1111 is not enrolled"


@on_sqlite
def test_all_tries_of_a_payment_have_one_budget(runtime):
    busy = Result(K.REJECTED, "05", may_retry=True, retry_after_ms=15_000)
    world, first, second = two(runtime, {OP.CHARGE: [busy, busy]})
    assert pay(world).gateway == "second"
    # A second wait of 15 s would have ended after the 25 s of the payment.
    assert (len(first.asked), len(second.asked)) == (2, 1)
    silent = Result(K.NO_ANSWER, "05", retry_after_ms=10_000)
    world, first, _ = two(runtime, {OP.CHARGE: [silent], OP.LOOKUP: [silent] * 3})
    assert pay(world).state == "UNKNOWN"
    assert len(first.asked) == 3


@on_sqlite
def test_a_charge_after_a_challenge_has_a_budget_of_its_own(runtime, real_clock):
    """The issuer asks for a proof first; the buyer may take a while for it."""
    world, first, _ = two(runtime, {OP.CHARGE: [Result(K.DECLINED, SCA_REQUIRED), K.NOT_SENT]})
    attempt = world.pay_with(world.order(), world.card(VISA, name="3DS FRICTIONLESS"))
    assert world.get_attempt(attempt.attempt_id).state == "AUTH_PENDING"
    real_clock.move(60 * SECOND)
    world.authenticate(attempt)
    send_all(world)
    assert world.get_attempt(attempt.attempt_id).state == "CAPTURED"
    assert first.operations == [OP.CHARGE] * 3


@on_sqlite
def test_a_rejection_of_the_payment_itself_fails_it_and_one_of_the_credentials_does_not(runtime):
    world, _, second = two(runtime, {OP.CHARGE: [K.REJECTED]})
    assert (pay(world).state, second.asked) == ("FAILED", [])
    world, _, second = two(runtime, {OP.CHARGE: [Result(K.REJECTED, "05", elsewhere=True)]})
    assert (pay(world).state, len(second.asked)) == ("CAPTURED", 1)


@on_sqlite
def test_where_nobody_is_left_the_payment_fails_and_money_was_asked_of_each(runtime):
    world, first, second = two(runtime, {OP.CHARGE: [K.NOT_SENT] * 3}, {OP.CHARGE: [K.NOT_SENT] * 3})
    order = world.order()
    attempt = pay(world, order)
    assert (attempt.state, attempt.failure.code, attempt.failure.reason) == ("FAILED", "96", "gateway_technical_error")
    assert (len(first.asked), len(second.asked)) == (3, 3)
    assert world.states(order) == ("PENDING", "FAILED")


@on_sqlite
def test_a_fallback_to_the_simulator_pays_as_it_always_does(runtime):
    stub = Stub("first", answers={OP.CHARGE: [K.NOT_SENT] * 6})
    world = routed_world(runtime, stub, to=["first", "simulator"])
    order = world.order()
    attempt = pay(world, order)
    assert world.states(order) == ("PAID", "CAPTURED")
    assert lines(world, attempt)[-1] == ("simulator", "CHARGE", 1, "approved")
    world.add_rule("noresponse", stage="gateway")
    silent = pay(world, world.order("O-2"))
    assert silent.state == "CAPTURED"
    assert [line[1] for line in lines(world, silent)][-4:] == ["CHARGE", "LOOKUP", "LOOKUP", "LOOKUP"]


@on_sqlite
def test_a_success_that_comes_after_the_end_is_sent_back_by_its_gateway(runtime):
    world, first, _ = two(runtime, {OP.CHARGE: [K.PENDING], OP.REFUND: [K.NO_ANSWER, K.APPROVED]})
    order = world.order()
    attempt = pay(world, order)
    assert attempt.state == "PENDING"
    world.advance(900)
    assert world.get_order(order).state == "EXPIRED"
    with world.transaction() as sandbox:
        settlement.settle(sandbox, attempt.attempt_id, "00")
    send_all(world)
    assert world.get_attempt(attempt.attempt_id).state == "REVERSED"
    world.advance(30)
    assert first.operations.count(OP.REFUND) == 2
    assert [line[3] for line in lines(world, attempt) if line[1] == "REFUND"] == ["no_answer", "approved"]
    assert len({key for operation, key in first.asked if operation is OP.REFUND}) == 1
    assert world.violations() == []


@on_sqlite
def test_a_success_of_a_try_that_had_failed_is_sent_back_though_another_one_paid(runtime):
    world, first, _ = two(runtime, {OP.CHARGE: [K.PENDING]})
    order = world.order()
    failed = pay(world, order)
    with world.transaction() as sandbox:
        settlement.settle(sandbox, failed.attempt_id, "05")
    assert pay(world, order).state == "CAPTURED"
    with world.transaction() as sandbox:
        settlement.settle(sandbox, failed.attempt_id, "00")
    send_all(world)
    assert world.states(order) == ("PAID", "REVERSED", "CAPTURED")
    assert [line[1] for line in lines(world, failed)] == ["CHARGE", "REFUND"]
    assert first.operations.count(OP.REFUND) == 1
    assert world.violations() == []


@on_sqlite
def test_what_the_seller_was_told_had_failed_is_sent_back_by_the_gateway_that_took_it(runtime):
    world = razorpay_world(runtime)
    world.add_rule("failure_though_captured", stage="redirect")
    order = world.order()
    pay(world, order)
    world.advance(5)
    assert world.states(order) == ("REFUNDED", "REVERSED")
    assert [payment.state for payment in objects(world)] == ["refunded"]
    assert world.violations() == []


# --- captures


def test_what_was_authorised_is_captured_by_the_gateway_that_holds_it(runtime):
    world = razorpay_world(runtime, capture="manual")
    order = world.order()
    pay(world, order)
    assert world.states(order) == ("AUTHORIZED", "AUTHORIZED")
    world.capture(order)
    assert world.states(order) == ("AUTHORIZED", "AUTHORIZED")
    send_all(world)
    assert world.states(order) == ("PAID", "CAPTURED")
    assert [payment.state for payment in objects(world)] == ["captured"]
    assert world.violations() == []


def refusal(act):
    with pytest.raises(Conflict) as refused:
        act()
    return refused.value.code


@on_sqlite
def test_a_capture_is_asked_for_once_and_in_part_only_of_a_gateway_that_does_that(runtime):
    world, first, _ = two(runtime)
    set_manual(world)
    order = world.order()
    pay(world, order)
    assert refusal(lambda: world.capture(order, "100.00")) == "capture.no_part"
    world.capture(order)
    assert refusal(lambda: world.capture(order)) == "capture.pending"
    send_all(world)
    assert first.operations == [OP.AUTHORIZE, OP.CAPTURE]

    world, _, _ = two(runtime, partial_capture=True)
    set_manual(world)
    order = world.order()
    pay(world, order)
    world.capture(order, "100.00")
    send_all(world)
    assert world.attempts(order)[0].captured_minor == 10_000
    assert world.violations() == []


def set_manual(world):
    with world.transaction() as sandbox:
        accounts.change(sandbox, accounts.Changes(settings={"capture": "manual"}))


@on_sqlite
def test_a_capture_that_nobody_answers_is_repeated_by_the_sellers_clock(runtime):
    world, first, _ = two(runtime, {OP.CAPTURE: [K.NO_ANSWER, K.REJECTED], OP.STATUS: [K.APPROVED]})
    set_manual(world)
    order = world.order()
    pay(world, order)
    world.capture(order)
    send_all(world)
    assert world.states(order) == ("AUTHORIZED", "AUTHORIZED")
    world.advance(30)
    send_all(world)
    # It had captured already, so the second try is rejected; its status says so.
    assert first.operations == [OP.AUTHORIZE, OP.CAPTURE, OP.CAPTURE, OP.STATUS]
    assert world.states(order) == ("PAID", "CAPTURED")


@on_sqlite
def test_what_is_captured_after_its_hold_was_released_is_sent_back(runtime):
    world, first, _ = two(runtime)
    set_manual(world)
    order = world.order()
    attempt = pay(world, order)
    world.capture(order)
    world.cancel_by_seller(order)
    send_all(world)
    assert world.states(order) == ("CANCELLED", "VOIDED")
    assert first.operations == [OP.AUTHORIZE, OP.CAPTURE, OP.REFUND]
    assert log(world, attempt)[-1].amount == order.amount
    assert world.violations() == []


@on_sqlite
def test_a_capture_that_is_refused_releases_the_hold(runtime):
    for answers in ({OP.CAPTURE: [K.DECLINED]}, {OP.CAPTURE: [K.REJECTED], OP.STATUS: [K.AUTHORIZED]}):
        world, _, _ = two(runtime, answers)
        set_manual(world)
        order = world.order()
        pay(world, order)
        world.capture(order)
        send_all(world)
        assert world.states(order) == ("CANCELLED", "VOIDED")


# --- refunds


def test_a_refund_goes_to_the_gateway_that_took_the_money(runtime):
    world = razorpay_world(runtime, refund_delay_seconds=5)
    order = world.order()
    pay(world, order)
    refund = world.refund(order, "100.00")
    world.advance(5)
    send_all(world)
    assert world.refunds(order)[0].state == "COMPLETED"
    (at_gateway,) = objects(world, "refund")
    assert (at_gateway.amount_minor, at_gateway.state) == (10_000, "processed")
    assert at_gateway.reference == f"{refund.refund_id}-razorpay-REFUND"
    assert world.get_order(order).state == "PARTIALLY_REFUNDED"
    # Rules that were changed since do not send it elsewhere.
    set_rules(world, rules("simulator"))
    world.refund(order, "399.00", "R-2")
    world.advance(5)
    send_all(world)
    assert (world.get_order(order).state, len(objects(world, "refund"))) == ("REFUNDED", 2)
    assert world.violations() == []


@on_sqlite
def test_a_refund_is_repeated_with_its_key_until_it_is_known(runtime):
    answers = {OP.REFUND: [K.NO_ANSWER, K.PENDING, K.NOT_SENT, K.APPROVED]}
    world, first, _ = two(runtime, answers)
    order = world.order()
    pay(world, order)
    world.refund(order, "100.00")
    world.advance(5)
    assert world.refunds(order)[0].state == "PENDING"
    world.advance(90)
    assert world.refunds(order)[0].state == "COMPLETED"
    keys = [key for operation, key in first.asked if operation is OP.REFUND]
    assert (len(keys), len(set(keys))) == (4, 1)


@on_sqlite
def test_a_refund_that_its_gateway_refuses_is_declined_and_its_money_is_free_again(runtime):
    for refused in (K.DECLINED, K.REJECTED):
        world, _, _ = two(runtime, {OP.REFUND: [refused]})
        order = world.order()
        pay(world, order)
        world.refund(order, "499.00")
        world.advance(5)
        assert world.refunds(order)[0].state == "DECLINED"
        assert world.refund(order, "499.00", "R-2") is not None
        world.advance(5)
        assert world.get_order(order).state == "REFUNDED"


# --- the outbox


@on_sqlite
def test_a_call_is_written_before_it_is_sent(runtime):
    world, first, _ = two(runtime)
    attempt = queued(world, world.order())
    assert first.asked == []
    assert lines(world, attempt) == [("first", "CHARGE", 1, None)]
    with world.read() as sandbox:
        assert outbox.is_queued(sandbox, CALL, attempt.attempt_id)


@on_sqlite
def test_a_repeated_call_that_nobody_has_sent_yet_is_no_unanswered_one(runtime, real_clock):
    """What the worker claims for the first time has not been sent, though its try is counted."""
    world, first, _ = two(runtime, {OP.CHARGE: [K.NOT_SENT]})
    attempt = pay(world)
    assert [line[3] for line in lines(world, attempt)] == ["not_sent", "approved"]
    assert first.operations == [OP.CHARGE, OP.CHARGE]


@on_sqlite
def test_a_repeated_call_whose_sender_died_is_an_unanswered_one(runtime, real_clock):
    world, first, _ = two(runtime, {OP.CHARGE: [K.NOT_SENT], OP.LOOKUP: [K.APPROVED]})
    attempt = world.pay_with(world.order(), world.card(VISA))
    real_clock.move(SECOND)
    assert claim(world.runtime, world.seller_id) is not None
    real_clock.move(31 * SECOND)
    send_all(world)
    world.advance(1)
    assert world.get_attempt(attempt.attempt_id).state == "CAPTURED"
    assert [line[1:] for line in lines(world, attempt)] == [
        ("CHARGE", 1, "not_sent"),
        ("CHARGE", 2, "no_answer"),
        ("STATUS", 1, "approved"),
    ]
    assert first.operations == [OP.CHARGE, OP.LOOKUP]


class Naming(Stub):
    """A gateway at which a payment is named first; meanwhile something may happen."""

    def prepare(self, charge, link, *, capture):
        self.asked.append((OP.PREPARE, charge.idempotency_key))
        self.meanwhile()
        return Result(K.APPROVED, "00", ids={"order": f"order-of-{charge.attempt_id}"})

    def meanwhile(self):
        """Nothing."""


def test_the_line_of_a_charge_is_written_anew_once_the_payment_has_its_name(runtime):
    """Whoever dies between the two leaves a charge that may have been sent, in the newest line."""
    world = routed_world(runtime, stub := Naming("first"))
    attempt = queued(world, world.order())
    stub.charge = crash
    with world.read() as sandbox, pytest.raises(ZeroDivisionError):
        leased(sandbox, queued_row(world)).send(world.runtime)
    del stub.charge
    assert lines(world, attempt) == [("first", "PREPARE", 1, "approved"), ("first", "CHARGE", 1, None)]
    world.runtime.real_clock.move(31 * SECOND)
    stub.answers[OP.LOOKUP] = [K.APPROVED]
    send_all(world)
    world.advance(1)
    assert lines(world, attempt)[1:] == [("first", "CHARGE", 1, "no_answer"), ("first", "STATUS", 1, "approved")]
    assert world.get_attempt(attempt.attempt_id).state == "CAPTURED"


@on_sqlite
def test_the_new_line_of_a_charge_that_the_worker_sent_tells_that_it_may_have_arrived(runtime):
    world = routed_world(runtime, stub := Naming("first", answers={OP.CHARGE: [K.NOT_SENT]}))
    attempt = queued(world, world.order())
    world.runtime.real_clock.move(31 * SECOND)
    with world.transaction() as sandbox:  # Nobody has tried to send it yet.
        sandbox.connection.execute(update(gateway_calls.calls).values(sent_at=None))
    stub.charge = crash
    with pytest.raises(ZeroDivisionError):
        claim(world.runtime, world.seller_id).send(world.runtime)
    del stub.charge
    world.runtime.real_clock.move(31 * SECOND)
    send_all(world)
    assert lines(world, attempt)[1][1:] == ("CHARGE", 1, "no_answer")
    assert OP.CHARGE not in stub.operations


def crash(_charge, _link):
    raise ZeroDivisionError


def test_a_sender_whose_call_was_taken_over_while_it_named_the_payment_asks_for_no_money(runtime):
    world = routed_world(runtime, stub := Naming("first"))
    attempt = queued(world, world.order())
    stub.meanwhile = lambda: take_over(world)
    with world.read() as sandbox:
        sender = leased(sandbox, queued_row(world))
    sender.send(world.runtime)
    assert stub.operations == [OP.PREPARE]
    assert lines(world, attempt) == [("first", "CHARGE", 1, None)]


def take_over(world):
    """Another process claims what waits, as if its lease were over."""
    world.runtime.real_clock.move(31 * SECOND)
    assert claim(world.runtime, world.seller_id) is not None


def queued_row(world):
    """The number of the only row that waits."""
    with world.read() as sandbox:
        query = select(outbox.outbox.c.id).where(outbox.outbox.c.state == outbox.QUEUED)
        return sandbox.connection.execute(query.where(outbox.outbox.c.seller_id == world.seller_id)).scalar_one()


@on_sqlite
def test_a_plan_that_captures_a_part_goes_to_a_gateway_that_does(runtime):
    first, second = Stub("first"), Stub("second", replace(Stub().capabilities, partial_capture=True))
    world = routed_world(runtime, first, second)
    world.add_rule("partial", stage="capture")
    attempt = pay(world)
    assert (attempt.gateway, attempt.routing.candidates[0].reason) == ("second", "captures no part")
    assert second.operations == [OP.AUTHORIZE, OP.CAPTURE]
    assert attempt.captured_minor == 24_950


@on_sqlite
def test_what_the_built_in_gateway_leaves_to_its_network_is_known_when_the_plan_has_it(runtime):
    """Beside others it waits as it does alone: nobody asks it what only its network can tell."""
    for planned, waits, end in (("deemed", "UNKNOWN", "CAPTURED"), ("pendingok", "PENDING", "CAPTURED")):
        world = routed_world(runtime, Stub("second"), to=["simulator", "second"])
        world.add_rule(planned)
        attempt = pay(world)
        assert attempt.state == waits
        world.advance(30)
        assert world.get_attempt(attempt.attempt_id).state == end
        assert [line[1] for line in lines(world, attempt)] == ["CHARGE"]


@on_sqlite
def test_a_hold_is_released_at_a_gateway_that_can_be_told_so_until_it_answers(runtime):
    for ends in ("cancelled", "lapsed"):
        world, first, _ = two(runtime, {OP.VOID: [K.NO_ANSWER, K.NOT_SENT, K.APPROVED]}, void=True)
        set_manual(world)
        order = world.order()
        attempt = pay(world, order)
        if ends == "cancelled":
            world.cancel_by_seller(order)
        else:
            world.advance(8 * 24 * 3_600)
        send_all(world)
        world.advance_until_idle()
        send_all(world)
        assert first.operations == [OP.AUTHORIZE, OP.VOID, OP.VOID, OP.VOID]
        assert len({key for operation, key in first.asked if operation is OP.VOID}) == 1
        assert lines(world, attempt)[-1][1:] == ("VOID", 1, "approved")
        assert world.violations() == []


@on_sqlite
def test_what_a_gateway_does_not_send_back_was_only_held_and_is_released(runtime):
    world, first, _ = two(runtime, {OP.CHARGE: [K.PENDING], OP.REFUND: [K.REJECTED]}, void=True)
    order = world.order()
    attempt = pay(world, order)
    world.advance(900)
    with world.transaction() as sandbox:
        settlement.settle(sandbox, attempt.attempt_id, "00")
    send_all(world)
    assert first.operations[-2:] == [OP.REFUND, OP.VOID]

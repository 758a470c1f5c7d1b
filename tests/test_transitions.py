"""Every step of the machines of attempt, password, 3-D Secure and saved method is reached."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from mockpay.domain.methods.netbanking import NetBanking
from mockpay.domain.methods.upi import Upi
from mockpay.domain.methods.wallet import Wallet
from mockpay.domain.payments.attempts import ATTEMPT
from mockpay.domain.timeline import Actor
from mockpay.otp import challenges
from mockpay.otp.rules import OTP
from mockpay.services.payments import authentication, captures, orders, payments, settlement
from mockpay.services.payments.authentication import Payer
from mockpay.store.transitions import timeline
from mockpay.threeds import acs, messages, requestor, threeds_table
from mockpay.threeds.messages import CRes
from mockpay.threeds.rules import THREEDS
from mockpay.vault import saved_methods
from mockpay.vault.rules import SAVED_METHOD, consent
from mockpay.vault.vault_table import method_steps
from tests.factories import GUEST_AT_PAGE, NOON, World, on_sqlite
from tests.services.gateways.stubs import OP, K, Stub, pay, routed_world

VISA, RUPAY, ABROAD = "4111111111111111", "6527658900001005", "4012888888881881"
RICH = Wallet("rich@buyers.mockpay.test")
ASHA = Payer(checkout=GUEST_AT_PAGE.checkout, buyer_id="byr_asha", consent=consent(NOON, "192.0.2.7"))
MANUAL = {"capture": "manual"}


# --- what plays have in common


def paid(world, instrument=None, amount="499.00", payer=GUEST_AT_PAGE):
    """One try, its buyer willing, until nothing more happens."""
    attempt = world.pay_with(world.order(amount=amount), instrument or Upi("success@mockpay"), payer)
    world.advance_until_idle()
    return attempt


def upi(vpa, amount="499.00"):
    return lambda world: paid(world, Upi(vpa), amount)


def card(number=VISA, amount="499.00", **typed):
    return lambda world: paid(world, world.card(number, **typed), amount)


def by_rule(outcome, instrument=None):
    def play(world):
        world.add_rule(outcome)
        paid(world, instrument or world.card(VISA))

    return play


def failed_then_held(world):
    """A company takes a success that comes after a try has failed."""
    world.add_rule("latesuccess")
    world.pay_with(world.order(provider="razorpay", timeout_seconds=0), Upi("success@mockpay"), GUEST_AT_PAGE)
    world.advance_until_idle()


def run_out_then_held(world):
    order = world.order(provider="razorpay", timeout_seconds=0)
    attempt = world.pay_with(order, Upi("expired@mockpay"), GUEST_AT_PAGE)
    world.advance_until_idle()
    with world.transaction() as sandbox:
        settlement.settle(sandbox, attempt.attempt_id, "00")
    world.advance_until_idle()


def unsent(world, end):
    """The server dies before the gateway is asked."""
    order = world.order()
    world.create_attempt_with(order, RICH)
    end(world, order)


def expire(world, order):
    with world.transaction() as sandbox:
        orders.expire(sandbox, order.order_pk)


def review(instrument, end=None):
    def play(world):
        order = world.order(amount="1706.02")
        attempt = world.start(order, instrument).attempt
        if end is not None:
            end(world, order, attempt)
        world.advance_until_idle()

    return play


def reject(world, _order, attempt):
    with world.transaction() as sandbox:
        payments.decide_review(sandbox, attempt.attempt_id, approved=False, actor=Actor.TESTER)


def approved_late(end):
    """The buyer approves in the app for later, and something ends the try before."""

    def play(world):
        order = world.order()
        attempt = world.request_approval(order)
        with world.transaction() as sandbox:
            settlement.approve_after_expiry(sandbox, attempt.attempt_id)
        end(world, order, attempt)
        world.advance_until_idle()

    return play


def authorized(act=None):
    def play(world):
        order = world.order()
        world.pay(order)
        if act is not None:
            with world.transaction() as sandbox:
                act(sandbox, world._fresh(sandbox, order))
        world.advance_until_idle()

    return play


def typed(*codes, seconds=0):
    """What a buyer types on the password's page."""

    def play(world):
        attempt = world.start(world.order(amount="7500.00"), RICH).attempt
        world.advance(seconds)
        for code in codes:
            world.authenticate(attempt, code)

    return play


def on_the_otp_page(act):
    def play(world):
        attempt = world.start(world.order(amount="7500.00"), RICH).attempt
        world.advance(30)
        with world.transaction() as sandbox:
            act(sandbox, attempt)

    return play


def resend(sandbox, attempt):
    challenges.resend(sandbox, authentication.active_otp(sandbox, attempt).challenge_id)


def step_up(world):
    """The issuer wants a challenge after it had let the buyer through."""
    world.add_rule("1A")
    attempt = world.pay_with(world.order(), world.card(VISA, name="3DS FRICTIONLESS"))
    assert world.authenticate(attempt).state == "CAPTURED"


def forged(*how):
    """The browser brings a result that the issuer did not tell: before any, or another one."""

    def play(world):
        attempt = world.start(world.order(), world.card(VISA)).attempt
        with world.transaction() as sandbox:
            attempt = authentication.ask_issuer(sandbox, attempt, GUEST_AT_PAGE.checkout.browser, "Y")
            txn = threeds_table.latest(sandbox, attempt.attempt_id)
            acs.open_challenge(sandbox, txn.acs_token, requestor.creq(txn), txn.session_data)
            for choice in how:
                acs.choose(sandbox, txn.acs_token, choice)
            lie = CRes(txn.txn_id, txn.acs_trans_id, "Y")
            authentication.handle_return(sandbox, attempt, messages.encode(lie.plain()), None)
        assert world.get_attempt(attempt.attempt_id).state == "FAILED"

    return play


def saved(instrument, *verbs):
    """A method is kept by paying, then the bank's word is heard, or its buyer's."""

    def play(world):
        used = instrument(world) if callable(instrument) else instrument
        paid(world, used, payer=ASHA)
        with world.transaction() as sandbox:
            (method,) = saved_methods.listed(sandbox, ASHA.buyer_id)
            for verb in verbs:
                verb(sandbox, ASHA.buyer_id, method.token)

    return play


def through_gateways(**answers):
    """A card that two gateways may take, the first of which answers so."""

    def play(world):
        first = Stub("first", answers={OP[operation]: list(kinds) for operation, kinds in answers.items()})
        routed = routed_world(world.runtime, first, Stub("second"), world=world)
        pay(routed)
        routed.advance_until_idle()

    return play


MKS = NetBanking("MKS1")
#: By name: what is played, and the seller's settings.
PLAYS = {
    "paid by an app": (upi("success@mockpay"), {}),
    "paid by balance": (lambda world: paid(world, RICH), {}),
    "no such UPI ID": (upi("zh@mockpay"), {}),
    "cancelled unsent": (lambda world: unsent(world, World.cancel), {}),
    "expired unsent": (lambda world: unsent(world, expire), {}),
    "risk declines": (upi("success@mockpay", "1706.03"), {}),
    "the clock approves a balance": (review(RICH), {}),
    "the clock approves an app": (review(Upi("success@mockpay")), {}),
    "a tester rejects": (review(RICH, reject), {}),
    "nobody reviews in time": (review(RICH), {"risk_review_seconds": 5_000}),
    "cancelled under review": (review(RICH, lambda w, order, _: w.cancel(order)), {}),
    "bank pending": (upi("pendingok@mockpay"), {}),
    "bank pending, captured by hand": (upi("pendingok@mockpay"), MANUAL),
    "bank pending, then failed": (upi("pendingfail@mockpay"), {}),
    "bank pending, then sent back": (by_rule("pendingreversed"), {}),
    "bank says yes too late": (upi("late@mockpay"), {}),
    "card pending": (by_rule("pendingok"), {}),
    "deemed": (upi("deemed@mockpay"), {}),
    "deemed, captured by hand": (upi("deemed@mockpay"), MANUAL),
    "deemed, then sent back": (upi("deemedfail@mockpay"), {}),
    "gateway silent, then no": (upi("noresponsefail@mockpay"), {}),
    "nobody answers the app": (upi("expired@mockpay"), {}),
    "declined by the issuer": (card("4000000000000002"), {}),
    "told as failed": (upi("success@mockpay", "1703.08"), {}),
    "captured by hand": (authorized(captures.capture), MANUAL),
    "released by hand": (authorized(lambda s, o: captures.void(s, o, Actor.SELLER)), MANUAL),
    "never captured": (authorized(), MANUAL),
    "capture fails": (upi("success@mockpay", "1708.02"), {}),
    "declined, then approved": (approved_late(lambda w, _, one: w.decline(one)), {}),
    "cancelled, then approved": (approved_late(lambda w, order, _: w.cancel(order)), {}),
    "run out, then approved": (approved_late(lambda *_: None), {}),
    "failed, then held": (failed_then_held, {}),
    "run out, then held": (run_out_then_held, {}),
    "password wrong, then right": (typed("000000", "123456"), {}),
    "password stumbles": (typed("666666", "666666"), {}),
    "password locked": (typed("888888"), {}),
    "password expired": (typed(seconds=301), {}),
    "password sent again": (on_the_otp_page(resend), {}),
    "password asked for anew": (on_the_otp_page(authentication.start_otp), {}),
    "password's page left": (on_the_otp_page(authentication.cancel_otp), {}),
    "challenged": (card(), {}),
    "challenged, no method URL": (card(RUPAY), {}),
    "frictionless": (card(name="3DS FRICTIONLESS"), {}),
    "stepped up": (step_up, {}),
    "not authenticated": (card("4100280000000009"), {}),
    "unavailable abroad": (card(ABROAD, name="3DS U"), {}),
    "issuer's page left": (card("4100280000070002"), {}),
    "issuer's page times out": (card("4100280000090000"), {}),
    "issuer's server fails": (card("4000008400001280"), {}),
    "browser lies": (card(name="3DS TAMPER"), {}),
    "browser lies early": (forged(), {}),
    "browser lies after leaving": (forged("cancel"), {}),
    "browser lies after the time-out": (forged("timeout"), {}),
    "saved, suspended, resumed": (
        saved(lambda w: w.card(VISA), saved_methods.suspend, saved_methods.resume, saved_methods.deactivate),
        {},
    ),
    "saved, suspended, deleted": (saved(Upi("success@mockpay"), saved_methods.suspend, saved_methods.delete), {}),
    "saved, deleted": (saved(MKS, saved_methods.delete), {}),
    "sent by another gateway": (through_gateways(CHARGE=[K.NOT_SENT] * 3), {}),
    "never arrived at its gateway": (through_gateways(CHARGE=[K.NO_ANSWER]), {}),
    "not tokenised": (lambda w: paid(w, w.card(ABROAD), payer=ASHA), {}),
}

MACHINES = {machine.name: machine for machine in (ATTEMPT, OTP, THREEDS, SAVED_METHOD)}


def told(world):
    """(machine, before, event, after) of every step that this seller's world has seen."""
    with world.read() as sandbox:
        columns = [timeline.c[name] for name in ("machine", "before", "event", "after")]
        mine = select(*columns).where(timeline.c.seller_id == world.seller_id)
        steps = {tuple(row) for row in sandbox.connection.execute(mine)}
        columns = [method_steps.c[name] for name in ("before", "event", "after")]
        mine = select(*columns).where(method_steps.c.seller_id == world.seller_id)
        kept = {(SAVED_METHOD.name, *row) for row in sandbox.connection.execute(mine)}
    return {one for one in steps | kept if one[0] in MACHINES and one[1] is not None}


@pytest.fixture
def reached(runtime):
    found = {}
    for name, (play, settings) in PLAYS.items():
        world = World.new(runtime, **settings)
        play(world)
        assert world.violations() == [], name
        found[name] = told(world)
    return found


@on_sqlite
def test_every_step_of_every_machine_is_reached_by_a_play(reached):
    tables = {
        (machine.name, str(before), event, str(after))
        for machine in MACHINES.values()
        for (before, event), after in machine.table.items()
    }
    seen = set().union(*reached.values())
    assert tables - seen == set()
    assert seen - tables == set()

"""Who is asked for a proof, when it is worth nothing, and what waits for it."""

import pytest
from sqlalchemy import select, update

from mockpay.domain.methods.emi import Emi
from mockpay.domain.methods.netbanking import NetBanking
from mockpay.domain.methods.upi import Upi
from mockpay.domain.methods.wallet import Wallet
from mockpay.domain.timeline import Actor
from mockpay.kernel.clock import SECOND
from mockpay.otp.rules import Verdict
from mockpay.services.buyers import list_page
from mockpay.services.payments import authentication, payments, settlement
from mockpay.services.payments.orders import expire
from mockpay.services.payments.transitions import get_attempt
from mockpay.store import outbox, schedule
from mockpay.threeds import acs, directory_server, messages, requestor, threeds_table
from mockpay.threeds.rules import ENDED
from tests.factories import GUEST_AT_PAGE, NOON, World, on_sqlite, run_concurrently

VISA, RUPAY, ABROAD = "4111111111111111", "6527658900001005", "4012888888881881"
HDFC = "5241810000000000"
RICH, FROZEN = Wallet("rich@buyers.mockpay.test"), Wallet("frozen@buyers.mockpay.test")
APP, BANK = Upi("success@mockpay"), NetBanking("MKS1")
HIGH = "5000.01"


def order_and_waiting_attempt(world, instrument, amount=HIGH, number="O-1"):
    """The order and its attempt, once its buyer is asked for a proof."""
    order = world.order(number, amount)
    return order, world.start(order, instrument).attempt


def waiting(world):
    with world.read() as sandbox:
        return schedule.next_due(sandbox)


def code_of(world, attempt):
    with world.read() as sandbox:
        return list_page(sandbox, kind="otp", attempt_id=attempt.attempt_id).items[0].otp


def typed(world, attempt, code):
    """As the page does it: the gateway's call goes with the proof, in one transaction."""
    with world.transaction() as sandbox:
        fresh = get_attempt(sandbox, attempt.attempt_id)
        verdict, moved = authentication.submit_otp(sandbox, fresh, code)
        if verdict is Verdict.VERIFIED:
            payments.queue_charge(sandbox, moved, leased=True)
    return verdict


# --- who is asked


@pytest.mark.parametrize("instrument", [RICH, BANK], ids=["wallet", "netbanking"])
@pytest.mark.parametrize(("amount", "auth"), [("5000.00", None), ("5000.01", "otp")])
def test_a_password_is_asked_strictly_above_the_threshold(world, instrument, amount, auth):
    order, attempt = order_and_waiting_attempt(world, instrument, amount)
    if auth is None:
        assert world.states(order) == ("PAID", "CAPTURED")
        return
    fresh = world.get_attempt(attempt.attempt_id)
    assert (fresh.state, fresh.auth) == ("AUTH_PENDING", auth)
    assert fresh.answer_by == NOON + 660 * SECOND
    assert world.authenticate(attempt).state == "CAPTURED"
    assert world.violations() == []


def test_while_a_password_is_asked_nobody_else_answers(world):
    _, attempt = order_and_waiting_attempt(world, BANK)
    with world.transaction() as sandbox:
        settlement.record_buyer_answer(sandbox, attempt.attempt_id, "success", Actor.BUYER)
    fresh = world.get_attempt(attempt.attempt_id)
    assert (fresh.state, fresh.auth) == ("AUTH_PENDING", "otp")


def test_an_amount_alone_asks_upi_for_no_password_as_its_pin_is_one(world):
    order, _ = order_and_waiting_attempt(world, APP, "9000.00")
    assert world.states(order) == ("PAID", "CAPTURED")


@pytest.mark.parametrize("listed_as", ["upi", "UPI"])
@pytest.mark.parametrize("instrument", [APP, BANK, RICH], ids=["upi", "netbanking", "wallet"])
def test_a_method_that_always_asks_does_so_at_any_amount(runtime, instrument, listed_as):
    names = (listed_as, "NetBanking", "wallet")
    world = World.new(runtime, otp_always_methods=names)
    _, attempt = order_and_waiting_attempt(world, instrument, "1.00")
    assert world.get_attempt(attempt.attempt_id).auth == "otp"
    assert world.authenticate(attempt).state == "CAPTURED"


@pytest.mark.parametrize("amount", ["1.00", HIGH])
def test_a_card_is_asked_by_its_issuer_at_any_amount_and_for_no_password(world, amount):
    _, attempt = order_and_waiting_attempt(world, world.card(VISA), amount)
    assert (attempt.state, attempt.auth) == ("AUTH_PENDING", "3ds")
    with world.read() as sandbox:
        assert authentication.active_otp(sandbox, attempt) is None
    done = world.authenticate(attempt)
    assert (done.state, done.eci, done.liability) == ("CAPTURED", "05", "ISSUER")


def test_a_card_paid_back_in_instalments_is_asked_by_its_issuer_too(world):
    order = world.order(amount=HIGH)
    emi = Emi.choose(world.card(HDFC), order.amount, bank="HDFC", tenure="6", no_cost=False, eligible=True)
    attempt = world.start(order, emi).attempt
    assert attempt.auth == "3ds"
    assert world.authenticate(attempt).eci == "02"


def test_after_the_password_the_app_or_bank_has_its_turn(world):
    """What is proved to us is nothing to the bank, which asks on its own page."""
    order, attempt = order_and_waiting_attempt(world, NetBanking("SBIN"))
    fresh = world.authenticate(attempt)
    assert (fresh.state, fresh.auth) == ("AUTH_PENDING", "method")
    assert fresh.answer_by == NOON + 600 * SECOND
    world.advance(600)
    assert world.states(order) == ("PENDING", "EXPIRED")


# --- a code is bound to its attempt, and good once


def test_a_code_is_good_for_its_own_attempt_only(world):
    _, mine = order_and_waiting_attempt(world, RICH, number="A")
    _, other = order_and_waiting_attempt(world, RICH, number="B")
    code = code_of(world, other)
    assert code != code_of(world, mine)
    assert typed(world, mine, code) is Verdict.WRONG
    assert typed(world, other, code) is Verdict.VERIFIED


def test_two_right_codes_at_once_are_one_verification_and_one_charge(world):
    order, attempt = order_and_waiting_attempt(world, RICH)
    code = code_of(world, attempt)
    got = run_concurrently(6, lambda _: typed(world, attempt, code))
    assert sorted(map(str, got)) == ["USED"] * 5 + ["VERIFIED"]
    with world.read() as sandbox:
        query = select(outbox.outbox.c.subject).where(outbox.outbox.c.kind == payments.CHARGE)
        assert sandbox.connection.execute(query).scalars().all() == [attempt.attempt_id]
    assert [one.event for one in world.timeline(order)].count("verify") == 1


def test_a_locked_buyer_is_refused_before_anything_is_sent(world):
    for number in ("A", "B"):
        _, attempt = order_and_waiting_attempt(world, RICH, number=number)
        assert typed(world, attempt, "888888") is Verdict.LOCKED
    _, third = order_and_waiting_attempt(world, RICH, number="C")
    fresh = world.get_attempt(third.attempt_id)
    assert (fresh.state, fresh.reason) == ("FAILED", "otp_attempts_exceeded")
    assert (fresh.failure.source, fresh.failure.step) == ("customer", "payment_authentication")
    world.advance(30 * 60)
    _, later = order_and_waiting_attempt(world, RICH, number="D")
    assert world.authenticate(later).state == "CAPTURED"


# --- when it is over


def cancel(world, order):
    world.cancel(order)


def run_out(world, order):
    with world.transaction() as sandbox:
        expire(sandbox.at(order.expires_at), order.order_pk)


@pytest.mark.parametrize("end", [cancel, run_out])
@pytest.mark.parametrize("what", ["password", "method step", "challenge", "opened", "review"])
def test_an_order_that_ends_leaves_nothing_to_wait_for(world, what, end):
    order = world.order(amount="1706.02" if what == "review" else HIGH)
    instrument = RICH if what in {"password", "review"} else world.card(VISA)
    attempt = world.start(order, instrument).attempt
    if what in {"challenge", "opened"}:
        challenge(world, attempt, opened=what == "opened")
    assert waiting(world) is not None
    end(world, order)
    assert world.states(order) == (("CANCELLED",) * 2 if end is cancel else ("EXPIRED",) * 2)
    left = [one for one in (waiting(world),) if one is not None and one != order.expires_at]
    assert left == []
    assert world.advance_until_idle().complete
    assert world.violations() == []


def challenge(world, attempt, *, opened=True):
    """The issuer's page, on the buyer's screen where it is opened; its token."""
    with world.transaction() as sandbox:
        challenged = authentication.ask_issuer(sandbox, attempt, GUEST_AT_PAGE.checkout.browser, "Y")
        txn = threeds_table.latest(sandbox, challenged.attempt_id)
        if opened:
            acs.open_challenge(sandbox, txn.acs_token, requestor.creq(txn), txn.session_data)
    return txn


@pytest.mark.parametrize("end", [cancel, run_out])
@pytest.mark.parametrize("says", ["Y", "N", "timeout"])
def test_what_the_issuer_says_after_the_end_changes_nothing(world, end, says):
    order, attempt = order_and_waiting_attempt(world, world.card(VISA))
    txn = challenge(world, attempt)
    end(world, order)
    before = world.states(order)
    with world.transaction() as sandbox:
        done = acs.choose(sandbox, txn.acs_token, says)
        late = authentication.handle_return(
            sandbox, world.get_attempt(attempt.attempt_id), done.cres, done.session_data
        )
        assert payments.queue_charge(sandbox, late, leased=True) is None
    assert world.states(order) == before
    assert world.advance_until_idle().complete
    assert world.states(order) == before
    assert world.violations() == []


def test_a_right_code_at_the_orders_end_is_worth_nothing_though_nobody_noticed_the_end(world):
    order = world.order(amount=HIGH, timeout_seconds=60)
    attempt = world.start(order, RICH).attempt
    world.set_clock(None, order.expires_at)
    assert world.authenticate(attempt).state != "CAPTURED"
    world.advance(0)
    assert world.states(order) == ("EXPIRED", "EXPIRED")
    assert world.violations() == []


@pytest.mark.parametrize(("early", "end"), [(1, "CAPTURED"), (0, "EXPIRED")])
def test_an_issuers_yes_counts_until_the_orders_end(world, early, end):
    order = world.order(timeout_seconds=60)
    attempt = world.start(order, world.card(VISA)).attempt
    txn = challenge(world, attempt)
    with world.transaction() as sandbox:
        done = acs.submit(sandbox, txn.acs_token, "123456")
    world.set_clock(None, order.expires_at - early)
    with world.transaction() as sandbox:
        moved = authentication.handle_return(
            sandbox, world.get_attempt(attempt.attempt_id), done.cres, done.session_data
        )
        outbox_id = payments.queue_charge(sandbox, moved, leased=True)
    world._send(outbox_id)
    world.advance(0)
    assert world.get_attempt(attempt.attempt_id).state == end
    assert world.violations() == []


def test_a_buyer_who_goes_back_from_the_password_may_pay_otherwise(world):
    order, attempt = order_and_waiting_attempt(world, RICH)
    with world.transaction() as sandbox:
        gone = authentication.cancel_otp(sandbox, attempt)
    assert (gone.state, gone.reason) == ("CANCELLED", "payment_cancelled")
    assert typed(world, gone, "123456") is Verdict.USED
    world.pay(order)
    assert world.states(order) == ("PAID", "CANCELLED", "CAPTURED")


def test_a_rule_makes_a_buyer_cancel_at_the_password(world):
    world.add_rule("otp_cancelled", "auth")
    _, attempt = order_and_waiting_attempt(world, RICH)
    with world.transaction() as sandbox:
        verdict, moved = authentication.submit_otp(sandbox, get_attempt(sandbox, attempt.attempt_id), "123456")
    assert (verdict, moved.state) == (Verdict.USED, "CANCELLED")


# --- what the issuer's proof is worth


def charged(world, attempt):
    with world.transaction() as sandbox:
        outbox_id = payments.queue_charge(sandbox, get_attempt(sandbox, attempt.attempt_id), leased=True)
    world._send(outbox_id)
    return world.get_attempt(attempt.attempt_id)


def authenticated(world, number):
    """Authenticated by a challenge; the browser is back, and the gateway has no charge yet."""
    _, attempt = order_and_waiting_attempt(world, world.card(VISA), number=number)
    txn = challenge(world, attempt)
    with world.transaction() as sandbox:
        done = acs.submit(sandbox, txn.acs_token, "123456")
        authentication.handle_return(sandbox, world.get_attempt(attempt.attempt_id), done.cres, done.session_data)
    return attempt, txn


def values(world):
    with world.read() as sandbox:
        query = select(threeds_table.transactions.c.txn_id, threeds_table.transactions.c.sealed_value)
        return dict(sandbox.connection.execute(query).all())


@pytest.mark.parametrize("how", ["swapped", "lost", "changed", "another", "untouched"])
def test_an_authorisation_needs_the_issuers_own_value(world, how):
    attempt, txn = authenticated(world, "A")
    _, other = authenticated(world, "B")
    sealed = values(world)
    with world.read() as sandbox:
        of_other = directory_server.open_cavv(sandbox, threeds_table.by_id(sandbox, other.txn_id))
        another = directory_server.seal_cavv(sandbox, txn.txn_id, of_other)
    new = {
        "swapped": sealed[other.txn_id],
        "lost": None,
        "changed": bytes(sealed[txn.txn_id])[:-1] + b"\0",
        "another": another,
        "untouched": sealed[txn.txn_id],
    }[how]
    table = threeds_table.transactions
    with world.transaction() as sandbox:
        change = update(table).where(table.c.txn_id == txn.txn_id).values(sealed_value=new)
        sandbox.connection.execute(change)
    done = charged(world, attempt)
    if how == "untouched":
        assert done.state == "CAPTURED"
        return
    assert (done.state, done.failure.code, done.reason) == ("FAILED", "05", "card_declined")


@pytest.mark.parametrize("number", [VISA, RUPAY])
def test_an_issuer_that_wants_a_challenge_after_all_gets_one_once(world, number):
    world.add_rule("1A")
    order = world.order()
    attempt = world.start(order, world.card(number, name="3DS FRICTIONLESS")).attempt
    # Without a method URL the issuer has answered by now, and so has the one that authorises.
    attempt = world.authenticate(attempt) if number == VISA else world.get_attempt(attempt.attempt_id)
    assert (attempt.state, attempt.auth) == ("AUTH_PENDING", "3ds")
    with world.read() as sandbox:
        first, second = threeds_table.of_attempt(sandbox, attempt.attempt_id)
    assert (str(first.flow), str(second.state)) == ("FRICTIONLESS", "PREPARED")
    done = world.authenticate(attempt)
    assert (done.state, done.eci) == ("CAPTURED", "05")
    assert [one.event for one in world.timeline(order)].count("soft_decline_sca") == 1
    assert waiting(world) is None
    assert world.violations() == []


def test_an_issuer_that_had_its_challenge_wants_no_other(world):
    world.add_rule("1A")
    assert world.pay_with(world.order(), world.card(VISA)).state == "CAPTURED"


@pytest.mark.parametrize("otp", ["333333", "444444"])
def test_a_step_up_that_fails_ends_the_try(world, otp):
    world.add_rule("1A")
    attempt = world.pay_with(world.order(), world.card(VISA, name="3DS FRICTIONLESS"))
    assert world.authenticate(attempt, otp).state == "FAILED"


def test_a_step_up_that_nobody_answers_times_out(world):
    world.add_rule("1A")
    order = world.order()
    world.pay_with(order, world.card(VISA, name="3DS FRICTIONLESS"))
    world.advance(660)
    assert world.states(order) == ("PENDING", "EXPIRED")


def test_a_frozen_balance_refuses_even_who_has_proved_to_be_its_owner(world):
    _, attempt = order_and_waiting_attempt(world, FROZEN, "5000.00")
    fresh = world.get_attempt(attempt.attempt_id)
    assert (fresh.state, fresh.failure.code) == ("FAILED", "57")


@on_sqlite
def test_two_challenges_of_one_attempt_are_told_apart_by_their_own_ids(world):
    world.add_rule("1A")
    attempt = world.pay_with(world.order(), world.card(VISA, name="3DS FRICTIONLESS"))
    with world.transaction() as sandbox:
        first, second = threeds_table.of_attempt(sandbox, attempt.attempt_id)
        assert first.txn_id != second.txn_id
        old = {
            "messageType": "CRes",
            "messageVersion": "2.2.0",
            "transStatus": "Y",
            "threeDSServerTransID": first.txn_id,
            "acsTransID": first.acs_trans_id,
        }
        moved = authentication.ask_issuer(sandbox, attempt, GUEST_AT_PAGE.checkout.browser, "Y")
        back = authentication.handle_return(sandbox, moved, messages.encode(old), None)
    assert back.state == "FAILED"
    with world.read() as sandbox:
        assert threeds_table.latest(sandbox, back.attempt_id).state in ENDED

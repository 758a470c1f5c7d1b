"""Every way to pay and every way it may end: who decided is named, by no other method's words, and it can be had again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from mockpay.domain.methods.emi import Emi
from mockpay.domain.methods.netbanking import NetBanking
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.methods.upi import Upi
from mockpay.domain.methods.wallet import Wallet
from mockpay.domain.payments.attempts import Attempt, Auth, Source, Stage
from mockpay.domain.payments.decisions import deciding
from mockpay.domain.scenarios.resolution import TABLE, Input, find
from mockpay.kernel.money import Money
from mockpay.risk import assessment
from mockpay.services import buyers
from mockpay.services.payments import authentication, banks, payments, settlement
from mockpay.store import outbox
from mockpay.threeds import acs, requestor, threeds_table
from mockpay.threeds.rules import Browser
from mockpay.vault import saved_methods as vault
from mockpay.vault.rules import consent
from mockpay.web.dashboard.decision_trace import reproduction_of
from mockpay.web.wording import sentences
from tests.factories import GUEST_AT_PAGE, World
from tests.scenarios.explanations import Views, assert_explained, assert_true_to
from tests.scenarios.test_table import BROKEN, amount_of, instrument_of

#: Limits would stop a test that pays as often as this one does.
NO_LIMITS = {"VEL_CARD": "off", "VEL_VPA": "off", "VEL_BUYER_AMT": "off", "AMT_HIGH": "off", "BIN_COUNTRY": "off"}
RICH = "rich@buyers.mockpay.test"


@pytest.fixture
def world(runtime):
    return World.new(runtime, risk_rules=NO_LIMITS)


@pytest.fixture
def views(runtime):
    return Views(runtime)


def end_of(world, order, attempt):
    fresh = world.get_attempt(attempt.attempt_id)
    return str(world.get_order(order).state), str(fresh.state), fresh.reason, fresh.failure and fresh.failure.code


#: What pays without a magic value; of a sum above which a code is asked for.
def ordinary(world, method):
    if method == "card":
        return world.card("4718609108204366")
    if method == "emi":
        card, amount = world.card("5241810000000000"), Money.parse("1999.00")
        return Emi.choose(card, amount, bank="HDFC", tenure="6", no_cost=False, eligible=True)
    return {"upi": Upi("asha@okbank"), "netbanking": NetBanking("HDFC"), "wallet": Wallet(RICH)}[method]


def again(world, order, attempt, **settings):
    """Use the rule that the page prints, on another seller who pays in the ordinary way; both ends."""
    fresh = world.get_attempt(attempt.attempt_id)
    printed = reproduction_of(fresh, "URL", token=False)
    assert printed is not None, end_of(world, order, attempt)
    rule = json.loads(re.search(r"'(\{.*\})'", printed.curl, re.DOTALL)[1])
    other = World.new(world.runtime, **{"risk_rules": NO_LIMITS, **settings})
    other.add_rule(rule["outcome"], stage=rule["stage"], match=rule["match"], times=rule["times"])
    usual = {"wallet": "20000.00", "emi": "1999.00"}.get(fresh.method, "499.00")
    amount = rule["match"].get("amount", usual)
    repeated = other.order(amount=amount)
    retried = other.pay_with(repeated, ordinary(other, fresh.method), otp="111000")
    if fresh.method == "netbanking" and (fresh.state, retried.state) == ("CAPTURED", "AUTH_PENDING"):
        presses_at_bank(other, retried, "success")
    for each in (world, other):
        assert each.advance_until_idle().complete
    return end_of(world, order, attempt), end_of(other, repeated, retried)


LOOKED_AT = (Input.VPA, Input.PAN, Input.CVV, Input.NAME, Input.BANK, Input.AMOUNT)
ROWS = [row for row in TABLE if row.name not in BROKEN and row.active and row.stage is not Stage.REFUND]


@pytest.mark.parametrize("looks", LOOKED_AT)
def test_every_row_is_named_and_can_be_had_again(runtime, views, subtests, looks):
    for row in (row for row in ROWS if row.input == looks):
        with subtests.test(row=row.name):
            world = World.new(runtime, risk_rules=NO_LIMITS)
            order = world.order(amount=amount_of(row))
            by_name = looks is Input.NAME
            instrument = world.card("4718609108204366", name=row.equals) if by_name else instrument_of(world, row)
            attempt = world.pay_with(order, instrument)
            world.advance(11)  # an ordinary UPI ID is answered after a while
            attempt = world.get_attempt(attempt.attempt_id)
            settled = deciding(attempt)
            if row.stage is Stage.AUTH and attempt.method == "upi":
                continue  # 3-D Secure is a card's
            assert settled is not None
            # The highest score is a rule's to judge.
            expected = "RISK_HIGHEST" if row.outcome == "highest" else row.name
            # A number that is challenged and then declined is told by its decline.
            declined = find(row.input, row.equals, Stage.ISSUER) if row.stage is Stage.AUTH else None
            stage, name = (Stage.ISSUER, declined.name) if declined else (row.stage, expected)
            assert (settled[0], settled[1].scenario) == (stage, name)
            assert_explained(world, views, order, attempt, settled[1].value)
            first, second = again(world, order, attempt)
            assert first == second


def test_a_typed_code_is_named_and_can_be_had_again(runtime, views, subtests):
    for row in (row for row in ROWS if row.input == Input.OTP and row.outcome not in {"correct", "wrong", "expired"}):
        for method in ("card", "wallet"):
            with subtests.test(row=row.name, method=method):
                world = World.new(runtime, risk_rules=NO_LIMITS)
                order = world.order(amount="20000.00")
                attempt = world.pay_with(order, ordinary(world, method), otp=row.equals)
                settled = deciding(world.get_attempt(attempt.attempt_id))
                if method == "wallet" and row.outcome != "locked":
                    assert settled is None  # only a bank knows them; the page counts a wrong code
                    continue
                if row.outcome == "technical":
                    assert settled is None
                    continue
                assert (settled[1].source, settled[1].scenario) == (Source.CODE, row.name)
                assert_explained(world, views, order, attempt, f"code {row.equals}")
                first, second = again(world, order, attempt)
                assert first[1:] == second[1:]


def test_a_pin_is_named_and_can_be_had_again(world, views):
    order = world.order()
    attempt = world.approve(world.request_approval(order), pin="0000")
    assert_explained(world, views, order, attempt, "UPI PIN 0000")
    first, second = again(world, order, attempt)
    assert first == second


def wrong_codes(world, order):
    attempt = world.start(order, Wallet(RICH)).attempt
    for code in ("100001", "100002", "100003"):
        attempt = world.authenticate(attempt, otp=code)
    return attempt


def code_page_left(world, order):
    attempt = world.start(order, Wallet(RICH)).attempt
    with world.transaction() as sandbox:
        return authentication.cancel_otp(sandbox, attempt)


def code_never_typed(world, order):
    attempt = world.start(order, Wallet(RICH)).attempt
    world.advance(661)
    return attempt


def at_the_issuer(act):
    def play(world, order):
        attempt = world.start(order, ordinary(world, "card")).attempt
        with world.transaction() as sandbox:
            moved = authentication.ask_issuer(sandbox, attempt, Browser(ip="127.0.0.1"), "Y")
            txn = threeds_table.latest(sandbox, moved.attempt_id)
            acs.open_challenge(sandbox, txn.acs_token, requestor.creq(txn), txn.session_data)
            page = act(sandbox, txn.acs_token)
            if page is not None:
                authentication.handle_return(sandbox, moved, page.cres, page.session_data)
        world.advance(0 if page is not None else 601)
        return attempt

    return play


def app_declines(world, order):
    return world.decline(world.request_approval(order))


def app_never_answers(world, order):
    attempt = world.start(order, Upi(None)).attempt
    world.advance(301)
    return attempt


def presses_at_bank(world, attempt, outcome):
    with world.transaction() as sandbox:
        banks.record_decision(sandbox, world.get_attempt(attempt.attempt_id), outcome)
        outbox.add(sandbox, settlement.ASK_BANK, attempt.attempt_id, leased=False)
    world.advance(0)


def bank_button(outcome):
    def play(world, order):
        attempt = world.start(order, NetBanking("HDFC")).attempt
        presses_at_bank(world, attempt, outcome)
        return attempt

    return play


def poor(world, order):
    return world.pay_with(order, Wallet("poor@buyers.mockpay.test"))


def reviewed(world, order):
    world.add_rule("review", stage="risk")
    attempt = world.pay(order)
    with world.transaction() as sandbox:
        return payments.decide_review(sandbox, attempt.attempt_id, approved=False, actor=payments.Actor.TESTER)


ACTS = {
    "three wrong codes": (wrong_codes, "typed 3 wrong codes"),
    "cancel on the code page": (code_page_left, "pressed Cancel on the code page"),
    "no code": (code_never_typed, "Nobody answered in time"),
    "cancel at the issuer": (at_the_issuer(acs.cancel), "pressed Cancel on the bank’s page"),
    "a button at the issuer": (at_the_issuer(lambda sandbox, token: acs.choose(sandbox, token, "R")), "pressed R"),
    "no answer to the issuer": (at_the_issuer(lambda *_: None), "Nobody answered in time"),
    "declined in the app": (app_declines, "in the simulated UPI app"),
    "the app is never opened": (app_never_answers, "Nobody answered in time"),
    "failed at the bank": (bank_button("failure"), "on the bank’s page"),
    "cancelled at the bank": (bank_button("cancelled"), "on the bank’s page"),
    "a balance that is too small": (poor, "The buyer’s balance was"),
    "declined in the review": (reviewed, "A tester declined it"),
}


def test_what_somebody_did_is_told_and_can_be_had_again(runtime, views, subtests):
    for act, (play, words) in ACTS.items():
        with subtests.test(act=act):
            world = World.new(runtime, risk_rules=NO_LIMITS)
            order = world.order(amount="20000.00" if "code" in act or "balance" in act else "499.00")
            attempt = play(world, order)
            assert world.get_attempt(attempt.attempt_id).failure is not None
            assert_explained(world, views, order, attempt, words)
            first, second = again(world, order, attempt)
            assert first[1:] == second[1:]


def test_a_lock_names_the_order_that_caused_it_and_how_long_it_lasts(world, views):
    for number in ("A", "B"):
        locking = world.order(number, amount="20000.00")
        world.pay_with(locking, Wallet(RICH), otp="888888")
    order = world.order("C", amount="20000.00")
    attempt = world.pay_with(order, Wallet(RICH))
    assert world.get_attempt(attempt.attempt_id).reason == "otp_attempts_exceeded"
    assert_explained(world, views, order, attempt, f"rong codes typed for order {locking.order_id}", "until 18:00 IST")


def test_a_risk_rule_tells_what_it_counted_its_limit_its_score_and_its_switch(runtime, views):
    world = World.new(runtime)
    for number in range(11):
        order = world.order(f"O-{number}")
        attempt = world.pay_with(order, ordinary(world, "card"))
    assert sentences.decided_by(world.get_attempt(attempt.attempt_id)) == "risk rule VEL_CARD"
    with world.read() as sandbox:
        score = assessment.of_attempt(sandbox, attempt.attempt_id).score
    assert score > 0
    assert_explained(world, views, order, attempt, "11 attempts", "limit 10", f"score {score};", "VEL_CARD=off")


def test_a_rule_that_asks_for_a_challenge_is_named_while_the_buyer_is_asked_and_not_afterwards(runtime):
    world = World.new(runtime)
    attempt = world.start(world.order(), world.card("5104060000000008")).attempt
    assert sentences.decided_by(world.get_attempt(attempt.attempt_id)) == "risk rule BIN_COUNTRY"
    paid = world.authenticate(attempt, "111000")
    assert (paid.state, sentences.decided_by(paid)) == ("CAPTURED", None)


@pytest.mark.parametrize("amount", ["1703.01", "1703.07"])
def test_a_fault_on_the_way_back_is_decided_by_the_amount_though_the_upi_id_said_success(world, views, amount):
    order = world.order(amount=amount)
    attempt = world.pay(order, "success@mockpay")
    assert sentences.decided_by(world.get_attempt(attempt.attempt_id)) == f"amount {amount}"
    first, second = again(world, order, attempt)
    assert first == second


# --- every method, in every way to end


#: A code or 3-D Secure asks the buyer of each.
WITH_CODES = {"risk_rules": NO_LIMITS, "otp_always_methods": ("upi", "netbanking", "wallet")}
ASHA = "asha@buyers.mockpay.test"
SAVED = {"saved card": "card", "saved UPI ID": "upi"}


def paid_with(world, way):
    """The instrument, and its payer; a saved one was saved before, with consent."""
    if way not in SAVED:
        return ordinary(world, way), GUEST_AT_PAGE
    with world.transaction() as sandbox:
        buyer = buyers.ensure(sandbox, ASHA)
        saved = vault.save(sandbox, buyer.buyer_id, ordinary(world, SAVED[way]), consent(sandbox.now, "127.0.0.1"))
        used = vault.use(sandbox, buyer.buyer_id, saved.token)
    return used.instrument, replace(GUEST_AT_PAGE, buyer_id=buyer.buyer_id, saved_token=saved.token)


def gives_up(world, order, instrument, payer):
    """The buyer leaves the page that asks for a code."""
    attempt = world.start(order, instrument, payer).attempt
    with world.transaction() as sandbox:
        if attempt.auth is Auth.OTP:
            return authentication.cancel_otp(sandbox, attempt)
        moved = authentication.ask_issuer(sandbox, attempt, Browser(ip="127.0.0.1"), "Y")
        txn = threeds_table.latest(sandbox, moved.attempt_id)
        acs.open_challenge(sandbox, txn.acs_token, requestor.creq(txn), txn.session_data)
        page = acs.cancel(sandbox, txn.acs_token)
        return authentication.handle_return(sandbox, moved, page.cres, page.session_data)


def pays(world, order, instrument, payer):
    attempt = world.pay_with(order, instrument, payer, otp="111000")
    if attempt.method == "netbanking" and attempt.state == "AUTH_PENDING":
        presses_at_bank(world, attempt, "success")
    world.advance(11)  # an ordinary UPI ID is answered after a while
    return attempt


def waits(world, order, instrument, payer):
    world.add_rule("pending")
    return pays(world, order, instrument, payer)


@dataclass(frozen=True)
class End:
    """
    How a try ends: its amount, what is done, its state, and the status that the result page shows.

    `named` is the value that decided and `tag` the list's word for it; `back` is what the dashboard says of the
    browser's way back.
    """

    amount: str
    act: Callable[..., Attempt]
    state: str
    status: str
    named: tuple[str, ...]
    tag: str
    back: str


SIGNED, TAMPERED, CLOSED = "with the signed result; whether it arrived", "wrong signature", "the browser was closed"
ENDS = {
    "success": End("1999.00", pays, "CAPTURED", "SUCCESS", (), "", SIGNED),
    "decline": End("1700.51", pays, "FAILED", "FAILURE", ("1700.51",), "amount 1700.51", SIGNED),
    "cancel": End("1999.00", gives_up, "CANCELLED", "FAILURE", ("pressed Cancel on",), "buyer", SIGNED),
    "pending": End("1999.00", waits, "PENDING", "PENDING", ("rule ",), "rule ", SIGNED),
    "tampered return": End("1703.01", pays, "CAPTURED", "SUCCESS", ("1703.01",), "amount 1703.01", TAMPERED),
    "no return": End("1703.07", pays, "CAPTURED", "SUCCESS", ("1703.07",), "amount 1703.07", CLOSED),
}


@pytest.mark.parametrize("way", ["upi", "card", "netbanking", "wallet", "emi", *SAVED])
def test_every_method_tells_every_end_truly_wherever_one_looks(runtime, views, subtests, way):
    for name, end in ENDS.items():
        with subtests.test(end=name):
            world = World.new(runtime, **WITH_CODES)
            if name == "pending" and not METHODS[SAVED.get(way, way)].response_codes.has_outcome("pending"):
                continue
            order = world.order(amount=end.amount)
            instrument, payer = paid_with(world, way)
            attempt = end.act(world, order, instrument, payer)
            fresh = world.get_attempt(attempt.attempt_id)
            assert (fresh.state, fresh.saved_token) == (end.state, payer.saved_token)
            assert_explained(world, views, order, fresh, *end.named)
            assert f'data-status="{end.status}"' in views.result_of(order)
            shown = views.of_tester(order, left=True)
            assert_true_to(fresh.method, shown.values())
            assert end.back in shown["page"]
            assert all(word in shown["page"] for word in end.named)
            assert end.tag in shown["row"]
            told = payer.saved_token is not None and payer.saved_token in shown["page"]
            assert told == (way in SAVED)
            first, second = again(world, order, fresh, **WITH_CODES)
            assert first[1:] == second[1:]

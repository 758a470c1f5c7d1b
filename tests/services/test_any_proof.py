"""Whoever pays by whatever, proves it or not, in any order: money is taken once, and agrees."""

from hypothesis import HealthCheck, Phase, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from mockpay.delivery import scheduler
from mockpay.delivery.sender_pool import send_waiting
from mockpay.domain.methods.emi import Emi
from mockpay.domain.methods.netbanking import NetBanking
from mockpay.domain.methods.upi import Upi
from mockpay.domain.methods.wallet import Wallet
from mockpay.domain.orders import PAID
from mockpay.domain.payments.attempts import LIVE, AttemptState, Auth
from mockpay.domain.timeline import Actor
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Conflict
from mockpay.risk.assessment import Inputs
from mockpay.services.payments import authentication, payments
from mockpay.services.payments.authentication import Payer
from mockpay.services.payments.transitions import get_attempt
from mockpay.store import outbox as outbox_rows
from mockpay.store import schedule
from mockpay.threeds import acs, requestor, threeds_table
from mockpay.vault.rules import consent
from tests.factories import GUEST_AT_PAGE, NOON, World, on_sqlite
from tests.services.test_any_journey import gap_free

VISA, RUPAY, ABROAD, HDFC = ("4111111111111111", "6527658900001005", "4012888888881881", "5241810000000000")
NAMES = ["Asha Rao", "3DS FRICTIONLESS", "3DS A", "3DS U", "3DS N", "3DS TAMPER", "3DS TIMEOUT"]
CODES = ["123456", "000000", "999999", "888888", "666666", "222222", "333333", "777777"]
#: Below the threshold, above it, challenged, and put aside.
AMOUNTS = ["499.00", "7500.00", "1706.01", "1706.02"]
YES = consent(NOON, "192.0.2.7")
PAYERS = [
    GUEST_AT_PAGE,
    Payer(checkout=GUEST_AT_PAGE.checkout, buyer_id="byr_asha", consent=YES),
    Payer(inputs=Inputs(ip="198.51.100.66"), checkout=GUEST_AT_PAGE.checkout),
    Payer(inputs=Inputs(device="dev_new")),
]


class Proofs(RuleBasedStateMachine):
    """Two orders of one seller, by any method, with every step of a proof in any order."""

    runtime = None

    @initialize(
        amounts=st.tuples(*[st.sampled_from(AMOUNTS)] * 2),
        capture=st.sampled_from(["auto", "manual"]),
        sca=st.booleans(),
    )
    def begin(self, amounts, capture, sca):
        self.world = World.new(self.runtime, capture=capture, max_attempts=4)
        if sca:
            self.world.add_rule("1A", times=2)
        self.orders = [self.world.order(f"O-{n}", amount) for n, amount in enumerate(amounts)]

    def may_conflict(self, act, *args):
        before = [self.world.states(order) for order in self.orders]
        try:
            return act(*args)
        except Conflict:
            assert [self.world.states(order) for order in self.orders] == before
            return None

    def last(self, which, auth):
        tries = self.world.attempts(self.orders[which])
        assume(tries)
        assume(auth is None or tries[-1].auth == auth)
        return tries[-1]

    which = st.integers(0, 1)

    def instrument(self, order, kind, name):
        if kind in {VISA, RUPAY, ABROAD, HDFC}:
            return self.world.card(kind, name=name)
        if kind == "emi":
            assume(order.amount.minor >= 300_000)
            card = self.world.card(HDFC, name=name)
            return Emi.choose(card, order.amount, bank="HDFC", tenure="3", no_cost=True, eligible=True)
        return {
            "upi": Upi("success@mockpay"),
            "app": Upi(),
            "bank": NetBanking("MKP1"),
            "wallet": Wallet("rich@buyers.mockpay.test"),
        }[kind]

    kinds = st.sampled_from([VISA, RUPAY, ABROAD, HDFC, "emi", "upi", "app", "bank", "wallet"])

    @rule(which=which, kind=kinds, name=st.sampled_from(NAMES), payer=st.sampled_from(PAYERS))
    def pay(self, which, kind, name, payer):
        order = self.orders[which]
        instrument = self.instrument(order, kind, name)
        self.may_conflict(self.world.start, order, instrument, payer)

    @rule(which=which, kind=kinds, payer=st.sampled_from(PAYERS))
    def pay_and_die_before_sending(self, which, kind, payer):
        order = self.orders[which]
        instrument = self.instrument(order, kind, "3DS FRICTIONLESS")
        self.may_conflict(self._unsent, order, instrument, payer)

    def _unsent(self, order, instrument, payer):
        with self.world.transaction() as sandbox:
            payments.pay(sandbox, self.world._fresh(sandbox, order), instrument, payer)

    @rule(which=which, code=st.sampled_from(CODES), sent=st.booleans())
    def type_password(self, which, code, sent):
        attempt = self.last(which, None)
        with self.world.transaction() as sandbox:
            before = get_attempt(sandbox, attempt.attempt_id)
            _, after = authentication.submit_otp(sandbox, before, code)
            outbox_id = self.proved(sandbox, before, after)
        if sent:
            self.world._send(outbox_id)

    def proved(self, sandbox, before, after):
        """The gateway's call, by the request that proved the buyer."""
        if authentication.ready_to_charge(before):
            return None
        return payments.queue_charge(sandbox, after, leased=True)

    @rule(which=which)
    def another_password(self, which):
        attempt = self.last(which, Auth.OTP)
        assume(attempt.state is AttemptState.AUTH_PENDING)
        with self.world.transaction() as sandbox:
            self.may_conflict(authentication.start_otp, sandbox, attempt)

    @rule(which=which)
    def leave_password(self, which):
        with self.world.transaction() as sandbox:
            attempt = self.last(which, Auth.OTP)
            authentication.cancel_otp(sandbox, get_attempt(sandbox, attempt.attempt_id))

    @rule(which=which, told=st.sampled_from(["Y", "N"]))
    def go_to_issuer(self, which, told):
        attempt = self.last(which, Auth.THREEDS)
        assume(attempt.state is AttemptState.AUTH_PENDING)
        with self.world.transaction() as sandbox:
            if threeds_table.latest(sandbox, attempt.attempt_id) is None:
                moved = authentication.prepare(sandbox, attempt, GUEST_AT_PAGE.checkout)
            else:
                browser = GUEST_AT_PAGE.checkout.browser
                moved = authentication.ask_issuer(sandbox, attempt, browser, told)
            outbox_id = self.proved(sandbox, attempt, moved)
        self.world._send(outbox_id)

    @rule(which=which, code=st.sampled_from(CODES), back=st.booleans())
    def type_at_issuer(self, which, code, back):
        attempt = self.last(which, Auth.THREEDS)
        with self.world.transaction() as sandbox:
            txn = threeds_table.latest(sandbox, attempt.attempt_id)
            assume(txn is not None and txn.acs_token)
            page = acs.open_challenge(sandbox, txn.acs_token, requestor.creq(txn), txn.session_data)
            if isinstance(page, acs.AcsPage):
                page = acs.submit(sandbox, txn.acs_token, code)
            if not (back and isinstance(page, acs.ChallengeCompletion)):
                return
            moved = authentication.handle_return(sandbox, attempt, page.cres, page.session_data)
            outbox_id = self.proved(sandbox, attempt, moved)
        self.world._send(outbox_id)

    @rule(which=which, approved=st.booleans())
    def review(self, which, approved):
        attempt = self.last(which, None)
        assume(attempt.state is AttemptState.RISK_REVIEW)
        with self.world.transaction() as sandbox:
            payments.decide_review(sandbox, attempt.attempt_id, approved=approved, actor=Actor.TESTER)

    @rule(which=which, pin=st.sampled_from(["1234", "0000"]))
    def answer_app(self, which, pin):
        attempt = self.last(which, None)
        assume(attempt.method == "upi")
        self.world.approve(attempt, pin)

    @rule(which=which)
    def cancel(self, which):
        self.may_conflict(self.world.cancel, self.orders[which])

    @rule(seconds=st.sampled_from([0, 10, 30, 300, 600, 660, 899, 900, 901]))
    def advance(self, seconds):
        self.settle_down()
        assert self.world.advance(seconds).complete

    @rule(seconds=st.sampled_from([1, 301, 661, 901]))
    def jump_unnoticed(self, seconds):
        self.world.set_clock(None, self.world.now() + seconds * SECOND)

    @rule()
    def fire(self):
        scheduler.fire_present(self.world.runtime, self.world.seller_id)

    def settle_down(self):
        self.world.runtime.real_clock.move(outbox_rows.LEASE_MS)
        while send_waiting(self.world.runtime, self.world.seller_id):
            pass

    @invariant()
    def money_is_taken_once_and_from_whom_it_should_be(self):
        for order in self.orders:
            state, tries = self.world.get_order(order).state, self.world.attempts(order)
            secured = [one for one in tries if one.state in {"CAPTURED", "AUTHORIZED"}]
            assert len(secured) == (state in PAID or state == "AUTHORIZED")
            assert sum(one.state in LIVE for one in tries) <= 1
            for one in secured:
                assert one.method not in {"card", "emi"} or one.eci in {"05", "06", "02", "07"}

    @invariant()
    def the_audit_finds_nothing(self):
        assert self.world.violations() == []

    def teardown(self):
        """In the end every story ends, and nothing has failed on the way."""
        if not hasattr(self, "world"):
            return
        self.settle_down()
        assert self.world.advance_until_idle().complete
        for order in self.orders:
            states = self.world.states(order)
            assert states[0] not in {"CREATED", "PENDING", "AUTHORIZED"}, states
            assert not {*states[1:]} & (set(LIVE) - {"PENDING"}), states
            gap_free(self.world.timeline(order))
        self.no_event_failed()

    def no_event_failed(self):
        table = schedule.events
        mine = table.c.seller_id == self.world.seller_id, table.c.state == schedule.FAILED
        with self.world.read() as sandbox:
            query = select(table.c.kind, table.c.reason).where(*mine)
            assert sandbox.connection.execute(query).all() == []


@on_sqlite
def test_any_proof(runtime):
    """Without shrinking, as in test_any_journey.py."""

    class Here(Proofs):
        pass

    Here.runtime = runtime
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=15,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate],
        ),
    )

"""Whatever is refunded, held, ended, taken back and cancelled, in any order: the sums are right."""

from hypothesis import HealthCheck, Phase, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from mockpay.delivery import outbox
from mockpay.delivery.clock import Until
from mockpay.domain.methods.upi import Upi
from mockpay.domain.methods.wallet import Wallet
from mockpay.domain.orders import PAID
from mockpay.kernel.errors import Conflict, Invalid
from mockpay.services.refunds import refund_settlement
from mockpay.services.refunds.refunds import RefundResult
from mockpay.store import outbox as outbox_rows
from tests.factories import IPN_URL, World
from tests.services.ledger import RICH

AMOUNTS = ["499.00", "1705.02", "1705.05", "1705.12", "1708.01", "1708.02", "1708.03", "1703.08"]
PARTS = [
    "1.00",
    "24.01",
    "24.02",
    "24.04",
    "24.05",
    "24.06",
    "24.07",
    "24.08",
    "24.12",
    "100.00",
    "250.00",
    "499.00",
    "0.50",
    "0.01",
]
ANSWERS = [200, 200, 500, 404]
#: Reserving: what a refund holds of the captured money.
RESERVING = {"PENDING", "COMPLETED"}


class Refunds(RuleBasedStateMachine):
    """One order that is paid; every step happens whole or is refused as a conflict."""

    runtime = None
    post = None

    @initialize(
        amount=st.sampled_from(AMOUNTS),
        instrument=st.sampled_from([Upi("success@mockpay"), Wallet(RICH)]),
        manual=st.sampled_from([False, False, True]),
        polls=st.sampled_from([0, 0, 2]),
    )
    def begin(self, amount, instrument, manual, polls):
        self.world = World.new(
            self.runtime, ipn_url=IPN_URL, capture="manual" if manual else "auto", refund_settle_polls=polls
        )
        self.order = self.world.order(amount=amount)
        self.world.pay_with(self.order, instrument)
        self.asked = {}

    def allowed(self, act, *args, **wish):
        """What the state does not allow is refused, and changes nothing."""
        before = self.picture()
        try:
            return act(*args, **wish)
        except (Conflict, Invalid):
            assert self.picture() == before
            return None

    def picture(self):
        return self.world.get_order(self.order), self.world.attempts(self.order), self.refunds()

    def refunds(self):
        return self.world.refunds(self.order)

    def one_of(self, number):
        found = self.refunds()
        assume(found)
        return found[number % len(found)]

    @rule(amount=st.sampled_from(PARTS), key=st.integers(0, 9))
    def refund(self, amount, key):
        asked = self.allowed(self.world.request_refund, self.order, amount, f"R-{key}")
        self.remember(key, amount, asked)

    @rule()
    def refund_in_full(self):
        total = self.order.amount.wire()
        self.remember("F", total, self.allowed(self.world.request_refund, self.order, total, "R-F"))

    def remember(self, key, amount, asked: RefundResult | None):
        """The same again is the same refund."""
        if asked is None or asked.refund is None:
            return
        known = self.asked.setdefault(key, (amount, asked.refund.refund_id))
        assert known == (amount, asked.refund.refund_id)

    @rule(number=st.integers(0, 9), how=st.sampled_from(["complete", "decline", "hold", "release"]))
    def settle(self, number, how):
        self.allowed(self.world.settle_refund, self.one_of(number), how)

    @rule(number=st.integers(0, 9))
    def take_back(self, number):
        refund = self.one_of(number)
        with self.world.transaction() as sandbox:
            self.allowed(refund_settlement.reverse, sandbox, refund.refund_id)

    @rule(number=st.integers(0, 9))
    def poll(self, number):
        self.world.poll(self.one_of(number))

    @rule()
    def cancel(self):
        self.allowed(self.world.cancel_by_seller, self.order)

    @rule()
    def capture(self):
        self.allowed(self.world.capture, self.order)

    @rule(seconds=st.sampled_from([0, 1, 4, 5, 30, 3_600, 500_000]))
    def advance(self, seconds):
        self.post.answers = ANSWERS[:]
        assert self.world.advance(seconds).complete

    @rule()
    def go_on(self):
        assert self.world.advance_to(Until.NEXT).complete

    @rule()
    def die_while_sending(self):
        """A process claims what waits and is gone; its lease lapses."""
        while outbox.claim(self.world.runtime):
            pass
        assert self.world.violations() == []
        self.world.runtime.real_clock.move(outbox_rows.LEASE_MS)

    @rule(number=st.integers(0, 20))
    def deliver_again(self, number):
        found = self.world.notifications(self.order)
        assume(found)
        self.allowed(self.world.deliver, found[number % len(found)].notification_id)

    @invariant()
    def no_more_is_given_back_than_was_taken(self):
        order, tries, found = self.picture()
        captured = sum(one.captured_minor for one in tries)
        held = sum(one.amount.minor for one in found if one.state in RESERVING)
        done = sum(one.amount.minor for one in found if one.state == "COMPLETED")
        assert held <= captured
        if tries[-1].state == "REVERSED":
            assert (order.refunded_minor, held) == (captured, 0)
        else:
            assert order.refunded_minor == done
            assert tries[-1].refund_reserved_minor == held
        if order.state in PAID:
            full = "REFUNDED" if order.refunded_minor == captured else "PARTIALLY_REFUNDED"
            assert order.state == (full if order.refunded_minor else "PAID")
        else:
            assert (captured, found) == (0, [])

    @invariant()
    def the_audit_finds_nothing(self):
        assert self.world.violations() == []

    def teardown(self):
        """In the end nothing waits but what a tester holds or a poll must settle."""
        if not hasattr(self, "world"):
            return
        self.post.answers = []
        assert self.world.advance_until_idle().complete
        for one in self.refunds():
            waits = one.held or one.polls_left is not None
            assert one.state != "PENDING" or waits, one
        assert {one.state for one in self.world.notifications(self.order)} <= {"DELIVERED", "DEAD", "SUPPRESSED"}
        gap_free(self.world.timeline(self.order))
        assert self.world.violations() == []


def gap_free(story):
    """Every line begins where the one before ended; taking one to send it tells nothing."""
    now = {}
    for event in story:
        before = event.before
        if event.machine == "notification" and before == "SENDING":
            before = now[event.subject]
            assert before in {"QUEUED", "RETRY_WAIT"}, event
        assert before == now.get(event.subject), event
        now[event.subject] = event.after


def test_any_refund(runtime, post):
    """Without shrinking, as any journey; on both databases."""

    class Here(Refunds):
        pass

    Here.runtime, Here.post = runtime, post
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=6,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate],
        ),
    )

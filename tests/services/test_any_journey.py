"""Whatever buyer, seller and clock do, in any order: the money and the states agree."""

import pytest
from hypothesis import HealthCheck, Phase, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from mockpay.delivery import scheduler
from mockpay.delivery.clock import Until
from mockpay.delivery.sender_pool import send_waiting
from mockpay.domain.orders import PAID
from mockpay.domain.payments.attempts import LIVE
from mockpay.domain.scenarios.resolution import TABLE, Input
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Conflict
from mockpay.services.payments import settlement
from mockpay.services.payments.captures import give_up
from mockpay.store import outbox as outbox_rows
from tests.factories import World, on_sqlite

VPAS = [row.equals.replace("*", "who") for row in TABLE if row.input == Input.VPA]
#: The interesting ones more often than one more code that declines.
MOST = ["success@mockpay", "pendingok@mockpay", "deemed@mockpay", "late@mockpay", "asha@okbank"]
AMOUNTS = ["499.00", "1700.51", "1703.08"]


class Journeys(RuleBasedStateMachine):
    """Two orders of one seller; every step either happens whole or is refused as a conflict."""

    runtime = None

    @initialize(amounts=st.tuples(*[st.sampled_from(AMOUNTS)] * 2), tries=st.integers(1, 4))
    def begin(self, amounts, tries):
        self.world = World.new(self.runtime, max_attempts=tries)
        self.amounts = amounts
        self.orders = [self.world.order(f"O-{n}", amount) for n, amount in enumerate(amounts)]
        self.payloads = 0

    def order(self, which):
        return self.orders[which]

    def last(self, which):
        tries = self.world.attempts(self.order(which))
        assume(tries)
        return tries[-1]

    def may_conflict(self, act, *args):
        """A step that the state does not allow is refused, by nothing but a Conflict."""
        before = [self.world.states(order) for order in self.orders]
        try:
            return act(*args)
        except Conflict:
            assert [self.world.states(order) for order in self.orders] == before
            return None

    which = st.integers(0, 1)

    @rule(which=which, vpa=st.sampled_from(MOST) | st.sampled_from(VPAS) | st.none())
    def pay(self, which, vpa):
        self.may_conflict(self.world.pay, self.order(which), vpa)

    @rule(which=which, vpa=st.sampled_from(MOST))
    def pay_and_die_before_sending(self, which, vpa):
        self.may_conflict(self.world.create_attempt, self.order(which), vpa)

    @rule(which=which, pin=st.sampled_from(["1234", "0000", "9999"]))
    def approve(self, which, pin):
        self.world.approve(self.last(which), pin)

    @rule(which=which)
    def decline(self, which):
        self.world.decline(self.last(which))

    @rule(which=which)
    def approve_late(self, which):
        attempt = self.last(which)
        assume(attempt.state == "AUTH_PENDING")
        with self.world.transaction() as sandbox:
            settlement.approve_after_expiry(sandbox, attempt.attempt_id)

    @rule(which=which)
    def cancel(self, which):
        self.may_conflict(self.world.cancel, self.order(which))

    @rule(which=which)
    def leave(self, which):
        with self.world.transaction() as sandbox:
            give_up(sandbox, self.world._fresh(sandbox, self.order(which)))

    @rule(which=which, code=st.sampled_from(["00", "U30", "reversed"]))
    def settle(self, which, code):
        attempt = self.last(which)
        with self.world.transaction() as sandbox:
            self.may_conflict(settlement.settle, sandbox, attempt.attempt_id, code)

    @rule(which=which)
    def begin_again(self, which):
        """A new payload: the order that is there, or a new one in place of a closed one."""
        self.payloads += 1
        payload = f"payload {self.payloads}"
        begun = self.world.begin(f"O-{which}", self.amounts[which], digest=payload)
        assert begun.new == (self.world.get_order(self.order(which)).state in {"FAILED", "CANCELLED", "EXPIRED"})
        self.orders[which] = begun.order

    @rule(seconds=st.sampled_from([0, 1, 5, 10, 30, 299, 300, 899, 900, 901, 5_000]))
    def advance(self, seconds):
        self.settle_down()
        assert self.world.advance(seconds).complete

    @rule(seconds=st.sampled_from([1, 299, 300, 901]))
    def jump_unnoticed(self, seconds):
        """The clock is set, and nobody has fired what became due."""
        self.world.set_clock(None, self.world.now() + seconds * SECOND)

    @rule(seconds=st.sampled_from([1, 600]))
    def set_back(self, seconds):
        self.world.set_clock(None, self.world.now() - seconds * SECOND)

    @rule()
    def fire(self):
        scheduler.fire_present(self.world.runtime, self.world.seller_id)

    @rule(goal=st.sampled_from(Until))
    def go_on(self, goal):
        self.settle_down()
        assert self.world.advance_to(goal).complete

    def settle_down(self):
        """What a dead process left is taken up, so that an advance need not wait for it."""
        self.world.runtime.real_clock.move(outbox_rows.LEASE_MS)
        while send_waiting(self.world.runtime, self.world.seller_id):
            pass

    @invariant()
    def money_and_states_agree(self):
        for order in self.orders:
            state, tries = self.world.get_order(order).state, self.world.attempts(order)
            captured = [one for one in tries if one.state == "CAPTURED"]
            assert len(captured) <= 1
            assert not captured or state == "PAID"
            assert state != "PAID" or captured
            assert sum(one.captured_minor for one in tries) in ({order.amount.minor} if state in PAID else {0})
            assert sum(one.state in LIVE for one in tries) <= 1
            assert len(tries) <= self.world_tries()

    def world_tries(self):
        with self.world.read() as sandbox:
            return sandbox.seller.settings.max_attempts

    @invariant()
    def the_audit_finds_nothing(self):
        assert self.world.violations() == []

    def teardown(self):
        """In the end every story ends."""
        if not hasattr(self, "world"):
            return
        self.settle_down()
        assert self.world.advance_until_idle().complete
        for order in self.orders:
            states = self.world.states(order)
            assert states[0] not in {"CREATED", "PENDING"}, states
            assert not {*states[1:]} & (set(LIVE) - {"PENDING"}), states
            gap_free(self.world.timeline(order))


def gap_free(story):
    now = {}
    for event in story:
        assert event.before == now.get(event.subject), event
        now[event.subject] = event.after


@on_sqlite
def test_any_journey(runtime):
    """Without shrinking: every step costs transactions, and a story of 20 steps can be read."""

    class Here(Journeys):
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


def test_a_gap_in_a_timeline_would_be_noticed(world):
    """The check that the machine relies on can fail."""
    order = world.order()
    world.pay(order)
    story = world.timeline(order)
    gap_free(story)
    with pytest.raises(AssertionError):
        gap_free(story[:2] + story[3:])

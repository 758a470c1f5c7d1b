"""
Whatever is adjusted, given, added, reloaded, spent, cancelled, refunded, reversed, capped and frozen: the ledger holds.

MOCKPAY_WALLET_RUNS=1000 runs it a thousand times.
"""

import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from mockpay.domain.buyers import Kyc
from mockpay.domain.wallet.auto_reload import ReloadSettings
from mockpay.domain.wallet.limits import Status
from mockpay.kernel.clock import DAY, SECOND
from mockpay.kernel.errors import Conflict, Invalid
from mockpay.kernel.money import Money
from mockpay.services import buyers
from mockpay.services.refunds import refund_settlement
from mockpay.services.wallet import corrections, reload_runs, reload_settings, top_ups
from mockpay.services.wallet.corrections import Part
from mockpay.services.wallet.overview import overview
from mockpay.store import auto_reloads
from mockpay.store.reads.wallet_entries import EntryFilter, entries_page
from mockpay.vault import saved_methods
from mockpay.vault.rules import RELOAD_TEXT, consent, consent_to
from tests.factories import World
from tests.services.ledger import ASHA, by_balance, payable, top_up

#: In paise: below, at and above the caps of a minimum KYC.
AMOUNTS = st.sampled_from([1, 99, 100, 5_000, 49_900, 250_000, 999_999, 1_000_000, 1_000_001])
CAPS = st.sampled_from([None, 0, 10_000, 500_000])
FAULTS = st.sampled_from([None, None, "noresponse", "noresponsefail"])


class Wallets(RuleBasedStateMachine):
    """One buyer of one seller; every verb happens whole or is refused as a conflict."""

    runtime = None

    @initialize(profile=st.sampled_from(Kyc))
    def begin(self, profile):
        self.world = World.new(self.runtime)
        self.orders, self.count = [], 0
        self.set(profile=profile)
        with self.world.transaction() as sandbox:
            self.buyer_id = buyers.ensure(sandbox, ASHA).buyer_id
            self.tokens = [
                saved_methods.save(sandbox, self.buyer_id, self.world.card(number), consent(sandbox.now, "test")).token
                for number in ("4718609108204366", "4100280000080001")
            ]

    def set(self, **changes):
        with self.world.transaction() as sandbox:
            corrections.change_profile(sandbox, ASHA, **changes)

    def overview(self):
        with self.world.read() as sandbox:
            return overview(sandbox, ASHA)

    def allowed(self, act, *args, **more):
        before = self.overview()
        try:
            return act(*args, **more)
        except (Conflict, Invalid):
            assert self.overview() == before
            return None

    def next(self):
        self.count += 1
        return f"N-{self.count}"

    @rule(minor=AMOUNTS, sign=st.sampled_from([1, 1, -1]), part=st.sampled_from(Part))
    def adjust(self, minor, sign, part):
        def act():
            with self.world.transaction() as sandbox:
                corrections.adjust(sandbox, ASHA, part, sign * minor)

        self.allowed(act)

    @rule(minor=AMOUNTS, days=st.integers(1, 40))
    def give(self, minor, days):
        def act():
            with self.world.transaction() as sandbox:
                corrections.adjust(sandbox, ASHA, Part.GIFT, minor, expires_at=sandbox.now + days * DAY)

        self.allowed(act)

    @rule(minor=AMOUNTS)
    def load(self, minor):
        before = self.overview()
        journal = self.allowed(top_up, self.world, minor, key=self.next())
        may = before.may_add is None or minor <= before.may_add.minor
        assert (journal is not None) == may, (minor, before)

    @rule(minor=AMOUNTS.filter(lambda minor: minor >= 100))
    def add_money(self, minor):
        def act():
            with self.world.transaction() as sandbox:
                order = top_ups.open_order(sandbox, ASHA, Money(minor), "/account/wallet")
            self.world.pay(order)
            return order

        order = self.allowed(act)
        if order is not None:
            self.orders.append(order)

    @rule(minor=AMOUNTS.filter(lambda minor: minor >= 100), fault=FAULTS)
    def spend(self, minor, fault):
        before = self.overview()
        if fault:
            self.world.add_rule(fault, stage="gateway")
        order = self.world.order(self.next(), f"{minor // 100}.{minor % 100:02d}")
        by_balance(self.world, order)
        attempts = self.world.attempts(order)
        if attempts[-1].state not in {"AUTH_PENDING", "RISK_REVIEW"}:
            taken = minor <= before.may_spend.minor
            with self.world.read() as sandbox:
                waits = auto_reloads.is_waiting(sandbox, attempts[-1].attempt_id)
            assert (attempts[-1].state != "FAILED") == (taken or waits), (attempts[-1], before)
            assert not (taken and waits)
        self.orders.append(order)

    @rule(place=st.integers(0, 99))
    def cancel(self, place):
        if self.orders:
            self.allowed(self.world.cancel_by_seller, self.orders[place % len(self.orders)])

    @rule(place=st.integers(0, 99), amount=st.sampled_from(["1.00", "24.01", "24.12", "50.00", "499.00"]))
    def refund(self, place, amount):
        if self.orders:
            self.allowed(self.world.request_refund, self.orders[place % len(self.orders)], amount, self.next())

    @rule(place=st.integers(0, 99))
    def take_back(self, place):
        if not self.orders:
            return
        for refund in self.world.refunds(self.orders[place % len(self.orders)]):

            def act(refund_id=refund.refund_id):
                with self.world.transaction() as sandbox:
                    refund_settlement.reverse(sandbox, refund_id)

            self.allowed(act)

    @rule(place=st.integers(0, 99))
    def reverse(self, place):
        with self.world.read() as sandbox:
            entries = entries_page(sandbox, ASHA, EntryFilter(), limit=200).items
        if not entries:
            return
        entry = entries[place % len(entries)]

        def act():
            with self.world.transaction() as sandbox:
                return corrections.reverse(sandbox, ASHA, entry.journal.number)

        assert not (self.allowed(act) and entry.reversed_by), "an entry was reversed twice"

    @rule(
        card=st.sampled_from([0, 0, 1]),
        threshold=st.sampled_from([0, 10_000, 500_000]),
        amount=st.sampled_from([10_000, 100_000, 900_000]),
        times=st.sampled_from([1, 3]),
        cap=st.sampled_from([None, 900_000]),
        just_in_time=st.booleans(),
    )
    def reload_by_itself(self, card, threshold, amount, times, cap, just_in_time):
        limit = None if cap is None else Money(cap)
        terms = ReloadSettings(
            Money(threshold), Money(amount), self.tokens[card], times, limit, limit, just_in_time=just_in_time
        )

        def act():
            with self.world.transaction() as sandbox:
                agreed = consent_to(RELOAD_TEXT, sandbox.now, "test")
                reload_settings.change(sandbox, ASHA, terms, agreed)

        self.allowed(act)

    @rule()
    def reload_off(self):
        with self.world.transaction() as sandbox:
            reload_settings.switch_off(sandbox, ASHA)

    @rule(fault=st.sampled_from([None, None, "51", "pending", "pendingok", "late", "deemedfail"]))
    def reload_now(self, fault):
        if fault:
            self.world.add_rule(fault, match={"kind": "reload"}, times=1)
        with self.world.transaction() as sandbox:
            reload_runs.trigger(sandbox, ASHA)

    @rule(cap=CAPS, spend=CAPS, load=CAPS)
    def cap(self, cap, spend, load):
        self.set(own={"balance_cap": cap, "monthly_spend_cap": spend, "monthly_load_cap": load})

    @rule(status=st.sampled_from(Status))
    def freeze(self, status):
        self.set(status=status)

    @rule(seconds=st.sampled_from([0, 6, 3_600, DAY // SECOND, 31 * DAY // SECOND]))
    def wait(self, seconds):
        self.world.advance(seconds)

    @invariant()
    def the_ledger_holds(self):
        if not hasattr(self, "world"):
            return
        assert self.world.violations() == []
        wallet = self.overview()
        with self.world.read() as sandbox:
            entries = entries_page(sandbox, ASHA, EntryFilter(), limit=200).items
        if entries:
            newest = max(entries, key=lambda entry: entry.journal.number)
            assert newest.journal.balance_after == wallet.figures.balance

    def teardown(self):
        if not hasattr(self, "world"):
            return
        self.set(status=Status.ACTIVE)
        self.world.advance_until_idle()
        assert self.world.violations() == []
        assert self.overview().figures.on_hold.minor == 0
        with self.world.read() as sandbox:
            assert auto_reloads.unfinished_run(sandbox, ASHA) is None
        assert payable(self.world)[0] >= 0


def test_whatever_happens_to_a_wallet_its_ledger_holds(runtime):
    class Here(Wallets):
        pass

    Here.runtime = runtime
    runs = int(os.environ.get("MOCKPAY_WALLET_RUNS", "6"))
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=runs,
            stateful_step_count=20,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )

"""The audit finds what was broken of a reload by SQL, and says what and where."""

import pytest
from sqlalchemy import update

from mockpay.domain.orders import OrderKind
from mockpay.kernel.money import Money
from mockpay.services.wallet import top_ups
from mockpay.store.auto_reloads import reloads, runs, wait
from mockpay.store.orders import orders
from tests.services.ledger import ASHA
from tests.services.reloads import settle, spend, trigger

#: What is broken of a reload that has succeeded, and the rule that it breaks.
BROKEN = {
    "an entry that is another's": ("reload.credit", update(runs).values(journal=1)),
    "no entry": ("reload.credit", update(runs).values(journal=None)),
    "another amount": ("reload.credit", update(runs).values(amount_minor=1_000_01)),
    "an entry of a failed run": ("reload.credit", update(runs).values(state="FAILED")),
    "a second try": ("reload.once", update(orders).where(orders.c.kind == "reload").values(attempt_count=2)),
    "no run under way": ("reload.state", update(reloads).values(state="CHARGING")),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_of_a_reload_is_found(asha, name):
    spend(asha, "200.00")
    settle(asha)
    rule, statement = BROKEN[name]
    with asha.transaction() as sandbox:
        sandbox.connection.execute(statement)
    assert {violation.rule for violation in asha.violations()} == {rule}


def test_a_reload_that_lost_its_order_and_an_order_that_lost_its_run_are_found(asha):
    asha.add_rule("pending", match={"kind": "reload"})
    trigger(asha)
    settle(asha)
    with asha.transaction() as sandbox:
        sandbox.connection.execute(update(runs).values(order_id=None))
    assert {violation.rule for violation in asha.violations()} == {"reload.charge", "reload.order"}


def test_an_order_of_auto_reload_without_a_run_is_found(world):
    with world.transaction() as sandbox:
        order = top_ups.open_order(sandbox, ASHA, Money(500_00), "/account/wallet", OrderKind.RELOAD)
    assert [(each.rule, each.subject) for each in world.violations()] == [("reload.order", order.order_id)]


def test_a_payment_that_waits_for_nothing_is_found(asha):
    attempt = spend(asha, "50.00")
    with asha.transaction() as sandbox:
        wait(sandbox, ASHA, attempt.attempt_id)
    assert [(each.rule, each.subject) for each in asha.violations()] == [("reload.waiting", attempt.attempt_id)]


def test_a_payment_that_waits_for_a_run_that_ended_is_found(asha):
    asha.add_rule("pending", match={"method": "wallet"})
    attempt = spend(asha, "50.00")
    assert attempt.state == "PENDING"
    with asha.transaction() as sandbox:
        wait(sandbox, ASHA, attempt.attempt_id)
    assert [each.rule for each in asha.violations()] == ["reload.waiting"]
    trigger(asha)
    assert asha.violations() == []

"""Orders that fill a wallet: paid like any, credited once, told to no seller, and sent back where a limit is reached."""

import pytest
from sqlalchemy import update

from mockpay.domain.methods.upi import Upi
from mockpay.domain.methods.wallet import Wallet
from mockpay.domain.orders import OrderKind
from mockpay.domain.wallet.ledger import load_key
from mockpay.domain.wallet.limits import Status
from mockpay.kernel.errors import Conflict, Invalid
from mockpay.kernel.money import Money
from mockpay.services.sellers import accounts as sellers
from mockpay.services.sellers.accounts import Changes
from mockpay.services.wallet import corrections, top_ups
from mockpay.store import notifications, transitions, wallet
from mockpay.store.attempts import attempts
from tests.factories import run_concurrently
from tests.services.ledger import ASHA, RICH, balances, by_balance

MINKYC = "minkyc@buyers.mockpay.test"
PAYS, FAILS = Upi("success@mockpay"), Upi("failure@mockpay")


def open_order(world, amount="500.00", owner=ASHA, kind=OrderKind.TOPUP):
    with world.transaction() as sandbox:
        return top_ups.open_order(sandbox, owner, Money.parse(amount), "/account/wallet", kind)


def events(world, order):
    with world.read() as sandbox:
        return [event.event for event in transitions.of_order(sandbox, order.order_pk) if event.machine == "order"]


def test_a_paid_order_is_credited_once_and_no_seller_is_told(world):
    with world.transaction() as sandbox:
        sellers.change(sandbox, Changes(ipn_url="http://127.0.0.1:1/ipn"))
    order = open_order(world)
    assert (order.kind, order.provider, order.wallet_owner) == ("topup", "", ASHA)
    assert balances(world) == (0, 0)
    attempt = world.pay_with(order, PAYS)
    assert world.states(order) == ("PAID", "CAPTURED")
    assert balances(world) == (500_00, 0)
    assert events(world, order) == ["opened", "attempt_started", "attempt_captured", "credited"]
    with world.read() as sandbox:
        entry = wallet.find(sandbox, load_key(order.order_id))
        assert notifications.of_order(sandbox, order.order_pk) == []
    assert (entry.type, entry.change_minor, entry.attempt_id) == ("TOPUP", 500_00, attempt.attempt_id)
    assert world.violations() == []


def test_a_reload_is_an_entry_of_its_own_kind(world):
    order = open_order(world, kind=OrderKind.RELOAD)
    world.pay_with(order, PAYS)
    with world.read() as sandbox:
        assert wallet.find(sandbox, load_key(order.order_id)).type == "AUTO_RELOAD"
    assert [violation.rule for violation in world.violations()] == ["reload.order"]  # no run asked for it


def test_a_failed_try_credits_nothing(world):
    order = open_order(world)
    world.pay_with(order, FAILS)
    assert world.states(order) == ("PENDING", "FAILED")
    assert balances(world) == (0, 0)
    assert world.violations() == []


def test_the_credited_money_pays(world):
    world.pay_with(open_order(world), PAYS)
    assert by_balance(world, world.order(amount="499.00")).state == "CAPTURED"
    assert balances(world) == (1_00, 0)


def test_no_balance_adds_money_to_another(world):
    order = open_order(world, "50.00")
    with pytest.raises(Conflict) as caught:
        world.pay_with(order, Wallet(RICH))
    assert (caught.value.code, caught.value.detail["because"]) == ("method.unavailable", "fills_wallet")
    assert world.states(order)[0] == "CREATED"


def test_less_than_a_rupee_and_more_than_a_limit_are_refused_before_there_is_an_order(world):
    with pytest.raises(Invalid) as small:
        open_order(world, "0.99")
    assert (small.value.code, small.value.detail["field"]) == ("amount.too_small", "amount")
    assert open_order(world, "1.00").amount.minor == 100
    with pytest.raises(Conflict) as large:
        open_order(world, "500.01", MINKYC)
    assert (large.value.code, large.value.detail["left"]) == ("wallet_balance_cap", "500.00")
    assert open_order(world, "500.00", MINKYC).seller_order_id == "topup-2"


def test_what_no_longer_fits_when_it_is_paid_is_sent_back(world):
    first, second = (open_order(world, "400.00", MINKYC) for _ in range(2))
    world.pay_with(first, PAYS)
    world.pay_with(second, PAYS)
    world.advance_until_idle()
    assert world.states(first) == ("PAID", "CAPTURED")
    assert world.states(second) == ("REFUNDED", "REVERSED")
    assert events(world, second)[-2:] == ["not_credited", "refund_completed_in_full"]
    assert balances(world, MINKYC) == (9_900_00, 0)
    assert world.violations() == []


def test_twenty_payments_at_once_never_lift_a_balance_above_its_cap(world):
    """500.00 fit: five orders of 100.00, whoever comes first; the others get their money back."""
    made = [open_order(world, "100.00", MINKYC) for _ in range(20)]
    run_concurrently(20, lambda index: world.pay_with(made[index], PAYS))
    world.advance_until_idle()
    states = sorted(world.states(order) for order in made)
    assert states == [("PAID", "CAPTURED")] * 5 + [("REFUNDED", "REVERSED")] * 15
    assert balances(world, MINKYC) == (10_000_00, 0)
    assert world.violations() == []


def test_a_seller_who_captures_by_hand_is_not_waited_for(world):
    with world.transaction() as sandbox:
        sellers.change(sandbox, Changes(settings={"capture": "manual"}))
    order = open_order(world)
    world.pay_with(order, PAYS)
    assert world.states(order) == ("PAID", "CAPTURED")
    assert balances(world) == (500_00, 0)


def test_a_part_that_was_captured_is_what_is_credited(world):
    world.add_rule("partial", stage="capture")
    order = open_order(world)
    world.pay_with(order, PAYS)
    assert balances(world) == (250_00, 0)
    assert world.violations() == []


def test_a_failure_that_only_a_seller_would_hear_of_changes_nothing(world):
    world.add_rule("failure_though_captured", stage="redirect")
    order = open_order(world)
    world.pay_with(order, PAYS)
    world.advance_until_idle()
    assert world.states(order) == ("PAID", "CAPTURED")
    assert balances(world) == (500_00, 0)


def test_a_seller_may_use_the_same_reference(world):
    filling = open_order(world)
    paying = world.order(filling.seller_order_id)
    assert paying.order_pk != filling.order_pk
    assert open_order(world).seller_order_id == "topup-2"


def test_a_credit_without_its_journal_breaks_the_audit(world):
    order = open_order(world)
    attempt = world.pay_with(order, PAYS)
    with world.transaction() as sandbox:
        sandbox.connection.execute(update(attempts).values(state="VOIDED").where(attempts.c.order_pk == order.order_pk))
    assert ("wallet.load", attempt.attempt_id) in {(each.rule, each.subject) for each in world.violations()}


def test_captured_money_that_is_neither_credited_nor_goes_back_breaks_the_audit(world):
    order = open_order(world, "400.00", MINKYC)
    with world.transaction() as sandbox:
        corrections.change_profile(sandbox, MINKYC, status=Status.FROZEN)
    attempt = world.pay_with(order, PAYS)
    world.advance_until_idle()
    assert (world.states(order), world.violations()) == (("REFUNDED", "REVERSED"), [])
    with world.transaction() as sandbox:
        sandbox.connection.execute(
            update(attempts).values(state="CAPTURED").where(attempts.c.order_pk == order.order_pk)
        )
    assert ("wallet.load", attempt.attempt_id) in {(each.rule, each.subject) for each in world.violations()}

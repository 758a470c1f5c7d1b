"""Added money goes back to what paid it: the balance pays a refund when it is accepted and has it again where it fails."""

import pytest
from sqlalchemy import insert, update

from mockpay.domain.methods.netbanking import NetBanking
from mockpay.domain.refunds import RefundRequest
from mockpay.domain.wallet.ledger import load_key, load_refund_key
from mockpay.domain.wallet.limits import Status
from mockpay.kernel.clock import DAY
from mockpay.kernel.errors import Conflict
from mockpay.kernel.money import Money
from mockpay.services.payments.transitions import get_order
from mockpay.services.refunds import refunds
from mockpay.services.sellers import accounts as sellers
from mockpay.services.sellers.accounts import Changes
from mockpay.services.wallet import corrections
from mockpay.services.wallet.corrections import Part
from mockpay.services.wallet.overview import overview
from mockpay.store import gifts, wallet
from mockpay.store.attempts import attempts
from mockpay.store.orders import orders
from mockpay.store.wallet import journals
from tests.factories import run_concurrently
from tests.services.ledger import ASHA, RICH, balances, by_balance, payable
from tests.services.test_top_ups import PAYS, open_order


def paid(world, amount="500.00", instrument=PAYS, **more):
    order = open_order(world, amount, **more)
    world.pay_with(order, instrument)
    assert world.states(order) == ("PAID", "CAPTURED")
    return order


def refused(act, *args, **more):
    with pytest.raises(Conflict) as caught:
        act(*args, **more)
    return caught.value.code


def reverse_credit(world, order):
    with world.transaction() as sandbox:
        credited = wallet.find(sandbox, load_key(order.order_id))
        return corrections.reverse(sandbox, credited.owner, credited.number)


def journal_of(world, refund):
    with world.read() as sandbox:
        return wallet.find(sandbox, load_refund_key(refund.refund_id))


def loaded(world, owner=ASHA):
    """What counts as loaded this month, in paise."""
    with world.read() as sandbox:
        allowances = overview(sandbox, owner).allowances
    return 10_000_00 - allowances["monthly_load_cap"].amount.minor


def test_a_card_that_added_money_gets_it_back_and_no_seller_is_told(world):
    with world.transaction() as sandbox:
        sellers.change(sandbox, Changes(ipn_url="http://127.0.0.1:1/ipn"))
    order = paid(world, instrument=world.card("4718609108204366"))
    refund = world.refund(order, "200.00")
    assert refund.destination["method"] == "card"
    assert refund.destination["last4"] == "4366"
    assert (balances(world), payable(world)) == ((300_00, 0), (0, -300_00)), "it leaves when the refund is accepted"
    debit = journal_of(world, refund)
    assert (debit.type, debit.change_minor, debit.direction) == ("TOPUP_REFUND", -200_00, "DEBIT")
    assert (debit.refund_id, debit.attempt_id) == (refund.refund_id, refund.attempt_id)
    assert world.violations() == []
    world.advance(60)
    (refund,) = world.refunds(order)
    assert (refund.state, refund.bank_reference_kind) == ("COMPLETED", "ARN")
    assert world.states(order) == ("PARTIALLY_REFUNDED", "CAPTURED")
    assert balances(world) == (300_00, 0)
    world.refund(order, "300.00", "R-2")
    world.advance(60)
    assert world.states(order) == ("REFUNDED", "CAPTURED")
    assert (balances(world), payable(world)) == ((0, 0), (0, 0))
    assert world.notifications(order) == []
    assert world.violations() == []


def test_upi_and_net_banking_get_it_back_in_their_own_way(world):
    ways = [(PAYS, "RRN"), (NetBanking("MKS1"), "UTR")]
    for place, (instrument, number) in enumerate(ways):
        order = paid(world, "100.00", instrument)
        world.refund(order, "100.00", f"R-{place}")
        world.advance(60)
        assert world.states(order) == ("REFUNDED", "CAPTURED")
        assert world.refunds(order)[0].bank_reference_kind == number
    assert (balances(world), world.violations()) == ((0, 0), [])


def test_a_declined_refund_gives_the_balance_its_money_back(world):
    order = paid(world)
    refund = world.refund(order, "24.02")
    assert balances(world) == (475_98, 0)
    world.advance(60)
    assert [each.state for each in world.refunds(order)] == ["DECLINED"]
    assert (balances(world), payable(world)) == ((500_00, 0), (0, -500_00))
    with world.read() as sandbox:
        back = wallet.reversal_of(sandbox, journal_of(world, refund).number)
    assert (back.type, back.change_minor, back.refund_id, back.over_cap) == ("REVERSAL", 24_02, refund.refund_id, False)
    assert world.states(order) == ("PAID", "CAPTURED")
    assert world.violations() == []
    assert world.refund(order, "500.00", "R-2"), "what was declined can be refunded again"
    assert world.violations() == []


def test_a_refund_that_the_bank_takes_back_is_the_balances_again(world):
    order = paid(world)
    world.refund(order, "24.12")
    world.advance(6)
    assert [each.state for each in world.refunds(order)] == ["COMPLETED"]
    assert balances(world) == (475_88, 0)
    world.advance(60)
    assert [each.state for each in world.refunds(order)] == ["REVERSED"]
    assert (balances(world), payable(world)) == ((500_00, 0), (0, -500_00))
    assert world.states(order) == ("PAID", "CAPTURED")
    assert world.violations() == []


def test_a_refund_that_waits_for_a_tester_is_paid_by_the_balance_meanwhile(world):
    order = paid(world)
    refund = world.refund(order, "24.04")
    world.advance_until_idle()
    assert (balances(world), world.violations()) == ((475_96, 0), [])
    world.settle_refund(refund, "release")
    world.settle_refund(refund, "decline")
    assert refused(world.settle_refund, refund, "decline") == "transition.illegal"
    assert (balances(world), world.violations()) == ((500_00, 0), [])


def test_never_more_than_was_added_and_the_same_request_once(world):
    order = paid(world)
    with world.transaction() as sandbox:
        corrections.adjust(sandbox, ASHA, Part.MONEY, 900_00)
    assert refused(world.refund, order, "500.01") == "refund.exceeds_capture"
    first = world.refund(order, "400.00")
    assert world.refund(order, "400.00") == first
    assert refused(world.refund, order, "100.01", "R-2") == "refund.exceeds_capture"
    world.refund(order, "100.00", "R-2")
    assert refused(world.refund, order, "0.01", "R-3") == "refund.exceeds_capture"
    assert (balances(world), world.violations()) == ((900_00, 0), [])


def test_a_balance_that_lacks_the_money_refuses_and_says_what_is_left(world):
    order = paid(world)
    with world.transaction() as sandbox:
        corrections.adjust(sandbox, ASHA, Part.GIFT, 400_00)
        corrections.adjust(sandbox, ASHA, Part.MONEY, -200_00)
    with pytest.raises(Conflict) as caught:
        world.refund(order, "300.01")
    assert (caught.value.code, caught.value.detail) == ("wallet.insufficient", {"field": "amount", "left": "300.00"})
    assert caught.value.message == "The balance has only ₹300.00 of money left, so ₹300.01 cannot be taken from it."
    assert world.refunds(order) == []
    assert world.attempts(order)[0].refund_reserved_minor == 0
    world.refund(order, "300.00")
    with world.read() as sandbox:
        assert overview(sandbox, ASHA).figures.balance.minor == 400_00, "gifts stay"
    assert world.violations() == []


def test_a_refund_that_is_refused_in_the_transaction_of_others_leaves_nothing(world):
    order = paid(world)
    world.add_rule("held", stage="refund")
    by_balance(world, world.order("SPENT"))
    for amount in ("2.00", "500.00"):
        with world.transaction() as sandbox:
            request = RefundRequest("R-1", Money.parse(amount))
            assert refused(refunds.request, sandbox, get_order(sandbox, order.order_pk), request) == (
                "wallet.insufficient"
            )
    assert world.refunds(order) == []
    refund = world.refund(order, "1.00")
    assert refund.held, "the rule waited for a refund that was accepted"
    assert (balances(world), world.violations()) == ((0, 0), [])


def test_what_was_reversed_is_not_refunded_and_what_is_refunded_not_reversed(world):
    reversed_, refunded, declined = paid(world), paid(world), paid(world)
    reverse_credit(world, reversed_)
    assert refused(world.refund, reversed_, "1.00") == "refund.credit_reversed"
    world.refund(refunded, "0.01")
    assert refused(reverse_credit, world, refunded) == "entry.refunded"
    world.refund(declined, "24.02", "R-2")
    assert refused(reverse_credit, world, declined) == "entry.refunded"
    world.advance(60)
    assert refused(reverse_credit, world, refunded) == "entry.refunded"
    reverse_credit(world, declined)
    assert (balances(world), world.violations()) == ((499_99, 0), [])


def test_no_tester_reverses_what_a_refund_took(world):
    refund = world.refund(paid(world), "24.02")
    debit = journal_of(world, refund)
    with world.transaction() as sandbox:
        assert refused(corrections.reverse, sandbox, ASHA, debit.number) == "entry.not_reversible"
    world.advance(60)
    assert (balances(world), world.violations()) == ((500_00, 0), [])


def test_money_that_was_not_added_goes_back_by_itself_and_not_by_a_refund(world):
    order = open_order(world)
    with world.transaction() as sandbox:
        corrections.change_profile(sandbox, ASHA, status=Status.FROZEN)
    started = world.start(order, PAYS)
    with world.transaction() as sandbox:
        sandbox.connection.execute(
            update(attempts).values(state="CAPTURED").where(attempts.c.attempt_id == started.attempt.attempt_id)
        )
        sandbox.connection.execute(update(orders).values(state="PAID").where(orders.c.id == order.order_pk))
    assert refused(world.refund, order, "1.00") == "refund.not_credited"
    assert balances(world) == (0, 0)


def test_what_is_refunded_counts_as_loaded_no_more_in_the_month_of_the_load(world):
    with world.transaction() as sandbox:
        own = {"monthly_load_cap": 10_000_00, "balance_cap": 50_000_00}
        corrections.change_profile(sandbox, ASHA, own=own)
    order = paid(world, "9000.00")
    assert refused(open_order, world, "1000.01") == "wallet_monthly_load_cap"
    refund = world.refund(order, "2000.00")
    assert loaded(world) == 7_000_00
    world.settle_refund(refund, "decline")
    assert loaded(world) == 9_000_00
    world.advance(10 * DAY // 1000)
    paid(world, "1000.00")
    world.refund(order, "2000.00", "R-2")
    assert loaded(world) == 1_000_00, "the money was loaded last month"
    world.settle_refund(world.refunds(order)[1], "decline")
    assert loaded(world) == 1_000_00
    assert world.violations() == []


def test_a_frozen_or_closed_wallet_is_refunded_and_what_comes_back_above_its_cap_is_flagged(world):
    order = paid(world)
    for status in (Status.FROZEN, Status.CLOSED):
        with world.transaction() as sandbox:
            corrections.change_profile(sandbox, ASHA, status=status, own={"balance_cap": 400_00})
        refund = world.refund(order, "100.01", f"R-{status}")
        assert balances(world) == (399_99, 0)
        world.settle_refund(refund, "decline")
        with world.read() as sandbox:
            assert wallet.reversal_of(sandbox, journal_of(world, refund).number).over_cap
    assert (balances(world), world.violations()) == ((500_00, 0), [])


def test_cancelling_a_paid_top_up_refunds_what_is_left_of_it(world):
    order = paid(world)
    world.refund(order, "100.00")
    world.cancel_by_seller(order)
    assert balances(world) == (0, 0)
    world.advance(60)
    assert world.states(order) == ("REFUNDED", "CAPTURED")
    assert [each.kind for each in world.refunds(order)] == ["SELLER", "CANCELLATION"]
    assert refused(world.cancel_by_seller, order) == "order.refunded"
    assert world.violations() == []


def test_two_top_ups_of_one_buyer_and_another_buyers_are_apart(world):
    first, second, rich = paid(world), paid(world, "300.00"), paid(world, "300.00", owner=RICH)
    assert refused(world.refund, second, "300.01") == "refund.exceeds_capture"
    world.refund(second, "300.00")
    world.refund(rich, "300.00", "R-2")
    world.refund(first, "500.00", "R-3")
    assert (balances(world), balances(world, RICH)) == ((0, 0), (1_50_000_00, 0))
    world.advance(60)
    assert [world.states(order)[0] for order in (first, second, rich)] == ["REFUNDED"] * 3
    assert world.violations() == []


def test_refunds_and_payments_at_once_never_spend_a_rupee_twice(world):
    """500.00 are there for five payments and five refunds of 100.00, whoever comes first."""
    order = paid(world)
    payments = [world.order(f"P-{number}", "100.00") for number in range(5)]

    def act(index):
        if index % 2:
            return by_balance(world, payments[index // 2]).state
        return world.refund(order, "100.00", f"R-{index}").state

    results = run_concurrently(10, act)
    done = [each for each in results if str(each) in {"PENDING", "CAPTURED"}]
    assert len(done) == 5, results
    assert balances(world) == (0, 0)
    world.advance_until_idle()
    assert world.violations() == []


# --- an order paid by money and gifts


def test_money_and_gifts_come_back_in_the_order_of_spending_by_parts(world):
    """Spent: 20.00 of the gift that expires first, 30.00 of the other, then 50.00 of money; so it comes back."""
    with world.transaction() as sandbox:
        corrections.adjust(sandbox, ASHA, Part.MONEY, 100_00)
        later = corrections.adjust(sandbox, ASHA, Part.GIFT, 30_00, expires_at=sandbox.now + 9 * DAY)
        sooner = corrections.adjust(sandbox, ASHA, Part.GIFT, 20_00, expires_at=sandbox.now + 5 * DAY)
    order = world.order("MIXED", "100.00")
    by_balance(world, order)

    def left():
        with world.read() as sandbox:
            rest = {grant.grant_id: grant.remaining_minor for grant in gifts.listed(sandbox, ASHA)}
            money = overview(sandbox, ASHA).figures.money.minor
            return money, *(rest.get(grant, 0) for grant in grants)

    with world.read() as sandbox:
        grants = [next(iter(gifts.used_by(sandbox, journal.number))) for journal in (sooner, later)]
    assert left() == (50_00, 0, 0)
    for place, (amount, after) in enumerate(
        [
            ("0.01", (50_00, 1, 0)),
            ("24.99", (50_00, 20_00, 5_00)),
            ("25.00", (50_00, 20_00, 30_00)),
            ("10.00", (60_00, 20_00, 30_00)),
            ("40.00", (100_00, 20_00, 30_00)),
        ]
    ):
        world.refund(order, amount, f"R-{place}")
        world.advance(60)
        assert left() == after, amount
        assert world.violations() == []
    assert refused(world.refund, order, "0.01", "R-9") == "refund.exceeds_capture"
    assert world.states(order) == ("REFUNDED", "CAPTURED")
    assert payable(world) == (0, 0)


# --- the audit


def rules(world, *damage):
    """The rules that some damage breaks."""
    return {each.rule for each in world.violations_after(*damage)}


def test_the_audit_sees_every_refund_of_added_money_that_is_not_in_the_ledger(world):
    order = paid(world)
    amounts = {"R-1": "1.00", "R-2": "24.02", "R-3": "24.12"}
    kept, declined, back = (world.refund(order, amount, key) for key, amount in amounts.items())
    world.advance_until_idle()
    assert [each.state for each in world.refunds(order)] == ["COMPLETED", "DECLINED", "REVERSED"]
    other = paid(world)
    reverse_credit(world, other)
    assert world.violations() == []

    debits = {each.refund_id: journal_of(world, each) for each in (kept, declined, back)}
    with world.read() as sandbox:
        reversal = wallet.reversal_of(sandbox, debits[declined.refund_id].number)

    def of(journal):
        return update(journals).where(journals.c.id == journal.number)

    row = {"seller_id": world.seller_id, "type": "TOPUP_REFUND", "key": "x", "owner": ASHA, "amount_minor": 0}
    reserved = attempts.c.order_pk == other.order_pk
    wrong = {}
    for place, (damage, expected) in enumerate(
        [
            (of(debits[kept.refund_id]).values(key="another"), {"refund.debit"}),
            (of(debits[kept.refund_id]).values(owner=RICH), {"refund.debit", "wallet.months"}),
            (of(debits[kept.refund_id]).values(amount_minor=99), {"refund.debit", "ledger.journal"}),
            (of(debits[kept.refund_id]).values(refund_id=None), {"refund.debit"}),
            (of(reversal).values(reverses=debits[kept.refund_id].number), {"refund.return", "ledger.reversal"}),
            (of(reversal).values(reverses=None), {"refund.return", "ledger.reversal", "wallet.months"}),
            (insert(journals).values(**row, currency="INR", posted_at=0), {"refund.debit"}),
            (update(attempts).where(reserved).values(refund_reserved_minor=1), {"wallet.load", "refund.reserved"}),
        ]
    ):
        found = rules(world, damage)
        if found != expected:
            wrong[place] = found
    assert wrong == {}
    assert world.violations() == []

"""Paying a card's plan: what is kept of it, which plan is refused, and giving the money back."""

import pytest

from mockpay.domain.methods.emi import Emi
from mockpay.domain.refunds import RefundRequest
from mockpay.kernel.errors import Conflict, Invalid
from mockpay.kernel.money import Money
from mockpay.services.payments.authentication import Payer
from mockpay.services.refunds import refunds
from mockpay.services.sellers import offers
from mockpay.vault import saved_methods
from mockpay.vault.rules import consent
from tests.factories import GUEST_AT_PAGE, NOON

HDFC, OTHER = "5241810000000000", "5123456789012346"
AMOUNT = "10000.00"
#: facts, section 1.6: 10,000 at 16 % over n months: instalment, interest, no-cost discount.
PUBLISHED = {
    "3": ("3422.61", "267.83", "260.86"),
    "6": ("1745.30", "471.80", "450.56"),
    "9": ("1186.49", "678.41", "635.33"),
    "12": ("907.31", "887.72", "815.33"),
}


def chosen(world, order, *, number=HDFC, tenure="6", bank="HDFC", no_cost=False, **typed):
    card = world.card(number, **typed)
    return Emi.choose(card, order.amount, bank=bank, tenure=tenure, no_cost=no_cost, eligible=True)


@pytest.mark.parametrize("tenure", PUBLISHED)
@pytest.mark.parametrize("no_cost", [False, True], ids=["usual", "no cost"])
def test_the_plan_and_what_it_costs_are_kept_with_the_payment(world, tenure, no_cost):
    order = world.order(amount=AMOUNT)
    attempt = world.pay_with(order, chosen(world, order, tenure=tenure, no_cost=no_cost))
    assert world.states(order) == ("PAID", "CAPTURED")
    instalment, interest, discount = PUBLISHED[tenure]
    kept = attempt.instrument
    assert (attempt.method, kept["emi_bank"], kept["tenure"]) == ("emi", "HDFC", tenure)
    assert (kept["last4"], kept["rate_bps"]) == ("0000", "1600")
    if no_cost:
        assert (kept["discount"], kept["total_interest"]) == (discount, discount)
        assert Money.parse(kept["charged"]) + Money.parse(discount) == order.amount
    else:
        assert (kept["instalment"], kept["total_interest"]) == (instalment, interest)
        assert (kept["discount"], kept["charged"]) == ("0.00", AMOUNT)
    # The seller gets its price whatever the buyer's bank does.
    assert (attempt.captured_minor, world.get_order(order).amount.wire()) == (1_000_000, AMOUNT)
    assert (attempt.eci, attempt.liability) == ("02", "ISSUER")
    assert world.violations() == []


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"bank": "ICIC"}, "emi.issuer_mismatch"),
        ({"bank": "HDFC_DC"}, "emi.issuer_mismatch"),
        ({"number": OTHER}, "emi.issuer_mismatch"),
        ({"bank": "MOON"}, "emi.plan_unavailable"),
        ({"tenure": "7"}, "emi.plan_unavailable"),
        ({"tenure": "six"}, "emi.plan_unavailable"),
    ],
)
def test_a_plan_that_does_not_fit_is_refused_before_there_is_a_try(world, wish, code):
    order = world.order(amount=AMOUNT)
    with pytest.raises(Invalid) as refused:
        chosen(world, order, **wish)
    assert refused.value.code == code
    assert world.states(order) == ("CREATED",)


def test_a_plan_is_for_enough_money_only(world):
    order = world.order(amount="999.99")
    with pytest.raises(Invalid) as refused:
        chosen(world, order)
    assert refused.value.code == "emi.amount_below_minimum"


def test_a_seller_without_emi_takes_none(world):
    order = world.order(amount=AMOUNT)
    emi = chosen(world, order)
    with world.transaction() as sandbox:
        offers.change(sandbox, {"methods": {"emi": {"enabled": False}}})
    with pytest.raises(Conflict) as refused:
        world.start(order, emi)
    assert refused.value.code == "method.unavailable"


@pytest.mark.parametrize(("typed", "code"), [({"cvv": "000"}, "N7"), ({"name": "3DS N"}, "N/01")])
def test_what_fails_a_card_fails_its_plan(world, typed, code):
    order = world.order(amount=AMOUNT)
    attempt = world.pay_with(order, chosen(world, order, **typed))
    assert (attempt.state, attempt.failure.code) == ("FAILED", code)


def test_an_amount_of_the_issuers_band_speaks_to_a_plan_as_well(world):
    order = world.order(amount="1700.51")
    attempt = world.pay_with(order, chosen(world, order))
    assert (attempt.state, attempt.failure.code) == ("FAILED", "51")


@pytest.mark.parametrize(
    ("parts", "end"),
    [([AMOUNT], "REFUNDED"), (["2500.00"], "PARTIALLY_REFUNDED"), (["2500.00", "7500.00"], "REFUNDED")],
)
def test_a_payment_by_plan_is_refunded_like_any_other(world, parts, end):
    order = world.order(amount=AMOUNT)
    world.pay_with(order, chosen(world, order, no_cost=True))
    for number, part in enumerate(parts):
        with world.transaction() as sandbox:
            asked = RefundRequest(f"R-{number}", Money.parse(part))
            refunds.request(sandbox, world._fresh(sandbox, order), asked)
        world.advance_until_idle()
    assert str(world.get_order(order).state) == end
    assert world.get_order(order).refunded_minor == sum(Money.parse(part).minor for part in parts)
    assert world.violations() == []


def test_more_than_the_order_cost_is_never_refunded(world):
    order = world.order(amount=AMOUNT)
    world.pay_with(order, chosen(world, order))
    more = RefundRequest("R", Money.parse("10000.01"))
    with world.transaction() as sandbox, pytest.raises((Conflict, Invalid)):
        refunds.request(sandbox, world._fresh(sandbox, order), more)
    assert world.states(order) == ("PAID", "CAPTURED")


def test_a_saved_card_can_take_a_plan(world):
    """What the vault gives back is still a card that may be paid in instalments."""
    payer = Payer(checkout=GUEST_AT_PAGE.checkout, buyer_id="byr_asha", consent=consent(NOON, "192.0.2.7"))
    world.pay_with(world.order("FIRST"), world.card(HDFC), payer)
    with world.transaction() as sandbox:
        (method,) = saved_methods.listed(sandbox, "byr_asha")
        card = saved_methods.use(sandbox, "byr_asha", method.token).instrument
    order = world.order("PLAN", AMOUNT)
    emi = Emi.choose(card, order.amount, bank="HDFC", tenure="3", no_cost=False, eligible=True)
    assert world.pay_with(order, emi, payer).state == "CAPTURED"


def test_a_plan_never_shows_its_cards_number(world):
    order = world.order(amount=AMOUNT)
    emi = chosen(world, order)
    assert HDFC not in repr(emi)
    assert HDFC not in str(emi.dump())

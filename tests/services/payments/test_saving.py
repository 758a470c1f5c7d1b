"""Keeping what has paid, for a signed-in buyer who said yes, and paying with it again."""

import pytest
from msgspec.structs import replace

from mockpay.domain.methods.emi import Emi
from mockpay.domain.methods.netbanking import NetBanking
from mockpay.domain.methods.upi import Upi
from mockpay.domain.methods.wallet import Wallet
from mockpay.services.payments import captures
from mockpay.services.payments.authentication import Payer
from mockpay.vault import saved_methods, vault_table
from mockpay.vault.rules import consent
from tests.factories import GUEST_AT_PAGE, NOON, World

VISA, HDFC, DECLINED = "4111111111111111", "5241810000000000", "4000000000000002"
YES = consent(NOON, "192.0.2.7")
ASHA = Payer(checkout=GUEST_AT_PAGE.checkout, buyer_id="byr_asha", consent=YES)


def listed(world, buyer="byr_asha"):
    with world.read() as sandbox:
        return saved_methods.listed(sandbox, buyer)


def by_emi(world, order):
    card = world.card(HDFC)
    return Emi.choose(card, order.amount, bank="HDFC", tenure="3", no_cost=False, eligible=True)


INSTRUMENTS = {
    "card": lambda world, _: world.card(VISA),
    "emi": by_emi,
    "upi": lambda *_: Upi("success@mockpay"),
    "netbanking": lambda *_: NetBanking("MKS1"),
}
SHOWN = {"card": ("card", "1111"), "emi": ("card", "0000"), "upi": ("upi", None), "netbanking": ("netbanking", None)}


def pay(world, kind, payer=ASHA, number="O-1"):
    order = world.order(number, "1500.00")
    return world.pay_with(order, INSTRUMENTS[kind](world, order), payer)


@pytest.mark.parametrize("kind", INSTRUMENTS)
def test_what_has_paid_is_saved_with_its_buyers_consent(world, kind):
    attempt = pay(world, kind)
    (method,) = listed(world)
    assert (method.kind, method.display.get("last4")) == SHOWN[kind]
    assert (method.status, method.attempt_id) == ("ACTIVE", attempt.attempt_id)
    assert method.is_default
    with world.read() as sandbox:
        assert vault_table.find_consent(sandbox, method.consent_id) == YES


@pytest.mark.parametrize("kind", INSTRUMENTS)
@pytest.mark.parametrize("payer", [replace(ASHA, consent=None), replace(ASHA, buyer_id=None)], ids=["no yes", "guest"])
def test_without_consent_or_without_a_buyer_nothing_is_saved(world, kind, payer):
    attempt = pay(world, kind, payer)
    assert (attempt.state, attempt.consent) == ("CAPTURED", None)
    assert listed(world) == []


def test_what_an_enquiry_finds_authorised_is_saved_too(runtime):
    world = World.new(runtime, capture="manual")
    world.add_rule("noresponse", stage="gateway")
    attempt = pay(world, "card")
    assert (attempt.state, listed(world)) == ("UNKNOWN", [])
    world.advance(60)
    assert world.get_attempt(attempt.attempt_id).state == "AUTHORIZED"
    assert [method.attempt_id for method in listed(world)] == [attempt.attempt_id]


def test_what_did_not_pay_is_not_saved(world):
    for number, instrument in enumerate(
        [world.card(DECLINED), Upi("failure@mockpay"), NetBanking("MKF1"), world.card(VISA, name="3DS N")]
    ):
        attempt = world.pay_with(world.order(f"O-{number}"), instrument, ASHA)
        assert attempt.state == "FAILED"
    assert listed(world) == []


def test_what_pays_later_is_saved_later(world):
    order = world.order()
    world.pay_with(order, Upi("pendingok@mockpay"), ASHA)
    assert listed(world) == []
    world.advance_until_idle()
    assert world.states(order) == ("PAID", "CAPTURED")
    assert len(listed(world)) == 1


def test_a_balance_is_not_saved_by_paying(world):
    world.pay_with(world.order(), Wallet("rich@buyers.mockpay.test"), ASHA)
    assert listed(world) == []


def test_a_code_scanned_by_an_app_has_nothing_to_save(world):
    order = world.order()
    attempt = world.start(order, Upi(), ASHA).attempt
    world.approve(attempt)
    assert world.states(order) == ("PAID", "CAPTURED")
    assert listed(world) == []


def test_a_foreign_card_pays_but_is_not_saved(world):
    world.pay_with(world.order(), world.card("4012888888881881"), ASHA)
    assert [one for one in listed(world) if one.live] == []


def test_what_its_buyer_deletes_while_the_money_is_held_stays_deleted(runtime):
    world = World.new(runtime, capture="manual")
    order = world.order()
    world.pay_with(order, world.card(VISA), ASHA)
    (method,) = listed(world)
    with world.transaction() as sandbox:
        saved_methods.delete(sandbox, "byr_asha", method.token)
        captures.capture(sandbox, world._fresh(sandbox, order))
    assert world.states(order) == ("PAID", "CAPTURED")
    assert listed(world) == []


def test_paying_twice_keeps_one(world):
    pay(world, "card", number="A")
    pay(world, "card", number="B")
    assert len(listed(world)) == 1


# --- paying with it


@pytest.mark.parametrize("kind", ["card", "upi", "netbanking"])
def test_a_saved_method_pays_again_and_its_buyer_still_proves_who_they_are(world, kind):
    pay(world, kind, number="FIRST")
    (method,) = listed(world)
    world.advance(60)
    with world.transaction() as sandbox:
        used = saved_methods.use(sandbox, "byr_asha", method.token)
    order = world.order("AGAIN", "6000.00")
    again = replace(ASHA, consent=None)
    attempt = world.start(order, used.instrument, again).attempt
    assert attempt.auth == {"card": "3ds", "netbanking": "otp"}.get(kind, attempt.auth)
    done = world.authenticate(attempt)
    assert (done.state, done.buyer_id) == ("CAPTURED", "byr_asha")
    assert done.eci == ("05" if kind == "card" else None)
    (still,) = listed(world)
    assert (still.token, still.last_used_at) == (method.token, NOON + 60_000)
    assert world.violations() == []


def test_a_token_stands_for_its_card_in_the_scenario_table_too(world):
    """A saved card that declines later declines by its own number."""
    world.add_rule("success")
    world.pay_with(world.order("FIRST"), world.card("4100280000080001"), ASHA)
    (method,) = listed(world)
    with world.transaction() as sandbox:
        used = saved_methods.use(sandbox, "byr_asha", method.token)
    attempt = world.pay_with(world.order("AGAIN"), used.instrument, ASHA)
    assert (attempt.state, attempt.failure.code) == ("FAILED", "51")

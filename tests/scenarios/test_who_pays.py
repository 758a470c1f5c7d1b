"""Every row that asks who pays (authentication and risk), played for real against what it says."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from mockpay.domain.methods.cards import bin_of
from mockpay.domain.methods.netbanking import NetBanking
from mockpay.domain.methods.upi import Upi
from mockpay.domain.methods.wallet import Wallet
from mockpay.domain.payments.attempts import Stage
from mockpay.domain.scenarios.resolution import TABLE, Input, find
from mockpay.domain.timeline import Actor
from mockpay.otp import challenges
from mockpay.risk import assessment
from mockpay.risk.assessment import Inputs
from mockpay.services.buyers import list_page
from mockpay.services.payments import authentication, payments
from mockpay.services.payments.authentication import Payer
from mockpay.threeds import threeds_table
from tests.factories import GUEST_AT_PAGE, World
from tests.scenarios.ways_back import way_back

ROWS = {row.name: row for row in TABLE if row.stage in {Stage.AUTH, Stage.RISK}}
#: facts, section 11.1: one good Indian card of each network, and two American ones.
CARDS = {
    "Visa": "4100280000001007",
    "Mastercard": "5500670000001002",
    "RuPay": "6527658900001005",
    "Diners Club": "36082800091007",
    "American Express": "340256000401007",
}
ABROAD = {"Visa": "4012888888881881", "Mastercard": "5104060000000008"}
RICH = Wallet("rich@buyers.mockpay.test")
#: Above the threshold, so that the balance asks for a password.
HIGH = "7500.00"
MASTERCARD = {"Mastercard", "Maestro"}


@dataclass(frozen=True)
class End:
    """How a card's payment ends: eci of Mastercard and of everybody else, and who is liable."""

    attempt: str
    eci: tuple[str, str] | None = ("00", "07")
    liable: str | None = "MERCHANT"
    reason: str | None = None
    code: str | None = None

    @property
    def order(self) -> str:
        """A failed try leaves its order open for another one."""
        return "PAID" if self.attempt == "CAPTURED" else "PENDING"

    @property
    def told(self) -> str:
        return "SUCCESS" if self.attempt == "CAPTURED" else "FAILURE"


def refused(code: str) -> End:
    return End("FAILED", reason="authentication_failed", code=code)


PROVEN = End("CAPTURED", ("02", "05"), "ISSUER")
UNPROVEN = End("CAPTURED")
#: facts, sections 3.2 and 3.3: what an outcome comes to with an Indian card.
BY_OUTCOME = {
    **dict.fromkeys(("Y", "challenge", "frictionless", "otp_undelivered"), PROVEN),
    "A": End("CAPTURED", ("01", "06"), "ISSUER"),
    "I": End("CAPTURED", ("04", "07")),
    "N": refused("N/01"),
    "R": refused("R/11"),
    "U": refused("U/22"),
    "D": refused("U/23"),
    "not_enrolled": refused("U/13"),
    "error": refused("U/22"),
    "error_optional": UNPROVEN,
    "tampered": refused("N/09"),
    "cancelled": End("CANCELLED", reason="payment_cancelled", code="N/26"),
    "timeout": End("EXPIRED", reason="payment_timed_out", code="U/14"),
}
#: Where nobody could be authenticated, a foreign card goes on without a shift of liability.
UNAVAILABLE = {"U", "D", "not_enrolled", "error"}


def expected(outcome: str, number: str) -> End:
    abroad = bin_of(number).country != "IN"
    return UNPROVEN if abroad and outcome in UNAVAILABLE else BY_OUTCOME[outcome]


def meets(world, order, attempt, wanted: End, network: str):
    fresh = world.get_attempt(attempt.attempt_id)
    eci = wanted.eci and wanted.eci[network not in MASTERCARD]
    assert (fresh.state, fresh.eci, fresh.liability) == (wanted.attempt, eci, wanted.liable)
    assert (fresh.reason, fresh.failure and fresh.failure.code) == (wanted.reason, wanted.code)
    assert world.get_order(order).state == wanted.order
    assert way_back(world, order)["status"] == wanted.told
    assert world.violations() == []


def by_card(world, row, network="Visa"):
    """The order, the attempt and its card, once everybody has done what the row has them do."""
    number = row.equals if row.input == Input.PAN else CARDS[network]
    typed = {"name": row.equals} if row.input == Input.NAME else {}
    order = world.order(amount=row.equals if row.input == Input.AMOUNT else "499.00")
    attempt = world.pay_with(order, world.card(number, **typed))
    return order, attempt, number


CARD_ROWS = [
    name for name, row in ROWS.items() if row.stage is Stage.AUTH and row.input in {Input.PAN, Input.NAME, Input.AMOUNT}
]
#: Numbers that are declined once their holder has proved who they are; test_table.py has them.
DECLINED = {name for name in CARD_ROWS if find(ROWS[name].input, ROWS[name].equals, Stage.ISSUER)}


@pytest.mark.parametrize("name", [name for name in CARD_ROWS if name not in DECLINED])
def test_a_cards_authentication_meets_what_the_row_says(world, name):
    row = ROWS[name]
    order, attempt, number = by_card(world, row)
    assert attempt.plan.at(Stage.AUTH).scenario == attempt.scenario == name
    if row.outcome == "timeout":
        assert (attempt.state, attempt.auth) == ("AUTH_PENDING", "3ds")
        world.advance(600)
    meets(world, order, attempt, expected(row.outcome, number), attempt.instrument["network"])


@pytest.mark.parametrize("network", CARDS)
@pytest.mark.parametrize("word", ["Y", "A", "U", "N", "I", "R", "FRICTIONLESS", "NOTENROLLED"])
def test_a_name_forces_the_result_on_any_network_with_the_networks_indicator(world, word, network):
    row = ROWS[f"card.name.{word.lower()}"]
    order, attempt, number = by_card(world, row, network)
    assert attempt.instrument["network"] == network
    meets(world, order, attempt, expected(row.outcome, number), network)


@pytest.mark.parametrize("network", ABROAD)
@pytest.mark.parametrize("word", ["U", "D", "NOTENROLLED", "N"])
def test_a_foreign_card_goes_on_without_authentication_but_not_against_it(world, word, network):
    row = ROWS[f"card.name.{word.lower()}"]
    order = world.order()
    attempt = world.pay_with(order, world.card(ABROAD[network], name=row.equals))
    meets(world, order, attempt, expected(row.outcome, ABROAD[network]), network)


@pytest.mark.parametrize(("policy", "state"), [("decline", "FAILED"), ("proceed", "CAPTURED")])
@pytest.mark.parametrize("number", [CARDS["Visa"], ABROAD["Visa"]])
def test_the_seller_decides_what_unavailable_means(runtime, policy, state, number):
    world = World.new(runtime, threeds_on_unavailable=policy)
    attempt = world.pay_with(world.order(), world.card(number, name="3DS U"))
    assert (attempt.state, attempt.eci, attempt.liability) == (state, "07", "MERCHANT")


@pytest.mark.parametrize("code", [f"{number:02d}" for number in range(1, 8)])
def test_an_amount_for_the_issuer_means_nothing_to_other_methods(world, code):
    for number, instrument in enumerate([Upi("success@mockpay"), NetBanking("MKS1"), RICH]):
        attempt = world.pay_with(world.order(f"O-{number}", f"1702.{code}"), instrument)
        assert (attempt.state, attempt.eci) == ("CAPTURED", None)


@pytest.mark.parametrize("instrument", [NetBanking("MKS1"), RICH], ids=["netbanking", "wallet"])
def test_the_amount_that_loses_the_first_password_loses_it_on_the_page_too(runtime, instrument):
    world = World.new(runtime, otp_always_methods=("netbanking", "wallet"))
    attempt = world.start(world.order(amount="1702.08"), instrument).attempt
    with world.read() as sandbox:
        challenge = authentication.active_otp(sandbox, attempt)
        assert challenge.undelivered
        assert list_page(sandbox, kind="otp").items == []
    world.advance(30)
    with world.transaction() as sandbox:
        assert not challenges.resend(sandbox, challenge.challenge_id).undelivered
        (message,) = list_page(sandbox, kind="otp").items
    assert world.authenticate(attempt, message.otp).state == "CAPTURED"


# --- one-time passwords: typed on the page, and at the issuer


CODES = {row.equals: row.outcome for row in ROWS.values() if row.input == Input.OTP}
#: facts, section 11.2: (state, reason) after the code was typed once on the page, and twice.
LOCKED = ("FAILED", "otp_attempts_exceeded")
ASKED, PAID = ("AUTH_PENDING", None), ("CAPTURED", None)
ON_THE_PAGE = {
    "correct": (PAID, PAID),
    "wrong": (ASKED, ASKED),
    "expired": (ASKED, ASKED),
    "locked": (LOCKED, LOCKED),
    "technical": (ASKED, PAID),
}
FAILED = ("FAILED", "authentication_failed")
AT_THE_ISSUER = {
    **ON_THE_PAGE,
    "locked": (FAILED, FAILED),
    "acs:A": (PAID, PAID),
    **dict.fromkeys(("acs:N", "acs:U", "acs:R"), (FAILED, FAILED)),
    "acs:timeout": (("EXPIRED", "payment_timed_out"),) * 2,
}


@pytest.mark.parametrize("code", [*CODES, "12", "123"])
@pytest.mark.parametrize("place", ["page", "issuer"])
def test_a_typed_code_meets_what_the_row_says(world, place, code):
    order = world.order(amount=HIGH)
    at_page = place == "page"
    instrument = RICH if at_page else world.card(CARDS["Visa"])
    attempt = world.start(order, instrument).attempt
    outcome = CODES.get(code, "wrong")
    if at_page and outcome.startswith("acs:"):
        outcome = "wrong"
    wanted = (ON_THE_PAGE if at_page else AT_THE_ISSUER)[outcome]
    got = []
    for _ in range(2):
        fresh = world.authenticate(attempt, code)
        got.append((fresh.state, fresh.reason))
    assert tuple(got) == wanted
    if outcome == "wrong":
        last = world.authenticate(attempt, code)
        assert (last.state, last.reason) == (LOCKED if at_page else FAILED)
    if outcome == "acs:A":
        assert (fresh.eci, fresh.liability) == ("06", "ISSUER")
    assert world.violations() == []


@pytest.mark.parametrize("place", ["page", "issuer"])
def test_the_code_in_the_inbox_is_right(world, place):
    instrument = RICH if place == "page" else world.card(CARDS["RuPay"])
    attempt = world.start(world.order(amount=HIGH), instrument).attempt
    if place == "issuer":
        world.authenticate(attempt, "000000")  # opens the issuer's page, which sends the code
    with world.read() as sandbox:
        (message,) = list_page(sandbox, kind="otp", attempt_id=attempt.attempt_id).items
    assert world.authenticate(attempt, message.otp).state == "CAPTURED"


# --- risk


#: facts, sections 7, 11.1, 11.3 and 11.5: the decision by row.
DECISIONS = {
    **dict.fromkeys(("challenge", "device_new"), "CHALLENGE"),
    **dict.fromkeys(("review", "ip_proxy", "ip_country:US", "email_disposable", "name_review"), "REVIEW"),
    **dict.fromkeys(("decline", "highest", "ip_block", "device_block", "device_many_cards"), "DECLINE"),
    "ip_country:IN": "ALLOW",
}
_TOLD = {Input.IP: "ip", Input.DEVICE: "device", Input.EMAIL_DOMAIN: "email", Input.BUYER_NAME: "buyer_name"}


def payer_of(row) -> Payer:
    told = {}
    if row.input in _TOLD:
        value = row.equals.replace("*", "7")
        told[_TOLD[row.input]] = f"asha@{value}" if row.input == Input.EMAIL_DOMAIN else value
    return Payer(inputs=Inputs(**told), checkout=GUEST_AT_PAGE.checkout)


RISK_ROWS = [name for name, row in ROWS.items() if row.stage is Stage.RISK]


@pytest.mark.parametrize("name", RISK_ROWS)
def test_the_risk_check_decides_as_the_row_says(world, name):
    row = ROWS[name]
    order = world.order(amount=row.equals if row.input == Input.AMOUNT else "499.00")
    by_vpa = row.input == Input.VPA
    number = row.equals if row.input == Input.PAN else CARDS["Visa"]
    instrument = Upi(row.equals) if by_vpa else world.card(number)
    attempt = world.start(order, instrument, payer_of(row)).attempt
    with world.read() as sandbox:
        found = assessment.of_attempt(sandbox, attempt.attempt_id)
    decision = DECISIONS[row.outcome]
    assert (str(found.decision) if found else "ALLOW") == decision
    after(world, order, attempt, decision)
    assert world.violations() == []


def after(world, order, attempt, decision):
    """What each decision means: parked until the clock approves, refused, or asked by the issuer."""
    fresh = world.get_attempt(attempt.attempt_id)
    if decision == "DECLINE":
        assert (fresh.state, fresh.reason) == ("FAILED", "payment_risk_check_failed")
        assert way_back(world, order)["status"] == "FAILURE"
        return
    if decision == "REVIEW":
        assert fresh.state == "RISK_REVIEW"
        world.advance(9.999)
        assert world.get_attempt(attempt.attempt_id).state == "RISK_REVIEW"
        world.advance(0.001)
        begin_at_page(world, attempt)
    assert world.authenticate(world.get_attempt(attempt.attempt_id)).state == "CAPTURED"


def begin_at_page(world, attempt):
    """The buyer's page begins what the clock has approved."""
    fresh = world.get_attempt(attempt.attempt_id)
    assert (fresh.state, fresh.auth) == ("AUTH_PENDING", "3ds")
    with world.transaction() as sandbox:
        authentication.prepare(sandbox, fresh, GUEST_AT_PAGE.checkout)


@pytest.mark.parametrize(
    "instrument", [Upi("success@mockpay"), NetBanking("MKS1"), RICH], ids=["upi", "netbanking", "wallet"]
)
def test_a_forced_challenge_asks_every_method_for_a_password(world, instrument):
    order = world.order(amount="1706.01")
    attempt = world.start(order, instrument).attempt
    assert (attempt.state, attempt.auth) == ("AUTH_PENDING", "otp")
    assert world.authenticate(attempt).state == "CAPTURED"


@pytest.mark.parametrize(("amount", "flow"), [("499.00", "FRICTIONLESS"), ("1706.01", "CHALLENGE")])
def test_a_forced_challenge_lets_no_foreign_card_through_without_one(runtime, amount, flow):
    world = World.new(runtime, risk_rules={"BIN_COUNTRY": "off"})
    attempt = world.pay_with(world.order(amount=amount), world.card(ABROAD["Mastercard"]))
    assert (attempt.state, flow_of(world, attempt)) == ("CAPTURED", flow)


def test_what_a_rule_wanted_is_remembered_over_a_review(world):
    """The card is foreign, which alone asks for a challenge; the review comes on top."""
    attempt = world.start(world.order(amount="1706.02"), world.card(ABROAD["Visa"])).attempt
    world.advance(10)
    begin_at_page(world, attempt)
    assert world.authenticate(attempt).state == "CAPTURED"
    assert flow_of(world, attempt) == "CHALLENGE"


def flow_of(world, attempt):
    with world.read() as sandbox:
        return threeds_table.latest(sandbox, attempt.attempt_id).flow


@pytest.mark.parametrize(("approved", "end"), [(True, "CAPTURED"), (False, "FAILED")])
def test_a_tester_decides_a_review_before_the_clock_does(world, approved, end):
    order = world.order(amount="1706.02")
    attempt = world.start(order, RICH).attempt
    with world.transaction() as sandbox:
        payments.decide_review(sandbox, attempt.attempt_id, approved=approved, actor=Actor.TESTER)
    world.advance_until_idle()
    fresh = world.get_attempt(attempt.attempt_id)
    assert (fresh.state, fresh.reason) == (end, None if approved else "payment_risk_check_failed")


def test_no_row_of_these_stages_is_left_out():
    elsewhere = {Input.PIN, Input.BANK_USER}
    played = {*CARD_ROWS, *RISK_ROWS} | {n for n, row in ROWS.items() if row.input == Input.OTP}
    assert played == {name for name, row in ROWS.items() if row.input not in elsewhere}
    outcomes = {ROWS[name].outcome for name in CARD_ROWS}
    assert outcomes == set(BY_OUTCOME)

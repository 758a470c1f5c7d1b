"""Every row of the table of magic values, paid for real, against what it says it does."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from mockpay.domain.methods.cards import luhn
from mockpay.domain.methods.netbanking import NetBanking
from mockpay.domain.methods.upi import Upi
from mockpay.domain.payments.attempts import Source, Stage
from mockpay.domain.scenarios.resolution import TABLE, Input
from mockpay.kernel.errors import Invalid
from mockpay.merchant.results import SignatureMismatch
from mockpay.wire.amazonpay.results import ResultError
from tests.scenarios.ways_back import verified, way_back


@dataclass(frozen=True)
class Expected:
    """(order, attempt, status of the way back) right after paying, and when all is quiet."""

    first: tuple[str, str, str]
    last: tuple[str, str, str]
    code: str | None = None


#: A failed try leaves its order open for another one, until its time is over.
def declined(code: str) -> Expected:
    return Expected(("PENDING", "FAILED", "FAILURE"), ("EXPIRED", "FAILED", "FAILURE"), code)


PAID = Expected(("PAID", "CAPTURED", "SUCCESS"), ("PAID", "CAPTURED", "SUCCESS"))
WAITS = ("PENDING", "PENDING", "PENDING")
UNKNOWN = ("PENDING", "UNKNOWN", "PENDING")
FOUND_PAID = Expected(UNKNOWN, PAID.last)
#: While the buyer is asked nobody leaves the page.
UNANSWERED = Expected(("PENDING", "AUTH_PENDING", "FAILURE"), ("EXPIRED", "EXPIRED", "FAILURE"), "U69")
FOREVER = Expected(WAITS, ("EXPIRED", "PENDING", "FAILURE"))

#: facts, section 11.3: what each name means.
BY_NAME = {
    "success": PAID,
    "failure": declined("U30"),
    "pending": FOREVER,
    "pendingok": Expected(WAITS, PAID.last),
    "pendingfail": Expected(WAITS, declined("U30").last, "U30"),
    "expired": UNANSWERED,
    "declined": declined("ZA"),
    "insufficient": declined("Z9"),
    "wrongpin": declined("ZM"),
    "pinlocked": declined("Z6"),
    "limit": declined("Z8"),
    "frequency": declined("Z7"),
    "frozen": declined("YE"),
    "dormant": declined("ZX"),
    "bankdown": declined("U28"),
    "psptimeout": declined("UP"),
    "deemed": FOUND_PAID,
    "deemedfail": Expected(UNKNOWN, ("EXPIRED", "REVERSED", "FAILURE")),
    "late": Expected(WAITS, ("EXPIRED", "REVERSED", "FAILURE")),
    "fraud": declined("U16"),
    "invalid": declined("ZH"),
    # facts, section 1.2: the codes that are no decline.
    "00": PAID,
    "01": FOREVER,
    "U69": UNANSWERED,
    **dict.fromkeys(("RB", "BT", "U67", "U68"), FOUND_PAID),
    # facts, section 11.6: money was taken for all of these, and kept but for the last.
    **dict.fromkeys(
        ("bad_signature", "missing_field", "amount_changed", "order_changed", "duplicated", "delayed", "never_returns"),
        PAID,
    ),
    # facts, section 11.6: without another gateway, and as the built-in one has it.
    **dict.fromkeys(("refuse", "http_503", "latency"), PAID),
    **dict.fromkeys(("http_500", "garbage", "wrong_signature"), FOUND_PAID),
    **dict.fromkeys(("refuse_always", "technical_decline"), declined("U30")),
    "failure_though_captured": Expected(("PAID", "CAPTURED", "FAILURE"), ("REFUNDED", "REVERSED", "FAILURE")),
}
#: facts, section 11.6: what UPI makes of an ISO code.
BY_ISO = {"51": "Z9", "61": "Z8", "65": "Z7", "91": "U28", "96": "U30", "59": "U16"}


#: facts, section 11.4: what magic banks do, where UPI has no such name or means another code.
BY_BANK = {
    "failure": declined("F"),
    "pendingfail": Expected(WAITS, declined("F").last, "F"),
    "cancelled": declined("C"),
    "bankdown": declined("D"),
    "never_returns": Expected(("PENDING", "AUTH_PENDING", "FAILURE"), ("EXPIRED", "EXPIRED", "FAILURE"), "T"),
    "forged": declined("X"),
    "approval": FOREVER,
}
#: facts, section 11.3: the gateway is silent at first, then asked again.
BY_SILENCE = {"noresponse": FOUND_PAID, "noresponsefail": Expected(UNKNOWN, declined("U30").last, "U30")}


def expected(outcome: str, looks: Input = Input.VPA) -> Expected:
    if outcome.startswith("iso:"):
        return declined(BY_ISO.get(outcome.removeprefix("iso:"), "XB"))
    if looks is Input.BANK and outcome in BY_BANK:
        return BY_BANK[outcome]
    return BY_SILENCE.get(outcome) or BY_NAME.get(outcome) or declined(outcome)


def amount_of(row) -> str:
    """The amount that makes the row speak; an innocent one where it looks elsewhere."""
    return row.equals.replace("*", "77") if row.input == Input.AMOUNT else "499.00"


def instrument_of(world, row):
    """What is paid with for the row to speak."""
    value = row.equals.replace("*", "whoever")
    if row.input == Input.PAN:
        return world.card(value)
    if row.input == Input.CVV:
        return world.card("378282246310005" if len(value) == 4 else "4111111111111111", cvv=value)
    if row.input == Input.BANK:
        return NetBanking(value)
    return Upi(value if row.input == Input.VPA else "asha@okbank")


def seen(world, order, attempt_id):
    state = world.get_order(order).state, world.get_attempt(attempt_id).state
    return (*map(str, state), way_back(world, order)["status"])


ROWS = {row.name: row for row in TABLE}
_TYPED_ELSEWHERE = {Input.PIN, Input.BANK_USER}
#: Rows of other stages have tests of their own: test_later.py, test_who_pays.py.
_PAYING = {Stage.ISSUER, Stage.GATEWAY, Stage.REDIRECT}
#: Refused by its form before there is a payment.
BROKEN = [n for n, row in ROWS.items() if row.input == Input.PAN and not luhn(row.equals)]
#: Challenged before: the test after the next one.
CHALLENGED = ["card.51.4000-3178", "card.05.4000-1629"]
BY_PAYING = [
    name
    for name, row in ROWS.items()
    if row.stage in _PAYING and row.input not in _TYPED_ELSEWHERE and name not in {*BROKEN, *CHALLENGED}
]
#: facts, section 11.6, in what the merchant's client makes of it.
SPOILED = {
    "bad_signature": SignatureMismatch,
    "missing_field": ResultError,
    "amount_changed": SignatureMismatch,
    "order_changed": SignatureMismatch,
}


@pytest.mark.parametrize("name", BY_PAYING)
def test_a_payment_meets_what_the_row_says(world, name):
    row = ROWS[name]
    wanted = expected(row.outcome, row.input)
    order = world.order(amount=amount_of(row))
    attempt = world.pay_with(order, instrument_of(world, row))
    if row.stage is Stage.REDIRECT:
        world.advance(10)  # an ordinary UPI ID is answered after a while

    decision = attempt.plan.at(row.stage)
    if not row.active:
        assert attempt.scenario is None
        assert seen(world, order, attempt.attempt_id) == wanted.last
        return
    source = Source.AMOUNT if row.input == Input.AMOUNT else Source.INSTRUMENT
    assert (decision.scenario, decision.outcome, decision.source) == (name, row.outcome, source)
    assert attempt.scenario == name
    assert seen(world, order, attempt.attempt_id) == wanted.first
    believed(world, way_back(world, order), row, order)

    assert world.advance_until_idle().complete
    assert seen(world, order, attempt.attempt_id) == wanted.last
    failure = world.get_attempt(attempt.attempt_id).failure
    assert (failure and failure.code) == wanted.code
    assert world.violations() == []


@pytest.mark.parametrize("name", CHALLENGED)
def test_a_card_that_is_challenged_is_refused_by_its_issuer_afterwards(world, name):
    order = world.order(amount="499.00")
    attempt = world.pay_with(order, instrument_of(world, ROWS[name]))
    assert [(str(stage), made.outcome) for stage, made in attempt.plan.decisions.items()] == [
        ("auth", "challenge"),
        ("issuer", ROWS[name].outcome),
    ]
    wanted = declined(ROWS[name].outcome)
    assert seen(world, order, attempt.attempt_id) == wanted.first
    assert world.get_attempt(attempt.attempt_id).failure.code == wanted.code
    assert world.violations() == []


def test_the_one_card_that_fails_luhn_is_refused_by_its_form(world):
    assert BROKEN == ["card.luhn.4242-4241"]
    with pytest.raises(Invalid) as refused:
        world.card(ROWS[BROKEN[0]].equals)
    assert refused.value.code == "card_number_invalid"


def believed(world, params, row, order):
    """The way back verifies, unless the row says that it must not."""
    if row.outcome in SPOILED:
        with pytest.raises(SPOILED[row.outcome]):
            verified(world, params)
        assert (params["orderTotalAmount"] != order.amount.wire()) == (row.outcome == "amount_changed")
        assert (params["amazonOrderId"] != order.order_id) == (row.outcome == "order_changed")
        assert ("reasonCode" not in params) == (row.outcome == "missing_field")
        return
    result = verified(world, params)
    assert str(result.outcome) == params["status"]
    assert (result.amazon_order_id, result.amount) == (order.order_id, order.amount.wire())


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.input == Input.PIN])
def test_a_pin_meets_what_the_row_says(world, name):
    row = ROWS[name]
    order = world.order()
    attempt = world.approve(world.request_approval(order), pin=row.equals)
    wanted = expected(row.outcome)
    assert seen(world, order, attempt.attempt_id) == wanted.first
    assert (row.stage, attempt.failure.code) == (Stage.AUTH, wanted.code)
    world.advance_until_idle()
    assert seen(world, order, attempt.attempt_id) == wanted.last


@pytest.mark.parametrize("outcome", BY_NAME)
def test_no_expectation_is_left_without_a_row(outcome):
    assert any(row.outcome == outcome for row in TABLE)


@pytest.mark.parametrize("code", ["ZM", "U16", "RB", "00"])
def test_a_pin_comes_before_the_plan_and_an_ordinary_one_meets_it(world, code):
    order = world.order()
    world.add_rule(code)
    attempt = world.approve(world.request_approval(order), pin="1234")
    assert seen(world, order, attempt.attempt_id) == expected(code).first

"""Deciding what an attempt will meet, once, when it begins."""

from __future__ import annotations

from mockpay.domain.answers import Network
from mockpay.domain.attempts import Attempt
from mockpay.domain.instruments import Instrument
from mockpay.domain.methods import NETWORKS
from mockpay.domain.orders import Order
from mockpay.domain.plans import Decision, Plan, Source, Stage
from mockpay.domain.scenarios import MATCH_KEYS, STAGES, Facts, Looks, Rule, find, resolve
from mockpay.domain.upi import MOST_WRONG_PINS, PIN_LOCKED, WRONG_PIN
from mockpay.kernel import ids
from mockpay.store import attempts, scenarios
from mockpay.store.worlds import Sandbox

_DICE = 1_000_000
#: What a bank's down time means for a try.
_CLOSED = Decision("bankdown", Source.DEFAULT, "bank.down", "the bank's down time")


def decide(
    sandbox: Sandbox, order: Order, instrument: Instrument, attempt_id: str,
    *, bank_closed: bool = False,
) -> Plan:  # fmt: skip
    """
    The plan of a new attempt; the rules that decide it are used up here.

    A bank that is closed for now decides before everything else; no rule is spent on it.
    """
    settings = sandbox.seller.settings
    amount = order.amount.wire()
    match = {
        **{key: value for key, value in instrument.dump().items() if key in MATCH_KEYS},
        "method": instrument.method,
        "amount": amount,
        "seller_order_id": order.seller_order_id,
        "amazon_order_id": order.amazon_order_id,
    }
    network = NETWORKS[instrument.method]
    inputs = {**instrument.inputs, Looks.AMOUNT: amount}
    facts = Facts(inputs, match, network, settings.magic_amounts, settings.default_outcomes)
    open_stages = [stage for stage in STAGES if not (bank_closed and stage is Stage.ISSUER)]
    plan = resolve(facts, _waiting(sandbox, match, network, attempt_id, open_stages))
    return Plan({**plan.decisions, Stage.ISSUER: _CLOSED}) if bank_closed else plan


def _waiting(
    sandbox: Sandbox, match: dict[str, str], network: Network, attempt_id: str, stages: list[Stage]
) -> dict[Stage, Rule]:
    """For each of the stages the oldest rule that fits and whose dice fall; used up at once."""
    chosen: dict[Stage, Rule] = {}
    # The rule's place in the queue, not its row number: that counts other sellers' rules too.
    for place, rule in enumerate(scenarios.waiting(sandbox)):
        if rule.stage not in stages or rule.stage in chosen or not rule.fits(match, sandbox.now):
            continue
        # A UPI code means nothing to a card issuer: such a rule waits for its own method.
        if rule.stage is Stage.ISSUER and not network.knows(rule.outcome):
            continue
        dice = ids.number(sandbox.seller.seed, "rule", place, attempt_id, below=_DICE)
        if dice < rule.probability * _DICE:
            chosen[rule.stage] = rule
            scenarios.use_up(sandbox, rule)
    return chosen


def of_pin(sandbox: Sandbox, attempt: Attempt, pin: str) -> str | None:
    """
    The outcome that a UPI PIN asks for; None for an ordinary one.

    A wrong PIN fails the try; the third of one order locks (NPCI: Z6 after three).
    """
    row = find(Looks.PIN, pin)
    if row is None:
        return None
    tries = attempts.of_order(sandbox, attempt.order_id)
    wrong = sum(one.failure is not None and one.failure.code == WRONG_PIN for one in tries)
    return PIN_LOCKED if row.outcome == WRONG_PIN and wrong + 1 >= MOST_WRONG_PINS else row.outcome

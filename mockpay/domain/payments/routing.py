"""Which gateway takes a payment: a seller's rules, and the decision with each candidate and why; pure functions."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Mapping, Sequence
from enum import StrEnum
from fractions import Fraction
from itertools import accumulate
from typing import Annotated

from msgspec import Meta, Struct

from mockpay.domain.payments.gateways import Capabilities
from mockpay.kernel import ids
from mockpay.kernel.clock import indian, parse_time
from mockpay.kernel.errors import Invalid, parse_at
from mockpay.kernel.money import Money
from mockpay.kernel.words import parse_word

#: Who takes what no rule sends elsewhere.
DEFAULT = "simulator"
_BASIS_POINTS = 10_000
_BREAKER_OPEN = "its circuit breaker is open"
#: What a value of each of these conditions is.
_NOUNS = {"methods": "method", "networks": "network", "banks": "bank", "currencies": "currency"}


class Strategy(StrEnum):
    """In which order the targets of a rule are tried."""

    PRIORITY = "PRIORITY"
    WEIGHTED = "WEIGHTED"
    LEAST_COST = "LEAST_COST"
    BEST_RATE = "BEST_RATE"


# --- rules

_Name = Annotated[str, Meta(max_length=64)]
_Words = Annotated[tuple[_Name, ...], Meta(max_length=100)]


class Target(Struct, frozen=True, forbid_unknown_fields=True):
    """A gateway that a rule sends payments to; weights count among those of their rule."""

    gateway: _Name
    weight: Annotated[int, Meta(ge=1, le=1_000)] = 1


class When(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a payment must have; what is not named is all one. A card has network and BIN, net banking a bank."""

    methods: _Words = ()
    networks: _Words = ()
    bins: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^[0-9]{1,6}(?!\n)$")], ...],
        Meta(max_length=100, description="First digits of the card's number, six at most."),
    ] = ()
    banks: _Words = ()
    currencies: _Words = ()
    buyers: Annotated[_Words, Meta(description="Ids of buyers who are signed in.")] = ()
    min_amount: Annotated[str | None, Meta(description="At least this much.")] = None
    max_amount: Annotated[str | None, Meta(description="At most this much.")] = None
    from_hour: Annotated[
        Annotated[int, Meta(ge=0, le=23)] | None, Meta(description="From this hour in India by the seller's clock.")
    ] = None
    to_hour: Annotated[
        Annotated[int, Meta(ge=0, le=24)] | None,
        Meta(description="Before this hour; smaller than `from_hour` means through midnight."),
    ] = None


class RoutingRule(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One rule: the payments that it takes, and where it sends them."""

    targets: Annotated[tuple[Target, ...], Meta(min_length=1, max_length=20)]
    name: Annotated[str, Meta(max_length=64, description="How a decision names it.")] = ""
    when: When = When()
    strategy: Strategy = Strategy.PRIORITY
    fallbacks: Annotated[_Words, Meta(description="Gateways that are tried after all targets, in this order.")] = ()
    enabled: bool = True
    valid_from: Annotated[str | None, Meta(description="Not before this time of the seller's.")] = None
    valid_until: Annotated[str | None, Meta(description="Not at this time of the seller's or later.")] = None


class Cost(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a gateway takes of a payment."""

    basis_points: Annotated[int, Meta(ge=0, le=_BASIS_POINTS, description="Hundredths of a per cent.")] = 0
    fixed: Annotated[str, Meta(description="Beside that, per payment.")] = "0.00"


class Routing(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A seller's rules: the first that fits a payment decides; where none does, the built-in simulator takes it."""

    rules: Annotated[tuple[RoutingRule, ...], Meta(max_length=100)] = ()
    costs: Annotated[dict[str, Cost], Meta(description="By gateway, for LEAST_COST.")] = {}
    window: Annotated[
        int, Meta(ge=1, le=10_000, description="How many of a gateway's last decided payments BEST_RATE looks at.")
    ] = 200
    hedging_percent: Annotated[
        int, Meta(ge=0, le=100, description="How often BEST_RATE tries another gateway first, to learn of it.")
    ] = 0


def check(routing: Routing, gateways: Sequence[str], words: Mapping[str, Sequence[str]]) -> None:
    """
    Refuse rules that could never do what they say.

    Args:
        words: The values that `methods`, `networks`, `banks` and `currencies` may have.

    Raises:
        Invalid: code ``routing.invalid`` (the `field` by its path), ``amount.invalid`` or ``time.invalid``.
    """
    for gateway, cost in routing.costs.items():
        parse_word("gateway", gateway, gateways, code="routing.invalid", field=f"costs.{gateway}")
        parse_at(f"costs.{gateway}.fixed", Money.parse, cost.fixed)
    for number, rule in enumerate(routing.rules):
        _check_rule(routing, rule, f"rules[{number}]", gateways, words)


def _check_rule(
    routing: Routing, rule: RoutingRule, path: str, gateways: Sequence[str], words: Mapping[str, Sequence[str]]
) -> None:
    for name, allowed in words.items():
        for value in getattr(rule.when, name):
            _same_word(_NOUNS[name], value, allowed, f"{path}.when.{name}")
    names = [*(target.gateway for target in rule.targets), *rule.fallbacks]
    for name in names:
        _same_word("gateway", name, gateways, f"{path}.targets")
    if len(set(names)) < len(names):
        raise _wrong(f"{path}.targets", "A gateway stands twice in one rule.")
    missing = [name for name in names if name not in routing.costs]
    if rule.strategy is Strategy.LEAST_COST and missing:
        raise _wrong(f"{path}.strategy", f"LEAST_COST needs the costs of {', '.join(missing)}.")
    _check_ranges(rule, path)


def _same_word(noun: str, value: str, allowed: Sequence[str], field: str) -> None:
    """A word of the list in its own spelling: it is compared as it is stored."""
    if value not in allowed:
        right = parse_word(noun, value, allowed, code="routing.invalid", field=field)
        raise _wrong(field, f"There is no {noun} '{value}'. Did you mean '{right}'?")


def _check_ranges(rule: RoutingRule, path: str) -> None:
    when = rule.when
    least, most = (
        parse_at(f"{path}.when.min_amount", Money.parse, when.min_amount),
        parse_at(f"{path}.when.max_amount", Money.parse, when.max_amount),
    )
    if least is not None and most is not None and least > most:
        raise _wrong(f"{path}.when.max_amount", "'max_amount' lies below 'min_amount'.")
    if (when.from_hour is None) != (when.to_hour is None) or (
        when.from_hour is not None and when.from_hour == when.to_hour
    ):
        raise _wrong(f"{path}.when.to_hour", "'from_hour' and 'to_hour' come together and differ.")
    since = parse_at(f"{path}.valid_from", parse_time, rule.valid_from)
    until = parse_at(f"{path}.valid_until", parse_time, rule.valid_until)
    if since is not None and until is not None and since >= until:
        raise _wrong(f"{path}.valid_until", "'valid_until' does not lie after 'valid_from'.")


def _wrong(field: str, message: str) -> Invalid:
    return Invalid(message, code="routing.invalid", field=field)


# --- decisions


class PaymentFacts(Struct, frozen=True):
    """
    What is known of a payment when it is routed.

    `now` is the seller's time; `forced` the gateway that whoever pays has named; `part_captured` whether a part of
    what is authorised will be captured.
    """

    attempt_id: str
    method: str
    amount: Money
    now: int
    seed: str
    network: str | None = None
    bin: str | None = None
    bank: str | None = None
    buyer_id: str | None = None
    forced: str | None = None
    part_captured: bool = False


class GatewayState(Struct, frozen=True):
    """
    How a gateway stands for a payment.

    `capabilities` is None for one that takes everything, `success_rate` where nothing was decided yet.
    """

    capabilities: Capabilities | None = None
    breaker_open: bool = False
    success_rate: float | None = None
    enabled: bool = True


class Candidate(Struct, frozen=True):
    """A gateway that a rule names: whether it can take the payment, or why not, and what its place rests on."""

    gateway: str
    eligible: bool
    reason: str | None = None
    score: float | None = None


class RoutingDecision(Struct, frozen=True):
    """Who takes a payment: `chosen` first, then the rest of `sequence`; `rule` is None where none fits."""

    rule: str | None
    strategy: Strategy
    candidates: tuple[Candidate, ...]
    chosen: str
    sequence: tuple[str, ...]

    def after(self, gateway: str) -> str | None:
        """Who is tried after a gateway; None after the last."""
        place = self.sequence.index(gateway) + 1 if gateway in self.sequence else len(self.sequence)
        return self.sequence[place] if place < len(self.sequence) else None


def fits(rule: RoutingRule, facts: PaymentFacts) -> bool:
    """Whether a rule takes a payment."""
    when = rule.when
    named = (
        (when.methods, facts.method),
        (when.networks, facts.network),
        (when.banks, facts.bank),
        (when.currencies, facts.amount.currency),
        (when.buyers, facts.buyer_id),
    )
    return (
        rule.enabled
        and all(not allowed or value in allowed for allowed, value in named)
        and (not when.bins or (facts.bin or "").startswith(when.bins))
        and (when.min_amount is None or Money.parse(when.min_amount).minor <= facts.amount.minor)
        and (when.max_amount is None or facts.amount.minor <= Money.parse(when.max_amount).minor)
        and _in_hours(when, indian(facts.now).hour)
        and (rule.valid_from is None or parse_time(rule.valid_from) <= facts.now)
        and (rule.valid_until is None or facts.now < parse_time(rule.valid_until))
    )


def _in_hours(when: When, hour: int) -> bool:
    if when.from_hour is None or when.to_hour is None:
        return True
    if when.from_hour < when.to_hour:
        return when.from_hour <= hour < when.to_hour
    return hour >= when.from_hour or hour < when.to_hour


def find_rule(routing: Routing, facts: PaymentFacts) -> tuple[int, RoutingRule] | None:
    """The first rule that takes a payment, and its number from 1."""
    return next(((number, rule) for number, rule in enumerate(routing.rules, 1) if fits(rule, facts)), None)


def decide(routing: Routing, facts: PaymentFacts, states: Mapping[str, GatewayState]) -> RoutingDecision:
    """
    Who takes a payment.

    Args:
        states: Of every gateway that a rule may name.
    """
    if facts.forced is not None:
        candidate = _candidate(facts.forced, facts, states, None)
        return _decision("forced", Strategy.PRIORITY, [candidate])
    found = find_rule(routing, facts)
    if found is None:
        return _decision(None, Strategy.PRIORITY, [])
    number, rule = found
    candidates = [
        _candidate(gateway, facts, states, score) for gateway, score in _in_order(routing, rule, facts, states)
    ]
    candidates += [_candidate(gateway, facts, states, None) for gateway in rule.fallbacks]
    return _decision(f"rule {number}{f': {rule.name}' if rule.name else ''}", rule.strategy, candidates)


def _decision(rule: str | None, strategy: Strategy, candidates: list[Candidate]) -> RoutingDecision:
    """
    The decision; where nobody can take the payment, the simulator does.

    Gateways that only a breaker keeps back are asked where there is no other: then the payment fails as it would.
    """
    sequence = tuple(candidate.gateway for candidate in candidates if candidate.eligible)
    sequence = sequence or tuple(candidate.gateway for candidate in candidates if candidate.reason == _BREAKER_OPEN)
    if not sequence:
        why = "no rule fits" if rule is None else "no other can take it"
        candidates = [*candidates, Candidate(DEFAULT, eligible=True, reason=why)]
        sequence = (DEFAULT,)
    return RoutingDecision(rule, strategy, tuple(candidates), sequence[0], sequence)


def _candidate(gateway: str, facts: PaymentFacts, states: Mapping[str, GatewayState], score: float | None) -> Candidate:
    state = states.get(gateway)
    # A rule outlives the provider that it names.
    reason = "is not there any more" if state is None else _why_not(state, facts)
    return Candidate(gateway, reason is None, reason, score)


def _why_not(state: GatewayState, facts: PaymentFacts) -> str | None:
    can = state.capabilities
    if not state.enabled:
        return "is switched off"
    if can is None:
        return None
    if facts.method not in can.methods:
        return f"does not take {facts.method}"
    if facts.amount.currency not in can.currencies:
        return f"does not take {facts.amount.currency}"
    if facts.part_captured and not can.partial_capture:
        return "captures no part"
    return _BREAKER_OPEN if state.breaker_open else None


def _in_order(
    routing: Routing, rule: RoutingRule, facts: PaymentFacts, states: Mapping[str, GatewayState]
) -> list[tuple[str, float | None]]:
    """The targets of a rule, the first to be tried first, each with what its place rests on."""
    names = [target.gateway for target in rule.targets]
    if rule.strategy is Strategy.WEIGHTED:
        weights = {target.gateway: target.weight for target in rule.targets}
        return [(name, float(weights[name])) for name in _drawn(facts, weights)]
    if rule.strategy is Strategy.LEAST_COST:
        costs = {name: _cost(routing.costs[name], facts.amount) for name in names}
        return [(name, float(costs[name] / 100)) for name in sorted(names, key=costs.__getitem__)]
    if rule.strategy is Strategy.BEST_RATE:
        return _by_rate(routing, names, facts, states)
    return [(name, None) for name in names]


def _drawn(facts: PaymentFacts, weights: Mapping[str, int]) -> list[str]:
    """Each drawn from those that are left, as often as its weight says; an attempt draws the same in every run."""
    left, drawn = dict(weights), list[str]()
    while left:
        bounds = list(accumulate(left.values()))
        dice = ids.number(facts.seed, "route", facts.attempt_id, len(drawn), below=bounds[-1])
        drawn.append(list(left)[bisect(bounds, dice)])
        del left[drawn[-1]]
    return drawn


def _cost(cost: Cost, amount: Money) -> Fraction:
    """In paise."""
    return Fraction(amount.minor * cost.basis_points, _BASIS_POINTS) + Money.parse(cost.fixed).minor


def _by_rate(
    routing: Routing, names: list[str], facts: PaymentFacts, states: Mapping[str, GatewayState]
) -> list[tuple[str, float | None]]:
    """The best first; one of which nothing is known yet goes before all, and now and then another one does."""
    rates = {name: states[name].success_rate if name in states else None for name in names}
    ranked = sorted(names, key=lambda name: -1.1 if rates[name] is None else -float(rates[name] or 0))
    dice = ids.number(facts.seed, "hedge", facts.attempt_id, below=100)
    if len(ranked) > 1 and dice < routing.hedging_percent:
        place = 1 + ids.number(facts.seed, "hedge to", facts.attempt_id, below=len(ranked) - 1)
        ranked.insert(0, ranked.pop(place))
    return [(name, rates[name]) for name in ranked]

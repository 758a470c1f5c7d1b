"""Who takes a payment, by a seller's rules; pure."""

from collections import Counter

import pytest
from msgspec.structs import replace

from mockpay.domain.payments.gateways import Capabilities
from mockpay.domain.payments.routing import (
    Cost,
    GatewayState,
    PaymentFacts,
    Routing,
    RoutingRule,
    Strategy,
    Target,
    When,
    check,
    decide,
    fits,
)
from mockpay.kernel.clock import parse_time
from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import Money

#: 17:30 in India.
NOW = parse_time("2026-11-21T12:00:00Z")
CARD = PaymentFacts("att_1", "card", Money(49_900), NOW, "fixed", network="Visa", bin="411111", buyer_id="byr_1")
CAN = Capabilities(methods=frozenset({"card"}))
STATES = {name: GatewayState(CAN) for name in "abc"} | {"simulator": GatewayState()}
GATEWAYS = sorted(STATES)
WORDS = {"methods": ["card", "upi"], "networks": ["Visa"], "banks": ["HDFC"], "currencies": ["INR"]}


def rule(*gateways, **more):
    return RoutingRule(targets=tuple(Target(name) for name in gateways), **more)


def route(*rules, facts=CARD, states=STATES, **more):
    return decide(Routing(rules=rules, **more), facts, states)


def test_each_condition_takes_what_has_it_and_leaves_the_rest(subtests):
    upi = replace(CARD, method="upi", network=None, bin=None, buyer_id=None, bank=None)
    cases = [
        (When(), CARD, True),
        (When(methods=("card",)), CARD, True),
        (When(methods=("upi", "emi")), CARD, False),
        (When(networks=("Visa",)), CARD, True),
        (When(networks=("RuPay",)), CARD, False),
        (When(networks=("Visa",)), upi, False),
        (When(bins=("4",)), CARD, True),
        (When(bins=("5", "411111")), CARD, True),
        (When(bins=("411112",)), CARD, False),
        (When(bins=("4",)), upi, False),
        (When(banks=("HDFC",)), replace(upi, bank="HDFC"), True),
        (When(banks=("HDFC",)), CARD, False),
        (When(currencies=("INR",)), CARD, True),
        (When(currencies=("USD",)), CARD, False),
        (When(buyers=("byr_1",)), CARD, True),
        (When(buyers=("byr_1",)), upi, False),
        (When(min_amount="499.00"), CARD, True),
        (When(min_amount="499.01"), CARD, False),
        (When(max_amount="499"), CARD, True),
        (When(max_amount="498.99"), CARD, False),
        (When(from_hour=17, to_hour=18), CARD, True),
        (When(from_hour=18, to_hour=20), CARD, False),
        (When(from_hour=10, to_hour=17), CARD, False),
        (When(from_hour=22, to_hour=6), CARD, False),
        (When(from_hour=22, to_hour=6), replace(CARD, now=parse_time("2026-11-21T17:00:00Z")), True),
        (When(from_hour=22, to_hour=6), replace(CARD, now=parse_time("2026-11-21T00:29:59Z")), True),
        (When(from_hour=22, to_hour=6), replace(CARD, now=parse_time("2026-11-21T00:30:00Z")), False),
        (When(methods=("card",), min_amount="500.00"), CARD, False),
    ]
    for when, facts, expected in cases:
        with subtests.test(when=when, facts=facts):
            assert fits(rule("a", when=when), facts) is expected


def test_a_rule_takes_payments_while_it_is_valid_and_on():
    def valid(**more):
        return fits(rule("a", **more), CARD)

    assert valid(valid_from="2026-11-21T12:00:00Z")
    assert not valid(valid_from="2026-11-21T12:00:00.001Z")
    assert valid(valid_until="2026-11-21T12:00:00.001Z")
    assert not valid(valid_until="2026-11-21T12:00:00Z")
    assert not valid(enabled=False)


def test_the_first_rule_that_fits_decides():
    made = route(
        rule("a", when=When(methods=("upi",))), rule("b", "c", name="cards", fallbacks=("simulator",)), rule("a")
    )
    assert (made.rule, made.chosen, made.sequence) == ("rule 2: cards", "b", ("b", "c", "simulator"))
    assert [(c.gateway, c.eligible, c.reason) for c in made.candidates] == [
        ("b", True, None),
        ("c", True, None),
        ("simulator", True, None),
    ]
    assert [made.after(name) for name in ("b", "c", "simulator", "a")] == ["c", "simulator", None, None]


def test_where_no_rule_fits_the_simulator_takes_it():
    made = route(rule("a", when=When(methods=("upi",))))
    assert (made.rule, made.chosen, made.candidates[0].reason) == (None, "simulator", "no rule fits")


def test_a_gateway_that_cannot_take_it_says_why_and_the_next_one_does():
    states = {
        "a": GatewayState(Capabilities(methods=frozenset({"upi"}))),
        "b": GatewayState(CAN, breaker_open=True),
        "c": GatewayState(CAN),
        "simulator": GatewayState(),
    }
    made = route(rule("a", "b", "c"), states=states)
    reasons = [(c.gateway, c.reason) for c in made.candidates]
    assert reasons == [("a", "does not take card"), ("b", "its circuit breaker is open"), ("c", None)]
    assert made.sequence == ("c",)
    gone = route(rule("z", "c", strategy=Strategy.BEST_RATE))
    assert (gone.chosen, gone.candidates[0].reason) == ("c", "is not there any more")
    shut = route(rule("b", "a"), states=states)
    assert (shut.chosen, shut.sequence, [c.eligible for c in shut.candidates]) == ("b", ("b",), [False, False])
    abroad = replace(CARD, amount=Money(49_900, "USD"))
    assert [c.reason for c in route(rule("c"), facts=abroad).candidates] == [
        "does not take USD",
        "no other can take it",
    ]
    part = route(rule("c"), facts=replace(CARD, part_captured=True))
    assert (part.chosen, part.rule, part.candidates[0].reason) == ("simulator", "rule 1", "captures no part")
    parts = {**STATES, "c": GatewayState(Capabilities(methods=frozenset({"card"}), partial_capture=True))}
    assert route(rule("c"), facts=replace(CARD, part_captured=True), states=parts).chosen == "c"


def test_a_forced_gateway_goes_before_every_rule_unless_it_cannot():
    assert route(rule("a"), facts=replace(CARD, forced="c")).chosen == "c"
    assert route(rule("a"), facts=replace(CARD, forced="c", method="upi")).chosen == "simulator"
    assert route(facts=replace(CARD, forced="c")).rule == "forced"


def test_weights_are_drawn_by_the_seed_and_come_out_as_often_as_they_say():
    weighted = RoutingRule(targets=(Target("a", 7), Target("b", 2), Target("c", 1)), strategy=Strategy.WEIGHTED)

    def drawn(number, seed="fixed"):
        return route(weighted, facts=replace(CARD, attempt_id=f"att_{number}", seed=seed))

    first = Counter(drawn(number).chosen for number in range(2_000))
    assert 1_320 < first["a"] < 1_480
    assert 330 < first["b"] < 470
    assert 150 < first["c"] < 260
    assert [drawn(n).sequence for n in range(50)] == [drawn(n).sequence for n in range(50)]
    assert [drawn(n).sequence for n in range(50)] != [drawn(n, "other").sequence for n in range(50)]
    assert {tuple(sorted(drawn(n).sequence)) for n in range(50)} == {("a", "b", "c")}
    assert {c.gateway: c.score for c in drawn(1).candidates} == {"a": 7, "b": 2, "c": 1}


def test_the_cheapest_goes_first_by_what_the_amount_costs():
    costs = {"a": Cost(basis_points=200), "b": Cost(basis_points=100, fixed="5.00"), "c": Cost(fixed="10.00")}
    cheapest = rule("a", "b", "c", strategy=Strategy.LEAST_COST)

    def costing(minor):
        made = route(cheapest, facts=replace(CARD, amount=Money(minor)), costs=costs)
        return [(c.gateway, c.score) for c in made.candidates]

    assert costing(10_000) == [("a", 2.0), ("b", 6.0), ("c", 10.0)]
    assert costing(100_000) == [("c", 10.0), ("b", 15.0), ("a", 20.0)]
    # Where two cost the same the rule's own order counts.
    assert costing(50_000) == [("a", 10.0), ("b", 10.0), ("c", 10.0)]


def test_the_best_rate_goes_first_and_one_that_nobody_knows_before_it():
    best = rule("a", "b", "c", strategy=Strategy.BEST_RATE)

    def ranked(a, b, c, number=1, **more):
        rates = {"a": a, "b": b, "c": c}
        states = {name: GatewayState(CAN, success_rate=rate) for name, rate in rates.items()}
        facts = replace(CARD, attempt_id=f"att_{number}")
        return route(best, facts=facts, states={**states, "simulator": GatewayState()}, **more).sequence

    assert ranked(0.5, 0.9, 0.7) == ("b", "c", "a")
    assert ranked(1.0, None, 0.0) == ("b", "a", "c")
    assert ranked(0.5, 0.5, 0.5) == ("a", "b", "c")
    hedged = Counter(ranked(0.5, 0.9, 0.7, n, hedging_percent=20)[0] for n in range(1_000))
    assert 750 < hedged["b"] < 850
    assert 60 < hedged["a"] < 140
    assert all(ranked(0.5, 0.9, 0.7, n)[0] == "b" for n in range(300))
    assert all(ranked(0.5, 0.9, 0.7, n, hedging_percent=100)[0] != "b" for n in range(50))


def test_rules_that_could_never_do_what_they_say_are_refused(subtests):
    cases = [
        (Routing(rules=(rule("d"),)), "rules[0].targets", "no gateway"),
        (Routing(rules=(rule("A"),)), "rules[0].targets", "'a'"),
        (Routing(rules=(rule("a", fallbacks=("a",)),)), "rules[0].targets", "twice"),
        (Routing(rules=(rule("a"), rule("a", when=When(methods=("crad",))))), "rules[1].when.methods", "'card'"),
        (Routing(rules=(rule("a", when=When(networks=("visa",))),)), "rules[0].when.networks", "'Visa'"),
        (Routing(rules=(rule("a", when=When(banks=("X",))),)), "rules[0].when.banks", "no bank"),
        (Routing(rules=(rule("a", when=When(currencies=("EUR",))),)), "rules[0].when.currencies", "no currency"),
        (Routing(rules=(rule("a", strategy=Strategy.LEAST_COST),)), "rules[0].strategy", "costs of a"),
        (Routing(costs={"d": Cost()}), "costs.d", "no gateway"),
        (Routing(costs={"a": Cost(fixed="x")}), "costs.a.fixed", ""),
        (Routing(rules=(rule("a", when=When(min_amount="2", max_amount="1")),)), "rules[0].when.max_amount", "below"),
        (Routing(rules=(rule("a", when=When(min_amount="1,5")),)), "rules[0].when.min_amount", ""),
        (Routing(rules=(rule("a", when=When(from_hour=3)),)), "rules[0].when.to_hour", "together"),
        (Routing(rules=(rule("a", when=When(from_hour=3, to_hour=3)),)), "rules[0].when.to_hour", "differ"),
        (Routing(rules=(rule("a", valid_from="soon"),)), "rules[0].valid_from", ""),
        (
            Routing(rules=(rule("a", valid_from="2026-11-21T12:00:00Z", valid_until="2026-11-21T12:00:00Z"),)),
            "rules[0].valid_until",
            "after",
        ),
    ]
    for routing, field, words in cases:
        with subtests.test(field=field, words=words), pytest.raises(Invalid) as refused:
            check(routing, GATEWAYS, WORDS)
        assert refused.value.detail["field"] == field
        assert words in refused.value.message
    check(
        Routing(
            rules=(rule("a", "b", when=When(min_amount="1", max_amount="1"), strategy=Strategy.LEAST_COST),),
            costs={"a": Cost(), "b": Cost(fixed="3.00")},
        ),
        GATEWAYS,
        WORDS,
    )

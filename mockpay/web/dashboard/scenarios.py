"""The table of magic values, and the rules that somebody made by control API."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flask import Blueprint, Response, redirect, url_for

from mockpay.domain.methods.method import Section
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.scenarios.resolution import TABLE, Input, Row, Rule
from mockpay.services import scenarios as services
from mockpay.store import scenarios as rules
from mockpay.store.unit_of_work import Runtime, Sandbox, read, transaction
from mockpay.web.dashboard.layout import render
from mockpay.web.wording.sentences import span

_SECTIONS: tuple[Section, ...] = (
    *(section for method in METHODS.values() for section in method.sections),
    Section(
        title="Amounts: what the issuer answers",
        anchor="issuer",
        description="Paise are the code.",
        inputs=frozenset({Input.AMOUNT}),
        prefix="amount.issuer.",
    ),
    Section(
        title="Amounts: what comes back",
        anchor="redirect",
        description="The payment succeeds.",
        inputs=frozenset({Input.AMOUNT}),
        prefix="amount.redirect.",
    ),
    Section(title="More", anchor="more", description="", inputs=frozenset()),
)


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule in words."""

    rule_id: int
    stage: str
    match: str
    outcome: str
    left: str
    delete_url: str


def register(pages: Blueprint, runtime: Runtime) -> None:
    """Add the table and the deletion of rules."""

    @pages.get("/sellers/<seller_id>/scenarios")
    def scenarios(seller_id: str) -> str:
        with read(runtime, seller_id) as sandbox:
            return render(
                runtime,
                sandbox,
                "scenarios.html",
                current="scenarios",
                sections=sections_of(TABLE),
                rules=[_rule_line(sandbox, rule) for rule in rules.waiting(sandbox)],
                magic_amounts=sandbox.seller.settings.magic_amounts,
            )

    @pages.post("/sellers/<seller_id>/scenarios/<int:rule_id>/delete")
    def delete_rule(seller_id: str, rule_id: int) -> Response:
        with transaction(runtime, seller_id) as sandbox:
            services.remove_rule(sandbox, rule_id)
        back = url_for("dashboard.scenarios", seller_id=seller_id)
        return redirect(back, 303)  # type: ignore[return-value]


def sections_of(table: Iterable[Row]) -> list[tuple[Section, list[Row]]]:
    """The whole table, each row in the section that fits it best; empty sections are left out."""
    rows: dict[str, list[Row]] = {section.anchor: [] for section in _SECTIONS}
    for row in table:
        fitting = [s for s in _SECTIONS if row.input in s.inputs and row.name.startswith(s.prefix)]
        rows[max(fitting, key=lambda s: len(s.prefix), default=_SECTIONS[-1]).anchor].append(row)
    return [(section, rows[section.anchor]) for section in _SECTIONS if rows[section.anchor]]


def _rule_line(sandbox: Sandbox, rule: Rule) -> RuleLine:
    return RuleLine(
        rule_id=rule.rule_id,
        stage=str(rule.stage),
        match=", ".join(f"{key} {value}" for key, value in rule.match.items()) or "every payment",
        outcome=rule.outcome,
        left=_left(rule, sandbox.now),
        delete_url=url_for("dashboard.delete_rule", seller_id=sandbox.seller_id, rule_id=rule.rule_id),
    )


def _left(rule: Rule, now: int) -> str:
    """How much of a rule is left: times, chance and time."""
    if rule.times == 0:
        return "used up"
    if rule.expires_at is not None and now >= rule.expires_at:
        return "expired"
    times = {None: "every time", 1: "once"}.get(rule.times, f"{rule.times} times")
    chance = "" if rule.probability >= 1 else f", {rule.probability:.0%} of them"
    until = "" if rule.expires_at is None else f", for {span(rule.expires_at - now)}"
    return times + chance + until

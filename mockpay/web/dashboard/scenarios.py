"""The table of magic values, and the rules that somebody made by control API."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flask import Blueprint, Response, redirect, url_for

from mockpay.domain.payments.plans import Stage
from mockpay.domain.scenarios.resolution import TABLE, Input, Row, Rule
from mockpay.services import scenarios as services
from mockpay.store import scenarios as rules
from mockpay.store.unit_of_work import Runtime, Sandbox, read, transaction
from mockpay.web.dashboard.layout import render
from mockpay.web.wording.sentences import span

_CODES = "upi.code."
_ALIASES = "upi.alias."


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that belong together, under a name and a line of explanation."""

    name: str
    anchor: str
    says: str
    rows: tuple[Row, ...]


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
                groups=groups(TABLE),
                rules=[_rule_line(sandbox, rule) for rule in rules.waiting(sandbox)],
                magic_amounts=sandbox.seller.settings.magic_amounts,
            )

    @pages.post("/sellers/<seller_id>/scenarios/<int:rule_id>/delete")
    def delete_rule(seller_id: str, rule_id: int) -> Response:
        with transaction(runtime, seller_id) as sandbox:
            services.remove_rule(sandbox, rule_id)
        back = url_for("dashboard.scenarios", seller_id=seller_id)
        return redirect(back, 303)  # type: ignore[return-value]


def groups(table: Iterable[Row]) -> list[Group]:
    """The whole table, each row in exactly one group; empty groups are left out."""
    kinds = (
        ("UPI IDs", "upi", "Typed on the payment page; the name says the end.", _is_named),
        ("UPI IDs by code", "codes", "Any response code of the network.", _is_code),
        ("Other sandboxes’ UPI IDs", "aliases", "Habits from elsewhere work too.", _is_alias),
        ("UPI PINs", "pins", "Typed in the simulated UPI app.", _looks_at_pin),
        ("Amounts: what the issuer answers", "issuer", "Paise are the code.", _is_issuer_amount),
        ("Amounts: what comes back", "redirect", "The payment succeeds.", _is_redirect),
    )
    rows = list(table)
    found = [
        Group(name, anchor, says, tuple(row for row in rows if belongs(row)))
        for name, anchor, says, belongs in kinds
    ]
    placed = {row.name for group in found for row in group.rows}
    rest = Group("More", "more", "", tuple(row for row in rows if row.name not in placed))
    return [group for group in (*found, rest) if group.rows]


def _is_named(row: Row) -> bool:
    return row.input is Input.VPA and not row.name.startswith((_CODES, _ALIASES))


def _is_code(row: Row) -> bool:
    return row.name.startswith(_CODES)


def _is_alias(row: Row) -> bool:
    return row.name.startswith(_ALIASES)


def _looks_at_pin(row: Row) -> bool:
    return row.input is Input.PIN


def _is_issuer_amount(row: Row) -> bool:
    return row.input is Input.AMOUNT and row.stage is Stage.ISSUER


def _is_redirect(row: Row) -> bool:
    return row.input is Input.AMOUNT and row.stage is Stage.REDIRECT


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

"""Scenario rules that a seller made by control API."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Column, Float, Index, Table, bindparam, delete, select, update

from mockpay.domain.payments.attempts import Stage
from mockpay.domain.scenarios.resolution import Rule
from mockpay.store.db.mapping import Mapper, Prepared
from mockpay.store.db.metadata import big, metadata, row_id, text
from mockpay.store.unit_of_work import Sandbox

rules = Table(
    "scenario_rules",
    metadata,
    row_id(),
    text("seller_id"),
    text("stage"),
    text("match"),
    text("outcome"),
    big("times", null=True),
    Column("probability", Float, nullable=False),
    big("expires_at", null=True),
    big("created_at"),
    Index("rules_of_seller", "seller_id", "id"),
)

mapper = Mapper(Rule, rules, id="rule_id")


def add(
    sandbox: Sandbox,
    *,
    stage: Stage,
    match: Mapping[str, str],
    outcome: str,
    times: int | None,
    probability: float,
    expires_at: int | None,
) -> Rule:
    """Store a new rule, the last in its seller's queue."""
    rule = Rule(0, stage, match, outcome, times, probability, expires_at, sandbox.now)
    return mapper.insert(sandbox.connection, rule, seller_id=sandbox.seller_id)


_waiting = Prepared(select(rules).where(rules.c.seller_id == bindparam("seller_id")).order_by(rules.c.id))


def waiting(sandbox: Sandbox) -> list[Rule]:
    """The seller's rules in the order they were made, used-up ones included."""
    rows = _waiting.run(sandbox.connection, {"seller_id": sandbox.seller_id}).fetchall()
    return [mapper.load(row) for row in rows]


def use_up(sandbox: Sandbox, rule: Rule) -> None:
    """Take one time off a rule that has a number of times."""
    sandbox.connection.execute(
        update(rules).where(rules.c.id == rule.rule_id, rules.c.times > 0).values(times=rules.c.times - 1)
    )


def put_back(sandbox: Sandbox, name: str) -> None:
    """Give a rule of this name its time back; nothing where it is gone, or decides every time."""
    statement = update(rules).where(rules.c.seller_id == sandbox.seller_id, rules.c.times.is_not(None))
    number = rules.c.id == int(name.removeprefix("rule "))
    sandbox.connection.execute(statement.where(number).values(times=rules.c.times + 1))


def clear(sandbox: Sandbox, rule_id: int | None = None) -> int:
    """Delete one rule or all of them; how many there were."""
    statement = delete(rules).where(rules.c.seller_id == sandbox.seller_id)
    if rule_id is not None:
        statement = statement.where(rules.c.id == rule_id)
    return sandbox.connection.execute(statement).rowcount

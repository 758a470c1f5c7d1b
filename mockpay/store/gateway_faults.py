"""Faults of gateways that a tester asked for."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Column, Float, Index, Table, delete, select, update

from mockpay.domain.payments.faults import FaultRule
from mockpay.store.db.mapping import Mapper
from mockpay.store.db.metadata import big, metadata, row_id, text
from mockpay.store.unit_of_work import Sandbox

faults = Table(
    "gateway_faults",
    metadata,
    row_id(),
    text("seller_id"),
    text("gateway"),
    text("fault"),
    text("operation", null=True),
    big("times", null=True),
    Column("probability", Float, nullable=False),
    big("latency_ms"),
    big("expires_at", null=True),
    big("created_at"),
    Index("gateway_faults_of_seller", "seller_id", "gateway", "id"),
)

mapper = Mapper(FaultRule, faults, id="fault_id")


def add(sandbox: Sandbox, rule: FaultRule) -> FaultRule:
    """Store a new rule, the last of its gateway."""
    return mapper.insert(sandbox.connection, rule, seller_id=sandbox.seller_id)


def of_gateway(sandbox: Sandbox, gateway: str) -> list[FaultRule]:
    """The rules of a gateway, the oldest first, those that are used up included."""
    query = select(faults).where(faults.c.seller_id == sandbox.seller_id, faults.c.gateway == gateway)
    return mapper.all(sandbox.connection, query.order_by(faults.c.id))


def use_up(sandbox: Sandbox, rule: FaultRule) -> bool:
    """Take one time off a rule; False where none was left, or the rule is gone."""
    statement = update(faults).where(faults.c.id == rule.fault_id, faults.c.times > 0)
    return sandbox.connection.execute(statement.values(times=faults.c.times - 1)).rowcount == 1


def of_seller(sandbox: Sandbox) -> list[FaultRule]:
    """The rules of all gateways, the oldest first, those that are used up included."""
    query = select(faults).where(faults.c.seller_id == sandbox.seller_id)
    return mapper.all(sandbox.connection, query.order_by(faults.c.id))


def remove(sandbox: Sandbox, gateway: str, fault_ids: Collection[int]) -> None:
    """Take some rules of a gateway away."""
    of_gateway = (faults.c.seller_id == sandbox.seller_id, faults.c.gateway == gateway)
    sandbox.connection.execute(delete(faults).where(*of_gateway, faults.c.id.in_(fault_ids)))


def clear(sandbox: Sandbox, gateway: str) -> None:
    """Take all rules of a gateway away."""
    of_seller = faults.c.seller_id == sandbox.seller_id
    sandbox.connection.execute(delete(faults).where(of_seller, faults.c.gateway == gateway))

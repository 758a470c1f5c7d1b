"""Circuit breakers of gateways by method of payment, and what a tester decides over their heads."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Table, delete, select

from mockpay.domain.payments.breaker import Breaker, Force
from mockpay.store.db.mapping import Mapper, insert_new
from mockpay.store.db.metadata import big, metadata, text
from mockpay.store.unit_of_work import Sandbox

breakers = Table(
    "gateway_breakers",
    metadata,
    text("seller_id", primary_key=True),
    text("gateway", primary_key=True),
    text("method", primary_key=True),
    text("failures"),
    big("opened_at", null=True),
    big("wait_ms"),
    big("probe_at", null=True),
)
forced = Table(
    "gateway_forced_breakers",
    metadata,
    text("seller_id", primary_key=True),
    text("gateway", primary_key=True),
    text("force"),
)

mapper = Mapper(Breaker, breakers)


def find(sandbox: Sandbox, gateway: str, method: str) -> Breaker:
    """The breaker of a gateway for a method; closed where nothing failed yet."""
    of_gateway = (breakers.c.seller_id == sandbox.seller_id, breakers.c.gateway == gateway)
    return mapper.first(sandbox.connection, *of_gateway, breakers.c.method == method) or Breaker(gateway, method)


def of_seller(sandbox: Sandbox) -> list[Breaker]:
    """Every breaker of the seller's gateways that has failures."""
    query = select(breakers).where(breakers.c.seller_id == sandbox.seller_id)
    return mapper.all(sandbox.connection, query.order_by(breakers.c.gateway, breakers.c.method))


def save(sandbox: Sandbox, breaker: Breaker) -> None:
    """Store another state of a breaker; the seller's lock is held."""
    of_gateway = (breakers.c.seller_id == sandbox.seller_id, breakers.c.gateway == breaker.gateway)
    sandbox.connection.execute(delete(breakers).where(*of_gateway, breakers.c.method == breaker.method))
    insert_new(sandbox.connection, breakers, {**mapper.dump(breaker), "seller_id": sandbox.seller_id})


def forces(sandbox: Sandbox) -> Mapping[str, Force]:
    """What is decided over breakers' heads, by gateway."""
    query = select(forced.c.gateway, forced.c.force).where(forced.c.seller_id == sandbox.seller_id)
    return {gateway: Force(force) for gateway, force in sandbox.connection.execute(query)}


def save_force(sandbox: Sandbox, gateway: str, force: Force) -> None:
    """Decide over the heads of a gateway's breakers, or leave them alone again."""
    of_gateway = (forced.c.seller_id == sandbox.seller_id, forced.c.gateway == gateway)
    sandbox.connection.execute(delete(forced).where(*of_gateway))
    if force is not Force.AUTO:
        insert_new(
            sandbox.connection, forced, {"seller_id": sandbox.seller_id, "gateway": gateway, "force": str(force)}
        )

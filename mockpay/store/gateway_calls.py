"""
The log of calls to gateways: one row each, written before it is sent, redacted; the newest 50,000 of a seller.

A row without an outcome is on its way, or its sender died.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace
from sqlalchemy import Index, Table, select, update

from mockpay.domain.methods.cards import redact
from mockpay.domain.payments.breaker import BreakerState
from mockpay.domain.payments.call_log import CallDirection, ErrorClass, classify
from mockpay.domain.payments.gateways import PAYING, Exchange, Operation, Result, ResultKind
from mockpay.kernel.money import Money
from mockpay.store.db.mapping import Mapper, dump, keep_newest
from mockpay.store.db.metadata import big, metadata, row_id, text
from mockpay.store.unit_of_work import Sandbox

calls = Table(
    "gateway_calls",
    metadata,
    row_id(),
    text("seller_id"),
    text("gateway"),
    text("operation"),
    big("try_no"),
    text("idempotency_key"),
    text("order_id"),
    text("attempt_id"),
    text("refund_id", null=True),
    text("method"),
    text("breaker", null=True),
    big("amount_minor"),
    text("currency"),
    big("at"),
    big("began_at"),
    big("sent_at", null=True),
    big("finished_at", null=True),
    text("outcome", null=True),
    text("code", null=True),
    text("raw_code", null=True),
    text("message", null=True),
    text("reference", null=True),
    big("status", null=True),
    big("latency_ms", null=True),
    text("exchange", null=True),
    text("direction"),
    text("error_class", null=True),
    Index("gateway_calls_of_seller", "seller_id", "id"),
    Index("gateway_calls_of_attempt", "attempt_id", "id"),
    Index("gateway_calls_of_gateway", "seller_id", "gateway", "method", "id"),
    # One for each filter of the log, in the order of the list; `mockpay.store.reads.gateway_log` has the queries.
    Index("gateway_calls_by_time", "seller_id", "at", "id"),
    *(
        Index(f"gateway_calls_by_{name}", "seller_id", name, "at", "id")
        for name in ("order_id", "gateway", "operation", "outcome", "error_class", "status", "direction")
    ),
    Index("gateway_calls_by_latency", "seller_id", "latency_ms", "id"),
)

#: What of a gateway's own words is kept, in characters.
_LONGEST_MESSAGE = 500


class GatewayCall(Struct, frozen=True):
    """
    One call.

    `at` is the seller's time, `began_at` the real time at which the first call of its operation was queued; `breaker`
    the state of a circuit breaker that did not let it through, None where it did. `outcome` is the class of its answer
    and `exchange` request and answer side by side; both None until it ends.
    """

    number: int
    gateway: str
    operation: Operation
    try_no: int
    idempotency_key: str
    order_id: str
    attempt_id: str
    refund_id: str | None
    method: str
    breaker: BreakerState | None
    amount: Money
    at: int
    began_at: int
    sent_at: int | None
    finished_at: int | None = None
    outcome: ResultKind | None = None
    code: str | None = None
    raw_code: str | None = None
    message: str | None = None
    reference: str | None = None
    status: int | None = None
    latency_ms: int | None = None
    exchange: Mapping[str, Any] | None = None
    direction: CallDirection = CallDirection.OUT
    error_class: ErrorClass | None = None


mapper = Mapper(GatewayCall, calls, id="number", key="number")


def add(sandbox: Sandbox, call: GatewayCall) -> GatewayCall:
    """Write a call ahead of its sending; with its number."""
    stored = mapper.insert(sandbox.connection, call, seller_id=sandbox.seller_id)
    keep_newest(sandbox.connection, calls, sandbox.seller_id, stored.number)
    return stored


def finish_prepare(sandbox: Sandbox, call: GatewayCall, result: Result) -> GatewayCall:
    """
    The line of a charge, which was written before its gateway was asked for anything, becomes that of the request which
    has named it there; the charge itself, sent only now, gets a line of its own after it.
    """
    prepare = replace(call, operation=Operation.PREPARE)
    sandbox.connection.execute(update(calls).where(calls.c.id == call.number).values(operation=str(prepare.operation)))
    finish(sandbox, prepare, result)
    return add(sandbox, replace(call, number=0, sent_at=sandbox.real_now))


def mark_sent(sandbox: Sandbox, number: int) -> None:
    """Note that somebody is about to send a call: whoever finds it so later cannot know whether it arrived."""
    sandbox.connection.execute(update(calls).where(calls.c.id == number).values(sent_at=sandbox.real_now))


def finish(sandbox: Sandbox, call: GatewayCall, result: Result) -> GatewayCall:
    """A call with what came of it, without what may not be stored."""
    exchange = result.exchange
    kept = None if exchange is None else dump(_masked(asdict(exchange)))
    error = classify(result, call.operation, call.gateway, call.method, refused=call.breaker is not None)
    values = {
        "finished_at": sandbox.real_now,
        "outcome": str(result.kind),
        "code": result.code or None,
        "raw_code": result.raw_code,
        "message": None if result.message is None else redact(result.message)[:_LONGEST_MESSAGE],
        "reference": result.ids.get("payment") or result.reference,
        "status": exchange.status or None if exchange else None,
        "latency_ms": _latency_ms(call, exchange),
        "exchange": kept,
        "error_class": error and str(error),
    }
    sandbox.connection.execute(update(calls).where(calls.c.id == call.number).values(values))
    return replace(call, finished_at=sandbox.real_now, outcome=result.kind)


def _latency_ms(call: GatewayCall, exchange: Exchange | None) -> int | None:
    """How long the answer took; in process nobody waits for what does not come, nor for what comes by itself."""
    if exchange is None or call.direction is CallDirection.IN:
        return None
    return exchange.latency_ms if exchange.status or exchange.latency_ms else None


def _masked(plain: Any) -> Any:
    """Plain values whose texts have no card number: an allowed field may quote one."""
    if isinstance(plain, Mapping):
        return {name: _masked(value) for name, value in plain.items()}
    if isinstance(plain, list | tuple):
        return [_masked(value) for value in plain]
    return redact(plain) if isinstance(plain, str) else plain


def by_number(sandbox: Sandbox, number: int) -> GatewayCall | None:
    """A call of this seller's."""
    return mapper.first(sandbox.connection, calls.c.seller_id == sandbox.seller_id, calls.c.id == number)


def of_attempt(sandbox: Sandbox, attempt_id: str) -> list[GatewayCall]:
    """All calls about an attempt, the oldest first."""
    query = select(calls).where(calls.c.attempt_id == attempt_id, calls.c.seller_id == sandbox.seller_id)
    return mapper.all(sandbox.connection, query.order_by(calls.c.id))


def success_rate(sandbox: Sandbox, gateway: str, method: str, window: int) -> float | None:
    """How many of a gateway's last decided payments by a method got their money; None where none was decided."""
    decided = (
        select(calls.c.outcome)
        .where(calls.c.seller_id == sandbox.seller_id, calls.c.gateway == gateway, calls.c.method == method)
        .where(calls.c.operation.in_([*map(str, PAYING)]))
        .where(calls.c.outcome.in_([*map(str, _DECIDED)]))
        .order_by(calls.c.id.desc())
        .limit(window)
    )
    outcomes = list(sandbox.connection.execute(decided).scalars())
    return sum(outcome in _SUCCESS for outcome in outcomes) / len(outcomes) if outcomes else None


_SUCCESS = frozenset({ResultKind.APPROVED, ResultKind.AUTHORIZED})
_DECIDED = _SUCCESS | {ResultKind.DECLINED}

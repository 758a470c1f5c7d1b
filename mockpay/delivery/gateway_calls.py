"""One call to a gateway: read where it is claimed, sent outside any transaction, recorded in a new one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from msgspec.structs import replace

from mockpay.delivery.gateway_transport import GatewaySender
from mockpay.delivery.notifications import Send, SendResult
from mockpay.domain.payments.attempts import Attempt
from mockpay.domain.payments.faults import FaultRule
from mockpay.domain.payments.gateway_accounts import GatewayAccount
from mockpay.domain.payments.gateways import PAYING, Charge, GatewayAdapter, Link, Operation, Result, ResultKind
from mockpay.domain.payments.routing import DEFAULT
from mockpay.kernel.errors import NotFound
from mockpay.services.gateways import accounts, faults, results
from mockpay.services.payments import payments
from mockpay.services.payments.transitions import get_attempt
from mockpay.store import gateway_accounts, gateway_calls, gateway_events, outbox
from mockpay.store.gateway_calls import GatewayCall
from mockpay.store.outbox import OutboxRow
from mockpay.store.transitions import require
from mockpay.store.unit_of_work import Runtime, Sandbox, read, transaction

_K = ResultKind
#: Outcomes of the gateway's stage whose answer is lost.
_LOST = frozenset({"noresponse", "noresponsefail"})


def gateway_call(sandbox: Sandbox, row: OutboxRow) -> Send:
    """One call that was written ahead."""
    call = require(gateway_calls.by_number(sandbox, int(row.facts["call"])), "gateway_call")
    attempt = get_attempt(sandbox, call.attempt_id)
    # Whoever leased it to itself (no try is counted then) sends it now; else it was sent before by somebody who died.
    claimed = row.tries > 0
    interrupted = claimed and call.sent_at is not None and call.operation in PAYING
    if claimed and call.sent_at is None:
        gateway_calls.mark_sent(sandbox, call.number)
    charge = _charge(sandbox, call, attempt)
    links = _links(sandbox, call, charge)
    adapter = sandbox.runtime.adapter(call.gateway)

    def send(runtime: Runtime) -> SendResult:
        sent = call
        if interrupted:
            result = Result(_K.NO_ANSWER, "", message="Its sender stopped before it had an answer.")
        elif call.breaker is not None:
            message = f"Its circuit breaker is {call.breaker}."
            result = Result(_K.NOT_SENT, "", message=message, elsewhere=True)
        elif adapter is None:
            result = _ask_built_in(runtime, call, charge)
        else:
            sent, result = _prepare_and_ask(runtime, adapter, row, call, charge, links)
        return SendResult(lambda sandbox: results.record(sandbox, sent, result))

    return send


def _charge(sandbox: Sandbox, call: GatewayCall, attempt: Attempt) -> Charge:
    """What the call is about; the instrument's secret only where money is asked for."""
    ids = attempt.external_ids or {} if attempt.gateway == call.gateway else {}
    if call.operation is Operation.STATUS and call.refund_id is not None:
        name = gateway_events.find_refund_name(sandbox, call.gateway, call.refund_id)
        ids = {**ids, "refund": require(name, "refund")}
    pays = call.operation in PAYING or call.gateway == DEFAULT
    charge = payments.charge_request(sandbox, attempt) if pays else payments.charge_about(sandbox, attempt)
    planned = "failure" if charge.fault == "noresponsefail" and call.gateway != DEFAULT else charge.planned
    return dataclasses.replace(charge, ids=ids, idempotency_key=call.idempotency_key, planned=planned)


def _links(sandbox: Sandbox, call: GatewayCall, charge: Charge) -> Mapping[Operation, Link]:
    """
    The way to the gateway for an operation and for what is prepared before it: in this process or to its endpoint, by
    the seller's credentials as they are now.
    """
    if sandbox.runtime.adapter(call.gateway) is None:
        return {}
    account = gateway_accounts.find(sandbox, call.gateway)
    lost = call.operation in PAYING and charge.fault in _LOST
    links = {call.operation: _link(sandbox, account, faults.find(sandbox, call, call.operation), lost=lost)}
    if call.operation in PAYING and not charge.ids:
        links[Operation.PREPARE] = _link(sandbox, account, faults.find(sandbox, call, Operation.PREPARE))
    return links


def _link(sandbox: Sandbox, account: GatewayAccount, fault: FaultRule | None, *, lost: bool = False) -> Link:
    """The way to a gateway of a call that meets a fault, or whose answer is lost."""
    answers = accounts.answers(sandbox.runtime, account)
    sender = GatewaySender(sandbox.runtime, sandbox.seller_id, account.gateway, answers, fault, lost)
    return accounts.link(sandbox, account, sender)


def check_connection(runtime: Runtime, seller_id: str, gateway: str) -> Result:
    """
    Ask a gateway about a payment that there never was: ABSENT tells that it can be reached and takes the credentials.

    Only faults that nothing uses up are met.
    """
    adapter = runtime.adapter(gateway)
    if adapter is None:
        raise NotFound("There is no such gateway.", code="gateway.not_found")
    with read(runtime, seller_id) as sandbox:
        fault = faults.find_lasting(sandbox, gateway, Operation.LOOKUP)
        link = _link(sandbox, gateway_accounts.find(sandbox, gateway), fault)
        about = accounts.probe(sandbox, adapter)
    return adapter.check(about, link)


def _ask_built_in(runtime: Runtime, call: GatewayCall, charge: Charge) -> Result:
    gateway = runtime.gateways[call.gateway]
    if call.operation in PAYING:
        return gateway.charge(charge)
    return gateway.enquire(charge, call.try_no)


def _prepare_and_ask(
    runtime: Runtime,
    adapter: GatewayAdapter,
    row: OutboxRow,
    call: GatewayCall,
    charge: Charge,
    links: Mapping[Operation, Link],
) -> tuple[GatewayCall, Result]:
    """
    Name the payment at the gateway where that comes first, and keep the name before any money is asked for; the call as
    it is written in the log then, and its result.
    """
    link = links[call.operation]
    if call.operation not in PAYING or charge.ids:
        return call, _ask(adapter, call, charge, link)
    named = adapter.prepare(charge, links[Operation.PREPARE], capture=call.operation is Operation.CHARGE)
    if named is None:
        return call, _ask(adapter, call, charge, link)
    with transaction(runtime, charge.seller_id) as sandbox, sandbox.connection.begin_nested() as savepoint:
        sent = results.record_prepared(sandbox, call, named)
        ours = outbox.change_facts(sandbox, row, call=sent.number)
        if not ours:
            # Whoever has taken the row over reads the former line, and does not know whether money was asked for.
            savepoint.rollback()
    if not ours:
        return call, Result(_K.NOT_SENT, "", message="Its sender was too slow: another one has taken it over.")
    if named.kind is _K.APPROVED:
        return sent, _ask(adapter, sent, dataclasses.replace(charge, ids=named.ids), link)
    # Nobody has been asked for money yet, so what became of the name is all one.
    unsent = named.kind is _K.NO_ANSWER
    return sent, replace(named, kind=_K.NOT_SENT if unsent else named.kind, exchange=None)


def _ask(adapter: GatewayAdapter, call: GatewayCall, charge: Charge, link: Link) -> Result:
    if call.operation is Operation.CAPTURE:
        return adapter.capture(charge, call.amount.minor, link)
    if call.operation is Operation.REFUND:
        return adapter.refund(charge, call.amount.minor, call.idempotency_key, link)
    if call.operation is Operation.STATUS and call.refund_id is not None:
        return adapter.refund_status(charge, link)
    if call.operation is Operation.STATUS and "payment" not in charge.ids:
        return adapter.lookup(charge, link)
    asks = {
        Operation.CHARGE: adapter.charge,
        Operation.AUTHORIZE: adapter.authorize,
        Operation.STATUS: adapter.status,
        Operation.LOOKUP: adapter.lookup,
        Operation.FENCE: adapter.fence,
        Operation.VOID: adapter.void,
    }
    return asks[call.operation](charge, link)

"""
What gateways tell unasked: verified, written down, and believed as far as they answer so too.

A message may come before the answer to the call, twice, late, or say something else than the one before: it makes the
gateway be asked, and what it answers decides. So every order of messages ends in the same state.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from mockpay.domain.payments.attempts import Attempt
from mockpay.domain.payments.call_log import CallDirection
from mockpay.domain.payments.gateways import Exchange, GatewayAdapter, Operation, Result, ResultKind, Webhook
from mockpay.kernel.errors import Forbidden, Invalid, MockpayError, NotFound
from mockpay.kernel.money import Money
from mockpay.services.gateways import accounts, results
from mockpay.services.payments.transitions import get_order
from mockpay.store import attempts, gateway_calls, gateway_events
from mockpay.store.gateway_calls import GatewayCall
from mockpay.store.unit_of_work import Sandbox
from mockpay.wire.redaction import HIDDEN

_RECEIVED, _MALFORMED, _FORGED = 200, 400, 401


def receive(sandbox: Sandbox, gateway: str, headers: Mapping[str, str], body: bytes) -> MockpayError | None:
    """
    A message of a gateway's: written down, and the first time it comes the gateway is asked where that may help.

    Returns:
        Why it is refused; None where it is not.

    Raises:
        NotFound: code ``gateway.not_found``.
    """
    adapter = sandbox.runtime.adapter(gateway)
    if adapter is None:
        raise NotFound("There is no such gateway.", code="gateway.not_found")
    url = f"/gateways/{sandbox.seller_id}/{gateway}/webhook"
    exchange = Exchange("POST", url, dict.fromkeys(headers, HIDDEN), None)
    read = _read(sandbox, adapter, gateway, headers, body)
    if isinstance(read, MockpayError):
        status = _FORGED if isinstance(read, Forbidden) else _MALFORMED
        exchange = replace(exchange, status=status)
        refused = Result(ResultKind.REJECTED, "", raw_code=read.code, message=read.message, exchange=exchange)
        _add_to_log(sandbox, gateway, None, None, refused)
        return read
    if read is None:
        return None
    first = gateway_events.add(sandbox, gateway, read.event_id)
    attempt = _find_attempt(sandbox, gateway, read)
    exchange = replace(exchange, request=read.content, status=_RECEIVED, string_to_sign=read.string_to_sign)
    _add_to_log(sandbox, gateway, read, attempt, replace(read.result, exchange=exchange))
    if first and attempt is not None and attempt.gateway == gateway:
        results.record_webhook(sandbox, attempt, read)
    return None


def _read(
    sandbox: Sandbox, adapter: GatewayAdapter, gateway: str, headers: Mapping[str, str], body: bytes
) -> Webhook | MockpayError | None:
    """The message; why it cannot be believed or read; None where it is about nothing that is asked for here."""
    refusal: MockpayError = Forbidden("There is no secret for it.", code="webhook.signature")
    for credentials in accounts.accepted(sandbox, gateway):
        try:
            return adapter.parse_webhook(headers, body, credentials)
        except Forbidden as error:
            refusal = error  # A message from before the secret was replaced is signed with the former one.
        except Invalid as error:
            return error
    return refusal


def _find_attempt(sandbox: Sandbox, gateway: str, webhook: Webhook) -> Attempt | None:
    """By our own reference, or by what the gateway calls the payment."""
    attempt = attempts.by_id(sandbox, webhook.reference)
    if attempt is not None:
        return attempt
    attempt_id = gateway_events.find_attempt_id(sandbox, gateway, webhook.reference)
    return attempts.by_id(sandbox, attempt_id) if attempt_id is not None else None


def _add_to_log(
    sandbox: Sandbox, gateway: str, webhook: Webhook | None, attempt: Attempt | None, result: Result
) -> None:
    """A line of the log about a message; `webhook` None where it was refused."""
    refund = webhook.result.ids.get("refund") if webhook is not None else None
    line = GatewayCall(
        number=0,
        gateway=gateway,
        operation=Operation.STATUS if webhook is None else webhook.operation,
        try_no=1,
        idempotency_key="" if webhook is None else webhook.event_id,
        order_id=get_order(sandbox, attempt.order_pk).order_id if attempt is not None else "",
        attempt_id=attempt.attempt_id if attempt is not None else "",
        refund_id=None if refund is None else gateway_events.find_refund_id(sandbox, gateway, refund),
        method=attempt.method if attempt is not None else "",
        breaker=None,
        amount=attempt.amount if attempt is not None else Money(0),
        at=sandbox.now,
        began_at=sandbox.real_now,
        sent_at=sandbox.real_now,
        direction=CallDirection.IN,
    )
    gateway_calls.finish(sandbox, gateway_calls.add(sandbox, line), result)

"""What follows from a gateway's answer: recorded, and settled, repeated, looked up, or sent to another gateway."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mockpay.domain.methods.method import REVERSED, Answer, MoneyStatus
from mockpay.domain.methods.registry import METHODS, response_codes_of
from mockpay.domain.payments import retries
from mockpay.domain.payments.attempts import Attempt, AttemptState, Stage
from mockpay.domain.payments.breaker import after_answer
from mockpay.domain.payments.gateways import PAYING, Capabilities, Operation, Result, ResultKind, Webhook
from mockpay.domain.payments.retries import POLICY, TECHNICAL_REASONS, History, Next, Step
from mockpay.domain.payments.routing import DEFAULT
from mockpay.domain.refunds import PROCESSING_FAILURE, RefundState
from mockpay.domain.timeline import Actor
from mockpay.kernel import ids
from mockpay.kernel.clock import SECOND
from mockpay.services.gateways import health
from mockpay.services.gateways.calls import queue_call, return_money, void
from mockpay.services.payments import captures, payments, settlement
from mockpay.services.payments.transitions import ATTEMPTS, CAPTURE, RETURN, VOID, get_attempt, get_order
from mockpay.services.refunds import refund_settlement
from mockpay.services.refunds.transitions import SETTLE, get_refund
from mockpay.store import attempts, gateway_breakers, gateway_calls, gateway_events, refunds, schedule
from mockpay.store.gateway_calls import GatewayCall
from mockpay.store.transitions import step, update
from mockpay.store.unit_of_work import Sandbox

_K = ResultKind
_FUNDED = frozenset({_K.APPROVED, _K.AUTHORIZED})
#: Answers after which the same operation may be tried again later.
_INCONCLUSIVE = frozenset({_K.NO_ANSWER, _K.NOT_SENT})
#: When a capture, a refund or a return that no gateway answered is tried again, by the seller's clock.
_LATER_MS = 30 * SECOND
#: The built-in gateway can do everything here but be fenced.
_BUILT_IN = Capabilities(methods=frozenset(), idempotent_charge=True)
_JITTER_STEPS = 1_000


def record_prepared(sandbox: Sandbox, call: GatewayCall, result: Result) -> GatewayCall:
    """A payment has its name at the gateway, or was refused one; the charge, written ahead anew after that."""
    charge = gateway_calls.finish_prepare(sandbox, call, result)
    if result.kind is _K.APPROVED:
        _save_ids(sandbox, get_attempt(sandbox, call.attempt_id), call, result)
    return charge


def record(sandbox: Sandbox, call: GatewayCall, result: Result) -> None:
    """Write down what a gateway answered, and do what follows from it."""
    gateway_calls.finish(sandbox, call, result)
    _update_breaker(sandbox, call, result)
    attempt = _save_ids(sandbox, get_attempt(sandbox, call.attempt_id), call, result)
    if call.refund_id is not None and "refund" in result.ids:
        gateway_events.add_reference(sandbox, call.gateway, result.ids["refund"], attempt.attempt_id, call.refund_id)
    _RECORDERS[call.operation](sandbox, call, attempt, result)
    health.check_soon(sandbox)


def _is_unsettled(result: Result) -> bool:
    """Whether an answer leaves open how a call ended, so that it has to be made once more."""
    return result.kind in _INCONCLUSIVE or result.may_retry or result.kind is _K.PENDING


def _update_breaker(sandbox: Sandbox, call: GatewayCall, result: Result) -> None:
    """What a charge says of its gateway: no decline counts, nor what the breaker itself kept back."""
    if call.operation not in PAYING or call.gateway == DEFAULT or call.breaker is not None:
        return
    before = gateway_breakers.find(sandbox, call.gateway, call.method)
    after = after_answer(before, sandbox.now, failed=result.kind in _INCONCLUSIVE)
    if after != before:
        gateway_breakers.save(sandbox, after)


def _save_ids(sandbox: Sandbox, attempt: Attempt, call: GatewayCall, result: Result) -> Attempt:
    """The attempt with the names that the gateway told, if it still has it."""
    if call.operation is Operation.REFUND or call.gateway != attempt.gateway:
        return attempt
    stored = attempt.external_ids or {}
    new = {name: value for name, value in result.ids.items() if stored.get(name) != value}
    if not new:
        return attempt
    for reference in new.values():
        gateway_events.add_reference(sandbox, call.gateway, reference, attempt.attempt_id)
    changes: dict[str, Any] = {"external_ids": {**stored, **new}, "updated_at": attempt.updated_at}
    return update(sandbox, attempts.mapper, attempt, **changes)


# --- payments


def _record_payment(sandbox: Sandbox, call: GatewayCall, attempt: Attempt, result: Result) -> None:
    """What follows from the answer to a charge, an authorisation, a look-up of one or a fence."""
    if attempt.state is AttemptState.CREATED:
        attempt = step(sandbox, ATTEMPTS, attempt, "no_auth_needed", Actor.SANDBOX)
    if attempt.state is AttemptState.AUTHENTICATED:
        attempt = step(sandbox, ATTEMPTS, attempt, "submit", Actor.SANDBOX, gateway=attempt.gateway)
    if attempt.state is not AttemptState.PROCESSING:
        return  # Somebody else settled it meanwhile.
    if call.gateway == DEFAULT and _answers_by_plan(call, attempt, result):
        planned = response_codes_of(attempt).answer(payments.planned_outcome(sandbox, attempt))
        settlement.settle_answer(sandbox, get_order(sandbox, attempt.order_pk), attempt, planned)
        return
    calls = gateway_calls.of_attempt(sandbox, attempt.attempt_id)
    history = _history(sandbox, call, attempt, calls)
    codes = response_codes_of(attempt)
    refused = result.kind is _K.DECLINED and result.code in codes.codes
    technical = refused and codes.codes[result.code].reason in TECHNICAL_REASONS
    chosen = retries.next_step(
        call.operation, result, history, _capabilities(sandbox, attempt.gateway), technical=technical
    )
    _STEPS[chosen.step](sandbox, call, attempt, result, chosen)


def _answers_by_plan(call: GatewayCall, attempt: Attempt, result: Result) -> bool:
    """Whether the built-in gateway waits for its network, which tells the end by itself when the plan has it."""
    silent = attempt.plan.decides(Stage.GATEWAY)
    return call.operation in PAYING and result.kind in {_K.PENDING, _K.NO_ANSWER} and not silent


def _history(sandbox: Sandbox, call: GatewayCall, attempt: Attempt, calls: Sequence[GatewayCall]) -> History:
    here = [line for line in calls if line.gateway == attempt.gateway]
    charges = [place for place, line in enumerate(here) if line.operation in PAYING]
    gateways = {line.gateway for line in calls if line.operation in PAYING}
    dice = ids.number(sandbox.seller.seed, "jitter", attempt.attempt_id, len(calls), below=_JITTER_STEPS)
    return History(
        charges=len(charges),
        lookups=sum(line.operation is Operation.LOOKUP for line in here[charges[-1] :]),
        unanswered=any(here[place].outcome is _K.NO_ANSWER for place in charges),
        another=_next_gateway(attempt) is not None,
        failovers=len(gateways) - 1,
        elapsed_ms=sandbox.real_now - call.began_at,
        jitter=dice / _JITTER_STEPS,
    )


def _next_gateway(attempt: Attempt) -> str | None:
    return attempt.routing.after(attempt.gateway) if attempt.routing is not None else None


def _capabilities(sandbox: Sandbox, gateway: str) -> Capabilities:
    adapter = sandbox.runtime.adapter(gateway)
    return _BUILT_IN if adapter is None else adapter.capabilities


def _queue_next(sandbox: Sandbox, call: GatewayCall, attempt: Attempt, operation: Operation, after_ms: int) -> None:
    """Another call about the same payment, within its budget."""
    before = [line for line in gateway_calls.of_attempt(sandbox, attempt.attempt_id) if line.gateway == attempt.gateway]
    queue_call(
        sandbox,
        attempt,
        call.order_id,
        operation,
        try_no=1 + sum(line.operation is operation for line in before),
        began_at=call.began_at,
        delay_ms=after_ms,
    )


def _retry(sandbox: Sandbox, call: GatewayCall, attempt: Attempt, _result: Result, chosen: Next) -> None:
    _queue_next(sandbox, call, attempt, _paying(sandbox, attempt), chosen.after_ms)


def _paying(sandbox: Sandbox, attempt: Attempt) -> Operation:
    authorizes = captures.authorizes_first(sandbox, get_order(sandbox, attempt.order_pk), attempt)
    return Operation.AUTHORIZE if authorizes else Operation.CHARGE


def _look_up(sandbox: Sandbox, call: GatewayCall, attempt: Attempt, _result: Result, chosen: Next) -> None:
    _queue_next(sandbox, call, attempt, Operation.LOOKUP, chosen.after_ms)


def _fence(sandbox: Sandbox, call: GatewayCall, attempt: Attempt, _result: Result, _chosen: Next) -> None:
    _queue_next(sandbox, call, attempt, Operation.FENCE, 0)


def _fail_over(sandbox: Sandbox, call: GatewayCall, attempt: Attempt, result: Result, _chosen: Next) -> None:
    following = _next_gateway(attempt)
    assert following is not None
    changes: dict[str, Any] = {"gateway": following, "external_ids": None}
    if METHODS[attempt.method].approval is None:
        changes["reference"] = None  # The former gateway's; of what a buyer approved it is the network's.
    facts = {"former": attempt.gateway, "gateway": following, "why": str(result.kind), "message": result.message}
    moved = step(sandbox, ATTEMPTS, attempt, "failover", Actor.SANDBOX, changes, **facts)
    _queue_next(sandbox, call, moved, _paying(sandbox, moved), 0)


def _wait(sandbox: Sandbox, _call: GatewayCall, attempt: Attempt, _result: Result, _chosen: Next) -> None:
    silent = step(sandbox, ATTEMPTS, attempt, "no_answer", Actor.SANDBOX)
    settlement.schedule_enquiry(sandbox, silent, 1)


def _settle(sandbox: Sandbox, _call: GatewayCall, attempt: Attempt, result: Result, _chosen: Next) -> None:
    """The end of an attempt, as far as its gateway knows it."""
    order = get_order(sandbox, attempt.order_pk)
    # What a buyer approved has the network's reference already.
    if result.reference is not None and attempt.reference is None:
        attempt = update(sandbox, attempts.mapper, attempt, reference=result.reference)
    if result.code == REVERSED:
        step(sandbox, ATTEMPTS, attempt, "no_answer", Actor.SANDBOX)
        settlement.settle(sandbox, attempt.attempt_id, REVERSED)
    elif result.kind is _K.PENDING:
        waiting = step(sandbox, ATTEMPTS, attempt, "pending", Actor.ISSUER, method=attempt.method)
        settlement.schedule_enquiry(sandbox, waiting, 1)
    else:
        settlement.settle_answer(sandbox, order, attempt, Answer(_final_code(attempt, result)))


def _final_code(attempt: Attempt, result: Result) -> str:
    """The network's code of a result; where nobody asked the network, that of a gateway that cannot be reached."""
    codes = response_codes_of(attempt)
    if result.kind in _FUNDED:
        return codes.approved
    if result.kind is _K.DECLINED:
        return result.code
    refusals = [row for row in codes.codes.values() if row.money is MoneyStatus.DECLINED]
    technical = (row.code for row in refusals if row.reason == "gateway_technical_error")
    return next(technical, codes.other)


#: What each step does.
_STEPS: Mapping[Step, Callable[[Sandbox, GatewayCall, Attempt, Result, Next], None]] = {
    Step.SETTLE: _settle,
    Step.RETRY: _retry,
    Step.LOOK_UP: _look_up,
    Step.FENCE: _fence,
    Step.FAIL_OVER: _fail_over,
    Step.WAIT: _wait,
}


# --- enquiries, by the seller's clock


def _record_status(sandbox: Sandbox, call: GatewayCall, attempt: Attempt, result: Result) -> None:
    """What became of an attempt that nobody knew the end of, of a capture, or of a refund."""
    if call.refund_id is not None:
        _record_refund(sandbox, call, attempt, result)
        return
    if attempt.state is AttemptState.AUTHORIZED:
        _record_capture(sandbox, call, attempt, result)
        return
    if result.kind in _FUNDED or result.kind is _K.DECLINED:
        code = response_codes_of(attempt).approved if result.kind in _FUNDED else result.code
        settlement.settle(sandbox, attempt.attempt_id, code)
    elif attempt.state is AttemptState.UNKNOWN and result.kind is _K.ABSENT and _is_overdue(sandbox, attempt):
        failure = response_codes_of(attempt).failure(_final_code(attempt, result))
        failed = step(sandbox, ATTEMPTS, attempt, "not_found", Actor.SANDBOX, {"failure": failure})
        captures.release_order(sandbox, get_order(sandbox, attempt.order_pk), failed)
    elif attempt.state in {AttemptState.UNKNOWN, AttemptState.PENDING}:
        settlement.schedule_enquiry(sandbox, attempt, call.try_no + 1)


def record_webhook(sandbox: Sandbox, attempt: Attempt, webhook: Webhook) -> None:
    """
    The gateway that has an attempt tells unasked how it stands, or a refund of it.

    It is asked at once where nobody knows the end yet, or where it tells another end than is known here; what it
    answers then counts, so it does not matter which message comes first.
    """
    if webhook.operation is Operation.REFUND:
        _record_refund_webhook(sandbox, attempt, webhook.result)
    else:
        _record_payment_webhook(sandbox, attempt, webhook.result)


def _record_payment_webhook(sandbox: Sandbox, attempt: Attempt, result: Result) -> None:
    ended = attempt.state in {AttemptState.FAILED, AttemptState.EXPIRED, AttemptState.CANCELLED}
    late = ended and result.kind in _FUNDED
    if late or attempt.state in {AttemptState.UNKNOWN, AttemptState.PENDING}:
        order_id = get_order(sandbox, attempt.order_pk).order_id
        queue_call(sandbox, attempt, order_id, Operation.STATUS)


def _is_overdue(sandbox: Sandbox, attempt: Attempt) -> bool:
    """Whether the last charge was sent so long ago that it would have arrived."""
    calls = gateway_calls.of_attempt(sandbox, attempt.attempt_id)
    return sandbox.now - max(call.at for call in calls if call.operation in PAYING) >= POLICY.settle_ms


# --- captures


def _record_capture(sandbox: Sandbox, call: GatewayCall, attempt: Attempt, result: Result) -> None:
    """The money was taken, was not, or nobody knows: then the gateway is asked again."""
    if attempt.state is AttemptState.VOIDED and result.kind is _K.APPROVED:
        return_money(sandbox, attempt, call.order_id)  # The hold was released while the gateway was asked.
    if attempt.state is not AttemptState.AUTHORIZED:
        return
    if result.kind is _K.APPROVED:
        captures.record_capture(sandbox, attempt, call.amount.minor)
    elif _is_unsettled(result):
        schedule.add(sandbox, CAPTURE, attempt.attempt_id, sandbox.now + _LATER_MS, minor=call.amount.minor)
    elif call.operation is Operation.CAPTURE and result.kind is _K.REJECTED:
        # It may say so because an earlier try, whose answer was lost, has captured already.
        queue_call(sandbox, attempt, call.order_id, Operation.STATUS, amount=call.amount)
    else:
        captures.record_capture_failure(sandbox, attempt)


# --- refunds


def _record_refund(sandbox: Sandbox, call: GatewayCall, attempt: Attempt, result: Result) -> None:
    if call.refund_id is None:
        _record_return(sandbox, call, attempt, result)
        return
    refund = get_refund(sandbox, call.refund_id)
    if refund.state is RefundState.COMPLETED and result.kind is _K.DECLINED:
        refund_settlement.reverse(sandbox, refund.refund_id)  # It was sent, and has come back to the seller.
    if refund.state is not RefundState.PENDING:
        return
    if result.kind is _K.APPROVED:
        refund_settlement.complete(sandbox, refund, Actor.CLOCK)
    elif _is_unsettled(result):
        # The same key again is the same refund, so asking again is safe.
        schedule.drop(sandbox, SETTLE, refund.refund_id)
        schedule.add(sandbox, SETTLE, refund.refund_id, sandbox.now + _LATER_MS)
    else:
        refund_settlement.decline(sandbox, refund, PROCESSING_FAILURE, Actor.ISSUER)


def _record_refund_webhook(sandbox: Sandbox, attempt: Attempt, result: Result) -> None:
    """
    Ask about each refund that the message may be of and that it may change.

    One whose name is not known yet, for its answer was lost, is asked for again by its key, which is the same refund.
    """
    order_id = get_order(sandbox, attempt.order_pk).order_id
    if schedule.waits(sandbox, attempt.attempt_id, RETURN):
        schedule.drop(sandbox, RETURN, attempt.attempt_id)
        return_money(sandbox, attempt, order_id)
    refund_id = gateway_events.find_refund_id(sandbox, attempt.gateway, result.ids["refund"])
    for refund in refunds.of_order(sandbox, attempt.order_pk):
        named, mine = refund.refund_id == refund_id, refund.attempt_id == attempt.attempt_id
        pending = refund.state is RefundState.PENDING and not refund.held
        if named and (pending or (refund.state is RefundState.COMPLETED and result.kind is _K.DECLINED)):
            queue_call(sandbox, attempt, order_id, Operation.STATUS, amount=refund.amount, refund_id=refund.refund_id)
        elif refund_id is None and mine and pending and refund_settlement.was_sent(sandbox, refund):
            refund_settlement.ask_gateway(sandbox, refund, attempt)


def _record_return(sandbox: Sandbox, call: GatewayCall, attempt: Attempt, result: Result) -> None:
    """Money that was taken for nothing is back, or is sent back again later; the same key again is the same refund."""
    if _is_unsettled(result):
        schedule.add(sandbox, RETURN, attempt.attempt_id, sandbox.now + _LATER_MS, order_id=call.order_id)
    elif result.kind is _K.REJECTED:
        void(sandbox, attempt, call.order_id)  # Nothing was captured, but it may be held.


def _record_void(sandbox: Sandbox, call: GatewayCall, attempt: Attempt, result: Result) -> None:
    """A hold is released, or the gateway is asked again later."""
    if _is_unsettled(result):
        schedule.add(sandbox, VOID, attempt.attempt_id, sandbox.now + _LATER_MS, order_id=call.order_id)


_RECORDERS: Mapping[Operation, Callable[[Sandbox, GatewayCall, Attempt, Result], None]] = {
    Operation.CHARGE: _record_payment,
    Operation.AUTHORIZE: _record_payment,
    Operation.LOOKUP: _record_payment,
    Operation.FENCE: _record_payment,
    Operation.STATUS: _record_status,
    Operation.CAPTURE: _record_capture,
    Operation.REFUND: _record_refund,
    Operation.VOID: _record_void,
}

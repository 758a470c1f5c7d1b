"""Payments: plan and start an attempt to take an order's money, ask the gateway, record what it or a bank answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from mockpay.domain.methods.cards import card_fingerprint
from mockpay.domain.methods.method import Instrument
from mockpay.domain.methods.registry import METHODS, response_codes_of
from mockpay.domain.methods.upi import MOST_WRONG_PINS, PIN_LOCKED, WRONG_PIN
from mockpay.domain.notifications import NotificationType
from mockpay.domain.orders import Order
from mockpay.domain.payments.attempts import Attempt, AttemptState, Auth, Decision, Plan, Source, Stage
from mockpay.domain.payments.faults import EXECUTED, SILENT
from mockpay.domain.payments.gateways import Charge, Result, ResultKind
from mockpay.domain.payments.routing import DEFAULT
from mockpay.domain.providers import ProviderPort
from mockpay.domain.refunds import RefundRequest
from mockpay.domain.scenarios.requested import FIELD, HEADER, load_outcomes
from mockpay.domain.scenarios.resolution import (
    CODE_OUTCOMES,
    MATCH_KEYS,
    PAYMENT_STAGES,
    REFUND_STAGES,
    Facts,
    Input,
    Rule,
    find,
    instrument_decision,
    resolve,
)
from mockpay.domain.scenarios.rule_forms import parse_outcome
from mockpay.domain.timeline import Actor
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Conflict
from mockpay.risk import assessment
from mockpay.risk.assessment import Inputs
from mockpay.risk.rules import Hit, Verdict
from mockpay.services.gateways import calls, routing
from mockpay.services.payments import authentication, banks, captures, reviews
from mockpay.services.payments.authentication import GUEST, CheckoutContext, Payer
from mockpay.services.payments.captures import release_order
from mockpay.services.payments.settlement import record_buyer_answer, schedule_enquiry, settle, submit
from mockpay.services.payments.transitions import (
    ANSWER,
    ATTEMPTS,
    ORDERS,
    TIMEOUT,
    forget_unmet,
    get_attempt,
    get_order,
)
from mockpay.services.scenarios import draw_rule
from mockpay.services.sellers import offers
from mockpay.store import attempts, outbox, scenarios, schedule
from mockpay.store.transitions import add_event, step, update
from mockpay.store.unit_of_work import Sandbox
from mockpay.threeds.rules import Browser

#: An outbox row of this kind asks a gateway for an attempt's money.
CHARGE = "gateway.charge"
_NO_OUTCOMES: Mapping[Stage, Decision] = {}


class PaymentResult(Struct, frozen=True):
    """An attempt that was stored, and the outbox row that will ask the gateway; None: not yet."""

    attempt: Attempt
    outbox_id: int | None


def pay(
    sandbox: Sandbox, order: Order, instrument: Instrument, payer: Payer = GUEST, *, leased: bool = True
) -> PaymentResult:
    """
    Store a new attempt with its plan, look at its risk, and let the buyer prove who they are.

    Where nothing is to be proved, the gateway's call is queued.

    Args:
        leased: Whether the caller sends the gateway's call itself, or the worker.

    Raises:
        Conflict: code ``order.closed``, ``order.attempts_used_up``, ``attempt.live`` (another
            attempt of this order has not ended) or ``method.unavailable`` (`offers.check`).
    """
    # The clock may be past the end before its event has fired.
    if not order.open or sandbox.now >= order.expires_at:
        raise Conflict("This order cannot be paid any more.", code="order.closed")
    number = order.attempt_count + 1
    if number > captures.most_attempts(sandbox, order):
        raise Conflict("There are no tries left.", code="order.attempts_used_up")
    closed = offers.check(sandbox, order, instrument)
    former = attempts.last_of_order(sandbox, order.order_pk) if order.attempt_count else None
    if former is not None and not former.live:
        forget_unmet(sandbox, former)
    attempt = _new_attempt(sandbox, order, instrument, number, payer, bank_closed=closed)
    if not attempts.add(sandbox, attempt):
        raise Conflict("Another try has not ended yet.", code="attempt.live")
    if secret := instrument.secret():
        attempts.add_secret(sandbox, attempt.attempt_id, secret)
    begun = step(sandbox, ORDERS, order, "attempt_started", Actor.BUYER, {"attempt_count": number}, number=number)
    facts = {**instrument.dump(), "method": instrument.method}
    add_event(sandbox, ATTEMPTS, attempt, "chosen", Actor.BUYER, facts, before=None)
    return _assess_risk(sandbox, begun, attempt, instrument, payer, leased=leased)


def _assess_risk(
    sandbox: Sandbox, order: Order, attempt: Attempt, instrument: Instrument, payer: Payer, *, leased: bool
) -> PaymentResult:
    """What the risk check makes of a new attempt."""
    planned = attempt.plan.at(Stage.RISK)
    result = assessment.assess(
        sandbox,
        attempt_id=attempt.attempt_id,
        order=order,
        instrument=instrument,
        inputs=_risk_inputs(sandbox, instrument, payer),
        planned=planned.outcome if attempt.plan.decides(Stage.RISK) else None,
    )
    if hit := next((hit for hit in result.hits if hit.outcome is result.decision is not Verdict.ALLOW), None):
        attempt = _note_risk_rule(sandbox, attempt, hit, result.score)
    if result.decision is Verdict.DECLINE:
        return PaymentResult(reviews.decline(sandbox, order, attempt, "risk_decline"), None)
    if result.decision is Verdict.REVIEW:
        return PaymentResult(reviews.hold_for_review(sandbox, attempt), None)
    forced = result.decision is Verdict.CHALLENGE
    return authenticate_or_charge(sandbox, order, attempt, payer.checkout, forced=forced, leased=leased)


def charge_if_proved(sandbox: Sandbox, before: Attempt, after: Attempt) -> int | None:
    """The gateway's call, once: by the request that proved the buyer, not by one that came late."""
    return None if authentication.ready_to_charge(before) else queue_charge(sandbox, after, leased=True)


def ask_issuer_at_once(sandbox: Sandbox, result: PaymentResult, browser: Browser) -> PaymentResult:
    """Ask the card's issuer of a new attempt without a look at the browser first, which no script can show it."""
    attempt = result.attempt
    if attempt.auth is not Auth.THREEDS or attempt.state is not AttemptState.AUTH_PENDING:
        return result
    after = authentication.ask_issuer(sandbox, attempt, browser, "N")
    return PaymentResult(after, charge_if_proved(sandbox, attempt, after))


def _note_risk_rule(sandbox: Sandbox, attempt: Attempt, hit: Hit, score: int) -> Attempt:
    """Keep which rule decided, unless a scenario's row stands for it."""
    if attempt.plan.at(Stage.RISK).outcome not in {"success", "highest"}:
        return attempt
    facts = {"score": score, "observed": hit.observed, "limit": hit.limit}
    decision = Decision(str(hit.outcome).lower(), Source.RISK_RULE, hit.rule, hit.explain, facts=facts)
    return update(sandbox, attempts.mapper, attempt, **attempt.decision_changes(Stage.RISK, decision))


def _risk_inputs(sandbox: Sandbox, instrument: Instrument, payer: Payer) -> Inputs:
    """What was told of the payer, with what is known of them: who is signed in, which card."""
    inputs = payer.inputs
    if payer.buyer_id is not None:
        inputs = replace(inputs, buyer_id=payer.buyer_id)
    number = instrument.secret().get("number")
    if not number:
        return inputs
    return replace(inputs, fingerprint=card_fingerprint(sandbox.runtime.keyring, number))


def authenticate_or_charge(
    sandbox: Sandbox,
    order: Order,
    attempt: Attempt,
    checkout: CheckoutContext,
    *,
    forced: bool,
    leased: bool,
    actor: Actor = Actor.SANDBOX,
) -> PaymentResult:
    """
    Ask the buyer for a proof where one is wanted, else the gateway for the money.

    Args:
        forced: Whether a proof is wanted whatever the amount.
        leased: Whether the caller sends the gateway's call itself, or the worker.
        actor: Who let the attempt go on.
    """
    auth = authentication.required_authentication(sandbox, order, attempt, forced=forced)
    if auth is Auth.OTP:
        attempt = _plan_code(sandbox, order, attempt)
    if auth is not None:
        authenticating = _require_authentication(sandbox, order, attempt, auth, checkout, forced=forced, actor=actor)
    else:
        authenticating = reviews.skip_authentication(sandbox, attempt, actor)
    return PaymentResult(authenticating, queue_charge(sandbox, authenticating, leased=leased))


def _require_authentication(
    sandbox: Sandbox,
    order: Order,
    attempt: Attempt,
    auth: Auth,
    checkout: CheckoutContext,
    *,
    forced: bool,
    actor: Actor,
) -> Attempt:
    """Ask the buyer; 3-D Secure may be over before anybody was asked."""
    event = "auth_required" if attempt.state is AttemptState.CREATED else "approve_to_auth"
    changes = authentication.set_deadline(sandbox, order, attempt, auth)
    facts = {"method": attempt.method, "way": str(auth)}
    waiting = step(sandbox, ATTEMPTS, attempt, event, actor, changes, **facts)
    if auth is Auth.OTP:
        return authentication.begin(sandbox, waiting)
    if not checkout.page_url:
        return waiting  # Begun by the page that the buyer comes to.
    return authentication.prepare(sandbox, waiting, checkout, forced=forced)


def queue_charge(sandbox: Sandbox, attempt: Attempt, *, leased: bool) -> int | None:
    """
    Queue the gateway's call for an attempt that is ready for it; its number, None where it is not ready.

    Args:
        leased: The caller makes the call itself, after its commit.
    """
    if not authentication.ready_to_charge(attempt):
        return None
    # The app or bank at which a buyer approves is the sandbox's own; their gateway is asked for the money after that.
    if not calls.is_routed(attempt) or METHODS[attempt.method].approval is not None:
        return outbox.add(sandbox, CHARGE, attempt.attempt_id, leased=leased)
    return captures.queue_payment(sandbox, get_order(sandbox, attempt.order_pk), attempt, leased=leased)


def decide_review(sandbox: Sandbox, attempt_id: str, *, approved: bool, actor: Actor) -> Attempt:
    """
    Somebody, or the clock, has looked at an attempt that the risk check had put aside.

    Raises:
        NotFound: code ``attempt.not_found``.
        Conflict: code ``review.over``.
    """
    attempt = get_attempt(sandbox, attempt_id)
    if attempt.state is not AttemptState.RISK_REVIEW:
        raise Conflict("This attempt waits for no review.", code="review.over")
    order = get_order(sandbox, attempt.order_pk)
    if not approved:
        return reviews.decline(sandbox, order, attempt, "reject", actor)
    forced = reviews.challenge_required(sandbox, attempt_id)
    return authenticate_or_charge(
        sandbox, order, attempt, CheckoutContext(), forced=forced, leased=False, actor=actor
    ).attempt


def attempt_id_of(sandbox: Sandbox, order: Order, number: int) -> str:
    """The id that the order's n-th attempt has or will have; a QR code names it beforehand."""
    return sandbox.provider_of(order).attempt_id(sandbox.seller, order.order_id, number)


def _new_attempt(
    sandbox: Sandbox, order: Order, instrument: Instrument, number: int, payer: Payer, *, bank_closed: bool
) -> Attempt:
    attempt_id = attempt_id_of(sandbox, order, number)
    plan = plan_payment(sandbox, order, instrument, attempt_id, bank_closed=bank_closed, outcomes=payer.outcomes)
    parts = instrument.dump()
    facts = routing.facts_of(
        sandbox,
        attempt_id,
        instrument.method,
        order.amount,
        parts,
        buyer_id=payer.buyer_id,
        forced=payer.gateway,
        plan=plan,
    )
    routed = routing.route(sandbox, facts) if sandbox.provider_of(order).routable else None
    return Attempt(
        attempt_id=attempt_id,
        order_pk=order.order_pk,
        seller_id=sandbox.seller_id,
        number=number,
        method=instrument.method,
        state=AttemptState.CREATED,
        amount=order.amount,
        captured_minor=0,
        refund_reserved_minor=0,
        instrument=parts,
        plan=plan,
        decisions=Plan(),
        scenario=plan.payment_scenario,
        gateway=routed.chosen if routed is not None else DEFAULT,
        reference=None,
        failure=None,
        eci=None,
        liability=None,
        auth=None,
        buyer_id=payer.buyer_id,
        saved_token=payer.saved_token,
        consent=asdict(payer.consent) if payer.consent and payer.buyer_id else None,
        created_at=sandbox.now,
        updated_at=sandbox.now,
        answer_by=None,
        routing=routed,
    )


# --- gateway and bank


def charge_request(sandbox: Sandbox, attempt: Attempt) -> Charge:
    """What to ask the gateway for an attempt."""
    return dataclasses.replace(
        charge_about(sandbox, attempt),
        planned=_bank_decision(sandbox, attempt) or planned_outcome(sandbox, attempt),
        approved=attempt.state in {AttemptState.AUTHENTICATED, AttemptState.PROCESSING},
        secret=attempts.find_secret(sandbox, attempt.attempt_id),
    )


def charge_about(sandbox: Sandbox, attempt: Attempt) -> Charge:
    """The same for a call that asks for no money: without the instrument's secret and what the issuer would say."""
    settings, issuer = sandbox.seller.settings, attempt.plan.at(Stage.ISSUER)
    delay = settings.upi_pending_seconds if issuer.delay_seconds is None else issuer.delay_seconds
    return Charge(
        attempt_id=attempt.attempt_id,
        seller_id=sandbox.seller_id,
        amount=attempt.amount,
        method=attempt.method,
        instrument=attempt.instrument,
        idempotency_key=f"{attempt.attempt_id}:1",
        planned=attempt.issuer_outcome,
        agreed=issuer.scenario is not None or attempt.plan.decides(Stage.GATEWAY),
        patience_ms=settings.upi_answer_seconds * SECOND,
        fault=_silence(attempt),
        delay_ms=delay * SECOND,
    )


def _silence(attempt: Attempt) -> str:
    """
    How the gateway's answer is lost by the plan; ``success`` where it is not.

    Of what a gateway meets that is spoken to in its own format, the built-in one knows what executed charges lose.
    """
    outcome = attempt.plan.at(Stage.GATEWAY).outcome
    if attempt.gateway == DEFAULT and outcome in EXECUTED:
        return "noresponse"
    return outcome if outcome in SILENT else "success"


def _bank_decision(sandbox: Sandbox, attempt: Attempt) -> str | None:
    """What the book of a bank that is asked for it says by now; None where there is no such bank."""
    approval = METHODS[attempt.method].approval
    return banks.decision(sandbox, attempt) if approval is not None and approval.at_bank else None


def planned_outcome(sandbox: Sandbox, attempt: Attempt) -> str:
    """What the issuer answers: as planned; a card's looks at the proof first."""
    if not METHODS[attempt.method].card or attempt.auth is not Auth.PASSED:
        return attempt.issuer_outcome
    return authentication.issuer_response(sandbox, attempt)


def record_gateway_result(sandbox: Sandbox, attempt_id: str, result: Result) -> Attempt:
    """Write down what a gateway answered to `charge_request`; a second answer changes nothing."""
    attempt = get_attempt(sandbox, attempt_id)
    if not authentication.ready_to_charge(attempt):
        return attempt
    order = get_order(sandbox, attempt.order_pk)
    if result.kind is ResultKind.AUTH_REQUIRED:
        return _ask_buyer(sandbox, order, attempt, result)
    if result.kind is ResultKind.DECLINED and METHODS[attempt.method].approval:
        refused = response_codes_of(attempt).failure(result.code, "payment_request")
        event = "auth_fail" if attempt.auth is Auth.PASSED else "validation_error"
        failed = step(sandbox, ATTEMPTS, attempt, event, Actor.ISSUER, {"failure": refused})
        release_order(sandbox, order, failed)
        return failed
    referenced = _with_reference(sandbox, attempt, result)
    response = response_codes_of(attempt).answer(planned_outcome(sandbox, attempt))
    silent = result.kind is ResultKind.NO_ANSWER and attempt.plan.decides(Stage.GATEWAY)
    return submit(sandbox, order, referenced, response, gateway_silent=silent)


def _with_reference(sandbox: Sandbox, attempt: Attempt, result: Result) -> Attempt:
    """An attempt with the network's reference, authenticated now where nothing was to prove."""
    changes: dict[str, Any] = {"reference": result.reference}
    if attempt.state is AttemptState.CREATED:
        return step(sandbox, ATTEMPTS, attempt, "no_auth_needed", Actor.SANDBOX, changes)
    return update(sandbox, attempts.mapper, attempt, **changes)


def _ask_buyer(sandbox: Sandbox, order: Order, attempt: Attempt, result: Result) -> Attempt:
    settings = sandbox.seller.settings
    approval = METHODS[attempt.method].approval
    assert approval is not None
    wait = getattr(settings, approval.seconds) * SECOND
    answer_by = min(sandbox.now + wait, order.expires_at)
    changes: dict[str, Any] = {"answer_by": answer_by, "reference": result.reference, "auth": Auth.METHOD}
    if attempt.auth is Auth.PASSED:
        waiting = update(sandbox, attempts.mapper, attempt, **changes)
    else:
        alone = {"unasked": True} if approval.at_bank and result.answer_in_ms is not None else {}
        waiting = step(
            sandbox, ATTEMPTS, attempt, "auth_required", Actor.SANDBOX, changes, method=attempt.method, **alone
        )
    if approval.at_bank:
        banks.open_request(sandbox, waiting)
    schedule.add(sandbox, TIMEOUT, attempt.attempt_id, answer_by)
    if result.answer_in_ms is not None:
        due = sandbox.now + result.answer_in_ms
        schedule.add(sandbox, ANSWER, attempt.attempt_id, due)
    return waiting


def record_enquiry_result(sandbox: Sandbox, attempt_id: str, result: Result, times: int) -> None:
    """Write down what a gateway answered to the n-th enquiry; still nothing means asking again."""
    attempt = get_attempt(sandbox, attempt_id)
    if attempt.state is not AttemptState.UNKNOWN:
        return
    if result.kind in {ResultKind.APPROVED, ResultKind.DECLINED}:
        settle(sandbox, attempt_id, result.code)
    else:
        schedule_enquiry(sandbox, attempt, times + 1)


def record_bank_result(sandbox: Sandbox, attempt_id: str, result: Result) -> None:
    """
    Write down what a bank says of its page, asked itself; what a browser brought is not asked.

    A bank that took the money after the attempt had ended sends it back.
    """
    attempt = get_attempt(sandbox, attempt_id)
    outcome = _bank_decision(sandbox, attempt)
    # A bank whose buyer has not decided knows nothing, whatever the plan would have been.
    if outcome is None or response_codes_of(attempt).answer(outcome).code != result.code:
        return
    in_time = attempt.answer_by is None or sandbox.now < attempt.answer_by
    answered = record_buyer_answer(sandbox, attempt_id, outcome, Actor.BUYER if in_time else Actor.ISSUER)
    if not answered.live:
        settle(sandbox, attempt_id, result.code)


# --- plans


#: What a bank's down time means for a try.
_CLOSED = Decision("bankdown", Source.DEFAULT, "bank.down", "the bank's down time")


def plan_payment(
    sandbox: Sandbox,
    order: Order,
    instrument: Instrument,
    attempt_id: str,
    *,
    bank_closed: bool = False,
    outcomes: Mapping[Stage, Decision] = _NO_OUTCOMES,
) -> Plan:
    """
    The plan of a new attempt; the rules that decide it are used up here.

    A bank that is closed for now decides before everything else; no rule is spent on it.

    Args:
        outcomes: What the call that pays asks for; it goes before what the order's own request asked for.
    """
    later = set() if METHODS[instrument.method].card else {Stage.AUTH}
    if bank_closed:
        later.add(Stage.ISSUER)
    stages = [stage for stage in PAYMENT_STAGES if stage not in later]
    asked = {**requested_outcomes(sandbox, order), **outcomes}
    _check_requested(asked, instrument.method)
    plan = _plan(sandbox, order, instrument.method, instrument.dump(), instrument.inputs, attempt_id, stages, asked)
    # A refund knows the card's last digits only.
    refund = instrument_decision(Stage.REFUND, instrument.inputs)
    plan = plan if refund is None else plan.plus(Stage.REFUND, refund)
    return Plan({**plan.decisions, Stage.ISSUER: _CLOSED}) if bank_closed else plan


def _plan_code(sandbox: Sandbox, order: Order, attempt: Attempt) -> Attempt:
    """An attempt whose buyer is asked for a code, with what that meets; whether one is asked is known only now."""
    asked = requested_outcomes(sandbox, order)
    coded = _plan(sandbox, order, attempt.method, attempt.instrument, {}, attempt.attempt_id, [Stage.AUTH], asked)
    decision = coded.at(Stage.AUTH)
    if not coded.decides(Stage.AUTH) or decision.outcome not in CODE_OUTCOMES:
        return attempt
    plan = attempt.plan.plus(Stage.AUTH, decision)
    return update(sandbox, attempts.mapper, attempt, plan=plan, scenario=plan.payment_scenario)


def _plan(
    sandbox: Sandbox,
    order: Order,
    method: str,
    parts: Mapping[str, str],
    inputs: Mapping[str, str],
    attempt_id: str,
    stages: list[Stage],
    requested: Mapping[Stage, Decision],
) -> Plan:
    """What some stages of an attempt will meet."""
    settings, provider = sandbox.seller.settings, sandbox.provider_of(order)
    amount = order.amount.wire()
    match = {
        **{key: value for key, value in parts.items() if key in MATCH_KEYS},
        "kind": str(order.kind),
        "method": method,
        "amount": amount,
        "seller_order_id": order.seller_order_id,
        "order_id": order.order_id,
        "notification_type": str(NotificationType.PAYMENT),
    }
    facts = Facts(
        inputs={**inputs, Input.AMOUNT: amount},
        match=match,
        response_codes=METHODS[method].response_codes,
        stages=tuple(stages),
        simulated=requested,
        magic_amounts=settings.magic_amounts,
        defaults=settings.default_outcomes,
        usual=provider.default_outcomes,
        impossible=provider.impossible,
    )
    return resolve(facts, _use_up_rules(sandbox, provider, match, method, attempt_id, stages))


def requested_outcomes(sandbox: Sandbox, order: Order) -> dict[Stage, Decision]:
    """What an order's request asked for: in its note, as its company has it, or in so many words."""
    noted = sandbox.provider_of(order).payment_simulation(order.seller_note) if order.seller_note else {}
    return {**noted, **load_outcomes(order.request.get("outcomes"))}


def _check_requested(outcomes: Mapping[Stage, Decision], method: str) -> None:
    """Refuse an outcome in so many words that a payment by this method can never have."""
    asked = outcomes.get(Stage.ISSUER)
    if asked is not None and asked.value in {HEADER, FIELD}:
        parse_outcome(Stage.ISSUER, asked.outcome, [METHODS[method]], field=asked.value)


def plan_refund(sandbox: Sandbox, order: Order, attempt: Attempt, request: RefundRequest) -> Plan:
    """
    The plan of a new refund; the rules that decide it are used up here.

    Raises:
        Invalid: code ``simulation.invalid``: the note asks for what cannot be simulated.
    """
    settings, amount = sandbox.seller.settings, request.amount.wire()
    provider = sandbox.provider_of(order)
    inputs: dict[str, str] = {Input.REFUND_AMOUNT: amount}
    if request.amount == order.amount:
        inputs[Input.REFUND_OF] = amount
    match = {
        "method": attempt.method,
        "amount": amount,
        "seller_order_id": order.seller_order_id,
        "order_id": order.order_id,
        "reference": request.key,
        "notification_type": str(NotificationType.REFUND),
    }
    facts = Facts(
        inputs=inputs,
        match=match,
        response_codes=METHODS[attempt.method].response_codes,
        stages=REFUND_STAGES,
        simulated={
            # The card's own, which was decided when it paid.
            **{stage: made for stage, made in attempt.plan.decisions.items() if stage is Stage.REFUND},
            **provider.refund_simulation(request.note),
            **load_outcomes(order.request.get("outcomes")),
            **request.outcomes,
        },
        magic_amounts=settings.magic_amounts,
        defaults=settings.default_outcomes,
        usual=provider.default_outcomes,
        impossible=provider.impossible,
    )
    subject = f"{order.order_id} {request.key}"
    return resolve(facts, _use_up_rules(sandbox, provider, match, attempt.method, subject, list(REFUND_STAGES)))


def _use_up_rules(
    sandbox: Sandbox, provider: ProviderPort, match: dict[str, str], method: str, subject: str, stages: list[Stage]
) -> dict[Stage, Rule]:
    """For each of the stages the oldest rule that fits and whose dice fall; used up at once."""
    rules: dict[Stage, Rule] = {}
    applies: dict[Stage, Callable[[str], bool]] = {Stage.ISSUER: METHODS[method].response_codes.has_outcome}
    if not METHODS[method].card:
        applies[Stage.AUTH] = CODE_OUTCOMES.__contains__
    # The rule's place in the queue, not its row number: that counts other sellers' rules too.
    for position, rule in enumerate(scenarios.waiting(sandbox)):
        if rule.stage not in stages or rule.stage in rules or not rule.fits(match, sandbox.now):
            continue
        # One that this company cannot show waits for an order of another's.
        if rule.outcome in provider.impossible.get(rule.stage, ()):
            continue
        # A UPI code means nothing to a card issuer, a transStatus nothing to a code: such a rule waits for its method.
        if rule.stage in applies and not applies[rule.stage](rule.outcome):
            continue
        if draw_rule(sandbox, rule, position, subject):
            rules[rule.stage] = rule
            scenarios.use_up(sandbox, rule)
    return rules


def pin_decision(sandbox: Sandbox, attempt: Attempt, pin: str) -> Decision | None:
    """
    What a magic UPI PIN decides; None for an ordinary one, which is kept nowhere.

    A wrong PIN fails the try; the third of one order locks (NPCI: Z6 after three).
    """
    row = find(Input.PIN, pin)
    if row is None:
        return None
    tries = attempts.of_order(sandbox, attempt.order_pk)
    wrong = sum(earlier.failure is not None and earlier.failure.code == WRONG_PIN for earlier in tries)
    locked = row.outcome == WRONG_PIN and wrong + 1 >= MOST_WRONG_PINS
    return Decision(PIN_LOCKED if locked else row.outcome, Source.CODE, row.name, row.equals)

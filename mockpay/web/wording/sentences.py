"""
What happened, and whose doing it is, in plain sentences: to the tester, and to the buyer.

Pure functions over stored orders and attempts; used by the dashboard and by the result page.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import request

from mockpay.domain.methods.method import Method, MoneyStatus
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.orders import CLOSED_UNPAID, PAID, Order, OrderState
from mockpay.domain.payments.attempts import (
    BEFORE_MONEY,
    PLANNERS,
    Attempt,
    AttemptState,
    Auth,
    Decision,
    Failure,
    Source,
    Stage,
)
from mockpay.domain.scenarios.resolution import TABLE
from mockpay.domain.timeline import Actor
from mockpay.kernel.clock import DAY, SECOND, indian
from mockpay.kernel.errors import MockpayError
from mockpay.otp.rules import Challenge, OtpState
from mockpay.risk.rules import DECLINED_REASON
from mockpay.services.scenarios import decision_sentence, typed_as
from mockpay.store.unit_of_work import Sandbox
from mockpay.threeds.rules import FAILED, REASONS

_O, _A = OrderState, AttemptState

#: Who refused, as a row of the list and as a title tell it; the others need no "who".
_WHO: Mapping[str, tuple[str, str]] = {
    "issuer_bank": ("Buyer’s bank declined: ", "The buyer’s bank declined the payment: "),
    "network": ("{noun} network refused: ", "The {noun} network refused the payment: "),
    "beneficiary_bank": ("Seller’s bank refused: ", "The seller’s bank refused the payment: "),
}
#: What a browser brings back where the redirect stage was told to misbehave.
RETURNS: Mapping[str, str] = {row.outcome: row.description for row in TABLE if row.stage is Stage.REDIRECT}

#: By the reason of the failure: what the buyer did, or failed to do.
BUYERS_DOING: Mapping[str, str] = {
    "authentication_failed": "The buyer did not prove who they are at the card’s bank",
    "payment_cancelled": "The buyer gave this try up",
    "payment_timed_out": "The buyer did not prove who they are in time",
    "otp_attempts_exceeded": "The buyer typed too many wrong codes",
}
#: The same, and what the sandbox itself refused.
BEFORE_THE_BANK = {**BUYERS_DOING, DECLINED_REASON: "The risk check declined the payment"}
#: By 3-D Secure's transStatus.
_STATUS: Mapping[str, str] = {
    "N": "The buyer did not prove who they are at the card’s bank",
    "U": "The card’s bank could not check who the buyer is",
    "R": "The card’s bank rejected the buyer’s authentication",
}
#: Where the buyer is who must prove who they are.
_PROOFS: Mapping[Auth | None, str] = {
    Auth.OTP: "Waiting for a one-time code",
    Auth.THREEDS: "Buyer is with the card’s issuer",
}
#: What planned the answer; an instrument is named by its method.
_ASKED: Mapping[Source, str] = {
    Source.RULE: "seller’s {scenario}",
    Source.SIMULATION: "note’s {scenario}",
    Source.AMOUNT: "amount {seen}",
    Source.DEFAULT: "seller’s default outcome {seen}",
}
#: How a hold ended without capture, and whose doing that was, by the order's reason.
_RELEASED: Mapping[str | None, tuple[str, str]] = {
    "authorization_expired": ("Nobody captured in time", "The seller did not ask for the money."),
    "capture_failed": ("The capture failed", "The bank refused it."),
}
#: Who gave an order up.
_GAVE_UP: Mapping[Actor | None, str] = {
    Actor.TESTER: "A tester cancelled the order, by the dashboard or the control API.",
    Actor.SELLER: "The seller cancelled the order.",
    None: "The buyer gave up on the payment page.",
}
_CANCELLED_HOLD = ("Cancelled before capture", "The order was cancelled while its money was held.")
#: A hold that waits says what for; one that was released says why it was.
_HOLDS: Mapping[AttemptState, str] = {
    _A.AUTHORIZED: "The seller captures the money or cancels the order.",
    _A.VOIDED: "",
}
_INNOCENT = "Nothing is wrong in your integration."


def span(milliseconds: int) -> str:
    """A length of time in its largest unit: ``12 s``, ``2 min``, ``3 h``, ``5 d``."""
    seconds = max(milliseconds, 0) // SECOND
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def countdown(milliseconds: int) -> str:
    """Time left as ``11:20``, or in days where a clock face would not do."""
    if milliseconds >= DAY:
        return span(milliseconds)
    seconds = max(milliseconds, 0) // SECOND
    hours, minutes = seconds // 3_600, seconds // 60 % 60
    face = f"{minutes}:{seconds % 60:02d}"
    return f"{hours}:{face.rjust(5, '0')}" if hours else face


def time_of_day(moment: int) -> str:
    """A time of day as buyers read it: ``3:38 pm``."""
    shown = indian(moment)
    return f"{shown.hour % 12 or 12}:{shown:%M} {'am' if shown.hour < 12 else 'pm'}"


def method_title(attempt: Attempt | None) -> str:
    """What was paid with, as short as it is true: ``asha@okhdfc``, ``UPI app``."""
    return METHODS[attempt.method].named(attempt.instrument) if attempt else ""


def method_name(attempt: Attempt, methods: Mapping[str, Method] = METHODS) -> str:
    """The kind of instrument in the field's word, or in a provider's."""
    return methods[attempt.method].noun


def method_icon(attempt: Attempt | None) -> str:
    """The icon of what was paid with."""
    return METHODS[attempt.method].icon if attempt else "dash"


def destination(parts: Mapping[str, str]) -> str:
    """Where money goes back to: never more than may be kept of it."""
    method = METHODS[parts["method"]]
    return method.instrument_title(parts) or f"the account behind the {method.unnamed}"


def meaning(code: str, method: str) -> str:
    """A response code, or a status and reason of 3-D Secure, in words; the code itself where it is in no table."""
    row = METHODS[method].response_codes.codes.get(code)
    return row.meaning if row else REASONS.get(code.partition("/")[2], code)


def ended_before_the_bank(failure: Failure, method: str) -> bool:
    """Whether nobody was asked for money yet, and neither bank nor app said why."""
    asked_by_app = METHODS[method].approval and failure.code
    return failure.step in BEFORE_MONEY and not asked_by_app


def failure_sentence(failure: Failure, method: str, *, full: bool = False) -> str:
    """Why an attempt failed: with its code in a list, as a whole sentence in a title."""
    text, codes = meaning(failure.code, method), METHODS[method].response_codes
    status, slash, why = failure.code.partition("/")
    if slash and failure.step == "payment_authentication" and failure.reason == "authentication_failed":
        text = _STATUS.get(status, text) + ("" if why == FAILED else f": {REASONS.get(why, why)}")
        return text if full else f"{text} ({failure.code})"
    early = BEFORE_THE_BANK.get(failure.reason) if ended_before_the_bank(failure, method) else None
    text = early or text
    row = codes.codes.get(failure.code)
    if row is not None and row.money is MoneyStatus.EXPIRED and METHODS[method].unanswered:
        text = METHODS[method].unanswered if full else METHODS[method].unanswered.removeprefix("the ")
    who = "" if early else _WHO.get(failure.source, ("", ""))[full].format(noun=METHODS[method].noun)
    sentence = who + text if who else text[:1].upper() + text[1:]
    return sentence if full or not failure.code else f"{sentence} ({failure.code})"


def what_happened(
    order: Order,
    last: Attempt | None,
    now: int | None = None,
    *,
    full: bool = False,
    methods: Mapping[str, Method] = METHODS,
) -> str:
    """
    One sentence that answers "what happened?" for an order and its newest attempt.

    Args:
        order: As it now stands.
        last: Its newest attempt, None where nothing was tried.
        now: The seller's time; with it the sentence says how long is left.
        full: As the title of a page: whole sentences, no codes.
    """
    if order.state in PAID:
        return _paid(order, last, methods)
    if order.state is _O.AUTHORIZED:
        return "Funds held, waiting for capture"
    if order.state in CLOSED_UNPAID:
        return _closed(order, last, full=full)
    sentence = _open(last, full=full)
    if last is None and now is not None:
        return f"{sentence}, {countdown(order.expires_at - now)} left"
    return sentence


def _paid(order: Order, last: Attempt | None, methods: Mapping[str, Method]) -> str:
    if last is not None and last.state is _A.REVERSED:
        return "Captured, but told FAILURE; the money went back"
    if order.state is _O.REFUNDED:
        return "Refunded in full"
    if order.state is _O.PARTIALLY_REFUNDED:
        return "Refunded in part"
    paid = f"Paid by {method_name(last, methods)}" if last else "Paid"
    paid += f", {captured_part(last)}" if last and last.captured < last.amount else ""
    told = last.plan.at(Stage.REDIRECT) if last else None
    says = RETURNS.get(told.outcome) if told else None
    return f"{paid}; {says}" if says else paid


def captured_part(attempt: Attempt) -> str:
    """How much was taken of an amount that was not taken in full."""
    return f"{attempt.captured.display()} of {attempt.amount.display()} captured"


def _closed(order: Order, last: Attempt | None, *, full: bool) -> str:
    if last is not None and last.state is _A.REVERSED:
        return "Approved after the order had ended; the money went back"
    if last is not None and last.state is _A.VOIDED:
        return f"{_RELEASED.get(order.reason, _CANCELLED_HOLD)[0]}; the hold was released"
    if order.state is _O.CANCELLED:
        meanwhile = " while the bank was deciding" if last is not None and last.state is _A.PENDING else ""
        if order.cancelled_by not in {None, Actor.BUYER}:
            return f"Cancelled by {'a tester' if order.cancelled_by is Actor.TESTER else 'the seller'}{meanwhile}"
        return f"{'The buyer cancelled' if full else 'Cancelled'} on the payment page{meanwhile}"
    if last is None:
        return "The time to pay ran out; nothing was tried"
    if last.state is _A.PENDING:
        return "The time to pay ran out while the bank was deciding"
    if last.failure is None:
        return "The time to pay ran out" if order.state is _O.EXPIRED else "Not paid"
    late = "; the time to pay is over" if order.state is _O.EXPIRED else ""
    return failure_sentence(last.failure, last.method, full=full) + late


def _open(last: Attempt | None, *, full: bool) -> str:
    if last is None:
        return "The buyer is choosing how to pay" if full else "Buyer is on the payment page"
    if last.failure is not None:
        again = "" if full else "; may try again"
        return failure_sentence(last.failure, last.method, full=full) + again
    waiting = {
        _A.CREATED: "The gateway is being asked",
        _A.RISK_REVIEW: "Held for a risk review",
        _A.AUTH_PENDING: _awaited_proof(last),
        _A.PENDING: "The bank has not decided yet",
        _A.UNKNOWN: "No clear answer; money may have moved",
        _A.REVERSED: "The money went back; may try again",
        _A.CANCELLED: "The buyer stopped this try; may try again",
    }
    return waiting.get(last.state, "Sent to the bank, no answer yet")


def _awaited_proof(attempt: Attempt) -> str:
    if attempt.auth in _PROOFS:
        return _PROOFS[attempt.auth]
    method = METHODS[attempt.method]
    title = method.instrument_title(attempt.instrument)
    if method.approval is None or not title:
        return f"Waiting for the buyer’s {method.named(attempt.instrument)}"
    return method.approval.waiting.format(title=title)


#: Planned stages that may settle an end, the one that counts most first: of a failure, of what was paid.
_OF_PROOF = (Stage.AUTH, Stage.RISK)
_OF_MONEY = (Stage.ISSUER, Stage.GATEWAY, *_OF_PROOF)
_OF_RESULT = (Stage.REDIRECT, Stage.CAPTURE, Stage.IPN, Stage.VERIFY, Stage.GATEWAY, Stage.ISSUER, *_OF_PROOF)
_UNPAID = frozenset({_A.FAILED, _A.CANCELLED, _A.EXPIRED})


def _stages(attempt: Attempt) -> tuple[Stage, ...]:
    """The stages that an attempt has come to, the one it stands at first."""
    failed = attempt.failure
    if attempt.state is _A.RISK_REVIEW or (failed is not None and failed.step == "payment_initiation"):
        return (Stage.RISK,)
    if attempt.auth in _PROOFS and (attempt.state is _A.AUTH_PENDING or attempt.state in _UNPAID):
        return _OF_PROOF
    unpaid = attempt.state in _UNPAID or attempt.state in {_A.AUTH_PENDING, _A.PENDING, _A.UNKNOWN, _A.PROCESSING}
    return _OF_MONEY if unpaid else _OF_RESULT


def deciding(attempt: Attempt | None) -> tuple[Stage, Decision] | None:
    """The stage that settled how an attempt stands, and its decision; None for normal behaviour."""
    if attempt is None:
        return None
    made, stages = attempt.stage_decisions, _stages(attempt)
    settled = [(stage, made[stage]) for stage in stages if stage in made and not _proved(made[stage], stages)]
    # What went otherwise than well counts before what was asked to go well.
    settled.sort(key=lambda pair: pair[1].outcome in _WELL and not attempt.decisions.decides(pair[0]))
    return settled[0] if settled else None


#: Outcomes that end nothing.
_WELL = frozenset({"success", "challenge", "allow"})


def _proved(decision: Decision, stages: tuple[Stage, ...]) -> bool:
    """Whether somebody just typed a code that is right, or was asked for one by a risk rule and typed it."""
    if decision.source is Source.RISK_RULE:
        return decision.outcome == "challenge" and stages is not _OF_PROOF
    return decision.source is Source.CODE and decision.outcome == "success"


def decided_by(attempt: Attempt | None) -> str | None:
    """The tag "decided by" in its shortest true words; None for normal behaviour."""
    settled = deciding(attempt)
    if attempt is None or settled is None:
        return None
    stage, decision = settled
    if decision.source is Source.CODE:
        return f"{typed_as(decision)} {decision.seen}"
    approval = METHODS[attempt.method].approval
    words = {
        Source.RULE: decision.scenario,
        Source.SIMULATION: decision.scenario,
        Source.INSTRUMENT: magic_part(attempt, decision),
        Source.AMOUNT: f"amount {decision.seen}",
        Source.DEFAULT: "seller default",
        Source.RISK_RULE: f"risk rule {decision.scenario}",
        Source.BUYER: approval.name if approval and stage is Stage.ISSUER else "buyer",
        Source.LOCK: "locked buyer",
        Source.BALANCE: "balance",
        Source.TESTER: "tester",
        Source.CLOCK: "no answer",
    }
    return words.get(decision.source)


def magic_part(attempt: Attempt, decision: Decision) -> str:
    """What of the instrument decided: ``UPI ID``, ``card …0001``, ``CVV``, ``bank MKF1``."""
    method = METHODS[attempt.method]
    return method.magic.format(seen=decision.seen or "") or method.instrument


def whose_doing(order: Order, last: Attempt | None) -> str:
    """Who or what made it come out so: the line below the title that answers "why?"."""
    if last is not None and last.state in _HOLDS:
        says = _HOLDS[last.state] or _RELEASED.get(order.reason, _CANCELLED_HOLD)[1]
        settled = deciding(last)
        return f"{says} {_asked_for(last, settled[1])}" if settled and settled[0] is Stage.CAPTURE else says
    again = " The buyer may try again." if order.open and last and not last.live else ""
    return _doing(order, last) + again


def _doing(order: Order, last: Attempt | None) -> str:
    if order.state is _O.CANCELLED:
        deciding_bank = last is not None and last.state is _A.PENDING
        late = " Should the bank still pay, the money goes back." if deciding_bank else ""
        return f"{_INNOCENT} {_GAVE_UP.get(order.cancelled_by, _GAVE_UP[None])}{late}"
    settled = deciding(last)
    if last is not None and settled is not None:
        decision = settled[1]
        if decision.source not in PLANNERS:
            says = decision_sentence(last, decision)
            return f"{_INNOCENT} {says[:1].upper()}{says[1:]}."
        return f"{_INNOCENT} {_asked_for(last, decision)}"
    if order.state is _O.EXPIRED:
        return f"{_INNOCENT} Nobody paid within {span(order.expires_at - order.created_at)}."
    if last is not None and last.failure is not None:
        return f"{_INNOCENT} No scenario had a say."
    if order.open:
        return "It is the buyer’s turn; nothing is decided yet."
    if order.state is _O.FAILED:
        return f"{_INNOCENT} The buyer went back without paying."
    return "No scenario had a say: what is not asked to fail succeeds."


def _asked_for(attempt: Attempt, decision: Decision) -> str:
    """Which planned value asked for an answer, by its value."""
    scenario, seen = decision.scenario or "", decision.seen or ""
    part = _ASKED.get(decision.source, magic_part(attempt, decision)).format(scenario=scenario, seen=seen)
    named = decision.source in _ASKED or seen in part
    return f"The {part if named else f'{part} {seen}'} asked for this answer."


# --- to the buyer


_TO_THE_BUYER = {
    "The buyer’s bank": "Your bank",
    "buyer's bank unavailable": "your bank is not available",
    "buyer's bank": "your bank",
    "Declined by the buyer": "You declined the request",
    "Cancelled on the bank's page": "You cancelled on the bank’s page",
    "The bank's page was left": "The bank’s page was left",
}
#: What a buyer is told of an end that came before the bank was asked for money, by reason.
_NOT_PROVED = {
    "authentication_failed": "Your bank could not confirm that it is you",
    "payment_cancelled": "You stopped this try",
    "payment_timed_out": "Nobody confirmed the payment in time",
    "otp_attempts_exceeded": "Too many wrong codes were typed",
    # Why is for the seller to know, not for whoever may be a thief.
    DECLINED_REASON: "This payment cannot be made in this way",
}


def to_the_buyer(failed: Attempt) -> str:
    """The sentence of the dashboard, said to the one it is about."""
    if failed.failure is None:
        return ""
    if (text := not_proved(failed.failure, failed.method)) is not None:
        return text
    text = failure_sentence(failed.failure, failed.method, full=True)
    for ours, theirs in _TO_THE_BUYER.items():
        text = text.replace(ours, theirs)
    return text


def not_proved(failure: Failure, method: str) -> str | None:
    """Why a try ended before it was the bank's turn; None where the bank or app has said it."""
    return _NOT_PROVED.get(failure.reason) if ended_before_the_bank(failure, method) else None


EXPIRED = "This code has expired. Send a new one."
TECHNICAL = "The code could not be checked just now. Send it once more."


def runs(sandbox: Sandbox, challenge: Challenge) -> bool:
    """Whether the challenge still takes its code; its event may not have fired yet."""
    return challenge.state is OtpState.ACTIVE and sandbox.now < challenge.expires_at


def tries(challenge: Challenge) -> str:
    """How often somebody may still be wrong."""
    return "1 try left" if challenge.tries_left == 1 else f"{challenge.tries_left} tries left"


def wrong(challenge: Challenge) -> str:
    """What a wrong code is told."""
    return f"That code is not right. {tries(challenge)}."


#: Why a buyer gets no code for some time.
_NO_CODE = {
    "otp.locked_out": "Too many wrong codes were typed.",
    "otp.too_many_unfinished": "Too many codes were sent and none was typed.",
}


def locked_until(error: MockpayError) -> str | None:
    """Until which time of day a buyer gets no code; None where they do."""
    until = error.detail.get("until")
    return time_of_day(until) if error.code in _NO_CODE and isinstance(until, int) else None


def refusal(sandbox: Sandbox, error: MockpayError, what: str) -> str:
    """Why no code is sent for `what`, e.g. ``this payment``."""
    resend_at = error.detail.get("resend_at")
    if isinstance(resend_at, int):
        return f"Another code can be sent in {countdown(resend_at - sandbox.now)}."
    if (until := locked_until(error)) is not None:
        return f"{_NO_CODE[error.code]} No code is sent until {until}."
    return f"No more codes are sent for {what}." if error.code == "otp.too_many_sends" else error.message


def challenge_parts(sandbox: Sandbox, challenge: Challenge | None) -> dict[str, object]:
    """
    What a page tells of a challenge: where the code went, and what is left of all.

    Without one, or with one that is over, only how long a code is.
    """
    if challenge is None or not runs(sandbox, challenge):
        return {"length": sandbox.seller.settings.otp_length}
    left = challenge.expires_at - sandbox.now
    wait = max(challenge.resend_at - sandbox.now, 0)
    return {
        "to": challenge.destination_masked,
        "length": challenge.length,
        "tries": tries(challenge),
        "left_seconds": left // SECOND,
        "left_text": countdown(left),
        "wait_seconds": -(-wait // SECOND),
        "wait_text": countdown(wait),
        "sent_again": request.args.get("sent") == "again",
    }

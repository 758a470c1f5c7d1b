"""
What happened, and whose doing it is, in plain sentences: to the tester, and to the buyer.

Pure functions over stored orders and attempts; used by the dashboard and by the result page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import request

from mockpay.domain.methods.method import REVERSED, Method, MoneyStatus
from mockpay.domain.methods.registry import METHODS, response_codes_of
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
from mockpay.domain.payments.decisions import deciding, deciding_end
from mockpay.domain.scenarios.resolution import TABLE
from mockpay.domain.timeline import Actor
from mockpay.domain.wallet.ledger import METHOD as BALANCE
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
    "otp_attempts_exceeded": "The buyer’s one-time codes are locked",
}
#: The same, and what the sandbox itself refused.
BEFORE_THE_BANK = {**BUYERS_DOING, DECLINED_REASON: "The risk check declined the payment"}
#: By 3-D Secure's transStatus.
_STATUS: Mapping[str, str] = {
    "N": "The buyer did not prove who they are at the card’s bank",
    "U": "The card’s bank could not check who the buyer is",
    "R": "The card’s bank rejected the buyer’s authentication",
}
#: By the reason of a status, where nobody doubted the buyer.
_FORGED: Mapping[str, str] = {"09": "3-D Secure’s result was forged on its way"}
#: Where the buyer is who must prove who they are.
_PROOFS: Mapping[Auth | None, str] = {
    Auth.OTP: "Waiting for a one-time code",
    Auth.THREEDS: "Buyer is with the card’s issuer",
}
#: What planned the answer; an instrument is named by its method.
_ASKED: Mapping[Source, str] = {
    Source.RULE: "seller’s {scenario}",
    Source.SIMULATION: "{value}’s {scenario}",
    Source.AMOUNT: "amount {value}",
    Source.DEFAULT: "seller’s default outcome {value}",
    Source.COMPANY: "company’s usual outcome {value}",
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
#: By the stage whose value asked: what for.
_ASKED_FOR: Mapping[Stage, str] = {
    Stage.RISK: "this verdict of the risk check",
    Stage.AUTH: "this authentication",
    Stage.GATEWAY: "what the gateway did",
    Stage.CAPTURE: "this capture",
    Stage.REDIRECT: "this way back",
    Stage.IPN: "this notification",
    Stage.VERIFY: "this answer to the seller’s question",
}


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
    local = indian(moment)
    return f"{local.hour % 12 or 12}:{local:%M} {'am' if local.hour < 12 else 'pm'}"


def method_title(attempt: Attempt | None) -> str:
    """What was paid with, as short as it is true: ``asha@okhdfc``, ``UPI app``."""
    return METHODS[attempt.method].named(attempt.instrument) if attempt else ""


def method_name(attempt: Attempt, methods: Mapping[str, Method] = METHODS) -> str:
    """The kind of instrument in the field's word, or in a provider's."""
    return methods[attempt.method].noun


def reference_label(attempt: Attempt) -> str:
    """What the number is called by which others find a payment: no bank knows of one from a balance."""
    return "Bank reference" if METHODS[attempt.method].reference else "Payment reference"


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
    app_failure = METHODS[method].approval and failure.code
    return failure.step in BEFORE_MONEY and not app_failure


def failure_sentence(failure: Failure, method: str, *, full: bool = False) -> str:
    """Why an attempt failed: with its code in a list, as a whole sentence in a title."""
    text, codes = meaning(failure.code, method), METHODS[method].response_codes
    status, slash, why = failure.code.partition("/")
    if slash and failure.step == "payment_authentication" and failure.reason == "authentication_failed":
        text = _FORGED.get(why) or _STATUS.get(status, text)
        text += "" if why == FAILED else f": {REASONS.get(why, why)}"
        return text if full else f"{text} ({failure.code})"
    early = BEFORE_THE_BANK.get(failure.reason) if ended_before_the_bank(failure, method) else None
    text = early or text
    row = codes.codes.get(failure.code)
    if row is not None and row.money is MoneyStatus.EXPIRED and METHODS[method].unanswered:
        text = METHODS[method].unanswered if full else METHODS[method].unanswered.removeprefix("the ")
    who = "" if early else _WHO.get(failure.source, ("", ""))[full].format(noun=METHODS[method].noun)
    # "The bank declined: declined by the bank" says it twice.
    text = "" if who and text == "declined by the bank" else text
    sentence = (who + text).rstrip(": ") if who else text[:1].upper() + text[1:]
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
    sentence = _open(order, last, full=full)
    if last is None and now is not None and not order.endless:
        return f"{sentence}, {countdown(order.expires_at - now)} left"
    return sentence


def _paid(order: Order, last: Attempt | None, methods: Mapping[str, Method]) -> str:
    if order.fills_wallet and last is not None:
        name = method_name(last, methods)
        if last.state is _A.REVERSED:
            return f"Paid by {name}, not added to the balance; sent back"
        return f"Added to the balance by {name}{_REFUNDED.get(order.state, '')}"
    if last is not None and last.state is _A.REVERSED:
        return "Captured, but told FAILURE; the money went back"
    if order.state is _O.REFUNDED:
        return "Refunded in full"
    if order.state is _O.PARTIALLY_REFUNDED:
        return "Refunded in part"
    paid = f"Paid by {method_name(last, methods)}" if last else "Paid"
    paid += f", {captured_part(last)}" if last and last.captured < last.amount else ""
    redirect = last.plan.at(Stage.REDIRECT) if last else None
    consequence = RETURNS.get(redirect.outcome) if redirect else None
    return f"{paid}; {consequence}" if consequence else paid


_REFUNDED: Mapping[OrderState, str] = {_O.PARTIALLY_REFUNDED: ", refunded in part", _O.REFUNDED: ", refunded in full"}


def captured_part(attempt: Attempt) -> str:
    """How much was taken of an amount that was not taken in full."""
    return f"{attempt.captured.display()} of {attempt.amount.display()} captured"


def _closed(order: Order, last: Attempt | None, *, full: bool) -> str:
    if last is not None and last.state is _A.REVERSED:
        sent_back = "The network sent the money back; the time to pay is over"
        return sent_back if _network_reversed(last) else "Approved after the order had ended; the money went back"
    if last is not None and last.state is _A.VOIDED:
        return f"{_RELEASED.get(order.reason, ('Cancelled before capture',))[0]}; the hold was released"
    if order.state is _O.CANCELLED:
        meanwhile = " while the bank was deciding" if last is not None and last.state is _A.PENDING else ""
        if order.cancelled_by is not Actor.BUYER:
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


def _network_reversed(attempt: Attempt) -> bool:
    """Whether the network itself gave the money up, of which nobody knew whether it had moved."""
    issuer = attempt.stage_decisions.get(Stage.ISSUER)
    return issuer is not None and response_codes_of(attempt).answer(issuer.outcome).later == REVERSED


def _open(order: Order, last: Attempt | None, *, full: bool) -> str:
    if last is None and order.endless:
        # Made by a call: perhaps no buyer has ever seen a page of it.
        return "Nobody has tried to pay yet" if full else "Not paid yet"
    if last is None:
        return "The buyer is choosing how to pay" if full else "Buyer is on the payment page"
    again = "" if full else "; may try again"
    if last.failure is not None:
        return failure_sentence(last.failure, last.method, full=full) + again
    waiting = {
        _A.CREATED: "The gateway is being asked",
        _A.RISK_REVIEW: "Held for a risk review",
        _A.AUTH_PENDING: _awaited_proof(last),
        _A.PENDING: f"{'The wallet' if last.method == BALANCE else 'The bank'} has not decided yet",
        _A.UNKNOWN: "No clear answer; money may have moved",
        _A.REVERSED: f"The network sent the money back{again}",
        _A.CANCELLED: f"This try was stopped{again}",
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


def decided_by(attempt: Attempt | None, order: Order | None = None) -> str | None:
    """The tag "decided by" of a try, or of an order and its newest, in its shortest true words; None for normal."""
    settled = deciding(attempt)
    decision = deciding_end(order, attempt) if order is not None else settled[1] if settled else None
    if decision is None:
        return None
    if attempt is None or settled is None or decision is not settled[1]:
        return str(decision.source)
    return _tag(attempt, *settled)


def _tag(attempt: Attempt, stage: Stage, decision: Decision) -> str | None:
    if decision.source is Source.CODE:
        return f"{typed_as(decision)} {decision.value}"
    approval = METHODS[attempt.method].approval
    words = {
        Source.RULE: decision.scenario,
        Source.SIMULATION: decision.scenario,
        Source.INSTRUMENT: magic_part(attempt, decision),
        Source.AMOUNT: f"amount {decision.value}",
        Source.DEFAULT: "seller default",
        Source.COMPANY: "usual",
        Source.RISK_RULE: f"risk rule {decision.scenario}",
        Source.BUYER: approval.name if approval and stage is Stage.ISSUER else "buyer",
        Source.LOCK: "locked buyer",
        Source.BALANCE: "balance",
        Source.TESTER: "tester",
        Source.CLOCK: "clock",
    }
    return words.get(decision.source)


def magic_part(attempt: Attempt, decision: Decision) -> str:
    """What of the instrument decided: ``UPI ID``, ``card …0001``, ``CVV``, ``bank MKF1``."""
    method = METHODS[attempt.method]
    return method.magic.format(value=decision.value or "") or method.instrument


def whose_doing(order: Order, last: Attempt | None) -> str:
    """Who or what made it come out so: the line below the title that answers "why?"."""
    if last is not None and last.state in {_A.AUTHORIZED, _A.VOIDED}:
        return _doing_of_hold(order, last)
    again = " The buyer may try again." if order.open and last and not last.live else ""
    return _doing(order, last) + again


def _doing_of_hold(order: Order, held: Attempt) -> str:
    settled = deciding(held)
    purpose = f" {_asked_for(held, *settled)}" if settled and settled[0] is Stage.CAPTURE else ""
    if held.state is _A.VOIDED:
        return _RELEASED.get(order.reason, ("", _GAVE_UP.get(order.cancelled_by, _GAVE_UP[None])))[1] + purpose
    if held.plan.at(Stage.CAPTURE).outcome == "pending":
        return f"A capture takes its time at the bank; until it is done the order can be cancelled.{purpose}"
    return f"The seller captures the money or cancels the order.{purpose}"


def _doing(order: Order, last: Attempt | None) -> str:
    if order.state is _O.CANCELLED:
        deciding_bank = last is not None and last.state is _A.PENDING
        late = " Should the bank still pay, the money goes back." if deciding_bank else ""
        return f"{_GAVE_UP.get(order.cancelled_by, _GAVE_UP[None])}{late}"
    settled = deciding(last)
    if last is not None and settled is not None:
        if settled[1].source not in PLANNERS:
            return _capitalised(decision_sentence(last, *settled))
        return _asked_for(last, *settled)
    return _of_nobody(order, last)


def _of_nobody(order: Order, last: Attempt | None) -> str:
    """The same where no decision settled anything, or none yet."""
    if order.state is _O.EXPIRED:
        return f"Nobody paid within {span(order.expires_at - order.created_at)}."
    if order.open:
        if last is None or last.auth in _PROOFS or last.auth is Auth.METHOD:
            return "It is the buyer’s turn; nothing is decided yet."
        return "Nothing is decided yet."
    if order.state is _O.FAILED:
        return "The buyer went back without paying."
    proofs = [decision_sentence(last, *made) for made in last.stage_decisions.items()] if last else []
    if proofs:
        return f"{_capitalised('; '.join(proofs))} All else was normal."
    return "No scenario had a say: what is not asked to fail succeeds."


def _capitalised(clause: str) -> str:
    return f"{clause[:1].upper()}{clause[1:]}."


def _asked_for(attempt: Attempt, stage: Stage, decision: Decision) -> str:
    """Which planned value asked for what happened at a stage, by its value."""
    scenario, value = decision.scenario or "", decision.value or ""
    part = _ASKED.get(decision.source, magic_part(attempt, decision)).format(scenario=scenario, value=value)
    named = decision.source in _ASKED or value in part
    return f"The {part if named else f'{part} {value}'} asked for {_ASKED_FOR.get(stage, 'this answer')}."


def about_integration(order: Order, last: Attempt | None, troubles: Sequence[str]) -> str:
    """What is wrong with the seller's own part of an order; that nothing is, where something else went wrong."""
    if order.fills_wallet:
        return ""  # No integration takes part.
    if troubles:
        return f"Look at your integration: {'; '.join(troubles)}."
    settled = deciding(last)
    planned = settled is not None and settled[1].outcome != "success"
    return "Nothing is wrong in your integration." if planned or order.state in CLOSED_UNPAID else ""


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
    for words, buyer_words in _TO_THE_BUYER.items():
        text = text.replace(words, buyer_words)
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


def refusal(sandbox: Sandbox, error: MockpayError, noun: str) -> str:
    """Why no code is sent for `noun`, e.g. ``this payment``."""
    resend_at = error.detail.get("resend_at")
    if isinstance(resend_at, int):
        return f"Another code can be sent in {countdown(resend_at - sandbox.now)}."
    if (until := locked_until(error)) is not None:
        return f"{_NO_CODE[error.code]} No code is sent until {until}."
    return f"No more codes are sent for {noun}." if error.code == "otp.too_many_sends" else error.message


def challenge_parts(sandbox: Sandbox, challenge: Challenge | None) -> dict[str, object]:
    """
    What a page tells of a challenge: where the code went, and what is left of all.

    Without one, or with one that is over, only how long a code is.
    """
    if challenge is None or not runs(sandbox, challenge):
        return {"length": sandbox.seller.settings.otp_length}
    remaining = challenge.expires_at - sandbox.now
    wait = max(challenge.resend_at - sandbox.now, 0)
    return {
        "to": challenge.destination_masked,
        "length": challenge.length,
        "tries": tries(challenge),
        "left_seconds": remaining // SECOND,
        "left_text": countdown(remaining),
        "wait_seconds": -(-wait // SECOND),
        "wait_text": countdown(wait),
        "sent_again": request.args.get("sent") == "again",
    }

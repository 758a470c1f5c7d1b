"""
What happened, and whose doing it is, in plain sentences.

Pure functions over stored orders and attempts; used by the dashboard and by the result page.
"""

from __future__ import annotations

from collections.abc import Mapping

from mockpay.domain import wallet
from mockpay.domain.methods import cards, netbanking, upi
from mockpay.domain.methods.registry import CARD_METHODS, EMI, NETWORKS
from mockpay.domain.orders import CLOSED_UNPAID, PAID, Order, OrderState
from mockpay.domain.payments.attempts import Attempt, AttemptState, Failure
from mockpay.domain.payments.plans import Decision, Source, Stage
from mockpay.domain.scenarios.resolution import TABLE
from mockpay.kernel.clock import DAY, SECOND
from mockpay.web.wording.early_failures import BEFORE_THE_BANK, ended_before_the_bank

_O, _A = OrderState, AttemptState
_METHODS: Mapping[str, str] = {
    upi.METHOD: "UPI",
    cards.METHOD: "card",
    EMI: "EMI",
    netbanking.METHOD: "net banking",
    wallet.METHOD: "Amazon Pay balance",
}
_ICONS: Mapping[str, str] = {
    upi.METHOD: "upi",
    cards.METHOD: "card",
    EMI: "card",
    netbanking.METHOD: "bank",
    wallet.METHOD: "wallet",
}

#: Who refused, as a row of the list and as a title tell it; the others need no "who".
_WHO: Mapping[str, tuple[str, str]] = {
    "issuer_bank": ("Buyer’s bank declined: ", "The buyer’s bank declined the payment: "),
    "network": ("UPI network refused: ", "The UPI network refused the payment: "),
    "beneficiary_bank": ("Seller’s bank refused: ", "The seller’s bank refused the payment: "),
}
#: What a browser brings back where the redirect stage was told to misbehave.
_RETURNS: Mapping[str, str] = {row.outcome: row.description for row in TABLE if row.stage is Stage.REDIRECT}

#: What of an instrument may be magic, and where its buyer may choose otherwise.
_MAGIC: Mapping[str, str] = {
    upi.METHOD: "UPI ID",
    cards.METHOD: "card",
    EMI: "card",
    netbanking.METHOD: "bank",
}
_CHOSEN: Mapping[str, tuple[str, str]] = {
    upi.METHOD: ("UPI app", "in the simulated UPI app"),
    netbanking.METHOD: ("bank page", "on the bank’s page"),
}
_NO_BALANCE = "insufficient_wallet_balance"
_ASKED: Mapping[Source, str] = {
    Source.RULE: "A rule made by control API asked for this answer.",
    Source.SIMULATION: "SandboxSimulation in the note asked for this answer.",
    Source.AMOUNT: "The amount asked for this answer.",
    Source.DEFAULT: "The seller’s default outcome asked for this answer.",
}
#: How a hold ended without capture, and whose doing that was, by the order's reason.
_RELEASED: Mapping[str | None, tuple[str, str]] = {
    "authorization_expired": ("Nobody captured in time", "The seller did not ask for the money."),
    "capture_failed": ("The capture failed", "The bank refused it, as the scenario has it."),
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


def method_title(attempt: Attempt | None) -> str:
    """What was paid with, as short as it is true: ``asha@okhdfc``, ``UPI app``."""
    if attempt is None:
        return ""
    told = attempt.instrument
    if attempt.method in CARD_METHODS:
        return f"{told['network']} •••• {told['last4']}"
    named = told.get("vpa") or told.get("bank_name") or told.get("email")
    return named or f"{method_name(attempt)} app"


def method_name(attempt: Attempt) -> str:
    """The kind of instrument in the field's word."""
    return _METHODS.get(attempt.method, attempt.method)


def method_icon(attempt: Attempt | None) -> str:
    """The icon of what was paid with."""
    return icon_of(attempt.method) if attempt else "dash"


def icon_of(method: str) -> str:
    """The icon of a kind of instrument."""
    return _ICONS.get(method, "card")


def meaning(code: str, method: str = upi.METHOD) -> str:
    """A response code in words; the code itself where nobody knows it."""
    row = NETWORKS[method].codes.get(code)
    return row.meaning if row else code


def failure_sentence(failure: Failure, *, full: bool = False, method: str = upi.METHOD) -> str:
    """Why an attempt failed: with its code in a list, as a whole sentence in a title."""
    says = meaning(failure.code, method)
    if ended_before_the_bank(failure, method):
        says = BEFORE_THE_BANK.get(failure.reason, says)
    if failure.code == upi.EXPIRED:
        says = "the UPI request was never answered" if full else "UPI request was never answered"
    who = _WHO.get(failure.source, ("", ""))[full]
    sentence = who + says if who else says[:1].upper() + says[1:]
    return sentence if full or not failure.code else f"{sentence} ({failure.code})"


def what_happened(order: Order, last: Attempt | None, now: int | None = None, *, full: bool = False) -> str:
    """
    One sentence that answers "what happened?" for an order and its newest attempt.

    Args:
        order: As it now stands.
        last: Its newest attempt, None where nothing was tried.
        now: The seller's time; with it the sentence says how long is left.
        full: As the title of a page: whole sentences, no codes.
    """
    if order.state in PAID:
        return _paid(order, last)
    if order.state is _O.AUTHORIZED:
        return "Funds held, waiting for capture"
    if order.state in CLOSED_UNPAID:
        return _closed(order, last, full=full)
    sentence = _open(last, full=full)
    if last is None and now is not None:
        return f"{sentence}, {countdown(order.expires_at - now)} left"
    return sentence


def _paid(order: Order, last: Attempt | None) -> str:
    if last is not None and last.state is _A.REVERSED:
        return "Captured, but told FAILURE; the money went back"
    if order.state is _O.REFUNDED:
        return "Refunded in full"
    if order.state is _O.PARTIALLY_REFUNDED:
        return "Refunded in part"
    paid = f"Paid by {method_name(last)}" if last else "Paid"
    told = last.plan.at(Stage.REDIRECT) if last else None
    says = _RETURNS.get(told.outcome) if told else None
    return f"{paid}; {says}" if says else paid


def _closed(order: Order, last: Attempt | None, *, full: bool) -> str:
    if last is not None and last.state is _A.REVERSED:
        return "Approved after the order had ended; the money went back"
    if last is not None and last.state is _A.VOIDED:
        return f"{_RELEASED.get(order.reason, _CANCELLED_HOLD)[0]}; the hold was released"
    if order.state is _O.CANCELLED:
        return "The buyer cancelled on the payment page" if full else "Cancelled on the payment page"
    if last is None:
        return "The time to pay ran out; nothing was tried"
    if last.state is _A.PENDING:
        return "The time to pay ran out while the bank was deciding"
    if last.failure is None:
        return "The time to pay ran out" if order.state is _O.EXPIRED else "Not paid"
    return failure_sentence(last.failure, full=full, method=last.method)


def _open(last: Attempt | None, *, full: bool) -> str:
    if last is None:
        return "The buyer is choosing how to pay" if full else "Buyer is on the payment page"
    if last.failure is not None:
        again = "" if full else "; may try again"
        return failure_sentence(last.failure, full=full, method=last.method) + again
    waiting = {
        _A.CREATED: "The gateway is being asked",
        _A.AUTH_PENDING: _asked(last),
        _A.PENDING: "The bank has not decided yet",
        _A.UNKNOWN: "No clear answer; money may have moved",
        _A.REVERSED: "The money went back; may try again",
        _A.CANCELLED: "The buyer stopped this try; may try again",
    }
    return waiting.get(last.state, "Sent to the bank, no answer yet")


def _asked(attempt: Attempt) -> str:
    if attempt.method == netbanking.METHOD:
        return f"Buyer is on the page of {attempt.instrument['bank_name']}"
    vpa = attempt.instrument.get("vpa")
    return f"Waiting for {vpa} to approve" if vpa else "Waiting for the buyer’s UPI app"


def deciding(attempt: Attempt | None) -> tuple[Stage, Decision] | None:
    """The stage that a scenario decided first, and its decision; None for normal behaviour."""
    if attempt is None:
        return None
    found = ((stage, one) for stage, one in attempt.plan.decisions.items() if one.scenario)
    return next(found, None)


def overruled(attempt: Attempt) -> bool:
    """Whether the end is not the one that was planned: the buyer chose it at app or bank."""
    if attempt.method not in _CHOSEN or attempt.plan.decides(Stage.GATEWAY):
        return False
    planned = attempt.plan.at(Stage.ISSUER).outcome
    network = NETWORKS[attempt.method]
    if not network.has_outcome(planned):
        return False
    told = network.answer(planned)
    expected = {told.code, told.later}
    if attempt.state is _A.CAPTURED:
        return network.approved not in expected
    ended_by_clock = attempt.state in {_A.EXPIRED, _A.CANCELLED}
    failed = attempt.failure is not None and attempt.failure.code not in expected
    return failed and not ended_by_clock


def decided_by(attempt: Attempt | None) -> str | None:
    """The tag "decided by" in its shortest true words; None for normal behaviour."""
    if attempt is not None and overruled(attempt):
        return _CHOSEN[attempt.method][0]
    found = deciding(attempt)
    if attempt is None or found is None:
        return None
    decision = found[1]
    words = {
        Source.RULE: decision.scenario,
        Source.SIMULATION: decision.scenario,
        Source.INSTRUMENT: _magic_part(attempt, decision),
        Source.AMOUNT: f"amount {decision.seen}",
        Source.DEFAULT: "seller default",
    }
    return words.get(decision.source)


def _magic_part(attempt: Attempt, decision: Decision) -> str:
    """What of the instrument decided: ``UPI ID``, ``card …0001``, ``CVV``, ``bank MKF1``."""
    named, told = _MAGIC.get(attempt.method, "instrument"), decision.seen or ""
    if attempt.method in CARD_METHODS:
        return told or named
    return f"{named} {told}" if attempt.method == netbanking.METHOD else named


def whose_doing(order: Order, last: Attempt | None) -> str:
    """Who or what made it come out so: the line below the title that answers "why?"."""
    if last is not None and last.state in _HOLDS:
        return _HOLDS[last.state] or _RELEASED.get(order.reason, _CANCELLED_HOLD)[1]
    again = " The buyer may try again." if order.open and last and not last.live else ""
    return _doing(order, last) + again


def _doing(order: Order, last: Attempt | None) -> str:
    if order.state is _O.CANCELLED:
        return f"{_INNOCENT} The buyer gave up before paying."
    if last is not None and overruled(last):
        return f"{_INNOCENT} The buyer chose this {_CHOSEN[last.method][1]}."
    if last is not None and last.reason == _NO_BALANCE:
        return f"{_INNOCENT} The buyer’s balance did not suffice."
    found = deciding(last)
    if last is not None and found is not None:
        part = _magic_part(last, found[1]).partition(" …")[0]
        asked = _ASKED.get(found[1].source, f"The {part} asked for this answer.")
        return f"{_INNOCENT} {asked}"
    if order.state is _O.EXPIRED:
        return f"{_INNOCENT} Nobody paid within {span(order.expires_at - order.created_at)}."
    if order.open:
        return "It is the buyer’s turn; nothing is decided yet."
    if order.state is _O.FAILED:
        return f"{_INNOCENT} The buyer went back without paying."
    return "No scenario had a say: what is not asked to fail succeeds."

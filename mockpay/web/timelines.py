"""The timeline of an order as lines that a developer can read; pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mockpay.domain import netbanking, upi
from mockpay.domain.attempts import TERMINAL, AttemptState
from mockpay.domain.orders import CLOSED_UNPAID, OrderState
from mockpay.domain.timeline import Actor, TimelineEvent
from mockpay.kernel.clock import SECOND, indian, rfc3339
from mockpay.store.schedule import Event
from mockpay.web import emi_terms
from mockpay.web.sentences import countdown, meaning


@dataclass(frozen=True, slots=True)
class Line:
    """One line as the `timeline` macro takes it; `iso` is empty where `at` is no instant."""

    title: str
    at: str
    fact: str
    kind: str
    icon: str
    iso: str = ""
    decided: bool = False
    to_come: bool = False


#: Title, kind, icon and the fact told where the event brings none of its own.
_Words = tuple[str, str, str, str]

_ORDER: Mapping[str, _Words] = {
    "opened": ("Order opened", "ok", "tick", "Payload decrypted, signature matched"),
    "attempt_failed": ("Buyer may try again", "idle", "back", "The order stays open"),
    "buyer_cancel": ("Order cancelled", "idle", "dash", ""),
    "timeout": ("Order expired", "idle", "clock", "The time to pay was over"),
    "given_up": ("Order failed", "bad", "cross", "No tries were left"),
    "attempt_authorized": ("Funds held", "hold", "bars", "Waiting for capture"),
    "attempt_captured": ("Order paid", "ok", "tick", ""),
    "capture": ("Captured", "ok", "tick", ""),
    "void": ("Hold released", "idle", "dash", ""),
    "auth_expired": ("Hold expired", "idle", "clock", ""),
    "refund_completed": ("Refunded in part", "back", "back", ""),
    "refund_completed_in_full": ("Refunded in full", "back", "back", ""),
    "returned": ("Sent back to the seller", "idle", "send", ""),
    "bank_return_refused": ("Bank’s answer refused", "bad", "cross", "It was not the bank’s own"),
    "expiry_waits": ("Expiry waits for the bank", "wait", "clock", "Money may be moving"),
}
_PAID_LATE = "The order had ended, so the money goes back"
_ATTEMPT: Mapping[str, _Words] = {
    "chosen": ("UPI chosen", "idle", "upi", ""),
    "auth_required": ("Buyer asked to approve", "wait", "clock", "Request sent to the UPI app"),
    "seen": ("Request seen", "idle", "phone", "The buyer opened it in the UPI app"),
    "validation_error": ("Refused before the buyer was asked", "bad", "cross", ""),
    "auth_ok": ("Buyer approved", "ok", "tick", "In the UPI app"),
    "auth_fail": ("Not approved", "bad", "cross", ""),
    "cancel": ("Try cancelled", "idle", "dash", ""),
    "timeout": ("Request expired", "idle", "clock", ""),
    "left_pending": ("Bank answered: pending", "wait", "clock", ""),
    "no_auth_needed": ("No approval needed", "idle", "shield", ""),
    "submit": ("Sent to the bank", "idle", "bank", ""),
    "approved": ("Funds held", "hold", "bars", ""),
    "approved_and_captured": ("Approved and captured", "ok", "tick", ""),
    "approved_too_late": ("Approved too late", "back", "back", _PAID_LATE),
    "declined": ("Declined", "bad", "cross", ""),
    "pending": ("Bank answered: pending", "wait", "clock", ""),
    "no_answer": ("No clear answer", "odd", "question", ""),
    "resolved_success": ("Bank decided: paid", "ok", "tick", ""),
    "resolved_failure": ("Bank decided: not paid", "bad", "cross", ""),
    "resolved_too_late": ("Approved too late", "back", "back", _PAID_LATE),
    "found_success": ("Found: paid", "ok", "tick", ""),
    "found_failure": ("Found: not paid", "bad", "cross", ""),
    "found_too_late": ("Approved too late", "back", "back", _PAID_LATE),
    "stuck": ("No end in sight", "odd", "question", "The bank cannot say what became of it"),
    "gave_up": ("Network sent the money back", "back", "back", ""),
    "late_success": ("Approved too late", "back", "back", _PAID_LATE),
    "reverse": ("Money sent back", "back", "back", "The seller had been told FAILURE"),
}
#: What else may be chosen, by a fact that only it has.
_CHOSEN: Mapping[str, tuple[str, str]] = {
    "tenure": ("EMI chosen", "emi"),
    "last4": ("Card chosen", "card"),
    "bank": ("Net banking chosen", "bank"),
    "email": ("Amazon Pay balance chosen", "wallet"),
}
#: What another method says instead of the UPI app.
_AT_BANK: Mapping[str, str] = {
    "auth_required": "Sent to the bank’s own page",
    "auth_ok": "On the bank’s page, and confirmed by the bank itself",
}
#: Told by the attempt's own line of the same moment.
_SILENT = frozenset({("order", "attempt_started")})

_DUE: Mapping[str, str] = {
    "order.expire": "Order expires",
    "attempt.answer": "UPI app and bank answer",
    "attempt.resolve": "Bank makes the end known",
    "attempt.enquire": "Gateway is asked again",
    "attempt.timeout": "Request expires",
    "attempt.reverse": "Money is sent back",
}
_BY: Mapping[Actor, str] = {
    Actor.BUYER: "By the buyer",
    Actor.TESTER: "By control API",
    Actor.CLOCK: "By the clock",
}
_RESULTS: Mapping[str, str] = {
    OrderState.PAID: "SUCCESS",
    OrderState.AUTHORIZED: "SUCCESS",
    OrderState.PARTIALLY_REFUNDED: "SUCCESS",
    OrderState.CREATED: "PENDING",
    OrderState.PENDING: "PENDING",
}


def timeline_lines(events: Iterable[TimelineEvent]) -> list[Line]:
    """All that happened: the first time in full, the later ones as what passed since."""
    told = [event for event in events if (event.machine, event.event) not in _SILENT]
    deciding = _deciding(told)
    first = told[0] if told else None
    return [_line(event, first, decided=event is deciding) for event in told]


def _line(event: TimelineEvent, first: TimelineEvent | None, *, decided: bool) -> Line:
    table = _ORDER if event.machine == "order" else _ATTEMPT
    plain = event.event.replace("_", " ").capitalize()
    title, kind, icon, fact = table.get(event.event, (plain, "idle", "dot", ""))
    if event.event == "chosen":
        title, icon = next((w for key, w in _CHOSEN.items() if key in event.facts), (title, icon))
    return Line(
        title=title,
        at=instant(event.at) if first is None or event is first else offset(event.at - first.at),
        fact=_fact(event) or fact,
        kind=kind,
        icon=icon,
        iso=rfc3339(event.at),
        decided=decided,
    )


def instant(moment: int) -> str:
    """Time of day in India with milliseconds: ``15:21:52.104``."""
    return f"{indian(moment):%H:%M:%S}.{moment % SECOND:03d}"


def offset(milliseconds: int) -> str:
    """What passed since the first event: ``+18.7 s``, ``+15 min 02 s``."""
    seconds = milliseconds / SECOND
    if seconds < 100:
        return f"+{seconds:.1f} s"
    whole = int(seconds)
    if whole < 6_000:
        return f"+{whole // 60} min {whole % 60:02d} s"
    return f"+{whole // 3_600} h {whole // 60 % 60:02d} min"


def _fact(event: TimelineEvent) -> str:
    """What the event itself tells, in words; empty where it tells nothing."""
    facts = event.facts
    if "code" in facts:
        code, method = str(facts["code"]), str(facts.get("method", upi.METHOD))
        return f"{code}: {meaning(code, method)}" if code else ""
    if facts.get("method") == netbanking.METHOD and event.event in _AT_BANK:
        return _AT_BANK[event.event]
    if event.event == "chosen":
        return _chosen(facts)
    if event.event == "submit":
        return f"Gateway: {facts.get('gateway', 'simulator')}"
    if event.event == "returned":
        return f"A signed {_RESULTS.get(event.after, 'FAILURE')}"
    if event.event == "given_up" and event.actor is Actor.BUYER:
        return "The buyer went back to the seller instead of trying again"
    if event.event in {"buyer_cancel", "cancel"}:
        return _BY.get(event.actor, "")
    return ""


def _chosen(facts: Mapping[str, object]) -> str:
    """What was paid with: never more than may be kept of it."""
    if "last4" in facts:
        card = f"{facts['network']} •••• {facts['last4']}, {facts['issuer']}, {facts['type']}"
        if "tenure" not in facts:
            return card
        return f"{card}; {emi_terms.instalments(facts)}, {emi_terms.plan(facts)}"
    named = facts.get("vpa") or facts.get("bank_name") or facts.get("email")
    return str(named or "By QR code or link, in any UPI app")


def _deciding(events: Sequence[TimelineEvent]) -> TimelineEvent | None:
    """The event that settled how it came out: an attempt's end or halt, else the order's end."""
    halts = {*TERMINAL, AttemptState.PENDING, AttemptState.UNKNOWN}
    of_attempts = [e for e in events if e.machine == "attempt" and e.after in halts]
    if of_attempts:
        return of_attempts[-1]
    return next((e for e in reversed(events) if e.after in CLOSED_UNPAID), None)


def lines_to_come(waiting: Iterable[Event], now: int) -> list[Line]:
    """What is scheduled and has not happened, the soonest first."""
    return [
        Line(
            title=_DUE.get(event.kind, event.kind),
            at=f"in {countdown(event.due_at - now)}",
            fact=f"{indian(event.due_at):%d %b %Y, %H:%M:%S} IST",
            kind="idle",
            icon="dot",
            iso=rfc3339(event.due_at),
            to_come=True,
        )
        for event in sorted(waiting, key=lambda one: (one.due_at, one.event_id))
    ]

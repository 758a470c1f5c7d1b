"""
The timeline of an order as lines that a developer can read; pure functions.

What each event is called stands in `timeline_words`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from mockpay.domain.methods.method import Method
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.notifications import NotificationType
from mockpay.domain.orders import CLOSED_UNPAID, OrderKind, OrderState
from mockpay.domain.payments.attempts import TERMINAL, AttemptState
from mockpay.domain.providers import NO_PROVIDER, ProviderPort
from mockpay.domain.refunds import CANCELLATION, TESTER
from mockpay.domain.timeline import Actor, TimelineEvent
from mockpay.kernel.clock import SECOND, indian, rfc3339
from mockpay.kernel.money import Money
from mockpay.otp.rules import Purpose
from mockpay.store.schedule import Event
from mockpay.web.wording.sentences import BUYERS_DOING, RETURNS, countdown, destination, meaning
from mockpay.web.wording.timeline_words import BY, DUE, PROOFS, words


class Line(Struct, frozen=True):
    """One line as the `timeline` macro takes it; `iso` is empty where `at` is no instant."""

    title: str
    at: str
    fact: str
    kind: str
    icon: str
    iso: str = ""
    decided: bool = False
    expected: bool = False


#: What a bank does by itself.
_AT_BANK = {"auth_required": "Bank asked", "auth_ok": "Bank confirmed"}
#: Told by the attempt's own line of the same moment.
_SILENT = frozenset({("order", "attempt_started")})
_RESULTS: Mapping[str, str] = {
    OrderState.PAID: "SUCCESS",
    OrderState.AUTHORIZED: "PENDING",
    OrderState.PARTIALLY_REFUNDED: "SUCCESS",
    OrderState.CREATED: "PENDING",
    OrderState.PENDING: "PENDING",
}


def timeline_lines(events: Iterable[TimelineEvent], provider: ProviderPort = NO_PROVIDER) -> list[Line]:
    """All that happened, in a company's words: the first time in full, the later ones as what passed since."""
    return [line for lines in timeline_by_try(events, provider) for line in lines]


def timeline_by_try(events: Iterable[TimelineEvent], provider: ProviderPort = NO_PROVIDER) -> list[list[Line]]:
    """The same, what happened since the second and each later try began in a list of its own."""
    methods = {**METHODS, **provider.methods}
    visible = [event for event in events if (event.machine, event.event) not in _SILENT]
    deciding = _deciding(visible)
    first = visible[0] if visible else None
    methods_by_attempt = {
        event.subject: methods[str(event.facts["method"])] for event in visible if event.event == "chosen"
    }
    reviewed_at = {event.subject: event.at for event in visible if event.event == "risk_review"}
    lines_by_try: list[list[Line]] = [[]]
    begun = False
    for event in visible:
        if event.event == "chosen":
            if begun:
                lines_by_try.append([])
            begun = True
        line = _line(event, first, methods_by_attempt.get(event.subject), provider, decided=event is deciding)
        if event.subject in reviewed_at and event.event in _REVIEW_ENDS:
            line = replace(line, fact=_of_review(event, reviewed_at[event.subject]))
        lines_by_try[-1].append(line)
    return lines_by_try


_REVIEW_ENDS = frozenset({"approve", "approve_to_auth", "reject"})
#: What an approved payment waits for, by the way of its proof.
_NEXT = {"otp": "; a one-time code is asked for next", "3ds": "; the card’s issuer is asked next"}


def _of_review(event: TimelineEvent, held_at: int) -> str:
    """Who decided a review, and what comes next."""
    by = (
        f"By itself after {(event.at - held_at) // SECOND} s" if event.actor is Actor.CLOCK else BY.get(event.actor, "")
    )
    waits = _NEXT.get(str(event.facts.get("way")), "; the buyer is asked next")
    return by + waits if event.event == "approve_to_auth" else by


def _line(
    event: TimelineEvent, first: TimelineEvent | None, method: Method | None, provider: ProviderPort, *, decided: bool
) -> Line:
    title, kind, icon, fact = words(event.machine, event.event)
    if method is not None and event.event == "chosen":
        title, icon = f"{method.noun[:1].upper()}{method.noun[1:]} chosen", method.icon
    if event.event == "returned" and "kind" in event.facts:
        title = "Sent back to the wallet"
    elif event.facts.get("fault") == "never_returns":
        title, icon = "Not sent back to the seller", "dash"
    elif event.facts.get("unasked") and method is not None and method.approval and method.approval.at_bank:
        title = _AT_BANK[event.event]
    elif event.machine == "notification" and event.event == "failed" and event.facts.get("status"):
        title = f"Seller refused it: {event.facts['status']}"
    elif "reload" in event.facts:
        title = "Waits for a reload"
    elif event.machine == "attempt":
        title = _title_of_method(event, method) or title
    return Line(
        title=title,
        at=instant(event.at) if first is None or event is first else offset(event.at - first.at),
        fact=_fact_of(event, method, provider) or fact,
        kind=kind,
        icon=icon,
        iso=rfc3339(event.at),
        decided=decided,
    )


def _fact_of(event: TimelineEvent, method: Method | None, provider: ProviderPort) -> str:
    """What an event itself tells; empty where it tells nothing."""
    if event.machine in _TELLERS:
        return _TELLERS[event.machine](event)
    if event.machine == "order" and event.event in _BY_PROVIDER and "kind" not in event.facts:
        return _BY_PROVIDER[event.event](event, provider)
    return _of_payment(event, method)


#: What a balance does where a bank would.
_OF_BALANCE = {
    "submit": "asked",
    "pending": "answered: pending",
    "resolved_success": "decided: paid",
    "resolved_failure": "decided: not paid",
}


def _title_of_method(event: TimelineEvent, method: Method | None) -> str:
    """What an attempt's event is called where the usual words are another method's; empty where they fit."""
    if event.facts.get("reason") in BUYERS_DOING and event.event == "auth_fail":
        return "Buyer not authenticated"
    if str(event.facts.get("way")) in PROOFS and event.event == "auth_required":
        return "Authentication asked for"
    if method is None:
        return ""
    if method.approval is None:
        noun = f"{method.noun[:1].upper()}{method.noun[1:]}" if method.reference is None else ""
        own = {name: f"{noun} {words}" for name, words in _OF_BALANCE.items()} if noun else {}
        return {"auth_ok": "Buyer authenticated", **own}.get(event.event, "")
    return "Buyer not asked" if event.event == "no_auth_needed" else ""


def instant(moment: int) -> str:
    """Time of day in India with milliseconds: ``15:21:52.104``."""
    return f"{indian(moment):%H:%M:%S}.{moment % SECOND:03d}"


def moment(at: int) -> str:
    """Date and time of day in India: ``21 Nov 2026, 17:30:00 IST``."""
    return f"{indian(at):%d %b %Y, %H:%M:%S} IST"


def offset(milliseconds: int) -> str:
    """What passed since the first event: ``+18.7 s``, ``+15 min 02 s``."""
    seconds = milliseconds / SECOND
    if seconds < 100:
        return f"+{seconds:.1f} s"
    whole = int(seconds)
    if whole < 6_000:
        return f"+{whole // 60} min {whole % 60:02d} s"
    return f"+{whole // 3_600} h {whole // 60 % 60:02d} min"


def _of_payment(event: TimelineEvent, method: Method | None) -> str:
    """What an order's or attempt's event itself tells; empty where it tells nothing."""
    facts, name = event.facts, event.event
    if "reload" in facts:
        return f"The balance lacks money; auto-reload adds {Money.parse(str(facts['reload'])).display()} first"
    if "code" in facts:
        code = str(facts["code"])
        return f"{code}: {meaning(code, str(facts['method']))}" if code else BUYERS_DOING.get(str(facts["reason"]), "")
    if str(facts.get("way")) in PROOFS:
        return PROOFS[str(facts["way"])]
    if name in {"buyer_cancel", "cancel", "cancelled_after_capture"}:
        return BY.get(event.actor, "")
    if "released" in facts:
        return _captured(facts)
    if event.machine == "order" and name in _OF_WALLET:
        return _of_wallet(event)
    text = {"submit": f"Gateway: {facts.get('gateway')}", "failover": _failover(facts)}
    if event.actor is Actor.BUYER:
        text["given_up"] = "The buyer went back to the seller instead of trying again"
    return {**text, **_in_words_of(event, method)}.get(name, "")


def _failover(facts: Mapping[str, object]) -> str:
    """``first could not be reached; now simulator``."""
    why = _WHY_FAILOVER.get(str(facts.get("why")), "did not take it")
    return f"{facts.get('former')} {why}; now {facts.get('gateway')}"


#: By the class of the last answer.
_WHY_FAILOVER: Mapping[str, str] = {
    "not_sent": "could not be reached",
    "rejected": "refused the call",
    "declined": "had a technical failure",
    "approved": "did not answer and was told to ignore it",
}


def _in_words_of(event: TimelineEvent, method: Method | None) -> Mapping[str, str]:
    """What the events of an attempt tell in its method's words."""
    if method is None:
        return {}
    own = dict(method.facts)
    if event.event == "chosen":
        own["chosen"] = _instrument(method, _texts(event.facts))
    if event.facts.get("frictionless"):
        own["auth_ok"] = "By the card’s issuer, who did not ask the buyer"
    if method.approval:
        own["no_auth_needed"] = "No gateway answered that could have asked"
        if event.facts.get("unasked"):
            own[event.event] = method.approval.alone
    return own


#: What an order tells otherwise where it fills a wallet, or only then.
_OF_WALLET = frozenset({"opened", "returned", "credited", "not_credited"})
_OPENED_FOR: Mapping[str, str] = {
    OrderKind.TOPUP: "By the buyer, to add money to a balance",
    OrderKind.RELOAD: "By auto-reload, to add money to a balance",
}


def _of_wallet(event: TimelineEvent) -> str:
    facts = event.facts
    if event.event == "credited":
        return Money.parse(str(facts["amount"])).display()
    if event.event == "not_credited":
        return f"{facts['message']} The money goes back."
    if event.event == "opened":
        return _OPENED_FOR.get(str(facts.get("kind")), "")
    return "The account’s own page"


def _captured(facts: Mapping[str, object]) -> str:
    """What was taken of a hold, and what was not."""
    amount, released = Money.parse(str(facts["amount"])), Money.parse(str(facts["released"]))
    rest = f", {released.display()} released" if released.minor else ""
    return f"{amount.display()} taken{rest}"


def _returned(event: TimelineEvent, provider: ProviderPort) -> str:
    """What came back to the seller, and in which way it misbehaved."""
    fault = RETURNS.get(str(event.facts.get("fault")))
    return fault[:1].upper() + fault[1:] if fault else f"{_RESULTS.get(event.after, 'FAILURE')}: {provider.returning}"


#: What depends on the company by which a payment came.
_BY_PROVIDER: Mapping[str, Callable[[TimelineEvent, ProviderPort], str]] = {
    "opened": lambda _event, provider: provider.opening,
    "returned": _returned,
}


def _texts(facts: Mapping[str, object]) -> Mapping[str, str]:
    return {name: str(value) for name, value in facts.items()}


def _instrument(method: Method, parts: Mapping[str, str]) -> str:
    """What was paid with: never more than may be kept of it."""
    if method.summary is not None:
        return method.summary(parts)
    return method.instrument_title(parts) or method.facts.get("chosen", "")


def _of_refund(event: TimelineEvent) -> str:
    """How much went where, and by which number a bank finds it."""
    facts = event.facts
    parts: list[str] = []
    if "amount" in facts:
        parts.append(Money.parse(str(facts["amount"])).display())
    if event.event == "requested":
        parts.append(f"as {facts.get('reference')}")
        parts.append(_ASKED_BY.get(str(facts.get("kind")), ""))
    elif event.event == "sent":
        parts.append(f"Back to {destination(_texts(facts))}")
    elif event.event in {"completed", "declined"}:
        parts += [f"{name} {facts[name.lower()]}" for name in _NUMBERS if name.lower() in facts]
        parts.append(str(facts.get("reason", "")))
        parts.append(BY.get(event.actor, "").lower())
    text = ", ".join(part for part in parts if part)
    return text[:1].upper() + text[1:]


#: Why a refund was requested that no call of the seller's software asked for, by its kind.
_ASKED_BY: Mapping[str, str] = {CANCELLATION: "for a cancelled order", TESTER: "by a tester"}
#: What networks call the number of a credit (domain/refunds.py).
_NUMBERS = ("ARN", "RRN", "UTR")


_ABOUT: Mapping[str, str] = {NotificationType.PAYMENT: "About the payment", NotificationType.REFUND: "About the refund"}


def _of_notification(event: TimelineEvent) -> str:
    facts = event.facts
    about = _ABOUT.get(str(facts.get("type")), "")
    if "copy" in facts:
        about += f", copy {facts['copy']}"
    if "number" in facts:
        status, final = facts.get("status"), facts.get("final")
        answer = f"answered {status}" if status else f"failed: {facts.get('reason') or 'no answer'}"
        then = "; tried again later" if event.event == "failed" else f"; {final}" if final else ""
        return f"{about}: try {facts['number']} {answer}{then}"
    if event.event == "suppressed":
        return f"{about}: {facts['reason']}" if "reason" in facts else f"{about}: a scenario said that none is sent"
    by = BY.get(event.actor, "").lower() if event.event == "asked_again" else ""
    return f"{about}, {by}" if by else about


_PURPOSES: Mapping[str, str] = {
    Purpose.PAYMENT: "for this payment",
    Purpose.CHALLENGE: "by the issuer",
    Purpose.SAVE_METHOD: "to save the method",
    Purpose.WALLET_RELOAD: "to reload the balance",
}


def _of_otp(event: TimelineEvent) -> str:
    facts = event.facts
    if event.event in {"start", "resend"}:
        if facts.get("undelivered"):
            return f"To {facts.get('to')}, but it never arrives"
        purpose = _PURPOSES.get(str(facts.get("purpose")), "")
        return f"To {facts.get('to')} {purpose}".rstrip()
    if event.event == "wrong":
        tries_left = facts.get("tries_left")
        return f"{tries_left} {'try' if tries_left == 1 else 'tries'} left"
    return ""


def _of_threeds(event: TimelineEvent) -> str:
    """Status, reason and ECI in the protocol's own letters."""
    facts = event.facts
    if event.event == "challenge":
        return ""
    details = (
        ("trans_status", ""),
        ("reason", "reason "),
        ("eci", "ECI "),
        ("challenge_cancel", "cancel "),
        ("error_code", "error "),
    )
    return ", ".join(f"{word}{facts[name]}" for name, word in details if name in facts)


_TELLERS: Mapping[str, Callable[[TimelineEvent], str]] = {
    "refund": _of_refund,
    "notification": _of_notification,
    "otp": _of_otp,
    "threeds": _of_threeds,
}


def _deciding(events: Sequence[TimelineEvent]) -> TimelineEvent | None:
    """The event that settled how it came out: an attempt's end or halt, else the order's end."""
    halts = {*TERMINAL, AttemptState.PENDING, AttemptState.UNKNOWN}
    of_attempts = [e for e in events if e.machine == "attempt" and e.after in halts]
    if of_attempts:
        return of_attempts[-1]
    ended = (e for e in reversed(events) if e.machine == "order" and e.after in CLOSED_UNPAID)
    return next(ended, None)


def _when(event: Event) -> str:
    """The instant; an order may have several refunds, so theirs are named."""
    named = event.kind.startswith("refund.")
    return f"{event.subject}, {moment(event.due_at)}" if named else moment(event.due_at)


def expected_lines(waiting: Iterable[Event], now: int) -> list[Line]:
    """What is scheduled and has not happened, the soonest first."""
    return [
        Line(
            title=DUE.get(event.kind, event.kind),
            at=f"in {countdown(event.due_at - now)}",
            fact=_when(event),
            kind="idle",
            icon="dot",
            iso=rfc3339(event.due_at),
            expected=True,
        )
        for event in sorted(waiting, key=lambda waiting_event: (waiting_event.due_at, waiting_event.event_id))
    ]

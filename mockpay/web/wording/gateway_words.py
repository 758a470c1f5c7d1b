"""What was asked of a gateway and what came of it, in words and as chips."""

from __future__ import annotations

from collections.abc import Mapping

from mockpay.domain.payments.breaker import BreakerState
from mockpay.domain.payments.call_log import CallDirection, ErrorClass
from mockpay.domain.payments.faults import Fault
from mockpay.domain.payments.gateways import Operation, ResultKind
from mockpay.domain.payments.health import AlertKind
from mockpay.web.wording.deliveries import Chip

_A, _B = AlertKind, BreakerState
_K, _E, _O = ResultKind, ErrorClass, Operation
OUTCOMES: Mapping[ResultKind | None, str] = {
    None: "on its way",
    _K.APPROVED: "done",
    _K.AUTHORIZED: "funds held",
    _K.DECLINED: "declined",
    _K.PENDING: "pending",
    _K.AUTH_REQUIRED: "the buyer must act",
    _K.NO_ANSWER: "no answer: nobody knows",
    _K.NOT_SENT: "could not be sent",
    _K.REJECTED: "refused",
    _K.ABSENT: "never arrived",
}
#: Chip class, icon and word of each outcome.
CHIPS: Mapping[ResultKind | None, Chip] = {
    None: ("wait", "send", "On its way"),
    _K.APPROVED: ("ok", "tick", "Done"),
    _K.AUTHORIZED: ("hold", "bars", "Held"),
    _K.DECLINED: ("bad", "cross", "Declined"),
    _K.PENDING: ("wait", "clock", "Pending"),
    _K.AUTH_REQUIRED: ("wait", "clock", "Buyer’s turn"),
    _K.NO_ANSWER: ("odd", "question", "No answer"),
    _K.NOT_SENT: ("bad", "cross", "Not sent"),
    _K.REJECTED: ("bad", "cross", "Refused"),
    _K.ABSENT: ("idle", "dash", "Not there"),
}
ERRORS: Mapping[ErrorClass, str] = {
    _E.CONNECT: "No connection",
    _E.BREAKER_OPEN: "Circuit breaker",
    _E.NOT_PREPARED: "Payment could not be named",
    _E.UNSUPPORTED: "Not offered",
    _E.TIMEOUT: "Time-out",
    _E.INTERRUPTED: "Sender stopped",
    _E.HTTP_5XX: "HTTP 5xx",
    _E.HTTP_4XX: "HTTP 4xx",
    _E.THROTTLED: "Too many requests",
    _E.PARSE: "Unreadable answer",
    _E.BAD_SIGNATURE: "Wrong signature",
    _E.DECLINE: "Declined",
    _E.DECLINE_TECHNICAL: "Technical decline",
    _E.RISK: "Suspected fraud",
}
OPERATIONS: Mapping[Operation, str] = {
    _O.PREPARE: "Name the payment",
    _O.CHARGE: "Charge",
    _O.AUTHORIZE: "Authorise",
    _O.CAPTURE: "Capture",
    _O.VOID: "Void",
    _O.REFUND: "Refund",
    _O.STATUS: "Ask for the status",
    _O.LOOKUP: "Look up",
    _O.FENCE: "Keep a late payment away",
}
DIRECTIONS: Mapping[CallDirection, str] = {CallDirection.OUT: "Calls", CallDirection.IN: "Webhooks"}
BREAKERS: Mapping[BreakerState, Chip] = {
    _B.CLOSED: ("ok", "tick", "Closed"),
    _B.OPEN: ("bad", "cross", "Open"),
    _B.HALF_OPEN: ("wait", "clock", "Half-open"),
    _B.FORCED_OPEN: ("bad", "cross", "Forced open"),
    _B.FORCED_CLOSED: ("odd", "warning", "Forced closed"),
}
ALERTS: Mapping[AlertKind, str] = {
    _A.SUCCESS_RATE: "Fewer than 80 % of charges succeed",
    _A.LATENCY: "One answer in twenty takes over 5 s",
    _A.UNKNOWN_RATE: "More than 2 % of charges are not answered",
    _A.BREAKER_OPEN: "The circuit breaker is open",
}


def alert_value(kind: AlertKind, value: float) -> str:
    """What an alert is about, as a figure; empty where there is none."""
    if kind is _A.BREAKER_OPEN:
        return ""
    return f"{value:,.0f} ms" if kind is _A.LATENCY else percent(value)


def percent(rate: float | None) -> str:
    """A rate as people read it."""
    return "–" if rate is None else f"{100 * rate:.1f} %".replace(".0 %", " %")


FAULTS: Mapping[Fault, str] = {
    Fault.REFUSE: "Connection refused",
    Fault.LATENCY: "Answers late",
    Fault.TIMEOUT_BEFORE: "Time-out, not executed",
    Fault.TIMEOUT_AFTER: "Time-out, executed",
    Fault.LATE_COMMIT: "Time-out, executed later",
    Fault.HTTP_500: "HTTP 500, executed",
    Fault.HTTP_502_HTML: "HTTP 502 in HTML, not executed",
    Fault.HTTP_503: "HTTP 503, not executed",
    Fault.HTTP_429: "HTTP 429, not executed",
    Fault.GARBAGE: "Unreadable answer, executed",
    Fault.CUT_BODY: "Answer cut off, executed",
    Fault.WRONG_TYPE: "Answer of another shape, executed",
    Fault.WRONG_SIGNATURE: "Answer signed wrongly, executed",
    Fault.WEBHOOK_DROP: "Webhook never comes",
    Fault.WEBHOOK_DUPLICATE: "Webhook comes twice",
    Fault.WEBHOOK_REORDER: "Webhook is overtaken",
    Fault.WEBHOOK_DELAY: "Webhook comes late",
    Fault.WEBHOOK_BAD_SIGNATURE: "Webhook wrongly signed",
    Fault.WEBHOOK_SIMULTANEOUS: "Webhooks at the same time",
}

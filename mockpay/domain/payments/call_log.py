"""Words of the log of gateway calls: which way a call went, and what kind of error ended it."""

from __future__ import annotations

from enum import StrEnum

from mockpay.domain.methods.registry import METHODS
from mockpay.domain.payments.gateways import PAYING, Operation, Result, ResultKind
from mockpay.domain.payments.retries import TECHNICAL_REASONS
from mockpay.domain.payments.routing import DEFAULT


class CallDirection(StrEnum):
    """OUT: we called the gateway. IN: it sent us a webhook."""

    OUT = "out"
    IN = "in"


class ErrorClass(StrEnum):
    """
    Why a call did not do what was asked.

    Nobody was asked: CONNECT (refused, no such host, no time left to connect), BREAKER_OPEN, NOT_PREPARED (the payment
    could not be named at the gateway), UNSUPPORTED. No answer that says what happened: TIMEOUT, HTTP_5XX, PARSE,
    BAD_SIGNATURE, INTERRUPTED (the sender stopped). Refused: HTTP_4XX, THROTTLED (429). Refused by the buyer's bank or
    network: DECLINE, DECLINE_TECHNICAL (91, 96), RISK.
    """

    CONNECT = "connect"
    BREAKER_OPEN = "breaker_open"
    NOT_PREPARED = "not_prepared"
    UNSUPPORTED = "unsupported"
    TIMEOUT = "timeout"
    INTERRUPTED = "interrupted"
    HTTP_5XX = "http_5xx"
    HTTP_4XX = "http_4xx"
    THROTTLED = "throttled"
    PARSE = "parse"
    BAD_SIGNATURE = "bad_signature"
    DECLINE = "decline"
    DECLINE_TECHNICAL = "decline_technical"
    RISK = "risk"


_E, _K = ErrorClass, ResultKind
_FAILED = frozenset({_K.NOT_SENT, _K.REJECTED, _K.NO_ANSWER})
_SIGNATURE_CODES = frozenset({"answer.signature", "webhook.signature"})
_TOO_MANY = 429


def classify(result: Result, operation: Operation, gateway: str, method: str, *, refused: bool) -> ErrorClass | None:
    """
    The kind of error of a call's result; None where it is none.

    Args:
        refused: Whether a circuit breaker did not let the call through.
    """
    if result.kind is _K.DECLINED:
        return _decline(method, result.code)
    if result.kind not in _FAILED:
        return None
    if refused:
        return _E.BREAKER_OPEN
    if result.raw_code in _SIGNATURE_CODES:
        return _E.BAD_SIGNATURE
    if result.exchange is None:
        return _without_exchange(result.kind, operation, gateway)
    if result.kind is _K.NOT_SENT:
        return _E.CONNECT
    return _by_status(result.exchange.status)


def _decline(method: str, code: str) -> ErrorClass:
    row = METHODS[method].response_codes.codes.get(code) if method in METHODS else None
    reason = row.reason if row is not None else ""
    if reason in TECHNICAL_REASONS:
        return _E.DECLINE_TECHNICAL
    return _E.RISK if reason == "payment_risk_check_failed" else _E.DECLINE


def _without_exchange(kind: ResultKind, operation: Operation, gateway: str) -> ErrorClass:
    if gateway == DEFAULT:
        return _E.TIMEOUT
    if kind is _K.NO_ANSWER:
        return _E.INTERRUPTED
    return _E.NOT_PREPARED if operation in PAYING else _E.UNSUPPORTED


def _by_status(status: int) -> ErrorClass:
    if not status:
        return _E.TIMEOUT
    if status >= 500:
        return _E.HTTP_5XX
    if status == _TOO_MANY:
        return _E.THROTTLED
    return _E.HTTP_4XX if status >= 400 else _E.PARSE

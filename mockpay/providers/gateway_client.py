"""One call of a gateway's client: sent, its answer read, and both stored as far as the company's lists allow."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from mockpay.domain.methods.method import ResponseCodes
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.payments.gateways import Charge, Exchange, Link, Result, ResultKind
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Forbidden, Invalid, MockpayError
from mockpay.kernel.http.calls import HttpCall, HttpReply
from mockpay.wire.redaction import redact, redact_fields, redact_headers

_K = ResultKind
#: Nobody was asked where one of these is why no answer came.
_NOT_SENT = frozenset({"http.connect_timeout", "http.certificate", "http.refused"})
#: Rejections that another gateway need not make: credentials, rights, an address or a method that is not there.
MISCONFIGURED = frozenset({401, 403, 404, 405})
TOO_MANY, IN_FLIGHT = 429, 409


class Format(Struct, frozen=True):
    """
    A company's answers, and what of its requests and answers may be stored.

    Args:
        decode: The plain values of a body; raises Invalid where it cannot be read.
        request: Fields of a request's body and query that are stored.
        request_headers: Headers of a request that are stored, in small letters.
        answer: Fields of an answer that are stored.
        answer_headers: Headers of an answer that are stored, in small letters.
        request_text: What the signature of a request covers, by its redacted fields; None where it is not signed.
        answer_text: The same of an answer.
    """

    decode: Callable[[bytes], Mapping[str, Any]]
    request: Container[str]
    request_headers: Container[str]
    answer: Container[str]
    answer_headers: Container[str]
    request_text: Callable[[Mapping[str, str]], str | None] = lambda _: None
    answer_text: Callable[[Mapping[str, str]], str | None] = lambda _: None


#: What an answer says, by its status and its plain values; raises Invalid where it says nothing.
Read = Callable[[int, Mapping[str, Any]], Result]


def codes_of(charge: Charge) -> ResponseCodes:
    """The codes of the network that decides about a charge."""
    return METHODS[charge.method].response_codes


def result(charge: Charge, kind: ResultKind, **ids: str) -> Result:
    """A result without a word of the network's but yes or later, with the gateway's names of its objects."""
    codes = codes_of(charge)
    return Result(kind, codes.approved if kind is not _K.DECLINED else codes.other, ids=ids)


def id_of(plain: Mapping[str, Any], name: str = "id") -> str:
    """
    The gateway's own name of an object that it answers or tells of.

    Raises:
        Invalid: code ``answer.malformed``: there is none.
    """
    value = plain.get(name)
    if not isinstance(value, str) or not value:
        raise Invalid(f"The answer has no {name}.", code="answer.malformed")
    return value


def refund_kind(refund: Mapping[str, Any], kinds: Mapping[str, ResultKind]) -> ResultKind:
    """
    What became of a refund, by the company's words for it.

    Raises:
        Invalid: code ``answer.malformed``: its status is none of them.
    """
    kind = kinds.get(str(refund.get("status")))
    if kind is None:
        raise Invalid("This is no refund.", code="answer.malformed")
    return kind


def refuse(charge: Charge, message: str) -> Result:
    """The result of what a gateway's API does not have."""
    return Result(_K.REJECTED, codes_of(charge).other, message=message)


def refund_result(charge: Charge, refund: Mapping[str, Any], kinds: Mapping[str, ResultKind]) -> Result:
    """The result of a call about a refund; raises Invalid where its answer is none."""
    return result(charge, refund_kind(refund, kinds), **{**charge.ids, "refund": id_of(refund)})


def send(call: HttpCall, body: object, link: Link, charge: Charge, format_: Format, read: Read) -> Result:
    """
    Send a call once and read its answer; what cannot be read says nothing of what became of the request.

    Args:
        body: The plain values of the call's body, for the log; None for none.
        read: Called with the answer's status and plain values.
    """
    exchange = _request_stored(call, body, format_)
    other = codes_of(charge).other
    try:
        reply = link.sender.send(call)
    except Forbidden as error:
        return Result(_K.NOT_SENT, other, message=error.message, elsewhere=True, exchange=exchange)
    except MockpayError as error:
        kind = _K.NOT_SENT if error.code in _NOT_SENT else _K.NO_ANSWER
        return Result(kind, other, raw_code=error.code, message=error.reason, exchange=exchange)
    stored: Any = f"{len(reply.body)} bytes that cannot be read"
    signed = None
    try:
        plain = format_.decode(reply.body)
        stored = redact(plain, format_.answer)
        signed = format_.answer_text(redact_fields(plain, format_.answer))
        answered = read(reply.status, plain)
    except Invalid as error:
        answered = Result(_K.NO_ANSWER, other, raw_code=error.code, message=error.message)
    exchange = replace(
        exchange,
        status=reply.status,
        answer_headers=redact_headers(reply.headers, format_.answer_headers),
        answer=stored,
        latency_ms=reply.latency_ms,
        answer_string_to_sign=signed,
    )
    return replace(answered, retry_after_ms=_retry_after(reply), exchange=exchange)


def _retry_after(reply: HttpReply) -> int | None:
    """How long the answer asks to wait, in ms; a date is not looked at."""
    text = next((value for name, value in reply.headers.items() if name.lower() == "retry-after"), "")
    return int(text) * SECOND if text.isascii() and text.isdigit() and len(text) < 6 else None


def _request_stored(call: HttpCall, body: object, format_: Format) -> Exchange:
    plain: Any = dict(parse_qsl(urlsplit(call.url).query)) or None if body is None else redact(body, format_.request)
    url = call.url.partition("?")[0]
    signed = format_.request_text(redact_fields(body, format_.request)) if isinstance(body, Mapping) else None
    headers = redact_headers(call.headers, format_.request_headers)
    return Exchange(call.method, url, headers, plain, string_to_sign=signed)

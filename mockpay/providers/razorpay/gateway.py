"""Razorpay as a gateway at the back: the port's calls in its wire format, and its answers as results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from mockpay.domain.methods.method import REVERSED, ResponseCodes
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.payments.gateways import (
    Capabilities,
    Charge,
    Exchange,
    Link,
    Operation,
    Result,
    ResultKind,
    Webhook,
)
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Forbidden, Invalid, MockpayError
from mockpay.kernel.http.calls import HttpCall, HttpReply
from mockpay.providers.razorpay.acquirer import METHOD_OF
from mockpay.providers.razorpay.credentials import NAME, credentials_of
from mockpay.providers.razorpay.outcomes import code_of
from mockpay.wire.razorpay import answers, requests, signatures
from mockpay.wire.razorpay.answers import ApiError
from mockpay.wire.razorpay.requests import ApiRequest
from mockpay.wire.redaction import redact, redact_headers

_K = ResultKind
#: Nobody was asked where one of these is why no answer came.
_NOT_SENT = frozenset({"http.connect_timeout", "http.certificate", "http.refused"})
#: Rejections that another gateway need not make: credentials, rights, an address or a method that is not there.
_MISCONFIGURED = frozenset({401, 403, 404, 405})
_TOO_MANY, _IN_FLIGHT = 429, 409
#: What is sent of a buyer of whom neither is known; the API wants both.
_CONTACT = {"email": "buyer@mockpay.test", "contact": "+919000000000"}

#: What is read of an answer that is no error.
_Decode = Callable[[Mapping[str, Any]], Result]


class RazorpayGateway:
    """
    Orders are the anchor: each takes money once, and there is no key for a payment.

    Nothing voids an authorisation or keeps a late payment of an order away, so neither is offered.
    """

    name = NAME
    capabilities = Capabilities(methods=frozenset(METHOD_OF), anchored=True)

    def credentials(self, seller_id: str, seller_secret: str) -> Mapping[str, str]:
        """Key id, key secret and the secret of webhooks."""
        return credentials_of(seller_id, seller_secret)

    def prepare(self, charge: Charge, link: Link, *, capture: bool) -> Result | None:
        """An order, whose receipt is our reference."""
        amount = charge.amount
        request = requests.create_order(amount.minor, amount.currency, charge.attempt_id, capture=capture)
        return _call(request, link, charge, lambda order: _named(charge, order=_id_of(order)))

    def charge(self, charge: Charge, link: Link) -> Result:
        """A payment of the order, captured by itself."""
        return self._pay(charge, link, _K.APPROVED)

    def authorize(self, charge: Charge, link: Link) -> Result:
        """A payment of an order that captures by hand."""
        return self._pay(charge, link, _K.AUTHORIZED)

    def _pay(self, charge: Charge, link: Link, success: ResultKind) -> Result:
        order_id, amount = charge.ids["order"], charge.amount
        request = requests.create_payment(order_id, amount.minor, amount.currency, _instrument(charge))
        outcome = {"Mockpay_Outcome": f"issuer={charge.planned}", "Mockpay_Delay": str(charge.delay_ms)}

        def decode(plain: Mapping[str, Any]) -> Result:
            payment_id = _id_of(plain, "razorpay_payment_id")
            if "razorpay_signature" not in plain:
                return _named(charge, _K.PENDING, order=order_id, payment=payment_id)
            expected = signatures.payment_signature(link.credentials["key_secret"], order_id, payment_id)
            if not signatures.fits(expected, str(plain["razorpay_signature"])):
                raise Invalid("The signature of the answer is wrong.", code="answer.signature")
            return _named(charge, success, order=order_id, payment=payment_id)

        return _call(request, link, charge, decode, **outcome)

    def capture(self, charge: Charge, minor: int, link: Link) -> Result:
        """All of what was authorised: the API captures no part."""
        request = requests.capture_payment(charge.ids["payment"], minor, charge.amount.currency)
        return _call(request, link, charge, lambda payment: _payment_result(charge, payment))

    def void(self, charge: Charge, _link: Link, /) -> Result:
        """Nothing does that: an authorisation lapses."""
        return Result(_K.REJECTED, _codes(charge).other, message="An authorisation lapses by itself.")

    def refund(self, charge: Charge, minor: int, key: str, link: Link) -> Result:
        """A refund of the payment."""
        request = requests.create_refund(charge.ids["payment"], minor, key)
        kinds = {"processed": _K.APPROVED, "pending": _K.PENDING, "failed": _K.DECLINED}

        def decode(refund: Mapping[str, Any]) -> Result:
            kind = kinds.get(str(refund.get("status")))
            if kind is None:
                raise Invalid("The answer is no refund.", code="answer.malformed")
            return _named(charge, kind, **charge.ids, refund=_id_of(refund))

        return _call(request, link, charge, decode)

    def status(self, charge: Charge, link: Link) -> Result:
        """The payment by its id."""
        request = requests.fetch_payment(charge.ids["payment"])
        return _call(request, link, charge, lambda payment: _payment_result(charge, payment))

    def lookup(self, charge: Charge, link: Link) -> Result:
        """The payments of every order of our receipt; the one that has, or may get, the money counts."""

        def decode(plain: Mapping[str, Any]) -> Result:
            payments = [
                payment
                for order in answers.read_items(plain)
                for payment in answers.read_items(order.get("payments") or {})
            ]
            results = [_payment_result(charge, payment) for payment in payments]
            order = (_K.APPROVED, _K.AUTHORIZED, _K.PENDING, _K.DECLINED)
            absent = Result(_K.ABSENT, _codes(charge).other)
            return min(results, key=lambda result: order.index(result.kind), default=absent)

        return _call(requests.fetch_orders(charge.attempt_id), link, charge, decode)

    def fence(self, charge: Charge, _link: Link, /) -> Result:
        """Nothing does that."""
        return Result(_K.REJECTED, _codes(charge).other, message="A late payment cannot be kept away.")

    def parse_webhook(self, headers: Mapping[str, str], body: bytes, link: Link) -> Webhook | None:
        """
        What happened to a payment, signed over the raw body.

        Raises:
            Forbidden: code ``webhook.signature``.
            Invalid: code ``answer.malformed`` or ``webhook.malformed``.
        """
        small = {name.lower(): value for name, value in headers.items()}
        expected = signatures.webhook_signature(link.credentials["webhook_secret"], body)
        if not signatures.fits(expected, small.get("x-razorpay-signature", "")):
            raise Forbidden("The signature of the webhook is wrong.", code="webhook.signature")
        plain = answers.decode(body)
        try:
            payment = plain["payload"]["payment"]["entity"]
            event, method = str(plain["event"]), _method_of(str(payment["method"]))
        except (KeyError, TypeError, StopIteration) as error:
            raise Invalid("The webhook tells of no payment.", code="webhook.malformed") from error
        if event not in {"payment.authorized", "payment.captured", "payment.failed"}:
            return None
        result = _result_of(METHODS[method].response_codes, payment)
        return Webhook(small.get("x-razorpay-event-id", ""), str(payment.get("order_id")), Operation.STATUS, result)


def _method_of(theirs: str) -> str:
    return next(ours for ours, name in METHOD_OF.items() if name == theirs)


def _codes(charge: Charge) -> ResponseCodes:
    return METHODS[charge.method].response_codes


def _named(charge: Charge, kind: ResultKind = _K.APPROVED, **ids: str) -> Result:
    """A result that took no decision of a network but yes or later, with the ids that it told."""
    codes = _codes(charge)
    return Result(kind, codes.approved if kind is not _K.DECLINED else codes.other, ids=ids)


def _id_of(plain: Mapping[str, Any], name: str = "id") -> str:
    value = plain.get(name)
    if not isinstance(value, str) or not value:
        raise Invalid(f"The answer has no {name}.", code="answer.malformed")
    return value


def _instrument(charge: Charge) -> dict[str, Any]:
    """What is paid with, as the API wants it; a CVV was looked at before and is nowhere any more."""
    month, _, year = charge.instrument["expiry"].partition("/")
    card = {"number": charge.secret["number"], "name": "Card holder", "expiry_month": month, "expiry_year": year}
    instalments = {"emi_duration": int(charge.instrument["tenure"])} if "tenure" in charge.instrument else {}
    return {"method": METHOD_OF[charge.method], "card": card, **instalments, **_CONTACT}


def _payment_result(charge: Charge, payment: Mapping[str, Any]) -> Result:
    return _result_of(_codes(charge), payment)


def _result_of(codes: ResponseCodes, payment: Mapping[str, Any]) -> Result:
    """What a payment's status says about its money."""
    status = payment.get("status")
    ids = {"payment": _id_of(payment), "order": _id_of(payment, "order_id")}
    if status == "failed":
        error = answers.read_payment_error(payment)
        code = code_of(codes, error)
        return Result(_K.DECLINED, code, ids=ids, raw_code=error.reason, message=error.description)
    if status == "refunded":
        return Result(_K.DECLINED, REVERSED, ids=ids, raw_code="refunded")
    kinds = {"captured": _K.APPROVED, "authorized": _K.AUTHORIZED, "created": _K.PENDING}
    if status not in kinds:
        raise Invalid("The answer is no payment.", code="answer.malformed")
    about = payment.get("acquirer_data")
    reference = about.get("auth_code") or about.get("rrn") if isinstance(about, Mapping) else None
    return Result(kinds[status], codes.approved, str(reference) if reference else None, ids=ids)


# --- one call


def _call(request: ApiRequest, link: Link, charge: Charge, decode: _Decode, **headers: str) -> Result:
    """Send a request, and read its answer by `decode` where it is no error."""
    key_id, key_secret = link.credentials["key_id"], link.credentials["key_secret"]
    call = requests.encode(request, link.base_url, key_id, key_secret, link.timeout, **headers)
    exchange = _request_shown(call, request)
    other = _codes(charge).other
    try:
        reply = link.sender.send(call)
    except Forbidden as error:
        return Result(_K.NOT_SENT, other, message=error.message, elsewhere=True, exchange=exchange)
    except MockpayError as error:
        kind = _K.NOT_SENT if error.code in _NOT_SENT else _K.NO_ANSWER
        return Result(kind, other, raw_code=error.code, message=error.reason, exchange=exchange)
    try:
        plain = answers.decode(reply.body)
        shown = redact(plain, answers.SHOWN)
        result = _read(reply, plain, charge, decode)
    except Invalid as error:
        # Whatever came, it does not say what became of the request.
        shown = f"{len(reply.body)} bytes that cannot be read"
        result = Result(_K.NO_ANSWER, other, raw_code=error.code, message=error.message)
    return replace(result, retry_after_ms=_retry_after(reply), exchange=_answered(exchange, reply, shown))


def _read(reply: HttpReply, plain: Mapping[str, Any], charge: Charge, decode: _Decode) -> Result:
    error = answers.read_error(plain)
    if reply.status < 300 and error is None:
        return decode(plain)
    codes, error = _codes(charge), error or ApiError("", f"It answered {reply.status}.")
    said: dict[str, Any] = {
        "raw_code": error.reason if error.reason != "NA" else error.code,
        "message": error.description,
    }
    if reply.status >= 500 or reply.status == _IN_FLIGHT or error.code == answers.SERVER or reply.status < 400:
        return Result(_K.NO_ANSWER, codes.other, may_retry=reply.status == _IN_FLIGHT or None, **said)
    if error.payment_id is not None:
        ids = {"payment": error.payment_id, **({"order": error.order_id} if error.order_id else {})}
        return Result(_K.DECLINED, code_of(codes, error), ids=ids, **said)
    throttled = reply.status == _TOO_MANY
    elsewhere = reply.status in _MISCONFIGURED
    return Result(_K.REJECTED, codes.other, may_retry=throttled, elsewhere=elsewhere, **said)


def _retry_after(reply: HttpReply) -> int | None:
    """How long the answer asks to wait, in ms; a date is not looked at."""
    text = next((value for name, value in reply.headers.items() if name.lower() == "retry-after"), "")
    return int(text) * SECOND if text.isascii() and text.isdigit() and len(text) < 6 else None


def _request_shown(call: HttpCall, request: ApiRequest) -> Exchange:
    query = dict(parse_qsl(urlsplit(call.url).query))
    body = redact(request.body, requests.SHOWN) if request.body is not None else query or None
    url = call.url.partition("?")[0]
    return Exchange(call.method, url, redact_headers(call.headers, requests.SHOWN_HEADERS), body)


def _answered(exchange: Exchange, reply: HttpReply, shown: object) -> Exchange:
    headers = redact_headers(reply.headers, answers.SHOWN_HEADERS)
    return replace(exchange, status=reply.status, answer_headers=headers, answer=shown, latency_ms=reply.latency_ms)

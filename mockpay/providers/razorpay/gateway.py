"""Razorpay as a gateway at the back: the port's calls in its wire format, and its answers as results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mockpay.domain.methods.method import REVERSED, ResponseCodes
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.payments.gateways import Capabilities, Charge, Link, Operation, Result, ResultKind, Webhook
from mockpay.kernel.errors import Forbidden, Invalid
from mockpay.providers.gateway_client import (
    IN_FLIGHT,
    MISCONFIGURED,
    TOO_MANY,
    Format,
    codes_of,
    id_of,
    refund_kind,
    refund_result,
    refuse,
    result,
    send,
)
from mockpay.providers.razorpay.acquirer import METHOD_OF
from mockpay.providers.razorpay.credentials import NAME, credentials_of
from mockpay.providers.razorpay.outcomes import code_of
from mockpay.wire.json_objects import read_object
from mockpay.wire.razorpay import answers, requests, signatures
from mockpay.wire.razorpay.answers import ApiError
from mockpay.wire.razorpay.requests import ApiRequest
from mockpay.wire.redaction import redact

_K = ResultKind
#: What is sent of a buyer of whom neither is known; the API wants both.
_CONTACT = {"email": "buyer@mockpay.test", "contact": "+919000000000"}

#: What became of a refund, by its status, and the events that tell of one.
_REFUNDS = {"processed": _K.APPROVED, "pending": _K.PENDING, "failed": _K.DECLINED}
_REFUND_EVENTS = frozenset({"refund.created", "refund.processed", "refund.failed"})

#: What is read of an answer that is no error.
_Decode = Callable[[Mapping[str, Any]], Result]


class RazorpayGateway:
    """
    Orders are the anchor: each takes money once, and there is no key for a payment.

    Nothing voids an authorisation or keeps a late payment of an order away, so neither is offered.
    """

    name = NAME
    capabilities = Capabilities(methods=frozenset(METHOD_OF), anchored=True, signature_field="razorpay_signature")

    def credentials(self, seller_id: str, seller_secret: str) -> Mapping[str, str]:
        """Key id, key secret and the secret of webhooks."""
        return credentials_of(seller_id, seller_secret)

    def prepare(self, charge: Charge, link: Link, *, capture: bool) -> Result | None:
        """An order, whose receipt is our reference."""
        amount = charge.amount
        request = requests.create_order(amount.minor, amount.currency, charge.attempt_id, capture=capture)
        return _call(request, link, charge, lambda order: result(charge, _K.APPROVED, order=id_of(order)))

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
            payment_id = id_of(plain, "razorpay_payment_id")
            if "razorpay_signature" not in plain:
                return result(charge, _K.PENDING, order=order_id, payment=payment_id)
            expected = signatures.payment_signature(link.credentials["key_secret"], order_id, payment_id)
            if not signatures.fits(expected, str(plain["razorpay_signature"])):
                raise Invalid("The signature of the answer is wrong.", code="answer.signature")
            return result(charge, success, order=order_id, payment=payment_id)

        return _call(request, link, charge, decode, **outcome)

    def capture(self, charge: Charge, minor: int, link: Link) -> Result:
        """All of what was authorised: the API captures no part."""
        request = requests.capture_payment(charge.ids["payment"], minor, charge.amount.currency)
        return _call(request, link, charge, lambda payment: _payment_result(charge, payment))

    def void(self, charge: Charge, _link: Link, /) -> Result:
        """Nothing does that: an authorisation lapses."""
        return refuse(charge, "An authorisation lapses by itself.")

    def refund(self, charge: Charge, minor: int, key: str, link: Link) -> Result:
        """A refund of the payment."""
        request = requests.create_refund(charge.ids["payment"], minor, key)
        return _call(request, link, charge, lambda refund: refund_result(charge, refund, _REFUNDS))

    def refund_status(self, charge: Charge, link: Link) -> Result:
        """The refund by its id."""
        request = requests.fetch_refund(charge.ids["refund"])
        return _call(request, link, charge, lambda refund: refund_result(charge, refund, _REFUNDS))

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
            absent = Result(_K.ABSENT, codes_of(charge).other)
            return min(results, key=lambda each: order.index(each.kind), default=absent)

        return _call(requests.fetch_orders(charge.attempt_id), link, charge, decode)

    def check(self, charge: Charge, link: Link) -> Result:
        """A look-up of a reference that nobody has."""
        return self.lookup(charge, link)

    def fence(self, charge: Charge, _link: Link, /) -> Result:
        """Nothing does that."""
        return refuse(charge, "A late payment cannot be kept away.")

    def parse_webhook(self, headers: Mapping[str, str], body: bytes, credentials: Mapping[str, str]) -> Webhook | None:
        """
        What happened to a payment or a refund, signed over the raw body.

        Raises:
            Forbidden: code ``webhook.signature``.
            Invalid: code ``answer.malformed`` or ``webhook.malformed``.
        """
        small = {name.lower(): value for name, value in headers.items()}
        expected = signatures.webhook_signature(credentials["webhook_secret"], body)
        if not signatures.fits(expected, small.get("x-razorpay-signature", "")):
            raise Forbidden("The signature of the webhook is wrong.", code="webhook.signature")
        plain = read_object(body)
        event_id, content = small.get("x-razorpay-event-id", ""), redact(plain, answers.SHOWN)
        if plain.get("event") in _REFUND_EVENTS:
            refund = _entity(plain, "refund")
            answered = Result(refund_kind(refund, _REFUNDS), "", ids={"refund": id_of(refund)})
            return Webhook(event_id, id_of(refund, "payment_id"), Operation.REFUND, answered, content, "<RAW BODY>")
        payment = _entity(plain, "payment")
        try:
            event, method = str(plain["event"]), _method_of(str(payment["method"]))
        except (KeyError, StopIteration) as error:
            raise Invalid("The webhook tells of no payment.", code="webhook.malformed") from error
        if event not in {"payment.authorized", "payment.captured", "payment.failed"}:
            return None
        read = _result_of(METHODS[method].response_codes, payment)
        return Webhook(event_id, str(payment.get("order_id")), Operation.STATUS, read, content, "<RAW BODY>")


def _entity(plain: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object of a webhook."""
    try:
        entity = plain["payload"][name]["entity"]
    except (KeyError, TypeError) as error:
        raise Invalid(f"The webhook tells of no {name}.", code="webhook.malformed") from error
    if not isinstance(entity, Mapping):
        raise Invalid(f"The webhook tells of no {name}.", code="webhook.malformed")
    return entity


def _method_of(theirs: str) -> str:
    return next(ours for ours, name in METHOD_OF.items() if name == theirs)


def _instrument(charge: Charge) -> dict[str, Any]:
    """What is paid with, as the API wants it; a CVV was looked at before and is nowhere any more."""
    parts = charge.instrument
    if "expiry" not in parts:
        # A UPI payment without an address was approved by QR code or link.
        own: dict[str, Any] = {name: parts[name] for name in ("vpa", "bank") if name in parts}
        return {"method": METHOD_OF[charge.method], **own, **_CONTACT}
    month, _, year = parts["expiry"].partition("/")
    card = {"number": charge.secret["number"], "name": "Card holder", "expiry_month": month, "expiry_year": year}
    instalments = {"emi_duration": int(charge.instrument["tenure"])} if "tenure" in charge.instrument else {}
    return {"method": METHOD_OF[charge.method], "card": card, **instalments, **_CONTACT}


def _payment_result(charge: Charge, payment: Mapping[str, Any]) -> Result:
    return _result_of(codes_of(charge), payment)


def _result_of(codes: ResponseCodes, payment: Mapping[str, Any]) -> Result:
    """What a payment's status says about its money."""
    status = payment.get("status")
    ids = {"payment": id_of(payment), "order": id_of(payment, "order_id")}
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


def _answer_text(plain: Mapping[str, str]) -> str | None:
    """Of a payment that succeeded at once; no other answer is signed, nor any request."""
    if "razorpay_signature" not in plain:
        return None
    return f"{plain.get('razorpay_order_id', '')}|{plain.get('razorpay_payment_id', '')}"


_FORMAT = Format(
    read_object, requests.SHOWN, requests.SHOWN_HEADERS, answers.SHOWN, answers.SHOWN_HEADERS, answer_text=_answer_text
)


def _call(request: ApiRequest, link: Link, charge: Charge, decode: _Decode, **headers: str) -> Result:
    """Send a request, and read its answer by `decode` where it is no error."""
    key_id, key_secret = link.credentials["key_id"], link.credentials["key_secret"]
    call = requests.encode(request, link.base_url, key_id, key_secret, link.timeout, **headers)
    return send(call, request.body, link, charge, _FORMAT, lambda status, plain: _read(status, plain, charge, decode))


def _read(status: int, plain: Mapping[str, Any], charge: Charge, decode: _Decode) -> Result:
    error = answers.read_error(plain)
    if status < 300 and error is None:
        return decode(plain)
    codes, error = codes_of(charge), error or ApiError("", f"It answered {status}.")
    words: dict[str, Any] = {
        "raw_code": error.reason if error.reason != "NA" else error.code,
        "message": error.description,
    }
    if status >= 500 or status == IN_FLIGHT or error.code == answers.SERVER or status < 400:
        return Result(_K.NO_ANSWER, codes.other, may_retry=status == IN_FLIGHT or None, **words)
    if error.payment_id is not None:
        ids = {"payment": error.payment_id, **({"order": error.order_id} if error.order_id else {})}
        return Result(_K.DECLINED, code_of(codes, error), ids=ids, **words)
    throttled = status == TOO_MANY
    return Result(_K.REJECTED, codes.other, may_retry=throttled, elsewhere=status in MISCONFIGURED, **words)

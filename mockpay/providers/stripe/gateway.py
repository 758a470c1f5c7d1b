"""Stripe as a gateway at the back: the port's calls in its wire format, and its answers as results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

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
from mockpay.providers.stripe.acquirer import METHOD_OF
from mockpay.providers.stripe.credentials import NAME, credentials_of
from mockpay.providers.stripe.outcomes import code_of
from mockpay.wire.json_objects import read_object
from mockpay.wire.redaction import redact
from mockpay.wire.stripe import errors, objects, requests, signatures
from mockpay.wire.stripe.errors import ApiError
from mockpay.wire.stripe.requests import ApiRequest

_K = ResultKind
#: The events that tell of an intent whose end is known, or whose money is secured.
_EVENTS = frozenset(
    {"payment_intent.succeeded", "payment_intent.amount_capturable_updated", "payment_intent.payment_failed"}
)
#: The name of no intent: theirs have 24 characters.
_NO_INTENT = "pi_mockpay_connection_check"
_REFUND_EVENTS = frozenset({"refund.created", "refund.updated", "refund.failed"})
_REFUNDS = {
    "succeeded": _K.APPROVED,
    "pending": _K.PENDING,
    "requires_action": _K.PENDING,
    "failed": _K.DECLINED,
    "canceled": _K.DECLINED,
}

#: What is read of an answer that is no error.
_Decode = Callable[[Mapping[str, Any]], Result]


class StripeGateway:
    """
    A payment intent is made first and confirmed second, so that it has a name before any money is asked for.

    A look-up reads it, and a cancelled one is never paid, however late a confirmation arrives. Nothing depends on the
    API's search, which lags behind and is not offered in India.
    """

    name = NAME
    capabilities = Capabilities(
        methods=frozenset(METHOD_OF), partial_capture=True, void=True, anchored=True, idempotent_charge=True, fence=True
    )

    def credentials(self, seller_id: str, seller_secret: str) -> Mapping[str, str]:
        """Secret key, publishable key and the secret of webhooks."""
        return credentials_of(seller_id, seller_secret)

    def prepare(self, charge: Charge, link: Link, *, capture: bool) -> Result | None:
        """An intent, whose metadata has our reference."""
        amount, key = charge.amount, f"{charge.idempotency_key}-intent"
        method = METHOD_OF[charge.method]
        request = requests.create_intent(
            amount.minor, amount.currency, charge.attempt_id, key, capture=capture, method=method
        )
        return _call(request, link, charge, lambda intent: result(charge, _K.APPROVED, intent=id_of(intent)))

    def charge(self, charge: Charge, link: Link) -> Result:
        """Confirm an intent that is captured by itself."""
        return self._confirm(charge, link)

    def authorize(self, charge: Charge, link: Link) -> Result:
        """Confirm an intent that is captured by hand."""
        return self._confirm(charge, link)

    def _confirm(self, charge: Charge, link: Link) -> Result:
        # After a decline that asked for a challenge the charge is another one: the former key would replay the decline.
        former = charge.ids.get("declined")
        key = charge.idempotency_key if former is None else f"{charge.idempotency_key}-{former}"
        request = requests.confirm_intent(charge.ids["intent"], _payment_method(charge), key)
        outcome = {"Mockpay_Outcome": f"issuer={charge.planned}", "Mockpay_Delay": str(charge.delay_ms)}
        return _call(request, link, charge, lambda intent: _require_outcome(_intent_result(charge, intent)), **outcome)

    def capture(self, charge: Charge, minor: int, link: Link) -> Result:
        """All of what was authorised, or a part, which releases the rest."""
        request = requests.capture_intent(charge.ids["intent"], minor, charge.idempotency_key)
        return _call(request, link, charge, lambda intent: _require_outcome(_intent_result(charge, intent)))

    def void(self, charge: Charge, link: Link, /) -> Result:
        """Cancel the intent."""
        return self._cancel(charge, link)

    def fence(self, charge: Charge, link: Link, /) -> Result:
        """Cancel the intent: a confirmation that arrives later is refused."""
        return self._cancel(charge, link)

    def _cancel(self, charge: Charge, link: Link) -> Result:
        if "intent" not in charge.ids:
            return refuse(charge, "It has no intent that could be cancelled.")

        def decode(intent: Mapping[str, Any]) -> Result:
            if intent.get("status") != "canceled":
                raise Invalid("The answer is no cancelled intent.", code="answer.malformed")
            return result(charge, _K.APPROVED, intent=id_of(intent))

        return _call(requests.cancel_intent(charge.ids["intent"], charge.idempotency_key), link, charge, decode)

    def refund(self, charge: Charge, minor: int, key: str, link: Link) -> Result:
        """A refund of the intent; a repeated key gets its first answer again, so one that was pending is read anew."""
        request = requests.create_refund(charge.ids["intent"], minor, key)
        first = _call(request, link, charge, lambda refund: refund_result(charge, refund, _REFUNDS))
        if first.kind is not _K.PENDING or _answer_header(first, "idempotent-replayed") != "true":
            return first
        return self._retrieve_refund(charge, first.ids["refund"], link)

    def refund_status(self, charge: Charge, link: Link) -> Result:
        """The refund by its id."""
        return self._retrieve_refund(charge, charge.ids["refund"], link)

    def _retrieve_refund(self, charge: Charge, refund_id: str, link: Link) -> Result:
        request = requests.retrieve_refund(refund_id)
        return _call(request, link, charge, lambda refund: refund_result(charge, refund, _REFUNDS))

    def status(self, charge: Charge, link: Link) -> Result:
        """The intent as it stands."""
        return self.lookup(charge, link)

    def lookup(self, charge: Charge, link: Link) -> Result:
        """The intent as it stands; ABSENT where none has a name, for then nobody was asked for money."""
        if "intent" not in charge.ids:
            return Result(_K.ABSENT, codes_of(charge).other)
        request = requests.retrieve_intent(charge.ids["intent"])
        return _call(request, link, charge, lambda intent: _intent_result(charge, intent))

    def check(self, charge: Charge, link: Link) -> Result:
        """An intent that there cannot be; no look-up, for that asks nobody about a payment without a name."""
        request = requests.retrieve_intent(_NO_INTENT)
        answered = _call(request, link, charge, lambda intent: _intent_result(charge, intent))
        return replace(answered, kind=_K.ABSENT) if answered.raw_code == errors.MISSING else answered

    def parse_webhook(self, headers: Mapping[str, str], body: bytes, credentials: Mapping[str, str]) -> Webhook | None:
        """
        What happened to an intent or a refund, signed over the raw body.

        Raises:
            Forbidden: code ``webhook.signature``.
            Invalid: code ``answer.malformed`` or ``webhook.malformed``.
        """
        small = {name.lower(): value for name, value in headers.items()}
        header = small.get("stripe-signature", "")
        if not signatures.webhook_fits(credentials["webhook_secret"], body, header):
            raise Forbidden("The signature of the webhook is wrong.", code="webhook.signature")
        plain = read_object(body)
        timestamp, _ = signatures.read_webhook_header(header)
        content, signed = redact(plain, objects.SHOWN), f"{timestamp}.<RAW BODY>"
        if plain.get("type") in _REFUND_EVENTS:
            refund = _object(plain)
            answered = Result(refund_kind(refund, _REFUNDS), "", ids={"refund": id_of(refund)})
            intent_id = str(refund.get("payment_intent"))
            return Webhook(id_of(plain), intent_id, Operation.REFUND, answered, content, signed)
        if plain.get("type") not in _EVENTS:
            return None
        intent = _object(plain)
        try:
            method = _method_of(intent["payment_method_types"][0])
        except (KeyError, TypeError, IndexError, StopIteration) as error:
            raise Invalid("The webhook tells of no payment.", code="webhook.malformed") from error
        read = _result_of(METHODS[method].response_codes, intent)
        return Webhook(id_of(plain), read.ids["intent"], Operation.STATUS, read, content, signed)


def _object(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an event tells of."""
    data = event.get("data")
    about = data.get("object") if isinstance(data, Mapping) else None
    if not isinstance(about, Mapping):
        raise Invalid("The webhook tells of nothing.", code="webhook.malformed")
    return about


def _method_of(theirs: str) -> str:
    return next(ours for ours, name in METHOD_OF.items() if name == theirs)


def _payment_method(charge: Charge) -> dict[str, Any]:
    """What is paid with, as the API wants it; a CVV was looked at before and is nowhere any more."""
    if charge.method == "upi":
        # Without an address it was approved by QR code or link.
        vpa = charge.instrument.get("vpa")
        return {"type": METHOD_OF[charge.method], "upi": {"vpa": vpa} if vpa else {}}
    month, _, year = charge.instrument["expiry"].partition("/")
    card = {"number": charge.secret["number"], "exp_month": int(month), "exp_year": 2000 + int(year) % 100}
    return {"type": METHOD_OF[charge.method], "card": card}


# --- what is read


def _require_outcome(read: Result) -> Result:
    """The result of a call that moves money: an intent that nobody has paid answers no such call."""
    if read.kind is _K.ABSENT:
        raise Invalid("The answer does not say what became of the payment.", code="answer.malformed")
    return read


def _intent_result(charge: Charge, intent: Mapping[str, Any]) -> Result:
    """What an intent says of a charge; a decline that was known before it says nothing of this one."""
    read = _result_of(codes_of(charge), intent)
    former = charge.ids.get("declined")
    if former is not None and read.ids.get("declined") == former:
        return Result(_K.ABSENT, codes_of(charge).other, ids={"intent": read.ids["intent"]})
    return read


def _result_of(codes: ResponseCodes, intent: Mapping[str, Any]) -> Result:
    """What an intent's status says about its money."""
    ids, status = {"intent": id_of(intent)}, intent.get("status")
    latest = intent.get("latest_charge")
    if status in {"requires_payment_method", "requires_confirmation", "canceled"}:
        error = errors.read_error(intent.get("last_payment_error"))
        if status == "canceled" or error is None:
            return Result(_K.ABSENT, codes.other, ids=ids)
        return _decline(codes, error, ids)
    kinds = {
        "succeeded": _K.APPROVED,
        "requires_capture": _K.AUTHORIZED,
        "processing": _K.PENDING,
        "requires_action": _K.AUTH_REQUIRED,
    }
    if status not in kinds:
        raise Invalid("The answer is no payment.", code="answer.malformed")
    about: Mapping[str, Any] = latest if isinstance(latest, Mapping) else {"id": latest}
    if isinstance(about.get("id"), str):
        ids["payment"] = about["id"]
    if about.get("refunded") is True:
        return Result(_K.DECLINED, REVERSED, ids=ids, raw_code="refunded")
    reference = about.get("authorization_code")
    return Result(kinds[status], codes.approved, str(reference) if reference else None, ids=ids)


def _decline(codes: ResponseCodes, error: ApiError, ids: Mapping[str, str]) -> Result:
    declined = {} if error.charge is None else {"declined": error.charge}
    raw_code = error.decline_code or error.code
    return Result(_K.DECLINED, code_of(codes, error), ids={**ids, **declined}, raw_code=raw_code, message=error.message)


# --- one call


_FORMAT = Format(read_object, requests.SHOWN, requests.SHOWN_HEADERS, objects.SHOWN, objects.SHOWN_HEADERS)


def _call(request: ApiRequest, link: Link, charge: Charge, decode: _Decode, **headers: str) -> Result:
    """Send a request, and read its answer by `decode` where it is no error."""
    call = requests.encode(request, link.base_url, link.credentials["secret_key"], link.timeout, **headers)
    body = request.params if request.method == "POST" else None
    answered = send(call, body, link, charge, _FORMAT, lambda status, plain: _read(status, plain, charge, decode))
    advice = _answer_header(answered, "stripe-should-retry")
    failed = answered.kind in {_K.REJECTED, _K.NO_ANSWER} and advice in {"true", "false"}
    return replace(answered, may_retry=advice == "true") if failed else answered


def _answer_header(answered: Result, name: str) -> str | None:
    headers = answered.exchange.answer_headers if answered.exchange is not None else {}
    return next((value for key, value in headers.items() if key.lower() == name), None)


def _read(status: int, plain: Mapping[str, Any], charge: Charge, decode: _Decode) -> Result:
    error = errors.read_error(plain.get("error"))
    if status < 300 and error is None:
        return decode(plain)
    codes, error = codes_of(charge), error or ApiError("", f"It answered {status}.")
    words: dict[str, Any] = {"raw_code": error.code or error.type, "message": error.message}
    if status >= 500 or status == IN_FLIGHT or error.type == errors.API or status < 400:
        return Result(_K.NO_ANSWER, codes.other, may_retry=status == IN_FLIGHT or None, **words)
    intent = error.payment_intent
    if error.type == errors.CARD:
        return _decline(codes, error, {"intent": id_of(intent)} if intent is not None else {})
    if error.code == errors.UNEXPECTED_STATE and intent is not None:
        try:
            # What was asked for has been done before: the intent says so itself.
            return decode(intent)
        except Invalid:
            return Result(_K.REJECTED, codes.other, **words)
    throttled = status == TOO_MANY
    return Result(_K.REJECTED, codes.other, may_retry=throttled, elsewhere=status in MISCONFIGURED, **words)

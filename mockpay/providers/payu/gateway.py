"""PayU as a gateway at the back: the port's calls in its wire format, and its answers as results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from mockpay.domain.methods.method import REVERSED, ResponseCodes
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.payments.gateways import Capabilities, Charge, Link, Operation, Result, ResultKind, Webhook
from mockpay.kernel import ids
from mockpay.kernel.errors import Forbidden, Invalid
from mockpay.kernel.money import Money
from mockpay.providers.gateway_client import MISCONFIGURED, TOO_MANY, Format, codes_of, refuse, result, send
from mockpay.providers.payu.acquirer import METHOD_OF
from mockpay.providers.payu.banks import bank_code_of
from mockpay.providers.payu.credentials import NAME, credentials_of
from mockpay.providers.payu.emi_codes import plan_code
from mockpay.providers.payu.outcomes import code_of
from mockpay.wire.json_objects import read_object
from mockpay.wire.payu import answers, errors, hashes, requests
from mockpay.wire.payu.requests import Command
from mockpay.wire.redaction import redact, redact_fields

_K = ResultKind
#: What is sent of a buyer and of pages that nobody visits; the API wants them.
_CONTACT = {"firstname": "Buyer", "email": "buyer@mockpay.test", "phone": "9000000000"}
_PAGES = {"surl": "https://mockpay.test/success", "furl": "https://mockpay.test/failure"}
#: What became of a payment, by PayU's own status; every other one took no money.
_KINDS = {
    answers.CAPTURED: _K.APPROVED,
    answers.AUTHORIZED: _K.AUTHORIZED,
    answers.PENDING: _K.PENDING,
    answers.IN_PROGRESS: _K.PENDING,
    answers.INITIATED: _K.PENDING,
}
#: Statuses whose money went back.
_REVERSED = frozenset({answers.AUTO_REFUND, answers.CANCELLED})
#: What became of a capture, refund or cancellation, in small letters; any other status is not the last.
_ACTION_KINDS = {"success": _K.APPROVED, "failure": _K.DECLINED}
#: Stands for the salt where what was hashed is shown.
_SALT = "<SALT>"
#: Refusals that another gateway need not make.
_CREDENTIALS = frozenset({errors.INVALID_HASH, errors.INVALID_KEY})

#: What is read of an answer that is no refusal.
_Decode = Callable[[Mapping[str, Any]], Result]


class PayuGateway:
    """
    Our reference is the `txnid`: it takes money once, so asking again is safe, and it finds the payment.

    Nothing keeps a late payment away, so no fence is offered. Captures, refunds and cancellations are queued there.
    """

    name = NAME
    capabilities = Capabilities(
        methods=frozenset(METHOD_OF.values()), partial_capture=True, void=True, anchored=True, signature_field="hash"
    )

    def credentials(self, seller_id: str, seller_secret: str) -> Mapping[str, str]:
        """The merchant's key and salt."""
        return credentials_of(seller_id, seller_secret)

    def prepare(self, _charge: Charge, _link: Link, *, capture: bool) -> Result | None:
        """Nothing: the payment is named by our own reference."""
        del capture
        return None

    def charge(self, charge: Charge, link: Link) -> Result:
        """A payment from server to server, captured by itself."""
        return _pay(charge, link)

    def authorize(self, charge: Charge, link: Link) -> Result:
        """A payment that is captured later."""
        return _pay(charge, link, pre_authorize="1")

    def capture(self, charge: Charge, minor: int, link: Link) -> Result:
        """Queue a capture; where one is queued, ask what became of it."""
        payment_id, token = charge.ids["payment"], _token(charge.idempotency_key)
        if charge.ids.get("capture") == token:
            return _action(charge, link, token)
        command = requests.capture_transaction(payment_id, token, Money(minor).wire())
        waiting = {"payment": payment_id, "capture": token}
        answered = _call(command, link, charge, lambda plain: _queued_result(plain, charge, waiting))
        return replace(answered, kind=_K.PENDING, ids=waiting) if _is_duplicate(answered) else answered

    def void(self, charge: Charge, link: Link, /) -> Result:
        """Queue the release of what was authorised; what a queued capture has taken meanwhile is refunded."""
        answered = _send_back(charge, charge.amount.minor, charge.idempotency_key, link)
        if answered.raw_code != str(errors.INVALID_AMOUNT):
            return answered
        captured = _captured_minor(charge, link)
        return _send_back(charge, captured, charge.idempotency_key, link) if captured else answered

    def refund(self, charge: Charge, minor: int, key: str, link: Link) -> Result:
        """Queue a refund."""
        return _named(_send_back(charge, minor, key, link))

    def refund_status(self, charge: Charge, link: Link) -> Result:
        """The refund by the number of its request."""
        return _named(_action(charge, link, request_id=charge.ids["refund"]))

    def status(self, charge: Charge, link: Link) -> Result:
        """The payment by PayU's id."""
        command = requests.check_payment(charge.ids["payment"])
        return _call(command, link, charge, lambda plain: _result_of(codes_of(charge), answers.read_details(plain)))

    def lookup(self, charge: Charge, link: Link) -> Result:
        """The payment by our reference."""
        txnid = charge.attempt_id

        def decode(plain: Mapping[str, Any]) -> Result:
            details = answers.read_details(plain, txnid)
            if isinstance(details, Mapping) and details.get("status") == answers.NOT_FOUND:
                return Result(_K.ABSENT, codes_of(charge).other)
            return _result_of(codes_of(charge), details)

        return _call(requests.verify_payment(txnid), link, charge, decode)

    def check(self, charge: Charge, link: Link) -> Result:
        """A look-up of a reference that nobody has."""
        return self.lookup(charge, link)

    def fence(self, charge: Charge, _link: Link, /) -> Result:
        """Nothing does that."""
        return refuse(charge, "A late payment cannot be kept away.")

    def parse_webhook(self, headers: Mapping[str, str], body: bytes, credentials: Mapping[str, str]) -> Webhook | None:
        """
        What happened to a payment, with the hash of a result, or to a refund, with no more than the merchant's key.

        Raises:
            Forbidden: code ``webhook.signature``.
            Invalid: code ``form.malformed``, ``answer.malformed`` or ``webhook.malformed``.
        """
        small = {name.lower(): value for name, value in headers.items()}
        if small.get("content-type", "").startswith("application/json"):
            return _parse_refund_webhook(body, credentials)
        fields = requests.decode(body)
        _check_hash(fields, credentials, Forbidden("The hash of the webhook is wrong.", code="webhook.signature"))
        if fields.get("mode") not in METHOD_OF:
            raise Invalid("The webhook tells of no payment.", code="webhook.malformed")
        answered = _result_of(METHODS[METHOD_OF[fields["mode"]]].response_codes, fields)
        event_id = f"{answered.ids['payment']}-{fields['unmappedstatus']}"
        content, signed = redact(fields, answers.SHOWN), _answer_text(redact_fields(fields, answers.SHOWN))
        return Webhook(event_id, fields.get("txnid", ""), Operation.STATUS, answered, content, signed)


def _parse_refund_webhook(body: bytes, credentials: Mapping[str, str]) -> Webhook | None:
    plain = read_object(body)
    if plain.get("action") != "refund":
        return None
    if not ids.same(str(plain.get("key", "")), credentials["key"]):
        raise Forbidden("The key of the webhook is another one.", code="webhook.signature")
    kind = _ACTION_KINDS.get(str(plain.get("status")).lower(), _K.PENDING)
    names = [str(plain.get(name) or "") for name in ("mihpayid", "request_id")]
    if not all(names):
        raise Invalid("The webhook tells of no refund.", code="webhook.malformed")
    payment_id, request_id = names
    answered = Result(kind, "", ids={"refund": request_id})
    event_id = f"{request_id}-{kind}"
    return Webhook(event_id, payment_id, Operation.REFUND, answered, redact(plain, answers.SHOWN))


def _pay(charge: Charge, link: Link, **more: str) -> Result:
    fields = {"txnid": charge.attempt_id, "amount": charge.amount.wire(), "productinfo": "Order", **_CONTACT, **_PAGES}
    form = requests.payment({**fields, **_instrument(charge), **more}, **link.credentials)
    outcome = {"Mockpay_Outcome": f"issuer={charge.planned}", "Mockpay_Delay": str(charge.delay_ms)}

    def decode(plain: Mapping[str, Any]) -> Result:
        fields = {name: str(value) for name, value in plain.items()}
        _check_hash(fields, link.credentials, Invalid("The hash of the answer is wrong.", code="answer.signature"))
        return _result_of(codes_of(charge), plain)

    return _send(form, requests.PAYMENT_PATH, link, charge, decode, **outcome)


def _instrument(charge: Charge) -> dict[str, str]:
    """What is paid with, as the API wants it; a CVV was looked at before and is nowhere any more."""
    parts = charge.instrument
    if "bank" in parts:
        return {"pg": "NB", "bankcode": bank_code_of(parts["bank"])}
    if "expiry" not in parts:
        return {"pg": "UPI", "bankcode": "UPI", **({"vpa": parts["vpa"]} if "vpa" in parts else {})}
    month, _, year = parts["expiry"].partition("/")
    card = {"ccnum": charge.secret["number"], "ccname": "Card holder", "ccexpmon": month, "ccexpyr": f"20{year}"}
    if "tenure" in parts:
        return {"pg": "EMI", "bankcode": plan_code(parts["emi_bank"], int(parts["tenure"])), **card}
    return {"pg": "CC", "bankcode": "CC", **card}


def _check_hash(fields: Mapping[str, str], credentials: Mapping[str, str], error: Exception) -> None:
    text = hashes.response_text(fields, credentials["salt"])
    if not hashes.fits(text, fields.get("hash", "")) or not ids.same(fields.get("key", ""), credentials["key"]):
        raise error


def _result_of(codes: ResponseCodes, details: Any) -> Result:
    """What a payment's own status says about its money."""
    fields = {name: str(value) for name, value in details.items()} if isinstance(details, Mapping) else {}
    status, payment_id = fields.get("unmappedstatus"), fields.get("mihpayid")
    if not payment_id or status not in answers.STATUSES:
        raise Invalid("The answer is no payment.", code="answer.malformed")
    error, message = fields.get("error") or fields.get("error_code") or "", fields.get("field9") or ""
    if status in _KINDS:
        return Result(_KINDS[status], codes.approved, fields.get("field2") or None, ids={"payment": payment_id})
    code = REVERSED if status in _REVERSED else code_of(codes, error, message)
    return Result(_K.DECLINED, code, ids={"payment": payment_id}, raw_code=error or status, message=message or None)


# --- captures, refunds and cancellations


def _token(key: str) -> str:
    """Our key as PayU takes it: it has room for 23 characters."""
    return key if len(key) <= requests.LONGEST_TOKEN else ids.fingerprint(key.encode())[: requests.LONGEST_TOKEN]


def _send_back(charge: Charge, minor: int, key: str, link: Link) -> Result:
    """Queue a refund or a release; where one of this key is queued already, ask what became of it."""
    token, payment_id = _token(key), charge.ids["payment"]
    command = requests.cancel_refund_transaction(payment_id, token, Money(minor).wire())
    answered = _call(command, link, charge, lambda plain: _queued_result(plain, charge, {"payment": payment_id}))
    return _action(charge, link, token) if _is_duplicate(answered) else answered


def _named(answered: Result) -> Result:
    """The answer to a refund: the number of its request is its name."""
    request_id = answered.ids.get("request")
    return answered if request_id is None else replace(answered, ids={**answered.ids, "refund": request_id})


def _is_duplicate(answered: Result) -> bool:
    return answered.raw_code == str(errors.DUPLICATE_TOKEN)


def _queued_result(plain: Mapping[str, Any], charge: Charge, known: Mapping[str, str]) -> Result:
    """An action is queued; now and then it is done at once."""
    request_id = plain.get("request_id") or plain.get("txn_update_id")
    if plain.get("status") != 1 or not request_id:
        raise Invalid("The answer names no request.", code="answer.malformed")
    done = plain.get("error_code") == errors.SUCCESSFUL
    return result(charge, _K.APPROVED if done else _K.PENDING, **known, request=str(request_id))


def _action(charge: Charge, link: Link, token: str = "", *, request_id: str = "") -> Result:
    """What became of the action of a token, or of a request."""
    payment_id = charge.ids["payment"]

    def decode(plain: Mapping[str, Any]) -> Result:
        actions = answers.read_details(plain, payment_id)
        listed = actions.values() if isinstance(actions, Mapping) else ()
        wanted = ("token", token) if token else ("request_id", request_id)
        found = next((each for each in listed if str(each.get(wanted[0])) == wanted[1]), None)
        if found is None:
            return refuse(charge, "The action belongs to another payment.")
        kind = _ACTION_KINDS.get(str(found.get("status")).lower(), _K.PENDING)
        return result(charge, kind, payment=payment_id, request=str(found.get("request_id")))

    return _call(requests.check_action_status(payment_id), link, charge, decode)


def _captured_minor(charge: Charge, link: Link) -> int:
    """How much a capture has taken; 0 where none has, or nobody knows."""
    payment_id, captured = charge.ids["payment"], [0]

    def decode(plain: Mapping[str, Any]) -> Result:
        actions = answers.read_details(plain, payment_id)
        listed = actions.values() if isinstance(actions, Mapping) else ()
        captures = [str(each.get("amt")) for each in listed if each.get("action") == "capture"]
        captured.extend(Money.parse(amount).minor for amount in captures)
        return result(charge, _K.APPROVED)

    _call(requests.check_action_status(payment_id), link, charge, decode)
    return captured[-1]


# --- one call


def _request_text(fields: Mapping[str, str]) -> str | None:
    if "command" in fields:
        return hashes.command_text(fields["key"], fields["command"], fields["var1"], _SALT)
    return hashes.payment_text(fields, _SALT)


def _answer_text(fields: Mapping[str, str]) -> str | None:
    """Of a payment's result; the answers of commands are not signed."""
    return hashes.response_text(fields, _SALT) if "hash" in fields else None


_FORMAT = Format(
    read_object,
    requests.SHOWN,
    requests.SHOWN_HEADERS,
    answers.SHOWN,
    answers.SHOWN_HEADERS,
    _request_text,
    _answer_text,
)


def _call(command: Command, link: Link, charge: Charge, decode: _Decode) -> Result:
    """Send a command."""
    form = requests.command_form(command, **link.credentials)
    return _send(form, requests.COMMAND_PATH, link, charge, decode)


def _send(form: Mapping[str, str], path: str, link: Link, charge: Charge, decode: _Decode, **headers: str) -> Result:
    """Send a form, and read its answer by `decode` where it is no refusal."""
    call = requests.encode(form, path, link.base_url, link.timeout, **headers)
    return send(call, form, link, charge, _FORMAT, lambda status, plain: _read(status, plain, charge, decode))


def _read(status: int, plain: Mapping[str, Any], charge: Charge, decode: _Decode) -> Result:
    refusal = answers.read_refusal(plain)
    if status < 300 and refusal is None:
        return decode(plain)
    other = codes_of(charge).other
    if status >= 500 or 300 <= status < 400:
        return Result(_K.NO_ANSWER, other, message=f"It answered {status}.")
    message = refusal.message if refusal is not None else f"It answered {status}."
    code = str(refusal.code) if refusal is not None and refusal.code is not None else None
    again = status == TOO_MANY or message == errors.TOO_MANY_REQUESTS or code == str(errors.LOCKED)
    elsewhere = status in MISCONFIGURED or message in _CREDENTIALS
    return Result(_K.REJECTED, other, raw_code=code, message=message, may_retry=again, elsewhere=elsewhere)

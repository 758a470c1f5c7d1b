"""What PayU answers: the result of a payment, details of payments, actions on them, and refusals."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import Money
from mockpay.wire.payu import errors, hashes

CAPTURED, AUTHORIZED, FAILED, AUTO_REFUND = "captured", "auth", "failed", "autoRefund"
PENDING, IN_PROGRESS, INITIATED = "pending", "in progress", "initiated"
USER_CANCELLED, BOUNCED, DROPPED = "userCancelled", "bounced", "dropped"
#: Of an authorisation that was released.
CANCELLED = "cancelled"
NOT_FOUND = "Not Found"
FETCHED = "Transaction Fetched Successfully"
#: What each status of PayU's own database is to a merchant.
STATUSES: Mapping[str, str] = {
    CAPTURED: "success",
    AUTHORIZED: "success",
    FAILED: "failure",
    AUTO_REFUND: "failure",
    USER_CANCELLED: "failure",
    CANCELLED: "failure",
    BOUNCED: "failure",
    DROPPED: "failure",
    PENDING: "pending",
    IN_PROGRESS: "pending",
    INITIATED: "pending",
}
_UDFS = tuple(f"udf{number}" for number in range(1, 11))
_ECHOED = "productinfo firstname lastname address1 address2 city state country zipcode email phone".split()
#: What field7 says of a card's authorisation.
_FIELD7 = {"success": "AUTHPOSITIVE", "failure": "AUTHNEGATIVE", "pending": "TXNPENDING"}


class Transaction(Struct, frozen=True):
    """
    A payment as PayU knows it.

    Args:
        fields: What the merchant has posted; only what comes back is looked at.
        added_on: ``2026-11-30 12:00:00``, on an Indian clock.
        message: What the bank says, `field9`.
        card_number: Masked: ``411111XXXXXX1111``; empty where none was used.
        request_id: Of the payment itself.
    """

    mihpayid: str
    fields: Mapping[str, str]
    amount: Money
    unmapped_status: str
    added_on: str
    mode: str
    bank_code: str
    message: str
    error: str = errors.NO_ERROR
    bank_reference: str = ""
    auth_code: str = ""
    card_number: str = ""
    request_id: str = ""

    @property
    def status(self) -> str:
        """What a merchant maps."""
        return STATUSES[self.unmapped_status]


def payment_fields(payment: Transaction, key: str, salt: str) -> dict[str, str]:
    """
    The result of a payment with its hash, as the merchant's pages, webhooks and servers get it.

    Every field that is hashed is there, even when empty: clients hash an absent one in three different ways. There
    are no `additionalCharges`: their presence alone changes what a client hashes.
    """
    sent = payment.fields
    plain = {
        "mihpayid": payment.mihpayid,
        "mode": payment.mode,
        "status": payment.status,
        "unmappedstatus": payment.unmapped_status,
        "key": key,
        "txnid": sent.get("txnid", ""),
        "amount": payment.amount.wire(),
        "cardCategory": "domestic" if payment.card_number else "",
        "discount": "0.00",
        "net_amount_debit": payment.amount.wire() if payment.status == "success" else "0.00",
        "addedon": payment.added_on,
        **{name: sent.get(name, "") for name in (*_ECHOED, *_UDFS)},
        **{f"field{number}": "" for number in range(10)},
        "field2": payment.auth_code,
        "field7": _FIELD7[payment.status],
        "field9": payment.message,
        "payment_source": "payu",
        "PG_TYPE": f"{payment.mode}-PG",
        "bank_ref_num": payment.bank_reference,
        "bank_ref_no": payment.bank_reference,
        "bankcode": payment.bank_code,
        "error": payment.error,
        "error_Message": errors.PAYMENT_ERRORS[payment.error],
        "cardnum": payment.card_number,
        "cardhash": "This field is no longer supported in postback params.",
    }
    return {**plain, "hash": hashes.digest(hashes.response_text(plain, salt))}


def details(payment: Transaction) -> dict[str, Any]:
    """A payment as `verify_payment` tells it."""
    sent, amount = payment.fields, payment.amount.wire()
    return {
        "mihpayid": payment.mihpayid,
        "request_id": payment.request_id,
        "bank_ref_num": payment.bank_reference,
        "amt": amount,
        "transaction_amount": amount,
        "txnid": sent.get("txnid", ""),
        "additional_charges": "0.00",
        "productinfo": sent.get("productinfo", ""),
        "firstname": sent.get("firstname", ""),
        "bankcode": payment.bank_code,
        **{name: sent.get(name, "") for name in _UDFS[:5]},
        "field2": payment.auth_code,
        "field9": payment.message,
        "error_code": payment.error,
        "addedon": payment.added_on,
        "payment_source": "payu",
        "card_type": None,
        "error_Message": errors.PAYMENT_ERRORS[payment.error],
        "net_amount_debit": payment.amount.minor / 100 if payment.status == "success" else 0,
        "disc": "0.00",
        "mode": payment.mode,
        "PG_TYPE": f"{payment.mode}-PG",
        "card_no": payment.card_number,
        "status": payment.status,
        "unmappedstatus": payment.unmapped_status,
        "Merchant_UTR": None,
        "Settled_At": "0000-00-00 00:00:00",
    }


def verified(txnids: Sequence[str], payments: Mapping[str, Transaction]) -> dict[str, Any]:
    """The answer of `verify_payment`: each name that was asked for, those that nobody knows too."""
    told: dict[str, Any] = {
        txnid: details(payments[txnid]) if txnid in payments else {"mihpayid": NOT_FOUND, "status": NOT_FOUND}
        for txnid in txnids
    }
    count = sum(txnid in payments for txnid in told)
    return {"status": int(count > 0), "msg": fetched(count, len(told)), "transaction_details": told}


def checked(payment: Transaction) -> dict[str, Any]:
    """The answer of `check_payment`, whose id is a number."""
    told = {**details(payment), "mihpayid": int(payment.mihpayid), "net_amount": None}
    return {"status": 1, "msg": FETCHED, "transaction_details": told}


def fetched(count: int, asked: int) -> str:
    """How many of the transactions that were asked for are told."""
    return f"{count} out of {asked} Transactions Fetched Successfully"


def rupees(amount: Money) -> int | float:
    """An amount as the API's JSON writes numbers: ``20000``, ``6666.67``."""
    return amount.minor / 100 if amount.minor % 100 else amount.minor // 100


def listed(payment: Transaction) -> dict[str, Any]:
    """A payment as a list tells it: by other names than everywhere else."""
    sent = payment.fields
    return {
        "id": payment.mihpayid,
        "status": payment.unmapped_status,
        "key": None,
        "merchantname": None,
        "txnid": sent.get("txnid", ""),
        "firstname": sent.get("firstname", ""),
        "lastname": sent.get("lastname", ""),
        "addedon": payment.added_on,
        "bank_name": payment.bank_code,
        "payment_gateway": f"{payment.mode}-PG",
        "phone": sent.get("phone", ""),
        "email": sent.get("email", ""),
        "transaction_fee": payment.amount.wire(),
        "amount": payment.amount.wire(),
        "discount": "0.00",
        "additional_charges": "0.00",
        "productinfo": sent.get("productinfo", ""),
        "error_code": payment.error,
        "bank_ref_no": payment.bank_reference,
        "ibibo_code": payment.bank_code,
        "mode": payment.mode,
        "ip": None,
        "card_no": payment.card_number,
        "cardtype": "domestic" if payment.card_number else None,
        "pg_mid": None,
        "field2": payment.auth_code,
        "udf1": sent.get("udf1", ""),
        "failure_reason": payment.message if payment.status == "failure" else "",
        "action": "capture" if payment.unmapped_status == CAPTURED else payment.unmapped_status,
    }


class Action(Struct, frozen=True):
    """A capture, refund or cancellation: `status` is ``queued``, ``success`` or ``failure``."""

    request_id: str
    kind: str
    token: str
    status: str
    amount: Money
    mihpayid: str
    bank_reference: str


#: What is answered when an action was taken over, and the field that names it.
_QUEUED = {
    "capture": ("Capture Request Queued", "request_id"),
    "refund": ("Refund Request Queued", "request_id"),
    "cancel": ("Cancel Request Queued", "txn_update_id"),
}


def queued(action: Action) -> dict[str, Any]:
    """An action was taken over; `check_action_status` tells what becomes of it."""
    message, name = _QUEUED[action.kind]
    plain: dict[str, Any] = {
        "status": 1,
        "msg": message,
        name: action.request_id,
        "bank_ref_num": action.bank_reference,
        "mihpayid": action.mihpayid,
    }
    return plain if action.kind == "cancel" else {**plain, "error_code": errors.QUEUED}


def action_status(asked: str, actions: Sequence[Action], mode: str) -> dict[str, Any]:
    """The answer of `check_action_status` to the id that was asked for; a word in the place of details for none."""
    if not actions:
        return {"status": 0, "msg": fetched(0, 1), "transaction_details": {asked: "No action status found"}}
    told = {action.request_id: _action_details(action, mode) for action in actions}
    return {"status": 1, "msg": fetched(1, 1), "transaction_details": {asked: told}}


def _action_details(action: Action, mode: str) -> dict[str, Any]:
    capture, done = action.kind == "capture", action.status == "success"
    return {
        "mihpayid": action.mihpayid,
        "bank_ref_num": action.bank_reference,
        "request_id": action.request_id,
        "amt": action.amount.wire(),
        "mode": mode,
        "action": action.kind,
        "token": action.token,
        "status": action.status.upper() if capture else action.status,
        "bank_arn": action.bank_reference if done and action.kind == "refund" else None,
        "settlement_id": None,
        "amount_settled": None,
        "UTR_no": None,
        "value_date": None,
        "refund_mode": "-" if capture else "Back to Source",
    }


def refusal(message: str, code: int | None = None) -> dict[str, Any]:
    """A command that was not carried out."""
    plain: dict[str, Any] = {"status": 0, "msg": message}
    return plain if code is None else {**plain, "error_code": code}


def refused_payment(txnid: str, message: str) -> dict[str, Any]:
    """A payment from server to server that was not carried out."""
    about = {"message": message, "referenceId": None, "statusCode": None, "txnId": txnid, "txnStatus": "failed"}
    return {"metaData": {**about, "unmappedStatus": FAILED}, "result": None}


# --- reading


class Refusal(Struct, frozen=True):
    """Why nothing was carried out."""

    message: str
    code: int | None = None


def read_refusal(plain: Mapping[str, Any]) -> Refusal | None:
    """Why a payment or a command was not carried out; None where it was."""
    about = plain.get("metaData")
    if isinstance(about, Mapping) and not plain.get("result"):
        return Refusal(str(about.get("message") or ""))
    if plain.get("status") != 0 or "transaction_details" in plain:
        return None
    code = str(plain.get("error_code"))
    return Refusal(str(plain.get("msg") or ""), int(code) if re.fullmatch("[0-9]{1,6}", code) else None)


def read_details(plain: Mapping[str, Any], *names: str) -> Any:
    """
    What is told below `transaction_details`, of each name in turn.

    Raises:
        Invalid: code ``answer.malformed``: nothing of that name.
    """
    told: Any = plain.get("transaction_details")
    for name in names:
        told = told.get(name) if isinstance(told, Mapping) else None
    if told is None:
        raise Invalid("The answer has no details.", code="answer.malformed")
    return told


#: What of an answer may be stored.
SHOWN = frozenset(
    "mihpayid mode status unmappedstatus txnid amount amt transaction_amount discount net_amount_debit addedon"
    " productinfo payment_source PG_TYPE bank_ref_num bank_ref_no bankcode error error_Message error_code field2"
    " field7 field9 cardCategory card_type msg request_id txn_update_id action token bank_arn refund_mode message"
    " txnId txnStatus unmappedStatus statusCode Settled_At".split()
)
SHOWN_HEADERS = frozenset({"content-type", "retry-after"})

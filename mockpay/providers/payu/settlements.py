"""What PayU keeps of a payment, and when a day's payments come to the seller's bank."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from mockpay.kernel import ids
from mockpay.kernel.clock import DAY, IST, SECOND
from mockpay.kernel.errors import Invalid, NotFound
from mockpay.kernel.money import Money
from mockpay.providers.payu.calls import Call
from mockpay.providers.payu.credentials import NAME
from mockpay.providers.payu.lookups import transactions_between
from mockpay.wire.payu import answers
from mockpay.wire.payu.answers import CAPTURED, Transaction

#: PayU's fee in percent, and the tax on it.
_FEE, _TAX = 2, 18
_USUAL_PAGE = 2_000
_UTR = re.compile("N([0-9]{3})([0-9]{2})[0-9]{10}")


def get_tdr(call: Call) -> dict[str, Any]:
    """The fee of a payment, in rupees; nothing of one that took no money."""
    try:
        payment = call.transaction(*call.payment())
    except NotFound as error:
        raise NotFound("Invalid PayU ID", code="transaction.unknown_id") from error
    fee = _fees(payment.amount)[0] if payment.unmapped_status == CAPTURED else Money(0)
    return {"status": 1, "msg": answers.FETCHED, "TDR_details": {"TDR": answers.rupees(fee)}}


def get_settlement_details(call: Call) -> dict[str, Any]:
    """
    The payments that came to the seller's bank on a day (`var1`, or its UTR): those that were opened the day before and
    are captured; of several pages (`var3` rows each) the one that `var2` counts from 1.
    """
    asked = call.form.need("var1")
    day = _day_of(call, asked)
    page, size = (_count(call, name, usual) for name, usual in (("var2", 1), ("var3", _USUAL_PAGE)))
    settled: list[Transaction] = []
    if day is not None and day > date.min:
        until = int(datetime(day.year, day.month, day.day, tzinfo=IST).timestamp()) * SECOND
        paid = transactions_between(call, until - DAY, until - 1)
        settled = [payment for payment in paid if payment.unmapped_status == CAPTURED]
    shown = settled[(page - 1) * size : page * size]
    rows = {str(number): _row(call, day, payment) for number, payment in enumerate(shown, 1) if day is not None}
    return {"status": 1, "msg": f"{len(settled)} transactions settled on {day or asked}", "Txn_details": rows}


def _day_of(call: Call, asked: str) -> date | None:
    """
    The day that is named by itself or by its UTR; None for a UTR of nobody's.

    Raises:
        Invalid: code ``parameter.invalid``.
    """
    named = _UTR.fullmatch(asked)
    form = "%j%y" if named else "%Y-%m-%d"
    try:
        day = datetime.strptime(f"{named[1]}{named[2]}" if named else asked, form).replace(tzinfo=IST).date()
    except ValueError as error:
        message = "Please check date format it should be YYYY-MM-DD"
        raise Invalid(message, code="parameter.invalid") from error
    return None if named and asked != _utr(call, day) else day


def _utr(call: Call, day: date) -> str:
    """The bank's name for what came on a day, in NEFT's form: the day of the year, the year, ten digits."""
    seller = call.sandbox.seller
    number = ids.number(seller.seed, NAME, "utr", seller.seller_id, day.isoformat(), below=10**10)
    return f"N{day:%j%y}{number:010}"


def _count(call: Call, name: str, usual: int) -> int:
    text = call.form.value(name)
    if not text:
        return usual
    if not re.fullmatch("[1-9][0-9]{0,8}", text):
        raise Invalid(f"{name} must be a whole number from 1 on.", code="parameter.invalid", name=name)
    return int(text)


def _row(call: Call, day: date, payment: Transaction) -> dict[str, Any]:
    fee, tax = _fees(payment.amount)
    net = Money(payment.amount.minor - fee.minor - tax.minor)
    return {
        "payuid": payment.mihpayid,
        "txnid": payment.fields.get("txnid", ""),
        "txndate": payment.added_on,
        "mode": payment.mode,
        "amount": payment.amount.wire(),
        "requestid": payment.request_id,
        "requestdate": payment.added_on,
        "requestaction": "capture",
        "requestamount": payment.amount.wire(),
        "mer_utr": _utr(call, day),
        "mer_service_fee": f"{fee.wire()}00",
        "mer_service_tax": f"{tax.wire()}00",
        "mer_net_amount": f"{net.wire()}00",
        "bank_name": payment.bank_code,
        "issuing_bank": "",
        "merchant_subvention_amount": "0.00",
        "cgst": "0.00000",
        "igst": f"{tax.wire()}000",
        "sgst": "0.00000",
        "PG_TYPE": f"{payment.mode}-PG",
        "Card Type": "",
        "token": "",
    }


def _fees(amount: Money) -> tuple[Money, Money]:
    """PayU's fee and the tax on it, each rounded half up."""
    fee = (amount.minor * _FEE + 50) // 100
    return Money(fee), Money((fee * _TAX + 50) // 100)

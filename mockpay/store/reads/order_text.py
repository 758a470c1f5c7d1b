"""
A text looked for in orders: what names them, and what names any of their tries and refunds.

Looks at the rows of one seller; of an instrument at what is shown of it, which of a card is its last four digits.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, false, or_, select, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from mockpay.domain.methods import netbanking
from mockpay.domain.methods.registry import METHODS
from mockpay.store.attempts import attempts
from mockpay.store.buyers import buyers
from mockpay.store.inbox import inbox, phone_digits
from mockpay.store.orders import orders
from mockpay.store.refunds import refunds
from mockpay.store.unit_of_work import Sandbox

#: Parts of an instrument that people see; those of banks are codes.
_BANKS = ("bank", "issuer", "emi_bank")
_SHOWN = ("vpa", "network", "last4", "email", "bank_name", *_BANKS)
_FEWEST_DIGITS = 4
_AMOUNT = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,2}))?")
_CODE = re.compile(r"[0-9A-Za-z]{2,8}")
#: What stands for digits in a masked number, and what is no part of a word.
_MASK = re.compile(r"[•*…,\s]+")


class _JsonText(FunctionElement[str]):
    """A field of a JSON object in a text column, as text; NULL where it is not there."""

    type = Text()
    inherit_cache = True


@compiles(_JsonText, "sqlite")
def _in_sqlite(element: _JsonText, compiler: SQLCompiler, **options: Any) -> str:
    column, name = (compiler.process(clause, **options) for clause in element.clauses)
    return f"json_extract({column}, '$.' || {name})"


@compiles(_JsonText, "postgresql")
def _in_postgresql(element: _JsonText, compiler: SQLCompiler, **options: Any) -> str:
    column, name = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({column}::json ->> {name})"


def mentions(sandbox: Sandbox, text: str) -> ColumnElement[bool]:
    """Whether an order, a try of it (the newest or not) or a refund of it mentions the text, in any case."""
    ids, texts = (orders.c.order_id, orders.c.seller_order_id), (orders.c.custom_information, orders.c.seller_note)
    conditions = [*(_names(column, text) for column in ids), *(_holds(column, text) for column in texts)]
    conditions.append(_reason(orders.c.reason, text))
    amount = _AMOUNT.fullmatch(text.replace(",", "").removeprefix("₹").strip())
    if amount is not None:
        conditions.append(orders.c.amount_minor == int(amount[1]) * 100 + int((amount[2] or "0").ljust(2, "0")))
    return or_(
        *conditions, orders.c.id.in_(_orders_with_tries(sandbox, text)), orders.c.id.in_(_refunded(sandbox, text))
    )


def _holds(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    return column.icontains(text, autoescape=True)


def _names(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """A part of an id; two or three digits are rather a code or an amount, and in every other id."""
    return column == text if text.isdigit() and len(text) < _FEWEST_DIGITS else _holds(column, text)


def _reason(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    # A reason is spelt `insufficient_funds`; nobody types it so.
    return _holds(column, text.replace(" ", "_"))


def _refunded(sandbox: Sandbox, text: str) -> Select[Any]:
    named = or_(_names(refunds.c.refund_id, text), _names(refunds.c.reference, text))
    return select(refunds.c.order_pk).where(refunds.c.seller_id == sandbox.seller_id, named)


def _orders_with_tries(sandbox: Sandbox, text: str) -> Select[Any]:
    tries = attempts.alias("tries")
    failure = tries.c.failure
    conditions = [
        _instrument(tries.c.instrument, text),
        _names(tries.c.reference, text),
        _holds(tries.c.scenario, text),
        and_(_reason(failure, text), _reason(_JsonText(failure, "reason"), text)),
        tries.c.method.in_(_methods(sandbox, text)),
        tries.c.buyer_id.in_(_buyers(sandbox, text)),
    ]
    failure_codes = _meanings(text) if len(text) >= _FEWEST_DIGITS else []
    conditions += [and_(tries.c.method == name, failure.contains(f'"code":"{code}"')) for name, code in failure_codes]
    # What is decided after the plan, such as a risk rule, is there by its name.
    conditions.append(_holds(tries.c.decisions, f'"scenario":"{text}"'))
    if digits := phone_digits(text):
        conditions.append(tries.c.attempt_id.in_(_texted(sandbox, digits)))
    if _CODE.fullmatch(text):
        conditions.append(failure.contains(f'"code":"{text.upper()}"'))
    return select(tries.c.order_pk).where(tries.c.seller_id == sandbox.seller_id, or_(*conditions))


def _texted(sandbox: Sandbox, digits: str) -> Select[Any]:
    """Attempts whose code went to a phone whose number ends so, however it was typed."""
    to = inbox.c.to_address
    return select(inbox.c.attempt_id).where(inbox.c.seller_id == sandbox.seller_id, to.endswith(digits))


def _meanings(text: str) -> list[tuple[str, str]]:
    """Methods and codes whose meaning has the text, as the lists print it."""
    return [
        (name, code)
        for name, method in METHODS.items()
        for code, row in method.response_codes.codes.items()
        if text.lower() in row.meaning.lower()
    ]


def _instrument(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Each word in one of the shown parts, or the text in a bank's name; the plain text first, which is cheap."""
    words = [word for word in _MASK.split(text) if word]
    in_parts = [
        and_(_holds(column, word), or_(*(_holds(_JsonText(column, part), word) for part in _SHOWN))) for word in words
    ]
    named = [bank.code for bank in netbanking.BANKS if text.lower() in bank.name.lower()]
    of_bank = or_(*(_JsonText(column, part).in_(named) for part in _BANKS)) if named else false()
    return or_(and_(true(), *in_parts) if words else false(), of_bank)


def _methods(sandbox: Sandbox, text: str) -> list[str]:
    """Methods by what the seller's lists or a provider call them."""
    everywhere = [METHODS, *(provider.methods for provider in sandbox.runtime.providers.values())]
    return sorted(
        {
            code
            for methods in everywhere
            for code, method in methods.items()
            if any(text.lower() in name.lower() for name in (method.title, method.noun))
        }
    )


def _buyers(sandbox: Sandbox, text: str) -> Select[Any]:
    of_seller = buyers.c.seller_id == sandbox.seller_id
    return select(buyers.c.buyer_id).where(of_seller, or_(buyers.c.buyer_id == text, _holds(buyers.c.email, text)))

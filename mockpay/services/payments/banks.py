"""
Net banking's other side: the bank decides in its own book, and its way back is believed
only as far as that book says so.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from mockpay.domain.methods import netbanking
from mockpay.domain.orders import Order
from mockpay.domain.payments.attempts import Attempt, Decision, Source, Stage
from mockpay.domain.scenarios.rows import Row
from mockpay.domain.timeline import Actor
from mockpay.kernel import ids
from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import Money
from mockpay.services.payments.transitions import ORDERS
from mockpay.store import attempts, banks
from mockpay.store.transitions import add_event, require, update
from mockpay.store.unit_of_work import Sandbox

#: What a button of the bank's page decides, and the letter that its way back carries.
BUTTONS: Mapping[str, tuple[str, str]] = {
    "success": ("success", "S"),
    "failure": ("failure", "F"),
    "pending": ("pendingok", "P"),
    "cancel": ("cancelled", "C"),
}
_STATUSES = {"locked": "F", "insufficient": "F"}


class BankReturn(Struct, frozen=True):
    """What a bank's browser brings: everything but the checksum can be forged."""

    bank_ref: str
    status: str
    amount: str
    checksum: str


def open_request(sandbox: Sandbox, attempt: Attempt) -> None:
    """The bank notes the request that its buyer will answer."""
    if attempt.reference is not None:
        banks.add(sandbox, attempt.reference, attempt.attempt_id, attempt.amount.minor)


def decision(sandbox: Sandbox, attempt: Attempt) -> str | None:
    """What the bank's book says by now; None for an open request."""
    entry = banks.of_attempt(sandbox, attempt.attempt_id)
    return entry.outcome if entry else None


def record_decision(sandbox: Sandbox, attempt: Attempt, outcome: str, row: Row | None = None) -> BankReturn:
    """
    The buyer decided on the bank's page; the signed way back.

    The bank takes one decision per request: a button pressed twice leads back with the first.

    Args:
        outcome: Of a button or of a magic user name, such as ``success``.
        row: The row of the user name that decides, where one was typed.

    Raises:
        NotFound: code ``bank_request.not_found``.
    """
    entry = require(banks.of_attempt(sandbox, attempt.attempt_id), "bank_request")
    if not banks.decide(sandbox, entry.bank_ref, outcome):
        outcome = entry.outcome or outcome
    elif row is not None:
        decision = Decision(row.outcome, Source.CODE, row.name, row.equals)
        update(sandbox, attempts.mapper, attempt, **attempt.decision_changes(Stage.ISSUER, decision))
    statuses = dict(BUTTONS.values())
    status = statuses.get(outcome) or _STATUSES.get(outcome, "F")
    amount = Money(entry.amount_minor).wire()
    mark = netbanking.checksum(_key(sandbox), entry.bank_ref, status, amount)
    return BankReturn(entry.bank_ref, status, amount, mark)


def verify_return(sandbox: Sandbox, order: Order, attempt: Attempt | None, back: BankReturn) -> Attempt:
    """
    Refuse a way back that the bank did not write for this attempt; the attempt where it did.

    Raises:
        Invalid: code ``bank.forged``; the timeline says what did not fit.
    """
    expected = netbanking.checksum(_key(sandbox), back.bank_ref, back.status, back.amount)
    wrong = None
    if not ids.same(expected, back.checksum):
        wrong = "checksum"
    elif attempt is None or back.bank_ref != attempt.reference:
        wrong = "bank_ref"
    elif back.amount != attempt.amount.wire():
        wrong = "amount"
    if wrong is not None or attempt is None:
        add_event(sandbox, ORDERS, order, "bank_return_refused", Actor.BUYER, {"wrong": wrong}, before=order.state)
        message = "What came back from the bank was not written by the bank."
        raise Invalid(message, code="bank.forged", wrong=wrong)
    return attempt


def session_token(sandbox: Sandbox, bank_ref: str) -> str:
    """What a bank's page carries once its buyer has logged in; no cookie, and nobody's own."""
    mark = ids.digest(sandbox.seller.secret_key, "bank session", sandbox.seller_id, bank_ref)
    return f"{bank_ref}.{mark.hex()}"


def _key(sandbox: Sandbox) -> bytes:
    """What the seller's gateway shares with the banks; every seller has its own."""
    return ids.digest(sandbox.seller.secret_key, "bank checksum", sandbox.seller_id)

"""Money that comes into a wallet from outside, under its limits, and goes back to what paid it."""

from __future__ import annotations

from mockpay.domain.orders import Order, OrderKind
from mockpay.domain.payments.attempts import Attempt
from mockpay.domain.refunds import Refund
from mockpay.domain.wallet import ledger, limits
from mockpay.domain.wallet.ledger import Journal, JournalFacts, JournalType
from mockpay.kernel.errors import Conflict
from mockpay.kernel.money import Money
from mockpay.services.wallet import balances
from mockpay.services.wallet.posting import post
from mockpay.store import wallet, wallet_profiles
from mockpay.store.unit_of_work import Sandbox


def credit(sandbox: Sandbox, order: Order, attempt: Attempt) -> None:
    """
    Credit what was captured for an order that fills a wallet, once.

    Raises:
        Conflict: as `load`.
    """
    kind = JournalType.AUTO_RELOAD if order.kind is OrderKind.RELOAD else JournalType.TOPUP
    owner, key = str(order.wallet_owner), ledger.load_key(order.order_id)
    load(sandbox, kind, owner, attempt.captured_minor, key, attempt.attempt_id)


def load(
    sandbox: Sandbox, kind: JournalType, owner: str, minor: int, key: str, attempt_id: str | None = None
) -> Journal | None:
    """
    Credit a TOPUP or an AUTO_RELOAD; None where one of this key was credited before.

    Raises:
        Conflict: the reason of a status or limit that refuses it, such as ``wallet_monthly_load_cap``.
    """
    balances.ensure_open(sandbox, owner)
    if wallet.find(sandbox, key) is not None:
        return None
    balances.check(sandbox, owner, limits.load_refusal, minor)
    journal = post(sandbox, kind, owner, key, ledger.moves(kind, minor), attempt_id=attempt_id)
    wallet_profiles.count(sandbox, owner, sandbox.now, loaded_minor=minor)
    return journal


def check_refund(sandbox: Sandbox, order: Order, amount: Money) -> Journal:
    """
    Whether a load can be refunded to what paid it, and the journal that credited it; a wallet's status is not asked.

    Raises:
        Conflict: code ``refund.not_credited`` or ``refund.credit_reversed``: the money goes back, or went, in another
            way; ``wallet.insufficient`` where the balance has less money, gifts not counted, with what is `left`.
    """
    credited = wallet.find(sandbox, ledger.load_key(order.order_id))
    if credited is None:
        message = "This money was not added to the balance; it goes back by itself."
        raise Conflict(message, code="refund.not_credited")
    if wallet.reversal_of(sandbox, credited.number) is not None:
        message = "The entry that added this money to the balance has been reversed."
        raise Conflict(message, code="refund.credit_reversed")
    left = balances.figures(sandbox, credited.owner).money
    if left < amount:
        message = f"The balance has only {left.display()} of money left, so {amount.display()} cannot be taken from it."
        raise Conflict(message, code="wallet.insufficient", field="amount", left=left.wire())
    return credited


def debit_refund(sandbox: Sandbox, order: Order, refund: Refund) -> None:
    """
    Take a load's refund from the balance, once; it counts as loaded no more.

    Raises:
        Conflict: as `check_refund`.
    """
    credited = check_refund(sandbox, order, refund.amount)
    key, minor = ledger.load_refund_key(refund.refund_id), refund.amount.minor
    changes = ledger.moves(JournalType.TOPUP_REFUND, minor)
    about: JournalFacts = {"attempt_id": refund.attempt_id, "refund_id": refund.refund_id}
    if post(sandbox, JournalType.TOPUP_REFUND, credited.owner, key, changes, **about):
        wallet_profiles.count(sandbox, credited.owner, credited.posted_at, loaded_minor=-minor)


def return_refund(sandbox: Sandbox, refund: Refund) -> None:
    """Undo such a debit, whatever the wallet's status and limits: the money did not arrive, or came back."""
    debited = wallet.find(sandbox, ledger.load_refund_key(refund.refund_id))
    credited = wallet.find(sandbox, ledger.load_key(refund.order_id))
    if debited is None or credited is None:
        return
    owner, minor = debited.owner, debited.amount.minor
    changes, _ = balances.inverse(sandbox, debited)
    about: JournalFacts = {
        "attempt_id": refund.attempt_id,
        "refund_id": refund.refund_id,
        "reverses": debited.number,
        "over_cap": balances.is_over_cap(sandbox, owner, minor),
    }
    if post(sandbox, JournalType.REVERSAL, owner, f"reversal:{debited.number}", changes, **about):
        wallet_profiles.count(sandbox, owner, credited.posted_at, loaded_minor=minor)

"""A buyer's wallet balance: what a buyer has, and how an attempt's steps move it."""

from __future__ import annotations

from mockpay.domain import wallet as rules
from mockpay.domain.buyers import BY_EMAIL, normal_email
from mockpay.domain.payments.attempts import Attempt
from mockpay.domain.wallet import JournalType, Kind
from mockpay.kernel.errors import Conflict
from mockpay.kernel.money import Money
from mockpay.store import wallet
from mockpay.store.unit_of_work import Sandbox

_CURRENCY = "INR"


def balance(sandbox: Sandbox, owner: str) -> Money:
    """What a buyer can spend; a buyer who never came yet has the opening balance."""
    minor = wallet.balance(sandbox, owner, Kind.WALLET_MONEY)
    return Money(rules.opening_minor(owner) if minor is None else minor, _CURRENCY)


def hold(sandbox: Sandbox, attempt: Attempt) -> None:
    """
    Set the attempt's amount aside.

    Raises:
        Conflict: code ``wallet.insufficient`` or ``wallet.frozen``.
    """
    owner = attempt.instrument["email"]
    buyer = BY_EMAIL.get(owner)
    if buyer is not None and buyer.frozen:
        raise Conflict("This balance is frozen.", code="wallet.frozen")
    opening = rules.opening_minor(owner)
    if opening:
        _open(sandbox, owner, opening)
    _move(sandbox, JournalType.HOLD, attempt)


def open_balance(sandbox: Sandbox, owner: str, opening: Money) -> None:
    """
    Begin a buyer's balance with another amount than by default.

    Raises:
        Conflict: code ``wallet.opened``: it has begun already.
    """
    if not _open(sandbox, normal_email(owner), opening.minor):
        raise Conflict("This balance has been opened already.", code="wallet.opened", field="balance")


def _open(sandbox: Sandbox, owner: str, minor: int) -> bool:
    return _post(sandbox, JournalType.TOPUP, owner, minor, f"opening:{owner}", None)


def capture_hold(sandbox: Sandbox, attempt: Attempt) -> None:
    """Take what was captured from the attempt's hold and release the rest; nothing without a hold."""
    if _holds(sandbox, attempt):
        _move(sandbox, JournalType.CAPTURE, attempt, attempt.captured_minor)
        if rest := attempt.amount.minor - attempt.captured_minor:
            _move(sandbox, JournalType.RELEASE, attempt, rest)


def release_hold(sandbox: Sandbox, attempt: Attempt) -> None:
    """Give back what the attempt held; nothing without a hold."""
    if _holds(sandbox, attempt):
        _move(sandbox, JournalType.RELEASE, attempt)


def return_capture(sandbox: Sandbox, attempt: Attempt) -> None:
    """Give back all that was captured of the attempt's hold; nothing without a hold."""
    if _holds(sandbox, attempt):
        _move(sandbox, JournalType.REFUND, attempt, attempt.captured_minor)


def _holds(sandbox: Sandbox, attempt: Attempt) -> bool:
    return wallet.has_journal(sandbox, _key(JournalType.HOLD, attempt))


def refund(sandbox: Sandbox, attempt: Attempt, name: str, minor: int) -> None:
    """Credit the balance that paid, once for each refund's name."""
    owner, key = attempt.instrument["email"], f"refund:{name}"
    _post(sandbox, JournalType.REFUND, owner, minor, key, attempt.attempt_id)


def charge_back(sandbox: Sandbox, attempt: Attempt, name: str, minor: int) -> None:
    """
    Undo such a credit.

    Raises:
        Conflict: code ``wallet.insufficient``: it has been spent meanwhile.
    """
    owner, key = attempt.instrument["email"], f"chargeback:{name}"
    _post(sandbox, JournalType.CHARGEBACK, owner, minor, key, attempt.attempt_id)


def _move(sandbox: Sandbox, kind: JournalType, attempt: Attempt, minor: int | None = None) -> None:
    owner, key = attempt.instrument["email"], _key(kind, attempt)
    amount = attempt.amount.minor if minor is None else minor
    _post(sandbox, kind, owner, amount, key, attempt.attempt_id)


def _key(kind: JournalType, attempt: Attempt) -> str:
    return f"{kind.lower()}:{attempt.attempt_id}"


def _post(sandbox: Sandbox, kind: JournalType, owner: str, minor: int, key: str, attempt_id: str | None) -> bool:
    return wallet.post(
        sandbox, kind, owner=owner, amount_minor=minor, currency=_CURRENCY, key=key, attempt_id=attempt_id
    )

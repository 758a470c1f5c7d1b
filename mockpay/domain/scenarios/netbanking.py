"""Magic banks, and magic users of any bank's log-in page."""

from __future__ import annotations

from collections.abc import Iterable

from mockpay.domain.payments.attempts import Stage
from mockpay.domain.scenarios.rows import Input, Row

#: Banks that answer by themselves: outcome and words.
_MAGIC_BANKS: tuple[tuple[str, str, str], ...] = (
    ("MKS1", "success", "pays without a click"),
    ("MKF1", "failure", "declines without a click"),
    ("MKP1", "pendingok", "pending, then paid"),
    ("MKP2", "pendingfail", "pending, then declined"),
    ("MKC1", "cancelled", "the buyer cancels at the bank"),
    ("MKT1", "never_returns", "the buyer never comes back"),
    ("MKD1", "bankdown", "down; it cannot be chosen"),
    ("MKL1", "late", "pays after the order expired, so sent back"),
    ("MKX1", "forged", "comes back with a forged checksum; never pays"),
    ("MKA1", "approval", "waits for a second person's approval"),
)
_BANK_USERS: tuple[tuple[str, str, str], ...] = (
    ("locked", "locked", "account locked"),
    ("nofunds", "insufficient", "not enough funds"),
)


def bank_rows() -> Iterable[Row]:
    """Magic banks, and users of any bank's log-in page."""
    for code, outcome, description in _MAGIC_BANKS:
        yield Row(f"bank.{code.lower()}", Stage.ISSUER, Input.BANK, code, outcome, description)
    for user, outcome, description in _BANK_USERS:
        yield Row(f"bank.user.{user}", Stage.AUTH, Input.BANK_USER, user, outcome, description)

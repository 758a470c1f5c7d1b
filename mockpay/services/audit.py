"""Proving that a world's money and states agree."""

from __future__ import annotations

from mockpay.store.reads import audit as checks
from mockpay.store.reads.violations import Violation as Violation
from mockpay.store.unit_of_work import Sandbox


def audit(sandbox: Sandbox) -> list[Violation]:
    """Every broken invariant of the seller's world; an empty list for a sound one."""
    return [found for check in checks.CHECKS for found in check(sandbox)]

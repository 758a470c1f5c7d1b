"""What an audit reports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken invariant: which `rule`, of which order, attempt or account, in words."""

    rule: str
    subject: str
    says: str

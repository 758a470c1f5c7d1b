"""What an audit reports, and how a table of rules finds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, bindparam

from mockpay.store.unit_of_work import Sandbox


class Violation(Struct, frozen=True):
    """A broken invariant: which `rule`, of which order, attempt or account, in words."""

    rule: str
    subject: str
    description: str


Check = Callable[[Sandbox], Iterator[Violation]]
#: (rule, what breaks it, in words).
Rule = tuple[str, ColumnElement[bool], str]
#: Whose world is looked at; a check that runs its own statement names it too.
SELLER: ColumnElement[str] = bindparam("seller")


def seller_of(sandbox: Sandbox) -> dict[str, str]:
    """The value of `SELLER`."""
    return {"seller": sandbox.seller_id}


def check_of(subjects: Select[Any], rules: Sequence[Rule]) -> Check:
    """
    Look for what breaks each of the rules.

    Args:
        subjects: The names of what there is in a world, in the order in which it is told.
    """

    @cache
    def queries() -> list[tuple[str, Select[Any], str]]:
        # At the first audit: to build them takes longer than to run them.
        return [(rule, subjects.where(broken), description) for rule, broken, description in rules]

    def check(sandbox: Sandbox) -> Iterator[Violation]:
        for rule, query, description in queries():
            for subject in sandbox.connection.execute(query, seller_of(sandbox)).scalars():
                yield Violation(rule, subject, description)

    return check

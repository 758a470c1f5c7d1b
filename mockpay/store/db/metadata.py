"""The tables' common ground: one MetaData and the column kinds that all of them use."""

from __future__ import annotations

from typing import Any

from sqlalchemy import DDL, BigInteger, Column, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.event import listen

metadata = MetaData()

#: Row numbers: SQLite counts only INTEGER primary keys, PostgreSQL wants BIGINT.
RowId = BigInteger().with_variant(Integer, "sqlite")
#: The `info` of a table that a reset leaves alone: it holds settings, not what happened.
SETTINGS = {"settings": True}
#: Milliseconds since 1970, or paise.
Big = BigInteger


def row_id() -> Column[int]:
    """A table's own number, in the order of insertion."""
    return Column("id", RowId, primary_key=True, autoincrement=True)


def text(name: str, *, null: bool = False, **options: Any) -> Column[str]:
    """A text column, not null unless said."""
    return Column(name, Text, nullable=null, **options)


def big(name: str, *, null: bool = False, **options: Any) -> Column[int]:
    """A whole number of 64 bits, not null unless said."""
    return Column(name, Big, nullable=null, **options)


def sealed(name: str, kind: str, *, of: str, null: bool = False) -> Column[bytes]:
    """
    A column of what the key ring sealed; its `info` is all that a rotation needs to know.

    Args:
        kind: What it was sealed as.
        of: The column of the owner's name, which it was sealed for.
    """
    return Column(name, LargeBinary, nullable=null, info={"sealed": kind, "owner": of})


def partial_index(table: Table, name: str, columns: str, *, where: str, unique: bool = False) -> None:
    """
    An index of some of a table's rows only; a unique one is a rule that the database keeps.

    As text: both kinds of database spell it so, and an Index of SQLAlchemy's that names either
    kind would load both dialects at every start.
    """
    kind = "UNIQUE INDEX" if unique else "INDEX"
    statement = f"CREATE {kind} {name} ON {table.name} ({columns}) WHERE {where}"
    listen(table, "after_create", DDL(statement))  # type: ignore[no-untyped-call]

"""Real time by the database's clock: servers that share one agree on when a lease is over."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, text

from mockpay.kernel.clock import RealClock, SystemClock
from mockpay.store.db.engine import reading

_NOW = text("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")


@dataclass(frozen=True, slots=True)
class SetClock:
    """A machine's clock and by how many ms it is slow."""

    machine: RealClock
    slow: int

    def now(self) -> int:
        """Milliseconds since 1970."""
        return self.machine.now() + self.slow


def database_clock(engine: Engine, machine: RealClock | None = None) -> RealClock:
    """
    The machine's clock, set by PostgreSQL's: asked once, so that no call pays for it.

    Whoever shares a SQLite file shares the machine as well.

    Raises:
        SQLAlchemyError: the database does not answer.
    """
    machine = machine or SystemClock()
    if engine.dialect.name != "postgresql":
        return machine
    with reading(engine) as connection:
        connection.execute(_NOW)  # Once for nothing: the second time there is only the way there.
        asked = machine.now()
        told = int(connection.execute(_NOW).scalar_one())
        answered = machine.now()
    return SetClock(machine, told - (asked + answered) // 2)

"""The timeline: what happened to an order and its attempts, in order, and who made it happen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from msgspec import Struct

from mockpay.kernel.errors import IllegalTransition


class Actor(StrEnum):
    """Whose doing an event is."""

    SELLER = "seller"
    BUYER = "buyer"
    ISSUER = "issuer"
    CLOCK = "clock"
    TESTER = "tester"
    SANDBOX = "sandbox"


class TimelineEvent(Struct, frozen=True):
    """One step of one machine; `before` is None where something came into being."""

    at: int
    machine: str
    subject: str
    event: str
    before: str | None
    after: str
    actor: Actor
    facts: Mapping[str, object]


State = TypeVar("State", bound=StrEnum)


class Machine(Struct, Generic[State], frozen=True):
    """A named table (state, event) -> state."""

    name: str
    table: Mapping[tuple[State, str], State]

    def target(self, state: State, event: str) -> State:
        """
        Where `event` leads from `state`.

        Raises:
            IllegalTransition: the table has no such step.
        """
        try:
            return self.table[state, event]
        except KeyError:
            message = f"A {self.name} that is {state} cannot do '{event}'."
            raise IllegalTransition(message, machine=self.name, state=state, event=event) from None

    def allows(self, state: State, event: str) -> bool:
        """Tell whether the table has this step."""
        return (state, event) in self.table


def steps(state: Iterable[State], **to: State) -> dict[tuple[State, str], State]:
    """Write several states with the same events in one line of a table."""
    return {(source, event): target for source in state for event, target in to.items()}

"""The timeline: what happened to an order and its attempts, in order, and who made it happen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Actor(StrEnum):
    """Whose doing an event is."""

    SELLER = "seller"
    BUYER = "buyer"
    ISSUER = "issuer"
    CLOCK = "clock"
    TESTER = "tester"
    SANDBOX = "sandbox"


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """One step of one machine; `before` is None where something came into being."""

    at: int
    machine: str
    subject: str
    event: str
    before: str | None
    after: str
    actor: Actor
    facts: Mapping[str, object]

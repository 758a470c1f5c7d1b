"""What an attempt will meet, stage by stage: decided once, stored with it, read by later stages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Stage(StrEnum):
    """Where in a payment a scenario acts; a magic value acts on exactly one."""

    RISK = "risk"
    AUTH = "auth"
    ISSUER = "issuer"
    GATEWAY = "gateway"
    CAPTURE = "capture"
    REDIRECT = "redirect"
    IPN = "ipn"
    VERIFY = "verify"
    REFUND = "refund"


class Source(StrEnum):
    """What may decide a stage, highest first."""

    RULE = "rule"
    SIMULATION = "simulation"
    INSTRUMENT = "instrument"
    AMOUNT = "amount"
    DEFAULT = "default"
    SUCCESS = "success"


@dataclass(frozen=True, slots=True)
class Decision:
    """
    What one stage will meet, and who decided.

    `scenario` names the row of the table or the rule; `seen` is the value that matched;
    `delay_seconds` is when a later answer comes, where the scenario says that too.
    """

    outcome: str
    source: Source
    scenario: str | None = None
    seen: str | None = None
    delay_seconds: int | None = None


NORMAL = Decision("success", Source.SUCCESS)


@dataclass(frozen=True, slots=True)
class Plan:
    """The decisions of all stages that are not simply normal."""

    decisions: Mapping[Stage, Decision] = field(default_factory=dict)

    def at(self, stage: Stage) -> Decision:
        """What this stage will meet."""
        return self.decisions.get(stage, NORMAL)

    def decides(self, stage: Stage) -> bool:
        """Whether a scenario decided this stage."""
        return stage in self.decisions

    @property
    def scenario(self) -> str | None:
        """The scenario that decided first; None where everything was normal."""
        return next((d.scenario for d in self.decisions.values() if d.scenario), None)

    def dump(self) -> dict[str, object]:
        """As plain values, for the store and the control API."""
        return {str(stage): asdict(decision) for stage, decision in self.decisions.items()}

    @classmethod
    def load(cls, plain: Mapping[str, Mapping[str, Any]]) -> Plan:
        """Read what `dump` wrote."""
        return cls({Stage(stage): _decision(one) for stage, one in plain.items()})


def _decision(plain: Mapping[str, Any]) -> Decision:
    return Decision(**{**plain, "source": Source(plain["source"])})

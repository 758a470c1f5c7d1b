"""The lines of the table, and how they are judged and printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Line:
    """
    One figure of the table.

    Args:
        value: What is judged: a ratio to the floor, or an amount in `unit`.
        gate: What must be reached; None for a figure that is only told.
        verdict: Said instead of a judgement, e.g. of a run that was too short for one.
    """

    what: str
    measured: str
    floor: str
    value: float
    unit: str
    gate: float | None
    goal: float | None
    verdict: str | None = None

    @property
    def missed(self) -> bool:
        """Whether the gate was judged and not reached."""
        return self.verdict is None and self.gate is not None and self.value > self.gate

    def judged(self) -> str:
        """The verdict in a word or two."""
        if self.verdict is not None:
            return self.verdict
        if self.missed:
            return "MISSED"
        return "goal met" if self.goal is not None and self.value <= self.goal else "gate met"

    def cells(self) -> list[str]:
        """The line's cells as the table shows them."""
        amount = f"{self.value:.2f} {self.unit}".rstrip()
        gate, goal = (_bound(bound, self.unit) for bound in (self.gate, self.goal))
        return [self.what, self.measured, self.floor, amount, gate, goal, self.judged()]


HEADINGS = ["what", "measured", "floor", "result", "gate", "goal", "verdict"]


def _bound(bound: float | None, unit: str) -> str:
    return "" if bound is None else f"<= {bound:g} {unit}".rstrip()


def table(lines: Sequence[Line]) -> str:
    """All lines as a Markdown table that also reads well as it is."""
    rows = [HEADINGS, *(line.cells() for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    shown = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    shown.insert(1, "-|-".join("-" * width for width in widths))
    return "\n".join(f"| {line} |" if "-|-" not in line else f"|-{line}-|" for line in shown)


def against(
    what: str, measured: Sequence[float], floor: Sequence[float], name: str, gate: float, goal: float
) -> Line:
    """A ratio of CPU times in seconds: the median of the rounds over the floor's median."""
    took, least = median(measured), median(floor)
    shown = f"{name} = {least * 1e6:.0f} us"
    return Line(what, f"{took * 1e6:.0f} us", shown, took / least, name, gate, goal)

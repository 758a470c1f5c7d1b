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
        verdict: Written instead of a judgement, e.g. of a run that was too short for one.
        higher: Whether more is better, so that gate and goal are lower bounds.
    """

    what: str
    measured: str
    floor: str
    value: float
    unit: str
    gate: float | None
    goal: float | None
    verdict: str | None = None
    higher: bool = False

    @property
    def missed(self) -> bool:
        """Whether the gate was judged and not reached."""
        return self.verdict is None and self.gate is not None and not self._reaches(self.gate)

    def _reaches(self, bound: float) -> bool:
        return self.value >= bound if self.higher else self.value <= bound

    def judged(self) -> str:
        """The verdict in a word or two."""
        if self.verdict is not None:
            return self.verdict
        if self.missed:
            return "MISSED"
        return "goal met" if self.goal is not None and self._reaches(self.goal) else "gate met"

    def cells(self) -> list[str]:
        """The line's cells as the table shows them."""
        amount = f"{self.value:.2f} {self.unit}".rstrip()
        gate, goal = (self._bound(bound) for bound in (self.gate, self.goal))
        return [self.what, self.measured, self.floor, amount, gate, goal, self.judged()]

    def _bound(self, bound: float | None) -> str:
        sign = ">=" if self.higher else "<="
        return "" if bound is None else f"{sign} {bound:g} {self.unit}".rstrip()


HEADINGS = ["what", "measured", "floor", "result", "gate", "goal", "verdict"]


def table(lines: Sequence[Line]) -> str:
    """All lines as a Markdown table that also reads well as it is."""
    rows = [HEADINGS, *(line.cells() for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    shown = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    shown.insert(1, "-|-".join("-" * width for width in widths))
    return "\n".join(f"| {line} |" if "-|-" not in line else f"|-{line}-|" for line in shown)


def against(what: str, measured: Sequence[float], floor: Sequence[float], name: str, gate: float, goal: float) -> Line:
    """A ratio of CPU times in seconds: the median of the rounds over the floor's median."""
    took, least = median(measured), median(floor)
    shown = f"{name} = {least * 1e6:.0f} us"
    return Line(what, f"{took * 1e6:.0f} us", shown, took / least, name, gate, goal)

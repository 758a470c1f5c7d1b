"""Row 4: from the start of the process to the first answer, when keys and database exist."""

from __future__ import annotations

from statistics import median

from bench.floors import import_flask
from bench.place import Place
from bench.program import Program
from bench.report import Line


def measure(rounds: int) -> list[Line]:
    """Second starts in turn with a Python that imports Flask."""
    with Place() as place:
        with Program(place):
            pass
        import_flask(place.environ())
        starts, floor = [], []
        for _ in range(rounds):
            floor.append(import_flask(place.environ()))
            with Program(place) as program:
                starts.append(program.started)
    took, least = median(starts), median(floor)
    what = "process start to first 200 (second start)"
    measured, told = f"{took * 1e3:.0f} ms", f"I = {least * 1e3:.0f} ms"
    return [Line(what, measured, told, took / least, "I", 3.5, 2.5)]

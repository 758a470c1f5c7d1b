"""Rows 5 and 6: what many payments leave behind in memory, and what they do to the next one."""

from __future__ import annotations

import time
from statistics import median

from bench.load import Buyers
from bench.place import Place
from bench.program import Program
from bench.report import Line
from bench.served import pay

#: Payments that the contract's growth is measured over.
MANY = 100_000
_FEW = 1_000
_CONNECTIONS = 4
_SETTLE_SECONDS = 1.0


def measure(rounds: int, payments: int, many: int) -> list[Line]:
    """Two servers side by side: one takes `many` payments first, the other only a few."""
    with Place() as here, Place() as there:
        for place in (here, there):
            with Program(place):
                pass  # The first start makes keys and compiles: that is not a server at rest.
        return _side_by_side(here, there, rounds, payments, many)


def _side_by_side(here: Place, there: Place, rounds: int, payments: int, many: int) -> list[Line]:
    verdict = None if many >= MANY else "quick, no verdict on growth"
    with Program(here) as big, Program(there) as small:
        time.sleep(_SETTLE_SECONDS)
        idle = big.memory()
        with Buyers(big, here) as most, Buyers(small, there) as least:
            pay(small, least, _CONNECTIONS, _FEW)
            pay(big, most, _CONNECTIONS, many)
            grown = big.memory() - idle
            late, early = [], []
            for _ in range(rounds):
                early.append(pay(small, least, _CONNECTIONS, payments))
                late.append(pay(big, most, _CONNECTIONS, payments))
    last, first = median(late), median(early)
    stored = f"CPU per payment at {many:,} stored orders against {_FEW:,}"
    told = f"{first * 1e6:.0f} us"
    return [
        Line("idle RSS", f"{idle:.1f} MB", "", idle, "MB", 85, 70),
        Line(
            f"RSS growth after {many:,} payments",
            f"{idle + grown:.1f} MB",
            f"{idle:.1f} MB",
            grown,
            "MB",
            30,
            10,
            verdict,
        ),
        Line(stored, f"{last * 1e6:.0f} us", told, last / first, "x", 1.2, 1.05, verdict),
    ]

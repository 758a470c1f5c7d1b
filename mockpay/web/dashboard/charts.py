"""An hour of orders as stacked bars, computed for an inline SVG."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mockpay.domain.orders import CLOSED_UNPAID, OPEN, OrderState
from mockpay.kernel.clock import SECOND, indian
from mockpay.store.reads.lists import Bar

MINUTE = 60 * SECOND
MINUTES = 60
#: The drawing is 60 slots of 10 wide and 40 high; one order is never taller than this.
_SLOT, _BAR, _HEIGHT, _TALLEST_ORDER = 10, 8, 39, 8
_GAP = 1.0

#: Colour and words of each band, from below.
BANDS: Mapping[str, tuple[str, frozenset[OrderState]]] = {
    "ok": ("paid", frozenset({OrderState.PAID})),
    "back": ("refunded", frozenset({OrderState.PARTIALLY_REFUNDED, OrderState.REFUNDED})),
    "wait": ("waiting", OPEN | {OrderState.AUTHORIZED}),
    "bad": ("failed or stopped", CLOSED_UNPAID),
}


@dataclass(frozen=True, slots=True)
class Block:
    """One rectangle; `kind` is the colour's class."""

    kind: str
    x: int
    y: float
    width: int
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Rectangles, labels below the axis, and one sentence that gives the numbers."""

    blocks: tuple[Block, ...]
    labels: tuple[str, ...]
    sentence: str


def first_minute(now: int) -> int:
    """Where the hour that ends with this minute begins."""
    return now // MINUTE * MINUTE - (MINUTES - 1) * MINUTE


def orders_each_minute(bars: Iterable[Bar], now: int) -> Chart:
    """The chart of the hour that ends now."""
    start = first_minute(now)
    stacks = {(bar.at - start) // MINUTE: _by_band(bar.counts) for bar in bars}
    tallest = max((sum(stack.values()) for stack in stacks.values()), default=1)
    unit = min(_HEIGHT / max(tallest, 1), _TALLEST_ORDER)
    blocks = [block for slot, stack in sorted(stacks.items()) for block in _stack(slot, stack, unit)]
    labels = tuple(f"{indian(start + m * MINUTE):%H:%M}" for m in (0, 15, 30, 45, MINUTES))
    return Chart(tuple(blocks), labels, _sentence(stacks.values(), labels))


def _by_band(counts: Mapping[str, int]) -> dict[str, int]:
    return {kind: sum(counts.get(str(state), 0) for state in states) for kind, (_, states) in BANDS.items()}


def _stack(slot: int, stack: Mapping[str, int], unit: float) -> Iterable[Block]:
    top = float(_HEIGHT)
    for kind, count in stack.items():
        if count:
            height = count * unit
            top -= height
            yield Block(kind, slot * _SLOT + 1, round(top, 2), _BAR, round(max(height - _GAP, 0.5), 2))


def _sentence(stacks: Iterable[Mapping[str, int]], labels: tuple[str, ...]) -> str:
    total = dict.fromkeys(BANDS, 0)
    for stack in stacks:
        for kind, count in stack.items():
            total[kind] += count
    counts = ", ".join(f"{total[kind]} {words}" for kind, (words, _) in BANDS.items())
    return f"Orders each minute from {labels[0]} to {labels[-1]}: {counts}."

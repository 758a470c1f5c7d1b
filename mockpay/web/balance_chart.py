"""A balance over time as the points of an inline SVG; the history beside it says the same in words."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from mockpay.kernel.clock import rfc3339
from mockpay.store.reads.wallet_entries import Entry
from mockpay.web.wording.timelines import moment

WIDTH, HEIGHT, _MARGIN = 320, 96, 6


class Chart(Struct, frozen=True):
    """A step line from the oldest entry to the newest, and the rows of its table, the newest first."""

    line: str
    area: str
    lowest: str
    highest: str
    rows: Sequence[tuple[str, str, str]]
    width: int = WIDTH
    height: int = HEIGHT


def chart(entries: Sequence[Entry]) -> Chart | None:
    """The balance after each of the entries, which are the newest first; None of less than two."""
    if len(entries) < 2:
        return None
    journals = [entry.journal for entry in reversed(entries)]
    balances = [journal.balance_after for journal in journals]
    highest = max(balances)
    scale = (HEIGHT - 2 * _MARGIN) / max(highest.minor, 1)
    step = WIDTH / len(journals)
    # By the place in the list, not by time: a month of silence must not hide a busy day.
    points = []
    for place, balance in enumerate(balances):
        y = HEIGHT - _MARGIN - balance.minor * scale
        points += [f"{place * step:.1f},{y:.1f}", f"{(place + 1) * step:.1f},{y:.1f}"]
    return Chart(
        line=" ".join(points),
        area=" ".join([f"0,{HEIGHT}", *points, f"{WIDTH},{HEIGHT}"]),
        lowest=min(balances).display(),
        highest=highest.display(),
        rows=[
            (rfc3339(journal.posted_at), moment(journal.posted_at), journal.balance_after.display())
            for journal in reversed(journals)
        ],
    )

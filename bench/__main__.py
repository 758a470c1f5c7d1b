"""`python -m bench`: measure, print the table, exit with 1 where a gate is missed."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping

from bench import (
    balances,
    companies,
    events,
    gateway_log,
    growth,
    histories,
    in_process,
    localstripe,
    notifications,
    routing,
    sellers,
    served,
    starting,
    waits,
)
from bench.report import Line, table


def parts(*, quick: bool) -> Mapping[str, Callable[[], list[Line]]]:
    """Each part of the table by name."""
    rounds, payments = (5, 200) if quick else (9, 400)
    many = 5_000 if quick else growth.MANY
    tenth = 10 if quick else 1
    return {
        "in-process": lambda: in_process.measure(rounds, payments),
        "balances": lambda: balances.measure(rounds, payments),
        "routing": lambda: routing.measure(rounds, payments // 4),
        "histories": lambda: histories.measure(rounds, payments // 8, histories.MANY // tenth),
        "gateway-log": lambda: gateway_log.measure(rounds, payments // 8, gateway_log.MANY // tenth),
        "served": lambda: served.measure(rounds, payments),
        "start": lambda: starting.measure(rounds),
        "waits": lambda: waits.measure(rounds, payments),
        "sellers": lambda: sellers.measure(rounds, payments),
        "localstripe": lambda: localstripe.measure(5, payments),
        "companies": lambda: companies.measure(3 if quick else 5, payments // 4),
        "growth": lambda: growth.measure(rounds, payments, many),
        # Three rounds are enough: one takes seconds and they differ by a few in a hundred.
        "events": lambda: events.measure(3, events.PENDING // tenth, events.DUE // tenth),
        "notifications": lambda: notifications.measure(5, notifications.MANY // tenth),
    }


def main() -> int:
    """Run what the command line asks for."""
    names = list(parts(quick=True))
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", choices=names, action="append", help="this part alone")
    parser.add_argument("--quick", action="store_true", help="fewer payments, no verdict on growth")
    told = parser.parse_args()
    lines: list[Line] = []
    for name, measure in parts(quick=told.quick).items():
        if told.only and name not in told.only:
            continue
        began = time.perf_counter()
        lines += measure()
        print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
    print(table(lines))
    return int(any(line.missed for line in lines))


if __name__ == "__main__":
    sys.exit(main())

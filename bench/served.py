"""Rows 2 and 3: processPayment through `mockpay serve`, as CPU and as waiting time."""

from __future__ import annotations

from statistics import median

from bench.floors import Commit, Decryption
from bench.load import Buyers
from bench.place import Place
from bench.program import Program, one_core
from bench.report import Line, against
from bench.requests import Shop
from mockpay.kernel.keys.files import open_keys
from mockpay.providers.amazonpay.keys import PAYMENT_KEY

_CONNECTIONS = 4


def measure(rounds: int, payments: int) -> list[Line]:
    """Rounds of so many payments over several connections and over one, in turn with floors."""
    cpu, waits, floor, decryption = [], [], [], []
    with Place() as place, Program(place) as program, Buyers(program, place) as buyers:
        commit, shop = Commit(place.folder), Shop(place.keys)
        key = open_keys(place.keys, [PAYMENT_KEY]).private[PAYMENT_KEY.private]
        pay(program, buyers, _CONNECTIONS, payments)
        for _ in range(rounds):
            with one_core(program):
                cpu.append(pay(program, buyers, _CONNECTIONS, payments))
            buyers.seal(1, payments)
            waits.append(buyers.pay())
            wrapped = [request.wrapped_key for request in shop.many(payments)]
            decryption.append(Decryption(key, wrapped).round())
            floor.append(decryption[-1] + commit.round(payments))
    return [
        against("the same through `mockpay serve`", cpu, floor, "F", 3.5, 2.6),
        _above("p50 at one idle connection", median(waits), median(decryption)),
    ]


def pay(program: Program, buyers: Buyers, connections: int, payments: int) -> float:
    """Seconds of the server's CPU for one payment."""
    buyers.seal(connections, payments)
    before = program.cpu()
    buyers.pay()
    return (program.cpu() - before) / (payments // connections * connections)


def _above(what: str, wait: float, least: float) -> Line:
    measured, floor = f"{wait * 1e3:.2f} ms", f"R = {least * 1e3:.2f} ms"
    return Line(what, measured, floor, (wait - least) / least, "R above R", 2.0, 1.2)

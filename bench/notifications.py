"""
Row 8: signed notifications of refunds that the clock settles, delivered to another process.

`python -m bench.notifications` is that other process: a merchant's endpoint that answers 200
over kept connections and tells its port first.  What it costs is not the sandbox's.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from threading import Thread

from bench.floors import cpu_of
from bench.place import Place
from bench.report import Line, against
from mockpay.app import create_app, runtime_of
from mockpay.delivery import clock, outbox, scheduler
from mockpay.delivery.sender_pool import Worker
from mockpay.domain.methods.upi import Upi
from mockpay.domain.orders import PaymentRequest
from mockpay.domain.refunds import RefundRequest
from mockpay.kernel.clock import SECOND, Mode
from mockpay.kernel.keys.files import open_keys
from mockpay.kernel.money import Money
from mockpay.providers.amazonpay.keys import NOTIFICATION_KEY
from mockpay.services.payments import orders, payments
from mockpay.services.payments.transitions import get_order
from mockpay.services.refunds import refunds
from mockpay.services.sellers import accounts
from mockpay.services.sellers.accounts import Changes, NewSeller
from mockpay.settings import Settings
from mockpay.store import outbox as outbox_rows
from mockpay.store import sellers as seller_rows
from mockpay.store.db.engine import close
from mockpay.store.unit_of_work import Runtime, read, transaction
from mockpay.wire.amazonpay.sns import sign_notification

#: Refunds of a round, whose wall time is told too.
MANY = 1_000
_GATE, _GOAL = 3.5, 2.5
#: As long as a refund's notification is.
_BODY = {
    "Type": "Notification",
    "MessageId": "3ad7b0c6-5b3c-5d0e-9c43-9d5b0a4c1b2f",
    "TopicArn": "arn:aws:sns:ap-south-1:598607868003:A3FDG49KKM823YA1MOCKPAYSELLER",
    "Message": "0123456789" * 120,
    "Timestamp": "2026-11-21T12:00:00.000Z",
}
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nOK"


def measure(rounds: int, many: int) -> list[Line]:
    """Rounds of so many refunds: settled by the clock, then told by the worker."""
    settled, walls, told, floor = [], [], [], []
    with Place() as place, _endpoint() as url:
        app = create_app(Settings(database_url=str(place.database), keys_dir=place.keys))
        runtime = runtime_of(app)
        key = open_keys(place.keys, [NOTIFICATION_KEY]).private[NOTIFICATION_KEY.private]
        try:
            for number in range(rounds + 1):
                seller_id = _refunding(runtime, url, many if number else 50)
                cpu, wall = _settle(runtime, seller_id, many if number else 50)
                spent = _deliver(runtime, seller_id) / (many if number else 50)
                if number:  # The first round loads and compiles.
                    settled.append(cpu)
                    walls.append(wall)
                    told.append(spent)
                    floor.append(cpu_of(lambda: sign_notification(_BODY, key), 200))
        finally:
            close(runtime.engine, runtime.writer)
    what = f"a real refund settlement: {many:,} due ones fired by the clock"
    shown, took = f"{median(settled) * 1e6:.0f} us each", median(walls)
    return [
        against("CPU per signed notification delivered", told, floor, "signs", _GATE, _GOAL),
        Line(what, shown, "", took, "s", None, None, "no gate"),
    ]


def _refunding(runtime: Runtime, url: str, many: int) -> str:
    """A new seller with as many refunds, each of an order of its own, that are due later."""
    seller_id = accounts.create(runtime, NewSeller()).seller_id
    clock.put(runtime, seller_id, Mode.FROZEN, None)
    paid = [_paid(runtime, seller_id, number) for number in range(many)]
    with transaction(runtime, seller_id) as sandbox:
        accounts.change(sandbox, Changes(ipn_url=url))
    for number, order_pk in enumerate(paid):
        with transaction(runtime, seller_id) as sandbox:
            asked = RefundRequest(f"refund-{number}", Money.parse("499.00"))
            refunds.request(sandbox, get_order(sandbox, order_pk), asked)
    return seller_id


def _paid(runtime: Runtime, seller_id: str, number: int) -> int:
    """A paid order; its number."""
    wish = PaymentRequest(
        "amazonpay", f"order-{number}", Money.parse("499.00"), "http://127.0.0.1:8420/shop/return", f"digest-{number}"
    )
    with transaction(runtime, seller_id) as sandbox:
        order = orders.open_order(sandbox, wish).order
        assert order is not None
        started = payments.pay(sandbox, order, Upi("success@mockpay"))
    outbox.send_leased(runtime, seller_id, started.outbox_id)
    scheduler.fire_present(runtime, seller_id)
    return order.order_pk


def _settle(runtime: Runtime, seller_id: str, many: int) -> tuple[float, float]:
    """Seconds of CPU for one refund that becomes due, and of wall time for all."""
    target = clock.get_clock(runtime, seller_id)[1] + 3_600 * SECOND
    count, more = 0, True
    wall, cpu = time.perf_counter(), time.process_time()
    while more:
        fired = scheduler.fire(runtime, seller_id, target)
        count, more = count + fired.count, fired.more
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    _expect(many, count, "refunds to settle")
    _expect(many, _waiting(runtime, seller_id), "notifications to wait")
    return cpu / many, wall


def _deliver(runtime: Runtime, seller_id: str) -> float:
    """Seconds of CPU that the worker and its senders take to tell all that waits."""
    many = _waiting(runtime, seller_id)
    began, worker = time.process_time(), Worker(runtime)
    worker.start()
    try:
        while _waiting(runtime, seller_id):
            time.sleep(0.05)
    finally:
        worker.stop()
    took = time.process_time() - began
    with transaction(runtime, seller_id) as sandbox:
        _, delivered = seller_rows.take_counts(sandbox.connection, seller_id)
    _expect(many, delivered, "notifications to be delivered")
    return took


def _waiting(runtime: Runtime, seller_id: str) -> int:
    with read(runtime, seller_id) as sandbox:
        return outbox_rows.count_waiting(sandbox)


def _expect(wanted: int, got: int, what: str) -> None:
    if got != wanted:
        message = f"expected {wanted} {what}, got {got}"
        raise RuntimeError(message)


@contextmanager
def _endpoint() -> Iterator[str]:
    """The merchant's process; its IPN URL."""
    command = [sys.executable, "-m", "bench.notifications"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/ipn"
    finally:
        process.stdin.close()
        process.wait(10)


def _answer(line: socket.socket) -> None:
    """Answer 200 to every request of a connection."""
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    got = b""
    while piece := line.recv(65_536):
        got += piece
        head, end, body = got.partition(b"\r\n\r\n")
        length = _LENGTH.search(head + b"\r\n")
        if end and length and len(body) >= int(length[1]):
            got = body[int(length[1]) :]
            line.sendall(_ANSWER)


def _listen(listener: socket.socket) -> None:
    while True:
        line, _ = listener.accept()
        Thread(target=_answer, args=(line,), daemon=True).start()


def main() -> None:
    """Take notifications until the other side hangs up."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    print(listener.getsockname()[1], flush=True)
    Thread(target=_listen, args=(listener,), daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()

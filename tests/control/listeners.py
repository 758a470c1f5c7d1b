"""A seller's server that is told of payments and refunds, and answers as a test has it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

#: In place of a status: no answer at all.
SILENCE = 0
_PATIENCE = 30


@dataclass
class Listener:
    """`answers` are given in turn, 200 when there are none left; `received` is what came."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    received: list[str] = field(default_factory=list)
    closing: Event = field(default_factory=Event)

    def status(self, body: str) -> int:
        self.received.append(body)
        return self.answers.pop(0) if self.answers else 200


@contextmanager
def listening() -> Iterator[Listener]:
    """A listener on a port of its own."""
    listener = Listener()

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            status = listener.status(self.rfile.read(length).decode())
            if status == SILENCE:
                listener.closing.wait(_PATIENCE)
                return
            self.send_response(status)
            self.end_headers()
            self.wfile.write(f"said {status}".encode())

        def log_message(self, *_: object) -> None:
            """Nothing is written to the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    listener.url = f"http://127.0.0.1:{server.server_port}/ipn"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield listener
    finally:
        listener.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()

"""A seller's IPN endpoint: a server of the test's own that writes down what is posted to it."""

import json
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread

#: Longer than anything takes; a condition that holds is seen at once.
PATIENCE = 120


@dataclass(frozen=True)
class Posted:
    """One request, as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def message_id(self) -> str:
        return json.loads(self.body)["MessageId"]

    @property
    def type(self) -> str:
        return json.loads(json.loads(self.body)["Message"])["NotificationType"]


class IpnEndpoint:
    """What came, in order; nothing is answered while the gate is shut."""

    def __init__(self):
        self.got: list[Posted] = []
        self.most_at_once = Counter()
        self._inside = Counter()
        self._open = True
        self._changed = Condition()

    def begin(self, posted):
        with self._changed:
            self.got.append(posted)
            self._inside[posted.path] += 1
            inside = self._inside[posted.path]
            self.most_at_once[posted.path] = max(inside, self.most_at_once[posted.path])
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._open, PATIENCE)

    def end(self, posted):
        with self._changed:
            self._inside[posted.path] -= 1

    def shut(self):
        with self._changed:
            self._open = False

    def open(self):
        with self._changed:
            self._open = True
            self._changed.notify_all()

    def wait(self, enough, timeout=PATIENCE):
        """Until `enough` of what came; all of it."""
        with self._changed:
            in_time = self._changed.wait_for(lambda: enough(self.got), timeout)
            assert in_time, f"only {Counter(one.path for one in self.got)} came"
            return list(self.got)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """Whoever was killed while it was told waits for no answer."""


@contextmanager
def ipn_endpoint():
    """Yields the endpoint and its address, to which a path may be added."""
    endpoint = IpnEndpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted = Posted(self.path, dict(self.headers.items()), body)
            endpoint.begin(posted)
            endpoint.end(posted)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    serving = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    serving.start()
    try:
        yield endpoint, f"http://127.0.0.1:{server.server_port}/"
    finally:
        endpoint.open()
        server.shutdown()
        server.server_close()

"""A server that answers with the octets that a test gives it, one connection after the other."""

from contextlib import contextmanager
from socket import SHUT_WR, create_server
from threading import Event, Thread

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"


class RawServer:
    """Each connection has a list of answers; None hangs up instead of answering."""

    def __init__(self, *connections, drip=0.0, wrap=lambda connection: connection):
        self.listener = create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        #: The connection of each request that was read, and all that was read.
        self.asked: list[int] = []
        self.octets = b""
        #: Connections that the other side closed.
        self.closed: list[int] = []
        self.stop = Event()
        self._drip, self._wrap = drip, wrap
        self.thread = Thread(target=self._run, args=(connections,), daemon=True)
        self.thread.start()

    def _run(self, connections):
        for number, answers in enumerate(connections):
            try:
                accepted, _ = self.listener.accept()
                with self._wrap(accepted) as connection:
                    self._serve(connection, number, answers)
            except OSError:  # the test is over, or whoever asked has hung up
                continue

    def _serve(self, connection, number, answers):
        for answer in answers:
            request = self._read(connection)
            if not request:
                return
            self.asked.append(number)
            self.octets += request
            if answer is None:
                return
            self._send(connection, answer)
        if answers[-1] != OK:
            connection.shutdown(SHUT_WR)  # An answer without a length lasts until then.
        if not connection.recv(1):
            self.closed.append(number)

    @staticmethod
    def _read(connection):
        """One request, whose body comes on its own."""
        request = connection.recv(65_536)
        if request.startswith(b"POST") and request.endswith(b"\r\n\r\n"):
            request += connection.recv(65_536)
        return request

    def _send(self, connection, answer):
        if not self._drip:
            connection.sendall(answer)
            return
        for octet in answer:
            if self.stop.wait(self._drip):
                return
            connection.sendall(bytes([octet]))


@contextmanager
def raw_server(*connections, **options):
    server = RawServer(*connections, **options)
    try:
        with server.listener:
            yield server
    finally:
        server.stop.set()

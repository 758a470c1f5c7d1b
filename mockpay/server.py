"""The process's server: one listening socket, one application, one worker."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mockpay.app import create_app, runtime_of
from mockpay.delivery.sender_pool import Worker
from mockpay.http_server import HttpServer
from mockpay.kernel.clock import RealClock
from mockpay.kernel.errors import MockpayError, Unusable
from mockpay.kernel.http.calls import HttpCall, Sender
from mockpay.kernel.http.hosts import OutgoingHosts, own_url
from mockpay.kernel.terminal import Terminal
from mockpay.settings import Settings
from mockpay.store.db.engine import close
from mockpay.store.unit_of_work import Runtime

if TYPE_CHECKING:
    from ssl import SSLContext

#: Seconds that running requests get to finish (contract section 1: stopped within 2 s).
_GRACE = 1


class MockpayServer:
    """
    The sandbox, listening.

    The socket comes first: only then is it known which port 0 became, and callers queue
    in its backlog while the application is made.
    """

    def __init__(
        self,
        settings: Settings,
        tls: SSLContext | None = None,
        *,
        real_clock: RealClock | None = None,
        sender: Sender | None = None,
        terminal: Terminal | None = None,
        prepare: Callable[[Runtime], object] | None = None,
    ) -> None:
        """
        Listen, at `settings.host` and `settings.port` (0 = any free port).

        Args:
            tls: What the port speaks too: a context with a certificate.
            real_clock: As `create_app` takes it.
            sender: As `create_app` takes it.
            terminal: Where each call and delivery has a line.
            prepare: As `create_app` takes it.

        Raises:
            Unusable: the address, a key, the database or a setting; nothing stays open.
        """
        self._server = HttpServer(settings, tls, terminal, shutdown_timeout=_GRACE)
        try:
            self._server.prepare()
        except OSError as error:
            address, why = f"{settings.host}:{settings.port}", str(error).rpartition("] ")[2].rstrip(")")
            who = " by another mockpay, which you may use" if _serves_mockpay(settings) else ""
            message = f"{address} cannot be listened on ({why}{who}); choose another by --port or MOCKPAY_PORT."
            raise Unusable(message, code="server.address") from error
        self.settings = replace(settings, port=int(self._server.bind_addr[1]))
        try:
            app = create_app(self.settings, real_clock=real_clock, sender=sender, terminal=terminal, prepare=prepare)
        except BaseException:
            # Its threads would keep the process alive.
            self._server.stop()
            raise
        self._server.settings, self._server.wsgi_app = self.settings, app.wsgi_app
        self.runtime = runtime_of(app)
        self._worker = Worker(self.runtime)
        self._thread: Thread | None = None

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        url = own_url(self.settings)
        return url if self._server.tls is None else url.replace("http:", "https:", 1)

    def serve(self) -> None:
        """Serve until `stop`; blocks."""
        self._worker.start()
        self._server.serve()

    def serve_in_thread(self) -> None:
        """Serve in a thread of its own; returns at once."""
        self._thread = Thread(target=self.serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let running requests finish, cut those that only wait, and end within two seconds."""
        self.runtime.stopping.set()
        self._server.stop()
        self._worker.stop()
        if self._thread is not None:
            self._thread.join(2.0)
        if self.runtime.terminal is not None:
            self.runtime.terminal.stop()
        close(self.runtime.engine, self.runtime.writer)


def _serves_mockpay(settings: Settings) -> bool:
    """Whether what listens at this address is a mockpay."""
    from mockpay.kernel.http.sender import HttpSender  # noqa: PLC0415  # asked only where the address is taken

    call = HttpCall("GET", f"{own_url(settings)}/_mockpay/health", {}, b"", timeout=_GRACE)
    try:
        reply = HttpSender(OutgoingHosts.parse("*")).send(call)
    except MockpayError:
        return False
    return b'"version"' in reply.body and b'"database"' in reply.body

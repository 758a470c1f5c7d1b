"""Sandboxes for tests: one that runs already, one as a process of its own, one in a thread of this process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from mockpay.testing.control import NoAnswer, Secret, call
from mockpay.testing.seller import TestSeller

if TYPE_CHECKING:
    from mockpay.kernel.clock import RealClock
    from mockpay.settings import Settings
    from mockpay.store.unit_of_work import Runtime

_STOP_SECONDS = 5.0
_LISTENING = "mockpay listening on "


class Sandbox:
    """
    A sandbox that runs already, known by its address alone.

    Args:
        token: Its admin token, where it has one.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = url.rstrip("/")
        self._token = Secret(token) if token else None
        # Not at a test's first use: a library that is loaded while a tool has replaced sockets or clocks keeps those.
        import_module("mockpay.merchant.client")

    def __repr__(self) -> str:
        """Without the token: a failing test prints it."""
        return f"<{type(self).__name__} {self.url}>"

    def control(self, method: str, path: str, body: object = None, *, seconds: float = 60) -> Any:
        """
        Call the control API below ``/_mockpay/v1``; the decoded JSON answer.

        Args:
            seconds: Real time that the sandbox may take.

        Raises:
            ControlError: it refused; NoAnswer where nobody answered.
        """
        return call(self.url, self._token, method, path, body, seconds)

    def new_seller(self, **fields: object) -> TestSeller:
        """A seller with a world of its own; `fields` as in ``POST /_mockpay/v1/sellers``."""
        return TestSeller(self, self.control("POST", "/sellers", fields))

    def seller(self, seller_id: str) -> TestSeller:
        """A seller that is there, such as one of a seed file."""
        return TestSeller(self, self.control("GET", f"/sellers/{quote(seller_id, safe='')}"))


class ServerProcess(Sandbox):
    """
    A whole sandbox in a process of its own, on a free port, with keys and a database in a temporary folder.

    What a test does to this process (its clock, its sockets, its HTTP libraries, its event loop) does not reach it.

    Args:
        seed_file: What `mockpay serve --seed` takes.
    """

    _reader: Thread | None = None

    def __init__(self, seed_file: Path | None = None) -> None:
        super().__init__("")
        self._seed_options = [] if seed_file is None else ["--seed", str(seed_file)]

    def __enter__(self) -> Self:
        """
        Start; returns when requests are answered.

        Raises:
            NoAnswer: it did not start; the detail is what it said.
        """
        self._folder = tempfile.TemporaryDirectory(prefix="mockpay-")
        folder = Path(self._folder.name)
        environ = {name: value for name, value in os.environ.items() if not name.startswith("MOCKPAY_")}
        environ |= {"MOCKPAY_DATABASE_URL": str(folder / "mockpay.db"), "MOCKPAY_KEYS_DIR": str(folder / "keys")}
        if "MOCKPAY_OUTGOING_HOSTS" in os.environ:
            environ["MOCKPAY_OUTGOING_HOSTS"] = os.environ["MOCKPAY_OUTGOING_HOSTS"]
        # -P: a module of the project under test must not stand in for one of ours.
        command = [sys.executable, "-P", "-m", "mockpay", "serve", "--quiet", "--host", "127.0.0.1", "--port", "0"]
        self._process = subprocess.Popen(  # noqa: S603
            [*command, *self._seed_options, "--while-stdin"],
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout is not None
        first = self._process.stdout.readline()
        if not first.startswith(_LISTENING):
            message = f"mockpay did not start: {first}{self._process.stdout.read()}".strip()
            self.__exit__()
            raise NoAnswer(message)
        self.url = first.removeprefix(_LISTENING).strip()
        # What it prints is of no use here, but a full pipe would stop it.
        self._reader = Thread(target=self._process.stdout.read, name="mockpay-output", daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        """Stop, and throw the temporary folder away."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        with self._process:  # closes its pipes
            if self._reader is not None:
                self._reader.join()
        self._folder.cleanup()


class LiveServer(Sandbox):
    """
    A whole sandbox in a thread of this process, on a free port, with keys and a database in a temporary folder.

    Use it as a context manager, or call `start` and `stop`; `runtime` is what it works with.
    """

    def __init__(self, settings: Settings | None = None, *, real_clock: RealClock | None = None) -> None:
        super().__init__("")
        self._custom_settings = settings
        self._real_clock = real_clock
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def start(self) -> Self:
        """Listen and serve; returns when requests are answered."""
        from mockpay.server import MockpayServer  # noqa: PLC0415

        self._server = MockpayServer(self._settings(), real_clock=self._real_clock)
        self.runtime: Runtime = self._server.runtime
        token = self.runtime.settings.admin_token
        self._token = Secret(token) if token else None
        self._server.serve_in_thread()
        self.url = self._server.url
        return self

    def _settings(self) -> Settings:
        from mockpay.settings import Settings  # noqa: PLC0415

        if self._custom_settings is not None:
            return self._custom_settings
        self._folder = tempfile.TemporaryDirectory(prefix="mockpay-")
        folder = Path(self._folder.name)
        return Settings(port=0, database_url=str(folder / "mockpay.db"), keys_dir=folder / "keys")

    def stop(self) -> None:
        """Stop, and throw the temporary folder away."""
        self._server.stop()
        if self._folder is not None:
            self._folder.cleanup()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        """Stop."""
        self.stop()

"""`mockpay serve` as a process of its own, and what the system tells of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.place import Place

HEALTH = "/_mockpay/health"
_FIRST_LINE = "mockpay listening on http://127.0.0.1:"


class Program:
    """A running server with default settings; `started` is how long the first 200 took, in s."""

    def __init__(self, place: Place) -> None:
        command = [sys.executable, "-m", "mockpay", "serve", "--port", "0"]
        command += ["--database-url", str(place.database)]
        began = time.perf_counter()
        self._process = subprocess.Popen(command, env=place.environ(), stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith(_FIRST_LINE):
            message = f"the server did not start: {line!r}"
            raise RuntimeError(message)
        self.port = int(line.removeprefix(_FIRST_LINE))
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{HEALTH}") as reply:
            reply.read()
        self.started = time.perf_counter() - began

    @property
    def _proc(self) -> Path:
        return Path("/proc") / str(self._process.pid)

    def cpu(self) -> float:
        """Seconds of CPU that all its threads have used so far."""
        nanoseconds = 0
        for task in (self._proc / "task").iterdir():
            nanoseconds += int((task / "schedstat").read_text().split()[0])
        return nanoseconds / 1e9

    def memory(self) -> float:
        """Resident megabytes (of 1,000,000 bytes)."""
        for line in (self._proc / "status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024 / 1e6
        message = "the system does not tell the resident size"
        raise RuntimeError(message)

    def keep_to(self, cores: set[int]) -> None:
        """Let all its threads run on these cores only."""
        for task in (self._proc / "task").iterdir():
            os.sched_setaffinity(int(task.name), cores)

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Stop it as an operator does."""
        self._process.terminate()
        self._process.wait(10)


@contextmanager
def one_core(program: Program) -> Iterator[None]:
    """Keep a server to one core, where the system can."""
    cores = os.sched_getaffinity(0)
    program.keep_to({max(cores)})
    try:
        yield
    finally:
        program.keep_to(cores)

"""Open connections to the servers that deliveries go to, kept for a moment for the next one."""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from collections.abc import Hashable, Sequence
from threading import Lock, Thread
from typing import Generic, TypeVar

#: How long a connection may lie idle, in seconds: shorter than any usual server keeps its end,
#: and no test's server has to wait long for ours when it stops.
IDLE_SECONDS = 1.0
#: Idle connections of a sender at most.
MOST = 32

Way = TypeVar("Way", bound=Hashable)


class Kept(Generic[Way]):
    """Idle connections by the way that they lead; several threads may give and take."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._idle: deque[tuple[float, Way, socket.socket]] = deque()
        self._watched = False

    def take(self, ways: Sequence[Way]) -> tuple[Way, socket.socket] | None:
        """The freshest connection of these ways that its other end has not closed."""
        while (found := self._pop(ways)) is not None:
            kept_at, way, line = found
            if time.monotonic() - kept_at < IDLE_SECONDS and not _says_something(line):
                return way, line
            line.close()
        return None

    def give(self, way: Way, line: socket.socket) -> None:
        """Keep a connection on which nothing is asked and nothing will be answered."""
        with self._lock:
            self._idle.append((time.monotonic(), way, line))
            surplus = self._idle.popleft()[2] if len(self._idle) > MOST else None
            watch, self._watched = not self._watched, True
        if surplus is not None:
            surplus.close()
        if watch:
            Thread(target=self._watch, name="mockpay-idle", daemon=True).start()

    def _pop(self, ways: Sequence[Way]) -> tuple[float, Way, socket.socket] | None:
        with self._lock:
            for number in range(len(self._idle) - 1, -1, -1):
                found = self._idle[number]
                if found[1] in ways:
                    del self._idle[number]
                    return found
        return None

    def _watch(self) -> None:
        """Close what lies idle for too long, until nothing is left."""
        while True:
            with self._lock:
                if not self._idle:
                    self._watched = False
                    return
                pause = self._idle[0][0] + IDLE_SECONDS - time.monotonic()
                old = self._idle.popleft()[2] if pause <= 0 else None
            if old is not None:
                old.close()
            else:
                time.sleep(pause)


def _says_something(line: socket.socket) -> bool:
    """Whether there is something to read: the end of the connection, or what nobody asked for."""
    try:
        return bool(select.select([line], [], [], 0)[0])
    except (OSError, ValueError):  # closed, or a number too high for select
        return True

"""One child process: our signals are its signals, and its end is our end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType

#: As shells, env and timeout have it: could not be started, was not found.
CANNOT_START, NOT_FOUND = 126, 127
_PASSED_ON = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
#: A terminal sends these to the child as well: twice would mean more than once.
_FROM_KEYBOARD = (signal.SIGINT, signal.SIGQUIT)


class _Relay:
    """Passes signals on; one that comes before the child is there waits for it."""

    def __init__(self) -> None:
        self.child: subprocess.Popen[bytes] | None = None
        self.waiting: list[int] = []

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        if number in _FROM_KEYBOARD and _in_foreground():
            return
        if self.child is None:
            self.waiting.append(number)
        else:
            self.child.send_signal(number)

    def took(self, child: subprocess.Popen[bytes]) -> None:
        """From now on there is a child."""
        self.child = child
        for number in self.waiting:
            child.send_signal(number)


def run_child(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """
    Run a command to its end, with our standard streams; the exit code for a shell.

    That is 128 and the signal's number where a signal ended it.  Call it in the main thread.

    Raises:
        OSError: it could not be started.
    """
    relay = _Relay()
    with _signals_to(relay), subprocess.Popen(command, env=environ) as child:  # noqa: S603 - the caller's own command
        relay.took(child)
        code = child.wait()
    return 128 - code if code < 0 else code


@contextlib.contextmanager
def _signals_to(relay: _Relay) -> Iterator[None]:
    before = {number: signal.signal(number, relay) for number in (*_PASSED_ON, *_FROM_KEYBOARD)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_foreground() -> bool:
    """Whether a terminal's keys reach us, and therefore the child too."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    finally:
        os.close(terminal)

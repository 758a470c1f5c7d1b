"""A child process of `mockpay run`: its signals and its exit code."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType

#: As shells, env and timeout have it: could not be started, was not found.
CANNOT_START, NOT_FOUND = 126, 127
_FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
#: A terminal sends these to the child as well: twice would mean more than once.
_FROM_KEYBOARD = (signal.SIGINT, signal.SIGQUIT)


def run_child(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """
    Run a command to its end, with our standard streams; the exit code for a shell.

    That is 128 and the signal's number where a signal ended it.  Call it in the main thread.

    Raises:
        OSError: it could not be started.
    """
    with (
        _signals() as arriving,
        subprocess.Popen(command, env=environ) as child,  # noqa: S603
    ):
        while (code := child.poll()) is None:
            for number in arriving.recv(64):
                if number in _FORWARDED or (number in _FROM_KEYBOARD and not _in_foreground()):
                    child.send_signal(number)
    return 128 - code if code < 0 else code


@contextlib.contextmanager
def _signals() -> Iterator[socket.socket]:
    """
    The numbers of the signals that reach us, one byte each; SIGCHLD when the child has ended.

    Python's own handlers would not do: one that comes just before a wait begins is lost to it.
    """
    arriving, sending = socket.socketpair()
    numbers = (*_FORWARDED, *_FROM_KEYBOARD, signal.SIGCHLD)
    with arriving, sending:
        sending.setblocking(False)
        fd_before = signal.set_wakeup_fd(sending.fileno(), warn_on_full_buffer=False)
        before = {number: signal.signal(number, _ignore_signal) for number in numbers}
        try:
            yield arriving
        finally:
            for number, action in before.items():
                signal.signal(number, action)
            signal.set_wakeup_fd(fd_before)


def _ignore_signal(_number: int, _frame: FrameType | None) -> None:
    """It is enough that there is something to call: the byte has been written before."""


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

"""A child process of `mockpay run`: its signals, its exit code and its environment."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

import certifi

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


#: What clients read as THE list of roots, in place of their own: OpenSSL and Python, requests,
#: curl, the AWS command line.
_BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE")
#: What Node reads as further roots.
_EXTRA = "NODE_EXTRA_CA_CERTS"
_PHP = "PHP_INI_SCAN_DIR"
#: Only this machine is asked directly: the tunnel itself honours the caller's NO_PROXY.
_DIRECT = "localhost,127.0.0.1,::1"


def child_environment(parent: Mapping[str, str], *, proxy: str, folder: Path, authority: bytes) -> dict[str, str]:
    """
    The caller's environment with our tunnel and our authority in it.

    Args:
        proxy: The tunnel's URL.
        folder: Where roots and PHP's settings are written; it must live as long as the child.
        authority: The authority's certificate, as PEM.
    """
    bundle, extra = folder / "bundle.pem", folder / "extra.pem"
    (folder / "php.ini").write_text(f'curl.cainfo="{bundle}"\nopenssl.cafile="{bundle}"\n')
    bundle.write_bytes(public_roots(parent) + authority)
    extra.write_bytes(_content(parent.get(_EXTRA, "")) + authority)
    proxies = ("HTTPS_PROXY", "HTTP_PROXY")
    return {
        **parent,
        **{variable: proxy for name in proxies for variable in (name, name.lower())},
        **dict.fromkeys(("NO_PROXY", "no_proxy"), _DIRECT),
        **dict.fromkeys(_BUNDLES, str(bundle)),
        _EXTRA: str(extra),
        # Node looks at the proxy variables only when it is told to (22.21, 24 and later).
        "NODE_USE_ENV_PROXY": "1",
        # PHP takes roots from its settings only.  An empty entry is the folder it reads anyway.
        _PHP: f"{parent.get(_PHP, '')}:{folder}",
    }


def public_roots(parent: Mapping[str, str]) -> bytes:
    """
    Whom the child would have trusted, as PEM: a bundle of ours replaces its list.

    What the environment names is kept; where it names nothing, the roots of this machine and
    those that requests brings.
    """
    bundles = dict.fromkeys(parent[name] for name in _BUNDLES if parent.get(name))
    roots = b"".join(_content(path) for path in bundles)
    if roots:
        return roots
    system = ssl.get_default_verify_paths().openssl_cafile
    return _content(certifi.where()) + _content(system)


def _content(path: str) -> bytes:
    """The PEM file, or all of a folder's; nothing where there is none, as clients take it."""
    place = Path(path or "/nowhere")
    try:
        files = sorted(place.iterdir()) if place.is_dir() else [place]
        return b"".join(file.read_bytes().rstrip() + b"\n" for file in files if file.is_file())
    except OSError:
        return b""

"""`mockpay run`: a command whose calls to the impersonated hosts reach the sandbox."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mockpay.commands.remote import address, url_option
from mockpay.kernel.errors import MockpayError, Unusable
from mockpay.settings import Settings

if TYPE_CHECKING:
    from mockpay.reach.authority import Authority

#: As env and timeout have it: what failed is not the command but who should run it.
_OUR_FAULT = 125


@click.command(context_settings={"allow_interspersed_args": False})
@url_option
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(command: Sequence[str], url: str | None) -> None:
    """
    Run COMMAND so that its calls to the impersonated hosts reach the sandbox.

    Any other host is left alone.  Where no sandbox answers, one is started for the command.
    """
    try:
        sys.exit(_run(command, url))
    except MockpayError as error:
        click.echo(f"mockpay cannot run this: {error.message}", err=True)
        sys.exit(_OUR_FAULT)


def _run(command: Sequence[str], url: str | None) -> int:
    # Imported here, so that `mockpay --help` does not wait for x509 and asyncio.
    from mockpay.reach.authority import open_authority  # noqa: PLC0415
    from mockpay.reach.child_process import CANNOT_START, NOT_FOUND, run_child  # noqa: PLC0415

    authority = open_authority(Settings.from_env(os.environ).keys_dir)
    with _sandbox(url, authority) as sandbox, _reaching(sandbox, authority) as environ:
        try:
            return run_child(command, environ)
        except FileNotFoundError:
            click.echo(f"mockpay cannot run this: {command[0]} is not found.", err=True)
            return NOT_FOUND
        except OSError as error:
            click.echo(f"mockpay cannot run this: {command[0]}: {error.strerror}.", err=True)
            return CANNOT_START


@contextlib.contextmanager
def _reaching(sandbox: str, authority: Authority) -> Iterator[dict[str, str]]:
    """Open the way to a sandbox; the environment of who shall go it."""
    from mockpay.reach.child_environment import child_environment  # noqa: PLC0415
    from mockpay.reach.listeners import Listeners  # noqa: PLC0415
    from mockpay.reach.upstream import Upstream  # noqa: PLC0415

    upstream = Upstream.from_env(os.environ)
    with (
        tempfile.TemporaryDirectory(prefix="mockpay-run-") as folder,
        Listeners(sandbox, authority, upstream) as listeners,
    ):
        environ = child_environment(
            os.environ, proxy=listeners.proxy, folder=Path(folder), authority=authority.pem
        )
        yield {**environ, "MOCKPAY_URL": sandbox}


@contextlib.contextmanager
def _sandbox(url: str | None, authority: Authority) -> Iterator[str]:
    """The sandbox that runs already, or one of our own for as long as it is needed."""
    from mockpay.reach.health import answers  # noqa: PLC0415

    wanted = (url or address()).rstrip("/")
    if answers(wanted, authority):
        yield wanted
    elif url is not None:
        raise Unusable(f"there is no sandbox at {wanted}.", code="sandbox.none")
    else:
        with _own_sandbox() as own:
            says = f"mockpay run: no sandbox at {wanted}, so one was started for this: {own}"
            click.echo(says, err=True)
            yield own


@contextlib.contextmanager
def _own_sandbox() -> Iterator[str]:
    from mockpay.commands.serve import told_settings  # noqa: PLC0415
    from mockpay.server import MockpayServer  # noqa: PLC0415

    server = MockpayServer(told_settings("127.0.0.1", 0, None))
    server.serve_in_thread()
    try:
        yield server.url
    finally:
        server.stop()

"""`mockpay run`: a command whose calls to Amazon's hosts reach the sandbox."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from mockpay.commands.remote import address, url_option
from mockpay.kernel.errors import MockpayError, Unusable
from mockpay.kernel.http import DirectSender, HttpCall, OutgoingHosts
from mockpay.settings import Settings

#: As env and timeout have it: what failed is not the command but who should run it.
_OUR_FAULT = 125
_HEALTH_SECONDS = 5.0


@click.command(context_settings={"allow_interspersed_args": False})
@url_option
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(command: Sequence[str], url: str | None) -> None:
    """
    Run COMMAND so that its calls to Amazon's hosts reach the sandbox.

    Any other host is left alone.  Where no sandbox answers, one is started for the command.
    """
    try:
        sys.exit(_run(command, url))
    except MockpayError as error:
        click.echo(f"mockpay cannot run this: {error.message}", err=True)
        sys.exit(_OUR_FAULT)


def _run(command: Sequence[str], url: str | None) -> int:
    # Imported here, so that `mockpay --help` does not wait for x509 and asyncio.
    from mockpay.reach.process import CANNOT_START, NOT_FOUND, run_child  # noqa: PLC0415

    with _sandbox(url) as sandbox, reaching(sandbox) as environ:
        try:
            return run_child(command, environ)
        except FileNotFoundError:
            click.echo(f"mockpay cannot run this: {command[0]} is not found.", err=True)
            return NOT_FOUND
        except OSError as error:
            click.echo(f"mockpay cannot run this: {command[0]}: {error.strerror}.", err=True)
            return CANNOT_START


@contextlib.contextmanager
def reaching(sandbox: str) -> Iterator[dict[str, str]]:
    """
    Open the way to a sandbox; yields the environment of who shall go it.

    Raises:
        Unusable: the keys folder, or a proxy that the environment names.
    """
    from mockpay.reach.authority import open_authority  # noqa: PLC0415 - see _run
    from mockpay.reach.child import child_environment  # noqa: PLC0415 - see _run
    from mockpay.reach.listeners import Listeners  # noqa: PLC0415 - see _run
    from mockpay.reach.upstream import Upstream  # noqa: PLC0415 - see _run

    authority = open_authority(Settings.from_env(os.environ).keys_dir)
    with (
        tempfile.TemporaryDirectory(prefix="mockpay-run-") as folder,
        Listeners(sandbox, authority, Upstream.from_env(os.environ)) as listeners,
    ):
        environ = child_environment(
            os.environ, proxy=listeners.proxy, folder=Path(folder), authority=authority.pem
        )
        yield {**environ, "MOCKPAY_URL": sandbox}


@contextlib.contextmanager
def _sandbox(url: str | None) -> Iterator[str]:
    """The sandbox that runs already, or one of our own for as long as it is needed."""
    wanted = (url or address()).rstrip("/")
    if _answers(wanted):
        yield wanted
        return
    if url is not None:
        raise Unusable(f"there is no sandbox at {wanted}.", code="sandbox.none")
    with _own_sandbox() as own:
        click.echo(f"mockpay run: no sandbox at {wanted}, so this one was started: {own}", err=True)
        yield own


def _answers(url: str) -> bool:
    """Whether a sandbox is there; another program's port is none."""
    call = HttpCall("GET", f"{url}/_mockpay/health", timeout=_HEALTH_SECONDS)
    try:
        reply = DirectSender(OutgoingHosts.parse("*")).send(call)
        return reply.status == 200 and "database" in json.loads(reply.body)
    except (MockpayError, ValueError):
        return False


@contextlib.contextmanager
def _own_sandbox() -> Iterator[str]:
    from mockpay.app import create_app, runtime_of  # noqa: PLC0415 - see _run
    from mockpay.commands.serve import told_settings  # noqa: PLC0415 - see _run
    from mockpay.server import MockpayServer  # noqa: PLC0415 - see _run

    server = MockpayServer(told_settings("127.0.0.1", 0, None))
    try:
        app = create_app(server.settings)
        server.serve_in_thread(app.wsgi_app, runtime_of(app))
        yield server.url
    finally:
        server.stop()

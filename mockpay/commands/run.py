"""`mockpay run`: a command whose calls to the impersonated hosts reach the sandbox."""

from __future__ import annotations

import contextlib
import gc
import http.client
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import click

from mockpay.commands.remote import default_url, url_option
from mockpay.commands.serve import read_settings
from mockpay.kernel.errors import MockpayError, Unusable
from mockpay.reach.authority import Authority, client_context, open_authority
from mockpay.reach.child import CANNOT_START, NOT_FOUND, child_environment, run_child
from mockpay.reach.listeners import Listeners
from mockpay.reach.upstream import Upstream
from mockpay.server import MockpayServer
from mockpay.settings import Settings

#: As of env and timeout: what failed is not the command but what should run it.
_CANNOT_RUN = 125
_HEALTH_SECONDS = 5.0


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
        sys.exit(_CANNOT_RUN)


def _run(command: Sequence[str], url: str | None) -> int:
    gc.enable()
    authority = open_authority(Settings.from_env(os.environ).keys_dir)
    with _sandbox(url, authority) as sandbox, _reachable(sandbox, authority) as environ:
        try:
            return run_child(command, environ)
        except FileNotFoundError:
            click.echo(f"mockpay cannot run this: {command[0]} is not found.", err=True)
            return NOT_FOUND
        except OSError as error:
            click.echo(f"mockpay cannot run this: {command[0]}: {error.strerror}.", err=True)
            return CANNOT_START


@contextlib.contextmanager
def _reachable(sandbox: str, authority: Authority) -> Iterator[dict[str, str]]:
    """Listen for calls to impersonated hosts; the environment of the command that makes them."""
    upstream = Upstream.from_env(os.environ)
    with (
        tempfile.TemporaryDirectory(prefix="mockpay-run-") as folder,
        Listeners(sandbox, authority, upstream) as listeners,
    ):
        environ = child_environment(os.environ, proxy=listeners.proxy, folder=Path(folder), authority=authority.pem)
        yield {**environ, "MOCKPAY_URL": sandbox}


@contextlib.contextmanager
def _sandbox(url: str | None, authority: Authority) -> Iterator[str]:
    """The URL of the sandbox that runs already, or of one that is started for the command."""
    sandbox = (url or default_url()).rstrip("/")
    if _is_sandbox(sandbox, authority):
        yield sandbox
    elif url is not None:
        raise Unusable(f"there is no sandbox at {sandbox}.", code="sandbox.none")
    else:
        with _own_sandbox() as own:
            click.echo(f"mockpay run: no sandbox at {sandbox}, so one was started for this: {own}", err=True)
            yield own


@contextlib.contextmanager
def _own_sandbox() -> Iterator[str]:
    server = MockpayServer(read_settings("127.0.0.1", 0, None))
    server.serve_in_thread()
    try:
        yield server.url
    finally:
        server.stop()


def _is_sandbox(url: str, authority: Authority) -> bool:
    """Ask for its health without any proxy; another program at that address is no sandbox."""
    try:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=_HEALTH_SECONDS)
        if parts.scheme == "https":
            context = client_context(authority)
            connection = http.client.HTTPSConnection(parts.netloc, timeout=_HEALTH_SECONDS, context=context)
        with contextlib.closing(connection):
            connection.request("GET", f"{parts.path}/_mockpay/health")
            reply = connection.getresponse()
            return reply.status == 200 and "database" in json.loads(reply.read(65_536))
    except (OSError, ValueError, http.client.HTTPException):
        return False

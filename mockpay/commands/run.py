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
from typing import Any
from urllib.parse import quote, urlsplit

import click
from msgspec import Struct

from mockpay.commands.remote import default_url, seller_option, url_option
from mockpay.commands.serve import read_settings
from mockpay.kernel.errors import MockpayError, Unusable
from mockpay.reach.authority import Authority, client_context, open_authority
from mockpay.reach.child import CANNOT_START, NOT_FOUND, run_child
from mockpay.reach.environment import child_environment
from mockpay.reach.listeners import Listeners
from mockpay.reach.upstream import Upstream
from mockpay.server import MockpayServer
from mockpay.settings import Settings

#: As of every command that cannot succeed (contract section 1).
_CANNOT_RUN = 2
_ANSWER_SECONDS = 5.0
_NOT_REACHED = (
    "mockpay run: no impersonated host was called. A client with roots, resolver or proxy of its own needs more: "
    "see the table of clients in mockpay's README."
)


@click.command(context_settings={"allow_interspersed_args": False})
@url_option
@seller_option
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(command: Sequence[str], url: str | None, seller: str) -> None:
    """
    Run COMMAND so that its calls to the impersonated hosts reach the sandbox.

    Any other host is left alone.  Where no sandbox answers, one is started for the command.
    The command gets MOCKPAY_URL, MOCKPAY_SELLER_ID and that seller's credentials as `mockpay secrets --env`
    names them; what its environment has already stays.
    """
    try:
        sys.exit(_run(command, url, seller))
    except MockpayError as error:
        click.echo(f"mockpay cannot run this: {error.message}", err=True)
        sys.exit(_CANNOT_RUN)


def _run(command: Sequence[str], url: str | None, seller_id: str) -> int:
    gc.enable()
    settings = Settings.from_env(os.environ)
    authority = open_authority(settings.keys_dir)
    upstream = Upstream.from_env(os.environ)
    with (
        _sandbox(url, authority, settings.admin_token) as sandbox,
        tempfile.TemporaryDirectory(prefix="mockpay-run-") as folder,
        Listeners(sandbox.url, authority, upstream) as listeners,
    ):
        parent = {**sandbox.credentials(seller_id), **os.environ, "MOCKPAY_URL": sandbox.url}
        environ = child_environment(parent, ports=listeners.ports, folder=Path(folder), authority=authority.pem)
        try:
            code = run_child(command, environ)
        except FileNotFoundError:
            click.echo(f"mockpay cannot run this: {command[0]} is not found.", err=True)
            return NOT_FOUND
        except OSError as error:
            click.echo(f"mockpay cannot run this: {command[0]}: {error.strerror}.", err=True)
            return CANNOT_START
        if not listeners.reached:
            click.echo(_NOT_REACHED, err=True)
        return code


class _Sandbox(Struct, frozen=True):
    """A sandbox by its address; asked without any proxy."""

    url: str
    authority: Authority
    token: str | None

    def answers(self) -> bool:
        """Whether it is one: another program at that address is no sandbox."""
        try:
            status, health = self._get("/_mockpay/health")
        except (OSError, ValueError, http.client.HTTPException):
            return False
        return status == 200 and "database" in health

    def credentials(self, seller_id: str) -> dict[str, str]:
        """Name -> value of the variables that a seller's software reads; none, with a word, where it refuses."""
        try:
            status, answer = self._get(f"/_mockpay/v1/sellers/{quote(seller_id, safe='')}")
        except (OSError, ValueError, http.client.HTTPException) as error:
            status, answer = 0, {"detail": str(error)}
        if status != 200:
            click.echo(f"mockpay run: no credentials for the command: {answer.get('detail')}", err=True)
            return {}
        return {"MOCKPAY_SELLER_ID": seller_id, **answer["environment"]}

    def _get(self, path: str) -> tuple[int, Any]:
        """
        Status and JSON of an answer.

        Raises:
            OSError, http.client.HTTPException, ValueError: nobody answers, or nothing that could be read.
        """
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=_ANSWER_SECONDS)
        if parts.scheme == "https":
            context = client_context(self.authority)
            connection = http.client.HTTPSConnection(parts.netloc, timeout=_ANSWER_SECONDS, context=context)
        with contextlib.closing(connection):
            headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
            connection.request("GET", parts.path + path, headers=headers)
            reply = connection.getresponse()
            return reply.status, json.loads(reply.read(65_536))


@contextlib.contextmanager
def _sandbox(url: str | None, authority: Authority, token: str | None) -> Iterator[_Sandbox]:
    """The sandbox that runs already, or one that is started for the command."""
    sandbox = _Sandbox((url or default_url()).rstrip("/"), authority, token)
    if sandbox.answers():
        yield sandbox
    elif url is not None:
        raise Unusable(f"there is no sandbox at {sandbox.url}; `mockpay serve` starts one.", code="sandbox.none")
    else:
        server = MockpayServer(read_settings("127.0.0.1", 0, None))
        server.serve_in_thread()
        click.echo(f"mockpay run: no sandbox at {sandbox.url}, so one was started for this: {server.url}", err=True)
        try:
            yield _Sandbox(server.url, authority, server.runtime.settings.admin_token)
        finally:
            server.stop()

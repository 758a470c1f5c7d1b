"""`mockpay serve`: the sandbox and the demo shop in one process."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Thread
from types import FrameType
from typing import TYPE_CHECKING, Protocol

import click
from msgspec.structs import replace

from mockpay.domain.sellers import Seller
from mockpay.kernel import ids
from mockpay.kernel.errors import DatabaseUnavailable, MockpayError, Unusable
from mockpay.kernel.http.hosts import is_loopback
from mockpay.kernel.terminal import Terminal
from mockpay.server import MockpayServer
from mockpay.services.sellers.accounts import ensure_default
from mockpay.settings import Settings, unknown_variables
from mockpay.store.db.engine import sqlite_file
from mockpay.store.db.serving import lock_database
from mockpay.store.unit_of_work import Runtime

if TYPE_CHECKING:
    from ssl import SSLContext

#: A request makes thousands of objects and next to no cycles; with Python's own 700 the collector
#: would run during every request.
_GC_THRESHOLD = 20_000
#: As MOCKPAY_ADMIN_TOKEN: make a token and print it.
_AUTO = "auto"


class Stoppable(Protocol):
    """A server that `stop` ends."""

    def stop(self) -> None:
        """Let running requests finish, then end."""


@click.command()
@click.option("--host", help="Address to listen on; MOCKPAY_HOST, 127.0.0.1.")
@click.option("--port", type=click.IntRange(0, 65_535), help="MOCKPAY_PORT, 8420; 0 = any.")
@click.option("--database-url", help="MOCKPAY_DATABASE_URL, a file var/mockpay.db.")
@click.option("--tls", is_flag=True, help="Speak HTTPS on the port too, by an authority of our own.")
@click.option(
    "--seed",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Sellers to make where they are not there yet; see `mockpay seed --dump`.",
)
@click.option("--quiet", is_flag=True, help="No line per call and delivery.")
@click.option("--verbose", is_flag=True, help="Lines with bodies, without secrets and card numbers.")
@click.option("--while-stdin", is_flag=True, help="Stop when standard input ends, as it does when a parent is gone.")
def serve(
    host: str | None,
    port: int | None,
    database_url: str | None,
    *,
    tls: bool,
    seed: Path | None,
    quiet: bool,
    verbose: bool,
    while_stdin: bool,
) -> None:
    """Serve the sandbox until SIGTERM or Ctrl-C, with a line per call and delivery on standard error."""
    if quiet and verbose:
        raise click.UsageError("Give one of --quiet and --verbose.")
    for sentence in unknown_variables(os.environ):
        click.echo(f"mockpay: {sentence}", err=True)
    try:
        settings = read_settings(host, port, database_url)
        server = MockpayServer(
            settings,
            _tls(settings) if tls else None,
            terminal=None if quiet else Terminal(sys.stderr, verbose=verbose),
            prepare=_seeding(seed) if seed else None,
        )
        with _database_lock(server):
            _serve(server, tls=tls, while_stdin=while_stdin)
    except (MockpayError, DatabaseUnavailable) as error:
        click.echo(f"mockpay cannot start: {error.message}", err=True)
        sys.exit(2)


def read_settings(host: str | None, port: int | None, database_url: str | None) -> Settings:
    """
    The environment's settings, those of the command line before them.

    Raises:
        Unusable: a setting, or no admin token where one is needed.
    """
    settings = Settings.from_env(os.environ)
    settings = replace(
        settings,
        host=host or settings.host,
        port=settings.port if port is None else port,
        database_url=database_url or settings.database_url,
        admin_token=ids.page_token() if settings.admin_token == _AUTO else settings.admin_token,
    )
    if not is_loopback(settings.host.lower()) and not settings.admin_token:
        message = f"{settings.host} is not loopback, so set MOCKPAY_ADMIN_TOKEN ('auto' makes one)."
        raise Unusable(message, code="settings.admin_token")
    return settings


@contextmanager
def _database_lock(server: MockpayServer) -> Iterator[None]:
    """Warn of another server that serves the same SQLite file."""
    file = sqlite_file(server.settings.database_url)
    lock, other = lock_database(file, f"{server.url} (process {os.getpid()})") if file else (None, None)
    if other is not None:
        cure = "stop it, or name another file by --database-url or MOCKPAY_DATABASE_URL"
        click.echo(
            f"mockpay: {other} serves {file} too, and either sends and fires what is the other's; {cure}.", err=True
        )
    with lock or nullcontext():
        yield


def _serve(server: MockpayServer, *, tls: bool, while_stdin: bool) -> None:
    stop_on_signals(server)
    if while_stdin:
        Thread(target=_stop_with_stdin, args=(server,), name="mockpay-stdin", daemon=True).start()
    try:
        click.echo(_banner(server.url, server.runtime, ensure_default(server.runtime)))
    except BaseException:
        server.stop()  # its threads would keep the process
        raise
    if tls:
        click.echo(f"  authority    {server.settings.keys_dir / 'ca.pem'} (for clients to trust)")
    sys.stdout.flush()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD)
    gc.enable()
    server.serve()


def _tls(settings: Settings) -> SSLContext:
    # A start without TLS does not wait for x509.
    from mockpay.reach.authority import open_authority, server_context  # noqa: PLC0415 - see above

    return server_context(open_authority(settings.keys_dir))


def _seeding(path: Path) -> Callable[[Runtime], object]:
    """What applies a seed file, which has been read."""
    # Reading TOML is left to starts with a file.
    from mockpay.web.control.seed_file import apply_seed, read_seed  # noqa: PLC0415

    seed = read_seed(path)
    return lambda runtime: apply_seed(runtime, seed)


def stop_on_signals(server: Stoppable) -> None:
    """Stop on SIGTERM and Ctrl-C, in a thread: a signal handler must not wait."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        Thread(target=server.stop, name="mockpay-stop").start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def _stop_with_stdin(server: Stoppable) -> None:
    sys.stdin.read()
    server.stop()


def _banner(url: str, runtime: Runtime, seller: Seller) -> str:
    """The first line is a promise (contract section 1); the rest is for people."""
    lines = [
        f"mockpay listening on {url}",
        f"  dashboard    {url}/_mockpay/ui",
        f"  demo shop    {url}/shop",
        f"  seller       {seller.seller_id}",
        f"  access key   {seller.access_key}",
        f"  secret key   {seller.secret_key}",
        f"  public key   {runtime.keys.public_file}",
    ]
    if os.environ.get("MOCKPAY_ADMIN_TOKEN") == _AUTO:
        lines.append(f"  admin token  {runtime.settings.admin_token}")
    return "\n".join(lines)

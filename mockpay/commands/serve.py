"""`mockpay serve`: the sandbox and the demo shop in one process."""

from __future__ import annotations

import gc
import os
import signal
import sys
from dataclasses import replace
from threading import Thread
from types import FrameType
from typing import TYPE_CHECKING

import click

from mockpay.kernel import ids
from mockpay.kernel.errors import MockpayError, Unusable
from mockpay.kernel.http.hosts import is_loopback
from mockpay.settings import Settings

if TYPE_CHECKING:
    from ssl import SSLContext

    from mockpay.domain.sellers import Seller
    from mockpay.server import MockpayServer
    from mockpay.store.unit_of_work import Runtime

#: A request makes thousands of objects and next to no cycles; Python's own 700 would hunt for
#: some during every request.
_GARBAGE_HUNT_AFTER = 20_000


@click.command()
@click.option("--host", help="Address to listen on; MOCKPAY_HOST, 127.0.0.1.")
@click.option("--port", type=click.IntRange(0, 65_535), help="MOCKPAY_PORT, 8420; 0 = any.")
@click.option("--database-url", help="MOCKPAY_DATABASE_URL, a file var/mockpay.db.")
@click.option("--tls", is_flag=True, help="Speak HTTPS on the port too, by an authority of our own.")
def serve(host: str | None, port: int | None, database_url: str | None, *, tls: bool) -> None:
    """Serve the sandbox until SIGTERM or Ctrl-C."""
    try:
        _serve(told_settings(host, port, database_url), tls=tls)
    except MockpayError as error:
        click.echo(f"mockpay cannot start: {error.message}", err=True)
        sys.exit(2)


def told_settings(host: str | None, port: int | None, database_url: str | None) -> Settings:
    """
    The environment's settings with what the command line says in their place.

    Raises:
        Unusable: a setting, or no admin token where one is needed.
    """
    told = Settings.from_env(os.environ)
    made = ids.page_token() if told.admin_token == "auto" else told.admin_token  # noqa: S105
    told = replace(
        told,
        host=host or told.host,
        port=told.port if port is None else port,
        database_url=database_url or told.database_url,
        admin_token=made,
    )
    if not is_loopback(told.host.lower()) and not told.admin_token:
        message = f"{told.host} is not loopback, so set MOCKPAY_ADMIN_TOKEN ('auto' makes one)."
        raise Unusable(message, code="settings.admin_token")
    return told


def _serve(settings: Settings, *, tls: bool) -> None:
    # Half a million objects are made at the start, and hardly one of them is garbage: looking
    # for some again and again would take a tenth of the time.
    gc.disable()
    # Imported here, so that `mockpay --help` does not wait for Flask and SQLAlchemy.
    from mockpay.server import MockpayServer  # noqa: PLC0415
    from mockpay.services.sellers.accounts import ensure_default  # noqa: PLC0415

    server = MockpayServer(settings, _tls(settings) if tls else None)
    stop_on_signals(server)
    click.echo(_banner(server.url, server.runtime, ensure_default(server.runtime)))
    if tls:
        click.echo(f"  authority    {settings.keys_dir / 'ca.pem'} (for clients to trust)")
    sys.stdout.flush()
    gc.freeze()
    gc.set_threshold(_GARBAGE_HUNT_AFTER)
    gc.enable()
    server.serve()


def _tls(settings: Settings) -> SSLContext:
    # Imported here: x509 takes its time.
    from mockpay.reach.authority import open_authority  # noqa: PLC0415
    from mockpay.reach.tls import server_context  # noqa: PLC0415

    return server_context(open_authority(settings.keys_dir))


def stop_on_signals(server: MockpayServer) -> None:
    """Stop on SIGTERM and Ctrl-C, in a thread: a signal handler must not wait."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        Thread(target=server.stop, name="mockpay-stop").start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


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
    if os.environ.get("MOCKPAY_ADMIN_TOKEN") == "auto":
        lines.append(f"  admin token  {runtime.settings.admin_token}")
    return "\n".join(lines)

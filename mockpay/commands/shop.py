"""`mockpay shop`: the demo shop alone, with a sandbox somewhere else."""

from __future__ import annotations

import gc
import sqlite3
import sys
from pathlib import Path
from urllib.parse import urlsplit

import click
from cheroot.wsgi import Server
from flask import Flask, request
from msgspec.structs import replace

from mockpay.app import template_folder
from mockpay.commands.serve import stop_on_signals
from mockpay.kernel import ids
from mockpay.kernel.errors import Forbidden, MockpayError, Unusable
from mockpay.kernel.http.hosts import OutgoingHosts, is_loopback, own_host, own_url
from mockpay.merchant.ledger.database import LedgerFile
from mockpay.merchant.shop import Credentials, ShopConfig, shop_app
from mockpay.merchant.transport import RequestsSender
from mockpay.settings import Settings
from mockpay.web.guard import require_own_host

#: Seconds that running requests get to finish.
_GRACE = 1
_THREADS = 8


@click.command()
@click.option("--sandbox", required=True, help="Where the sandbox is, e.g. http://127.0.0.1:8420.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8421, show_default=True, help="0 = any.")
@click.option(
    "--ledger",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("var/shop-ledger.db"),
    show_default=True,
    help="The file of the shop's own ledger.",
)
@click.option("--seller-id", envvar="MOCKPAY_SELLER_ID", default="A1MOCKPAYSELLER")
@click.option("--access-key", envvar="MOCKPAY_ACCESS_KEY", default="AKIDMOCKPAYDEFAULT")
@click.option(
    "--secret-key",
    envvar="MOCKPAY_SECRET_KEY",
    default="mockpay-default-secret-key-EXAMPLE",
    help="Of the seller whose shop it is; the default seller unless told.",
)
def shop(sandbox: str, host: str, port: int, ledger: Path, seller_id: str, access_key: str, secret_key: str) -> None:
    """Serve the demo shop alone until SIGTERM or Ctrl-C."""
    try:
        sandbox = _sandbox_url(sandbox)
        _require_ledger(ledger)
        server, settings = _listen(Settings(host=host, port=port))
    except MockpayError as error:
        click.echo(f"mockpay cannot start: {error.message}", err=True)
        sys.exit(2)
    seller = Credentials(seller_id, access_key, secret_key)
    server.wsgi_app = _shop_app(settings, sandbox, ledger, seller).wsgi_app
    stop_on_signals(server)
    click.echo(f"mockpay shop listening on {own_url(settings)}")
    click.echo(f"  catalogue  {own_url(settings)}/shop\n  sandbox    {sandbox}")
    sys.stdout.flush()
    gc.freeze()  # or the end would wait for a collection of all modules
    gc.enable()
    server.serve()


def _sandbox_url(text: str) -> str:
    OutgoingHosts(("*",)).check(text)
    return text.rstrip("/")


def _require_ledger(file: Path) -> None:
    """Open the ledger as the shop will, when the first page is asked for."""
    try:
        LedgerFile(file)
    except (OSError, sqlite3.Error) as error:
        message = f"{file} cannot be a ledger ({error}); name another file by --ledger."
        raise Unusable(message, code="ledger.unusable") from error


def _listen(settings: Settings) -> tuple[Server, Settings]:
    """Open the socket; what comes back knows which port 0 became."""
    server = Server((settings.host, settings.port), None, numthreads=_THREADS, shutdown_timeout=_GRACE)
    try:
        server.prepare()
    except OSError as error:
        message = f"{settings.host}:{settings.port} cannot be listened on; choose another by --port."
        raise Unusable(message, code="server.address") from error
    return server, replace(settings, port=int(server.bind_addr[1]))


def _shop_app(settings: Settings, sandbox: str, ledger: Path, seller: Credentials) -> Flask:
    def arrival() -> None:
        # The payment page is another site; only the name that it came under is looked at.
        if not own_host(settings, request.host):
            raise Forbidden("The shop answers only to its own name.", code="host.foreign")

    config = ShopConfig(
        seller=seller,
        base_url=lambda: sandbox,
        ledger=ledger,
        # Another shop of the same seller may have a ledger too: two series should not meet.
        first_number=1 + int.from_bytes(ids.entropy(4)) % 900_000,
        guard=lambda: require_own_host(settings),
        arrival_guard=arrival,
        # To a sandbox on this machine directly, whatever proxy the environment names.
        sender=RequestsSender(use_environment=not is_loopback(urlsplit(sandbox).hostname or "")),
    )
    package = Path(__file__).parents[1]
    return shop_app(config, templates=template_folder(package), static=package / "static")

"""
THE COMPOSITION ROOT: settings -> engine -> Runtime -> blueprints.

The one place that knows concrete things and puts them together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from flask import Blueprint, Flask, request
from flask_sqlalchemy import SQLAlchemy
from msgspec.structs import replace

from mockpay.delivery import outbox
from mockpay.kernel import templates
from mockpay.kernel.clock import RealClock
from mockpay.kernel.errors import DatabaseUnavailable
from mockpay.kernel.http.calls import HttpCall, HttpReply, Sender
from mockpay.kernel.http.hosts import OutgoingHosts, own_url
from mockpay.kernel.keys.files import open_keys
from mockpay.kernel.terminal import Terminal
from mockpay.providers.contract import UNAVAILABLE, discover, providers_of
from mockpay.services.sellers import accounts
from mockpay.settings import Settings
from mockpay.store.db.engine import configure, database_clock, engine_options, normal_url, sqlite_file
from mockpay.store.unit_of_work import Runtime
from mockpay.tables import create_tables, metadata
from mockpay.web import challenge, checkout, control, errors, gateway_webhooks, guard, landing

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from sqlalchemy import Engine

    from mockpay.merchant.shop import ShopConfig

#: The body of any request at most (contract section 5).
MAX_BODY = 1_048_576

#: Owns the metadata and the engines of every application made here.
db = SQLAlchemy(metadata=metadata, disable_autonaming=True)
_WRITER = "writer"


def create_app(
    settings: Settings | None = None,
    *,
    real_clock: RealClock | None = None,
    sender: Sender | None = None,
    terminal: Terminal | None = None,
    prepare: Callable[[Runtime], object] | None = None,
) -> Flask:
    """
    The whole sandbox as one WSGI application; `runtime_of` gives its runtime.

    Args:
        terminal: Where each delivery has a line.
        prepare: What to do before the default seller is made, such as to apply a seed file.
        real_clock: Another source of real time, for tests.
        sender: Another way out of the process, for tests.

    Raises:
        Unusable: a key, the database or a setting; the message is one sentence.
    """
    settings = settings or Settings()
    # The demo shop is told at this server's own address, whatever that is.
    settings = replace(settings, outgoing_hosts=settings.outgoing_hosts.including(settings.host))
    app = bare_app()
    providers = discover()
    engine, writer = _open_database(app, settings.database_url)
    runtime = Runtime(
        settings=settings,
        engine=engine,
        writer=writer,
        keys=open_keys(settings.keys_dir, [file for p in providers.values() for file in p.key_files]),
        real_clock=real_clock or database_clock(engine),
        sender=sender or _SenderOnDemand(settings.outgoing_hosts),
        gateways={name: p.gateway for name, p in providers.items() if p.gateway is not None},
        providers=providers,
        terminal=terminal,
        deliver=outbox.deliver,
    )
    if prepare is not None:
        prepare(runtime)
    accounts.ensure_default(runtime, settings.public_url and f"{settings.public_url.rstrip('/')}/shop")
    app.extensions["mockpay"] = runtime
    app.shell_context_processor(lambda: {"db": db, "runtime": runtime, "tables": metadata.tables})
    for provider in providers.values():
        if provider.blueprint is not None and not provider.mount:
            app.register_blueprint(provider.blueprint(runtime))
    add_pages(app, runtime, *(module.blueprint for module in (landing, checkout, challenge, control, gateway_webhooks)))
    _wrap(app, runtime)
    return app


def bare_app() -> Flask:
    """An application with our bounds and templates, and nothing in it."""
    package = Path(__file__).parent
    app = Flask("mockpay", template_folder=str(template_folder(package)))
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = MAX_BODY
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = templates.STATIC_MAX_AGE
    app.url_defaults(templates.versioned(Path(str(app.static_folder))))
    app.url_map.merge_slashes = False
    templates.prepare(app.jinja_env)
    return app


def add_pages(app: Flask, runtime: Runtime, *blueprints: Callable[[Runtime], Blueprint]) -> Flask:
    """The same application with the pages that these make, and with our error pages and headers."""
    for make in blueprints:
        app.register_blueprint(make(runtime))
    errors.register(app, runtime)
    errors.register_headers(app)
    return app


def _wrap(app: Flask, runtime: Runtime) -> None:
    """Put shop, mounted companies and shortcuts before the application, in Flask's own way of wrapping one."""
    later: list[tuple[tuple[str, ...], Callable[[], Flask]]] = [
        (("/shop",), lambda: create_shop(app, runtime)),
        (("/account",), lambda: create_account(runtime)),
        ((guard.DASHBOARD, guard.DOCS, guard.METRICS), lambda: create_dashboard(runtime)),
        *(
            ((provider.mount,), partial(_create, runtime, provider.blueprint))
            for provider in providers_of(runtime)
            if provider.mount and provider.blueprint is not None
        ),
    ]
    for addresses, make in later:
        app.wsgi_app = _Later(app.wsgi_app, addresses, make)  # type: ignore[method-assign]
    mounts = {host: provider.mount for provider in providers_of(runtime) if provider.mount for host in provider.hosts}
    app.wsgi_app = _ByHost(app.wsgi_app, mounts)  # type: ignore[method-assign]
    for provider in providers_of(runtime):
        if provider.shortcut is not None:
            wrapped = provider.shortcut(app.wsgi_app, runtime)
            app.wsgi_app = wrapped  # type: ignore[assignment, method-assign]


class _SenderOnDemand:
    """Our HTTP client, loaded by the first call that leaves the process: the first answer need not wait for it."""

    def __init__(self, hosts: OutgoingHosts) -> None:
        self._hosts = hosts
        self._lock = Lock()
        self._sender: Sender | None = None

    def send(self, call: HttpCall) -> HttpReply:
        """As `HttpSender` does."""
        from mockpay.kernel.http.sender import HttpSender  # noqa: PLC0415

        with self._lock:
            self._sender = self._sender or HttpSender(self._hosts)
        return self._sender.send(call)


class _ByHost:
    """What is called under a company's own name, as if it were called below the company's mount."""

    def __init__(self, ordinary: WSGIApplication, mounts: Mapping[str, str]) -> None:
        self._ordinary = ordinary
        self._mounts = mounts

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Hand over, with another path where the host is a company's."""
        mount = self._mounts.get(environ.get("HTTP_HOST", "").partition(":")[0].lower().rstrip("."))
        path = environ["PATH_INFO"]
        # The buyers' own pages are where they are, under any name.
        if mount is not None and not path.startswith((f"{mount}/", "/pay/", "/acs/", "/static/", "/_mockpay/")):
            environ = {**environ, "PATH_INFO": f"{mount}{path}"}
        return self._ordinary(environ, start_response)


class _Later:
    """
    What lies below some addresses, as an application of its own that is made when somebody comes.

    Most servers of a test run never see anybody at the shop, an account, the dashboard or most companies; their modules
    and rules (a quarter of a millisecond each) would cost each start up to 30 ms apiece.
    """

    def __init__(self, ordinary: WSGIApplication, addresses: Iterable[str], make: Callable[[], Flask]) -> None:
        self._ordinary = ordinary
        self._prefixes = tuple(f"{address}/" for address in addresses)
        self._make = make
        self._application: Flask | None = None
        self._lock = Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer what lies below the addresses, or hand over."""
        if not f"{environ['PATH_INFO']}/".startswith(self._prefixes):
            return self._ordinary(environ, start_response)
        try:
            with self._lock:
                self._application = self._application or self._make()
        except DatabaseUnavailable as error:
            return self._ordinary({**environ, UNAVAILABLE: error}, start_response)
        return self._application.wsgi_app(environ, start_response)


def _create(runtime: Runtime, *blueprints: Callable[[Runtime], Blueprint]) -> Flask:
    return add_pages(bare_app(), runtime, *blueprints)


def create_shop(app: Flask, runtime: Runtime) -> Flask:
    from mockpay.merchant.shop import shop_app  # noqa: PLC0415

    pages, static = Path(app.root_path, str(app.template_folder)), Path(str(app.static_folder))
    return add_pages(shop_app(_shop(runtime), templates=pages, static=static), runtime)


def create_account(runtime: Runtime) -> Flask:
    from mockpay.web import account  # noqa: PLC0415

    return _create(runtime, account.blueprint)


def create_dashboard(runtime: Runtime) -> Flask:
    from mockpay.web import dashboard, docs, metrics, sign_in  # noqa: PLC0415

    return _create(runtime, dashboard.blueprint, docs.blueprint, metrics.blueprint, sign_in.blueprint)


def _shop(runtime: Runtime) -> ShopConfig:
    """The demo shop of the default seller: beside the sandbox, knowing it by HTTP only."""
    from mockpay.merchant.shop import Credentials, ShopConfig  # noqa: PLC0415
    from mockpay.merchant.transport import RequestsSender  # noqa: PLC0415

    settings = runtime.settings
    seller = accounts.ensure_default(runtime)

    def guarded() -> None:
        guard.require_own_host(settings)

    return ShopConfig(
        seller=Credentials(seller.seller_id, seller.access_key, seller.secret_key),
        base_url=lambda: own_url(settings),
        # Under the name the buyer came by: localhost and 127.0.0.1 are two sites to a browser.
        page_url=lambda: request.host_url,
        ledger=_ledger_file(settings),
        guard=guarded,
        # Straight to ourselves, whatever proxy the environment names.
        sender=RequestsSender(use_environment=False),
    )


def _ledger_file(settings: Settings) -> Path:
    """The shop's own file: beside the sandbox's where that is one, else in `var`."""
    file = sqlite_file(settings.database_url)
    folder = file.parent if file is not None else Path("var")
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "shop-ledger.db"


def runtime_of(app: Flask) -> Runtime:
    """The runtime that an application was made with."""
    runtime: Runtime = app.extensions["mockpay"]
    return runtime


def template_folder(package: Path) -> Path:
    """Inside the package in a wheel, beside it in a checkout."""
    inside = package / "templates"
    return inside if inside.is_dir() else package.parent / "templates"


def _open_database(app: Flask, database_url: str) -> tuple[Engine, Engine]:
    """The engines for reading and writing, with the tables made at the first start."""
    url = normal_url(database_url)
    for_readers, for_writers = engine_options(url)
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = for_readers
    if for_writers is not None:
        app.config["SQLALCHEMY_BINDS"] = {_WRITER: {"url": url, **for_writers}}
    db.init_app(app)
    with app.app_context():
        engine, writer = db.engine, db.engines.get(_WRITER, db.engine)
    configure(engine, writer)
    create_tables(writer)
    return engine, writer

"""Put the shop together, as an application of its own."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Flask, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from mockpay.kernel.errors import DatabaseUnavailable, Forbidden
from mockpay.kernel.templates import STATIC_MAX_AGE, prepare, versioned
from mockpay.merchant.shop.back_office import BackOffice
from mockpay.merchant.shop.checkout import Checkout
from mockpay.merchant.shop.config import ShopConfig
from mockpay.merchant.shop.endpoints import IpnEndpoint, MobileEndpoints
from mockpay.merchant.shop.pages import Pages, RefundPages

#: No `form-action`: it would stop the way to the payment page.
_POLICY = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'"
_MAX_BODY = 1_048_576

#: Called by the payment page's redirect, by Amazon's notifications and by apps.
_ARRIVALS = frozenset({"shop.returned", "shop.ipn", "shop.mobile_sign", "shop.mobile_verify"})


def _blueprint(config: ShopConfig) -> Blueprint:
    """The shop below ``/shop``; templates and static files are the application's."""
    blueprint = Blueprint("shop", __name__, url_prefix="/shop")
    checkout = Checkout(config)
    pages = Pages(checkout)
    pages.add_to(blueprint)
    back_office = BackOffice(checkout)
    RefundPages(pages, back_office).add_to(blueprint)
    IpnEndpoint(back_office).add_to(blueprint)
    MobileEndpoints(checkout).add_to(blueprint)
    blueprint.register_error_handler(NotFound, pages.not_found)
    blueprint.register_error_handler(Forbidden, pages.forbidden)
    blueprint.register_error_handler(DatabaseUnavailable, pages.unavailable)
    blueprint.before_request(lambda: _guard(config))
    blueprint.after_request(_harden)
    return blueprint


def shop_app(config: ShopConfig, *, templates: Path, static: Path) -> Flask:
    """The shop alone, as an application of its own."""
    app = Flask(__name__, template_folder=str(templates), static_folder=str(static))
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = _MAX_BODY
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = STATIC_MAX_AGE
    app.url_defaults(versioned(static))
    prepare(app.jinja_env)
    app.register_blueprint(_blueprint(config))
    app.add_url_rule("/", "home", lambda: redirect(url_for("shop.catalogue")))
    app.after_request(_harden)
    return app


def _guard(config: ShopConfig) -> ResponseReturnValue | None:
    is_arrival = request.endpoint in _ARRIVALS
    guard = (config.arrival_guard if is_arrival else None) or config.guard
    refusal = guard()
    if refusal is None and request.method == "POST" and not is_arrival:
        return config.form_guard()
    return refusal


def _harden(reply: Response) -> Response:
    reply.headers.setdefault("Content-Security-Policy", _POLICY)
    reply.headers.setdefault("X-Content-Type-Options", "nosniff")
    return reply

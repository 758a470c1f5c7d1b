"""The blueprint: every endpoint behind the guard, every error as a problem."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from mockpay.kernel.errors import MockpayError
from mockpay.store.unit_of_work import Runtime
from mockpay.web import guard, problems
from mockpay.web.control import (
    attempts,
    auto_reload,
    buyers,
    clock,
    gateway_calls,
    gateway_health,
    gateways,
    journal,
    methods,
    notifications,
    openapi,
    orders,
    pay,
    refunds,
    risk,
    scenarios,
    sellers,
    server,
    top_ups,
    vault,
    wait,
    wallet,
)
from mockpay.web.control.change_notifier import ChangeNotifier
from mockpay.web.control.endpoints import Endpoint, handle

#: In the order in which the documents tell them.
ENDPOINTS: tuple[Endpoint, ...] = (
    *server.ENDPOINTS,
    *sellers.ENDPOINTS,
    *methods.ENDPOINTS,
    *clock.ENDPOINTS,
    *orders.ENDPOINTS,
    *pay.ENDPOINTS,
    *attempts.ENDPOINTS,
    *refunds.ENDPOINTS,
    *notifications.ENDPOINTS,
    *buyers.ENDPOINTS,
    *wallet.ENDPOINTS,
    *top_ups.ENDPOINTS,
    *auto_reload.ENDPOINTS,
    *vault.ENDPOINTS,
    *risk.ENDPOINTS,
    *gateways.ENDPOINTS,
    *gateway_health.ENDPOINTS,
    *gateway_calls.ENDPOINTS,
    *scenarios.ENDPOINTS,
    *journal.ENDPOINTS,
    *wait.ENDPOINTS,
)


def blueprint(runtime: Runtime) -> Blueprint:
    """The control API for a runtime."""
    api = Blueprint("control", __name__)
    changes = ChangeNotifier(runtime)
    by_rule: dict[str, dict[str, Endpoint]] = {}
    for endpoint in ENDPOINTS:
        by_rule.setdefault(endpoint.rule, {})[endpoint.method] = endpoint
    for rule, endpoints in by_rule.items():
        _add(api, runtime, changes, rule, endpoints)

    @api.get("/_mockpay/openapi.json")
    def openapi_json() -> Response:
        guard.require_own_host(runtime.settings)
        return Response(openapi.document(ENDPOINTS), content_type="application/json")

    api.after_request(_private)
    api.register_error_handler(MockpayError, problems.problem)
    api.register_error_handler(HTTPException, problems.http_problem)
    return api


def _private(answer: Response) -> Response:
    """Answers hold secrets, so nobody keeps a copy or guesses at their type."""
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def _add(
    api: Blueprint, runtime: Runtime, changes: ChangeNotifier, rule: str, endpoints: Mapping[str, Endpoint]
) -> None:
    """Add a path, with what each method of it asks for: a rule costs each start three quarters of a millisecond."""

    def view(**path: str) -> Response:
        endpoint = endpoints["GET" if request.method == "HEAD" else request.method]
        if not endpoint.public:
            guard.require_control(runtime)
        return handle(endpoint, runtime, changes, path)

    name = next(iter(endpoints.values())).name
    api.add_url_rule(rule, name, view, methods=list(endpoints), strict_slashes=False)

"""Errors that no view handled, told in the format of whoever owns the address."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from flask import Flask, Response, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError

from mockpay.kernel.errors import Conflict, Forbidden, Invalid, MockpayError, NotFound
from mockpay.providers.contract import providers_of
from mockpay.store.unit_of_work import Runtime
from mockpay.web import problems
from mockpay.web.guard import DASHBOARD

_log = logging.getLogger(__name__)
_CODES = {404: "path.not_found", 405: "method.not_allowed", 413: "request.too_large"}
_STATUS: Mapping[type[MockpayError], int] = {NotFound: 404, Invalid: 400, Forbidden: 403, Conflict: 409}


def register(app: Flask, runtime: Runtime) -> None:
    """Catch what leaves a view; the owner of the path says it in its own words."""

    @app.before_request
    def _nul() -> None:
        # No address of ours holds one, and PostgreSQL cannot even look for it.
        searched = request.path.startswith(DASHBOARD) and b"%00" in request.query_string
        if "\0" in request.path or searched:
            raise NotFound("There is nothing at this address.", code="path.not_found")

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        status = error.code or 500
        if status < 400:
            return error.get_response()  # type: ignore[return-value]  # a redirect of the router's
        return _told(runtime, _ours(error, status), status, error)

    @app.errorhandler(MockpayError)
    def _refused(error: MockpayError) -> Response:
        status = next((s for kind, s in _STATUS.items() if isinstance(error, kind)), 400)
        return _told(runtime, error, status, None)

    @app.errorhandler(Exception)
    def _broken(error: Exception) -> Response:
        _log.exception("%s %s broke", request.method, request.path, exc_info=error)
        broken = InternalServerError()
        return _told(runtime, _ours(broken, 500), 500, broken)


def _ours(error: HTTPException, status: int) -> MockpayError:
    says = {404: "There is nothing at this address.", 413: "The request is too large."}
    message = says.get(status) or error.name + "."
    return MockpayError(message, code=_CODES.get(status, f"http.{status}"))


def _told(runtime: Runtime, error: MockpayError, status: int, http: HTTPException | None) -> Response:
    path = request.path
    for provider in providers_of(runtime):
        if provider.owns(path):
            return provider.refusal(error)
    if problems.below(path):
        return problems.http_problem(http) if http is not None else problems.problem(error)
    page = {"title": _TITLES.get(status, "This did not work"), "sentence": error.message}
    page["code"] = error.code
    return Response(render_template("error.html", page=page), status)


_TITLES = {
    403: "Not from here",
    404: "There is nothing here",
    405: "Not in this way",
    409: "Not any more",
    413: "Too large",
    500: "The sandbox broke",
}

"""Errors that no view handled, in the format of whoever owns the address, and the headers of every page."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping

from flask import Flask, Response, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError

from mockpay.kernel.errors import DatabaseUnavailable, MockpayError, NotFound
from mockpay.kernel.terminal import current_call
from mockpay.providers.contract import UNAVAILABLE, providers_of
from mockpay.store.unit_of_work import Runtime
from mockpay.web import guard, problems
from mockpay.web.guard import DASHBOARD

_log = logging.getLogger(__name__)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CODES = {404: "path.not_found", 405: "method.not_allowed", 413: "request.too_large"}
_MESSAGES = {404: "There is nothing at this address.", 413: "The request is too large."}
#: The heading of the cookbook (docs/cookbook.md) that is about a code, or a code's family.
COOKBOOK: Mapping[str, str] = {
    "signature": "the-signature-does-not-match",
    "envelope": "the-payload-cannot-be-decrypted",
    "return_url": "the-redirect-is-refused",
    "access_key": "my-access-key-is-not-known",
    "seller": "my-access-key-is-not-known",
    "order.over": "the-order-expires",
    "host.foreign": "403-on-the-control-api",
    "origin.foreign": "403-on-the-control-api",
    "token.required": "403-on-the-control-api",
    "database": "503-the-database",
}
_PAGE_TITLES = {
    403: "Not from here",
    404: "There is nothing here",
    405: "Not in this way",
    409: "Not any more",
    413: "Too large",
    500: "The sandbox broke",
    503: "Not now",
}


def register(app: Flask, runtime: Runtime) -> None:
    """Catch what leaves a view and answer as the owner of the path does."""
    app.before_request(_refuse_unavailable)
    app.after_request(_show_form)

    @app.before_request
    def refuse_control_characters() -> None:
        # No address of ours holds one: no header can, and PostgreSQL cannot even look for a NUL.
        in_search = request.path.startswith(DASHBOARD) and b"%00" in request.query_string
        if _CONTROL.search(request.path) or in_search:
            raise NotFound("There is nothing at this address.", code="path.not_found")

    @app.context_processor
    def tester() -> dict[str, object]:
        return {"is_tester": lambda: guard.is_tester(runtime), "cookbook_url": cookbook_url}

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        status = error.code or 500
        if status < 400:
            return error.get_response()  # type: ignore[return-value]  # a redirect of the router's
        return _error_response(runtime, _from_http(error, status), status, error)

    @app.errorhandler(DatabaseUnavailable)
    @app.errorhandler(MockpayError)
    def mockpay_error(error: MockpayError | DatabaseUnavailable) -> Response:
        refusal = MockpayError(error.message, code=error.code) if isinstance(error, DatabaseUnavailable) else error
        return _error_response(runtime, refusal, problems.status_of(refusal), None)

    @app.errorhandler(Exception)
    def unexpected_error(error: Exception) -> Response:
        _log.exception("%s %s broke", request.method, request.path, exc_info=error)
        http = InternalServerError()
        return _error_response(runtime, _from_http(http, 500), 500, http)


def cookbook_url(code: str) -> str:
    """The address of what the documentation has on a code, else of the whole cookbook."""
    anchor = COOKBOOK.get(code) or COOKBOOK.get(code.partition(".")[0])
    return f"{guard.DOCS}/cookbook{f'#{anchor}' if anchor else ''}"


def _refuse_unavailable() -> None:
    if UNAVAILABLE in request.environ:
        raise request.environ[UNAVAILABLE]


def _show_form(response: Response) -> Response:
    """A form's names for the terminal; its values may be a card's number or a code."""
    call = current_call()
    if call is not None and call.verbose and not call.bodies and request.form:
        call.bodies.append(f"fields: {', '.join(request.form)}")
    return response


def _from_http(error: HTTPException, status: int) -> MockpayError:
    message = _MESSAGES.get(status) or error.name + "."
    return MockpayError(message, code=_CODES.get(status, f"http.{status}"))


def _error_response(runtime: Runtime, error: MockpayError, status: int, http: HTTPException | None) -> Response:
    path = request.path
    for provider in providers_of(runtime):
        if provider.owns(path):
            return provider.refusal(error)
    if problems.owns(path):
        return problems.problem(error) if http is None else problems.http_problem(http)
    title = _PAGE_TITLES.get(status, "This did not work")
    page = {"title": title, "sentence": error.message, "code": error.code}
    return Response(render_template("error.html", page=page), status)


# --- headers


_POLICY = "default-src 'self'; frame-ancestors {}; base-uri 'none'"
#: No `form-action`: it would block the way back to the seller (contract section 4).
POLICY = _POLICY.format("'none'")
#: The issuer's pages, and the redirects there and back, are framed by the payment page.
FRAMED = _POLICY.format("'self'")
_NAME = "Content-Security-Policy"
_PAGE_HEADERS = {_NAME: POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}


def register_headers(app: Flask) -> None:
    """Put the headers on every HTML answer."""

    @app.after_request
    def add_headers(response: Response) -> Response:
        if response.content_type.startswith("text/html"):
            for name, value in _PAGE_HEADERS.items():
                response.headers.setdefault(name, value)
        return response


def framed(response: Response) -> Response:
    """A page that our own pages may show in a frame."""
    response.headers[_NAME] = FRAMED
    return response

"""The dashboard's sign-in, where MOCKPAY_ADMIN_TOKEN is set."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request

from mockpay.store.unit_of_work import Runtime
from mockpay.web import guard
from mockpay.web.guard import DASHBOARD


def blueprint(runtime: Runtime) -> Blueprint:
    """The form, what it posts to, and the way out."""
    pages = Blueprint("sign_in", __name__)

    @pages.before_request
    def _own_host() -> None:
        guard.require_own_host(runtime.settings)

    @pages.get(guard.SIGN_IN)
    def form() -> Response:
        if guard.signed_in(runtime):
            return make_response(redirect(_onward(request.args.get("next", "")), 303))
        return _form(runtime, 200)

    @pages.post(guard.SIGN_IN)
    def enter() -> Response:
        guard.check_form_token(runtime)
        answer = make_response(redirect(_onward(request.form.get("next", "")), 303))
        if guard.sign_in(runtime, request.form.get("token", ""), answer):
            return answer
        return _form(runtime, 403, "This is not the token that the server was started with.")

    @pages.post(f"{DASHBOARD}/sign-out")
    def leave() -> Response:
        guard.check_form_token(runtime)
        answer = make_response(redirect(guard.SIGN_IN, 303))
        guard.sign_out(answer)
        return answer

    return pages


def _form(runtime: Runtime, status: int, error: str | None = None) -> Response:
    page = {"token": guard.form_token(runtime), "next": _onward(request.values.get("next", "")), "error": error}
    return make_response(render_template("dashboard/sign_in.html", page=page), status)


def _onward(address: str) -> str:
    """Where to go after signing in: a page of the dashboard, never another site."""
    inside = address == DASHBOARD or address.startswith((f"{DASHBOARD}/", f"{DASHBOARD}?"))
    plain = address.isprintable() and "\\" not in address and "//" not in address
    return address if inside and plain else DASHBOARD

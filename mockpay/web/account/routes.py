"""The addresses of the account pages, all below ``/account/{seller_id}/``."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response

from mockpay.services.sellers.accounts import DEFAULT_SELLER_ID
from mockpay.store.unit_of_work import Runtime
from mockpay.web import buyers, guard
from mockpay.web.account import methods, sign_in
from mockpay.web.checkout.page_session import go


def blueprint(runtime: Runtime) -> Blueprint:
    """All account pages for one process; they answer only to our own name."""
    pages = Blueprint("account", __name__, url_prefix="/account")

    @pages.before_request
    def _guarded() -> None:
        guard.require_account(runtime)

    @pages.get("", strict_slashes=False)
    def home() -> Response:
        return go(buyers.home(DEFAULT_SELLER_ID))

    for path, view in (
        ("", sign_in.page),
        ("otp", sign_in.code),
        ("sign-out", sign_in.leave),
        ("methods", methods.page),
    ):
        pages.add_url_rule(
            f"/<seller_id>/{path}",
            f"page_{path.replace('-', '_') or 'sign_in'}",
            _of(runtime, view),
            methods=["GET", "POST"],
            strict_slashes=False,
        )
    return pages


def _of(runtime: Runtime, view: Callable[[Runtime, str], Response]) -> Callable[..., Response]:
    def answer(seller_id: str) -> Response:
        return view(runtime, seller_id)

    return answer

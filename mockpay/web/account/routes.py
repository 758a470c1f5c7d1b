"""The addresses of the account pages, all below ``/account/{seller_id}/``."""

from __future__ import annotations

import re
from collections.abc import Callable

from flask import Blueprint, Response

from mockpay.services.sellers.accounts import DEFAULT_SELLER_ID
from mockpay.store.unit_of_work import Runtime
from mockpay.web import buyers, guard
from mockpay.web.account import auto_reload, methods, sign_in, wallet
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
        ("wallet", wallet.page),
        ("auto-reload", auto_reload.page),
        ("auto-reload/otp", auto_reload.code),
        ("wallet/entries.csv", wallet.history_file),
        ("wallet/entries/<entry_id>", wallet.entry_page),
    ):
        pages.add_url_rule(
            f"/<seller_id>/{path}",
            f"page_{re.sub('[^a-z]', '_', path) or 'sign_in'}",
            _of(runtime, view),
            methods=["GET", "POST"],
            strict_slashes=False,
        )
    return pages


def _of(runtime: Runtime, view: Callable[..., Response]) -> Callable[..., Response]:
    def answer(seller_id: str, **ids: str) -> Response:
        return view(runtime, seller_id, **ids)

    return answer

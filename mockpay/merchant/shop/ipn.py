"""Where Amazon's notifications arrive."""

from __future__ import annotations

import sqlite3

from flask import Blueprint, Response, request

from mockpay.kernel.errors import MockpayError
from mockpay.kernel.http.calls import Unreachable
from mockpay.merchant.shop.back_office import BackOffice


class IpnEndpoint:
    """The IPN endpoint of one shop."""

    def __init__(self, back_office: BackOffice) -> None:
        self._back_office = back_office

    def add_to(self, blueprint: Blueprint) -> None:
        """Name the address."""
        blueprint.add_url_rule("/ipn", "ipn", self.post, methods=["POST"])

    def post(self) -> Response:
        """
        Answer 200 for what is taken, or was before; 400 for what is not to be believed, which
        Amazon never sends again; 500 for a trouble of the shop's own, so that it does.
        """
        headers = {name: value for name, value in request.headers.items()}  # noqa: C416
        try:
            notification = self._back_office.accept_notification(headers, request.get_data())
        except (Unreachable, sqlite3.Error) as error:
            return _plain(f"Not now: {error}", 500)
        except MockpayError as error:
            return _plain(f"{error.code}: {error.message}", 400)
        return _plain("Taken before." if notification.replayed else "Taken.", 200)


def _plain(text: str, status: int) -> Response:
    reply = Response(text + "\n", status, content_type="text/plain; charset=utf-8")
    reply.headers["Cache-Control"] = "no-store"
    return reply

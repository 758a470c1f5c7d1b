"""The clock control of the top bar."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request, url_for

from mockpay.delivery import clock
from mockpay.delivery.clock import Until
from mockpay.kernel.clock import SECOND, Mode
from mockpay.kernel.errors import Invalid
from mockpay.store.unit_of_work import Runtime

#: How long a button may keep its reader waiting, in real seconds.
_TIMEOUT = 30.0
_LEAPS = {"minute": 60 * SECOND, "hour": 3_600 * SECOND}
_MODES = {"freeze": Mode.FROZEN, "run": Mode.RUNNING}
_HOME = "/_mockpay/ui/"


def register(pages: Blueprint, runtime: Runtime) -> None:
    """Add the form's address."""

    @pages.post("/sellers/<seller_id>/clock")
    def move_clock(seller_id: str) -> Response:
        _act(runtime, seller_id, request.form.get("act", ""))
        return redirect(back_to(seller_id), 303)  # type: ignore[return-value]


def _act(runtime: Runtime, seller_id: str, act: str) -> None:
    if act in _MODES:
        clock.put(runtime, seller_id, _MODES[act], None)
    elif act in _LEAPS:
        _, now = clock.get_clock(runtime, seller_id)
        clock.advance(runtime, seller_id, now + _LEAPS[act], _TIMEOUT)
    elif act in set(Until):
        clock.advance(runtime, seller_id, Until(act), _TIMEOUT)
    else:
        raise Invalid("The clock has no such button.", code="clock.act")


def back_to(seller_id: str) -> str:
    """The dashboard page that a form was sent from; never an address outside the dashboard."""
    address = request.form.get("back", "")
    if address.startswith(_HOME) and address.isprintable() and "\\" not in address:
        return address
    return url_for("dashboard.orders", seller_id=seller_id)

"""The clock control of the top bar."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request, url_for

from mockpay.delivery import clock
from mockpay.delivery.clock import Until
from mockpay.kernel.clock import SECOND, Mode
from mockpay.kernel.errors import Invalid
from mockpay.store.unit_of_work import Runtime

#: How long a button may keep its reader waiting, in real seconds.
_PATIENCE = 30.0
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
        clock.advance(runtime, seller_id, now + _LEAPS[act], _PATIENCE)
    elif act in set(Until):
        clock.advance(runtime, seller_id, Until(act), _PATIENCE)
    else:
        raise Invalid("The clock has no such button.", code="clock.act")


def back_to(seller_id: str) -> str:
    """The dashboard page that a form was sent from; never an address outside the dashboard."""
    wanted = request.form.get("back", "")
    if wanted.startswith(_HOME) and wanted.isprintable() and "\\" not in wanted:
        return wanted
    return url_for("dashboard.orders", seller_id=seller_id)

"""Ways in without a seller in the address, the seller switch, and what a refusal looks like."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for

from mockpay.delivery import clock
from mockpay.delivery.clock import Until
from mockpay.kernel.clock import SECOND, Mode, parse_time
from mockpay.kernel.errors import Invalid, MockpayError, NotFound
from mockpay.store import sellers
from mockpay.store.db.engine import reading
from mockpay.store.unit_of_work import Runtime, read
from mockpay.web.dashboard import list_page
from mockpay.web.dashboard.layout import render
from mockpay.web.problems import status_of

#: Made at the first start (contract section 1); any other where it was deleted.
_DEFAULT = "A1MOCKPAYSELLER"
_PAGES = frozenset(
    "orders refunds notifications inbox scenarios gateway-health gateway-calls gateway-faults journal seller".split()
)


def register(pages: Blueprint, runtime: Runtime) -> None:
    """Add the ways in."""

    @pages.get("")
    @pages.get("/")
    @pages.get("/<page>")
    def entry(page: str = "orders") -> Response:
        """A page of the default seller, or of the one that `seller` names; the rest of the query goes on."""
        if page not in _PAGES:
            raise NotFound("There is no such page.", code="page.not_found")
        query: dict[str, Any] = request.args.to_dict()
        query["seller_id"] = query.pop("seller", "") or _first_seller(runtime)
        return redirect(url_for(f"dashboard.{page}", **query), 302)  # type: ignore[return-value]

    @pages.errorhandler(MockpayError)
    def refused(error: MockpayError) -> tuple[str, int]:
        seller_id = (request.view_args or {}).get("seller_id")
        if seller_id and isinstance(error, NotFound) and request.method == "GET":
            with suppress(NotFound), read(runtime, seller_id) as sandbox:
                return render(runtime, sandbox, "missing.html", current="", error=error), status_of(error)
        return render_template("dashboard/refused.html", error=error), status_of(error)

    @pages.post("/sellers/<seller_id>/clock")
    def move_clock(seller_id: str) -> Response:
        _act(runtime, seller_id, request.form.get("act", ""))
        return redirect(back_to(seller_id), 303)  # type: ignore[return-value]


def _first_seller(runtime: Runtime) -> str:
    with reading(runtime.engine) as connection:
        if sellers.find(connection, runtime.keyring, seller_id=_DEFAULT) is not None:
            return _DEFAULT
        listed = sellers.list_page(connection, runtime.keyring, "", 1)
    if not listed:
        raise NotFound("There is no seller yet.", code="seller.not_found")
    return listed[0].seller_id


#: How long a button may keep its reader waiting, in real seconds.
_TIMEOUT = 30.0
_LEAPS = {"minute": 60 * SECOND, "hour": 3_600 * SECOND}
_MODES = {"freeze": Mode.FROZEN, "run": Mode.RUNNING}
_HOME = "/_mockpay/ui/"


def _act(runtime: Runtime, seller_id: str, act: str) -> None:
    if act in _MODES:
        clock.put(runtime, seller_id, _MODES[act], None)
    elif act == "real":
        clock.put(runtime, seller_id, Mode.RUNNING, runtime.real_clock.now())
    elif act == "set":
        clock.put(runtime, seller_id, None, parse_time(list_page.indian_time(request.form.get("to", ""))))
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

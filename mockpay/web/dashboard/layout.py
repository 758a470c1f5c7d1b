"""What stands around every page: the seller switch, the clock, the side navigation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import render_template, request, url_for
from msgspec import Struct

from mockpay.domain.notifications import DeliveryState
from mockpay.domain.scenarios.resolution import TABLE
from mockpay.kernel.clock import SECOND, Mode, indian, rfc3339
from mockpay.store import sellers
from mockpay.store.reads import lists
from mockpay.store.unit_of_work import Runtime, Sandbox
from mockpay.web import guard

#: Endpoint, label and icon of each entry of the side navigation.
_NAVIGATION = (
    ("orders", "Orders", "orders"),
    ("refunds", "Refunds", "back"),
    ("notifications", "Notifications", "bell"),
    ("inbox", "Inbox", "mail"),
    ("scenarios", "Scenarios", "flask"),
    ("gateway-health", "Gateways", "pulse"),
    ("journal", "Journal", "journal"),
    ("seller", "Seller", "seller"),
)
#: Sellers offered in the switch; a CI server may have thousands.
_OFFERED = 200


class NavigationItem(Struct, frozen=True):
    """One entry of the side navigation; a `bad` count is of what wants to be looked at."""

    label: str
    url: str
    icon: str
    count: int | None
    bad: bool
    current: bool


class ClockView(Struct, frozen=True):
    """What the clock in the top bar shows; `moved` says that it is not the real time."""

    frozen: bool
    date: str
    year: str
    time: str
    iso: str
    milliseconds: int
    moved: bool


class Frame(Struct, frozen=True):
    """All that `dashboard/_frame.html` needs."""

    seller_id: str
    sellers: Sequence[str]
    clock: ClockView
    navigation: Sequence[NavigationItem]
    token: str
    here: str
    help: str


def render(runtime: Runtime, sandbox: Sandbox, template: str, *, current: str, **context: Any) -> str:
    """A page of one seller inside its frame; `current` is the endpoint of its entry in the navigation."""
    frame = Frame(
        seller_id=sandbox.seller_id,
        sellers=_seller_ids(runtime, sandbox),
        clock=_clock_view(sandbox),
        navigation=_navigation(sandbox, current),
        token=guard.form_token(runtime),
        here=request.full_path.rstrip("?"),
        help=f"{guard.DOCS}/cookbook",
    )
    return render_template(f"dashboard/{template}", frame=frame, **context)


def _seller_ids(runtime: Runtime, sandbox: Sandbox) -> list[str]:
    listed = sellers.list_page(sandbox.connection, runtime.keyring, "", _OFFERED)
    return sorted({seller.seller_id for seller in listed} | {sandbox.seller_id})


def _clock_view(sandbox: Sandbox) -> ClockView:
    now = indian(sandbox.now)
    return ClockView(
        frozen=sandbox.seller.clock.mode is Mode.FROZEN,
        date=f"{now.day} {now:%b}",
        year=f"{now:%Y}",
        time=f"{now:%H:%M:%S}",
        iso=rfc3339(sandbox.now),
        milliseconds=sandbox.now,
        moved=abs(sandbox.now - sandbox.real_now) >= SECOND,
    )


def _navigation(sandbox: Sandbox, current: str) -> list[NavigationItem]:
    dead = lists.deliveries_by_state(sandbox).get(DeliveryState.DEAD, 0)
    counts: Mapping[str, int | None] = {
        "orders": lists.order_count(sandbox),
        "refunds": sum(lists.refunds_by_state(sandbox).values()),
        "notifications": dead or None,
        "scenarios": len(TABLE),
    }
    return [
        NavigationItem(
            label=label,
            url=url_for(f"dashboard.{name}", seller_id=sandbox.seller_id),
            icon=icon,
            count=counts.get(name),
            bad=name == "notifications",
            current=name == current,
        )
        for name, label, icon in _NAVIGATION
    ]


def base_url(runtime: Runtime) -> str:
    """Where this server is reached, without a slash at the end."""
    return (runtime.settings.public_url or request.host_url).rstrip("/")


def control_url(sandbox: Sandbox, path: str = "") -> str:
    """
    A page of the control API that a link can open; empty where it asks for a token.

    A browser cannot send the bearer token, so there is no link then.
    """
    if sandbox.runtime.settings.admin_token is not None:
        return ""
    return f"/_mockpay/v1/sellers/{sandbox.seller_id}{path}"

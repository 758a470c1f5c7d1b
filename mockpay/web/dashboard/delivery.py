"""One notification: every try to deliver it, as sent and as answered, and one more on demand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, redirect, request, url_for

from mockpay.delivery.sender_pool import send_waiting
from mockpay.domain.notifications import DELIVERY, WAITING, DeliveryState, Notification, Try
from mockpay.kernel.clock import SECOND, rfc3339
from mockpay.kernel.errors import Conflict
from mockpay.services.notifications import deliver, get_notification, retry_profiles
from mockpay.store import notification_tries, schedule, transitions
from mockpay.store.unit_of_work import Runtime, Sandbox, read, transaction
from mockpay.web.dashboard import list_page
from mockpay.web.dashboard.layout import control_url, render
from mockpay.web.dashboard.message_layers import Layer, layers
from mockpay.web.problems import status_of
from mockpay.web.wording import deliveries
from mockpay.web.wording.deliveries import TYPES, Chip
from mockpay.web.wording.timelines import instant, moment

#: Tries on one page; an hourly profile makes some hundreds of them.
_SHOWN = 20
#: How often, and how far apart in real seconds, to look whether the worker has sent it.
_LOOKS, _LOOK_AGAIN = 40, 0.05
_ON_ITS_WAY = frozenset({DeliveryState.QUEUED, DeliveryState.SENDING})


@dataclass(frozen=True, slots=True)
class TryShown:
    """One try as the page shows it."""

    number: int
    at: str
    iso: str
    chip: Chip
    request_line: str
    host: str
    headers: dict[str, str]
    layers: list[Layer]
    body: str
    signed: str
    answer: str
    reason: str
    latency: str


def register(pages: Blueprint, runtime: Runtime) -> None:
    """Add the page, its news and its form."""

    @pages.get("/sellers/<seller_id>/notifications/<notification_id>")
    def notification(seller_id: str, notification_id: str) -> str:
        with read(runtime, seller_id) as sandbox:
            return _page(runtime, sandbox, get_notification(sandbox, notification_id))

    @pages.get("/sellers/<seller_id>/notifications/<notification_id>/news")
    def notification_news(seller_id: str, notification_id: str) -> Response:
        """Whether there was a try since it was shown, or it waits for another one."""
        with read(runtime, seller_id) as sandbox:
            one = get_notification(sandbox, notification_id)
            return list_page.news(_version(sandbox, one), str(one.state))

    @pages.post("/sellers/<seller_id>/notifications/<notification_id>/deliver")
    def deliver_now(seller_id: str, notification_id: str) -> Any:
        try:
            with transaction(runtime, seller_id) as sandbox:
                deliver(sandbox, notification_id)
        except Conflict as error:
            with read(runtime, seller_id) as sandbox:
                one = get_notification(sandbox, notification_id)
                return _page(runtime, sandbox, one, error=error.message), status_of(error)
        send_waiting(runtime, seller_id)
        _wait_until_sent(runtime, seller_id, notification_id)
        return redirect(url_for("dashboard.notification", seller_id=seller_id, notification_id=notification_id), 303)


def _wait_until_sent(runtime: Runtime, seller_id: str, notification_id: str) -> None:
    """The worker may have taken it first, then it is the worker's answer that is waited for."""
    for _ in range(_LOOKS):
        with read(runtime, seller_id) as sandbox:
            if get_notification(sandbox, notification_id).state not in _ON_ITS_WAY:
                return
        if runtime.stopping.wait(_LOOK_AGAIN):
            return


def _version(sandbox: Sandbox, one: Notification) -> str:
    return f"{len(transitions.of_order(sandbox, one.order_pk))}.{one.tries}"


def _page(runtime: Runtime, sandbox: Sandbox, one: Notification, *, error: str = "") -> str:
    profile = sandbox.seller.settings.ipn_profile
    waiting = [event.due_at for event in schedule.waiting_of(sandbox, one.notification_id)]
    return render(
        runtime,
        sandbox,
        "notification.html",
        current="notifications",
        one=one,
        type=TYPES[one.type],
        answer=deliveries.what_happened(one, sandbox.now),
        chip=deliveries.chip(one.state),
        decided_by=deliveries.decided_by(one),
        profile=f"{profile}: {retry_profiles(runtime)[profile].description}",
        address=sandbox.seller.ipn_url,
        due=moment(one.first_due_at),
        next_try=moment(min(waiting)) if waiting and one.state in WAITING else "",
        can_deliver=DELIVERY.allows(one.state, "asked_again"),
        error=error,
        urls=_urls(sandbox, one),
        version=_version(sandbox, one),
        **_tries(sandbox, one),
    )


def _tries(sandbox: Sandbox, one: Notification) -> dict[str, Any]:
    """The newest tries first, a page of them at a time."""
    kept = notification_tries.of_notification(sandbox, one.notification_id)
    before = request.args.get("before", type=int)
    wanted = [sent for sent in kept if before is None or sent.number < before]
    shown = wanted[::-1][:_SHOWN]
    older = url_for(
        "dashboard.notification",
        seller_id=sandbox.seller_id,
        notification_id=one.notification_id,
        before=shown[-1].number if shown else None,
    )
    return {"tries": [_shown(sent) for sent in shown], "older": older if len(wanted) > len(shown) else ""}


def _shown(sent: Try) -> TryShown:
    where = urlsplit(sent.url)
    path = where._replace(scheme="", netloc="").geturl() or "/"
    return TryShown(
        number=sent.number,
        at=f"{moment(sent.at).rpartition(',')[0]}, {instant(sent.at)}",
        iso=rfc3339(sent.at // SECOND * SECOND),
        chip=deliveries.heard(sent),
        request_line=f"POST {path} HTTP/1.1",
        host=where.netloc,
        headers=dict(sent.headers),
        layers=layers(sent.body),
        body=sent.body,
        signed=sent.signed,
        answer=sent.answer,
        reason=sent.reason or "",
        latency=f"{sent.latency_ms} ms",
    )


def _urls(sandbox: Sandbox, one: Notification) -> dict[str, str]:
    here: dict[str, Any] = {"seller_id": sandbox.seller_id}
    this = {**here, "notification_id": one.notification_id}
    about_refund = one.refund_id is not None
    return {
        "list": url_for("dashboard.notifications", **here),
        "news": url_for("dashboard.notification_news", **this),
        "deliver": url_for("dashboard.deliver_now", **this),
        "order": url_for("dashboard.order", **here, order_id=one.order_id),
        "refund": url_for("dashboard.refund", **here, refund_id=one.refund_id) if about_refund else "",
        "seller": url_for("dashboard.seller", **here),
        "json": control_url(sandbox, f"/notifications/{one.notification_id}"),
    }

"""The way back to the seller, and what a scenario may do to it."""

from __future__ import annotations

from flask import Response, request

from mockpay.delivery import outbox
from mockpay.domain.payments.plans import Stage
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import NotFound
from mockpay.services.payments import orders, outcomes
from mockpay.store import outbox as outbox_rows
from mockpay.store.unit_of_work import Runtime
from mockpay.web.checkout import view_models
from mockpay.web.checkout.page_session import PageSession, writing_session
from mockpay.web.checkout.responses import go, show

_DELAY_MS = 5 * SECOND


def leave(runtime: Runtime, token: str) -> Response:
    """Send the buyer back with the signed result; a failed order is given up by leaving it."""
    with writing_session(runtime, token) as session:
        if session.current == "choose" or session.asked:
            return go(session.url)
        order = outcomes.give_up(session.sandbox, session.order)
        first = orders.record_return(session.sandbox, order)
        url = _return_url(PageSession(session.sandbox, order, session.last))
        fault = session.last.plan.at(Stage.REDIRECT).outcome if session.last else "success"
        if fault == "never_returns":
            page = view_models.page(session, "The buyer closed the browser")
            return show("checkout/closed.html", page=page, says=view_models.redirect_says(session))
        if fault == "delayed" and session.sandbox.now < first + _DELAY_MS:
            return _hold(session)
        if fault != "duplicated":
            return _away(url)
        outbox_id = outbox_rows.add(session.sandbox, outbox.RETURN_AGAIN, order.order_id, leased=True, url=url)
    outbox.send_leased(runtime, session.sandbox.seller_id, outbox_id)
    return _away(url)


def _return_url(session: PageSession) -> str:
    return_url = session.sandbox.provider_of(session.order).return_url
    if return_url is None:
        raise NotFound("This order has no return URL.", code="order.no_return_url")
    return return_url(session.sandbox.seller, session.order, session.last)


def _away(url: str) -> Response:
    """302 as the real page sends it."""
    return Response(status=302, headers={"Location": url, "Cache-Control": "no-store"})


def _hold(session: PageSession) -> Response:
    """A page that leads on by itself once the delay is over on the seller's clock."""
    page = view_models.page(session, "Taking you back")
    page["urls"] = {"return": session.at("return")}
    page["heading"] = "Taking you back to the seller"
    page["sentence"] = "A scenario holds the way back for 5 seconds."
    answer = show("checkout/gone.html", page=page)
    answer.headers["Refresh"] = f"1; url={request.path}"
    return answer

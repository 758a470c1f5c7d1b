"""How gateways do by control API: figures over windows of the seller's clock, and alerts."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from mockpay.domain.payments.breaker import BreakerState
from mockpay.domain.payments.health import AlertKind
from mockpay.kernel.clock import rfc3339
from mockpay.kernel.errors import NotFound
from mockpay.services.gateways import health
from mockpay.services.gateways.health import Health
from mockpay.web.control.endpoints import GET, POST, Request
from mockpay.web.control.responses import to_response

_Rate = Annotated[float | None, Meta(description="From 0 to 1; null where nothing is decided.")]
_Latency = Annotated[int | None, Meta(description="Milliseconds, of the calls that were answered; null of none.")]
_MOST_DIGITS = 18


class GatewayFigures(Struct, kw_only=True):
    """
    Figures over the last so many minutes of the seller's clock.

    `technical_failure_rate` is of charges that were not sent, refused, not answered or declined for a technical
    reason; with `success_rate` and `decline_rate` it makes 1. `unknown_rate` is the unanswered part of it.
    """

    minutes: Annotated[int, Meta(description="How long the window is.")]
    attempts: Annotated[int, Meta(description="Charges and authorisations that ended, however.")]
    success_rate: _Rate
    technical_failure_rate: _Rate
    decline_rate: _Rate
    unknown_rate: _Rate
    p50_ms: _Latency
    p95_ms: _Latency
    p99_ms: _Latency
    error_classes: Annotated[dict[str, int], Meta(description="Calls by their kind of error.")]
    retries: Annotated[int, Meta(description="Calls that repeated one before them.")]
    failovers: Annotated[int, Meta(description="Payments that left for another gateway.")]


class GatewayHealthLine(Struct, kw_only=True):
    """One gateway for one method of payment."""

    gateway: str
    method: str
    breaker: Annotated[BreakerState, Meta(description="Its circuit breaker.")]
    windows: Annotated[list[GatewayFigures], Meta(description="Over 1, 5 and 60 minutes.")]


class GatewayAlert(Struct, kw_only=True):
    """
    What somebody should look at, over the last 5 minutes: a success rate below 0.8 of at least 20 attempts, a p95 above
    5,000 ms, an unknown rate above 0.02, or an open circuit breaker.
    """

    alert_id: Annotated[int, Meta(description="The alert.")]
    gateway: str
    method: str
    kind: AlertKind
    value: Annotated[float, Meta(description="The rate, or the milliseconds, that it is about.")]
    opened_at: Annotated[str, Meta(description="When it was seen first, by the seller's clock.")]
    acknowledged_at: Annotated[str | None, Meta(description="When somebody said that it is seen; null before.")]
    cleared_at: Annotated[str | None, Meta(description="When it was over; null while it is not.")]
    delivery: Annotated[str | None, Meta(description="What came of telling it at `alert_url`; null where nobody is.")]


class GatewayHealth(Struct, kw_only=True):
    """Gateways that were called in the last hour, and alerts."""

    now: str
    items: list[GatewayHealthLine]
    alerts: Annotated[list[GatewayAlert], Meta(description="The last 50, over or not, the newest first.")]


def get_gateway_health(request: Request[None, None]) -> GatewayHealth:
    """
    Worked out from the log at each call, so it is true after the clock was moved; alerts open and clear when somebody
    looks, or by themselves where `alert_url` is set.
    """
    with request.transaction() as sandbox:
        found = health.read_health(sandbox)
        health.refresh(sandbox, found)
        alerts = [to_response(GatewayAlert, alert) for alert in health.newest_alerts(sandbox)]
        now = rfc3339(sandbox.now)
    return GatewayHealth(now=now, items=[_line(each) for each in found], alerts=alerts)


def _line(found: Health) -> GatewayHealthLine:
    windows = [to_response(GatewayFigures, over, minutes=minutes) for minutes, over in found.windows.items()]
    return GatewayHealthLine(gateway=found.gateway, method=found.method, breaker=found.state, windows=windows)


def acknowledge_alert(request: Request[None, None]) -> GatewayAlert:
    """It stays until it is over by itself; a second time changes nothing."""
    number = request.path["alert_id"]
    if not (number.isascii() and number.isdigit() and len(number) <= _MOST_DIGITS):
        raise NotFound("There is no such gateway alert.", code="gateway_alert.not_found")
    with request.transaction() as sandbox:
        return to_response(GatewayAlert, health.acknowledge(sandbox, int(number)))


_SELLER = "/v1/sellers/{seller_id}"
ENDPOINTS = (
    GET(f"{_SELLER}/gateways/health", get_gateway_health, "How each gateway does, and what is wrong."),
    POST(f"{_SELLER}/gateways/alerts/{{alert_id}}/acknowledge", acknowledge_alert, "Say that an alert is seen."),
)

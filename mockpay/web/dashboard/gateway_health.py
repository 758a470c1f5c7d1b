"""How the gateways do: alerts, and for each gateway and method its figures, a chart of the last hour, its breaker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, redirect, url_for

from mockpay.domain.payments.health import Ends, Figures
from mockpay.kernel.clock import MINUTE, indian, rfc3339
from mockpay.services.gateways import health
from mockpay.services.gateways.health import Health
from mockpay.store.gateway_alerts import Alert
from mockpay.store.reads import gateway_log
from mockpay.store.unit_of_work import Runtime, Sandbox, read, transaction
from mockpay.web.dashboard import gateway_tabs, list_page
from mockpay.web.dashboard.layout import control_url, render
from mockpay.web.wording.gateway_words import ALERTS, BREAKERS, ERRORS, alert_value, percent
from mockpay.web.wording.timelines import moment

#: Of a chart, in the units of its view box.
_WIDTH, _HEIGHT, _GAP = 600, 40, 2
_BANDS = {"ok": "Success", "idle": "Declined", "bad": "Technical failure"}
_ERRORS = {str(kind): words for kind, words in ERRORS.items()}


def register(pages: Blueprint, runtime: Runtime) -> None:
    """Add the page, its news, and the button that acknowledges."""

    @pages.get("/sellers/<seller_id>/gateway-health", endpoint=gateway_tabs.HEALTH)
    def gateway_health(seller_id: str) -> str:
        with transaction(runtime, seller_id) as sandbox:
            found = health.read_health(sandbox)
            health.refresh(sandbox, found)
            return _page(runtime, sandbox, found)

    @pages.get("/sellers/<seller_id>/gateway-health/news")
    def gateway_health_news(seller_id: str) -> Response:
        with read(runtime, seller_id) as sandbox:
            return list_page.news(_version(sandbox, health.read_health(sandbox)))

    @pages.post("/sellers/<seller_id>/gateway-health/alerts/<int:alert_id>/acknowledge")
    def acknowledge_gateway_alert(seller_id: str, alert_id: int) -> Any:
        with transaction(runtime, seller_id) as sandbox:
            health.acknowledge(sandbox, alert_id)
        return redirect(url_for(f"dashboard.{gateway_tabs.HEALTH}", seller_id=seller_id), 303)


def _version(sandbox: Sandbox, found: list[Health]) -> str:
    """Differs when a call came or ended, a breaker moved, an alert was seen, or a minute of the windows is over."""
    states = ",".join(each.state for each in found)
    seen = sum(alert.acknowledged_at is not None for alert in health.newest_alerts(sandbox))
    return f"{gateway_log.version(sandbox)}.{states}.{seen}.{sandbox.now // MINUTE if found else 0}"


def _page(runtime: Runtime, sandbox: Sandbox, found: list[Health]) -> str:
    alerts = health.newest_alerts(sandbox)
    return render(
        runtime,
        sandbox,
        "gateway_health.html",
        current=gateway_tabs.ENTRY,
        tabs=gateway_tabs.tabs(sandbox, gateway_tabs.HEALTH),
        alerts=[_alert(sandbox, alert) for alert in alerts if alert.cleared_at is None],
        over=[_alert(sandbox, alert) for alert in alerts if alert.cleared_at is not None],
        gateways=[_gateway(sandbox, each) for each in found],
        bands=_BANDS,
        news=url_for("dashboard.gateway_health_news", seller_id=sandbox.seller_id),
        version=_version(sandbox, found),
        json_url=control_url(sandbox, "/gateways/health"),
    )


def _alert(sandbox: Sandbox, alert: Alert) -> dict[str, Any]:
    return {
        "number": alert.alert_id,
        "words": ALERTS[alert.kind],
        "about": f"{alert.gateway}, {alert.method}",
        "value": alert_value(alert.kind, alert.value),
        "opened": moment(alert.opened_at),
        "seen": moment(alert.acknowledged_at) if alert.acknowledged_at is not None else "",
        "cleared": moment(alert.cleared_at) if alert.cleared_at is not None else "",
        "delivery": alert.delivery or "",
        "acknowledge_url": url_for(
            "dashboard.acknowledge_gateway_alert", seller_id=sandbox.seller_id, alert_id=alert.alert_id
        ),
    }


def _gateway(sandbox: Sandbox, found: Health) -> dict[str, Any]:
    return {
        "name": found.gateway,
        "method": found.method,
        "breaker": BREAKERS[found.state],
        "minutes": list(found.windows),
        "rows": _rows(list(found.windows.values())),
        "chart": _chart(found.parts),
        "errors": [
            {
                "words": _ERRORS[name],
                "count": count,
                "url": url_for(
                    f"dashboard.{gateway_tabs.CALLS}",
                    seller_id=sandbox.seller_id,
                    gateway=found.gateway,
                    error_class=name,
                ),
            }
            for name, count in sorted(found.windows[max(found.windows)].error_classes.items())
        ],
    }


def _rows(windows: list[Figures]) -> list[tuple[str, list[str]]]:
    """Each figure over all windows."""
    return [
        ("Charges", [f"{over.attempts:,}" for over in windows]),
        ("Success", [percent(over.success_rate) for over in windows]),
        ("Declined", [percent(over.decline_rate) for over in windows]),
        ("Technical failure", [percent(over.technical_failure_rate) for over in windows]),
        ("Not answered", [percent(over.unknown_rate) for over in windows]),
        ("Half within", [_ms(over.p50_ms) for over in windows]),
        ("95 % within", [_ms(over.p95_ms) for over in windows]),
        ("99 % within", [_ms(over.p99_ms) for over in windows]),
        ("Repetitions", [f"{over.retries:,}" for over in windows]),
        ("Failovers", [f"{over.failovers:,}" for over in windows]),
    ]


def _ms(value: int | None) -> str:
    return "–" if value is None else f"{value:,} ms"


def _chart(parts: Mapping[int, Ends]) -> dict[str, Any]:
    """Bars of the charges of each part of the hour, and the same as rows of a table."""
    highest = max((ended.decided for ended in parts.values()), default=0)
    width = _WIDTH / max(len(parts), 1)
    blocks = []
    for place, ended in enumerate(parts.values()):
        top = float(_HEIGHT)
        for kind, count in (("ok", ended.success), ("idle", ended.declined), ("bad", ended.failed)):
            height = count * (_HEIGHT - 1) / max(highest, 1)
            top -= height
            if count:
                blocks.append(
                    {
                        "kind": kind,
                        "x": f"{place * width + _GAP:.1f}",
                        "y": f"{top:.1f}",
                        "width": f"{width - 2 * _GAP:.1f}",
                        "height": f"{height:.1f}",
                    }
                )
    return {
        "blocks": blocks,
        "highest": highest,
        "rows": [
            (rfc3339(since), f"{indian(since):%H:%M}", ended.success, ended.declined, ended.failed)
            for since, ended in parts.items()
        ],
    }

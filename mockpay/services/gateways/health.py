"""
How a seller's gateways do, and the alerts about them.

What is wrong is worked out from the log whenever somebody looks, so it is true whatever the clock did. A seller who is
to be told has it looked at by events as well: when a call has ended, and when what is wrong may be over by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from mockpay.domain.payments.breaker import Breaker, BreakerState, Force
from mockpay.domain.payments.health import (
    ALERT_MS,
    WINDOWS,
    AlertKind,
    Ends,
    Figures,
    HealthLine,
    alerts_of,
    ends,
    figures,
    find_failovers,
)
from mockpay.kernel.clock import MINUTE
from mockpay.store import gateway_alerts, gateway_breakers, outbox, schedule
from mockpay.store.gateway_alerts import Alert
from mockpay.store.reads import gateway_log
from mockpay.store.transitions import require
from mockpay.store.unit_of_work import Sandbox

#: An event of this kind looks for alerts, of the seller alone; an outbox row of the other sends one to the seller.
CHECK, NOTIFY = "gateway.alerts", "gateway.alert"
_EVERY = "all"
_PARTS = 12
_PART_MS = WINDOWS[-1] * MINUTE // _PARTS
#: Alerts that are shown, those that are over included.
_SHOWN = 50


class Health(Struct, frozen=True):
    """
    One gateway for one method of payment.

    `windows` has the figures by minutes; `parts` how charges ended in each twelfth of the longest window, by when it
    begins, the oldest first.
    """

    gateway: str
    method: str
    breaker: Breaker
    state: BreakerState
    windows: Mapping[int, Figures]
    parts: Mapping[int, Ends]


def read_health(sandbox: Sandbox) -> list[Health]:
    """Every gateway and method that was called in the last hour, or whose circuit breaker is not closed."""
    lines = gateway_log.health_lines(sandbox, sandbox.now - WINDOWS[-1] * MINUTE)
    left = find_failovers(lines)
    breakers = {(each.gateway, each.method): each for each in gateway_breakers.of_seller(sandbox)}
    forces = gateway_breakers.forces(sandbox)
    by_pair: dict[tuple[str, str], list[HealthLine]] = {pair: [] for pair in breakers}
    for line in lines:
        by_pair.setdefault((line.gateway, line.method), []).append(line)
    found = []
    for (gateway, method), of_pair in sorted(by_pair.items()):
        breaker = breakers.get((gateway, method)) or Breaker(gateway, method)
        state = breaker.state(sandbox.now, forces.get(gateway, Force.AUTO))
        if of_pair or state is not BreakerState.CLOSED:
            failed_over = [line for line in left if (line.gateway, line.method) == (gateway, method)]
            windows = {minutes: _over(sandbox, of_pair, failed_over, minutes * MINUTE) for minutes in WINDOWS}
            found.append(Health(gateway, method, breaker, state, windows, _parts(sandbox, of_pair)))
    return found


def _over(sandbox: Sandbox, lines: Sequence[HealthLine], left: Sequence[HealthLine], ms: int) -> Figures:
    since = sandbox.now - ms
    return figures([line for line in lines if line.at > since], sum(line.at > since for line in left))


def _parts(sandbox: Sandbox, lines: Sequence[HealthLine]) -> dict[int, Ends]:
    starts = [sandbox.now - place * _PART_MS for place in range(_PARTS, 0, -1)]
    return {start: ends(line for line in lines if start < line.at <= start + _PART_MS) for start in starts}


# --- alerts


def refresh(sandbox: Sandbox, health: Sequence[Health] | None = None) -> list[Alert]:
    """Open alerts of what is wrong now, clear those of what no longer is; the open ones, the oldest first."""
    wrong = {
        (each.gateway, each.method, kind): value
        for each in (read_health(sandbox) if health is None else health)
        for kind, value in alerts_of(each.windows[ALERT_MS // MINUTE], each.state).items()
    }
    before = {(alert.gateway, alert.method, alert.kind): alert for alert in gateway_alerts.open_alerts(sandbox)}
    for key, alert in before.items():
        if key not in wrong:
            _notify(sandbox, gateway_alerts.update(sandbox, alert, cleared_at=sandbox.now), "cleared")
        elif alert.value != wrong[key]:
            gateway_alerts.update(sandbox, alert, value=wrong[key])
    for (gateway, method, kind), value in wrong.items():
        if (gateway, method, kind) not in before:
            alert = gateway_alerts.add(sandbox, Alert(0, gateway, method, AlertKind(kind), value, sandbox.now))
            _notify(sandbox, alert, "opened")
    return gateway_alerts.open_alerts(sandbox)


def _notify(sandbox: Sandbox, alert: Alert, event: str) -> None:
    if sandbox.seller.settings.alert_url:
        outbox.add(
            sandbox, NOTIFY, str(alert.alert_id), leased=False, sequence_key=f"alert {alert.alert_id}", event=event
        )


def newest_alerts(sandbox: Sandbox) -> list[Alert]:
    """The last alerts, over or not, the newest first."""
    return gateway_alerts.newest(sandbox, _SHOWN)


def acknowledge(sandbox: Sandbox, alert_id: int) -> Alert:
    """
    Somebody has seen an alert; once is enough.

    Raises:
        NotFound: code ``gateway_alert.not_found``.
    """
    alert = require(gateway_alerts.find(sandbox, alert_id), "gateway_alert")
    if alert.acknowledged_at is not None:
        return alert
    return gateway_alerts.update(sandbox, alert, acknowledged_at=sandbox.now)


def check_soon(sandbox: Sandbox) -> None:
    """Have somebody look for alerts now, where the seller is to be told of them."""
    if sandbox.seller.settings.alert_url and not any(
        event.due_at <= sandbox.now for event in schedule.waiting_of(sandbox, _EVERY) if event.kind == CHECK
    ):
        schedule.add(sandbox, CHECK, _EVERY, sandbox.now)


def check(sandbox: Sandbox) -> None:
    """Look for alerts; where one is open, again at the next moment at which it may be over by itself."""
    health = read_health(sandbox)
    schedule.drop(sandbox, CHECK, _EVERY)
    if not refresh(sandbox, health):
        return
    lines = gateway_log.health_lines(sandbox, sandbox.now - ALERT_MS)
    moments = [line.at + ALERT_MS for line in lines]
    moments += [each.breaker.opened_at + each.breaker.wait_ms for each in health if each.breaker.opened_at is not None]
    following = [moment for moment in moments if moment > sandbox.now]
    if following:
        schedule.add(sandbox, CHECK, _EVERY, min(following))

"""Telling a seller of an alert by webhook: sent outside any transaction, repeated in real time where nobody listens."""

from __future__ import annotations

import msgspec

from mockpay.delivery.notifications import Send, SendResult, timeout_within_lease
from mockpay.kernel.clock import SECOND, rfc3339
from mockpay.kernel.errors import MockpayError
from mockpay.kernel.http.calls import HttpCall, is_timeout
from mockpay.services.gateways.health import NOTIFY
from mockpay.store import gateway_alerts, outbox
from mockpay.store.outbox import OutboxRow
from mockpay.store.transitions import require
from mockpay.store.unit_of_work import Runtime, Sandbox

#: How long after each try the next one comes, in real time.
_DELAYS_MS = (SECOND, 5 * SECOND, 30 * SECOND)


def alert_message(sandbox: Sandbox, row: OutboxRow) -> Send:
    """One try to tell that an alert was opened or cleared."""
    alert = require(gateway_alerts.find(sandbox, int(row.subject)), "gateway_alert")
    settings, event, tries = sandbox.seller.settings, str(row.facts["event"]), int(row.facts.get("tries", 0))
    content = {
        "type": f"gateway.alert.{event}",
        "alert_id": alert.alert_id,
        "seller_id": sandbox.seller_id,
        "gateway": alert.gateway,
        "method": alert.method,
        "kind": alert.kind,
        "value": alert.value,
        "opened_at": rfc3339(alert.opened_at),
        "cleared_at": rfc3339(alert.cleared_at) if event == "cleared" and alert.cleared_at is not None else None,
    }
    headers = {"Content-Type": "application/json"}

    def send(runtime: Runtime) -> SendResult:
        timeout = timeout_within_lease(runtime, settings.ipn_timeout_seconds)
        body, trusting = msgspec.json.encode(content), settings.trust_loopback_tls
        timed_out = False
        try:
            call = HttpCall("POST", settings.alert_url, headers, body, timeout, trust_loopback=trusting)
            status = runtime.sender.send(call).status
            answer, taken = f"answered {status}", 200 <= status < 300
        except MockpayError as error:
            answer, taken, timed_out = error.reason, False, is_timeout(error)

        def record(sandbox: Sandbox) -> None:
            gateway_alerts.update(sandbox, alert, delivery=f"{event}: {answer}")
            if not taken and tries < len(_DELAYS_MS):
                outbox.add(
                    sandbox, NOTIFY, row.subject, leased=False, delay_ms=_DELAYS_MS[tries], event=event, tries=tries + 1
                )

        return SendResult(record, timed_out=timed_out)

    return send

"""What a scenario of the stage `verify` does to the first ListOrderReference of an order."""

from __future__ import annotations

from mockpay.domain.orders import Order
from mockpay.domain.payments.attempts import Attempt, Stage
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Conflict, MockpayError, Unusable
from mockpay.store import attempts, counters
from mockpay.store.unit_of_work import Sandbox

#: How long an old state is told, in ms.
_LATE_MS = 5 * SECOND
_THROTTLED_CALLS = 2


def fault_of(sandbox: Sandbox, order: Order) -> str:
    """
    What this call meets: ``""`` for nothing, ``stale``, ``not_found`` or ``malformed``.

    Each call of an order counts, so that the first ones fail and later ones do not.
    """
    last = attempts.last_of_order(sandbox, order.order_pk)
    if last is None or not last.plan.decides(Stage.VERIFY):
        return ""
    outcome = last.plan.at(Stage.VERIFY).outcome
    if outcome in {"stale", "not_found"}:
        return outcome if sandbox.now < _since(last) + _LATE_MS else ""
    times = _THROTTLED_CALLS if outcome == "throttled" else 1
    return outcome if counters.bump(sandbox, f"verify {order.order_id}") <= times else ""


def _since(attempt: Attempt) -> int:
    return attempt.updated_at


def refusal(fault: str) -> MockpayError | None:
    """The error that a fault answers with, where it is one."""
    if fault == "throttled":
        return Conflict("A scenario throttles this call.", code="throttled")
    if fault == "unavailable":
        return Unusable("A scenario has the service down.", code="service.unavailable")
    return None

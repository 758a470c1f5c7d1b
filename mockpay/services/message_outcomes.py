"""What a scenario does to a message that belongs to no try and no refund: an order that nobody tried, an object."""

from __future__ import annotations

from collections.abc import Mapping

from mockpay.domain.notifications import NotificationType
from mockpay.domain.orders import Order
from mockpay.domain.payments.attempts import Attempt, Decision, Stage
from mockpay.services.payments.payments import requested_outcomes
from mockpay.services.scenarios import draw_rule
from mockpay.store import scenarios
from mockpay.store.unit_of_work import Sandbox


def of_payment(sandbox: Sandbox, order: Order, attempt: Attempt | None) -> str:
    """
    The outcome of a message about an order's payment: that of its newest try, where there is one.

    Before that only a rule for every time counts, for one with a number of times waits for a payment.
    """
    if attempt is not None:
        return attempt.plan.at(Stage.IPN).outcome
    match = {
        "kind": str(order.kind),
        "amount": order.amount.wire(),
        "seller_order_id": order.seller_order_id,
        "order_id": order.order_id,
        "notification_type": str(NotificationType.PAYMENT),
    }
    return _outcome(sandbox, match, order.order_id, requested_outcomes(sandbox, order))


def of_object(sandbox: Sandbox, object_id: str, requested: Mapping[Stage, Decision]) -> str:
    """
    The outcome of a message about an object of a company's, such as a customer.

    A rule for every time counts, and one whose match names the notification type `object`, which is used up.

    Args:
        requested: What the call asks for that the message is about.
    """
    return _outcome(sandbox, {"notification_type": str(NotificationType.OBJECT)}, object_id, requested)


def _outcome(sandbox: Sandbox, match: Mapping[str, str], subject: str, requested: Mapping[Stage, Decision]) -> str:
    for position, rule in enumerate(scenarios.waiting(sandbox)):
        objects_only = rule.match.get("notification_type") == NotificationType.OBJECT
        counts = rule.stage is Stage.IPN and (rule.times is None or objects_only)
        if counts and rule.fits(match, sandbox.now) and draw_rule(sandbox, rule, position, subject):
            scenarios.use_up(sandbox, rule)
            return rule.outcome
    if Stage.IPN in requested:
        return requested[Stage.IPN].outcome
    return sandbox.seller.settings.default_outcomes.get(Stage.IPN, "success")

"""
Rows for what comes after the issuer: capture, notifications, verification and refunds.

`24.CC` is the amount of a refund, `1705.CC` of an order that is refunded in full: CC means the same in both.
"""

from __future__ import annotations

from collections.abc import Iterable

from mockpay.domain.payments.attempts import Stage
from mockpay.domain.refunds import PROCESSING_FAILURE, REJECTED
from mockpay.domain.scenarios.rows import Input, Row

#: What may become of an authorisation (`expires:MINUTES` and `closed` by a note's simulation).
_CAPTURES: tuple[tuple[str, str, str], ...] = (
    ("01", "pending", "the capture is pending, then done"),
    ("02", "fails", "authorised, then the capture fails and the hold is released"),
    ("03", "partial", "only half is captured, the rest is released"),
)
CAPTURE_OUTCOMES = frozenset({"success", "closed", *(outcome for _, outcome, _ in _CAPTURES)})
CAPTURE_EXPIRES = "expires:"

_IPNS: tuple[tuple[str, str, str], ...] = (
    ("01", "none", "no notification of the payment"),
    ("02", "tripled", "the notification of the payment comes three times"),
    ("03", "out_of_order", "a later notification overtakes the payment's"),
    ("04", "delayed", "the notification of the payment comes 30 seconds late"),
    ("05", "bad_signature", "the notification of the payment is wrongly signed"),
    ("06", "fails_until_4", "the first three tries to notify of the payment are lost"),
)

_VERIFIES: tuple[tuple[str, str, str], ...] = (
    ("01", "throttled", "the order's status is throttled twice, then answers"),
    ("02", "unavailable", "the order's status answers 503 once"),
    ("03", "stale", "the order's status is the old one for 5 seconds"),
    ("04", "not_found", "the order is not found for 5 seconds"),
    ("05", "malformed", "the order's status is a broken document once"),
)
VERIFY_OUTCOMES = frozenset({"success", *(outcome for _, outcome, _ in _VERIFIES)})

#: Stage, outcome and words of a refund's CC.
_REFUNDS: tuple[tuple[str, Stage, str, str], ...] = (
    ("01", Stage.REFUND, "completed", "refunded at once"),
    ("02", Stage.REFUND, REJECTED, "declined, rejected"),
    ("03", Stage.REFUND, PROCESSING_FAILURE, "declined, processing failed"),
    ("04", Stage.REFUND, "held", "pending until a tester releases it"),
    ("05", Stage.REFUND, "throttled_once", "the request is throttled once"),
    ("06", Stage.REFUND, "lost_answer", "accepted, but the answer is HTTP 500"),
    ("07", Stage.IPN, "none", "refunded without a notification"),
    ("08", Stage.IPN, "tripled", "the notification of the refund comes three times"),
    ("09", Stage.IPN, "early", "the notification comes before the API's own answer"),
    ("10", Stage.IPN, "bad_signature", "the notification of the refund is wrongly signed"),
    ("11", Stage.IPN, "fails_until_4", "the first three tries to notify are lost"),
    ("12", Stage.REFUND, "reversed", "refunded, then taken back"),
)


def later_rows() -> Iterable[Row]:
    """All of them."""
    for band, stage, table in (
        ("1708", Stage.CAPTURE, _CAPTURES),
        ("1704", Stage.IPN, _IPNS),
        ("1707", Stage.VERIFY, _VERIFIES),
    ):
        for code, outcome, description in table:
            name = f"amount.{stage}.{code}"
            yield Row(name, stage, Input.AMOUNT, f"{band}.{code}", outcome, description)
    for code, stage, outcome, description in _REFUNDS:
        of_refund, of_order = f"refund.amount.{code}", f"refund.order.{code}"
        yield Row(of_refund, stage, Input.REFUND_AMOUNT, f"24.{code}", outcome, description)
        yield Row(of_order, stage, Input.REFUND_OF, f"1705.{code}", outcome, f"in full: {description}")

"""Deciding on attempts that the risk check has put aside."""

from __future__ import annotations

from mockpay.delivery import outbox
from mockpay.domain.timeline import Actor
from mockpay.services.payments import payments
from mockpay.services.payments.transitions import the_attempt
from mockpay.store.unit_of_work import read, transaction
from mockpay.web.control.attempts import AttemptDetail, attempt_detail
from mockpay.web.control.endpoints import Ask, Endpoint


def approve(ask: Ask[None, None]) -> AttemptDetail:
    return _decided(ask, approved=True)


def reject(ask: Ask[None, None]) -> AttemptDetail:
    return _decided(ask, approved=False)


def _decided(ask: Ask[None, None], *, approved: bool) -> AttemptDetail:
    """The attempt as it then stands; an approved one has asked its gateway already."""
    attempt_id = ask.path["attempt_id"]
    with transaction(ask.runtime, ask.seller_id) as sandbox:
        payments.reviewed(sandbox, attempt_id, approved=approved, actor=Actor.TESTER)
    outbox.send_waiting(ask.runtime, ask.seller_id)
    with read(ask.runtime, ask.seller_id) as sandbox:
        return attempt_detail(sandbox, the_attempt(sandbox, attempt_id))


_PATH = "/v1/sellers/{seller_id}/reviews/{attempt_id}"
ENDPOINTS = (
    Endpoint(
        "POST",
        f"{_PATH}/approve",
        approve,
        "Let an attempt go on that is RISK_REVIEW; its buyer may still be asked for a proof.",
        gives=AttemptDetail,
        fails=(404, 409),
    ),
    Endpoint(
        "POST",
        f"{_PATH}/reject",
        reject,
        "End an attempt that is RISK_REVIEW; the buyer hears a neutral word.",
        gives=AttemptDetail,
        fails=(404, 409),
    ),
)

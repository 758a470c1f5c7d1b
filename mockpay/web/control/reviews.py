"""Deciding on attempts that the risk check has put aside."""

from __future__ import annotations

from mockpay.delivery.sender_pool import send_waiting
from mockpay.domain.timeline import Actor
from mockpay.services.payments import payments
from mockpay.services.payments.transitions import get_attempt
from mockpay.web.control.attempts import AttemptDetail, attempt_detail
from mockpay.web.control.endpoints import Endpoint, Request


def approve_attempt(request: Request[None, None]) -> AttemptDetail:
    return _decided(request, approved=True)


def reject_attempt(request: Request[None, None]) -> AttemptDetail:
    return _decided(request, approved=False)


def _decided(request: Request[None, None], *, approved: bool) -> AttemptDetail:
    """The attempt after the decision; an approved one has called its gateway already."""
    attempt_id = request.path["attempt_id"]
    with request.transaction() as sandbox:
        payments.decide_review(sandbox, attempt_id, approved=approved, actor=Actor.TESTER)
    send_waiting(request.runtime, request.seller_id)
    with request.read() as sandbox:
        return attempt_detail(sandbox, get_attempt(sandbox, attempt_id))


_PATH = "/v1/sellers/{seller_id}/reviews/{attempt_id}"
ENDPOINTS = (
    Endpoint(
        "POST",
        f"{_PATH}/approve",
        approve_attempt,
        "Let an attempt go on that is RISK_REVIEW; its buyer may still be asked for a proof.",
        errors=(409,),
    ),
    Endpoint(
        "POST",
        f"{_PATH}/reject",
        reject_attempt,
        "End an attempt that is RISK_REVIEW; the buyer hears a neutral word.",
        errors=(409,),
    ),
)

"""The directory server: routes by network, and vouches for who talks to whom."""

from __future__ import annotations

from dataclasses import replace

from mockpay.domain.methods.cards import NETWORK_NAMES
from mockpay.domain.timeline import Actor
from mockpay.store.transitions import step
from mockpay.store.unit_of_work import Sandbox
from mockpay.threeds import issuer, threeds_table
from mockpay.threeds.issuer import seal_cavv
from mockpay.threeds.messages import AReq, ARes, BadMessage, ErrorMessage, RReq, RRes, error_message
from mockpay.threeds.rules import (
    CANCELLED_BY_CARDHOLDER,
    DIRECT,
    NEVER_OPENED,
    TIMED_OUT_AT_ACS,
    State,
    Transaction,
    TransStatus,
    eci,
    trans_id,
)
from mockpay.threeds.threeds_table import ACS, DIRECTORY, SERVER, TRANSACTIONS, log


def authenticate(sandbox: Sandbox, txn: Transaction, areq: AReq) -> ARes | ErrorMessage:
    """
    Hand an AReq to the card's ACS, and its answer back.

    A card that is in no range of its network's is answered here: U, not enrolled.
    """
    log(sandbox, txn.txn_id, areq, SERVER, DIRECTORY)
    ds_trans_id = trans_id(sandbox.seller.seed, sandbox.seller_id, "ds", txn.txn_id)
    try:
        forwarded = replace(AReq.read(areq.plain()), ds_trans_id=ds_trans_id)
    except BadMessage as error:
        return _log_response(
            sandbox,
            txn,
            error_message(error.error_code, DIRECTORY, error.element, AReq.kind, server_trans_id=areq.server_trans_id),
        )
    if txn.network not in NETWORK_NAMES:
        return _log_response(
            sandbox,
            txn,
            error_message(
                "405", DIRECTORY, "No ACS serves this card.", AReq.kind, server_trans_id=areq.server_trans_id
            ),
        )
    known = threeds_table.change(sandbox, txn, ds_trans_id=ds_trans_id)
    if txn.outcome == "not_enrolled":
        return _log_response(sandbox, txn, _not_enrolled(sandbox, known, forwarded))
    log(sandbox, txn.txn_id, forwarded, DIRECTORY, ACS)
    answered = issuer.respond(sandbox, known, forwarded)
    log(sandbox, txn.txn_id, answered, ACS, DIRECTORY)
    return _log_response(sandbox, txn, answered)


def _log_response(sandbox: Sandbox, txn: Transaction, answered: ARes | ErrorMessage) -> ARes | ErrorMessage:
    log(sandbox, txn.txn_id, answered, DIRECTORY, SERVER)
    return answered


def _not_enrolled(sandbox: Sandbox, txn: Transaction, areq: AReq) -> ARes:
    """The directory's own ARes; it stands in for the ACS that there is not."""
    stand_in = trans_id(sandbox.seller.seed, sandbox.seller_id, "stand-in", txn.txn_id)
    status, reason = DIRECT["not_enrolled"]
    return ARes(
        areq.server_trans_id,
        areq.ds_trans_id or "",
        stand_in,
        TransStatus(status),
        reason,
        eci=eci(txn.network, status),
    )


def forward_result(sandbox: Sandbox, txn: Transaction, rreq: RReq) -> RRes | ErrorMessage:
    """Hand an ACS's result to the 3DS Server, and its receipt back."""
    log(sandbox, txn.txn_id, rreq, ACS, SERVER)
    receipt = receive(sandbox, rreq)
    log(sandbox, txn.txn_id, receipt, SERVER, ACS)
    return receipt


#: How the machine goes by challengeCancel, and whose doing that is.
_STEPS = {
    CANCELLED_BY_CARDHOLDER: ("cancel", Actor.BUYER),
    TIMED_OUT_AT_ACS: ("time_out", Actor.CLOCK),
    NEVER_OPENED: ("time_out", Actor.CLOCK),
}


def receive(sandbox: Sandbox, rreq: RReq) -> RRes | ErrorMessage:
    """Store a challenge's result, once; a second one for the same challenge is refused."""
    try:
        told = RReq.read(rreq.plain())
    except BadMessage as error:
        return _refused(rreq, error.error_code, error.element)
    txn = threeds_table.by_id(sandbox, told.server_trans_id)
    if txn is None or not _same(txn, told):
        return _refused(rreq, "301", "threeDSServerTransID")
    if txn.state is not State.CHALLENGE:
        return _refused(rreq, "101", "The result is known already.")
    event, actor = _STEPS.get(told.challenge_cancel or "", ("complete", Actor.ISSUER))
    step(
        sandbox,
        TRANSACTIONS,
        txn,
        event,
        actor,
        {
            "trans_status": told.trans_status,
            "reason": told.reason,
            "eci": told.eci,
            "sealed_value": seal_cavv(sandbox, txn.txn_id, told.authentication_value),
            "challenge_cancel": told.challenge_cancel,
            "interactions": int(told.interaction_counter),
            "completed_at": sandbox.now,
        },
    )
    return RRes(told.server_trans_id, told.ds_trans_id, told.acs_trans_id)


def _same(txn: Transaction, told: RReq) -> bool:
    return (txn.ds_trans_id, txn.acs_trans_id) == (told.ds_trans_id, told.acs_trans_id)


def _refused(rreq: RReq, error_code: str, detail: str) -> ErrorMessage:
    return error_message(
        error_code,
        SERVER,
        detail,
        RReq.kind,
        server_trans_id=rreq.server_trans_id,
        ds_trans_id=rreq.ds_trans_id,
        acs_trans_id=rreq.acs_trans_id,
    )

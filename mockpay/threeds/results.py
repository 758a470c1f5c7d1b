"""The 3DS Server takes the issuer's word: RReq, server to server, and nothing else."""

from __future__ import annotations

from mockpay.domain.timeline import Actor
from mockpay.store.transitions import step
from mockpay.store.unit_of_work import Sandbox
from mockpay.threeds import threeds_table
from mockpay.threeds.elements import BadMessage
from mockpay.threeds.issuer import seal_cavv
from mockpay.threeds.messages import ErrorMessage, RReq, RRes, error_message
from mockpay.threeds.rules import CANCELLED_BY_CARDHOLDER, NEVER_OPENED, TIMED_OUT_AT_ACS, State, Transaction
from mockpay.threeds.transitions import SERVER, TRANSACTIONS

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

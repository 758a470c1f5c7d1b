"""The directory server: routes by network, and vouches for who talks to whom."""

from __future__ import annotations

from dataclasses import replace

from mockpay.domain.methods.cards import NETWORK_NAMES
from mockpay.store.unit_of_work import Sandbox
from mockpay.threeds import acs_decision, results, threeds_table
from mockpay.threeds.elements import BadMessage
from mockpay.threeds.messages import AReq, ARes, ErrorMessage, RReq, RRes, error_message
from mockpay.threeds.outcomes import DIRECT
from mockpay.threeds.rules import Transaction, TransStatus, eci, trans_id
from mockpay.threeds.transitions import ACS, DIRECTORY, SERVER, log


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
    answered = acs_decision.respond(sandbox, known, forwarded)
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
    receipt = results.receive(sandbox, rreq)
    log(sandbox, txn.txn_id, receipt, SERVER, ACS)
    return receipt

"""
The directory server between 3DS Server and ACS, a challenge's stored result, and the issuer's answers with its CAVV.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import replace

from mockpay.domain.methods.cards import NETWORK_NAMES
from mockpay.domain.timeline import Actor
from mockpay.kernel import ids
from mockpay.store.transitions import step
from mockpay.store.unit_of_work import Sandbox
from mockpay.threeds import threeds_table
from mockpay.threeds.messages import AReq, ARes, BadMessage, ErrorMessage, RReq, RRes, error_message
from mockpay.threeds.rules import (
    CANCELLED_BY_CARDHOLDER,
    DIRECT,
    ERRORS,
    NEVER_OPENED,
    PROVEN,
    TIMED_OUT_AT_ACS,
    State,
    Transaction,
    TransStatus,
    direct_status,
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
    changed = threeds_table.change(sandbox, txn, ds_trans_id=ds_trans_id)
    if txn.outcome == "not_enrolled":
        return _log_response(sandbox, txn, _not_enrolled(sandbox, changed, forwarded))
    log(sandbox, txn.txn_id, forwarded, DIRECTORY, ACS)
    answered = respond(sandbox, changed, forwarded)
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


# --- the 3DS Server's end: the result is stored


#: How the machine goes by challengeCancel, and whose doing that is.
_STEPS = {
    CANCELLED_BY_CARDHOLDER: ("cancel", Actor.BUYER),
    TIMED_OUT_AT_ACS: ("time_out", Actor.CLOCK),
    NEVER_OPENED: ("time_out", Actor.CLOCK),
}


def receive(sandbox: Sandbox, rreq: RReq) -> RRes | ErrorMessage:
    """Store a challenge's result, once; a second one for the same challenge is refused."""
    try:
        result = RReq.read(rreq.plain())
    except BadMessage as error:
        return _refused(rreq, error.error_code, error.element)
    txn = threeds_table.by_id(sandbox, result.server_trans_id)
    if txn is None or (txn.ds_trans_id, txn.acs_trans_id) != (result.ds_trans_id, result.acs_trans_id):
        return _refused(rreq, "301", "threeDSServerTransID")
    if txn.state is not State.CHALLENGE:
        return _refused(rreq, "101", "The result is known already.")
    event, actor = _STEPS.get(result.challenge_cancel or "", ("complete", Actor.ISSUER))
    step(
        sandbox,
        TRANSACTIONS,
        txn,
        event,
        actor,
        {
            "trans_status": result.trans_status,
            "reason": result.reason,
            "eci": result.eci,
            "sealed_value": seal_cavv(sandbox, txn.txn_id, result.authentication_value),
            "challenge_cancel": result.challenge_cancel,
            "interactions": int(result.interaction_counter),
            "completed_at": sandbox.now,
        },
    )
    return RRes(result.server_trans_id, result.ds_trans_id, result.acs_trans_id)


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


# --- the issuer


#: What cavv_result says (CyberSource's field of that name).
CAVV_WRONG, CAVV_RIGHT, ATTEMPT_CAVV_RIGHT, ATTEMPT_CAVV_WRONG = "1", "2", "3", "4"


_OCTETS = 20
_ATTEMPTS = frozenset({"06", "01"})
_KIND = "threeds.value"


def cavv(sandbox: Sandbox, txn: Transaction, eci: str) -> str:
    """
    The CAVV of an authentication: 20 bytes of an HMAC in base64, 28 characters.

    The issuer's key is made of the process's own, so that no database holds it.
    """
    key = sandbox.runtime.keyring.derived(f"threeds.acs|{txn.issuer}")
    text = f"{txn.ds_trans_id}|{txn.last4}|{txn.amount.minor}|{eci}"
    octets = hmac.digest(key, text.encode(), "sha256")[:_OCTETS]
    return base64.b64encode(octets).decode()


def check_cavv(sandbox: Sandbox, txn: Transaction, presented: str | None, eci: str) -> str | None:
    """
    The issuer's cavv_result for what an authorisation presents; None where nothing is.

    A wrong value (1, or 4 for an attempt) is declined with 05.
    """
    if presented is None:
        return None
    right = ids.same(cavv(sandbox, txn, eci), presented)
    if eci in _ATTEMPTS:
        return ATTEMPT_CAVV_RIGHT if right else ATTEMPT_CAVV_WRONG
    return CAVV_RIGHT if right else CAVV_WRONG


def seal_cavv(sandbox: Sandbox, txn_id: str, authentication_value: str | None) -> bytes | None:
    """A CAVV as its row may have it."""
    if authentication_value is None:
        return None
    return sandbox.runtime.keyring.seal(_KIND, txn_id, authentication_value.encode())


def open_cavv(sandbox: Sandbox, txn: Transaction) -> str | None:
    """The CAVV that the 3DS Server got; None where there was none."""
    if txn.sealed_value is None:
        return None
    return sandbox.runtime.keyring.open_(_KIND, txn.txn_id, txn.sealed_value).decode()


_DYNAMIC = "02"


def respond(sandbox: Sandbox, txn: Transaction, areq: AReq) -> ARes | ErrorMessage:
    """What the issuer's ACS makes of an AReq, as the attempt's plan has it."""
    acs_trans_id = trans_id(sandbox.seller.seed, sandbox.seller_id, "acs", txn.txn_id)
    if txn.outcome in ERRORS:
        return error_message(
            "404",
            ACS,
            "The ACS has failed.",
            AReq.kind,
            server_trans_id=areq.server_trans_id,
            ds_trans_id=areq.ds_trans_id,
            acs_trans_id=acs_trans_id,
        )
    direct = direct_status(txn)
    if direct is None:
        return _challenge(sandbox, txn, areq, acs_trans_id)
    status, reason = direct
    return _final_ares(sandbox, txn, areq, acs_trans_id, status, reason)


def _final_ares(
    sandbox: Sandbox, txn: Transaction, areq: AReq, acs_trans_id: str, status: TransStatus, reason: str | None
) -> ARes:
    """An ARes that ends the authentication."""
    indicator = eci(txn.network, status)
    return ARes(
        areq.server_trans_id,
        areq.ds_trans_id or "",
        acs_trans_id,
        status,
        reason,
        eci=indicator,
        authentication_value=cavv(sandbox, txn, indicator) if status in PROVEN else None,
        acs_operator=txn.issuer,
    )


def _challenge(sandbox: Sandbox, txn: Transaction, areq: AReq, acs_trans_id: str) -> ARes:
    """The ACS opens a page for the cardholder, under a token that nobody can guess."""
    changed = threeds_table.change(sandbox, txn, acs_token=ids.page_token())
    return ARes(
        areq.server_trans_id,
        areq.ds_trans_id or "",
        acs_trans_id,
        TransStatus.CHALLENGE,
        acs_url=changed.acs_path,
        challenge_mandated="Y",
        authentication_type=_DYNAMIC,
        acs_operator=txn.issuer,
    )

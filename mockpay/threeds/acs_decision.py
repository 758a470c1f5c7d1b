"""The ACS's first answer: done without a challenge, a challenge, or an error."""

from __future__ import annotations

from mockpay.kernel import ids
from mockpay.store.unit_of_work import Sandbox
from mockpay.threeds import issuer, threeds_table
from mockpay.threeds.messages import AReq, ARes, ErrorMessage, error_message
from mockpay.threeds.outcomes import ERRORS, direct_status
from mockpay.threeds.rules import PROVEN, Transaction, TransStatus, eci, trans_id
from mockpay.threeds.transitions import ACS

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
    told = direct_status(txn)
    if told is None:
        return _challenge(sandbox, txn, areq, acs_trans_id)
    status, reason = told
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
        authentication_value=issuer.cavv(sandbox, txn, indicator) if status in PROVEN else None,
        acs_operator=txn.issuer,
    )


def _challenge(sandbox: Sandbox, txn: Transaction, areq: AReq, acs_trans_id: str) -> ARes:
    """The ACS opens a page for the cardholder, under a token that nobody can guess."""
    noted = threeds_table.change(sandbox, txn, acs_token=ids.page_token())
    return ARes(
        areq.server_trans_id,
        areq.ds_trans_id or "",
        acs_trans_id,
        TransStatus.CHALLENGE,
        acs_url=noted.acs_path,
        challenge_mandated="Y",
        authentication_type=_DYNAMIC,
        acs_operator=txn.issuer,
    )

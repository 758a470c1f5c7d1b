"""The issuer: makes the authenticationValue (CAVV) by its ACS, and checks it when it authorises."""

from __future__ import annotations

import base64
import hmac

from mockpay.kernel import ids
from mockpay.store.unit_of_work import Sandbox
from mockpay.threeds import threeds_table
from mockpay.threeds.messages import AReq, ARes, ErrorMessage, error_message
from mockpay.threeds.rules import ERRORS, PROVEN, Transaction, TransStatus, direct_status, eci, trans_id
from mockpay.threeds.threeds_table import ACS

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
        authentication_value=cavv(sandbox, txn, indicator) if status in PROVEN else None,
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

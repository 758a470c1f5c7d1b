"""The issuer: makes the authenticationValue (CAVV) by its ACS, and checks it when it authorises."""

from __future__ import annotations

import base64
import hmac

from mockpay.kernel import ids
from mockpay.store.unit_of_work import Sandbox
from mockpay.threeds.rules import Transaction

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

"""What acquirers that answer in process share: how a request names the outcome, and the names of objects."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mockpay.domain.methods.method import Answer, ResponseCodes
from mockpay.domain.payments.faults import Fault
from mockpay.kernel import ids
from mockpay.kernel.clock import SECOND
from mockpay.services.gateways import accounts
from mockpay.store import gateway_accounts, gateway_objects
from mockpay.store.gateway_objects import GatewayObject
from mockpay.store.unit_of_work import Sandbox

_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


def planned(headers: Mapping[str, str], codes: ResponseCodes) -> Answer:
    """
    The answer that a request asks for: `Mockpay-Outcome: issuer=OUTCOME`, success without.

    Args:
        headers: By their names in small letters.

    Raises:
        Invalid: code ``scenario.outcome``.
    """
    wishes = dict(wish.strip().partition("=")[::2] for wish in headers.get("mockpay-outcome", "").split(","))
    return codes.answer(wishes.get("issuer") or "success")


def delay_ms(sandbox: Sandbox, headers: Mapping[str, str]) -> int:
    """How long the network takes where it does not know at once: `Mockpay-Delay`, in ms, or as the seller has it."""
    text = headers.get("mockpay-delay", "")
    usual = sandbox.seller.settings.upi_pending_seconds * SECOND
    return int(text) if re.fullmatch("[0-9]{1,12}", text) else usual


def digits(sandbox: Sandbox, gateway: str, size: int, *natural_key: object) -> str:
    """Letters and digits of an object's name, from the seller's seed and what it is about: the same in every run."""
    dice = ids.number(sandbox.seller.seed, gateway, sandbox.seller_id, *natural_key, below=36**size)
    return "".join(_BASE36[dice // 36**place % 36] for place in range(size))


def find_object(sandbox: Sandbox, gateway: str, kind: str, object_id: str) -> GatewayObject | None:
    """An object by a name that came from outside: what no object can be called, a NUL too, never reaches a query."""
    named = re.fullmatch("[A-Za-z0-9_]{1,40}", object_id)
    return gateway_objects.find(sandbox, gateway, kind, object_id) if named else None


def signing_secret(sandbox: Sandbox, gateway: str, name: str, fault: Fault | None) -> str:
    """The credential with which a message to a seller's backend is signed; a wrong one where the fault says so."""
    secret = accounts.credentials_of(sandbox, gateway_accounts.find(sandbox, gateway))[name]
    return f"{secret}x" if fault is Fault.WEBHOOK_BAD_SIGNATURE else secret

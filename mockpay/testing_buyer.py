"""A buyer without a browser, for tests in the sandbox's own process."""

from __future__ import annotations

from collections.abc import Mapping

from mockpay.delivery import outbox, scheduler
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.payments.attempts import Auth
from mockpay.services.payments import authentication, payments
from mockpay.services.payments.authentication import CheckoutContext, Payer
from mockpay.services.payments.transitions import get_attempt
from mockpay.store import orders
from mockpay.store.transitions import require
from mockpay.store.unit_of_work import Runtime, Sandbox, transaction
from mockpay.threeds import acs, requestor, threeds_table
from mockpay.threeds.rules import Browser

_CODE = "111000"
_CARD = {"number": "4718609108204366", "expiry": "08/39", "cvv": "123", "name": "Asha Rao"}
#: What pays without a magic value.
_ORDINARY: Mapping[str, Mapping[str, str]] = {
    "upi": {"vpa": "asha@okbank"},
    "card": _CARD,
    "netbanking": {"bank": "HDFC"},
    "wallet": {"email": "rich@buyers.mockpay.test"},
    "emi": {**_CARD, "number": "5241810000000000", "bank": "HDFC", "tenure": "6"},
}


def pay(
    runtime: Runtime, seller_id: str, seller_order_id: str, method: str, parts: Mapping[str, str], base_url: str
) -> str:
    """Pay an open order, and type a right code wherever one is asked for; the order's id."""
    with transaction(runtime, seller_id) as sandbox:
        order = require(orders.newest(sandbox, seller_order_id), "order")
        instrument = METHODS[method].read({**_ORDINARY.get(method, {}), **parts}, sandbox.now, order.amount)
        payer = Payer(checkout=CheckoutContext(page_url=f"{base_url}/pay/{order.page_token}"))
        started = payments.pay(sandbox, order, instrument, payer)
    _send(runtime, seller_id, started.outbox_id)
    with transaction(runtime, seller_id) as sandbox:
        outbox_id = _prove(sandbox, started.attempt.attempt_id)
    _send(runtime, seller_id, outbox_id)
    return str(order.order_id)


def _send(runtime: Runtime, seller_id: str, outbox_id: int | None) -> None:
    if outbox_id is not None:
        outbox.send_leased(runtime, seller_id, outbox_id)
    scheduler.fire_present(runtime, seller_id)


def _prove(sandbox: Sandbox, attempt_id: str) -> int | None:
    """Type the code; the outbox row that then asks the gateway."""
    attempt = get_attempt(sandbox, attempt_id)
    if attempt.auth is Auth.OTP:
        attempt = authentication.submit_otp(sandbox, attempt, _CODE)[1]
    elif attempt.auth is Auth.THREEDS:
        attempt = authentication.ask_issuer(sandbox, attempt, Browser(ip="127.0.0.1"), "Y")
        txn = threeds_table.latest(sandbox, attempt_id)
        if txn is not None and txn.acs_token is not None and attempt.auth is Auth.THREEDS:
            page = acs.open_challenge(sandbox, txn.acs_token, requestor.creq(txn), txn.session_data or "")
            if isinstance(page, acs.AcsPage):
                page = acs.submit(sandbox, txn.acs_token, _CODE)
            if isinstance(page, acs.ChallengeCompletion):
                attempt = authentication.handle_return(sandbox, attempt, page.cres, page.session_data)
    else:
        return None
    return payments.queue_charge(sandbox, attempt, leased=True)

"""Orders by which buyers fill their own wallets: paid on the pages of any payment, through the same gateways."""

from __future__ import annotations

from mockpay.domain.buyers import normal_email
from mockpay.domain.orders import Order, OrderKind, PaymentRequest
from mockpay.domain.wallet import limits
from mockpay.kernel import ids
from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import Money
from mockpay.services.payments import orders
from mockpay.services.wallet import balances
from mockpay.store import counters
from mockpay.store.unit_of_work import Sandbox

#: The least that can be added (buyer-side facts, section 6).
LEAST = Money(100)
#: What the payment's pages call the payee.
_PAYEE = "Wallet balance"


def open_order(
    sandbox: Sandbox, email: str, amount: Money, return_url: str, kind: OrderKind = OrderKind.TOPUP
) -> Order:
    """
    Open an order that credits a wallet once it is paid; the limits are looked at now and again then.

    Args:
        return_url: Where the buyer goes when done.

    Raises:
        Invalid: code ``amount.too_small`` or ``email.invalid``.
        Conflict: the reason of a status or limit, such as ``wallet_balance_cap``.
    """
    owner = normal_email(email)
    if amount < LEAST:
        raise Invalid(f"At least {LEAST.display()} can be added.", code="amount.too_small", field="amount")
    balances.ensure_open(sandbox, owner)
    balances.check(sandbox, owner, limits.load_refusal, amount.minor)
    number = counters.bump(sandbox, f"wallet.{kind}")
    request = PaymentRequest(
        provider="",
        seller_order_id=f"{kind}-{number}",
        amount=amount,
        redirect_url=return_url,
        digest=ids.page_token(),
        store_name=_PAYEE,
        kind=kind,
        wallet_owner=owner,
    )
    order = orders.open_order(sandbox, request).order
    assert order is not None
    return order

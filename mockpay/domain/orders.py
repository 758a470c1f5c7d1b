"""An order: what the seller asks to be paid, from the request to its last refund."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from mockpay.domain.timeline import Actor, Machine, steps
from mockpay.kernel.clock import SECOND
from mockpay.kernel.money import Money


class OrderState(StrEnum):
    """Spelt as in the control API; a provider's own spelling lives on its wire only."""

    CREATED = "CREATED"
    PENDING = "PENDING"
    AUTHORIZED = "AUTHORIZED"
    PAID = "PAID"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    REFUNDED = "REFUNDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


class OrderKind(StrEnum):
    """Who pays whom: a buyer a seller, or a buyer the own wallet, by hand or by auto-reload."""

    PAYMENT = "payment"
    TOPUP = "topup"
    RELOAD = "reload"


_S = OrderState

#: The buyer may still do something about these.
OPEN = frozenset({_S.CREATED, _S.PENDING})
#: Money was taken for these.
PAID = frozenset({_S.PAID, _S.PARTIALLY_REFUNDED, _S.REFUNDED})
#: These ended without money; a success that comes later is sent back.
CLOSED_UNPAID = frozenset({_S.FAILED, _S.CANCELLED, _S.EXPIRED})

ORDER: Machine[OrderState] = Machine(
    "order",
    {
        **steps([_S.CREATED, _S.PENDING], attempt_started=_S.PENDING),
        **steps([_S.CREATED, _S.PENDING], buyer_cancel=_S.CANCELLED, timeout=_S.EXPIRED),
        **steps([_S.PENDING], attempt_failed=_S.PENDING, given_up=_S.FAILED),
        **steps([_S.PENDING], attempt_authorized=_S.AUTHORIZED, attempt_captured=_S.PAID),
        **steps([_S.AUTHORIZED], capture=_S.PAID, void=_S.CANCELLED, auth_expired=_S.EXPIRED),
        **steps(
            [_S.PAID, _S.PARTIALLY_REFUNDED],
            refund_completed=_S.PARTIALLY_REFUNDED,
            refund_completed_in_full=_S.REFUNDED,
        ),
        **steps([_S.PARTIALLY_REFUNDED, _S.REFUNDED], refund_reversed=_S.PARTIALLY_REFUNDED),
        **steps([_S.PARTIALLY_REFUNDED, _S.REFUNDED], last_refund_reversed=_S.PAID),
    },
)


class PaymentRequest(Struct, frozen=True):
    """
    What a provider's front end read from a verified request to pay, or what fills a wallet.

    `timeout_seconds` is how long it may be paid: the seller's setting where None, for ever where 0. `outcomes` is what
    the request asks for by itself (`scenarios.requested.dump_outcomes`); `capture` is "auto" or "manual" and
    `authorization_seconds` how long an authorisation waits for its capture, the seller's settings where None.
    `fields` is the decoded payload as the seller sent it; `marks` what the provider needs
    to answer in the same flavour; `digest` tells the same payload when it comes again;
    a `stale` request opens nothing, it only leads back to what it opened before. `warnings` are sentences, by field, on
    what the real service might refuse. `provider` is empty where no company is asked, and `wallet_owner` then whose
    wallet is filled.
    """

    provider: str
    seller_order_id: str
    amount: Money
    redirect_url: str
    digest: str
    live: bool = False
    stale: bool = False
    custom_information: str | None = None
    seller_note: str | None = None
    store_name: str | None = None
    timeout_seconds: int | None = None
    fields: Mapping[str, str] = {}
    marks: Mapping[str, object] = {}
    warnings: Mapping[str, str] = {}
    outcomes: Mapping[str, object] = {}
    capture: str | None = None
    authorization_seconds: int | None = None
    kind: OrderKind = OrderKind.PAYMENT
    wallet_owner: str | None = None


#: What may be paid for ever ends in a hundred years.
NO_END_SECONDS = 3_155_760_000
#: A longer name of a store is not shown to buyers.
_LONGEST_STORE = 60


class Order(Struct, frozen=True):
    """
    One order as stored; instants in ms, amounts in paise; `cancelled_by` is who gave it up.

    An order that fills the wallet of `wallet_owner` has no provider, whose name is then empty.
    """

    order_pk: int
    seller_id: str
    order_id: str
    seller_order_id: str
    state: OrderState
    amount: Money
    custom_information: str | None
    seller_note: str | None
    store_name: str | None
    live: bool
    provider: str
    redirect_url: str
    page_token: str
    digest: str
    request: Mapping[str, object]
    attempt_count: int
    reason: str | None
    cancelled_by: Actor | None
    refunded_minor: int
    created_at: int
    updated_at: int
    expires_at: int
    kind: OrderKind = OrderKind.PAYMENT
    wallet_owner: str | None = None

    @property
    def fills_wallet(self) -> bool:
        """Whether its money becomes a buyer's balance: no seller is paid, and none is told."""
        return self.kind is not OrderKind.PAYMENT

    def payee(self, seller_name: str) -> str:
        """Who is paid, as buyers know it: the request's name of the store unless it is too long, else the seller's."""
        named = (self.store_name or "").strip()
        return named if 0 < len(named) <= _LONGEST_STORE else seller_name

    @property
    def endless(self) -> bool:
        """Whether it may be paid for ever."""
        return self.expires_at - self.created_at >= NO_END_SECONDS * SECOND

    @property
    def open(self) -> bool:
        """Whether the buyer may still pay."""
        return self.state in OPEN

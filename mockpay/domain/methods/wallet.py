"""A buyer's own balance: what it answers, and whose it is."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from mockpay.domain.buyers import normal_email
from mockpay.domain.methods.method import Answer, Code, Method, MoneyStatus, Parts, ResponseCodes, Timing, table
from mockpay.domain.wallet.ledger import METHOD as METHOD_CODE
from mockpay.kernel.money import Money

RESPONSE_CODES = ResponseCodes(
    network="A balance",
    codes=table(
        Code("00", "approved", money=MoneyStatus.APPROVED),
        Code("51", "not enough balance", "insufficient_wallet_balance", "customer"),
        Code("57", "balance frozen", "wallet_frozen", "customer"),
        Code("61", "above the month's limit", "wallet_monthly_spend_cap", "customer"),
        Code("62", "balance closed", "wallet_closed", "customer"),
        Code("PD", "pending at the wallet", money=MoneyStatus.PENDING),
        Code("TO", "the balance did not answer", "payment_timed_out", "gateway"),
        Code("96", "balance unavailable", "gateway_technical_error", "gateway"),
        Code("68", "answer came too late", "payment_timed_out", "gateway", MoneyStatus.UNKNOWN),
    ),
    named={
        "success": Answer("00"),
        "failure": Answer("96"),
        "insufficient": Answer("51"),
        "frozen": Answer("57"),
        "spendcap": Answer("61"),
        "closed": Answer("62"),
        "pending": Answer("PD"),
        "pendingok": Answer("PD", "00", Timing.DELAYED),
        "pendingfail": Answer("PD", "96", Timing.DELAYED),
        "timedout": Answer("TO"),
        "deemed": Answer("68", "00", Timing.DELAYED),
    },
    from_iso={"51": "51", "57": "57", "61": "61", "62": "62", "68": "68"},
    other="96",
)


class Wallet(Struct, frozen=True):
    """The balance of a buyer."""

    email: str

    method = METHOD_CODE

    @property
    def inputs(self) -> Mapping[str, str]:
        """Nothing magic: the balance itself decides."""
        return {}

    def dump(self) -> Mapping[str, str]:
        """As stored with the attempt."""
        return {"email": self.email}

    def secret(self) -> Mapping[str, str]:
        """Nothing."""
        return {}


def _title(parts: Parts) -> str:
    return parts["email"]


def _saved_title(parts: Parts) -> str:
    return f"Wallet balance of {parts['email']}"


def _read(parts: Parts, _now: int, _amount: Money | None) -> Wallet:
    return Wallet(normal_email(parts.get("email", "")))


def _restore(secret: Parts, _parts: Parts) -> Wallet | None:
    return Wallet(secret["email"]) if secret else None


METHOD = Method(
    code=Wallet.method,
    fills_wallet=False,
    inputs=frozenset({"email"}),
    match_keys=frozenset({"email"}),
    order=4,
    title="Wallet balance",
    tile="Wallet",
    noun="wallet balance",
    icon="wallet",
    subtitle="Balance, {otp}",
    response_codes=RESPONSE_CODES,
    instrument="balance",
    instrument_title=_title,
    saved_title=_saved_title,
    read=_read,
    restore=_restore,
    decider="The wallet",
    facts={"auth_required": "By a one-time code", "auth_ok": "By a one-time code"},
    # The cap of a full-KYC wallet.
    highest=Money(20_000_000),
)

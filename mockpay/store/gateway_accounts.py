"""Sellers' accounts at gateways; credentials are sealed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import structs
from sqlalchemy import Boolean, Column, Index, Table, delete, insert, select

from mockpay.domain.payments.gateway_accounts import GatewayAccount, Timeouts
from mockpay.kernel.fields import convert_fields
from mockpay.store.db.mapping import dump, load
from mockpay.store.db.metadata import SETTINGS, metadata, sealed, text
from mockpay.store.unit_of_work import Sandbox

_KIND = "gateway.credentials"

accounts = Table(
    "gateway_accounts",
    metadata,
    #: Seller and gateway.
    text("account_id", primary_key=True),
    text("seller_id"),
    text("gateway"),
    Column("enabled", Boolean, nullable=False),
    text("endpoint", null=True),
    text("timeouts"),
    sealed("credentials_sealed", _KIND, of="account_id"),
    Index("gateway_accounts_of_seller", "seller_id"),
    info=SETTINGS,
)


def disabled(sandbox: Sandbox) -> frozenset[str]:
    """The gateways that a seller has switched off; asked for each payment, so no credentials are unsealed."""
    query = select(accounts.c.gateway).where(accounts.c.seller_id == sandbox.seller_id, accounts.c.enabled.is_(False))
    return frozenset(sandbox.connection.execute(query).scalars())


def find(sandbox: Sandbox, gateway: str) -> GatewayAccount:
    """A seller's account at a gateway."""
    query = select(accounts).where(accounts.c.account_id == _account_id(sandbox, gateway))
    row = sandbox.connection.execute(query).first()
    return GatewayAccount(gateway=gateway) if row is None else _account(sandbox, row)


def save(sandbox: Sandbox, account: GatewayAccount) -> None:
    """Store an account instead of what was there; the seller's lock is held."""
    account_id = _account_id(sandbox, account.gateway)
    sandbox.connection.execute(delete(accounts).where(accounts.c.account_id == account_id))
    secret = dump({"credentials": account.credentials, "former": account.former}).encode()
    row = {
        "account_id": account_id,
        "seller_id": sandbox.seller_id,
        "gateway": account.gateway,
        "enabled": account.enabled,
        "endpoint": account.endpoint,
        "timeouts": dump(structs.asdict(account.timeouts)),
        "credentials_sealed": sandbox.runtime.keyring.seal(_KIND, account_id, secret),
    }
    sandbox.connection.execute(insert(accounts), row)


def remove_all(sandbox: Sandbox) -> None:
    """Forget a seller's accounts."""
    sandbox.connection.execute(delete(accounts).where(accounts.c.seller_id == sandbox.seller_id))


def _account_id(sandbox: Sandbox, gateway: str) -> str:
    return f"{sandbox.seller_id} {gateway}"


def _account(sandbox: Sandbox, row: Any) -> GatewayAccount:
    opened = sandbox.runtime.keyring.open_(_KIND, row.account_id, bytes(row.credentials_sealed))
    secret: Mapping[str, Any] = load(opened.decode())
    return GatewayAccount(
        gateway=row.gateway,
        enabled=row.enabled,
        endpoint=row.endpoint,
        timeouts=convert_fields(load(row.timeouts), Timeouts, code="timeouts.invalid", noun="time-out"),
        credentials=secret["credentials"],
        former=tuple(secret["former"]),
    )

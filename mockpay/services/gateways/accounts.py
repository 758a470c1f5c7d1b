"""Sellers' accounts at gateways: where each is called and with what, changed while payments are under way."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from mockpay.domain.payments.gateway_accounts import GatewayAccount, check_credentials, replaced
from mockpay.domain.payments.gateways import Charge, GatewayAdapter, Link
from mockpay.kernel import ids
from mockpay.kernel.errors import MockpayError
from mockpay.kernel.http.calls import HttpCall, HttpReply, Sender, Unreachable
from mockpay.kernel.money import Money
from mockpay.store import gateway_accounts
from mockpay.store.unit_of_work import Runtime, Sandbox

#: Answers a call of a seller's: an acquirer in this process, or whoever is at the endpoint.
Answers = Callable[[Runtime, str, HttpCall], HttpReply]


def credentials_of(sandbox: Sandbox, account: GatewayAccount) -> Mapping[str, str]:
    """With what a gateway is called: as stored, else what it would have issued."""
    return account.credentials or _issued_credentials(sandbox, account.gateway)


def _issued_credentials(sandbox: Sandbox, gateway: str) -> Mapping[str, str]:
    adapter, seller = sandbox.runtime.adapter(gateway), sandbox.seller
    return {} if adapter is None else adapter.credentials(seller.seller_id, seller.secret_key)


def accepted(sandbox: Sandbox, gateway: str) -> list[Mapping[str, str]]:
    """The credentials that a gateway in this process takes: issued, stored, and those that were just replaced."""
    account = gateway_accounts.find(sandbox, gateway)
    return [each for each in (account.credentials, *account.former, _issued_credentials(sandbox, gateway)) if each]


def accepts(sandbox: Sandbox, gateway: str, **sent: str) -> Mapping[str, str] | None:
    """The credentials to which those that a call carries belong; None where they are nobody's."""
    for own in accepted(sandbox, gateway):
        if all(ids.same(own[name], value) for name, value in sent.items()):
            return own
    return None


def change(
    sandbox: Sandbox, account: GatewayAccount, *, credentials: Mapping[str, str] | None = None
) -> GatewayAccount:
    """
    Store an account; what is on its way goes on as it began.

    Args:
        credentials: New ones; those of the account stay without, empty ones are what the gateway would have issued.

    Raises:
        Invalid, Forbidden: as `check` does.
    """
    check(sandbox, account, credentials)
    if credentials is not None:
        account = replaced(account, credentials)
    gateway_accounts.save(sandbox, account)
    return account


def check(sandbox: Sandbox, account: GatewayAccount, credentials: Mapping[str, str] | None) -> None:
    """
    Refuse an endpoint that may not be called, and credentials that a gateway does not have.

    Raises:
        Invalid: code ``url.invalid`` or ``credentials.invalid``, with the field.
        Forbidden: code ``outgoing.host``, with the field.
    """
    if account.endpoint is not None:
        try:
            sandbox.runtime.settings.outgoing_hosts.check(account.endpoint)
        except MockpayError as error:
            error.detail["field"] = "endpoint"
            raise
    if credentials:
        check_credentials(credentials, _issued_credentials(sandbox, account.gateway))


def link(sandbox: Sandbox, account: GatewayAccount, sender: Sender) -> Link:
    """The way to a gateway, by a sender."""
    base_url = account.endpoint or f"http://{account.gateway}.invalid"
    return Link(base_url, sender, credentials_of(sandbox, account), account.timeouts.total)


def answers(runtime: Runtime, account: GatewayAccount) -> Answers:
    """Who answers an account's calls; a gateway that is not in this process needs an endpoint."""
    if account.endpoint is None:
        return runtime.provider(account.gateway).acquirer or _refuse_connection
    connect, read = account.timeouts.connect, account.timeouts.read

    def over_http(runtime: Runtime, _seller_id: str, call: HttpCall) -> HttpReply:
        return runtime.sender.send(replace(call, connect_timeout=connect, read_timeout=read))

    return over_http


def _refuse_connection(_runtime: Runtime, _seller_id: str, _call: HttpCall) -> HttpReply:
    raise Unreachable("This gateway needs an endpoint.", code="http.refused")


def probe(sandbox: Sandbox, adapter: GatewayAdapter) -> Charge:
    """A payment that there never was, to be asked about: the answer tells whether a gateway can be reached."""
    return Charge(
        attempt_id="mockpay-connection-check",
        seller_id=sandbox.seller_id,
        amount=Money(100),
        method=min(adapter.capabilities.methods),
        instrument={},
        idempotency_key="mockpay-connection-check",
        planned="success",
        agreed=False,
        patience_ms=0,
    )

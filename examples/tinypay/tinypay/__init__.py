"""Tinypay: a company of one's own, found by its entry point; its facts are in README.md here."""

from __future__ import annotations

from mockpay.providers.contract import Provider
from tinypay import credentials, returns, views

provider = Provider(
    name=credentials.NAME,
    title="Tinypay",
    opening="By a call of Tinypay’s API",
    returning="the signed result",
    credentials=credentials.credentials,
    key_names=("secret_key",),
    addresses=credentials.addresses,
    environment=credentials.environment,
    return_url=returns.return_url,
    blueprint=views.blueprint,
    mount=credentials.MOUNT,
    prefixes=(credentials.MOUNT,),
    render_error=views.render_error,
)

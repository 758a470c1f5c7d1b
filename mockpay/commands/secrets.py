"""`mockpay secrets`: what a seller's software needs to know, for people or for the shell."""

from __future__ import annotations

import shlex

import click

from mockpay.commands.remote import Remote, remote_at, seller_option, url_option


@click.command()
@click.option("--env", "as_env", is_flag=True, help='For the shell: eval "$(mockpay secrets --env)"')
@seller_option
@url_option
def secrets(*, as_env: bool, seller: str, url: str | None) -> None:
    """Show a seller's credentials, the public key and the sandbox's address."""
    for name, value in _variables(remote_at(url), seller).items():
        click.echo(f"export {name}={shlex.quote(value)}" if as_env else f"{name}  {value}")


def _variables(remote: Remote, seller_id: str) -> dict[str, str]:
    told = remote.seller(seller_id, "GET", "")
    key = remote.raw("GET", "/_mockpay/v1/public-key?format=sdk").body.decode()
    return {
        "AMAZONPAY_SELLER_ID": told["seller_id"],
        "AMAZONPAY_ACCESS_KEY": told["access_key"],
        "AMAZONPAY_SECRET_KEY": told["secret_key"],
        "AMAZONPAY_PUBLIC_KEY": key,
        "AMAZONPAY_BASE_URL": told["urls"]["base"],
    }

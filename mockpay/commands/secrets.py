"""`mockpay secrets`: what a seller's software needs to know, for people or for the shell."""

from __future__ import annotations

import shlex

import click

from mockpay.commands.remote import connect, seller_option, url_option


@click.command()
@click.option("--env", "as_env", is_flag=True, help='For the shell: eval "$(mockpay secrets --env)"')
@seller_option
@url_option
def secrets(*, as_env: bool, seller: str, url: str | None) -> None:
    """Show a seller's credentials, the public key and the sandbox's address."""
    environment: dict[str, str] = connect(url).seller(seller, "GET", "")["environment"]
    for name, value in environment.items():
        click.echo(f"export {name}={shlex.quote(value)}" if as_env else f"{name}  {value}")

"""`mockpay reset`: empty a seller's world."""

from __future__ import annotations

import click

from mockpay.commands.remote import DEFAULT_SELLER, connect, url_option


@click.command()
@click.argument("seller", default=DEFAULT_SELLER)
@url_option
def reset(seller: str, url: str | None) -> None:
    """Empty a seller's world; its credentials, settings and addresses stay."""
    connect(url).seller(seller, "POST", "/reset")
    click.echo(f"The world of {seller} is empty; its clock shows real time.")

"""`mockpay sellers`, `mockpay reset` and `mockpay secrets`: sellers, their worlds and their credentials."""

from __future__ import annotations

import shlex
from urllib.parse import quote

import click

from mockpay.commands.remote import DEFAULT_SELLER, RemoteGroup, connect, print_json, seller_option, url_option


@click.group(cls=RemoteGroup, invoke_without_command=True)
@url_option
@click.pass_context
def sellers(ctx: click.Context, url: str | None) -> None:
    """List the sellers, or make, show and delete one."""
    ctx.obj = connect(url)
    if ctx.invoked_subcommand is None:
        _list(ctx)


def _list(ctx: click.Context) -> None:
    cursor = ""
    while True:
        page = ctx.obj.call("GET", f"/sellers?limit=200&cursor={quote(cursor)}")
        for seller in page["items"]:
            click.echo(f"{seller['seller_id']}  {seller['access_key']}  {seller['name']}")
        cursor = page["next_cursor"]
        if not cursor:
            return


@sellers.command()
@click.option("--seller-id", help="Capitals and digits; made up where left out.")
@click.option("--name", help="What buyers see.")
@click.option("--return-url", "return_urls", multiple=True, help="Where buyers may come back to.")
@click.option("--ipn-url", help="Where notifications go.")
@click.pass_context
def create(
    ctx: click.Context, seller_id: str | None, name: str | None, return_urls: tuple[str, ...], ipn_url: str | None
) -> None:
    """Make a seller with a world of its own; prints its secrets."""
    seller = {"seller_id": seller_id, "name": name, "ipn_url": ipn_url, "return_urls": list(return_urls) or None}
    print_json(ctx.obj.call("POST", "/sellers", {k: v for k, v in seller.items() if v is not None}))


@sellers.command(name="show")
@click.argument("seller_id")
@click.pass_context
def show_seller(ctx: click.Context, seller_id: str) -> None:
    """Show a seller with its secret key."""
    print_json(ctx.obj.seller(seller_id, "GET", ""))


@sellers.command()
@click.argument("seller_id")
@click.pass_context
def delete(ctx: click.Context, seller_id: str) -> None:
    """Take a seller away with its world."""
    ctx.obj.seller(seller_id, "DELETE", "")
    click.echo(f"{seller_id} is gone.")


@click.command()
@click.argument("seller", default=DEFAULT_SELLER)
@url_option
def reset(seller: str, url: str | None) -> None:
    """Empty a seller's world; its credentials, settings and addresses stay."""
    connect(url).seller(seller, "POST", "/reset")
    click.echo(f"The world of {seller} is empty; its clock shows real time.")


@click.command()
@click.option("--env", "as_env", is_flag=True, help='For the shell: eval "$(mockpay secrets --env)"')
@seller_option
@url_option
def secrets(*, as_env: bool, seller: str, url: str | None) -> None:
    """Show a seller's credentials, the public key and the sandbox's address."""
    environment: dict[str, str] = connect(url).seller(seller, "GET", "")["environment"]
    for name, value in environment.items():
        click.echo(f"export {name}={shlex.quote(value)}" if as_env else f"{name}  {value}")

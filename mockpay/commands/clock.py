"""`mockpay clock`: a seller's clock."""

from __future__ import annotations

from typing import Any

import click

from mockpay.commands.remote import RemoteGroup, connect, duration, seller_option, url_option


@click.group(cls=RemoteGroup, invoke_without_command=True)
@seller_option
@url_option
@click.pass_context
def clock(ctx: click.Context, seller: str, url: str | None) -> None:
    """Show a seller's clock, or stop, start, set and advance it."""
    remote = connect(url)

    def call(method: str, path: str, body: object = None) -> Any:
        return remote.seller(seller, method, f"/clock{path}", body)

    ctx.obj = call
    if ctx.invoked_subcommand is None:
        _print(call("GET", ""))


def _print(state: dict[str, Any]) -> None:
    due = f"; next event {state['next_due']}" if state["next_due"] else ""
    click.echo(f"{state['now']} {state['mode']}{due}")


@clock.command()
@click.argument("now", required=False)
@click.pass_context
def freeze(ctx: click.Context, now: str | None) -> None:
    """Stop the clock, at NOW (2026-11-21T15:24:07Z) where given."""
    _print(ctx.obj("PUT", "", {"mode": "frozen", **({"now": now} if now else {})}))


@clock.command()
@click.pass_context
def run(ctx: click.Context) -> None:
    """Start the clock again from what it shows."""
    _print(ctx.obj("PUT", "", {"mode": "running"}))


@clock.command(name="set")
@click.argument("now")
@click.pass_context
def set_to(ctx: click.Context, now: str) -> None:
    """Set the clock to NOW; events keep their due time."""
    _print(ctx.obj("PUT", "", {"now": now}))


@clock.command()
@click.argument("seconds", metavar="DURATION", type=duration, required=False)
@click.option("--to", help="A time: 2026-11-21T15:24:07Z.")
@click.option("--until", type=click.Choice(["next", "idle"]), help="The next event, or no more.")
@click.option("--timeout", type=duration, default="30", show_default=True, help="Real seconds.")
@click.pass_context
def advance(ctx: click.Context, seconds: float | None, to: str | None, until: str | None, timeout: float) -> None:
    """Move the clock on by DURATION (seconds, or such as 6h), to a time, or until something; what is due happens."""
    body = {"seconds": seconds, "to": to, "until": until, "timeout": timeout}
    result = ctx.obj("POST", "/advance", {k: v for k, v in body.items() if v is not None})
    rest = "" if result["complete"] else "; not complete, more time is needed"
    click.echo(f"{result['now']} fired {result['fired']}, delivered {result['delivered']}{rest}")

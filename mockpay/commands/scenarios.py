"""`mockpay scenarios`: the table of magic values, and the rules of a seller."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from mockpay.commands.remote import Remote, RemoteGroup, connect, print_json, seller_option, url_option
from mockpay.domain.scenarios.resolution import TABLE, Row
from mockpay.providers.contract import discover

_DOCS = Path("docs/scenarios.md")
_INTRODUCTION = """\
# Scenarios

Agreed input, agreed outcome. Each row is a line of the table in `mockpay/domain/scenarios/resolution.py`;
`mockpay scenarios --docs` writes this page anew from it.

Who wins when several speak, stage by stage: a rule made by control API,
a note ({notes}), the instrument (a UPI ID),
the amount, the seller's setting `default_outcomes`, success. An amount ending in `.00` is always
normal, and amounts decide nothing where the seller's setting `magic_amounts` is off.
"""
_TITLES = {
    "vpa": "UPI IDs",
    "pin": "UPI PINs, typed on the simulated UPI app's page",
    "amount": "Amounts in rupees",
    "refund_amount": "Amounts of a refund, in rupees",
    "refund_of": "Amounts of an order that is refunded in full, in rupees",
}


@click.group(cls=RemoteGroup, invoke_without_command=True)
@click.option("--docs", is_flag=True, help="Write docs/scenarios.md anew.")
@seller_option
@url_option
@click.pass_context
def scenarios(ctx: click.Context, *, docs: bool, seller: str, url: str | None) -> None:
    """Show the magic values (no server needed), or list, add and clear a seller's rules."""
    ctx.obj = (connect(url), seller)
    if docs:
        _DOCS.parent.mkdir(exist_ok=True)
        _DOCS.write_text(page(), "utf-8")
        click.echo(f"{_DOCS} is written.")
    elif ctx.invoked_subcommand is None:
        click.echo("\n".join(_lines(TABLE)))


def _lines(rows: Iterable[Row]) -> list[str]:
    table = [(row.equals, row.stage.value, row.outcome, row.description) for row in rows]
    widths = [max(len(row[i]) for row in table) for i in range(3)]
    return ["  ".join([*(cell.ljust(widths[i]) for i, cell in enumerate(row[:3])), row[3]]) for row in table]


def page() -> str:
    """docs/scenarios.md."""
    speaking = (provider for provider in discover().values() if provider.simulation)
    parts = [_INTRODUCTION.format(notes="; ".join(f"{each.title}: {each.simulation}" for each in speaking))]
    for source in dict.fromkeys(row.input for row in TABLE):
        parts.append(f"## {_TITLES.get(source, source)}\n")
        parts.append("| input | stage | outcome | what happens | habit of |\n|---|---|---|---|---|")
        parts.extend(_cells(row) for row in TABLE if row.input == source)
        parts.append("")
    return "\n".join(parts)


def _cells(row: Row) -> str:
    return f"| `{row.equals}` | {row.stage} | `{row.outcome}` | {row.description} | {row.origin} |"


@scenarios.command()
@click.pass_obj
def rules(where: tuple[Remote, str]) -> None:
    """List the rules of a seller."""
    remote, seller = where
    print_json(remote.seller(seller, "GET", "/scenarios")["items"])


@scenarios.command()
@click.argument("stage")
@click.argument("outcome")
@click.option("--match", "matches", multiple=True, metavar="KEY=VALUE", help="What it must have.")
@click.option("--times", type=int, default=1, show_default=True, help="Attempts; 0 = every one.")
@click.pass_obj
def add(where: tuple[Remote, str], stage: str, outcome: str, matches: tuple[str, ...], times: int) -> None:
    """Make a rule: at STAGE (issuer, redirect) the next attempt that fits meets OUTCOME."""
    remote, seller = where
    rule: dict[str, Any] = {"stage": stage, "outcome": outcome, "times": times or None}
    rule["match"] = dict(_key_value(match) for match in matches)
    print_json(remote.seller(seller, "POST", "/scenarios", rule))


def _key_value(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"'{text}' is not KEY=VALUE.", param_hint="--match")
    return key, value


@scenarios.command()
@click.pass_obj
def clear(where: tuple[Remote, str]) -> None:
    """Take all rules of a seller away."""
    remote, seller = where
    remote.seller(seller, "DELETE", "/scenarios")
    click.echo("No rule is left.")

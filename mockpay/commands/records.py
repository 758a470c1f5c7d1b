"""`mockpay orders`, `inbox`, `logs` and `wait`: what a seller's world has seen, from the shell."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import click

from mockpay.commands.remote import connect, duration, print_json, seller_option, url_option

_TIMED_OUT = 3
#: Real seconds of one call that waits for the next line.
_FOLLOW_SECONDS = 30
#: The most that a list gives: between two waits several calls may come.
_FOLLOW_LINES = 200


def _query(**values: object) -> str:
    return urlencode({name: value for name, value in values.items() if value is not None})


@click.command()
@click.argument("order_id", required=False)
@click.option("--state", help="CREATED, PENDING, AUTHORIZED, PAID, FAILED, CANCELLED, EXPIRED.")
@click.option("--seller-order-id", help="The shop's own number.")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True)
@seller_option
@url_option
def orders(
    order_id: str | None, state: str | None, seller_order_id: str | None, limit: int, seller: str, url: str | None
) -> None:
    """List the newest orders, or show ORDER_ID with its attempts, refunds, timeline, and why."""
    remote = connect(url)
    if order_id:
        print_json(remote.seller(seller, "GET", f"/orders/{quote(order_id, safe='')}"))
        return
    query = _query(state=state, seller_order_id=seller_order_id, limit=limit)
    for order in remote.seller(seller, "GET", f"/orders?{query}")["items"]:
        click.echo(_line(order, "created_at", "order_id", "state", "amount", "seller_order_id"))


@click.command()
@click.option("--kind", help="Such as otp.")
@click.option("--to", help="A phone number or an e-mail address.")
@click.option("--attempt-id", help="Whose payment it is about.")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True)
@seller_option
@url_option
def inbox(kind: str | None, to: str | None, attempt_id: str | None, limit: int, seller: str, url: str | None) -> None:
    """List what was sent to buyers, the newest first."""
    query = _query(kind=kind, to=to, attempt_id=attempt_id, limit=limit)
    for message in connect(url).seller(seller, "GET", f"/inbox?{query}")["items"]:
        click.echo(_line(message, "created_at", "to", "kind", "body"))


@click.command()
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("--order-id", help="Only calls about this order.")
@click.option("--q", help="Text to search for.")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True)
@seller_option
@url_option
def logs(*, follow: bool, order_id: str | None, q: str | None, limit: int, seller: str, url: str | None) -> None:
    """Show the newest lines of the journal: every call, its answer, and the reason of a refusal."""
    remote = connect(url)
    page = remote.seller(seller, "GET", f"/journal?{_query(order_id=order_id, q=q, limit=limit)}")
    printed = _print_new(page["items"], 0)
    while follow:
        query = _query(event="journal", match=order_id, timeout=_FOLLOW_SECONDS, after=page["cursor"])
        if remote.seller(seller, "GET", f"/wait?{query}")["event"] is not None:
            page = remote.seller(seller, "GET", f"/journal?{_query(order_id=order_id, q=q, limit=_FOLLOW_LINES)}")
            printed = _print_new(page["items"], printed)


@click.command()
@click.argument("event")
@click.argument("match", nargs=-1)
@click.option("--timeout", type=duration, default="30s", show_default=True, help="Real time, a minute at most.")
@seller_option
@url_option
def wait(event: str, match: tuple[str, ...], timeout: float, seller: str, url: str | None) -> None:
    """
    Wait for EVENT, such as order.PAID, that has all of MATCH, such as seller_order_id:ORDER-1; past ones count.

    Prints it as JSON; the exit code is 3 where none came in time.
    """
    query = _query(event=event, match=",".join(match) or None, timeout=timeout)
    answer = connect(url).seller(seller, "GET", f"/wait?{query}")["event"]
    if answer is None:
        click.echo(f"No {' '.join((event, *match))} in {timeout:g} s.", err=True)
        sys.exit(_TIMED_OUT)
    print_json(answer)


def _print_new(items: Iterable[Mapping[str, Any]], printed: int) -> int:
    """Print what comes after the line of that number, the oldest first; the last number."""
    for entry in reversed([entry for entry in items if entry["number"] > printed]):
        printed = entry["number"]
        operation = entry["kind"].partition(".")[2]
        path = entry["path"] or entry["kind"]
        call = f"{entry['method'] or ''} {path} {operation if operation not in path else ''}"
        reason = f"  {entry['reason']}" if entry["reason"] else ""
        orders_of = f"  {' '.join(entry['orders'])}" if entry["orders"] else ""
        click.echo(f"{entry['at']}  {entry['status'] or '---'}  {call.strip()}  {entry['outcome']}{orders_of}{reason}")
    return printed


def _line(record: Mapping[str, Any], *fields: str) -> str:
    return "  ".join(str(record[field]) for field in fields)

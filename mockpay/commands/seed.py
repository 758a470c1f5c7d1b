"""`mockpay seed --dump`: sellers of a running sandbox as a file for `mockpay serve --seed`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import click
from msgspec import Struct, json, structs

from mockpay.commands.remote import Remote, connect, url_option
from mockpay.commands.seed_methods import seed_methods
from mockpay.domain.buyers import BUYERS
from mockpay.domain.offers import DEFAULT
from mockpay.domain.payments.routing import Routing, RoutingRule
from mockpay.domain.sellers import Settings
from mockpay.kernel.clock import SECOND, SystemClock, parse_time
from mockpay.kernel.money import Money
from mockpay.kernel.toml import toml_text
from mockpay.services.sellers.accounts import DEFAULT_SELLER_ID, DEFAULT_SETTINGS
from mockpay.web.control.methods import offers_response

_INTRODUCTION = """\
# For `mockpay serve --seed FILE`, which makes each seller that is not there yet.
# Secret keys stand here as the control API tells them: keep the file as you keep those.
# Numbers of saved cards and UPI IDs are sealed and told to nobody: in the place of each stands the published test card,
# or a UPI ID, that is shown alike. Left out: orders, refunds, messages, money on hold.
"""
#: A running clock that is so near to this machine's (ms) shows real time.
_NEAR = 60 * SECOND


@click.command()
@click.option("--dump", is_flag=True, help="Print the file.")
@click.option("--seller", "sellers", metavar="ID", multiple=True, help="Only this one, and others named so.")
@url_option
def seed(*, dump: bool, sellers: tuple[str, ...], url: str | None) -> None:
    """Print the sellers of a running sandbox as a file for `mockpay serve --seed`."""
    if not dump:
        raise click.UsageError("Add --dump; the file that it prints is for `mockpay serve --seed FILE`.")
    remote = connect(url)
    names = sellers or [seller["seller_id"] for seller in _items(remote, "/sellers")]
    left_out: list[str] = []
    text = toml_text({"sellers": [_seller(remote, name, left_out) for name in names]})
    lines = "".join(f"# Left out, as nothing published or several are shown alike: {line}\n" for line in left_out)
    click.echo(f"{_INTRODUCTION}{lines}\n{text}", nl=False)


def _items(remote: Remote, path: str) -> Iterator[dict[str, Any]]:
    """All items of a list."""
    cursor: str | None = ""
    while cursor is not None:
        page = remote.call("GET", f"{path}?limit=200&cursor={quote(cursor)}")
        yield from page["items"]
        cursor = page["next_cursor"]


def _seller(remote: Remote, seller_id: str, left_out: list[str]) -> dict[str, Any]:
    """A seller as a table of the file, without what is as by default."""
    path = f"/sellers/{quote(seller_id, safe='')}"
    seller, clock, offered, rules = (remote.call("GET", path + end) for end in ("", "/clock", "/methods", "/scenarios"))
    names = ("seller_id", "access_key", "secret_key", "name", "return_urls", "ipn_url")
    offered["upi_collect"] = True  # It is one of the settings.
    usual = Settings()
    if seller_id == DEFAULT_SELLER_ID:
        seller["ipn_url"] = seller["ipn_url"] or ""  # Without a line it would be the demo shop's.
        usual = structs.replace(usual, **DEFAULT_SETTINGS)
    return {name: seller[name] for name in names if seller[name] is not None} | _without_empty(
        {
            "settings": _difference(seller["settings"], usual),
            "methods": _difference(offered, offers_response(DEFAULT, 0)),
            "clock": _clock(clock),
            "routing": _routing(remote.call("GET", f"{path}/routing")),
            "rules": list(_rules(rules["items"], parse_time(clock["now"]))),
            "buyers": list(_buyers(remote, path, left_out)),
        }
    )


def _without_empty(table: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in table.items() if value not in (None, {}, [])}


def _difference(table: Mapping[str, Any], usual: Struct) -> dict[str, Any]:
    """What of a table is otherwise than usual."""
    return _differing(table, json.decode(json.encode(usual)))


def _differing(table: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    changed = {name: value for name, value in table.items() if value != usual[name] and name != "is_down"}
    return {
        name: _differing(value, usual[name]) if isinstance(value, dict) and usual[name] else value
        for name, value in changed.items()
    }


def _routing(table: Mapping[str, Any]) -> dict[str, Any]:
    """What of the rules that choose a gateway is otherwise than usual; TOML has no null."""
    usual = json.decode(json.encode(RoutingRule(targets=())))
    rules = [
        {name: _without_empty(value) if isinstance(value, dict) else value for name, value in rule.items()}
        for rule in table["rules"]
    ]
    told = [{name: value for name, value in rule.items() if value != usual[name]} for rule in rules]
    return {
        **_differing(table, json.decode(json.encode(Routing()))),
        **({"rules": list(map(_without_empty, told))} if told else {}),
    }


def _clock(clock: Mapping[str, Any]) -> dict[str, Any]:
    if clock["mode"] == "frozen":
        return {"mode": "frozen", "now": clock["now"]}
    is_real = abs(parse_time(clock["now"]) - SystemClock().now()) < _NEAR
    return {} if is_real else {"now": clock["now"]}


def _rules(rules: Iterable[Mapping[str, Any]], now: int) -> Iterator[dict[str, Any]]:
    """Rules that can still decide something; a rule lives as much longer as it would have."""
    for rule in rules:
        left = None if rule["expires_at"] is None else (parse_time(rule["expires_at"]) - now + SECOND - 1) // SECOND
        if left is None or left > 0:
            table = {"stage": rule["stage"], "outcome": rule["outcome"], "match": rule["match"]}
            table |= {} if rule["times"] == 1 else {"times": rule["times"] or 0}
            table |= {} if rule["probability"] == 1 else {"probability": rule["probability"]}
            yield _without_empty(table | {"ttl_seconds": left})


def _buyers(remote: Remote, path: str, left_out: list[str]) -> Iterator[dict[str, Any]]:
    """Buyers who came by, and those of the sandbox whose balance has moved."""
    known = {buyer["email"] for buyer in _items(remote, f"{path}/buyers")}
    for email in sorted(known | {buyer.email for buyer in BUYERS}):
        buyer = f"{path}/buyers/{quote(email, safe='')}"
        balance = remote.call("GET", f"{buyer}/wallet")["money"]
        usual = next((each.opening_minor for each in BUYERS if each.email == email), 0)
        moved = Money.parse(balance).minor != usual
        if email in known or moved:
            saved = list(seed_methods(email, remote.call("GET", f"{buyer}/methods")["items"], left_out))
            yield _without_empty({"email": email, "balance": balance if moved else None, "methods": saved})

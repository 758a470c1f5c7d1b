"""No one-time password and no PIN is kept, printed or told, but by the inbox of the sandbox."""

import json
import re
import sqlite3
from dataclasses import dataclass, field

import pytest
import requests

from mockpay.settings import Settings
from mockpay.testing import LiveServer
from tests.journeys.form_browser import DemoShop, FormBrowser
from tests.journeys.leaks import values_in

#: Typed where a code or a PIN is asked for, and right nowhere or anywhere.
WRONG, WRONG_AT_BANK, PIN = "739146", "284617", "605938"
TYPED = frozenset({WRONG, WRONG_AT_BANK, PIN})


def codes_in(text, codes):
    """The codes that stand in a text by themselves; a part of a longer number is none."""
    return {one for one in codes if re.search(rf"(?<![0-9A-Za-z]){one}(?![0-9A-Za-z])", text)}


@dataclass
class Remembering(FormBrowser):
    """A buyer who keeps every page that was shown."""

    seen: list = field(default_factory=list)

    def _shown(self, answer):
        self.seen.append(answer.text)
        return super()._shown(answer)


@dataclass
class Gathered:
    """What a server kept and told of payments that were proved in every way."""

    sent: set
    rows: list
    pages: list
    told: list


@pytest.fixture(scope="module")
def gathered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("codes")
    settings = Settings(port=0, database_url=str(folder / "x.db"), keys_dir=folder / "keys", seed="code leaks")
    with LiveServer(settings) as server:
        shop, buyer = DemoShop.opened(server), Remembering()
        database = sqlite3.connect(folder / "x.db")
        walk(shop, buyer, database)
        told = list(everything_told(shop))
        database.row_factory = sqlite3.Row
        rows = [
            (table, dict(row))
            for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for row in database.execute(f'SELECT * FROM "{table}"')
        ]
        sent = {row["otp"] for table, row in rows if table == "inbox"}
        database.close()
    return Gathered(sent, rows, buyer.seen, told)


def newest(database):
    """The code that was sent last, where alone it is in the clear."""
    return database.execute("SELECT otp FROM inbox ORDER BY id DESC").fetchone()[0]


def walk(shop, buyer, database):
    """Codes typed wrong and right, on the page and at the bank, sent again; and a PIN."""
    buyer.buys(shop, amount="5000.01").pays_from_balance("rich").confirms(WRONG)
    shop.seller.advance(seconds=31)
    buyer.presses("otp-resend").confirms(newest(database))
    assert buyer.reads("payment-status") == "SUCCESS"
    buyer.buys(shop).types_card().goes_to_issuer().presses("acs-submit", otp=WRONG_AT_BANK)
    shop.seller.advance(seconds=31)
    buyer.presses("acs-resend").presses("acs-submit", otp=newest(database)).returns_from_issuer()
    assert buyer.reads("payment-status") == "SUCCESS"
    buyer.buys(shop).types_card().goes_to_issuer()
    buyer.buys(shop).asks("asha@okhdfc").opens_the_app().presses("upi-approve", pin=PIN)
    assert buyer.reads("payment-status") == "SUCCESS"


def everything_told(shop):
    """Orders and journal by control API and dashboard."""
    for one in shop.seller.orders():
        name = one["order_id"]
        yield json.dumps(shop.seller.order(name))
        yield requests.get(f"{shop.ui}/orders/{name}", timeout=30).text
    yield json.dumps(shop.seller.control("GET", "/journal"))
    yield requests.get(f"{shop.ui}/journal", timeout=30).text


def test_a_code_is_found_where_it_stands_alone():
    assert codes_in("739146 is your code", TYPED) == {"739146"}
    assert codes_in('{"otp":"739146"}', TYPED) == {"739146"}
    assert codes_in("order 1739146, a739146b", TYPED) == set()


def test_codes_were_really_sent_and_payments_proved(gathered):
    assert len(gathered.sent) == 5
    states = [row["state"] for table, row in gathered.rows if table == "attempts"]
    assert sorted(states) == ["AUTH_PENDING", "CAPTURED", "CAPTURED", "CAPTURED"]


def test_no_column_but_the_inboxes_holds_a_code(gathered):
    for table, row in gathered.rows:
        # The inbox has what was sent, never what was typed.
        codes = TYPED if table == "inbox" else TYPED | gathered.sent
        found = set().union(*(codes_in(one, codes) for one in values_in(row)))
        assert found == set(), (table, row)


def test_no_page_shows_a_code(gathered):
    assert len(gathered.pages) > 20
    for page in gathered.pages:
        assert codes_in(page, TYPED | gathered.sent) == set()


def test_neither_control_api_nor_dashboard_tells_a_code(gathered):
    assert len(gathered.told) == 10
    for text in gathered.told:
        assert codes_in(text, TYPED | gathered.sent) == set()

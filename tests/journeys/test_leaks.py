"""No card number and no CVV is kept, printed or told, whatever card was typed wherever."""

import logging
import os
import re
import signal
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from lxml import html
from sqlalchemy import select

from mockpay.kernel.errors import Invalid
from mockpay.merchant.client import AmazonPayClient
from mockpay.store.db.metadata import metadata
from mockpay.web.control.routes import ENDPOINTS
from tests.journeys.form_browser import RIGHT_OTP, FormBrowser
from tests.journeys.leaks import (
    CVV,
    MAGIC_CVVS,
    NUMBERS,
    PUBLISHED,
    UNKNOWN,
    cvv_for,
    found_in,
    numbers_in,
    numbers_in_bytes,
)

ROOT = Path(__file__).parents[2]
EXPIRY, NAME = "08/29", "Asha Menon"

# --- the searcher itself


@pytest.mark.parametrize(
    "text", ["4111111111111111", "card 4111 1111 1111 1111!", "4111-1111-1111-1111", "x4111111111111111x"]
)
def test_a_number_is_found_however_it_is_written(text):
    assert numbers_in(text) == {"4111111111111111"}
    assert numbers_in_bytes(text.encode()) == {"4111111111111111"}


def test_a_masked_number_is_none():
    assert numbers_in("411111XXXXXX1111, Visa •••• 1111") == set()


def test_a_cvv_is_found_as_a_whole_value_at_any_depth():
    assert found_in({"a": ['{"cvv": "739"}']}) == {CVV}
    assert found_in({"at": "2026-11-21T12:00:00.739Z", "id": 739}) == set()


# --- by services, on both databases


@pytest.fixture(params=["noresponse", None], ids=["waiting", "ended"])
def planted(request, world, caplog):
    """Every published card was tried, and those that nobody publishes were refused."""
    caplog.set_level(logging.DEBUG)
    cards = [(number, cvv_for(number)) for number in PUBLISHED]
    cards += [("4111111111111111", MAGIC_CVVS[0]), ("378282246310005", MAGIC_CVVS[1])]
    for place, (number, cvv) in enumerate(cards):
        if request.param:
            world.add_rule(request.param, stage="gateway")
        card = world.card(number, cvv=cvv)
        world.pay_with(world.order(f"O-{place}"), card)
    for number in UNKNOWN:
        with pytest.raises(Invalid) as caught:
            world.card(number, cvv=cvv_for(number))
        logging.getLogger(__name__).error("refused", exc_info=caught.value)
    return world


def test_neither_columns_nor_logs_nor_what_is_printed_hold_a_card(planted, caplog, capfd):
    held = 0
    with planted.read() as sandbox:
        for table in metadata.sorted_tables:
            for row in sandbox.connection.execute(select(table)).mappings():
                held += 1
                assert found_in(dict(row)) == set(), (table.name, row)
    assert held > len(PUBLISHED)
    for order in (planted.begin(f"O-{n}").order for n in range(len(PUBLISHED))):
        logging.getLogger(__name__).debug("%r %r", planted.attempts(order), planted.timeline(order))
    logging.getLogger(__name__).debug("%r", planted.card(PUBLISHED[0], cvv=CVV))
    assert len(caplog.records) > len(PUBLISHED)
    printed = capfd.readouterr()
    assert numbers_in(caplog.text + printed.out + printed.err) == set()
    # Rows are numbered: on a database with a past, one of them may have the CVV's number.
    assert not re.search(rf"\b(?<!_id=){CVV}\b(?!Z)", caplog.text)


# --- by HTTP, against a server of its own


class Site:
    """A server in a process of its own, with files and output that can be looked through."""

    def __init__(self, folder):
        self.folder = folder
        self.output = folder / "output.txt"
        environ = os.environ | {
            "MOCKPAY_PORT": "0",
            "MOCKPAY_DATABASE_URL": str(folder / "mockpay.db"),
            "MOCKPAY_KEYS_DIR": str(folder / "keys"),
            "PYTHONPATH": str(ROOT),
        }
        with self.output.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-u", "-m", "mockpay", "serve", "--verbose"],
                stdout=out,
                stderr=subprocess.STDOUT,
                env=environ,
                cwd=folder,
            )
        self.session = requests.Session()
        self.url = self._listening()
        self.seller = self.control("POST", "/sellers", {}).json()
        self.path = f"/sellers/{self.seller['seller_id']}"
        self.public = self.session.get(f"{self.url}/_mockpay/v1/public-key", timeout=30).text

    def _listening(self):
        while self.process.poll() is None:
            found = re.search(r"listening on (\S+)", self.output.read_text())
            if found:
                return found.group(1)
        raise AssertionError(self.output.read_text())

    def control(self, method, path, json=None):
        return self.session.request(method, f"{self.url}/_mockpay/v1{path}", json=json, timeout=30)

    def order(self, number):
        """The address of a new payment's pages."""
        client = AmazonPayClient(
            self.seller["seller_id"], self.seller["access_key"], self.seller["secret_key"], self.public, self.url
        )
        url = client.payment_url(amount="499.00", seller_order_id=number, redirect_url="http://127.0.0.1/back")
        page = self.session.get(url, timeout=30)
        assert page.status_code == 200
        return page.url.rstrip("/")

    def types(self, page, **typed):
        """What the card's form answers, redirects followed."""
        form = {"expiry": EXPIRY, "name": NAME, **typed}
        return self.session.post(f"{page}/card", data=form, timeout=30)

    def proves(self, answer):
        """Every page on the way through 3-D Secure, which a right code ends."""
        buyer = FormBrowser(self.session, answer, html.fromstring(answer.text))
        for step in (buyer.goes_to_issuer, lambda: buyer.confirms_at_issuer(RIGHT_OTP)):
            step()
            yield buyer.answer

    def files(self):
        return {one.name: one.read_bytes() for one in self.folder.rglob("*") if one.is_file()}

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


@dataclass
class Gathered:
    """All that a server told and kept while every card was typed into its pages."""

    forms: list
    hints: set
    orders: list
    control: dict
    dashboard: dict
    running: dict
    ended: dict


@pytest.fixture(scope="module")
def gathered(tmp_path_factory):
    """One server is filled, looked through, and stopped; the tests only look at what it said."""
    site = Site(tmp_path_factory.mktemp("leaks"))
    try:
        forms = list(typed_everywhere(site))
        hints = numbers_in(site.session.get(f"{site.order('HINTS')}/card", timeout=30).text)
        listed = site.control("GET", f"{site.path}/orders?limit=200").json()["items"]
        names = [one["order_id"] for one in listed]
        orders = [site.control("GET", f"{site.path}/orders/{name}").json() for name in names]
        told = dict(every_answer(site, names[0])), dict(every_page(site, names))
        running = site.files()
        site.stop()
        return Gathered(forms, hints, orders, *told, running, site.files())
    finally:
        site.stop()


def typed_everywhere(site):
    """What the buyer is shown after typing each card, right and wrong, in its own order."""
    for place, number in enumerate(NUMBERS):
        page, cvv = site.order(f"P-{place}"), cvv_for(number)
        yield site.types(page, number=number, cvv="")
        yield site.types(page, number=number, cvv=cvv, expiry="01/20")
        yield site.types(page, number=cvv, cvv=number, name=number)
        yield site.session.get(f"{page}/card?number={number}&cvv={cvv}", timeout=30)
        typed = site.types(page, number=number, cvv=cvv)
        yield typed
        yield from site.proves(typed)
        yield site.session.get(f"{page}/result", timeout=30)
    rule = {"stage": "gateway", "outcome": "noresponse", "match": {}}
    assert site.control("POST", f"{site.path}/scenarios", rule).status_code == 201
    yield from site.proves(site.types(site.order("WAITS"), number=PUBLISHED[0], cvv=CVV))
    yield from site.proves(site.types(site.order("MAGIC"), number=PUBLISHED[0], cvv=MAGIC_CVVS[0]))


def every_answer(site, order_id):
    """Each GET of the control API, about an order by card."""
    for endpoint in ENDPOINTS:
        names = set(re.findall(r"{(\w+)}", endpoint.path))
        if endpoint.method == "GET" and names <= {"seller_id", "order_id"}:
            path = endpoint.path.replace("{seller_id}", site.seller["seller_id"])
            path = path.replace("{order_id}", order_id)
            wait = "?event=nothing.at_all&timeout=0" if path.endswith("/wait") else ""
            yield endpoint.path, site.session.get(f"{site.url}/_mockpay{path}{wait}", timeout=30)


def every_page(site, names):
    """The dashboard's pages of the seller; its list of scenarios names published cards."""
    pages = ["orders", "journal", "seller", *(f"orders/{name}" for name in names)]
    for page in pages:
        yield page, site.session.get(f"{site.url}/_mockpay/ui{site.path}/{page}", timeout=30)


def test_the_cards_were_really_paid_with(gathered):
    tries = [attempt for order in gathered.orders for attempt in order["attempts"]]
    assert len(tries) == len(PUBLISHED) + 2
    assert {attempt["method"] for attempt in tries} == {"card"}
    assert {"CAPTURED", "FAILED", "UNKNOWN"} <= {attempt["state"] for attempt in tries}


def test_no_page_sends_back_a_cvv_or_a_number_that_may_be_real(gathered):
    """The hints name published cards, and a published number that was typed beside an error stays in its field."""
    assert gathered.hints < set(PUBLISHED)
    for answer in gathered.forms:
        assert answer.status_code < 500
        page = html.fromstring(answer.text)
        typed = set(page.xpath("//input[@name='number']/@value"))
        assert numbers_in(answer.text) <= gathered.hints | (typed & set(PUBLISHED))
        values = set(page.xpath("//@value")) | set(page.xpath("//textarea/text()"))
        assert found_in(list(values)) <= typed & set(PUBLISHED)


def test_no_answer_of_the_control_api_tells_a_card(gathered):
    assert len(gathered.control) >= 10
    for path, answer in gathered.control.items():
        assert answer.status_code in ({200, 422} if path.endswith("/wait") else {200}), path
        assert numbers_in(answer.text) == set(), path
    assert found_in(gathered.orders) == set()


#: The ordinary test card of every line for pytest that an order's page prints; nobody's who paid.
PRINTED = "4718609108204366"


def test_no_page_of_the_dashboard_shows_a_card(gathered):
    for page, answer in gathered.dashboard.items():
        assert answer.status_code == 200, page
        assert numbers_in(answer.text) <= {PRINTED}, page


@pytest.mark.parametrize("when", ["running", "ended"])
def test_neither_files_nor_output_of_the_server_hold_a_card(gathered, when):
    files = getattr(gathered, when)
    assert {"mockpay.db", "output.txt"} <= set(files)
    assert "mockpay.db-wal" in gathered.running
    for name, content in files.items():
        assert numbers_in_bytes(content) == set(), name
    assert b"Traceback" not in files["output.txt"]


def test_no_column_of_the_servers_database_holds_a_card(gathered, tmp_path):
    for name, content in gathered.running.items():
        (tmp_path / name).write_bytes(content)
    database = sqlite3.connect(tmp_path / "mockpay.db")
    database.row_factory = sqlite3.Row
    rows = 0
    for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
        for row in database.execute(f'SELECT * FROM "{table}"'):
            rows += 1
            assert found_in(dict(row)) == set(), (table, dict(row))
    database.close()
    assert rows > len(NUMBERS)

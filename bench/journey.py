"""
How many files a reader meets who follows one card payment with a challenge: `python -m bench.journey`.

Pays through the WSGI application as a buyer without script does, from the merchant's encrypted request
to the signed address that leads back, and counts the files of mockpay in which a function was called,
and how often the calls went from one file to another. Loading a module does not count.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from urllib.parse import urljoin, urlsplit

from flask.testing import FlaskClient
from lxml import html

from bench.place import Place
from bench.requests import ACCESS_KEY, SECRET_KEY, SELLER_ID
from mockpay.app import create_app
from mockpay.merchant.client import AmazonPayClient
from mockpay.settings import Settings

#: What house.md allows.
MOST_FILES = 70
_BASE = "http://127.0.0.1:8420"
_CARD = {"number": "4100 2800 0000 1007", "expiry": "08/29", "cvv": "123", "name": "Asha Menon"}
_ROOT = str(Path(__file__).parent.parent / "mockpay") + "/"


class Calls:
    """The files that calls went through while it was switched on."""

    def __init__(self) -> None:
        self.files: Counter[str] = Counter()
        self.crossings = 0

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        """What `sys.setprofile` calls."""
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(_ROOT) or code.co_name == "<module>":
            return
        name = code.co_filename.removeprefix(_ROOT)
        self.files[name] += 1
        caller = frame.f_back
        if caller is not None and caller.f_code.co_filename != code.co_filename:
            self.crossings += caller.f_code.co_filename.startswith(_ROOT)

    def during(self, action: Callable[[], str]) -> str:
        """Count what an action calls in this thread."""
        sys.setprofile(self)
        try:
            return action()
        finally:
            sys.setprofile(None)


class Buyer:
    """Follows links and sends forms as they stand."""

    def __init__(self, client: FlaskClient, url: str) -> None:
        self._client = client
        self._open("GET", url)

    def follow(self, testid: str) -> None:
        """Follow a link."""
        self._open("GET", self._find(testid).get("href"))

    def press(self, testid: str, **fields: str) -> None:
        """Send the form of a button with the fields it has and those typed in."""
        button = self._find(testid)
        form = next(button.iterancestors("form"))
        values = dict(form.form_values()) | fields
        if button.get("name"):
            values[button.get("name")] = button.get("value", "")
        self._open("POST", form.get("action") or self.url, values)

    def has(self, testid: str) -> bool:
        """Whether the page has such an element."""
        return bool(self._page.xpath("//*[@data-testid=$name]", name=testid))

    def _find(self, testid: str) -> html.HtmlElement:
        return self._page.xpath("//*[@data-testid=$name]", name=testid)[0]

    def _open(self, method: str, target: str, data: dict[str, str] | None = None) -> None:
        url = urljoin(getattr(self, "url", _BASE), target)
        reply = self._client.open(url, method=method, data=data)
        while reply.status_code in {302, 303}:
            url = urljoin(url, reply.headers["Location"])
            if "/shop/return" in url:
                break
            reply = self._client.get(url)
        self.url, self._page = url, html.fromstring(reply.text or "<p>")


def pay(client: FlaskClient, url: str) -> str:
    """One card payment, proved at its issuer: from the encrypted request to the signed address."""
    buyer = Buyer(client, url)
    buyer.follow("method-card")
    buyer.press("pay", **_CARD)
    while buyer.has("threeds-continue"):
        buyer.press("threeds-continue")
    buyer.press("acs-submit", otp="123456")
    buyer.press("acs-return")
    buyer.follow("return-to-seller")
    return buyer.url


def main() -> int:
    """Count, print, and exit with 1 where a reader needs more files than allowed."""
    parser = argparse.ArgumentParser(prog="python -m bench.journey", description=__doc__)
    parser.add_argument("--files", action="store_true", help="name each file with its calls")
    arguments = parser.parse_args()
    calls = Calls()
    with Place() as place:
        client = create_app(Settings(database_url=str(place.database), keys_dir=place.keys)).test_client()
        key = (place.keys / "amazonpay_public.pem").read_text()
        merchant = AmazonPayClient(SELLER_ID, ACCESS_KEY, SECRET_KEY, key, base_url=_BASE)
        first, second = (
            merchant.payment_url(amount="499.00", seller_order_id=name, redirect_url=f"{_BASE}/shop/return")
            for name in ("JOURNEY-1", "JOURNEY-2")
        )
        pay(client, first)  # What is loaded and compiled at first use.
        signed = calls.during(lambda: pay(client, second))
        outcome = merchant.verify_result(urlsplit(signed).query).outcome
    if outcome != "SUCCESS":
        message = f"the payment came out as {outcome}"
        raise RuntimeError(message)
    if arguments.files:
        for name in sorted(calls.files):
            print(f"{calls.files[name]:6} {name}")
    print(f"{len(calls.files)} files (at most {MOST_FILES}), {calls.crossings} calls from file to file")
    return int(len(calls.files) > MOST_FILES)


if __name__ == "__main__":
    sys.exit(main())

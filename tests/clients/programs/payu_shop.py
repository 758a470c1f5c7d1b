"""What a shop with either of PayU's Python clients has beside it: a buyer, and an address for webhooks."""

import json
import re
from html import unescape
from urllib.parse import parse_qsl, urljoin

import requests
from served import webhook

_INPUT = re.compile(r"""<input [^>]*name=["']([^"']*)["'] value=["']([^"']*)["']""")
_ACTION = re.compile(r"""<form [^>]*action=["']([^"']*)["']""")
CARD = {"method": "card", "number": "4111111111111111", "expiry": "08/40", "cvv": "123", "name": "Asha"}
FORM = {
    "amount": "499.00",
    "productinfo": "Brass bell",
    "firstname": "Asha",
    "email": "asha@example.in",
    "phone": "9000000000",
    "surl": "http://127.0.0.1/success",
    "furl": "http://127.0.0.1/failure",
}


class Shop:
    """One seller: what its buyers' browsers do, and what the sandbox is asked by its control API."""

    def __init__(self, sandbox, seller_id):
        self._control = f"{sandbox}/_mockpay/v1/sellers/{seller_id}"

    def open(self, html):
        """The address of the page to which a client's form leads, or the text of a refusal."""
        answer = requests.post(*_posted(html), allow_redirects=False, timeout=20)
        return urljoin(answer.url, answer.headers["Location"]) if answer.is_redirect else answer.text

    def pay(self, page, txnid, **typed):
        """Where the buyer's browser posts to once they have paid, and what."""
        self.ask("POST", f"/orders/{txnid}/pay", typed or {"method": "upi", "vpa": "success@mockpay"})
        return _posted(requests.get(f"{page}return", timeout=20).text)

    def webhook(self):
        """From now on webhooks arrive in the queue that this gives."""
        url, received = webhook()
        self.ask("PATCH", "", {"ipn_url": url})
        return received

    def ask(self, method, path, body):
        answer = requests.request(method, f"{self._control}{path}", json=body, timeout=20)
        answer.raise_for_status()


def fields_of(body):
    """Those of a webhook's form."""
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


def run(*steps):
    """Do each step in turn, and print what it was answered."""
    print(json.dumps({step.__name__: step() for step in steps}))


def _posted(html):
    fields = {unescape(name): unescape(value) for name, value in _INPUT.findall(html)}
    return unescape(_ACTION.search(html).group(1)), fields

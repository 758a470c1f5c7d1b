"""A seller's software: the public Python client, unmodified, whose requests reach the application without a port."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from html import unescape
from urllib.parse import urlsplit

import razorpay
import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

MOUNT = "/gw/razorpay"
CARD = {"number": "4100280000001007", "expiry_month": "08", "expiry_year": "30", "cvv": "123", "name": "Asha"}
SUCCESS, DECLINED = "success@razorpay", "failure@razorpay"
CALLBACK, CANCEL = "http://127.0.0.1/callback", "http://127.0.0.1/cart"
_INPUT = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')
_DATA = "application/json"


class AppAdapter(BaseAdapter):
    """Leads requests to a Flask application's test client."""

    def __init__(self, client):
        super().__init__()
        self._client = client

    def send(self, request, **_options):
        address = urlsplit(request.url)
        target = f"{address.path}?{address.query}" if address.query else address.path
        answer = self._client.open(
            target,
            base_url="http://mock",
            method=request.method,
            headers=list(request.headers.items()),
            data=request.body or b"",
        )
        response = requests.Response()
        response.status_code, response.url, response.request = answer.status_code, request.url, request
        response.headers = CaseInsensitiveDict(answer.headers)
        response._content = answer.get_data()
        return response

    def close(self):
        """Nothing is open."""


@dataclass
class Software:
    """One seller's world, its client, and what it was told by webhooks."""

    app: object
    post_office: object
    fields: dict

    def __post_init__(self):
        self.http = self.app.test_client()
        self.credentials = self.fields["credentials"]["razorpay"]
        self.key = (self.credentials["key_id"], self.credentials["key_secret"])
        session = requests.Session()
        session.mount("http://mock", AppAdapter(self.http))
        self.client = razorpay.Client(session=session, auth=self.key, base_url=f"http://mock{MOUNT}")

    # --- the API, by the client and by hand

    def order(self, amount=49_900, **more):
        return self.client.order.create({"amount": amount, "currency": "INR", **more})

    def call(self, method, path, body=None, *, auth=True, headers=None, **options):
        """By hand: the status and the JSON of the answer."""
        if body is not None:
            options["json"] = body
        given = {"auth": self.key if auth is True else auth} if auth else {}
        answer = self.http.open(f"{MOUNT}{path}", method=method, headers=headers, **given, **options)
        assert answer.content_type.startswith(_DATA), answer.content_type
        return answer.status_code, answer.get_json()

    def refused(self, method, path, body=None, **options):
        """A refusal's description; it has Razorpay's shape."""
        status, answer = self.call(method, path, body, **options)
        assert 400 <= status < 500, answer
        assert {"code", "description", "source", "step", "reason", "metadata"} <= answer["error"].keys()
        return answer["error"]["description"]

    def explained(self, method, path, body=None, **options):
        """The whole error."""
        return self.call(method, path, body, **options)[1]["error"]

    # --- the world, by the control API

    def control(self, method, path, body=None):
        answer = self.http.open(
            f"/_mockpay/v1/sellers/{self.fields['seller_id']}{path}",
            method=method,
            **({} if body is None else {"json": body}),
        )
        assert answer.status_code < 300, answer.get_data(as_text=True)
        return answer.get_json()

    def advance(self, seconds=0):
        moved = self.control("POST", "/clock/advance", {"seconds": seconds})
        assert moved["complete"], moved

    def settings(self, **settings):
        self.control("PATCH", "", {"settings": settings})

    def pay(self, order, method="upi", **typed):
        """Pay as a buyer does, and let what follows happen; the payment."""
        typed = typed or {"vpa": SUCCESS}
        self.control("POST", f"/orders/{order['id']}/pay", {"method": method, **typed})
        self.advance(10)
        return self.client.order.payments(order["id"])["items"][-1]

    def paid(self, amount=49_900, **more):
        return self.pay(self.order(amount, **more))

    def violations(self):
        return self.control("GET", "/audit")["violations"]

    # --- the hosted page

    def checkout(self, order, **fields):
        """The address of the page to which a shop's form leads."""
        form = {
            "key_id": self.key[0],
            "order_id": order["id"],
            "callback_url": CALLBACK,
            "cancel_url": CANCEL,
            **fields,
        }
        answer = self.http.post(f"{MOUNT}/v1/checkout/embedded", data=form)
        assert answer.status_code == 302, answer.get_data(as_text=True)
        return answer.headers["Location"]

    def choose(self, page, vpa=SUCCESS):
        answer = self.http.post(f"{page}upi", data={"vpa": vpa})
        assert answer.status_code == 303, answer.get_data(as_text=True)
        self.advance(10)

    def leave(self, page):
        """Where the browser goes, and what it posts there; None where it only goes."""
        answer = self.http.get(f"{page}return")
        if answer.status_code == 302:
            return answer.headers["Location"], None
        text = answer.get_data(as_text=True)
        url = re.search(r'<form method="post" action="([^"]*)"', text).group(1)
        return unescape(url), {unescape(name): unescape(value) for name, value in _INPUT.findall(text)}

    # --- webhooks

    @property
    def received(self):
        """What came by webhook: address, headers, body as text."""
        return [
            (call.url, {k.lower(): v for k, v in call.headers.items()}, call.body.decode())
            for call in self.post_office.sent
        ]

    def events(self, *names):
        """The events that came, in order; of some names or all."""
        told = [json.loads(body) for _, _, body in self.received]
        return [event for event in told if not names or event["event"] in names]

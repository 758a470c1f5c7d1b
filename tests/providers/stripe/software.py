"""A seller's software that calls the front door as it likes."""

from dataclasses import dataclass

from mockpay.testing import TestSeller
from mockpay.wire.stripe import forms
from tests.providers.amazonpay.http_client import Reply, send_request

MOUNT = "/gw/stripe"
RETURN_URL = "http://127.0.0.1/back"
CARD = {"type": "card", "card": {"number": "4242424242424242", "exp_month": 8, "exp_year": 2040, "cvc": 123}}


@dataclass(frozen=True)
class Software:
    """One seller's software, with the key that Stripe would have issued."""

    seller: TestSeller

    @property
    def key(self):
        return self.seller.fields["credentials"]["stripe"]["secret_key"]

    def send(self, method, path, params=None, *, key=None, **headers) -> Reply:
        """A request as it is; headers by their names, underscores as hyphens."""
        own = {"Authorization": f"Bearer {self.key if key is None else key}"}
        own |= {name.replace("_", "-"): value for name, value in headers.items()}
        raw = params if isinstance(params, str) else forms.encode(params or {})
        if method == "GET" and raw:
            path, raw = f"{path}?{raw.replace('[', '%5B').replace(']', '%5D')}", None
        form = raw if method == "POST" else None
        return send_request(self.seller.server, f"{MOUNT}{path}", method=method, form=form, headers=own)

    def call(self, method, path, params=None, status=200, **headers):
        """The answer of a call that has this status."""
        reply = self.send(method, f"/v1/{path}", params, **headers)
        assert reply.status == status, reply.text
        assert reply.content_type == "application/json"
        assert reply.headers["request-id"].startswith("req_")
        return reply.json

    def post(self, path, status=200, headers=None, **params):
        return self.call("POST", path, params, status, **(headers or {}))

    def get(self, path, status=200, **params):
        return self.call("GET", path, params, status)

    def refused(self, path, status=400, headers=None, **params):
        """The error of a call."""
        return self.post(path, status, headers, **params)["error"]

    def pay(self, status=200, headers=None, **changes):
        """A new intent that is confirmed at once."""
        usual = {"amount": 49_900, "currency": "inr", "payment_method": "pm_card_visa", "confirm": True}
        return self.post("payment_intents", status, headers, **{**usual, **changes})

    def events(self, *types):
        """Types of the seller's events, the oldest first, or of these types alone."""
        listed = self.get("events", limit=100, **({"types": list(types)} if types else {}))
        return [event["type"] for event in reversed(listed["data"])]

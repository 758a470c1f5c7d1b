"""A shop that writes requests as it likes, also such as no client would."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, quote, urlsplit

from mockpay.kernel.clock import rfc3339
from mockpay.kernel.ids import entropy
from mockpay.merchant import PaymentResult
from mockpay.merchant.results import Outcome
from mockpay.testing import LiveServer, TestSeller
from mockpay.wire import forms
from mockpay.wire.amazonpay import signing
from mockpay.wire.amazonpay.opening import Envelope, Flavour, seal
from mockpay.wire.amazonpay.sealing import signed_plaintext
from tests.providers.amazonpay.http_client import Reply, send_request
from tests.wire.known_answers import PUBLIC_KEY, seal_text

RETURN = "http://127.0.0.1/back"
MWS = "/OffAmazonPayments_Sandbox/2013-01-01"
TEN = {
    "status",
    "reasonCode",
    "description",
    "amazonOrderId",
    "sellerOrderId",
    "orderTotalAmount",
    "orderTotalCurrencyCode",
    "transactionDate",
    "customInformation",
    "signature",
}


def stamp(seconds: int = 0) -> str:
    """A Timestamp so many seconds from now."""
    return rfc3339((int(time.time()) + seconds) * 1000)


@dataclass(frozen=True)
class Shop:
    """
    One seller's software.

    Args:
        names: What replaces seller_id, access_key or secret_key when it writes.
    """

    seller: TestSeller
    flavour: Flavour = Flavour.PHP
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def server(self) -> LiveServer:
        return self.seller.server

    @property
    def credentials(self) -> dict[str, str]:
        known = ("seller_id", "access_key", "secret_key")
        return {name: self.seller.fields[name] for name in known} | dict(self.names)

    def with_flavour(self, flavour: Flavour) -> "Shop":
        return replace(self, flavour=flavour)

    def with_credentials(self, **names: str) -> "Shop":
        return replace(self, names=names)

    # --- paying ---

    def fields(self, **changed: str | None) -> dict[str, str]:
        """A payment request's fields; None leaves one out, `extra` adds others."""
        usual = {"orderTotalAmount": "499.00", "orderTotalCurrencyCode": "INR", "sellerOrderId": "order-1"}
        return {name: text for name, text in (usual | changed).items() if text is not None}

    def envelope(self, start_time: int | None = None, **changed: str | None) -> Envelope:
        start = int(time.time()) if start_time is None else start_time
        return seal(
            self.fields(**changed),
            **self.credentials,
            public_key=PUBLIC_KEY,
            flavour=self.flavour,
            start_time=start,
            entropy=entropy,
        )

    def query(self, redirect_url: str | None = RETURN, **wanted) -> str:
        return self.envelope(**wanted).query(redirect_url, self.flavour)

    def pay(self, redirect_url: str | None = RETURN, **wanted) -> Reply:
        """Send the buyer to the payment page; what the sandbox first answers."""
        return send_request(self.server, f"/initiatePayment?{self.query(redirect_url, **wanted)}")

    def pay_with(self, plaintext: str | bytes, redirect_url: str = RETURN) -> Reply:
        """The same with any text in the payload."""
        parts = zip(("payload", "key", "iv"), seal_text(plaintext), strict=True)
        query = "&".join(f"{name}={quote(text, safe='')}" for name, text in parts)
        return send_request(self.server, f"/initiatePayment?{query}&redirectUrl={quote(redirect_url)}")

    def plaintext(self, **changed: str | None) -> str:
        """What a client of this family would seal."""
        names = self.credentials
        stamps = {"sellerId": names["seller_id"], "startTime": str(int(time.time()))}
        return signed_plaintext(
            {**self.fields(**changed), **stamps},
            access_key=names["access_key"],
            secret_key=names["secret_key"],
            flavour=self.flavour,
        )

    def order(self, **wanted) -> str:
        """The address of the payment page of an order, its last slash included."""
        reply = self.pay(**wanted)
        assert reply.status == 302, reply.text
        return reply.location

    def buy(self, vpa: str = "success@mockpay", **wanted) -> Reply:
        """The whole journey of a buyer who types a UPI ID: the way back."""
        return self.finish(self.order(**wanted), vpa)

    def finish(self, page: str, vpa: str = "success@mockpay") -> Reply:
        answer = send_request(self.server, f"{page}upi", form=forms.encode_form([("vpa", vpa)]))
        assert answer.status == 303, answer.text
        return self.leave(page)

    def leave(self, page: str) -> Reply:
        return send_request(self.server, f"{page}return")

    def verified(self, reply: Reply, flavour: Flavour | None = None) -> PaymentResult:
        """What came back, the ten parameters and the signature checked as a client does."""
        assert reply.status == 302, reply.text
        assert set(reply.result) <= TEN
        query = dict(parse_qsl(urlsplit(reply.location).query, keep_blank_values=True))
        client = self.seller.client(flavour=flavour or self.flavour)
        return client.verify_result({n: v for n, v in query.items() if n in TEN})

    # --- asking ---

    def call(self, action: str, path: str = MWS, method: str = "GET", **params: str) -> Reply:
        """A signed call of the MWS family, at a path of Node's of that; an empty text leaves a parameter out."""
        if path.startswith("/v2/"):
            unsigned = f"&isSandbox={params.pop('isSandbox')}" if "isSandbox" in params else ""
            return self.send(self.signed(action, "/", "POST", "amazonpay.amazon.in", **params) + unsigned, path, method)
        return self.send(self.signed(action, path, method, **params), path, method)

    def signed(self, action: str, path: str = MWS, method: str = "GET", host: str = "", **params: str) -> str:
        """The signed form of such a call; `__` in a name stands for a dot."""
        names = self.credentials
        usual = {
            "Action": action,
            "AWSAccessKeyId": names["access_key"],
            "SellerId": names["seller_id"],
            "Timestamp": stamp(),
            **signing.SIGNATURE_FIELDS,
        }
        told = usual | {name.replace("__", "."): text for name, text in params.items()}
        encode = forms.percent_encode
        encoded = {name: encode(text) for name, text in told.items() if text}
        host = host or urlsplit(self.server.url).netloc
        text = signing.string_to_sign(method, host, path, encoded)
        encoded["Signature"] = encode(signing.sign(names["secret_key"], text))
        return "&".join(f"{name}={value}" for name, value in encoded.items())

    def send(self, form: str, path: str = MWS, method: str = "GET") -> Reply:
        if method == "POST":
            return send_request(self.server, path, form=form)
        return send_request(self.server, f"{path}?{form}")

    def charge_status(self, path: str = "/v2/payments/chargeStatus", **fields) -> Reply:
        """A sealed question; `start_time=` and any field may be given."""
        usual = {"transactionIdType": "TRANSACTION_ID"}
        blank = dict.fromkeys(("orderTotalAmount", "orderTotalCurrencyCode", "sellerOrderId"))
        return send_request(self.server, f"{path}?{self.query(None, **(blank | usual | fields))}")

    # --- what the sandbox knows ---

    def journal(self) -> list[dict]:
        """What the journal says of this seller, the newest first."""
        return self.seller.control("GET", "/journal")["items"]

    def assert_nothing_was_left_behind(self, outcome: str, *secrets: str) -> dict:
        """No order was opened; the journal knows the reason, and no value that was sent."""
        assert self.seller.orders() == []
        entry = self.journal()[0]
        assert entry["outcome"] == outcome
        assert entry["reason"]
        written = json.dumps(entry)
        for secret in (self.seller.fields["secret_key"], *secrets):
            assert secret not in written
        return entry


def assert_signed_failure(shop: Shop, reply: Reply, outcome: str, *secrets: str) -> str:
    """The buyer goes back with a FAILURE that the shop's client believes; its reason code."""
    assert reply.location.startswith((f"{RETURN}?", f"{RETURN}&"))
    result = shop.verified(reply)
    assert result.outcome is Outcome.FAILURE
    assert result.description
    shop.assert_nothing_was_left_behind(outcome, *secrets)
    return result.reason_code


def assert_nobodys_journal_says(server: LiveServer, outcome: str, *secrets: str) -> dict:
    """The same of a request that no seller could be found for."""
    entry = server.control("GET", "/journal")["items"][0]
    assert entry["outcome"] == outcome
    assert entry["reason"]
    assert not any(secret in json.dumps(entry) for secret in secrets)
    return entry

"""Payment requests as a shop seals them: each distinct, fresh and really signed."""

from __future__ import annotations

import base64
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_public_key

from mockpay.kernel.ids import entropy, page_token
from mockpay.providers.amazonpay.keys import PAYMENT_KEY
from mockpay.wire.amazonpay.sealing import Envelope, Flavour, seal

# The default seller, as the contract publishes it.
SELLER_ID = "A1MOCKPAYSELLER"
ACCESS_KEY = "AKIDMOCKPAYDEFAULT"
SECRET_KEY = "mockpay-default-secret-key-EXAMPLE"

_RETURN_URL = "http://127.0.0.1:8420/shop/return"
#: What a browser sends beside the address.
_HEADERS = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Language: en-IN,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n"
    "Connection: keep-alive\r\nUpgrade-Insecure-Requests: 1\r\n"
)


@dataclass(frozen=True, slots=True)
class Request:
    """One sealed payment request."""

    envelope: Envelope
    query: str

    @property
    def wrapped_key(self) -> bytes:
        """The data key that the server has to unwrap."""
        return base64.b64decode(self.envelope.key)

    def http(self, port: int) -> bytes:
        """The request as a browser sends it."""
        line = f"GET /processPayment?{self.query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        return f"{line}{_HEADERS}\r\n".encode("ascii")


class Shop:
    """Seals requests with the public key of a keys folder; no two have the same order id."""

    def __init__(self, keys_dir: Path) -> None:
        self._key = load_pem_public_key((keys_dir / PAYMENT_KEY.public).read_bytes())
        self._name = page_token()
        self._numbers = itertools.count(1)

    def next_request(self) -> Request:
        """The next request; by turns as the PHP client and as the Node client writes it."""
        number = next(self._numbers)
        flavour = Flavour.PHP if number % 2 else Flavour.NODE
        fields = {
            "sellerOrderId": f"{self._name}-{number}",
            "orderTotalAmount": "499.00",
            "orderTotalCurrencyCode": "INR",
            "customInformation": f"basket {number}",
            "sellerNote": "Thank you for your order",
            "sellerStoreName": "Mockpay Store",
            "transactionTimeout": "900",
            "isSandbox": "true",
        }
        envelope = seal(
            fields,
            seller_id=SELLER_ID,
            access_key=ACCESS_KEY,
            secret_key=SECRET_KEY,
            public_key=self._key,
            flavour=flavour,
            start_time=int(time.time()),
            entropy=entropy,
        )
        return Request(envelope, envelope.query(_RETURN_URL, flavour))

    def many(self, count: int) -> list[Request]:
        """So many, sealed beforehand."""
        return list(itertools.islice(iter(self.next_request, None), count))

    def stream(self, count: int) -> Iterator[Request]:
        """So many, each sealed when it is asked for."""
        return (self.next_request() for _ in range(count))

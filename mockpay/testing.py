"""
mockpay for merchants' own tests: a server in a thread, and a pytest plugin.

The plugin gives `mockpay_server` (one per session), `mockpay_seller` (a world of its own per
test) and `mockpay_client` (a merchant's client for it).  Nothing heavy is imported before a
fixture is used: pytest loads this file in every run of everybody who has mockpay installed.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlencode

import pytest

if TYPE_CHECKING:
    from mockpay.kernel.clock import RealClock
    from mockpay.merchant.client import AmazonPayClient
    from mockpay.settings import Settings
    from mockpay.store.unit_of_work import Runtime


class LiveServer:
    """
    A whole sandbox on a free port, with keys and a database of its own in a temporary folder.

    Use it as a context manager, or call `start` and `stop`.
    """

    def __init__(self, settings: Settings | None = None, *, real_clock: RealClock | None = None) -> None:
        self._custom_settings = settings
        self._real_clock = real_clock
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def start(self) -> Self:
        """Listen and serve; returns when requests are answered."""
        from mockpay.server import MockpayServer  # noqa: PLC0415

        self._server = MockpayServer(self._settings(), real_clock=self._real_clock)
        self.runtime: Runtime = self._server.runtime
        self._server.serve_in_thread()
        return self

    def _settings(self) -> Settings:
        from mockpay.settings import Settings  # noqa: PLC0415

        if self._custom_settings is not None:
            return self._custom_settings
        self._folder = tempfile.TemporaryDirectory(prefix="mockpay-")
        folder = Path(self._folder.name)
        return Settings(port=0, database_url=str(folder / "mockpay.db"), keys_dir=folder / "keys")

    def stop(self) -> None:
        """Stop, and throw the temporary folder away."""
        self._server.stop()
        if self._folder is not None:
            self._folder.cleanup()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        """Stop."""
        self.stop()

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return self._server.url

    def control(self, method: str, path: str, body: object = None) -> Any:
        """
        Call the control API below ``/_mockpay/v1``; the decoded JSON answer.

        Raises:
            ControlError: an answer of 400 or above.
        """
        from mockpay.kernel.http.calls import HttpCall  # noqa: PLC0415
        from mockpay.merchant.transport import RequestsSender  # noqa: PLC0415

        headers = {"Content-Type": "application/json"}
        token = self.runtime.settings.admin_token
        if token:
            headers["Authorization"] = f"Bearer {token}"
        content = b"" if body is None else json.dumps(body).encode()
        url = f"{self.url}/_mockpay/v1{path}"
        reply = RequestsSender().send(HttpCall(method, url, headers, content, timeout=60))
        answer: Any = json.loads(reply.body) if reply.body else None
        if reply.status >= 400:
            raise ControlError(reply.status, answer)
        return answer

    def new_seller(self, **fields: object) -> TestSeller:
        """A seller with a world of its own; `fields` as in ``POST /_mockpay/v1/sellers``."""
        return TestSeller(self, self.control("POST", "/sellers", fields))


class ControlError(Exception):
    """The control API refused; `problem` is its problem+json."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{status}: {problem.get('detail') or problem.get('title')}")
        self.status = status
        self.problem = problem


@dataclass(frozen=True)
class TestSeller:
    """A seller of a `LiveServer`, with the verbs that tests need most."""

    __test__ = False  # pytest must not collect it

    server: LiveServer
    fields: Mapping[str, Any]

    @property
    def seller_id(self) -> str:
        """The seller's id."""
        return str(self.fields["seller_id"])

    def control(self, method: str, path: str, body: object = None) -> Any:
        """Call the control API below this seller."""
        return self.server.control(method, f"/sellers/{self.seller_id}{path}", body)

    def client(self, **options: Any) -> AmazonPayClient:
        """A merchant's client with this seller's credentials."""
        from mockpay.merchant.client import AmazonPayClient  # noqa: PLC0415

        return AmazonPayClient(
            self.seller_id,
            self.fields["access_key"],
            self.fields["secret_key"],
            self.server.runtime.keys.public_file.read_text(),
            self.server.url,
            **options,
        )

    def freeze(self) -> None:
        """Stop this seller's clock."""
        self.control("PUT", "/clock", {"mode": "frozen"})

    def advance(self, **goal: object) -> Any:
        """Move the clock: ``seconds=``, ``to=`` or ``until="next"|"idle"``."""
        return self.control("POST", "/clock/advance", goal)

    def next(self, stage: str, outcome: str, **match: str) -> Any:
        """Make the next payment meet an outcome, once."""
        rule = {"stage": stage, "outcome": outcome, "match": match, "times": 1}
        return self.control("POST", "/scenarios", rule)

    def orders(self, **query: str) -> list[Any]:
        """The newest orders of this seller."""
        return self._list("orders", query)

    def order(self, order_id: str) -> Any:
        """One order with its attempts, refunds and timeline."""
        return self._item("orders", order_id)

    def cancel(self, order_id: str) -> Any:
        """Cancel an order; what was captured is refunded."""
        return self._item("orders", order_id, "cancel")

    def capture(self, order_id: str, amount: str | None = None) -> Any:
        """Take the money that an order has authorised, all of it if no amount is named; the rest is released."""
        body = {} if amount is None else {"amount": amount}
        return self.control("POST", f"/orders/{order_id}/capture", body)

    def refunds(self, **query: str) -> list[Any]:
        """The newest refunds: ``state=``, ``order_id=``, ``reference=``."""
        return self._list("refunds", query)

    def refund(self, refund_id: str) -> Any:
        """One refund with its timeline and notifications."""
        return self._item("refunds", refund_id)

    def notifications(self, **query: str) -> list[Any]:
        """The newest notifications: ``state=``, ``type=``, ``refund_id=`` and more."""
        return self._list("notifications", query)

    def notification(self, notification_id: str) -> Any:
        """One notification with every try: request, answer, latency."""
        return self._item("notifications", notification_id)

    def deliver(self, notification_id: str) -> Any:
        """Send a notification now, again if need be; the answer shows the new try."""
        return self._item("notifications", notification_id, "deliver")

    def inbox(self, **query: str) -> list[Any]:
        """The newest messages to buyers: ``kind="otp"``, ``to=``, ``attempt_id=``."""
        return self._list("inbox", query)

    def attempt(self, attempt_id: str) -> Any:
        """One attempt: the risk check, one-time passwords, 3-D Secure with every message."""
        return self._item("attempts", attempt_id)

    def otp(self, attempt_id: str) -> str:
        """
        The newest one-time password that the buyer of an attempt got.

        Raises:
            LookupError: none came, or its hour is over.
        """
        for message in self.inbox(kind="otp", attempt_id=attempt_id):
            if message["otp"] is not None:
                return str(message["otp"])
        message = f"No one-time password came for {attempt_id}."
        raise LookupError(message)

    def buyer(self, email: str) -> Any:
        """The buyer of an e-mail, known to this seller from now on."""
        return self.control("POST", "/buyers", {"email": email})

    def wallet(self, buyer: str) -> Any:
        """A buyer's balance; `buyer` is an id or an e-mail."""
        return self.control("GET", f"{_buyer(buyer)}/wallet")

    def saved_methods(self, buyer: str) -> list[Any]:
        """What a buyer has saved, the default first."""
        return list(self.control("GET", f"{_buyer(buyer)}/methods")["items"])

    def save_method(self, buyer: str, kind: str, **parts: str) -> Any:
        """
        Save an instrument for a buyer.

        Args:
            kind: ``card`` (``number=``, ``expiry=``, ``name=``), ``upi`` (``vpa=``) or
                ``netbanking`` (``bank=``).
        """
        return self.control("POST", f"{_buyer(buyer)}/methods", {"kind": kind, **parts})

    def risk_dry_run(self, amount: str, **payment: str) -> Any:
        """What the risk check would decide of a payment: ``method=``, ``ip=`` and more."""
        return self.control("POST", "/risk/dry-run", {"amount": amount, **payment})

    def risk_force(self, decision: str, *, reason: str = "forced by a test", **match: str) -> Any:
        """Decide ``ALLOW``, ``CHALLENGE``, ``REVIEW`` or ``DECLINE`` on the next that fits."""
        override = {"decision": decision, "reason": reason, "match": match}
        return self.control("POST", "/risk/force", override)

    def wait_for(self, event: str, *, timeout: float = 10, **match: str) -> Any:
        """
        Wait for the first event that fits, such as ``"refund.COMPLETED"``; past ones count.

        Args:
            event: As in ``GET .../wait``.
            timeout: Real seconds.
            match: What it must have, such as ``order_id=``.

        Raises:
            TimeoutError: nothing came in time.
        """
        pairs = ",".join(f"{key}:{value}" for key, value in match.items())
        query = {"event": event, "match": pairs, "timeout": timeout}
        answer = self.control("GET", f"/wait?{urlencode(query)}")
        if answer["event"] is None:
            message = f"No {event} {pairs} in {timeout} s."
            raise TimeoutError(message)
        return answer["event"]

    def _list(self, nouns: str, query: Mapping[str, str]) -> list[Any]:
        return list(self.control("GET", f"/{nouns}?{urlencode(query)}")["items"])

    def _item(self, nouns: str, name: str, verb: str = "") -> Any:
        path = f"/{nouns}/{quote(name, safe='')}"
        return self.control("POST", f"{path}/{verb}") if verb else self.control("GET", path)


def _buyer(name: str) -> str:
    return f"/buyers/{quote(name, safe='')}"


@pytest.fixture(scope="session")
def mockpay_server() -> Iterator[LiveServer]:
    """One sandbox for the whole session."""
    with LiveServer() as server:
        yield server


@pytest.fixture
def mockpay_seller(mockpay_server: LiveServer) -> TestSeller:
    """A seller that no other test sees, with a frozen clock."""
    seller = mockpay_server.new_seller()
    seller.freeze()
    return seller


@pytest.fixture
def mockpay_client(mockpay_seller: TestSeller) -> AmazonPayClient:
    """A merchant's client for that seller."""
    return mockpay_seller.client()

"""A seller of a sandbox, with the verbs that tests need most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from mockpay.kernel.clock import parse_time
from mockpay.kernel.http.calls import HttpCall
from mockpay.testing.control import ControlApi, refuse_in_event_loop
from mockpay.testing.sender import DirectSender

if TYPE_CHECKING:
    from mockpay.merchant.client import AmazonPayClient


@dataclass(frozen=True)
class TestSeller:
    """
    A seller with a world of its own.

    `fields` are those of ``POST /_mockpay/v1/sellers``, credentials included, so they are in no repr.  Every verb
    raises `ControlError` where the sandbox refuses.  Verbs that wait until the seller's own server has been called
    refuse to do so in an event loop.
    """

    __test__ = False  # pytest must not collect it

    server: ControlApi
    fields: Mapping[str, Any] = field(repr=False)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1), init=False, repr=False, compare=False)

    def __repr__(self) -> str:
        """Name and page, which a failing test prints."""
        return f"<TestSeller {self.seller_id} {self.dashboard}>"

    @property
    def seller_id(self) -> str:
        """The seller's id."""
        return str(self.fields["seller_id"])

    @property
    def dashboard(self) -> str:
        """The address of its orders on the dashboard."""
        return f"{self.server.url}/_mockpay/ui/sellers/{self.seller_id}/orders"

    def control(self, method: str, path: str, body: object = None, *, seconds: float = 60) -> Any:
        """Call the control API below this seller; the sandbox may take so many real seconds."""
        return self.server.control(method, f"/sellers/{self.seller_id}{path}", body, seconds=seconds)

    def client(self, **options: Any) -> AmazonPayClient:
        """A merchant's client with this seller's credentials; whatever a test replaces, it reaches the sandbox."""
        from mockpay.merchant.client import AmazonPayClient  # noqa: PLC0415

        options = {"sender": DirectSender(), **options}
        return AmazonPayClient(
            self.seller_id, self.fields["access_key"], self.fields["secret_key"], None, self.server.url, **options
        )

    def freeze(self, at: datetime | str | None = None) -> None:
        """
        Stop this seller's clock.

        Args:
            at: What it shall show, such as the time that a test's own clock was frozen at; RFC 3339 as text.
        """
        now = at.astimezone().isoformat() if isinstance(at, datetime) else at
        self.control("PUT", "/clock", {"mode": "frozen", "now": now})

    def advance(self, *, timeout: float = 30, **body: object) -> Any:
        """
        Move the clock: ``seconds=``, ``to=`` or ``until="next"|"idle"``.

        Args:
            timeout: Real seconds after which the answer says ``complete`` false.

        Raises:
            RuntimeError: in an event loop.
        """
        refuse_in_event_loop("advance")
        return self.control("POST", "/clock/advance", {**body, "timeout": timeout}, seconds=timeout)

    def next(self, stage: str, outcome: str, **match: str) -> Any:
        """Make the next payment meet an outcome, once."""
        rule = {"stage": stage, "outcome": outcome, "match": match, "times": 1}
        return self.control("POST", "/scenarios", rule)

    def open_order(self, amount: str) -> str:
        """
        Open an order as a shop does, by a signed payload; its id.

        Raises:
            LookupError: the sandbox opened none; the text is its reason.
        """
        numbers = (f"TEST-{number}" for number in self._numbers)
        number = next(number for number in numbers if not self.orders(seller_order_id=number))
        client = self.client(clock=_SellerClock(self))
        url = client.payment_url(amount=amount, seller_order_id=number, redirect_url="http://localhost/return")
        DirectSender().send(HttpCall("GET", url, timeout=60))
        for order in self.orders(seller_order_id=number):
            return str(order["order_id"])
        message = f"No order was opened: {self._list('journal', {'limit': '1'})[0]['reason']}"
        raise LookupError(message)

    def orders(self, **query: str) -> list[Any]:
        """The newest orders of this seller."""
        return self._list("orders", query)

    def order(self, order_id: str) -> Any:
        """One order with its attempts, refunds and timeline."""
        return self._item("orders", order_id)

    def pay(self, order_id: str, method: str = "", **typed: Any) -> Any:
        """
        Pay an order as a buyer would, without a browser; again to answer what it then ``waits_for``.

        Args:
            typed: The method's fields, ``otp=``, ``pin=``, ``answer=``, ``buyer=``, as in the control API.
        """
        body = {"method": method, **typed}
        return self.control("POST", f"/orders/{quote(order_id, safe='')}/pay", body)

    def cancel(self, order_id: str) -> Any:
        """Cancel an order; what was captured is refunded."""
        return self._item("orders", order_id, "cancel")

    def capture(self, order_id: str, amount: str | None = None) -> Any:
        """Take the money that an order has authorised, all of it if no amount is named; the rest is released."""
        body = {} if amount is None else {"amount": amount}
        return self.control("POST", f"/orders/{order_id}/capture", body)

    def refund_order(self, order_id: str, amount: str | None = None, **more: str) -> Any:
        """Refund an order as the dashboard does, all that is left if no amount is named; ``reference=``, ``note=``."""
        body = {**({} if amount is None else {"amount": amount}), **more}
        return self.control("POST", f"/orders/{quote(order_id, safe='')}/refunds", body)

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

    def test_notification(self) -> Any:
        """Send a notification of a payment that never was; the answer shows its try.  Not in an event loop."""
        refuse_in_event_loop("test_notification")
        return self.control("POST", "/notifications/test")

    def deliver(self, notification_id: str) -> Any:
        """Send a notification now, again if need be; the answer shows the new try.  Not in an event loop."""
        refuse_in_event_loop("deliver")
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

    def top_up(self, buyer: str, amount: str, method: str = "", **typed: Any) -> Any:
        """Add money to a buyer's wallet: the order, paid at once by the method's fields where one is named."""
        body = {"amount": amount, **({"method": method} if method else {}), **typed}
        return self.control("POST", f"{_buyer(buyer)}/wallet/top-up", body)

    def auto_reload(self, buyer: str, **settings: Any) -> Any:
        """
        A buyer's auto-reload; with settings it is switched on or changed first, with ``enabled=False`` switched off.

        Args:
            settings: ``threshold=``, ``amount=``, ``token=``, and ``max_per_day=``, ``cap_day=``, ``cap_month=``,
                ``just_in_time=``.
        """
        path = f"{_buyer(buyer)}/auto-reload"
        return self.control("PUT", path, {"enabled": True, **settings}) if settings else self.control("GET", path)

    def trigger_reload(self, buyer: str) -> Any:
        """Reload a balance now; the run, which goes on by itself."""
        return self.control("POST", f"{_buyer(buyer)}/auto-reload/trigger")

    def reload_runs(self, buyer: str) -> list[Any]:
        """The newest runs of a buyer's auto-reload, with why each ran, waited or failed."""
        return list(self.control("GET", f"{_buyer(buyer)}/auto-reload/runs")["items"])

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
            RuntimeError: in an event loop.
        """
        refuse_in_event_loop("wait_for")
        pairs = ",".join(f"{key}:{value}" for key, value in match.items())
        query = {"event": event, "match": pairs, "timeout": timeout}
        answer = self.control("GET", f"/wait?{urlencode(query)}", seconds=timeout)
        if answer["event"] is None:
            message = f"No {event}{pairs and f' {pairs}'} in {timeout} s."
            raise TimeoutError(message)
        return answer["event"]

    def _list(self, nouns: str, query: Mapping[str, str]) -> list[Any]:
        return list(self.control("GET", f"/{nouns}?{urlencode(query)}")["items"])

    def _item(self, nouns: str, name: str, verb: str = "") -> Any:
        path = f"/{nouns}/{quote(name, safe='')}"
        return self.control("POST", f"{path}/{verb}") if verb else self.control("GET", path)


@dataclass(frozen=True)
class _SellerClock:
    """A shop's clock that shows the seller's time, whatever a test has done to this process's."""

    seller: TestSeller

    def now(self) -> int:
        return parse_time(self.seller.control("GET", "/clock")["now"])


def _buyer(name: str) -> str:
    return f"/buyers/{quote(name, safe='')}"

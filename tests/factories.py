"""Factories of the core's tests: a clock they set, a recording sender, one seller's world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import select

from mockpay.delivery import clock, outbox, scheduler
from mockpay.domain.methods.cards import Card
from mockpay.domain.methods.method import Instrument
from mockpay.domain.methods.upi import Upi
from mockpay.domain.notifications import Notification, Try
from mockpay.domain.orders import Order, PaymentRequest
from mockpay.domain.payments.attempts import Attempt, Auth
from mockpay.domain.refunds import Refund, RefundRequest
from mockpay.domain.timeline import Actor, TimelineEvent
from mockpay.kernel.clock import SECOND, Mode, parse_time
from mockpay.kernel.http.calls import HttpCall, HttpReply
from mockpay.kernel.money import Money
from mockpay.services import notifications as notification_service
from mockpay.services.payments import authentication, cancellation, captures, orders, payments, settlement
from mockpay.services.payments.authentication import CheckoutContext, Payer
from mockpay.services.payments.captures import give_up
from mockpay.services.payments.payments import PaymentResult
from mockpay.services.refunds import refund_settlement, refunds
from mockpay.services.refunds.refunds import RefundResult
from mockpay.services.refunds.transitions import get_refund
from mockpay.services.scenarios import add_rule
from mockpay.services.sellers import accounts
from mockpay.services.sellers.accounts import NewSeller
from mockpay.store import attempts, notifications, transitions
from mockpay.store import orders as order_rows
from mockpay.store import refunds as refund_rows
from mockpay.store.reads.audit import audit
from mockpay.store.unit_of_work import Runtime, read, transaction
from mockpay.threeds import acs, requestor, threeds_table
from mockpay.threeds.rules import Browser

NOON = parse_time("2026-11-21T12:00:00Z")
RETURN_URL = "http://127.0.0.1:8420/shop/return"
IPN_URL = "http://127.0.0.1:8420/shop/ipn"

#: A guest whose browser is on the payment's page.
GUEST_AT_PAGE = Payer(checkout=CheckoutContext(page_url="http://127.0.0.1:8420/pay/token"))

#: A test that has nothing to do with the database's kind says so and runs once.
on_sqlite = pytest.mark.parametrize("database_kind", ["sqlite"])


#: The ways in which an order ends, for `World.end`.
ORDER_ENDINGS = ["paid", "failed", "cancelled", "expired"]


class FakeRealClock:
    """The machine's clock, standing still until a test moves it."""

    def __init__(self, moment: int = NOON) -> None:
        self.moment = moment

    def now(self) -> int:
        return self.moment

    def move(self, ms: int) -> None:
        self.moment += ms


class RecordingSender:
    """
    A sender that records every call and answers 200.

    `answers` are taken first, one a call: a status, or an error that is raised.
    """

    def __init__(self) -> None:
        self.sent: list[HttpCall] = []
        self.answers: list[int | Exception] = []

    def send(self, call: HttpCall) -> HttpReply:
        self.sent.append(call)
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, Exception):
            raise answer
        return HttpReply(answer, {}, b"")


def payment_request(number: str = "O-1", amount: str = "499.00", **overrides: Any) -> PaymentRequest:
    """A verified request to pay; another `digest` is another payload."""
    defaults = {
        "provider": "amazonpay",
        "seller_order_id": number,
        "amount": Money.parse(amount),
        "redirect_url": RETURN_URL,
        "digest": f"{number} {amount}",
    }
    return PaymentRequest(**(defaults | overrides))


@dataclass(frozen=True)
class World:
    """One seller, and what may happen in its world, each verb in a transaction of its own."""

    runtime: Runtime
    seller_id: str

    @classmethod
    def new(cls, runtime: Runtime, *, frozen: bool = True, ipn_url: str | None = None, **settings: object) -> World:
        """A new seller whose clock shows the real time, frozen unless said."""
        seller = accounts.create(runtime, NewSeller(ipn_url=ipn_url, settings=settings))
        world = cls(runtime, seller.seller_id)
        if frozen:
            world.set_clock(Mode.FROZEN)
        return world

    def transaction(self):
        return transaction(self.runtime, self.seller_id)

    def read(self):
        return read(self.runtime, self.seller_id)

    # The seller and the clock

    def begin(self, number: str = "O-1", amount: str = "499.00", **overrides: Any) -> orders.OpenedOrder:
        with self.transaction() as sandbox:
            return orders.open_order(sandbox, payment_request(number, amount, **overrides))

    def order(self, number: str = "O-1", amount: str = "499.00", **overrides: Any) -> Order:
        begun = self.begin(number, amount, **overrides)
        assert begun.new, begun
        assert begun.order is not None
        return begun.order

    def add_rule(self, outcome: str, stage: str = "issuer", **more: Any) -> None:
        with self.transaction() as sandbox:
            add_rule(sandbox, stage=stage, outcome=outcome, **{"match": {}, **more})

    def set_clock(self, mode: Mode | None, moment: int | None = None) -> None:
        clock.put(self.runtime, self.seller_id, mode, moment)

    def now(self) -> int:
        return clock.get_clock(self.runtime, self.seller_id)[1]

    def advance_to(self, goal: int | clock.Until, timeout: float = 30) -> clock.Advanced:
        return clock.advance(self.runtime, self.seller_id, goal, timeout)

    def advance(self, seconds: float) -> clock.Advanced:
        return self.advance_to(self.now() + int(seconds * SECOND))

    def advance_until_idle(self) -> clock.Advanced:
        return self.advance_to(clock.Until.IDLE)

    # The buyer

    def create_attempt(self, order: Order, vpa: str | None = None) -> PaymentResult:
        """A new attempt that nobody has sent yet."""
        return self.create_attempt_with(order, Upi(vpa))

    def create_attempt_with(self, order: Order, instrument: Instrument) -> PaymentResult:
        with self.transaction() as sandbox:
            return payments.pay(sandbox, self._fresh(sandbox, order), instrument)

    def pay(self, order: Order, vpa: str | None = "success@mockpay") -> Attempt:
        return self.pay_with(order, Upi(vpa))

    def card(self, number: str, **typed: Any) -> Card:
        """A card as its page takes it, good until 2029."""
        amex = len(number) == 15
        form = {"expiry": "08/29", "cvv": "1234" if amex else "123", "name": "Asha Rao", **typed}
        return Card.read(number=number, now=self.now(), **form)

    def pay_with(
        self, order: Order, instrument: Instrument, payer: Payer = GUEST_AT_PAGE, otp: str = "123456"
    ) -> Attempt:
        """Pay, authenticate, send, and fire what is due."""
        started = self.start(order, instrument, payer)
        self.authenticate(started.attempt, otp)
        return self.get_attempt(started.attempt.attempt_id)

    def start(self, order: Order, instrument: Instrument, payer: Payer = GUEST_AT_PAGE) -> PaymentResult:
        """A new attempt up to the point at which its buyer is asked, as the page does it."""
        with self.transaction() as sandbox:
            started = payments.pay(sandbox, self._fresh(sandbox, order), instrument, payer)
        self._send(started.outbox_id)
        return started

    def _send(self, outbox_id: int | None) -> None:
        if outbox_id is not None:
            outbox.send_leased(self.runtime, self.seller_id, outbox_id)
        scheduler.fire_present(self.runtime, self.seller_id)

    def authenticate(self, attempt: Attempt, otp: str = "123456") -> Attempt:
        """The buyer types a code wherever one is asked for: on the page, or at the issuer."""
        fresh = self.get_attempt(attempt.attempt_id)
        if fresh.auth is Auth.THREEDS:
            self.authenticate_at_issuer(fresh, otp)
        elif fresh.auth is Auth.OTP:
            with self.transaction() as sandbox:
                _, fresh = authentication.submit_otp(sandbox, fresh, otp)
                outbox_id = payments.queue_charge(sandbox, fresh, leased=True)
            self._send(outbox_id)
        return self.get_attempt(attempt.attempt_id)

    def authenticate_at_issuer(self, attempt: Attempt, otp: str = "123456") -> Attempt:
        """The card's issuer asks for a code, and the browser comes back with what it says."""
        with self.transaction() as sandbox:
            moved = authentication.ask_issuer(sandbox, attempt, Browser(ip="127.0.0.1"), "Y")
            txn = threeds_table.latest(sandbox, moved.attempt_id)
            if txn.acs_token is not None and moved.auth is Auth.THREEDS:
                page = acs.open_challenge(sandbox, txn.acs_token, requestor.creq(txn), txn.session_data)
                if isinstance(page, acs.AcsPage):
                    page = acs.submit(sandbox, txn.acs_token, otp)
                if isinstance(page, acs.ChallengeCompletion):
                    moved = authentication.handle_return(sandbox, moved, page.cres, page.session_data)
            outbox_id = payments.queue_charge(sandbox, moved, leased=True)
        self._send(outbox_id)
        return self.get_attempt(attempt.attempt_id)

    def request_approval(self, order: Order, vpa: str | None = None) -> Attempt:
        """An attempt that waits for the buyer's app."""
        attempt = self.pay(order, vpa)
        assert attempt.state == "AUTH_PENDING", attempt
        return attempt

    def approve(self, attempt: Attempt, pin: str = "1234") -> Attempt:
        with self.transaction() as sandbox:
            magic = payments.pin_decision(sandbox, attempt, pin)
            outcome = magic.outcome if magic is not None else None
            return settlement.record_buyer_answer(sandbox, attempt.attempt_id, outcome, Actor.BUYER, magic)

    def decline(self, attempt: Attempt) -> Attempt:
        with self.transaction() as sandbox:
            return settlement.record_buyer_answer(sandbox, attempt.attempt_id, "declined", Actor.BUYER)

    def cancel(self, order: Order) -> Order:
        with self.transaction() as sandbox:
            return orders.cancel(sandbox, self._fresh(sandbox, order))

    def end(self, order: Order, how: str) -> str:
        """Bring an order to one of its `ENDS`; the state that it then has."""
        if how == "paid":
            self.pay(order)
        elif how == "failed":
            self.pay(order, "failure@mockpay")
            with self.transaction() as sandbox:
                give_up(sandbox, self._fresh(sandbox, order))
        elif how == "cancelled":
            self.cancel(order)
        else:
            self.advance(901)
        return str(self.get_order(order).state)

    # The seller

    def refund(self, order: Order, amount: str, key: str = "R-1", **overrides: Any) -> Refund | None:
        """Ask for a refund; None where a scenario throttles the request."""
        return self.request_refund(order, amount, key, **overrides).refund

    def request_refund(self, order: Order, amount: str, key: str = "R-1", **overrides: Any) -> RefundResult:
        refund_request = RefundRequest(key, Money.parse(amount, overrides.pop("currency", "INR")), **overrides)
        with self.transaction() as sandbox:
            return refunds.request(sandbox, self._fresh(sandbox, order), refund_request)

    def settle_refund(self, refund: Refund, how: str) -> Refund:
        """A tester's verb: complete, decline, hold or release."""
        verbs = {
            "complete": refund_settlement.complete,
            "decline": refund_settlement.decline,
            "hold": refunds.hold,
            "release": refunds.release,
        }
        with self.transaction() as sandbox:
            return verbs[how](sandbox, get_refund(sandbox, refund.refund_id))

    def poll(self, refund: Refund) -> Refund:
        with self.transaction() as sandbox:
            return refunds.record_poll(sandbox, refund.refund_id)

    def capture(self, order: Order, amount: str | None = None) -> Order:
        with self.transaction() as sandbox:
            asked = None if amount is None else Money.parse(amount)
            return captures.capture(sandbox, self._fresh(sandbox, order), amount=asked)

    def cancel_by_seller(self, order: Order) -> Order:
        with self.transaction() as sandbox:
            return cancellation.cancel(sandbox, self._fresh(sandbox, order), Actor.SELLER)

    def deliver(self, notification_id: str) -> Notification:
        with self.transaction() as sandbox:
            return notification_service.deliver(sandbox, notification_id)

    # What became of it

    def refunds(self, order: Order) -> list[Refund]:
        with self.read() as sandbox:
            return refund_rows.of_order(sandbox, order.order_pk)

    def notifications(self, order: Order) -> list[Notification]:
        with self.read() as sandbox:
            return notifications.of_order(sandbox, order.order_pk)

    def delivery_tries(self, notification: Notification) -> list[Try]:
        """Every try to deliver it."""
        with self.read() as sandbox:
            return notifications.of_notification(sandbox, notification.notification_id)

    def _fresh(self, sandbox, order: Order) -> Order:
        found = order_rows.by_number(sandbox, order.order_pk)
        assert found is not None
        return found

    def get_order(self, order: Order) -> Order:
        with self.read() as sandbox:
            return self._fresh(sandbox, order)

    def get_attempt(self, attempt_id: str) -> Attempt:
        with self.read() as sandbox:
            found = attempts.by_id(sandbox, attempt_id)
        assert found is not None
        return found

    def attempts(self, order: Order) -> list[Attempt]:
        with self.read() as sandbox:
            return attempts.of_order(sandbox, order.order_pk)

    def timeline(self, order: Order) -> list[TimelineEvent]:
        with self.read() as sandbox:
            return transitions.of_order(sandbox, order.order_pk)

    def timeline_of(self, subject: str) -> list[TimelineEvent]:
        """The lines of one attempt, refund or notification."""
        with self.read() as sandbox:
            orders_of = select(transitions.timeline.c.order_pk).where(transitions.timeline.c.subject == subject)
            order_pk = sandbox.connection.execute(orders_of.limit(1)).scalar_one()
            events = transitions.of_order(sandbox, order_pk)
        return [event for event in events if event.subject == subject]

    def states(self, order: Order) -> tuple[str, ...]:
        """The order's state, then its attempts', the oldest first."""
        return (str(self.get_order(order).state), *(str(attempt.state) for attempt in self.attempts(order)))

    def violations(self) -> list[Any]:
        with self.read() as sandbox:
            return audit(sandbox)

    def violations_after(self, *damage: Any) -> list[Any]:
        """What the audit says after some statements, which are then undone."""
        return violations_after(self.runtime, self.seller_id, *damage)


class _Undo(Exception):
    """Ends a transaction without a trace."""


def violations_after(runtime: Runtime, seller_id: str, *damage: Any) -> list[Any]:
    """What the audit of a seller's world says after some statements, which are then undone."""
    found: list[Any] = []
    try:
        with transaction(runtime, seller_id) as sandbox:
            for statement in damage:
                sandbox.connection.execute(statement)
            found = audit(sandbox)
            raise _Undo
    except _Undo:
        return found


def run_concurrently(number: int, act: Callable[[int], Any]) -> list[Any]:
    """The result of each of `number` threads that start together, or the exception it raised."""
    results: list[Any] = [None] * number
    barrier = Barrier(number)

    def run(index: int) -> None:
        barrier.wait()
        try:
            results[index] = act(index)
        except Exception as error:  # noqa: BLE001
            results[index] = error

    threads = [Thread(target=run, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results

"""A call of a seller's software at the front door, in its seller's world, and the ways in which it is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from mockpay.domain.orders import Order
from mockpay.domain.payments.attempts import Attempt, Decision, Stage
from mockpay.domain.scenarios.requested import FIELD, HEADER, NO_OLD_ANSWERS, STAGES, check_requested, parse_outcomes
from mockpay.kernel.errors import NotFound
from mockpay.providers.razorpay.credentials import NAME
from mockpay.store import attempts, orders
from mockpay.store.unit_of_work import Sandbox
from mockpay.threeds.rules import Browser

Body = Mapping[str, Any]
#: The way back has no amount.
IMPOSSIBLE = {**NO_OLD_ANSWERS, Stage.REDIRECT: frozenset({"amount_changed"})}


class Call(Struct):
    """
    A believed request.

    Args:
        body: What was sent, as an object; a bare number is its `amount`.
        form: Whether it came as a form, whose values are all text.
        query: The parameters of the address, the first of each name.
        expanded: What the address asks to be expanded.
        headers: By their names in small letters.
        pages_url: Where buyers' pages are, without a slash at the end.
        orders: The orders that it was about, for the journal.
    """

    sandbox: Sandbox
    body: Body
    form: bool
    query: Mapping[str, str]
    expanded: frozenset[str]
    headers: Mapping[str, str]
    pages_url: str
    browser: Browser
    orders: list[str] = []

    def outcomes(self, *stages: Stage) -> dict[Stage, Decision]:
        """
        What the call asks to happen, by stage: in its header, or in its notes where it can send none.

        Args:
            stages: What may come of this call; anything where none is named.

        Raises:
            Invalid: nothing of this name can happen; code ``outcome.invalid`` where this call has no such stage.
        """
        notes = self.body.get("notes")
        text = notes.get(FIELD) if isinstance(notes, Mapping) else None
        noted = parse_outcomes(text, FIELD) if isinstance(text, str) else {}
        asked = {**noted, **parse_outcomes(self.headers.get(HEADER.lower(), ""), HEADER)}
        check_requested(asked, stages or STAGES, IMPOSSIBLE)
        return asked

    def order(self, order_id: str) -> Order:
        """
        An order by its id.

        Raises:
            NotFound: code ``order.not_found``.
        """
        order = orders.by_id(self.sandbox, order_id)
        if order is None or order.provider != NAME:
            raise NotFound("There is no such order.", code="order.not_found", field="id")
        self.orders.append(order.order_id)
        return order

    def payment(self, payment_id: str) -> tuple[Order, Attempt]:
        """
        A payment, which is an attempt, and its order.

        Raises:
            NotFound: code ``attempt.not_found``.
        """
        attempt = attempts.by_id(self.sandbox, payment_id)
        order = orders.by_number(self.sandbox, attempt.order_pk) if attempt is not None else None
        if attempt is None or order is None or order.provider != NAME:
            raise NotFound("There is no such payment.", code="attempt.not_found", field="id")
        self.orders.append(order.order_id)
        return order, attempt


class Later(Struct, frozen=True):
    """
    An answer that is known only when what the call began has been sent, outside of its transaction.

    Args:
        outbox_id: The gateway's call; None where nobody is asked.
        answer: In a transaction of its own, what is answered then; what it raises undoes nothing.
    """

    outbox_id: int | None
    answer: Callable[[Call], Body]


#: Answers a call; the parts of the address follow.
View = Callable[..., Body | Later]

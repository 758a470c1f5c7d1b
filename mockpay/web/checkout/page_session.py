"""A session to a payment's pages: whose order the token opens, and which page it is at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from flask import Response, render_template

from mockpay.domain.methods.method import Approval, Method, MoneyStatus
from mockpay.domain.methods.registry import METHODS, response_codes_of
from mockpay.domain.orders import Order
from mockpay.domain.payments.attempts import Attempt, AttemptState, Auth
from mockpay.kernel.errors import Conflict, MockpayError, NotFound
from mockpay.store import attempts, orders
from mockpay.store.db.engine import reading
from mockpay.store.unit_of_work import Runtime, Sandbox, read, transaction

#: Who the buyer is must be proved on a page of its own, named so.
_PROOFS = frozenset({Auth.OTP, Auth.THREEDS})


@dataclass(frozen=True, slots=True)
class PageSession:
    """An order as it stands in this transaction; `last` is its newest attempt."""

    sandbox: Sandbox
    order: Order
    last: Attempt | None

    @property
    def current(self) -> str:
        """The page that the order is at: ``choose``, ``otp``, ``3ds``, ``waiting``, ``result``."""
        if not self.order.open:
            return "result"
        if self.last is None:
            return "choose"
        if self.asked and self.last.auth in _PROOFS:
            return str(self.last.auth)
        return "waiting" if self.last.live else "result"

    @property
    def methods(self) -> Mapping[str, Method]:
        """Every method of payment, in the words of the order's company."""
        return self.sandbox.provider_of(self.order).methods

    @property
    def payable(self) -> bool:
        """Whether the buyer may start another try."""
        return self.order.open and (self.last is None or not self.last.live)

    @property
    def url(self) -> str:
        """The address of the page that the order is at."""
        return self.at(self.current)

    def at(self, page: str) -> str:
        """The address of one of the order's pages."""
        base = f"/pay/{self.order.page_token}/"
        return base if page == "choose" else base + page

    @property
    def form_token(self) -> str:
        """Which try a form belongs to: one that was sent before leads nowhere new."""
        return str(self.order.attempt_count)

    @property
    def asked(self) -> bool:
        """Whether the buyer's app or bank has a request to answer."""
        return self.last is not None and self.last.state is AttemptState.AUTH_PENDING

    @property
    def approval(self) -> Approval | None:
        """The app or page that has a request for the buyer to answer."""
        last = self.last
        return METHODS[last.method].approval if self.asked and last and last.auth is Auth.METHOD else None

    @property
    def approval_page(self) -> str | None:
        """The page that plays it; None where there is none, as some banks never show one."""
        if self.last is None or self.approval is None:
            return None
        codes = response_codes_of(self.last)
        expired = codes.money_status(codes.answer(self.last.issuer_outcome).code) is MoneyStatus.EXPIRED
        return None if expired and self.approval.at_bank else self.approval.page

    @property
    def at_app(self) -> bool:
        """Whether the buyer's UPI app has a request to answer."""
        return self.approval_page == "upi-app"

    @property
    def at_bank(self) -> bool:
        """Whether the buyer is asked on a bank's page."""
        return self.approval_page == "bank"


@contextmanager
def reading_session(runtime: Runtime, token: str) -> Iterator[PageSession]:
    """
    A session that changes nothing.

    Raises:
        NotFound: code ``page.not_found``.
    """
    seller_id, number = _whose(runtime, token)
    with read(runtime, seller_id) as sandbox:
        yield _session(sandbox, number)


@contextmanager
def writing_session(runtime: Runtime, token: str) -> Iterator[PageSession]:
    """A session in a write transaction."""
    seller_id, number = _whose(runtime, token)
    with transaction(runtime, seller_id) as sandbox:
        yield _session(sandbox, number)


def _whose(runtime: Runtime, token: str) -> tuple[str, int]:
    with reading(runtime.engine) as connection:
        found = orders.seller_of_page(connection, token)
    if found is None:
        raise NotFound("There is no such payment page.", code="page.not_found")
    return found


def _session(sandbox: Sandbox, number: int) -> PageSession:
    order = orders.by_number(sandbox, number)
    if order is None:
        raise NotFound("There is no such payment page.", code="page.not_found")
    return PageSession(sandbox, order, attempts.last_of_order(sandbox, number))


def show(template: str, status: int = 200, **context: object) -> Response:
    """A page that no cache keeps."""
    answer = Response(render_template(template, **context), status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def go(url: str) -> Response:
    """To another of our pages, always by GET."""
    return Response(status=303, headers={"Location": url, "Cache-Control": "no-store"})


def gone(error: MockpayError) -> Response:
    """A page for a token that opens nothing, or a step that is not there any more."""
    page: dict[str, object] = {"title": "This payment page is closed", "urls": {}}
    if isinstance(error, Conflict):
        return show("checkout/gone.html", 409, page={**page, "sentence": error.message})
    return show("checkout/gone.html", 404, page=page)

"""A session to a payment's pages: whose order the token opens, which page it is at, and what each page shows of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from flask import Response, render_template, request
from msgspec import Struct

from mockpay.domain.buyers import BUYERS
from mockpay.domain.methods.method import Approval, Method, MoneyStatus
from mockpay.domain.methods.registry import METHODS, response_codes_of
from mockpay.domain.orders import PAID, Order, OrderState
from mockpay.domain.payments.attempts import Attempt, AttemptState, Auth, Stage
from mockpay.domain.scenarios.resolution import TABLE, Input, Row
from mockpay.kernel.clock import SECOND, Mode
from mockpay.kernel.errors import Conflict, Invalid, MockpayError, NotFound
from mockpay.kernel.money import Money
from mockpay.kernel.terminal import current_call
from mockpay.services.payments import captures
from mockpay.store import attempts, orders
from mockpay.store.db.engine import reading
from mockpay.store.unit_of_work import Runtime, Sandbox, sandbox_of, transaction
from mockpay.web import buyers
from mockpay.web.wording.sentences import RETURNS, countdown, time_of_day

#: Who the buyer is must be proved on a page of its own, named so.
_PROOFS = frozenset({Auth.OTP, Auth.THREEDS})


class PageSession(Struct, frozen=True):
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
        if self.auth_pending and self.last.auth in _PROOFS:
            return str(self.last.auth)
        return "waiting" if self.last.live else "result"

    @property
    def methods(self) -> Mapping[str, Method]:
        """Every method by which the order can be paid, in the words of its company."""
        return self.sandbox.provider_of(self.order).methods

    @property
    def payable(self) -> bool:
        """Whether the buyer may start another try."""
        return self.order.open and (self.last is None or not self.last.live)

    @property
    def tries_left(self) -> int:
        """How often the buyer may still try to pay."""
        return max(captures.most_attempts(self.sandbox, self.order) - self.order.attempt_count, 0)

    @property
    def url(self) -> str:
        """The address of the page that the order is at."""
        return self.at(self.current)

    @property
    def return_fields(self) -> Mapping[str, str] | None:
        """What the buyer's browser posts to the seller; None where it only goes there."""
        fields = self.sandbox.provider_of(self.order).return_fields
        return None if fields is None else fields(self.sandbox.seller, self.order, self.last)

    def at(self, page: str) -> str:
        """The address of one of the order's pages."""
        base = f"/pay/{self.order.page_token}/"
        return base if page == "choose" else base + page

    @property
    def form_token(self) -> str:
        """Which try a form belongs to, and whether it was under way: sent twice or too late, it leads nowhere new."""
        return f"{self.order.attempt_count}{'-live' if self.last is not None and self.last.live else ''}"

    @property
    def auth_pending(self) -> bool:
        """Whether the buyer's app or bank has a request to answer."""
        return self.last is not None and self.last.state is AttemptState.AUTH_PENDING

    @property
    def approval(self) -> Approval | None:
        """The app or page that has a request for the buyer to answer."""
        last = self.last
        return METHODS[last.method].approval if self.auth_pending and last and last.auth is Auth.METHOD else None

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
    with reading(runtime.engine) as connection:
        seller_id, number = _require_page(orders.seller_of_page(connection, token))
        yield _session(sandbox_of(runtime, connection, seller_id), number)


@contextmanager
def writing_session(runtime: Runtime, token: str) -> Iterator[PageSession]:
    """A session in a write transaction."""
    with reading(runtime.engine) as connection:
        seller_id, number = _require_page(orders.seller_of_page(connection, token))
    with transaction(runtime, seller_id) as sandbox:
        yield _session(sandbox, number)


def _require_page(owner: tuple[str, int] | None) -> tuple[str, int]:
    """Whose order, and which, a token opens, or NotFound."""
    if owner is None:
        raise NotFound("There is no such payment page.", code="page.not_found")
    return owner


def _session(sandbox: Sandbox, number: int) -> PageSession:
    order = orders.by_number(sandbox, number)
    if order is None:
        raise NotFound("There is no such payment page.", code="page.not_found")
    if (call := current_call()) is not None:
        call.orders = order.order_id
    return PageSession(sandbox, order, attempts.last_of_order(sandbox, number))


# --- responses


def show(template: str, status: int = 200, **context: object) -> Response:
    """A page that no cache keeps."""
    answer = Response(render_template(template, **context), status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def go(url: str) -> Response:
    """To another of our pages, always by GET."""
    return Response(status=303, headers={"Location": url, "Cache-Control": "no-store"})


def not_made(url: str) -> Response:
    """To another of our pages, which says that the form just sent was not carried out."""
    return go(f"{url}?{NOT_MADE}=1")


def gone(runtime: Runtime, token: str, error: MockpayError) -> Response:
    """A page for a token that opens nothing, for a step that is not there any more, or for an order that is over."""
    status = 409 if isinstance(error, Conflict) else 404
    try:
        with reading_session(runtime, token) as session:
            return show("checkout/gone.html", status, page=_closed(session, error))
    except NotFound:
        page = {
            "title": "There is no such payment",
            "sentence": "This was never an order here: the address is cut off or mistyped, or the sandbox was "
            "emptied since.",
            "urls": {},
        }
        return show("checkout/gone.html", 404, page=page)


#: What is not there, by the error's code.
_NOT_THERE = {"method.not_found": "There is no such saved method"}


def _closed(session: PageSession, error: MockpayError) -> dict[str, object]:
    """The order exists: whether it is over, how it stands, and the way there."""
    title = _NOT_THERE.get(error.code, "This page is closed")
    if not session.order.open:
        title = "This order is over"
    page = page_context(session, title, sentence=error.message, standing=_standing(session.order))
    page["here"] = session.url
    return page


def _standing(order: Order) -> str:
    """How an order stands, in half a sentence."""
    words = {
        OrderState.AUTHORIZED: "Held; the seller has not taken the money yet",
        OrderState.CANCELLED: "Cancelled",
        OrderState.EXPIRED: "Its time to pay ran out",
        OrderState.FAILED: "Not paid",
    }
    return "To be paid" if order.open else words.get(order.state, "Paid")


# --- what pages show


#: In an address: the form that led here was not carried out.
NOT_MADE = "not_made"
_PAGES = (
    "choose",
    "upi",
    "upi-app",
    "card",
    "netbanking",
    "bank",
    "wallet",
    "emi",
    "saved",
    "cancel",
    "waiting",
    "result",
    "status",
    "return",
    "otp",
    "3ds",
    "3ds-return",
)
#: The rows that a tester needs most on each method's page.
_UPI_HINTS = ("upi.failure", "upi.deemed")
_ACS, _ACS_HINTS = "acs:", frozenset({"correct", "acs:N", "acs:timeout"})
_EMI_HINT = "card.good.5241-0000"
_ELSEWHERE = "; wrong elsewhere"
_CARD_HINTS = ("card.good.4100-1007", "card.51.4100-0001", "card.cvv.wrong")


def page_context(session: PageSession, title: str, **more: object) -> dict[str, object]:
    """The context that all templates of a payment share; `more` is put beside it."""
    seller, name = session.sandbox.seller, store(session)
    return {
        "title": title,
        "seller_id": seller.seller_id,
        "seller": {"name": name, "initials": initials(name), "host": urlsplit(session.order.redirect_url).hostname},
        "order": _order(session),
        "urls": _urls(session),
        "form_token": session.form_token,
        "clock_frozen": seller.clock.mode is Mode.FROZEN,
        "buyer": buyers.shown(session.sandbox),
        "notes": [],
        "errors": {},
        "values": {},
        "summary_error": None,
        "not_made": request.args.get(NOT_MADE) is not None,
        **more,
    }


def _order(session: PageSession) -> Mapping[str, object]:
    order, now = session.order, session.sandbox.now
    remaining = max(order.expires_at - now, 0) if order.open and not order.endless else None
    label = _amount_label(session)
    return {
        "seller_order_id": order.seller_order_id,
        "order_id": order.order_id,
        "about": order.seller_note if order.seller_note and len(order.seller_note) <= 60 else None,
        "amount": order.amount.display(),
        "amount_label": label,
        "over": label != _TO_PAY,
        "amount_parts": amount_parts(order.amount),
        "left_seconds": remaining // SECOND if remaining is not None else None,
        "left_text": countdown(remaining) if remaining is not None else None,
        "total_seconds": (order.expires_at - order.created_at) // SECOND,
        "until_text": time_of_day(order.expires_at),
    }


_TO_PAY = "Amount to pay"


def _amount_label(session: PageSession) -> str:
    """What the amount is by now: still to pay, or how it ended."""
    order, last = session.order, session.last
    if order.state is OrderState.AUTHORIZED:
        return "Held for the seller"
    if order.state in PAID:
        return "Paid in part" if last is not None and last.captured < order.amount else "Paid"
    live = last is not None and last.live
    return _TO_PAY if order.open and (live or session.tries_left) else "Not paid"


def _urls(session: PageSession) -> dict[str, str]:
    urls = {name.replace("-", "_"): session.at(name) for name in _PAGES}
    base = "/_mockpay/ui/sellers"
    seller = session.sandbox.seller_id
    urls["scenarios"] = f"{base}/{seller}/scenarios"
    urls["inbox"] = inbox_url(seller)
    urls["why"] = f"{base}/{seller}/orders/{session.order.order_id}"
    return urls


def inbox_url(seller_id: str) -> str:
    """The dashboard's page of what the seller's buyers were "sent"."""
    return f"/_mockpay/ui/sellers/{seller_id}/inbox"


def store(session: PageSession) -> str:
    """Who is paid, as buyers know it."""
    return session.order.payee(session.sandbox.seller.name)


def initials(name: str) -> str:
    """Two letters for a seller's mark."""
    words = [word for word in name.split() if word[:1].isalnum()]
    return "".join(word[0] for word in words[:2]).upper() or name[:1].upper()


def amount_parts(amount: Money) -> dict[str, str]:
    """An amount in the three sizes of the large print."""
    text = amount.display()
    whole, _, paise = text[1:].rpartition(".")
    return {"symbol": text[0], "whole": whole, "paise": f".{paise}"}


def upi_notes() -> list[dict[str, str]]:
    """The magic UPI IDs that the UPI page tells testers of."""
    rows: Mapping[str, Row] = {row.name: row for row in TABLE}
    return [_hint(rows[name]) for name in _UPI_HINTS]


def card_notes() -> list[dict[str, str]]:
    """Two test cards, one good and one not, and the CVV that is always wrong."""
    rows = {row.name: row for row in TABLE}
    notes = [_hint(rows[name]) for name in _CARD_HINTS]
    notes[0]["description"] = "pays"
    notes[2]["value"] = f"CVV {notes[2]['value']}"
    return [{**note, "value": re.sub(r"(\d{4})(?=\d)", r"\1 ", note["value"])} for note in notes]


def emi_notes() -> list[dict[str, str]]:
    """The card that takes an EMI plan, of the bank that lends the least."""
    row = next(row for row in TABLE if row.name == _EMI_HINT)
    return [{"value": re.sub(r"(\d{4})(?=\d)", r"\1 ", row.equals), "description": "takes a plan of HDFC"}]


def user_notes() -> list[dict[str, str]]:
    """The magic users of a bank's log-in page."""
    return [_hint(row) for row in TABLE if row.input == Input.BANK_USER]


def otp_notes() -> list[dict[str, str]]:
    """The codes that have an agreed outcome on the payment page; of those that are right, one."""
    rows = [row for row in _codes() if not row.outcome.startswith(_ACS)]
    return [_hint(row) for row in rows if row.outcome not in _earlier_outcomes(rows, row)]


def acs_notes() -> list[dict[str, str]]:
    """The codes that an issuer's page knows: right, not authenticated, timed out."""
    rows = [row for row in _codes() if row.outcome in _ACS_HINTS]
    hints = [_hint(row) for row in rows if row.outcome not in _earlier_outcomes(rows, row)]
    for hint in hints:
        hint["description"] = hint["description"].removeprefix("3-D Secure: ").removesuffix(_ELSEWHERE)
    return hints


def _earlier_outcomes(rows: list[Row], row: Row) -> set[str]:
    """The outcomes of the rows before this one."""
    return {earlier.outcome for earlier in rows[: rows.index(row)]}


def _codes() -> list[Row]:
    return [row for row in TABLE if row.input == Input.OTP]


def buyer_notes() -> list[dict[str, str]]:
    """The buyers whose balance is there from the start."""
    return [{"value": buyer.email, "description": buyer.description} for buyer in BUYERS]


def refuse(page: dict[str, object], error: Invalid, typed: Mapping[str, str]) -> None:
    """Tell a page's errors: in the title, at the top, and each at its field; `typed` is filled in again."""
    errors = {str(wrong.detail.get("field")): wrong.message for wrong in (error, *error.others)}
    message = error.message if len(errors) == 1 else f"{len(errors)} fields are not right yet."
    page["title"] = f"Error: {message}"
    page["summary_error"] = message
    page["errors"] = errors
    page["values"] = dict(typed)


def pin_notes() -> list[dict[str, str]]:
    """The magic PINs that the simulated app tells testers of."""
    return [_hint(row) for row in TABLE if row.input == Input.PIN and len(row.equals) == 4]


def _hint(row: Row) -> dict[str, str]:
    return {"value": row.equals, "description": row.description}


def redirect_scenario(session: PageSession) -> str | None:
    """What the redirect stage was told to do with this order, in words."""
    decision = session.last.plan.at(Stage.REDIRECT) if session.last else None
    if decision is None or decision.scenario is None:
        return None
    return RETURNS.get(decision.outcome)

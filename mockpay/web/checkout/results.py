"""What the waiting page and the result page say of an order and its newest attempt."""

from __future__ import annotations

from mockpay.domain.methods.registry import METHODS
from mockpay.domain.orders import PAID, Order, OrderState
from mockpay.domain.payments.attempts import Attempt, AttemptState, Auth, Source, Stage
from mockpay.domain.wallet.ledger import METHOD as BALANCE
from mockpay.kernel.clock import SECOND
from mockpay.kernel.money import Money
from mockpay.services.payments.transitions import ANSWER
from mockpay.store import attempts, auto_reloads, notifications, schedule
from mockpay.web.checkout import page_session
from mockpay.web.checkout.page_session import PageSession
from mockpay.web.wording.sentences import (
    countdown,
    meaning,
    method_icon,
    method_name,
    method_title,
    not_proved,
    reference_label,
    time_of_day,
    to_the_buyer,
    whose_doing,
)

_A = AttemptState
#: Why a payment from a balance waits.
_LACKS_MONEY = "It lacks money for this payment, so auto-reload adds some first."


def version(session: PageSession) -> str:
    """Changes whenever the page of this order would."""
    last = session.last
    tail = f".{last.state}.{last.updated_at}" if last else ""
    return f"{session.order.state}.{session.order.updated_at}{tail}"


def last_failure(session: PageSession) -> str | None:
    """Why the last try failed, for the top of the next one."""
    if session.last is None or session.last.failure is None:
        return None
    return f"{to_the_buyer(session.last)}. No money was taken."


def waiting(session: PageSession) -> dict[str, object]:
    """The context of the waiting page."""
    last, now = session.last, session.sandbox.now
    if last is None:
        return {}
    parts: dict[str, object] = {
        "asked": method_title(last),
        "unknown": last.state is _A.UNKNOWN,
        "steps": _steps(session, last),
        "why": whose_doing(session.order, last),
    }
    if last.state is _A.RISK_REVIEW:
        parts |= {
            "heading": "We are checking this payment",
            "sentence": "This takes a moment; nothing was taken yet. This page updates by itself.",
        }
    elif last.state is _A.AUTH_PENDING and last.auth is not Auth.PASSED:
        remaining = max((last.answer_by or now) - now, 0)
        parts |= {
            "heading": f"Approve {_where(session, last)}",
            "left_seconds": remaining // SECOND,
            "left_text": countdown(remaining),
            **_simulated_buyer(session, last),
            "total_seconds": max((last.answer_by or now) - last.created_at, SECOND) // SECOND,
        }
    elif last.state is _A.UNKNOWN:
        parts |= {
            "heading": f"{_decider(session, last)} has not told us",
            "sentence": "Money may have left your account. We find out and this page updates.",
            "banner": "Do not pay again. If it does not arrive, the bank sends it back by itself.",
        }
    elif _waits_for_reload(session, last):
        parts |= {
            "heading": "Your balance is being filled up",
            "sentence": f"{_LACKS_MONEY} This page updates by itself.",
        }
    else:
        approval = METHODS[last.method].approval
        approved = "You approved. " if approval and not approval.at_bank else ""
        parts |= {
            "heading": f"{_decider(session, last)} is still deciding",
            "sentence": f"{approved}The answer may take a while; this page updates by itself.",
        }
    return parts


def _waits_for_reload(session: PageSession, last: Attempt) -> bool:
    """Whether auto-reload fills the balance that pays."""
    return last.method == BALANCE and auto_reloads.is_waiting(session.sandbox, last.attempt_id)


def _simulated_buyer(session: PageSession, last: Attempt) -> dict[str, object]:
    """When the simulated buyer answers a request that nobody opens; empty where only a person does."""
    events = schedule.waiting_of(session.sandbox, last.attempt_id)
    due = next((event.due_at for event in events if event.kind == ANSWER), None)
    if due is None or (last.answer_by is not None and due >= last.answer_by):
        return {}
    remaining = max(due - session.sandbox.now, 0)
    return {"buyer_seconds": -(-remaining // SECOND), "buyer_text": countdown(-(-remaining // SECOND) * SECOND)}


def _where(session: PageSession, last: Attempt) -> str:
    """Where the buyer approves."""
    approval = METHODS[last.method].approval
    if approval is None:
        return f"by {method_name(last, session.methods)}"
    return approval.heading.format(title=method_title(last))


def _decider(session: PageSession, last: Attempt) -> str:
    """Who says yes or no to the money."""
    return session.methods[last.method].decider


def _steps(session: PageSession, last: Attempt) -> list[dict[str, str]]:
    """The way of the money; cards and balances need no approval elsewhere."""
    if last.state is _A.RISK_REVIEW:
        return _reviewed(session, last)
    waits_for_buyer, approval = last.state is _A.AUTH_PENDING, METHODS[last.method].approval
    terms = METHODS[last.method].terms(last.instrument)
    paying = f"{method_title(last)}, {terms}," if terms else method_title(last)
    sent = approval.sent.format(title=paying) if approval else f"{paying} sent to pay"
    steps = [{"title": sent, "at_text": time_of_day(last.created_at), "state": "done"}]
    if approval:
        when = "now" if waits_for_buyer else time_of_day(last.updated_at)
        state = "now" if waits_for_buyer else "done"
        steps.append({"title": f"You approve {_where(session, last)}", "at_text": when, "state": state})
    state, when = ("next", "") if waits_for_buyer else ("now", "now")
    return [*steps, {"title": f"{_decider(session, last)} confirms", "at_text": when, "state": state}]


def _reviewed(session: PageSession, last: Attempt) -> list[dict[str, str]]:
    """The way of a payment that somebody looks at first."""
    return [
        {"title": f"{method_title(last)} chosen", "at_text": time_of_day(last.created_at), "state": "done"},
        {"title": "We check the payment", "at_text": "now", "state": "now"},
        {"title": f"{_decider(session, last)} confirms", "at_text": "", "state": "next"},
    ]


def result(session: PageSession) -> dict[str, object]:
    """The context of the result page."""
    order, last = session.order, session.last
    parts: dict[str, object] = {
        "unknown": last is not None and last.state is _A.UNKNOWN,
        "undecided": last is not None and last.live,
        "unconfirmed": session.auth_pending,
        "reason": order.reason,
        "code": last.failure.code if last and last.failure else None,
        "refs": [],
        "why": whose_doing(order, last),
        "retry": False,
        "fills_wallet": order.fills_wallet,
    }
    if order.state in PAID:
        return parts | _paid(session)
    if order.state is OrderState.AUTHORIZED:
        return parts | {
            "status": "PENDING",
            "heading": "Payment authorised",
            "sentence": f"Your bank holds the money until {page_session.store(session)} takes it or lets it go.",
        }
    if order.state is OrderState.CANCELLED:
        return parts | {
            "status": "CANCELLED",
            "heading": "Payment cancelled",
            "sentence": f"{_money_of_cancelled(last)} {_notifications_line(session)}".rstrip(),
        }
    if last is not None and last.live and order.open:
        return parts | {"status": "PENDING", "heading": "Payment pending", "sentence": _undecided(session, last)}
    return parts | _failed(session)


def _undecided(session: PageSession, last: Attempt) -> str:
    """Who has still to say something of a payment."""
    if last.state is _A.RISK_REVIEW:
        return "We are checking this payment; nothing was taken yet."
    if last.state is _A.AUTH_PENDING and last.auth is not Auth.PASSED:
        return "You have not confirmed this payment yet."
    if last.state is _A.UNKNOWN:
        return f"{_decider(session, last)} has not told us; money may have left your account."
    if _waits_for_reload(session, last):
        return "Your balance is being filled up first. The payment goes on by itself."
    return f"{_decider(session, last)} has not decided yet."


def _money_of_cancelled(last: Attempt | None) -> str:
    """What became, or may become, of the money of an order that was given up."""
    if last is not None and last.state is _A.PENDING:
        return "Your bank has not decided yet: if it still takes the money, it sends it back to your account."
    if last is not None and last.state is _A.REVERSED:
        return "Your bank took the money after that; it went back to your account."
    return "No money was taken."


def _paid(session: PageSession) -> dict[str, object]:
    order, last = session.order, session.last
    refs = [{"label": "Amount", "value": order.amount.display()}]
    if last is not None and last.captured < order.amount:
        refs += [
            {"label": "Taken", "value": last.captured.display()},
            {"label": "Not taken", "value": (order.amount - last.captured).display()},
        ]
    if last is not None:
        refs.append({"label": f"Paid by {method_name(last, session.methods)}", "value": method_title(last)})
        details = METHODS[last.method].details(last.instrument)
        refs += [{"label": label, "value": value} for label, value in details.items()]
        if last.reference:
            refs.append({"label": reference_label(last), "value": last.reference})
    refs += [
        {"label": "Order reference", "value": order.order_id},
        {"label": "Time", "value": time_of_day(order.updated_at)},
    ]
    returned = last is not None and order.refunded_minor >= last.captured_minor
    back = "The money was taken, then sent back." if returned else ""
    store = page_session.store(session)
    holder = "Your balance has the money" if order.fills_wallet else f"{store} has your money"
    part = f", less {Money(order.refunded_minor, order.amount.currency).display()} that came back"
    return {
        "status": "SUCCESS",
        "heading": "Payment successful",
        "sentence": back or f"{holder}{part if order.refunded_minor else ''}.",
        "refs": refs,
        "fault": page_session.redirect_scenario(session),
    }


def _failed(session: PageSession) -> dict[str, object]:
    order, last = session.order, session.last
    sentence = "No money was taken."
    if order.state is OrderState.EXPIRED:
        sentence = f"The time to pay is over. {sentence}"
    elif last is not None and last.failure is not None:
        sentence = f"{to_the_buyer(last)}{_balance(last)}. {sentence}"
    if last is not None and last.state is _A.REVERSED:
        sentence = "The money went back to your account."
    elif last is not None and last.state is _A.VOIDED:
        sentence = f"{page_session.store(session)} did not take the money in time; your bank holds it no more."
    elif last is not None and last.state is _A.PENDING:
        sentence = "The time to pay is over. Should the bank still pay, the money goes back."
    expired = order.state is OrderState.EXPIRED
    return {
        "status": "FAILURE",
        "heading": "Time is up" if expired else "Payment failed",
        "sentence": sentence,
        "tried": [_try_parts(attempt) for attempt in attempts.of_order(session.sandbox, order.order_pk)],
        "tried_text": f"{order.attempt_count} of {order.attempt_count + session.tries_left}",
        "retry": session.payable and session.tries_left > 0,
        "reason": (last.reason if last else None) or order.reason,
        "banner": _kept_until(session.order),
    }


def _kept_until(order: Order) -> str | None:
    ends = order.open and not order.endless
    return f"Your order is kept until {time_of_day(order.expires_at)}." if ends else None


def _notifications_line(session: PageSession) -> str:
    """When the seller learns of a cancelled order: at once only by a notification; empty where none takes part."""
    if session.order.fills_wallet:
        return ""
    sent = notifications.of_order(session.sandbox, session.order.order_pk)
    when = "is told" if sent else "learns of it when you go back"
    return f"{page_session.store(session)} {when}."


def _balance(last: Attempt) -> str:
    """How much there was where it was not enough."""
    decided = last.decisions.at(Stage.ISSUER)
    if decided.source is not Source.BALANCE or last.reason != "insufficient_wallet_balance":
        return ""
    return f": {decided.value} of {last.amount.display()}"


def _try_parts(attempt: Attempt) -> dict[str, object]:
    fact = ""
    if attempt.failure is not None:
        proved = not_proved(attempt.failure, attempt.method)
        fact = proved or meaning(attempt.failure.code, attempt.method)
    return {
        "icon": method_icon(attempt),
        "title": method_title(attempt),
        "fact": fact[:1].upper() + fact[1:],
        "state": str(attempt.state),
    }

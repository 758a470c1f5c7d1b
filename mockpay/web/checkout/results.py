"""What the waiting page and the result page say of an order and its newest attempt."""

from __future__ import annotations

from mockpay.domain import wallet
from mockpay.domain.methods import netbanking, upi
from mockpay.domain.orders import PAID, OrderState
from mockpay.domain.payments.attempts import Attempt, AttemptState, Auth
from mockpay.kernel.clock import SECOND
from mockpay.services import wallet as balances
from mockpay.store import attempts
from mockpay.web.checkout import view_models
from mockpay.web.checkout.page_session import Visit
from mockpay.web.checkout.view_models import until
from mockpay.web.wording import emi_terms
from mockpay.web.wording.early_failures import APPROVED_ELSEWHERE
from mockpay.web.wording.failures import not_proved, to_the_buyer, why
from mockpay.web.wording.sentences import countdown, meaning, method_icon, method_name, method_title

_A = AttemptState


def version(visit: Visit) -> str:
    """Changes whenever the page of this order would."""
    last = visit.last
    tail = f".{last.state}.{last.updated_at}" if last else ""
    return f"{visit.order.state}.{visit.order.updated_at}{tail}"


def last_failure(visit: Visit) -> str | None:
    """Why the last try failed, for the top of the next one."""
    if visit.last is None or visit.last.failure is None:
        return None
    return f"{to_the_buyer(visit.last)}. No money was taken."


def waiting(visit: Visit) -> dict[str, object]:
    """The context of the waiting page."""
    last, now = visit.last, visit.sandbox.now
    if last is None:
        return {}
    shown: dict[str, object] = {
        "asked": method_title(last),
        "unknown": last.state is _A.UNKNOWN,
        "steps": _steps(last),
        "why": why(visit.order, last),
    }
    if last.state is _A.RISK_REVIEW:
        shown |= {
            "heading": "We are checking this payment",
            "sentence": "This takes a moment; nothing was taken yet. This page updates by itself.",
        }
    elif last.state is _A.AUTH_PENDING and last.auth is not Auth.PASSED:
        left = max((last.answer_by or now) - now, 0)
        shown |= {
            "heading": f"Approve {_where(last)}",
            "left_seconds": left // SECOND,
            "left_text": countdown(left),
            "total_seconds": max((last.answer_by or now) - last.created_at, SECOND) // SECOND,
        }
    elif last.state is _A.UNKNOWN:
        shown |= {
            "heading": f"{_decider(last)} has not told us",
            "sentence": "Money may have left your account. We find out and this page updates.",
            "banner": "Do not pay again. If it does not arrive, the bank sends it back by itself.",
        }
    else:
        asked = "You approved. " if last.method == upi.METHOD else ""
        shown |= {
            "heading": f"{_decider(last)} is still deciding",
            "sentence": f"{asked}The answer may take a while; this page updates by itself.",
        }
    return shown


def _where(last: Attempt) -> str:
    """Where the buyer approves."""
    if last.method == netbanking.METHOD:
        return f"at {method_title(last)}"
    return f"in your {method_name(last)} app"


def _decider(last: Attempt) -> str:
    """Who says yes or no to the money."""
    return "Amazon Pay" if last.method == wallet.METHOD else "Your bank"


def _steps(last: Attempt) -> list[dict[str, str]]:
    """The way of the money; cards and balances need no approval elsewhere."""
    if last.state is _A.RISK_REVIEW:
        return _reviewed(last)
    asked, approves = last.state is _A.AUTH_PENDING, last.method in APPROVED_ELSEWHERE
    sent = {upi.METHOD: "UPI request sent", netbanking.METHOD: f"You were sent to {method_title(last)}"}.get(
        last.method, f"{_in_instalments(last)} sent to pay"
    )
    steps = [{"title": sent, "at_text": until(last.created_at), "state": "done"}]
    if approves:
        when = "now" if asked else until(last.updated_at)
        state = "now" if asked else "done"
        steps.append({"title": f"You approve {_where(last)}", "at_text": when, "state": state})
    state, when = ("next", "") if asked else ("now", "now")
    return [*steps, {"title": f"{_decider(last)} confirms", "at_text": when, "state": state}]


def _in_instalments(last: Attempt) -> str:
    """What pays, and of EMI how it is paid back."""
    plan = emi_terms.instalments(last.instrument)
    return f"{method_title(last)}, {plan}," if plan else method_title(last)


def _reviewed(last: Attempt) -> list[dict[str, str]]:
    """The way of a payment that somebody looks at first."""
    return [
        {"title": f"{method_title(last)} chosen", "at_text": until(last.created_at), "state": "done"},
        {"title": "We check the payment", "at_text": "now", "state": "now"},
        {"title": f"{_decider(last)} confirms", "at_text": "", "state": "next"},
    ]


def result(visit: Visit) -> dict[str, object]:
    """The context of the result page."""
    order, last = visit.order, visit.last
    shown: dict[str, object] = {
        "unknown": last is not None and last.state is _A.UNKNOWN,
        "reason": order.reason,
        "code": last.failure.code if last and last.failure else None,
        "refs": [],
        "why": why(order, last),
        "retry": False,
    }
    if order.state in PAID:
        return shown | _paid(visit)
    if order.state is OrderState.CANCELLED:
        return shown | {
            "status": "CANCELLED",
            "heading": "Payment cancelled",
            "sentence": f"No money was taken. {view_models.store(visit)} is told.",
        }
    if last is not None and last.live and order.open:
        return shown | {
            "status": "PENDING",
            "heading": "Payment pending",
            "sentence": "Your bank has not decided yet.",
        }
    return shown | _failed(visit)


def _paid(visit: Visit) -> dict[str, object]:
    order, last = visit.order, visit.last
    refs = [{"label": "Amount", "value": order.amount.display()}]
    if last is not None:
        refs.append({"label": f"Paid by {method_name(last)}", "value": method_title(last)})
        refs += emi_terms.facts(last.instrument)
        if last.reference:
            refs.append({"label": "Bank reference", "value": last.reference})
    refs += [
        {"label": "Order reference", "value": order.order_id},
        {"label": "Time", "value": until(order.updated_at)},
    ]
    returned = order.refunded_minor >= order.amount.minor
    back = "The money was taken, then sent back." if returned else ""
    return {
        "status": "SUCCESS",
        "heading": "Payment successful",
        "sentence": back or f"{view_models.store(visit)} has your money.",
        "refs": refs,
        "why": view_models.redirect_says(visit) or why(order, last),
    }


def _failed(visit: Visit) -> dict[str, object]:
    order, last = visit.order, visit.last
    sentence = "No money was taken."
    if order.state is OrderState.EXPIRED:
        sentence = f"The time to pay is over. {sentence}"
    elif last is not None and last.failure is not None:
        sentence = f"{to_the_buyer(last)}{_balance(visit, last)}. {sentence}"
    if last is not None and last.state is _A.REVERSED:
        sentence = "The money went back to your account."
    elif last is not None and last.state is _A.PENDING:
        sentence = "The time to pay is over. Should the bank still pay, the money goes back."
    expired = order.state is OrderState.EXPIRED
    left = visit.sandbox.seller.settings.max_attempts - order.attempt_count
    return {
        "status": "FAILURE",
        "heading": "Time is up" if expired else "Payment failed",
        "sentence": sentence,
        "tried": [_tried(one) for one in attempts.of_order(visit.sandbox, order.order_pk)],
        "tried_text": f"{order.attempt_count} of {order.attempt_count + left}" if order.open else None,
        "retry": visit.payable and left > 0,
        "reason": (last.reason if last else None) or order.reason,
        "banner": f"Your order is kept until {until(order.expires_at)}." if order.open else None,
    }


def _balance(visit: Visit, last: Attempt) -> str:
    """How much there is where it was not enough."""
    if last.reason != "insufficient_wallet_balance":
        return ""
    there = balances.balance(visit.sandbox, last.instrument["email"])
    return f": {there.display()} of {last.amount.display()}"


def _tried(attempt: Attempt) -> dict[str, object]:
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

"""
Whether it is the buyer who pays: a one-time password, or 3-D Secure by the card's issuer.

An attempt that waits for either is AUTH_PENDING and says so by `auth`; what the buyer's app or
bank page asks afterwards is the method's own.
"""

from __future__ import annotations

from dataclasses import dataclass

from mockpay.domain.methods.netbanking import METHOD as NETBANKING
from mockpay.domain.methods.registry import CARD_METHODS
from mockpay.domain.methods.upi import METHOD as UPI
from mockpay.domain.orders import Order
from mockpay.domain.payments.attempts import Attempt, AttemptState, Auth, Failure
from mockpay.domain.payments.plans import Stage
from mockpay.domain.timeline import Actor
from mockpay.kernel import ids
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Conflict
from mockpay.kernel.money import Money
from mockpay.otp import challenges
from mockpay.otp.rules import Challenge, Channel, Purpose, Verdict
from mockpay.services.payments.outcomes import release_order
from mockpay.services.payments.reviews import REVIEW
from mockpay.services.payments.transitions import attempt_step, get_order
from mockpay.store import attempts, schedule
from mockpay.store.unit_of_work import Sandbox
from mockpay.threeds import threeds_table
from mockpay.threeds.rules import ENDED, Browser, Transaction

#: How long a buyer may take to prove who they are; 3-D Secure's own limit comes first.
_AUTHENTICATION_MS = 660 * SECOND
#: The step that lets the buyer's turn begin, by where the attempt comes from.
_AUTHENTICATION_EVENTS = {AttemptState.CREATED: "auth_required", AttemptState.RISK_REVIEW: "approve_to_auth"}
_NO_BROWSER = Browser(ip="127.0.0.1")


@dataclass(frozen=True, slots=True)
class CheckoutContext:
    """
    Where the buyer's browser is, and what it tells.

    `page_url` is the payment's page, absolute, without a slash at the end; empty where no
    browser is there: a payment by 3-D Secure then waits for one.
    """

    page_url: str = ""
    browser: Browser = _NO_BROWSER
    payee: str | None = None


def required_authentication(sandbox: Sandbox, attempt: Attempt, *, forced: bool) -> Auth | None:
    """
    How the buyer of a new attempt must prove who they are; None where the method suffices.

    A card's issuer always has its say.  UPI's own PIN is a second factor, so an amount alone
    asks for no password there.

    Args:
        forced: The risk check wants a proof whatever the amount.
    """
    if attempt.method in CARD_METHODS:
        return Auth.THREEDS
    settings, amount = sandbox.seller.settings, attempt.amount
    if attempt.method == UPI:
        amount = Money(0, amount.currency)
    asks = forced or challenges.asks(settings, attempt.method, amount)
    return Auth.OTP if asks else None


def require_authentication(
    sandbox: Sandbox, order: Order, attempt: Attempt, way: Auth, ways: CheckoutContext, *, forced: bool
) -> Attempt:
    """Ask the buyer; 3-D Secure may be over before anybody was asked."""
    asked = attempt_step(
        sandbox,
        attempt,
        _AUTHENTICATION_EVENTS[attempt.state],
        Actor.SANDBOX,
        method=attempt.method,
        way=str(way),
        changes=set_deadline(sandbox, order, attempt, way),
    )
    if way is Auth.OTP:
        return _ask_otp(sandbox, asked)
    if not ways.page_url:
        return asked  # Begun by the page that the buyer comes to.
    from mockpay.services.payments import card_authentication  # noqa: PLC0415

    return card_authentication.prepare(sandbox, asked, ways, forced=forced)


def set_deadline(
    sandbox: Sandbox, order: Order, attempt: Attempt, way: Auth = Auth.THREEDS
) -> dict[str, object]:
    """Give the buyer a time for their proof: the columns that go with that step."""
    answer_by = min(sandbox.now + _AUTHENTICATION_MS, order.expires_at)
    schedule.add(sandbox, "attempt.timeout", attempt.attempt_id, answer_by)
    return {"answer_by": answer_by, "auth": str(way)}


# --- one-time password


def _ask_otp(sandbox: Sandbox, attempt: Attempt) -> Attempt:
    try:
        start_otp(sandbox, attempt)
    except Conflict:
        return _fail_authentication(sandbox, attempt, "otp_attempts_exceeded")
    return attempt


def start_otp(sandbox: Sandbox, attempt: Attempt) -> Challenge:
    """
    Send a code to the attempt's buyer.

    Raises:
        Conflict: code ``otp.locked_out``.
    """
    to, channel = _destination(sandbox, attempt)
    first = not challenges.active(sandbox, Purpose.PAYMENT, attempt.attempt_id)
    fails = first and attempt.plan.at(Stage.AUTH).outcome == "otp_undelivered"
    return challenges.start(
        sandbox,
        purpose=Purpose.PAYMENT,
        subject=attempt.attempt_id,
        to=to,
        channel=channel,
        amount=attempt.amount,
        attempt_id=attempt.attempt_id,
        payee=sandbox.seller.name,
        fails_delivery=fails,
    )


def _destination(sandbox: Sandbox, attempt: Attempt) -> tuple[str, Channel]:
    """Where the code goes: the balance's e-mail, or the phone that the bank knows."""
    email = attempt.instrument.get("email")
    if email:
        return email, Channel.EMAIL
    whose = sorted(attempt.instrument.items())
    dice = ids.number(sandbox.seller.seed, "phone", attempt.buyer_id, whose, below=10**7)
    return f"+91998{dice:07d}", Channel.SMS


def active_otp(sandbox: Sandbox, attempt: Attempt) -> Challenge | None:
    """The challenge that an attempt waits for."""
    return challenges.active(sandbox, Purpose.PAYMENT, attempt.attempt_id)


def submit_otp(sandbox: Sandbox, attempt: Attempt, typed: str) -> tuple[Verdict, Attempt]:
    """
    The buyer typed a code: what it is worth, and the attempt as it then stands.

    VERIFIED leaves it ready for its gateway (see `ready`), LOCKED ends it.  Nothing is right
    once the attempt's own time is over, even before its event has fired.
    """
    if attempt.auth is not Auth.OTP or attempt.state is not AttemptState.AUTH_PENDING:
        return Verdict.USED, attempt
    challenge = active_otp(sandbox, attempt)
    if challenge is None or deadline_passed(sandbox, attempt):
        return Verdict.EXPIRED, attempt
    verdict = challenges.verify(sandbox, challenge.challenge_id, typed)
    if verdict is Verdict.VERIFIED:
        return verdict, mark_authenticated(sandbox, attempt, {})
    if verdict is Verdict.LOCKED:
        return verdict, _fail_authentication(sandbox, attempt, "otp_attempts_exceeded")
    return verdict, attempt


def cancel_otp(sandbox: Sandbox, attempt: Attempt) -> Attempt:
    """The buyer goes back instead of typing a code; another try may follow."""
    if attempt.auth is not Auth.OTP or attempt.state is not AttemptState.AUTH_PENDING:
        return attempt
    end_authentication(sandbox, attempt)
    why = Failure("customer", "payment_authentication", "payment_cancelled", "")
    gone = attempt_step(sandbox, attempt, "cancel", Actor.BUYER, failure=why)
    release_order(sandbox, get_order(sandbox, attempt.order_pk), gone)
    return gone


# --- both


def latest_threeds(sandbox: Sandbox, attempt: Attempt) -> Transaction | None:
    """The newest authentication of an attempt by 3-D Secure."""
    tried = threeds_table.of_attempt(sandbox, attempt.attempt_id)
    return tried[-1] if tried else None


def mark_authenticated(
    sandbox: Sandbox, attempt: Attempt, changes: dict[str, object], event: str = "auth_ok"
) -> Attempt:
    """
    The buyer is who they say.

    Where the method's own app or bank page comes next, the buyer's turn is not over.
    """
    end_authentication(sandbox, attempt)
    passed = {**changes, "auth": str(Auth.PASSED)}
    if attempt.method in {UPI, NETBANKING}:
        return attempts.note(sandbox, attempt, **passed)
    return attempt_step(
        sandbox,
        attempt,
        event,
        Actor.BUYER,
        changes=passed,
        method=attempt.method,
        eci=changes.get("eci"),
        liability=changes.get("liability"),
    )


def deadline_passed(sandbox: Sandbox, attempt: Attempt) -> bool:
    """Whether the attempt's time to be proved is over, though its event may not have fired."""
    return attempt.answer_by is not None and sandbox.now >= attempt.answer_by


def ready_to_charge(attempt: Attempt) -> bool:
    """Whether the gateway is to be asked for the attempt's money."""
    if attempt.state in {AttemptState.CREATED, AttemptState.AUTHENTICATED}:
        return True
    return attempt.state is AttemptState.AUTH_PENDING and attempt.auth is Auth.PASSED


def _fail_authentication(sandbox: Sandbox, attempt: Attempt, reason: str) -> Attempt:
    end_authentication(sandbox, attempt)
    why = Failure("customer", "payment_authentication", reason, "")
    failed = attempt_step(sandbox, attempt, "auth_fail", Actor.BUYER, failure=why)
    release_order(sandbox, get_order(sandbox, attempt.order_pk), failed)
    return failed


def end_authentication(sandbox: Sandbox, attempt: Attempt) -> None:
    """Nobody waits for this buyer's proof, or for a look at them, any more."""
    schedule.drop(sandbox, "attempt.timeout", attempt.attempt_id)
    if attempt.state is AttemptState.RISK_REVIEW:
        schedule.drop(sandbox, REVIEW, attempt.attempt_id)
    if attempt.auth is Auth.OTP:
        challenge = active_otp(sandbox, attempt)
        if challenge is not None:
            challenges.cancel(sandbox, challenge.challenge_id)
    elif attempt.auth is Auth.THREEDS:
        txn = latest_threeds(sandbox, attempt)
        if txn is not None and txn.state not in ENDED:
            schedule.drop(sandbox, "threeds.timeout", txn.txn_id)
            if txn.otp_challenge_id is not None:
                challenges.cancel(sandbox, txn.otp_challenge_id)

"""
Whether it is the buyer who pays: what every proof has in common, the one-time password, and 3-D Secure.

An attempt that waits for a proof is AUTH_PENDING and says by `auth` for which; what the buyer's
app or bank page asks is the method's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from mockpay.domain.methods.iso8583 import SCA_REQUIRED
from mockpay.domain.methods.registry import METHODS, response_codes_of
from mockpay.domain.orders import Order, OrderKind
from mockpay.domain.payments.attempts import Attempt, AttemptState, Auth, Decision, Failure, Source, Stage
from mockpay.domain.timeline import Actor
from mockpay.kernel import ids
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Conflict, Unusable
from mockpay.kernel.money import Money
from mockpay.otp import challenges
from mockpay.otp.rules import PLANNED_CODES, Challenge, Channel, Purpose, Verdict, code_decision, magic_row
from mockpay.risk.assessment import Inputs
from mockpay.services.payments import reviews
from mockpay.services.payments.captures import release_order
from mockpay.services.payments.transitions import ATTEMPTS, TIMEOUT, end_authentication, get_attempt, get_order
from mockpay.store import attempts, schedule
from mockpay.store.transitions import step, update
from mockpay.store.unit_of_work import Sandbox
from mockpay.threeds import acs, directory_server, requestor, threeds_table
from mockpay.threeds.rules import ENDED, PROVEN, Browser, Flow, Transaction
from mockpay.vault.rules import Consent

_NO_INPUTS, _NO_BROWSER = Inputs(), Browser(ip="127.0.0.1")


class CheckoutContext(Struct, frozen=True):
    """
    Where the buyer's browser is, and what it tells.

    `page_url` is the payment's page, absolute, without a slash at the end; empty where no
    browser is there: a payment by 3-D Secure then waits for one.
    """

    page_url: str = ""
    browser: Browser = _NO_BROWSER
    payee: str | None = None


_NO_CHECKOUT = CheckoutContext()


class Payer(Struct, frozen=True):
    """
    Who pays, and from where.

    `inputs` is what the risk check may look at; a `buyer_id` is a signed-in buyer's, whose
    `consent` saves what pays now and whose `saved_token` pays. `gateway` is who must take it, whatever the rules;
    `outcomes` is what the call that pays asks for.
    """

    inputs: Inputs = _NO_INPUTS
    checkout: CheckoutContext = _NO_CHECKOUT
    buyer_id: str | None = None
    consent: Consent | None = None
    saved_token: str | None = None
    gateway: str | None = None
    outcomes: Mapping[Stage, Decision] = {}


GUEST = Payer()


#: How long a buyer may take to prove who they are; 3-D Secure's own limit comes first.
_AUTHENTICATION_MS = 660 * SECOND


def required_authentication(sandbox: Sandbox, order: Order, attempt: Attempt, *, forced: bool) -> Auth | None:
    """
    How the buyer of a new attempt must prove who they are; None where the method suffices.

    A card's issuer always has its say, but for a reload, whose buyer is not there and agreed before.  UPI's own PIN
    is a second factor, so an amount alone asks for no password there.

    Args:
        forced: The risk check wants a proof whatever the amount.
    """
    if order.kind is OrderKind.RELOAD:
        return None
    method = METHODS[attempt.method]
    if method.card:
        return Auth.THREEDS
    settings, amount = sandbox.seller.settings, attempt.amount
    if method.own_proof:
        amount = Money(0, amount.currency)
    otp_needed = forced or challenges.otp_required(settings, attempt.method, amount)
    return Auth.OTP if otp_needed else None


def set_deadline(sandbox: Sandbox, order: Order, attempt: Attempt, auth: Auth = Auth.THREEDS) -> dict[str, object]:
    """Give the buyer a time for their proof: the columns that go with that step."""
    answer_by = min(sandbox.now + _AUTHENTICATION_MS, order.expires_at)
    schedule.add(sandbox, TIMEOUT, attempt.attempt_id, answer_by)
    return {"answer_by": answer_by, "auth": auth}


def mark_authenticated(
    sandbox: Sandbox,
    attempt: Attempt,
    changes: dict[str, object],
    event: str = "auth_ok",
    *,
    frictionless: bool = False,
) -> Attempt:
    """
    The buyer is who they say.

    Where the method's own app or bank page comes next, the buyer's turn is not over.

    Args:
        changes: Columns of the attempt that the proof brings, such as ``eci`` and ``liability``.
        frictionless: The issuer asked the buyer nothing.
    """
    passed: dict[str, Any] = {**changes, "auth": Auth.PASSED}
    alone = {"frictionless": True} if frictionless else {}
    if METHODS[attempt.method].approval:
        end_authentication(sandbox, attempt, attempt)
        return update(sandbox, attempts.mapper, attempt, **passed)
    facts = {"method": attempt.method, "eci": changes.get("eci"), "liability": changes.get("liability"), **alone}
    return step(sandbox, ATTEMPTS, attempt, event, Actor.BUYER, passed, **facts)


def fail_authentication(
    sandbox: Sandbox,
    attempt: Attempt,
    event: str,
    actor: Actor,
    failure: Failure | None,
    changes: Mapping[str, object] | None = None,
) -> Attempt:
    """
    The buyer did not prove who they are; what that means for the order is done too.

    Args:
        event: The step of the attempt: ``auth_fail``, ``timeout`` or ``cancel``.
        failure: What the attempt fails with.
    """
    failed = step(sandbox, ATTEMPTS, attempt, event, actor, {"failure": failure, **(changes or {})})
    release_order(sandbox, get_order(sandbox, attempt.order_pk), failed)
    return failed


def deadline_passed(sandbox: Sandbox, attempt: Attempt) -> bool:
    """Whether the attempt's time to be proved is over, though its event may not have fired."""
    return attempt.answer_by is not None and sandbox.now >= attempt.answer_by


def ready_to_charge(attempt: Attempt) -> bool:
    """Whether the gateway is to be asked for the attempt's money."""
    if attempt.state in {AttemptState.CREATED, AttemptState.AUTHENTICATED}:
        return True
    return attempt.state is AttemptState.AUTH_PENDING and attempt.auth is Auth.PASSED


# --- one-time passwords


def begin(sandbox: Sandbox, attempt: Attempt) -> Attempt:
    """Ask the attempt's buyer for a code; one whose phone or e-mail is locked out fails."""
    try:
        start_otp(sandbox, attempt)
    except Conflict as error:
        return _fail_too_often(sandbox, attempt, challenges.lock_decision(sandbox, error))
    return attempt


def _fail_too_often(sandbox: Sandbox, attempt: Attempt, decision: Decision | None) -> Attempt:
    failure = Failure("customer", "payment_authentication", "otp_attempts_exceeded", "")
    changes = attempt.decision_changes(Stage.AUTH, decision) if decision is not None else {}
    return fail_authentication(sandbox, attempt, "auth_fail", Actor.BUYER, failure, changes)


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
        payee=get_order(sandbox, attempt.order_pk).payee(sandbox.seller.name),
        fails_delivery=fails,
    )


def _destination(sandbox: Sandbox, attempt: Attempt) -> tuple[str, Channel]:
    """Where the code goes: the balance's e-mail, or the phone that the bank knows."""
    email = attempt.instrument.get("email")
    if email:
        return email, Channel.EMAIL
    instrument = sorted(attempt.instrument.items())
    dice = ids.number(sandbox.seller.seed, "phone", attempt.buyer_id, instrument, below=10**7)
    return f"+91998{dice:07d}", Channel.SMS


def active_otp(sandbox: Sandbox, attempt: Attempt) -> Challenge | None:
    """The challenge that an attempt waits for."""
    return challenges.active(sandbox, Purpose.PAYMENT, attempt.attempt_id)


def submit_otp(sandbox: Sandbox, attempt: Attempt, typed: str) -> tuple[Verdict, Attempt]:
    """
    The buyer typed a code: what it is worth, and the attempt as it then stands.

    VERIFIED leaves it ready for its gateway (see `ready_to_charge`), LOCKED ends it.  Nothing is right
    once the attempt's own time is over, even before its event has fired.
    """
    if attempt.auth is not Auth.OTP or attempt.state is not AttemptState.AUTH_PENDING:
        return Verdict.USED, attempt
    challenge = active_otp(sandbox, attempt)
    if challenge is None or deadline_passed(sandbox, attempt):
        return Verdict.EXPIRED, attempt
    planned = attempt.plan.at(Stage.AUTH)
    if planned.outcome == "otp_cancelled":
        return Verdict.USED, cancel_otp(sandbox, attempt)
    code = PLANNED_CODES.get(planned.outcome, typed)
    verdict = challenges.verify(sandbox, challenge.challenge_id, code)
    if verdict not in {Verdict.VERIFIED, Verdict.LOCKED}:
        return verdict, attempt
    decision = planned if planned.outcome in PLANNED_CODES else _typed_decision(code, challenge, verdict)
    if verdict is Verdict.LOCKED:
        return verdict, _fail_too_often(sandbox, attempt, decision)
    changes = {}
    if decision is not None and not attempt.plan.decides(Stage.AUTH):
        changes = attempt.decision_changes(Stage.AUTH, decision)
    return verdict, mark_authenticated(sandbox, attempt, changes)


def _typed_decision(code: str, challenge: Challenge, verdict: Verdict) -> Decision | None:
    """Who decides by a code: the row of a magic one, else the buyer who was wrong too often; None for the right one."""
    row = magic_row(code)
    if row is not None:
        typed = code_decision(row)
        return replace(typed, outcome="success") if verdict is Verdict.VERIFIED else typed
    if verdict is Verdict.VERIFIED:
        return None
    return Decision("otp_locked", Source.BUYER, value=f"typed {challenge.wrong_count + 1} wrong codes")


def cancel_otp(sandbox: Sandbox, attempt: Attempt) -> Attempt:
    """The buyer goes back instead of typing a code; another try may follow."""
    if attempt.auth is not Auth.OTP or attempt.state is not AttemptState.AUTH_PENDING:
        return attempt
    failure = Failure("customer", "payment_authentication", "payment_cancelled", "")
    changes = {}
    if not attempt.plan.decides(Stage.AUTH):
        changes = attempt.decision_changes(
            Stage.AUTH, Decision("otp_cancelled", Source.BUYER, value="pressed Cancel on the code page")
        )
    return fail_authentication(sandbox, attempt, "cancel", Actor.BUYER, failure, changes)


# --- 3-D Secure


#: What the seller's side wants: a challenge mandated, or no wish.
_MANDATED, _NO_WISH = "04", "01"


def prepare(sandbox: Sandbox, attempt: Attempt, checkout: CheckoutContext, *, forced: bool | None = None) -> Attempt:
    """
    Begin an attempt's 3-D Secure; where the issuer has no method URL, ask it at once.

    Args:
        forced: Whether the risk check insists on a challenge; None looks up what it said.
    """
    if forced is None:
        forced = reviews.challenge_required(sandbox, attempt.attempt_id)
    planned = attempt.plan.at(Stage.AUTH).outcome
    txn = requestor.prepare(
        sandbox, attempt, planned, notification_url=f"{checkout.page_url}/3ds-return", payee=checkout.payee
    )
    if forced:
        threeds_table.change(sandbox, txn, challenge_indicator=_MANDATED)
    if txn.method_url:
        return attempt
    return ask_issuer(sandbox, attempt, checkout.browser, "U")


def ask_issuer(sandbox: Sandbox, attempt: Attempt, browser: Browser, comp_ind: str, window: str = "05") -> Attempt:
    """
    Send the AReq, once what the issuer wanted to see of the browser is done or given up.

    Args:
        comp_ind: threeDSCompInd: Y, N or U.
        window: challengeWindowSize, 01 to 05.
    """
    txn = threeds_table.latest(sandbox, attempt.attempt_id)
    if txn is None or attempt.auth is not Auth.THREEDS:
        return attempt
    if txn.method_url:
        requestor.method_done(sandbox, txn.txn_id, comp_ind)
    authenticated = requestor.authenticate(
        sandbox, txn.txn_id, browser, window=window, challenge_indicator=txn.challenge_indicator or _NO_WISH
    )
    return _apply_outcome(sandbox, attempt, authenticated)


def handle_return(sandbox: Sandbox, attempt: Attempt, cres: str | None, session_data: str | None) -> Attempt:
    """The buyer's browser is back from the issuer; what counts was told server to server."""
    txn = threeds_table.latest(sandbox, attempt.attempt_id)
    if txn is None:
        return attempt
    return _apply_outcome(sandbox, attempt, requestor.finish(sandbox, txn.txn_id, cres, session_data))


def issuer_response(sandbox: Sandbox, attempt: Attempt) -> str:
    """
    What the issuer answers to an authorisation: as planned, if the proof that comes with it holds.

    One that wants strong authentication is content with a challenge.
    """
    planned = attempt.issuer_outcome
    txn = threeds_table.latest(sandbox, attempt.attempt_id)
    if txn is None or attempt.eci is None:
        return planned
    if not _cavv_matches(sandbox, txn, attempt.eci):
        return "iso:05"
    challenged = txn.flow is Flow.CHALLENGE and txn.trans_status in PROVEN
    needs_challenge = response_codes_of(attempt).answer(planned).code == SCA_REQUIRED
    return "success" if challenged and needs_challenge else planned


def _cavv_matches(sandbox: Sandbox, txn: Transaction, indicator: str) -> bool:
    """Whether the issuer knows the proof: where it told of one there must be one, and its own."""
    try:
        presented = directory_server.open_cavv(sandbox, txn)
    except Unusable:
        return False  # Another row's, or a changed one.
    if presented is None:
        return txn.trans_status not in PROVEN
    return directory_server.check_cavv(sandbox, txn, presented, indicator) not in {
        directory_server.CAVV_WRONG,
        directory_server.ATTEMPT_CAVV_WRONG,
    }


def require_challenge(sandbox: Sandbox, order: Order, attempt: Attempt) -> Attempt | None:
    """
    The issuer wants a challenge after all; None where it has had one.

    The page that the buyer is on goes there; a challenge comes once, so this does.
    """
    former = threeds_table.latest(sandbox, attempt.attempt_id)
    if former is None or former.flow is Flow.CHALLENGE:
        return None
    waits = set_deadline(sandbox, order, attempt)
    waiting = step(
        sandbox, ATTEMPTS, attempt, "soft_decline_sca", Actor.ISSUER, waits, code=SCA_REQUIRED, method=attempt.method
    )
    txn = requestor.prepare(sandbox, waiting, "challenge", notification_url=former.notification_url, payee=former.payee)
    threeds_table.change(sandbox, txn, challenge_indicator=_MANDATED)
    return waiting


def time_out(sandbox: Sandbox, txn_id: str) -> Attempt | None:
    """Nobody answered the issuer's challenge in time."""
    acs.time_out(sandbox, txn_id)
    txn = threeds_table.by_id(sandbox, txn_id)
    if txn is None or txn.state not in ENDED:
        return None
    return _apply_outcome(sandbox, get_attempt(sandbox, txn.attempt_id), txn)


def _apply_outcome(sandbox: Sandbox, attempt: Attempt, txn: Transaction) -> Attempt:
    """
    What an authentication means for its attempt, once it has ended.

    Nothing authorises an attempt whose time is over, even before the event of that has fired.
    """
    waits = attempt.state is AttemptState.AUTH_PENDING and attempt.auth is Auth.THREEDS
    outcome = requestor.outcome(sandbox, txn) if waits else None
    if outcome is None or (outcome.authorise and deadline_passed(sandbox, attempt)):
        return attempt
    changes: dict[str, object] = {"eci": outcome.eci, "liability": str(outcome.liability)}
    if txn.decision is not None and not (attempt.plan.decides(Stage.AUTH) and txn.decision.outcome == "success"):
        changes |= attempt.decision_changes(Stage.AUTH, txn.decision)
    if outcome.authorise:
        alone = txn.flow is Flow.FRICTIONLESS
        return mark_authenticated(sandbox, attempt, changes, outcome.event, frictionless=alone)
    return fail_authentication(sandbox, attempt, outcome.event, Actor.ISSUER, outcome.failure, changes)

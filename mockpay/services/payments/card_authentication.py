"""An attempt and its 3-D Secure: begun, asked, come back, and what its end means for the attempt."""

from __future__ import annotations

from mockpay.domain.methods.iso8583 import SCA_REQUIRED
from mockpay.domain.methods.registry import response_codes_of
from mockpay.domain.orders import Order
from mockpay.domain.payments.attempts import Attempt, AttemptState, Auth
from mockpay.domain.payments.plans import Stage
from mockpay.domain.timeline import Actor
from mockpay.kernel.errors import Unusable
from mockpay.services.payments import reviews
from mockpay.services.payments.authentication import (
    deadline_passed,
    fail_authentication,
    mark_authenticated,
    set_deadline,
)
from mockpay.services.payments.payers import CheckoutContext
from mockpay.services.payments.transitions import ATTEMPTS, get_attempt
from mockpay.store.transitions import step
from mockpay.store.unit_of_work import Sandbox
from mockpay.threeds import acs, issuer, requestor, threeds_table
from mockpay.threeds.rules import ENDED, PROVEN, Browser, Flow, Transaction

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
    asked = requestor.authenticate(
        sandbox, txn.txn_id, browser, window=window, challenge_indicator=txn.challenge_indicator or _NO_WISH
    )
    return _apply_outcome(sandbox, attempt, asked)


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
    wants_one = response_codes_of(attempt).answer(planned).code == SCA_REQUIRED
    return "success" if challenged and wants_one else planned


def _cavv_matches(sandbox: Sandbox, txn: Transaction, indicator: str) -> bool:
    """Whether the issuer knows the proof: where it told of one there must be one, and its own."""
    try:
        presented = issuer.open_cavv(sandbox, txn)
    except Unusable:
        return False  # Another row's, or a changed one.
    if presented is None:
        return txn.trans_status not in PROVEN
    return issuer.check_cavv(sandbox, txn, presented, indicator) not in {issuer.CAVV_WRONG, issuer.ATTEMPT_CAVV_WRONG}


def require_challenge(sandbox: Sandbox, order: Order, attempt: Attempt) -> Attempt | None:
    """
    The issuer wants a challenge after all; None where it has had one.

    The page that the buyer is on goes there; a challenge comes once, so this does.
    """
    former = threeds_table.latest(sandbox, attempt.attempt_id)
    if former is None or former.flow is Flow.CHALLENGE:
        return None
    waits = set_deadline(sandbox, order, attempt)
    asked = step(
        sandbox, ATTEMPTS, attempt, "soft_decline_sca", Actor.ISSUER, waits, code=SCA_REQUIRED, method=attempt.method
    )
    txn = requestor.prepare(sandbox, asked, "challenge", notification_url=former.notification_url, payee=former.payee)
    threeds_table.change(sandbox, txn, challenge_indicator=_MANDATED)
    return asked


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
    if outcome.authorise:
        return mark_authenticated(sandbox, attempt, changes, outcome.event)
    return fail_authentication(sandbox, attempt, outcome.event, Actor.ISSUER, outcome.failure, changes)

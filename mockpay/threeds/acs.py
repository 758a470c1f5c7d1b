"""The issuer's ACS in a challenge: how it ends and is told server to server, and the page with its OTP."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from mockpay.domain.payments.attempts import Decision, Source
from mockpay.kernel import ids
from mockpay.kernel.errors import Conflict, Invalid
from mockpay.otp import challenges
from mockpay.otp import otp_table as otp_rows
from mockpay.otp.rules import PLANNED_CODES, Challenge, Purpose, Verdict, acs_outcome, code_decision, magic_row
from mockpay.store.unit_of_work import Sandbox
from mockpay.threeds import directory_server, messages, threeds_table
from mockpay.threeds.messages import BadMessage, CReq, CRes, ErrorMessage, MessageError, RReq, error_message
from mockpay.threeds.rules import (
    CANCELLED_BY_CARDHOLDER,
    CANCELLED_BY_ERROR,
    DEFAULT_REASON,
    LATE,
    LEFT,
    NEVER_OPENED,
    PROVEN,
    TECHNICAL,
    TIMED_OUT_AT_ACS,
    TOO_OFTEN,
    State,
    Transaction,
    TransStatus,
    eci,
)
from mockpay.threeds.threeds_table import ACS, BROWSER, get_transaction, log

# --- how a challenge ends


class ChallengeCompletion(Struct, frozen=True):
    """The challenge is over: what the browser posts to `notification_url`."""

    notification_url: str
    cres: str
    session_data: str


def refuse(sandbox: Sandbox, txn: Transaction | None, error_code: str, detail: str) -> ErrorMessage:
    """The ACS refuses what a browser posts, by an Erro."""
    trans_ids = (
        {}
        if txn is None
        else {"server_trans_id": txn.txn_id, "ds_trans_id": txn.ds_trans_id, "acs_trans_id": txn.acs_trans_id}
    )
    refusal = error_message(error_code, ACS, detail, CReq.kind, **trans_ids)
    if txn is not None:
        log(sandbox, txn.txn_id, refusal, ACS, BROWSER)
    return refusal


def response_after_end(sandbox: Sandbox, txn: Transaction) -> ChallengeCompletion | ErrorMessage:
    """A challenge that ended leads back with its CRes; one that failed or never began does not."""
    if txn.state in {State.COMPLETED, State.CANCELLED, State.TIMED_OUT}:
        return _completion(txn)
    return refuse(sandbox, txn, "101", "There is no such challenge now.")


def deadline_passed(sandbox: Sandbox, txn: Transaction) -> bool:
    """Whether the challenge's time is over, though nobody has said so yet."""
    return txn.challenge_ends is not None and sandbox.now >= txn.challenge_ends


def end_by_cardholder(sandbox: Sandbox, txn: Transaction) -> ChallengeCompletion | ErrorMessage:
    """End a challenge that its cardholder left."""
    return end(sandbox, txn, TransStatus.NOT_AUTHENTICATED, LEFT, CANCELLED_BY_CARDHOLDER)


def end_by_choice(sandbox: Sandbox, txn: Transaction, choice: str) -> ChallengeCompletion | ErrorMessage:
    """End a running challenge as one of `acs.CHOICES` says."""
    if choice == "timeout":
        return time_out(sandbox, txn.txn_id)
    if choice == "cancel":
        return end_by_cardholder(sandbox, txn)
    if choice == "error":
        return end(sandbox, txn, TransStatus.UNAVAILABLE, TECHNICAL, CANCELLED_BY_ERROR)
    return end(sandbox, txn, TransStatus(choice))


def time_out(sandbox: Sandbox, txn_id: str) -> ChallengeCompletion | ErrorMessage:
    """Nobody answered the challenge in time, or nobody ever opened it; see transitions.TIMEOUT."""
    txn = get_transaction(sandbox, txn_id)
    if txn.state is not State.CHALLENGE:
        return response_after_end(sandbox, txn)
    why = TIMED_OUT_AT_ACS if txn.opened_at is not None else NEVER_OPENED
    if txn.outcome != "timeout" and txn.decision is None:
        txn = _decide(sandbox, txn, Decision("timeout", Source.CLOCK))
    return end(sandbox, txn, TransStatus.UNAVAILABLE, LATE, why)


def end(
    sandbox: Sandbox,
    txn: Transaction,
    status: TransStatus,
    reason: str | None = None,
    challenge_cancel: str | None = None,
) -> ChallengeCompletion | ErrorMessage:
    """Tell the result by RReq; only then the browser goes back, with a CRes."""
    indicator = eci(txn.network, status)
    rreq = RReq(
        txn.txn_id,
        txn.ds_trans_id or "",
        txn.acs_trans_id or "",
        status,
        f"{txn.interactions:02d}",
        reason or DEFAULT_REASON.get(status),
        eci=indicator,
        authentication_value=directory_server.cavv(sandbox, txn, indicator) if status in PROVEN else None,
        challenge_cancel=challenge_cancel,
    )
    receipt = directory_server.forward_result(sandbox, txn, rreq)
    if isinstance(receipt, ErrorMessage):
        return receipt
    if txn.otp_challenge_id is not None:
        challenges.cancel(sandbox, txn.otp_challenge_id)
    log(sandbox, txn.txn_id, _cres(txn, status), ACS, BROWSER)
    return _completion(get_transaction(sandbox, txn.txn_id))


def _decide(sandbox: Sandbox, txn: Transaction, decision: Decision | None) -> Transaction:
    """Keep what decides a challenge, beside the plan; nothing where nothing does."""
    return txn if decision is None else threeds_table.change(sandbox, txn, decision=decision)


def _cres(txn: Transaction, status: TransStatus) -> CRes:
    return CRes(txn.txn_id, txn.acs_trans_id or "", status)


def _completion(txn: Transaction) -> ChallengeCompletion:
    status = txn.trans_status or TransStatus.UNAVAILABLE
    if txn.outcome == "tampered":
        # The buyer's browser tells another story than the ACS did.
        status = TransStatus.NOT_AUTHENTICATED if status is TransStatus.AUTHENTICATED else TransStatus.AUTHENTICATED
    cres = messages.encode(_cres(txn, status).plain())
    return ChallengeCompletion(txn.notification_url, cres, txn.session_data or "")


_T = TransStatus


# --- the page


#: What a cardholder may type or press in one challenge before the ACS has enough.
_MOST_INTERACTIONS = 20
#: What the sandbox's own buttons choose beside a status.
CHOICES = frozenset({"Y", "N", "A", "U", "R", "timeout", "error", "cancel"})


class AcsPage(Struct, frozen=True):
    """
    The bank's page while it waits for its cardholder.

    `notice` is None, ``wrong``, ``expired``, ``technical``, ``undelivered``, ``resent``,
    ``too_soon``, ``too_many_sends`` or, on the page that never completes, ``waiting``.
    """

    txn: Transaction
    challenge: Challenge | None
    notice: str | None = None


AcsResponse = AcsPage | ChallengeCompletion | ErrorMessage


def open_challenge(sandbox: Sandbox, acs_token: str, creq: str, session_data: str = "") -> AcsResponse:
    """
    The browser posts its ``creq``; an OTP goes out with the first one.

    Posted again while the challenge lasts (a reload), it shows the page as it stands.  Refused
    by an Erro: 301 an unknown challenge or other ids than its own, 101 no message, or a challenge
    that is over, 102, 201 and 203 as EMV 3DS has them.

    Args:
        session_data: ``threeDSSessionData`` as posted; the CRes goes back with the 3DS Server's.
    """
    txn = threeds_table.by_token(sandbox, acs_token)
    try:
        messages.session_text(session_data)
        message = CReq.read(messages.decode(creq))
    except (MessageError, BadMessage) as error:
        detail = getattr(error, "element", error.message)
        return refuse(sandbox, txn, error.error_code, detail)
    if txn is None or not _same(txn, message):
        return refuse(sandbox, txn, "301", "acsTransID")
    if txn.state is not State.CHALLENGE:
        return refuse(sandbox, txn, "101", "The challenge is over.")
    if txn.opened_at is not None:
        return page(sandbox, acs_token)
    log(sandbox, txn.txn_id, message, BROWSER, ACS)
    opened = threeds_table.change(sandbox, txn, opened_at=sandbox.now, window_size=message.window_size)
    return _begin_challenge(sandbox, opened)


def _begin_challenge(sandbox: Sandbox, txn: Transaction) -> AcsResponse:
    if deadline_passed(sandbox, txn):
        return time_out(sandbox, txn.txn_id)
    if txn.outcome == "cancelled":
        return end_by_cardholder(sandbox, txn)
    return _send_otp(sandbox, txn, fails=txn.outcome == "otp_undelivered")


def _same(txn: Transaction, message: CReq) -> bool:
    own = (txn.txn_id, txn.acs_trans_id)
    return own == (message.server_trans_id, message.acs_trans_id)


def page(sandbox: Sandbox, acs_token: str, notice: str | None = None) -> AcsResponse:
    """The challenge as it stands, for showing it again."""
    txn = threeds_table.by_token(sandbox, acs_token)
    if txn is None:
        return refuse(sandbox, None, "301", "acsTransID")
    if txn.state is State.CHALLENGE and txn.opened_at is not None:
        return AcsPage(txn, _challenge(sandbox, txn), notice)
    return response_after_end(sandbox, txn)


def _challenge(sandbox: Sandbox, txn: Transaction) -> Challenge | None:
    stored = otp_rows.find(sandbox, txn.otp_challenge_id) if txn.otp_challenge_id else None
    return stored.challenge if stored is not None else None


def _active_challenge(sandbox: Sandbox, acs_token: str) -> Transaction | ChallengeCompletion | ErrorMessage:
    """The challenge that a page's form acts on, or why it acts on nothing."""
    txn = threeds_table.by_token(sandbox, acs_token)
    if txn is None:
        return refuse(sandbox, None, "301", "acsTransID")
    if txn.state is not State.CHALLENGE or txn.opened_at is None:
        return response_after_end(sandbox, txn)
    if deadline_passed(sandbox, txn):
        return time_out(sandbox, txn.txn_id)
    if txn.interactions >= _MOST_INTERACTIONS:
        txn = _decide(sandbox, txn, Decision("N", Source.BUYER, value="tried too often on the bank’s page"))
        return end(sandbox, txn, _T.NOT_AUTHENTICATED, TOO_OFTEN)
    return threeds_table.change(sandbox, txn, interactions=txn.interactions + 1)


def submit(sandbox: Sandbox, acs_token: str, otp: str) -> AcsResponse:
    """The cardholder typed an OTP; typed again after the end, it finds the same end."""
    txn = _active_challenge(sandbox, acs_token)
    if not isinstance(txn, Transaction):
        return txn
    if txn.outcome == "timeout":
        return AcsPage(txn, _challenge(sandbox, txn), "waiting")
    if txn.outcome == "otp_cancelled":
        return end_by_cardholder(sandbox, txn)
    return _check_code(sandbox, txn, acs_token, PLANNED_CODES.get(txn.outcome, otp))


def _check_code(sandbox: Sandbox, txn: Transaction, acs_token: str, code: str) -> AcsResponse:
    row = None if txn.outcome in PLANNED_CODES else magic_row(code)
    typed = code_decision(row) if row is not None else None
    magic = acs_outcome(code)
    if magic is not None:
        return end_by_choice(sandbox, _decide(sandbox, txn, typed), magic)
    verdict = challenges.verify(sandbox, txn.otp_challenge_id or "", code)
    if verdict is Verdict.VERIFIED:
        txn = _decide(sandbox, txn, typed and replace(typed, outcome="success"))
        return end(sandbox, txn, _T.AUTHENTICATED)
    if verdict is Verdict.LOCKED:
        if txn.outcome not in PLANNED_CODES:
            wrong = Decision("N", Source.BUYER, value="typed too many wrong codes on the bank’s page")
            txn = _decide(sandbox, txn, typed or wrong)
        return end(sandbox, txn, _T.NOT_AUTHENTICATED)
    notice = "wrong" if verdict is Verdict.USED else verdict.lower()
    return page(sandbox, acs_token, notice)


def resend(sandbox: Sandbox, acs_token: str) -> AcsResponse:
    """The cardholder asks for another OTP; one that has expired is begun anew."""
    txn = _active_challenge(sandbox, acs_token)
    if not isinstance(txn, Transaction):
        return txn
    try:
        challenges.resend(sandbox, txn.otp_challenge_id or "", txn.challenge_ends)
    except Conflict as error:
        if error.code == "otp.not_active":
            return _send_otp(sandbox, txn, notice="resent")
        if error.code == "otp.locked_out":
            txn = _decide(sandbox, txn, challenges.lock_decision(sandbox, error))
            return end(sandbox, txn, _T.NOT_AUTHENTICATED, TOO_OFTEN)
        return page(sandbox, acs_token, error.code.removeprefix("otp."))
    return page(sandbox, acs_token, "resent")


def _send_otp(sandbox: Sandbox, txn: Transaction, *, fails: bool = False, notice: str | None = None) -> AcsResponse:
    """Send an OTP to the cardholder's phone; a phone that is locked out ends the challenge."""
    try:
        challenge = challenges.start(
            sandbox,
            purpose=Purpose.CHALLENGE,
            subject=txn.txn_id,
            to=_phone(sandbox, txn),
            amount=txn.amount,
            attempt_id=txn.attempt_id,
            payee=txn.payee,
            fails_delivery=fails,
            until=txn.challenge_ends,
        )
    except Conflict as error:
        txn = _decide(sandbox, txn, challenges.lock_decision(sandbox, error))
        return end(sandbox, txn, _T.NOT_AUTHENTICATED, TOO_OFTEN)
    changed = threeds_table.change(sandbox, txn, otp_challenge_id=challenge.challenge_id)
    return AcsPage(changed, challenge, "undelivered" if challenge.undelivered else notice)


def _phone(sandbox: Sandbox, txn: Transaction) -> str:
    """The phone that the bank has of its cardholder: one a card."""
    dice = ids.number(sandbox.seller.seed, "phone", txn.bin, txn.last4, below=10**7)
    return f"+91999{dice:07d}"


def cancel(sandbox: Sandbox, acs_token: str) -> AcsResponse:
    """The cardholder leaves."""
    txn = _active_challenge(sandbox, acs_token)
    if not isinstance(txn, Transaction):
        return txn
    decision = Decision("cancelled", Source.BUYER, value="pressed Cancel on the bank’s page")
    return end_by_cardholder(sandbox, _decide(sandbox, txn, decision))


def choose(sandbox: Sandbox, acs_token: str, choice: str) -> AcsResponse:
    """
    The tester decides by a button of the sandbox's own.

    Raises:
        Invalid: code ``threeds.choice``.
    """
    if choice not in CHOICES:
        raise Invalid("There is no such button.", code="threeds.choice")
    txn = _active_challenge(sandbox, acs_token)
    if not isinstance(txn, Transaction):
        return txn
    decision = Decision(choice, Source.BUYER, value=f"pressed {choice} on the bank’s page")
    return end_by_choice(sandbox, _decide(sandbox, txn, decision), choice)

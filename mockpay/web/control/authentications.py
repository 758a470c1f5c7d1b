"""How an attempt's buyer was asked who they are: one-time passwords and 3-D Secure."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from mockpay.domain.payments.attempts import Attempt
from mockpay.kernel.clock import rfc3339
from mockpay.otp import otp_table
from mockpay.otp.otp_table import Kept
from mockpay.store.unit_of_work import Sandbox
from mockpay.threeds import threeds_table
from mockpay.threeds.rules import ENDED, REASONS, Transaction, liability
from mockpay.threeds.threeds_table import Logged
from mockpay.web.control.common import maybe_time


class OtpEntry(Struct, kw_only=True):
    """
    A one-time password that was asked for; its code is in the buyer's inbox only.

    `sends` is how often one was sent; `undelivered`: the last sending failed.
    """

    challenge_id: str
    purpose: str
    state: str
    channel: str
    destination_masked: str
    amount: str | None
    currency: str | None
    sends: int
    sends_left: int
    wrong_count: int
    tries_left: int
    undelivered: bool
    created_at: str
    expires_at: str
    resend_at: str


class ThreeDSMessage(Struct, kw_only=True):
    """
    A message as its log has it, redacted.

    Sender and receiver: S the 3DS Server, D the directory, A the ACS, B the browser.
    """

    seq: int
    type: str
    sender: str
    receiver: str
    at: str
    body: dict[str, Any]


class AuthenticationEntry(Struct, kw_only=True):
    """
    A 3-D Secure authentication with its messages.

    `ares_status` is what the first answer said, `trans_status` how it ended and `liability` who
    bears a fraud then; `card` is masked.
    """

    threeds_server_trans_id: str
    acs_trans_id: str | None
    ds_trans_id: str | None
    number: int
    state: str
    flow: str | None
    outcome: str
    ares_status: str | None
    trans_status: str | None
    reason: str | None
    reason_says: str | None
    eci: str | None
    liability: str | None
    network: str
    card: str
    issuer: str
    amount: str
    currency: str
    payee: str
    comp_ind: str | None
    window_size: str | None
    challenge_indicator: str | None
    interactions: int
    challenge_cancel: str | None
    error_code: str | None
    otp_challenge_id: str | None
    started_at: str
    challenged_at: str | None
    opened_at: str | None
    completed_at: str | None
    returned_at: str | None
    messages: list[ThreeDSMessage]


def otp_entries(sandbox: Sandbox, attempt: Attempt) -> list[OtpEntry]:
    """The one-time passwords of an attempt, the oldest first."""
    challenges = otp_table.of_attempt(sandbox, attempt.attempt_id)
    kept = (otp_table.find(sandbox, one.challenge_id) for one in challenges)
    return [_otp(one) for one in kept if one is not None]


def _otp(kept: Kept) -> OtpEntry:
    one = kept.challenge
    return OtpEntry(
        challenge_id=one.challenge_id,
        purpose=one.purpose.value,
        state=one.state.value,
        channel=one.channel.value,
        destination_masked=one.destination_masked,
        amount=one.amount.wire() if one.amount else None,
        currency=one.amount.currency if one.amount else None,
        sends=kept.send_count,
        sends_left=one.sends_left,
        wrong_count=one.wrong_count,
        tries_left=one.tries_left,
        undelivered=one.undelivered,
        created_at=rfc3339(one.created_at),
        expires_at=rfc3339(one.expires_at),
        resend_at=rfc3339(one.resend_at),
    )


def authentication_entries(sandbox: Sandbox, attempt: Attempt) -> list[AuthenticationEntry]:
    """The 3-D Secure authentications of an attempt, the oldest first."""
    found = threeds_table.of_attempt(sandbox, attempt.attempt_id)
    return [_authentication(one, threeds_table.messages_of(sandbox, one.txn_id)) for one in found]


def _authentication(txn: Transaction, log: list[Logged]) -> AuthenticationEntry:
    return AuthenticationEntry(
        threeds_server_trans_id=txn.txn_id,
        acs_trans_id=txn.acs_trans_id,
        ds_trans_id=txn.ds_trans_id,
        number=txn.number,
        state=txn.state.value,
        flow=txn.flow.value if txn.flow else None,
        outcome=txn.outcome,
        ares_status=txn.ares_status.value if txn.ares_status else None,
        trans_status=txn.trans_status.value if txn.trans_status else None,
        reason=txn.reason,
        reason_says=REASONS.get(txn.reason or ""),
        eci=txn.eci,
        liability=liability(txn.trans_status).value if txn.state in ENDED else None,
        network=txn.network,
        card=txn.masked,
        issuer=txn.issuer,
        amount=txn.amount.wire(),
        currency=txn.amount.currency,
        payee=txn.payee,
        comp_ind=txn.comp_ind,
        window_size=txn.window_size,
        challenge_indicator=txn.challenge_indicator,
        interactions=txn.interactions,
        challenge_cancel=txn.challenge_cancel,
        error_code=txn.error_code,
        otp_challenge_id=txn.otp_challenge_id,
        started_at=rfc3339(txn.started_at),
        challenged_at=maybe_time(txn.challenged_at),
        opened_at=maybe_time(txn.opened_at),
        completed_at=maybe_time(txn.completed_at),
        returned_at=maybe_time(txn.returned_at),
        messages=[_message(one) for one in log],
    )


def _message(one: Logged) -> ThreeDSMessage:
    return ThreeDSMessage(
        seq=one.seq,
        type=one.type,
        sender=one.sender,
        receiver=one.receiver,
        at=rfc3339(one.at),
        body=dict(one.body),
    )

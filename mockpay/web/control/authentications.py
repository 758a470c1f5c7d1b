"""How an attempt's buyer was authenticated: one-time passwords and 3-D Secure."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from mockpay.domain.payments.attempts import Attempt
from mockpay.otp import otp_table
from mockpay.store.unit_of_work import Sandbox
from mockpay.threeds import threeds_table
from mockpay.threeds.rules import ENDED, REASONS, liability
from mockpay.web.control.responses import to_response


class OtpChallenge(Struct, kw_only=True):
    """
    A one-time password; its code is in the buyer's inbox only.

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


class ThreeDSAuthentication(Struct, kw_only=True):
    """
    A 3-D Secure authentication with its messages.

    `ares_status` is the ARes's transStatus, `trans_status` the final one and `liability` who bears
    a fraud then; `card` is masked.
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


def otp_challenges(sandbox: Sandbox, attempt: Attempt) -> list[OtpChallenge]:
    """The one-time passwords of an attempt, the oldest first."""
    challenges = otp_table.of_attempt(sandbox, attempt.attempt_id)
    stored = (otp_table.find(sandbox, challenge.challenge_id) for challenge in challenges)
    return [to_response(OtpChallenge, row.challenge, sends=row.send_count) for row in stored if row is not None]


def threeds_authentications(sandbox: Sandbox, attempt: Attempt) -> list[ThreeDSAuthentication]:
    """The 3-D Secure authentications of an attempt, the oldest first."""
    transactions = threeds_table.of_attempt(sandbox, attempt.attempt_id)
    return [
        to_response(
            ThreeDSAuthentication,
            txn,
            threeds_server_trans_id=txn.txn_id,
            reason_says=REASONS.get(txn.reason or ""),
            liability=liability(txn.trans_status).value if txn.state in ENDED else None,
            card=txn.masked,
            messages=[
                to_response(ThreeDSMessage, message) for message in threeds_table.messages_of(sandbox, txn.txn_id)
            ],
        )
        for txn in transactions
    ]

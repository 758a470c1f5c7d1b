"""Buyers: who they are, signing in by a code to their e-mail, and their sessions."""

from __future__ import annotations

from dataclasses import dataclass, field

from mockpay.domain.buyers import BUYERS, Buyer, normal_email
from mockpay.kernel import ids
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import NotFound
from mockpay.otp import challenges as otps
from mockpay.otp import otp_table as challenges
from mockpay.otp.rules import Challenge, Channel, Purpose, Verdict
from mockpay.services.wallet import reload_buyers
from mockpay.store import buyers, inbox
from mockpay.store.inbox import Message as Message
from mockpay.store.inbox import forget_old as forget_old
from mockpay.store.inbox import list_page as list_page
from mockpay.store.transitions import require
from mockpay.store.unit_of_work import Sandbox

#: How long a session lasts, in real ms.
SESSION_LIFE = 12 * 3_600 * SECOND


@dataclass(frozen=True, slots=True)
class SignInResult:
    """What became of a typed code; session and buyer are there where it was right."""

    verdict: Verdict
    session: str | None = field(default=None, repr=False)
    buyer: Buyer | None = None


def by_email(sandbox: Sandbox, email: str) -> Buyer:
    """
    The buyer of an e-mail, whom this seller need not know yet.

    Raises:
        Invalid: code ``email.invalid``.
    """
    owner = normal_email(email)
    buyer_id = sandbox.short_id("byr", owner)
    buyer = buyers.find(sandbox, buyer_id)
    return buyer or Buyer(buyer_id, sandbox.seller_id, owner)


def find(sandbox: Sandbox, buyer_id: str) -> Buyer:
    """
    A buyer who came by, or one of those who are there from the start.

    Raises:
        NotFound: code ``buyer.not_found``.
    """
    buyer = buyers.find(sandbox, buyer_id)
    if buyer is not None:
        return buyer
    for sandbox_buyer in BUYERS:
        if sandbox.short_id("byr", sandbox_buyer.email) == buyer_id:
            return Buyer(buyer_id, sandbox.seller_id, sandbox_buyer.email)
    raise NotFound("There is no such buyer.", code="buyer.not_found")


def named(sandbox: Sandbox, name: str) -> Buyer:
    """
    The buyer of an id or an e-mail; anybody who has an e-mail may be a buyer.

    Raises:
        NotFound: code ``buyer.not_found``: an id that nobody has here.
        Invalid: code ``email.invalid``.
    """
    return by_email(sandbox, name) if "@" in name else find(sandbox, name)


def ensure(sandbox: Sandbox, email: str) -> Buyer:
    """
    The buyer of an e-mail, known to this seller from now on.

    Raises:
        Invalid: code ``email.invalid``.
    """
    buyer = by_email(sandbox, email)
    if buyer.created_at is None:
        buyers.add(sandbox, buyer)
    reload_buyers.set_up(sandbox, buyer.email)
    return by_email(sandbox, buyer.email)


def start_sign_in(sandbox: Sandbox, email: str) -> Challenge:
    """
    Send a code to an e-mail; anybody may sign in who can read it.

    Raises:
        Invalid: code ``email.invalid``.
        Conflict: code ``otp.locked_out`` or ``otp.too_many_unfinished``, with `until` in ms.
    """
    owner = normal_email(email)
    otps.refuse_too_many_unfinished(sandbox, Purpose.SIGN_IN, owner)
    return otps.start(sandbox, purpose=Purpose.SIGN_IN, subject=owner, to=owner, channel=Channel.EMAIL)


def finish_sign_in(sandbox: Sandbox, challenge_id: str, code: str) -> SignInResult:
    """
    Check a typed code and open a session; nothing is raised for a wrong one, which counts.

    The code of a payment opens no session.
    """
    stored = challenges.find(sandbox, challenge_id)
    if stored is None or stored.challenge.purpose is not Purpose.SIGN_IN:
        return SignInResult(Verdict.WRONG)
    verdict = otps.verify(sandbox, challenge_id, code)
    if verdict is not Verdict.VERIFIED:
        return SignInResult(verdict)
    buyer = ensure(sandbox, stored.challenge.subject)
    session = ids.page_token()
    buyers.open_session(sandbox, buyer.buyer_id, session, sandbox.real_now + SESSION_LIFE)
    return SignInResult(verdict, session, buyer)


def buyer_of_session(sandbox: Sandbox, session: str) -> Buyer | None:
    """Who is signed in at this seller; None for another seller's, an old or a made-up session."""
    return buyers.buyer_of(sandbox, session)


def sign_out(sandbox: Sandbox, session: str) -> None:
    """End a session."""
    buyers.close_session(sandbox, session)


def opened(sandbox: Sandbox, message_id: str) -> Message:
    """
    A message that somebody opens.

    Raises:
        NotFound: code ``message.not_found``.
    """
    inbox.mark_read(sandbox, message_id)
    return require(inbox.by_id(sandbox, message_id), "message")

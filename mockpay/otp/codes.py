"""The codes of one-time passwords: drawn, hashed, compared and sent; and who gets none."""

from __future__ import annotations

from mockpay.kernel import ids
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Conflict
from mockpay.otp import otp_table
from mockpay.otp import rules as rules
from mockpay.otp.otp_table import StoredChallenge
from mockpay.otp.rules import Challenge
from mockpay.store import inbox
from mockpay.store.unit_of_work import Sandbox


def draw_code(sandbox: Sandbox, challenge: Challenge, number: int) -> str:
    """The code of a challenge's sending of this number, from 1."""
    seller = sandbox.seller
    return rules.draw(seller.seed, seller.seller_id, challenge.challenge_id, number, challenge.length)


def hash_code(sandbox: Sandbox, challenge: Challenge, payee: str | None, code: str) -> dict[str, str]:
    """What is stored of a code."""
    salt = ids.entropy(16).hex()
    digest = rules.code_hash(_pepper(sandbox), _binding(challenge, payee), salt, code)
    return {"salt": salt, "code_hash": digest}


def code_matches(sandbox: Sandbox, stored: StoredChallenge | None, code: str) -> bool:
    """Whether it is the code that was sent; the same work where there is no challenge."""
    if stored is None:
        ids.same(rules.code_hash(_pepper(sandbox), ("",) * 6, "", code), "0" * 64)
        return False
    binding = _binding(stored.challenge, stored.payee)
    return ids.same(rules.code_hash(_pepper(sandbox), binding, stored.salt, code), stored.code_hash)


def _binding(challenge: Challenge, payee: str | None) -> tuple[object, ...]:
    """What a code is good for: this challenge, and this payment of this amount to this payee."""
    amount = challenge.amount
    return (
        challenge.challenge_id,
        challenge.purpose,
        challenge.subject,
        challenge.attempt_id,
        f"{amount.currency} {amount.minor}" if amount else None,
        payee,
    )


def _pepper(sandbox: Sandbox) -> bytes:
    """What codes are hashed under; it stays the same through every rotation of the store key."""
    return sandbox.runtime.keyring.derived("otp")


def send_code(sandbox: Sandbox, challenge: Challenge, to: str, payee: str | None, code: str, number: int) -> None:
    """Put the code into the buyer's inbox, as the sending of this number."""
    seconds = (challenge.expires_at - sandbox.now) // SECOND
    inbox.put(
        sandbox,
        f"{challenge.challenge_id}|{number}",
        kind="otp",
        channel=str(challenge.channel),
        to=to,
        template=f"otp.{challenge.purpose.lower()}",
        body=rules.message_text(challenge.purpose, code, challenge.amount, payee, seconds),
        otp=code,
        attempt_id=challenge.attempt_id,
    )


def destination_key(sandbox: Sandbox, to: str) -> str:
    """A destination as a keyed fingerprint, for counting its locks without keeping it."""
    binding = ("to", sandbox.seller_id)
    return rules.code_hash(_pepper(sandbox), binding, "", rules.normalize_destination(to))


def refuse_locked_out(sandbox: Sandbox, destination_key: str) -> None:
    """
    Two locked challenges of one destination in half an hour lock it out for half an hour.

    Raises:
        Conflict: code ``otp.locked_out``, with `until` in ms.
    """
    span = rules.LOCK_OUT_MS
    locks = otp_table.locked_at(sandbox, destination_key, sandbox.now - 2 * span, rules.LOCKS)
    if len(locks) < rules.LOCKS or locks[0] - locks[-1] > span:
        return
    until = locks[0] + span
    if sandbox.now < until:
        message = "Too many wrong codes were typed. Try again later."
        raise Conflict(message, code="otp.locked_out", until=until)

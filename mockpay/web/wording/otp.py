"""One-time codes as pages tell them: what is left of a challenge, and why one is refused."""

from __future__ import annotations

from flask import request

from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import MockpayError
from mockpay.otp.rules import Challenge, OtpState
from mockpay.store.unit_of_work import Sandbox
from mockpay.web.wording.sentences import countdown

EXPIRED = "This code has expired. Send a new one."
TECHNICAL = "The code could not be checked just now. Send it once more."
_LOCKED_OUT = "Too many wrong codes were typed. Try again later."


def runs(sandbox: Sandbox, challenge: Challenge) -> bool:
    """Whether the challenge still takes its code; its event may not have fired yet."""
    return challenge.state is OtpState.ACTIVE and sandbox.now < challenge.expires_at


def tries(challenge: Challenge) -> str:
    """How often somebody may still be wrong."""
    return "1 try left" if challenge.tries_left == 1 else f"{challenge.tries_left} tries left"


def wrong(challenge: Challenge) -> str:
    """What a wrong code is told."""
    return f"That code is not right. {tries(challenge)}."


def refusal(sandbox: Sandbox, error: MockpayError, what: str) -> str:
    """Why no code is sent for `what`, e.g. ``this payment``."""
    until = error.detail.get("resend_at")
    if isinstance(until, int):
        return f"Another code can be sent in {countdown(until - sandbox.now)}."
    told = {"otp.too_many_sends": f"No more codes are sent for {what}."}
    return {**told, "otp.locked_out": _LOCKED_OUT}.get(error.code, error.message)


def told(sandbox: Sandbox, challenge: Challenge | None) -> dict[str, object]:
    """
    What a page tells of a challenge: where the code went, and what is left of all.

    Without one, or with one that is over, only how long a code is.
    """
    if challenge is None or not runs(sandbox, challenge):
        return {"length": sandbox.seller.settings.otp_length}
    left = challenge.expires_at - sandbox.now
    wait = max(challenge.resend_at - sandbox.now, 0)
    return {
        "to": challenge.destination_masked.replace("*", "•"),
        "length": challenge.length,
        "tries": tries(challenge),
        "left_seconds": left // SECOND,
        "left_text": countdown(left),
        "wait_seconds": -(-wait // SECOND),
        "wait_text": countdown(wait),
        "sent_again": request.args.get("sent") == "again",
    }

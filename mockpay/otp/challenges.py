"""One-time passwords: ask for one, send it again, check what was typed; how a code is drawn, stored and sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from mockpay.domain.payments.attempts import Decision, Source
from mockpay.domain.timeline import Actor
from mockpay.kernel import ids
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Conflict
from mockpay.kernel.money import Money
from mockpay.otp import otp_table
from mockpay.otp import rules as rules
from mockpay.otp.otp_table import StoredChallenge
from mockpay.otp.rules import Challenge, Channel, OtpState, Purpose, Verdict
from mockpay.otp.rules import acs_outcome as acs_outcome
from mockpay.otp.rules import otp_required as otp_required
from mockpay.store import attempts, inbox, orders, schedule, transitions
from mockpay.store.unit_of_work import Sandbox


def _schedule_expiry(sandbox: Sandbox, challenge: Challenge) -> None:
    schedule.add(sandbox, rules.EXPIRY, challenge.challenge_id, challenge.expires_at)


def _cancel_expiry(sandbox: Sandbox, challenge: Challenge) -> None:
    schedule.drop(sandbox, rules.EXPIRY, challenge.challenge_id)


def _trim_inbox(sandbox: Sandbox, _challenge: Challenge) -> None:
    inbox.forget_old(sandbox)


_ENDED = (_cancel_expiry, _trim_inbox)
#: What is done after each event of a challenge, in order.
FOLLOW_UPS: Mapping[str, tuple[Callable[[Sandbox, Challenge], None], ...]] = {
    "wrong": (),
    "technical": (),
    "resend": (_cancel_expiry, _schedule_expiry),
    "verify": _ENDED,
    "expire": _ENDED,
    "lock": _ENDED,
    "supersede": _ENDED,
    "cancel": _ENDED,
}


def start(
    sandbox: Sandbox,
    *,
    purpose: Purpose,
    subject: str,
    to: str,
    channel: Channel = Channel.SMS,
    amount: Money | None = None,
    attempt_id: str | None = None,
    payee: str | None = None,
    fails_delivery: bool = False,
    until: int | None = None,
) -> Challenge:
    """
    Ask the subject for a code and send it; a challenge of the same purpose is superseded.

    Args:
        subject: Whom or what the code is asked of: an attempt's id, a buyer's, a method's.
        to: Where the code goes: a phone number or an e-mail, in full.
        payee: Who gets the money, as the message names it; the code is bound to it.
        fails_delivery: Nothing arrives in the inbox; the challenge is `undelivered`.
        until: When the page that asks ends, in ms; no code is good for longer.

    Raises:
        Conflict: code ``otp.locked_out``, with `until` in ms.
    """
    key = destination_key(sandbox, to)
    refuse_locked_out(sandbox, key)
    former = otp_table.active(sandbox, purpose, subject)
    if former is not None:
        _end(sandbox, former, "supersede", Actor.SANDBOX)
    challenge = replace(
        _new(sandbox, purpose, subject, until),
        attempt_id=attempt_id,
        channel=channel,
        destination_masked=rules.mask_destination(to),
        amount=amount,
        undelivered=fails_delivery,
    )
    code = draw_code(sandbox, challenge, 1)
    secret = hash_code(sandbox, challenge, payee, code)
    otp_table.add(sandbox, challenge, to=to, destination_key=key, payee=payee, secret=secret)
    if not fails_delivery:
        send_code(sandbox, challenge, to, payee, code, 1)
    _schedule_expiry(sandbox, challenge)
    _add_event(sandbox, None, challenge, "start", Actor.SANDBOX)
    return challenge


def _new(sandbox: Sandbox, purpose: Purpose, subject: str, until: int | None) -> Challenge:
    """A challenge as the seller's settings have it now; nobody is asked yet."""
    settings, now = sandbox.seller.settings, sandbox.now
    number = otp_table.count(sandbox, purpose, subject)
    return Challenge(
        challenge_id=sandbox.short_id("otp", purpose, subject, number),
        purpose=purpose,
        subject=subject,
        attempt_id=None,
        channel=Channel.SMS,
        destination_masked="",
        amount=None,
        state=OtpState.ACTIVE,
        length=settings.otp_length,
        created_at=now,
        expires_at=_expiry(sandbox, until),
        resend_at=now + settings.otp_resend_seconds * SECOND,
        sends_left=settings.otp_max_sends - 1,
        wrong_count=0,
        tries_left=settings.otp_max_wrong,
        undelivered=False,
    )


def _expiry(sandbox: Sandbox, until: int | None) -> int:
    """When a code that is sent now expires, in ms."""
    full = sandbox.now + sandbox.seller.settings.otp_ttl_seconds * SECOND
    return full if until is None else min(full, until)


def verify(sandbox: Sandbox, challenge_id: str, typed: str) -> Verdict:
    """
    Check a typed code; of two right ones at once, one is VERIFIED and the other USED.

    A challenge that is over says EXPIRED or LOCKED where it ended so, else USED.  One that does
    not exist looks like a wrong code, and takes as long.  The verdict is written down in this
    transaction: an edge that answers TECHNICAL by a 500 must commit first.
    """
    stored = otp_table.find(sandbox, challenge_id)
    code = rules.normalize_code(typed)
    right = code_matches(sandbox, stored, code)
    if stored is None:
        return Verdict.WRONG
    challenge = stored.challenge
    if challenge.state is not OtpState.ACTIVE:
        return rules.VERDICT_AFTER_END[challenge.state]
    if sandbox.now >= challenge.expires_at:
        return _expired(sandbox, stored, Actor.CLOCK)
    outcome = rules.magic_outcome(code) or ("correct" if right else "wrong")
    return _VERDICTS.get(outcome, _wrong)(sandbox, stored, Actor.BUYER)


def resend(sandbox: Sandbox, challenge_id: str, until: int | None = None) -> Challenge:
    """
    Send a new code, good for its whole time again; the former one is worth nothing any more.

    Wrong tries stay counted.

    Args:
        until: As in `start`.

    Raises:
        Conflict: code ``otp.not_active``, ``otp.locked_out``, ``otp.too_many_sends`` or
            ``otp.too_soon``, the last with `resend_at` in ms.
    """
    stored = otp_table.find(sandbox, challenge_id)
    if stored is None or not _is_active(sandbox, stored.challenge):
        raise _not_active()
    challenge, send = stored.challenge, stored.send_count + 1
    refuse_locked_out(sandbox, stored.destination_key)
    if challenge.sends_left == 0:
        raise Conflict("No more codes are sent.", code="otp.too_many_sends")
    if sandbox.now < challenge.resend_at:
        message = "Another code can be sent in a moment."
        raise Conflict(message, code="otp.too_soon", resend_at=challenge.resend_at)
    settings, now = sandbox.seller.settings, sandbox.now
    code = draw_code(sandbox, challenge, send)
    after = _transition(
        sandbox,
        stored,
        "resend",
        Actor.BUYER,
        send_count=send,
        expires_at=_expiry(sandbox, until),
        resend_at=now + settings.otp_resend_seconds * SECOND,
        undelivered=False,
        **hash_code(sandbox, challenge, stored.payee, code),
    )
    if after is None:
        raise _not_active()
    send_code(sandbox, after, otp_table.destination(sandbox, challenge_id), stored.payee, code, send)
    return after


def _is_active(sandbox: Sandbox, challenge: Challenge) -> bool:
    return challenge.state is OtpState.ACTIVE and sandbox.now < challenge.expires_at


def _not_active() -> Conflict:
    return Conflict("This code is not waited for any more.", code="otp.not_active")


def cancel(sandbox: Sandbox, challenge_id: str) -> None:
    """Wait for the code no more; nothing where nobody did."""
    stored = otp_table.find(sandbox, challenge_id)
    if stored is not None and stored.challenge.state is OtpState.ACTIVE:
        _end(sandbox, stored, "cancel", Actor.SANDBOX)


def expire(sandbox: Sandbox, challenge_id: str) -> None:
    """The event `otp.expire`: the time is over, unless the challenge is."""
    stored = otp_table.find(sandbox, challenge_id)
    if stored is None or stored.challenge.state is not OtpState.ACTIVE:
        return
    if sandbox.now >= stored.challenge.expires_at:
        _end(sandbox, stored, "expire", Actor.CLOCK)


def active(sandbox: Sandbox, purpose: Purpose, subject: str) -> Challenge | None:
    """The subject's challenge that waits for its code."""
    stored = otp_table.active(sandbox, purpose, subject)
    return stored.challenge if stored is not None else None


# --- what a typed code does


def _verified(sandbox: Sandbox, stored: StoredChallenge, actor: Actor) -> Verdict:
    return _end(sandbox, stored, "verify", actor) or Verdict.VERIFIED


def _expired(sandbox: Sandbox, stored: StoredChallenge, actor: Actor) -> Verdict:
    return _end(sandbox, stored, "expire", actor) or Verdict.EXPIRED


def _locked(sandbox: Sandbox, stored: StoredChallenge, actor: Actor) -> Verdict:
    return _end(sandbox, stored, "lock", actor) or Verdict.LOCKED


def _wrong(sandbox: Sandbox, stored: StoredChallenge, actor: Actor) -> Verdict:
    count = stored.challenge.wrong_count + 1
    if stored.challenge.tries_left <= 1:
        return _end(sandbox, stored, "lock", actor, wrong_count=count) or Verdict.LOCKED
    challenge = _transition(sandbox, stored, "wrong", actor, wrong_count=count)
    return Verdict.WRONG if challenge is not None else _verdict_after_end(sandbox, stored)


def _technical(sandbox: Sandbox, stored: StoredChallenge, actor: Actor) -> Verdict:
    """Once an error that does not count; the same code again is right (facts, section 11.2)."""
    if stored.technical_failed:
        return _verified(sandbox, stored, actor)
    challenge = _transition(sandbox, stored, "technical", actor, technical_failed=True)
    return Verdict.TECHNICAL if challenge is not None else _verdict_after_end(sandbox, stored)


#: By outcome; what only an ACS knows is wrong here.
_VERDICTS: Mapping[str, Callable[[Sandbox, StoredChallenge, Actor], Verdict]] = {
    "correct": _verified,
    "expired": _expired,
    "locked": _locked,
    "technical": _technical,
}


def _end(sandbox: Sandbox, stored: StoredChallenge, event: str, actor: Actor, **changes: object) -> Verdict | None:
    """Bring a challenge to an end; None where it went well, else what it now answers."""
    if _transition(sandbox, stored, event, actor, **changes) is None:
        return _verdict_after_end(sandbox, stored)
    return None


def _verdict_after_end(sandbox: Sandbox, stored: StoredChallenge) -> Verdict:
    """What a challenge answers that somebody else moved meanwhile."""
    fresh = otp_table.find(sandbox, stored.challenge.challenge_id)
    return rules.VERDICT_AFTER_END.get(fresh.challenge.state, Verdict.WRONG) if fresh else Verdict.USED


def _transition(
    sandbox: Sandbox, stored: StoredChallenge, event: str, actor: Actor, **changes: object
) -> Challenge | None:
    challenge = otp_table.transition(sandbox, stored, event, **changes)
    if challenge is not None:
        _add_event(sandbox, stored.challenge.state, challenge, event, actor)
        for follow_up in FOLLOW_UPS[event]:
            follow_up(sandbox, challenge)
    return challenge


def _add_event(sandbox: Sandbox, before: OtpState | None, challenge: Challenge, event: str, actor: Actor) -> None:
    """The step's line in the timeline of its order, if it belongs to one."""
    attempt = attempts.by_id(sandbox, challenge.attempt_id) if challenge.attempt_id else None
    if attempt is None:
        return
    facts: dict[str, object] = {
        "purpose": challenge.purpose,
        "channel": challenge.channel,
        "to": challenge.destination_masked,
        "wrong_count": challenge.wrong_count,
        "tries_left": challenge.tries_left,
        "sends_left": challenge.sends_left,
    }
    if challenge.undelivered:
        facts["undelivered"] = True
    transitions.add(
        sandbox,
        attempt.order_pk,
        machine="otp",
        subject=challenge.challenge_id,
        event=event,
        before=before,
        after=challenge.state,
        actor=actor,
        facts=facts,
    )


# --- codes


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
        Conflict: code ``otp.locked_out``, with `until` in ms and the `attempt_id` that locked it last, if one did.
    """
    span = rules.LOCK_OUT_MS
    locks = otp_table.locked_at(sandbox, destination_key, sandbox.now - 2 * span, rules.LOCKS)
    if len(locks) < rules.LOCKS or locks[0][0] - locks[-1][0] > span:
        return
    until = locks[0][0] + span
    if sandbox.now < until:
        message = "Too many wrong codes were typed. Try again later."
        of_attempt = {"attempt_id": locks[0][1]} if locks[0][1] else {}
        raise Conflict(message, code="otp.locked_out", until=until, **of_attempt)


def refuse_too_many_unfinished(sandbox: Sandbox, purpose: Purpose, subject: str) -> None:
    """
    A subject gets `otp_max_sends` codes in half an hour until it types one, however often it begins anew.

    Raises:
        Conflict: code ``otp.too_many_unfinished``, with `until` in ms.
    """
    remaining = sandbox.seller.settings.otp_max_sends
    for created_at, sends in otp_table.unfinished(sandbox, purpose, subject, sandbox.now - rules.LOCK_OUT_MS):
        remaining -= sends
        if remaining <= 0:
            message = "Too many codes were sent and not typed. Try again later."
            raise Conflict(message, code="otp.too_many_unfinished", until=created_at + rules.LOCK_OUT_MS)


def lock_decision(sandbox: Sandbox, error: Conflict) -> Decision:
    """Who locked a destination out: the order for which the last wrong codes were typed, and until when."""
    attempt = attempts.by_id(sandbox, str(error.detail.get("attempt_id")))
    order = orders.by_number(sandbox, attempt.order_pk) if attempt is not None else None
    facts = {"until": int(str(error.detail["until"]))}
    return Decision("otp_locked", Source.LOCK, value=order.order_id if order is not None else None, facts=facts)

"""What each event of each machine is called in a timeline; tables only."""

from __future__ import annotations

from collections.abc import Mapping

from mockpay.domain.timeline import Actor

#: Title, kind, icon and the fact told where the event brings none of its own.
Words = tuple[str, str, str, str]

_ORDER: Mapping[str, Words] = {
    "opened": ("Order opened", "ok", "tick", ""),
    "attempt_failed": ("Buyer may try again", "idle", "back", "For as long as the order is open"),
    "buyer_cancel": ("Order cancelled", "idle", "dash", ""),
    "timeout": ("Order expired", "idle", "clock", "The time to pay was over"),
    "given_up": ("Order failed", "bad", "cross", "No tries were left"),
    "attempt_authorized": ("Order authorised", "hold", "bars", "Waiting for capture"),
    "attempt_captured": ("Order paid", "ok", "tick", ""),
    "capture": ("Order paid", "ok", "tick", ""),
    "credited": ("Added to the balance", "ok", "wallet", ""),
    "not_credited": ("Not added to the balance", "bad", "cross", ""),
    "capture_sent": ("Capture sent", "wait", "send", "To the gateway that holds the money"),
    "capture_pending": ("Capture pending", "wait", "clock", "The bank takes the money later"),
    "void": ("Order cancelled", "idle", "dash", "Nothing was captured"),
    "auth_expired": ("Order expired", "idle", "clock", "Nobody captured in time"),
    "cancelled_after_capture": ("Order cancelled after capture", "back", "dash", ""),
    "refund_completed": ("Order refunded in part", "back", "back", ""),
    "refund_completed_in_full": ("Order refunded in full", "back", "back", ""),
    "refund_reversed": ("Order refunded in part", "back", "back", "One refund was taken back"),
    "last_refund_reversed": ("Order paid again", "ok", "tick", "Its last refund was taken back"),
    "returned": ("Sent back to the seller", "idle", "send", ""),
    "bank_return_refused": ("Bank’s answer refused", "bad", "cross", "It was not the bank’s own"),
    "expiry_waits": ("Expiry waits for the bank", "wait", "clock", "Money may be moving"),
}
_PAID_LATE = "The order had ended, so the money goes back"
_ATTEMPT: Mapping[str, Words] = {
    "chosen": ("Method chosen", "idle", "dot", ""),
    "risk_decline": ("Refused by the risk check", "bad", "shield", ""),
    "risk_review": ("Held for risk review", "odd", "shield", "Until somebody, or the clock, decides"),
    "approve": ("Risk review passed", "ok", "shield", ""),
    "approve_to_auth": ("Risk review passed", "ok", "shield", ""),
    "reject": ("Risk review failed", "bad", "shield", ""),
    "auth_required": ("Buyer asked to approve", "wait", "clock", ""),
    "seen": ("Request seen", "idle", "phone", ""),
    "validation_error": ("Refused before the buyer was asked", "bad", "cross", ""),
    "auth_ok": ("Buyer approved", "ok", "tick", ""),
    "auth_unavailable": ("Buyer not asked", "odd", "shield", "Authentication was unavailable"),
    "auth_fail": ("Not approved", "bad", "cross", ""),
    "soft_decline_sca": ("Bank asks for authentication", "wait", "shield", ""),
    "cancel": ("Try cancelled", "idle", "dash", ""),
    "timeout": ("Request expired", "idle", "clock", ""),
    "left_pending": ("Bank answered: pending", "wait", "clock", ""),
    "no_auth_needed": ("No approval needed", "idle", "shield", ""),
    "submit": ("Sent to the bank", "idle", "bank", ""),
    "failover": ("Sent by another gateway", "idle", "send", ""),
    "approved": ("Funds held", "hold", "bars", ""),
    "approved_and_captured": ("Approved and captured", "ok", "tick", ""),
    "approved_too_late": ("Approved too late", "back", "back", _PAID_LATE),
    "declined": ("Declined", "bad", "cross", ""),
    "pending": ("Bank answered: pending", "wait", "clock", ""),
    "no_answer": ("No clear answer", "odd", "question", ""),
    "resolved_success": ("Bank decided: paid", "ok", "tick", ""),
    "resolved_authorized": ("Bank decided: funds held", "hold", "bars", ""),
    "resolved_failure": ("Bank decided: not paid", "bad", "cross", ""),
    "resolved_too_late": ("Approved too late", "back", "back", _PAID_LATE),
    "found_success": ("Found: paid", "ok", "tick", ""),
    "found_authorized": ("Found: funds held", "hold", "bars", ""),
    "found_failure": ("Found: not paid", "bad", "cross", ""),
    "found_too_late": ("Approved too late", "back", "back", _PAID_LATE),
    "not_found": ("Found: never arrived", "bad", "cross", "The bank knows of no such payment"),
    "stuck": ("No end in sight", "odd", "question", "The bank cannot say what became of it"),
    "gave_up": ("Network sent the money back", "back", "back", ""),
    "late_success": ("Approved too late", "back", "back", _PAID_LATE),
    "late_authorized": ("Approved late", "hold", "bars", "The bank found the money after it had failed"),
    "capture": ("Captured", "ok", "tick", "The held money was taken"),
    "capture_failed": ("Capture failed", "bad", "cross", "The bank refused it"),
    "void": ("Hold released", "idle", "dash", "The money stays with the buyer"),
    "auth_expiry": ("Hold expired", "idle", "clock", "The money stays with the buyer"),
    "reverse": ("Money sent back", "back", "back", "The seller had been told FAILURE"),
}
_REFUND: Mapping[str, Words] = {
    "requested": ("Refund requested", "back", "back", ""),
    "sent": ("Refund sent to the bank", "wait", "send", ""),
    "held": ("Refund held", "odd", "bars", "Until a tester says how it ends"),
    "released": ("Refund released", "wait", "clock", "It settles when it is due"),
    "expedited": ("Refund asked for at once", "wait", "send", "Its gateway says how it ends"),
    "completed": ("Refund completed", "ok", "tick", ""),
    "declined": ("Refund declined", "bad", "cross", ""),
    "reversed": ("Refund taken back", "back", "back", "The money is the seller’s again"),
}
_NOTIFICATION: Mapping[str, Words] = {
    "queued": ("Notification queued", "idle", "bell", ""),
    "suppressed": ("Notification kept back", "idle", "dash", ""),
    "asked_again": ("Notification asked for again", "idle", "bell", ""),
    "claimed": ("Notification on its way", "wait", "send", ""),
    "delivered": ("Seller notified", "ok", "bell", ""),
    "failed": ("Seller not reached", "odd", "bell", ""),
    "gave_up": ("Notification given up", "bad", "bell", ""),
}
_OTP: Mapping[str, Words] = {
    "start": ("Code sent", "wait", "mail", ""),
    "wrong": ("Wrong code typed", "odd", "cross", ""),
    "technical": ("Code not checked", "odd", "alert", "An error that does not count as a try"),
    "resend": ("Another code sent", "wait", "mail", ""),
    "verify": ("Right code typed", "ok", "tick", ""),
    "expire": ("Code expired", "idle", "clock", ""),
    "lock": ("Code locked", "bad", "lock", "It is taken no more"),
    "supersede": ("Code replaced", "idle", "mail", "Another one was asked for"),
    "cancel": ("Code needed no more", "idle", "dash", "What it was sent for is over"),
}
_THREEDS: Mapping[str, Words] = {
    "prepared": ("3-D Secure prepared", "idle", "shield", ""),
    "method": ("Browser looked at", "idle", "shield", "By the issuer’s 3DS Method"),
    "authenticate": ("Issuer asked", "wait", "shield", ""),
    "frictionless": ("3-D Secure without a challenge", "ok", "shield", ""),
    "challenge": ("3-D Secure challenge", "wait", "clock", "On the issuer’s own page"),
    "complete": ("Challenge over", "ok", "shield", ""),
    "cancel": ("Challenge cancelled", "idle", "dash", ""),
    "time_out": ("Challenge timed out", "idle", "clock", ""),
    "fail": ("3-D Secure failed", "bad", "alert", ""),
}
_WORDS: Mapping[str, Mapping[str, Words]] = {
    "order": _ORDER,
    "attempt": _ATTEMPT,
    "refund": _REFUND,
    "notification": _NOTIFICATION,
    "otp": _OTP,
    "threeds": _THREEDS,
}


def words(machine: str, event: str) -> Words:
    """Title, kind, icon and fact of an event; its own name and a dot where nobody knows it."""
    plain = event.replace("_", " ").capitalize()
    return _WORDS.get(machine, {}).get(event, (plain, "idle", "dot", ""))


def events_of(machine: str) -> list[str]:
    """Every event that a machine's timeline can have."""
    return list(_WORDS[machine])


#: How a buyer is asked who they are, apart from their method's own app or page.
PROOFS: Mapping[str, str] = {"otp": "By a one-time code", "3ds": "By the card’s issuer"}
#: What is still to come, by the schedule's kind of event.
DUE: Mapping[str, str] = {
    "order.expire": "Order expires",
    "order.auth_expire": "Hold expires",
    "attempt.answer": "Buyer and bank answer",
    "attempt.resolve": "Bank makes the end known",
    "attempt.enquire": "Gateway is asked again",
    "attempt.timeout": "Request expires",
    "attempt.reverse": "Money is sent back",
    "attempt.capture": "Capture is done",
    "attempt.review": "Risk review approves it by itself",
    "refund.settle": "Refund settles",
    "refund.reverse": "Refund is taken back",
    "notification.send": "Seller is notified",
    "otp.expire": "Code expires",
    "threeds.timeout": "Challenge times out",
}
BY: Mapping[Actor, str] = {
    Actor.SELLER: "By the seller",
    Actor.BUYER: "By the buyer",
    Actor.TESTER: "By a tester",
    Actor.CLOCK: "By the clock",
}

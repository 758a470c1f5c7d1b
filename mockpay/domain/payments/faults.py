"""What may go wrong between a gateway and who calls it, and the rules by which a tester asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from mockpay.domain.payments.gateways import Operation


class Fault(StrEnum):
    """
    An infrastructure outcome of one call.

    Not executed: REFUSE, TIMEOUT_BEFORE, HTTP_502_HTML, HTTP_503, HTTP_429. Executed, and the answer is lost or spoilt:
    TIMEOUT_AFTER, HTTP_500, GARBAGE, CUT_BODY, WRONG_TYPE, WRONG_SIGNATURE (where an answer is signed). LATE_COMMIT is
    executed when its sender has given up and has asked for something else. LATENCY is answered late, or too late. Those
    of webhooks are met by what the gateway tells unasked: dropped, twice, overtaken by a later one, 30 s late, signed
    wrongly, or two of them at once.
    """

    REFUSE = "refuse"
    LATENCY = "latency"
    TIMEOUT_BEFORE = "timeout_before"
    TIMEOUT_AFTER = "timeout_after"
    LATE_COMMIT = "late_commit"
    HTTP_500 = "http_500"
    HTTP_502_HTML = "http_502_html"
    HTTP_503 = "http_503"
    HTTP_429 = "http_429"
    GARBAGE = "garbage"
    CUT_BODY = "cut_body"
    WRONG_TYPE = "wrong_type"
    WRONG_SIGNATURE = "wrong_signature"
    WEBHOOK_DROP = "webhook_drop"
    WEBHOOK_DUPLICATE = "webhook_duplicate"
    WEBHOOK_REORDER = "webhook_reorder"
    WEBHOOK_DELAY = "webhook_delay"
    WEBHOOK_BAD_SIGNATURE = "webhook_bad_signature"
    WEBHOOK_SIMULTANEOUS = "webhook_simultaneous"


#: Those that no call meets.
OF_WEBHOOKS = frozenset(fault for fault in Fault if fault.startswith("webhook_"))


#: What the charge of a payment meets whose plan has this outcome for the gateway's stage, at its first gateway.
PLANNED: Mapping[str, Fault] = {
    "refuse": Fault.REFUSE,
    "refuse_always": Fault.REFUSE,
    "http_500": Fault.HTTP_500,
    "http_503": Fault.HTTP_503,
    "garbage": Fault.GARBAGE,
    "wrong_signature": Fault.WRONG_SIGNATURE,
    "latency": Fault.LATENCY,
}
#: Outcomes after which an executed charge's answer is lost in the gateway itself, and on the way.
SILENT = frozenset({"noresponse", "noresponsefail"})
EXECUTED = frozenset({"http_500", "garbage", "wrong_signature"})
#: The only one that more than the first charge meets.
ALWAYS = "refuse_always"
_LATENCY_MS = 6_000


def planned_fault(gateway: str, outcome: str, try_no: int) -> FaultRule | None:
    """The fault that a charge meets by its payment's plan; None where it meets none."""
    if outcome not in PLANNED or (try_no > 1 and outcome != ALWAYS):
        return None
    return FaultRule(0, gateway, PLANNED[outcome], None, None, 1, _LATENCY_MS, None, 0)


class FaultRule(Struct, frozen=True):
    """
    Calls of a gateway that meet a fault.

    `operation` None is any; `times` is what is left, None for always; `expires_at` by the seller's clock;
    `latency_ms` of LATENCY.
    """

    fault_id: int
    gateway: str
    fault: Fault
    operation: Operation | None
    times: int | None
    probability: float
    latency_ms: int
    expires_at: int | None
    created_at: int

    def left(self, now: int) -> bool:
        """Whether a call may still meet it."""
        return self.times != 0 and (self.expires_at is None or now < self.expires_at)

    @property
    def is_outage(self) -> bool:
        """Whether no call at all gets through, until it is over."""
        return self.fault is Fault.REFUSE and self.operation is None and self.times is None and self.probability == 1

    def fits(self, operation: Operation, now: int, dice: float) -> bool:
        """Whether a call meets it; `dice` from 0 up to, not including, 1."""
        return self.operation in {None, operation} and self.left(now) and dice < self.probability

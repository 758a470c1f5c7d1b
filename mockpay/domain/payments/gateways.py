"""The gateway port: what is asked of a payment gateway and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from mockpay.kernel.http.calls import Sender
from mockpay.kernel.money import Money

# --- what is asked


class Operation(StrEnum):
    """What a gateway is asked to do, in the words of its calls."""

    #: Names the payment at the gateway before any money is asked for.
    PREPARE = "PREPARE"
    CHARGE = "CHARGE"
    AUTHORIZE = "AUTHORIZE"
    CAPTURE = "CAPTURE"
    VOID = "VOID"
    REFUND = "REFUND"
    #: What became of an operation, by the gateway's own ids or, where they are not known, by our reference.
    STATUS = "STATUS"
    LOOKUP = "LOOKUP"
    #: Makes a late arrival of what was asked before harmless.
    FENCE = "FENCE"


#: Those that take or secure a buyer's money.
PAYING = frozenset({Operation.CHARGE, Operation.AUTHORIZE})


@dataclass(frozen=True, slots=True)
class Charge:
    """
    Money to be taken, and all that the calls about it need later.

    `idempotency_key` is the same for every resend of one attempt to one gateway; `planned` is the outcome that the
    attempt's plan has for the issuer, or what the bank's own book says by now; `fault` the plan of the gateway's
    stage; `agreed` whether a scenario asked for the outcome, and `patience_ms` how long a simulated buyer takes
    otherwise; `approved` that they have approved at their app or bank. `secret` is the instrument's secret part: never
    stored, logged or shown. `delay_ms` is how long a pending outcome takes, `ids` what the gateway calls its objects of
    this attempt.
    """

    attempt_id: str
    seller_id: str
    amount: Money
    method: str
    instrument: Mapping[str, str]
    idempotency_key: str
    planned: str
    agreed: bool
    patience_ms: int
    fault: str = "success"
    secret: Mapping[str, str] = field(default_factory=dict, repr=False)
    delay_ms: int = 0
    approved: bool = False
    ids: Mapping[str, str] = field(default_factory=dict)


# --- what is answered


class ResultKind(StrEnum):
    """
    What is known after a call.

    NOT_SENT: nobody was asked. REJECTED: it was not executed. NO_ANSWER is no failure: money may have moved.
    AUTH_REQUIRED: the buyer must act. ABSENT: of a look-up alone, the gateway has no such payment.
    """

    APPROVED = "approved"
    AUTHORIZED = "authorized"
    DECLINED = "declined"
    PENDING = "pending"
    AUTH_REQUIRED = "auth_required"
    NO_ANSWER = "no_answer"
    NOT_SENT = "not_sent"
    REJECTED = "rejected"
    ABSENT = "absent"


class Exchange(Struct, frozen=True):
    """
    One request and its answer as they may be stored: redacted by the company's allow-list; `status` 0 for none.

    `string_to_sign` is what the signature of the request, or of a webhook, covers, `answer_string_to_sign` the same of
    the answer; None where it is not signed. What is hidden beside it is hidden in it.
    """

    method: str
    url: str
    request_headers: Mapping[str, str]
    request: object
    status: int = 0
    answer_headers: Mapping[str, str] = {}
    answer: object = None
    latency_ms: int = 0
    string_to_sign: str | None = None
    answer_string_to_sign: str | None = None


class Result(Struct, frozen=True):
    """
    A gateway's answer.

    `code` is the network's response code; `answer_in_ms` how long after an AUTH_REQUIRED or PENDING the network
    itself will answer, None where only the buyer can. `ids` are the gateway's names of its objects, `raw_code` and
    `message` its own words. `retry_after_ms` and `may_retry` are what the answer says of asking again, None where it
    says nothing; `elsewhere` tells that asking the same gateway again is no use, but another one may do better.
    """

    kind: ResultKind
    code: str
    reference: str | None = None
    answer_in_ms: int | None = None
    ids: Mapping[str, str] = {}
    raw_code: str | None = None
    message: str | None = None
    retry_after_ms: int | None = None
    may_retry: bool | None = None
    elsewhere: bool = False
    exchange: Exchange | None = None


# --- who is asked


class Gateway(Protocol):
    """The built-in gateway: it decides by the attempt's plan, and nothing of it leaves the process."""

    name: str

    def charge(self, charge: Charge) -> Result:
        """Ask for the money; never raises for a decline."""
        ...

    def enquire(self, charge: Charge, times: int) -> Result:
        """Ask what became of a charge, for the n-th time."""
        ...


class Capabilities(Struct, frozen=True):
    """
    What a gateway can do.

    Args:
        methods: Methods of payment, by code.
        partial_capture: Whether less than what was authorised may be captured.
        void: Whether a hold can be released; else it lapses by itself.
        anchored: Whether an object that was prepared takes money once at most, so that asking again for it is safe.
        idempotent_charge: Whether the same key again is the same charge.
        fence: Whether a late arrival can be made harmless.
        signature_field: The field of a charge's answer that signs it, a JSON object; None where no answer is signed.
    """

    methods: frozenset[str]
    currencies: frozenset[str] = frozenset({"INR"})
    partial_capture: bool = False
    void: bool = False
    anchored: bool = False
    idempotent_charge: bool = False
    fence: bool = False
    signature_field: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """How a gateway is reached for one seller; whoever sends is in process or speaks HTTP."""

    base_url: str
    sender: Sender
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 10.0


class Webhook(Struct, frozen=True):
    """
    A verified message of a gateway's: `event_id` is the same however often it comes.

    `reference` is our own name of the payment or the gateway's; `operation` STATUS tells of the payment itself, REFUND
    of the refund that ``result.ids["refund"]`` names. `content` is what of the message may be stored, and
    `string_to_sign` what its signature covers, without what is hidden.
    """

    event_id: str
    reference: str
    operation: Operation
    result: Result
    content: object = None
    string_to_sign: str | None = None


class GatewayAdapter(Protocol):
    """
    A company that processes for us at the back, in its own wire format.

    Each method is one call and one answer, and none raises for what a gateway may answer.
    """

    name: str
    capabilities: Capabilities

    def credentials(self, seller_id: str, seller_secret: str) -> Mapping[str, str]:
        """What the company would have issued to a seller."""
        ...

    def prepare(self, charge: Charge, link: Link, *, capture: bool) -> Result | None:
        """Name the payment at the gateway; None where it needs no name beforehand. Moves no money."""
        ...

    def charge(self, charge: Charge, link: Link) -> Result:
        """Take the money."""
        ...

    def authorize(self, charge: Charge, link: Link) -> Result:
        """Secure the money for a later capture."""
        ...

    def capture(self, charge: Charge, minor: int, link: Link) -> Result:
        """Take what was secured."""
        ...

    def void(self, charge: Charge, link: Link, /) -> Result:
        """Release what was secured."""
        ...

    def refund(self, charge: Charge, minor: int, key: str, link: Link) -> Result:
        """Send captured money back; the same key again is the same refund."""
        ...

    def refund_status(self, charge: Charge, link: Link) -> Result:
        """What became of the refund that ``charge.ids["refund"]`` names."""
        ...

    def status(self, charge: Charge, link: Link) -> Result:
        """What became of the payment that the gateway's ids name."""
        ...

    def lookup(self, charge: Charge, link: Link) -> Result:
        """What became of a payment by our reference; ABSENT where there is none."""
        ...

    def check(self, charge: Charge, link: Link) -> Result:
        """Ask about a payment that there never was; ABSENT where the credentials are taken."""
        ...

    def fence(self, charge: Charge, link: Link, /) -> Result:
        """Make a late arrival harmless; APPROVED where that is certain."""
        ...

    def parse_webhook(self, headers: Mapping[str, str], body: bytes, credentials: Mapping[str, str]) -> Webhook | None:
        """
        A message of the company's; None where it is about nothing that is asked for here.

        Raises:
            Forbidden: code ``webhook.signature``.
            Invalid: code ``webhook.malformed``.
        """
        ...

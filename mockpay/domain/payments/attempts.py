"""An attempt (one try to take an order's money with one instrument), its states, and its plan of what it will meet."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from mockpay.domain.payments.routing import DEFAULT, RoutingDecision
from mockpay.domain.timeline import Machine, steps
from mockpay.kernel.money import Money

# --- plans


class Stage(StrEnum):
    """Where in a payment a scenario acts; a magic value acts on exactly one."""

    RISK = "risk"
    AUTH = "auth"
    ISSUER = "issuer"
    GATEWAY = "gateway"
    CAPTURE = "capture"
    REDIRECT = "redirect"
    IPN = "ipn"
    VERIFY = "verify"
    REFUND = "refund"


class Source(StrEnum):
    """What may decide a stage: scenarios, which plan it, and what happens after the plan."""

    RULE = "rule"
    SIMULATION = "simulation"
    INSTRUMENT = "instrument"
    AMOUNT = "amount"
    DEFAULT = "default"
    #: What the company that is called does where nobody asks for anything else.
    COMPANY = "company"
    SUCCESS = "success"
    #: A rule of the risk check.
    RISK_RULE = "risk_rule"
    #: A magic one-time password, PIN or user name, typed where the buyer is asked for one.
    CODE = "code"
    #: What the buyer pressed or typed otherwise.
    BUYER = "buyer"
    #: Codes that were typed wrong for another order.
    LOCK = "lock"
    #: What the buyer's balance holds.
    BALANCE = "balance"
    TESTER = "tester"
    #: A call of the seller's own software.
    SELLER = "seller"
    #: Nobody did anything in time.
    CLOCK = "clock"


#: Who plans a stage, highest first; the other sources speak after the plan.
PLANNERS = (
    Source.RULE,
    Source.SIMULATION,
    Source.INSTRUMENT,
    Source.AMOUNT,
    Source.DEFAULT,
    Source.COMPANY,
    Source.SUCCESS,
)


class Decision(Struct, frozen=True):
    """
    What one stage will meet, or has met, and who decided.

    `scenario` names the row of the table or the rule; `value` is what matched it, or what the buyer did in words;
    `delay_seconds` is when a later answer comes, where the scenario says that too; `facts` is what a rule counted.
    """

    outcome: str
    source: Source
    scenario: str | None = None
    value: str | None = None
    delay_seconds: int | None = None
    facts: Mapping[str, int | str] | None = None


NORMAL = Decision("success", Source.SUCCESS)


class Plan(Struct, frozen=True):
    """The decisions of all stages that are not simply normal."""

    decisions: Mapping[Stage, Decision] = {}

    def at(self, stage: Stage) -> Decision:
        """What this stage will meet."""
        return self.decisions.get(stage, NORMAL)

    def decides(self, stage: Stage) -> bool:
        """Whether a scenario decided this stage."""
        return stage in self.decisions

    @property
    def scenario(self) -> str | None:
        """The scenario that decided first; None where everything was normal."""
        return next((d.scenario for d in self.decisions.values() if d.scenario), None)

    @property
    def payment_scenario(self) -> str | None:
        """The same of a payment, which may know already what its refunds will meet."""
        return Plan({stage: made for stage, made in self.decisions.items() if stage is not Stage.REFUND}).scenario

    def plus(self, stage: Stage, decision: Decision) -> Plan:
        """The same with another decision for one stage."""
        return Plan({**self.decisions, stage: decision})

    def dump(self) -> dict[str, object]:
        """As plain values, for the store and the control API."""
        return {
            str(stage): {name: value for name, value in asdict(decision).items() if name != "facts" or value}
            for stage, decision in self.decisions.items()
        }

    @classmethod
    def load(cls, plain: Mapping[str, Mapping[str, Any]]) -> Plan:
        """Read what `dump` wrote."""
        return cls({Stage(stage): _decision(values) for stage, values in plain.items()})


def _decision(plain: Mapping[str, Any]) -> Decision:
    return Decision(**{**plain, "source": Source(plain["source"])})


# --- attempts


class AttemptState(StrEnum):
    """UNKNOWN is a state of its own: money may have moved."""

    CREATED = "CREATED"
    RISK_REVIEW = "RISK_REVIEW"
    AUTH_PENDING = "AUTH_PENDING"
    AUTHENTICATED = "AUTHENTICATED"
    PROCESSING = "PROCESSING"
    PENDING = "PENDING"
    UNKNOWN = "UNKNOWN"
    AUTHORIZED = "AUTHORIZED"
    CAPTURED = "CAPTURED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    VOIDED = "VOIDED"
    REVERSED = "REVERSED"


_S = AttemptState

TERMINAL = frozenset({_S.CAPTURED, _S.FAILED, _S.CANCELLED, _S.EXPIRED, _S.VOIDED, _S.REVERSED})
LIVE = frozenset(_S) - TERMINAL
#: Those of an attempt that took no money, or gave it back: its order may be tried again.
UNPAID_ENDS = TERMINAL - {_S.CAPTURED}
#: In these the money was there for a moment at least.
_FUNDED = frozenset({_S.AUTHORIZED, _S.CAPTURED, _S.VOIDED, _S.REVERSED})
#: Outcomes of the gateway's stage that the first gateway declines with; the built-in one is never out of reach.
_DECLINING, _OUT_OF_REACH = frozenset({"technical_decline"}), frozenset({"refuse_always"})
_TECHNICAL_DECLINE = "iso:96"
#: Steps of a failure that come before anybody is asked for money.
BEFORE_MONEY = frozenset({"payment_authentication", "payment_initiation"})
#: While an attempt is in one of these, its order can neither be cancelled nor expire.
HOLDS_ORDER = frozenset({_S.PROCESSING, _S.UNKNOWN, _S.AUTHORIZED, _S.AUTHENTICATED})

#: facts, section 12.2, without what nothing here can do: while AUTHENTICATED, PROCESSING or UNKNOWN holds the order, it
#: neither ends nor finds the order closed.
ATTEMPT: Machine[AttemptState] = Machine(
    "attempt",
    {
        **steps(
            [_S.CREATED],
            risk_decline=_S.FAILED,
            risk_review=_S.RISK_REVIEW,
            auth_required=_S.AUTH_PENDING,
            no_auth_needed=_S.AUTHENTICATED,
            validation_error=_S.FAILED,
            cancel=_S.CANCELLED,
            timeout=_S.EXPIRED,
        ),
        **steps(
            [_S.RISK_REVIEW],
            approve_to_auth=_S.AUTH_PENDING,
            approve=_S.AUTHENTICATED,
            reject=_S.FAILED,
            timeout=_S.EXPIRED,
            cancel=_S.CANCELLED,
        ),
        **steps(
            [_S.AUTH_PENDING],
            auth_ok=_S.AUTHENTICATED,
            auth_unavailable=_S.AUTHENTICATED,
            auth_fail=_S.FAILED,
            cancel=_S.CANCELLED,
            timeout=_S.EXPIRED,
            left_pending=_S.PENDING,
        ),
        **steps([_S.AUTHENTICATED], submit=_S.PROCESSING),
        **steps(
            [_S.PROCESSING],
            approved=_S.AUTHORIZED,
            approved_and_captured=_S.CAPTURED,
            declined=_S.FAILED,
            pending=_S.PENDING,
            no_answer=_S.UNKNOWN,
            soft_decline_sca=_S.AUTH_PENDING,
            failover=_S.PROCESSING,
        ),
        **steps(
            [_S.PENDING],
            resolved_success=_S.CAPTURED,
            resolved_authorized=_S.AUTHORIZED,
            resolved_too_late=_S.REVERSED,
            resolved_failure=_S.FAILED,
            stuck=_S.UNKNOWN,
        ),
        **steps(
            [_S.UNKNOWN],
            found_success=_S.CAPTURED,
            found_authorized=_S.AUTHORIZED,
            found_failure=_S.FAILED,
            not_found=_S.FAILED,
            gave_up=_S.REVERSED,
        ),
        **steps([_S.AUTHORIZED], capture=_S.CAPTURED, capture_failed=_S.AUTHORIZED),
        **steps([_S.AUTHORIZED], void=_S.VOIDED, auth_expiry=_S.VOIDED),
        **steps([_S.CAPTURED], reverse=_S.REVERSED),
        **steps([_S.FAILED, _S.EXPIRED, _S.CANCELLED], late_success=_S.REVERSED),
        **steps([_S.FAILED, _S.EXPIRED], late_authorized=_S.AUTHORIZED),
    },
)


class Auth(StrEnum):
    """Who has the turn while an attempt is AUTH_PENDING."""

    #: The payment page asks for a one-time password.
    OTP = "otp"
    #: The card's issuer asks, by 3-D Secure.
    THREEDS = "3ds"
    #: Authenticated; the gateway is to be asked.
    PASSED = "passed"
    #: The method's own app or bank page asks.
    METHOD = "method"


class Failure(Struct, frozen=True):
    """Why an attempt failed, in the four parts that the field uses; `code` is the network's."""

    source: str
    step: str
    reason: str
    code: str


class Attempt(Struct, frozen=True):
    """
    One attempt as stored; instants in ms, amounts in paise.

    `decisions` are those that were made after the plan, by whoever overruled it or spoke where it had nothing to say.
    `auth` says whose turn it is while the buyer is asked; `buyer_id` who is signed in,
    `saved_token` the saved method that pays, and `consent` the yes to saving the instrument once it has paid.
    `routing` is why `gateway` takes it, where a rule of the seller's was asked; `external_ids` what that gateway calls
    its objects.
    """

    attempt_id: str
    order_pk: int
    seller_id: str
    number: int
    method: str
    state: AttemptState
    amount: Money
    captured_minor: int
    refund_reserved_minor: int
    instrument: Mapping[str, str]
    plan: Plan
    decisions: Plan
    scenario: str | None
    gateway: str
    reference: str | None
    failure: Failure | None
    eci: str | None
    liability: str | None
    auth: Auth | None
    buyer_id: str | None
    saved_token: str | None
    consent: Mapping[str, object] | None
    created_at: int
    updated_at: int
    answer_by: int | None
    routing: RoutingDecision | None = None
    external_ids: Mapping[str, str] | None = None

    @property
    def live(self) -> bool:
        """Whether its end is still to come."""
        return self.state in LIVE

    @property
    def funded(self) -> bool:
        """Whether the money was there for a moment at least."""
        return self.state in _FUNDED

    @property
    def captured(self) -> Money:
        """What was taken of it, though it may have gone back since."""
        return Money(self.captured_minor, self.amount.currency)

    @property
    def refundable(self) -> Money:
        """What was captured and is not on its way back."""
        refundable = self.captured_minor - self.refund_reserved_minor if self.state is AttemptState.CAPTURED else 0
        return Money(refundable, self.amount.currency)

    @property
    def reason(self) -> str | None:
        """The failure's reason, where it failed."""
        return self.failure.reason if self.failure else None

    @property
    def reached_stages(self) -> frozenset[Stage]:
        """The stages that it came to; what the plan has for any other was never met."""
        failed, stages = self.failure, {Stage.RISK}
        if self.auth is not None:
            stages.add(Stage.AUTH)
        bank_asked = self.reference is not None or (failed is not None and failed.step not in BEFORE_MONEY)
        if self.state in _FUNDED or (bank_asked and self.state is not AttemptState.CANCELLED):
            stages |= {Stage.ISSUER, Stage.GATEWAY}
        if self.state in _FUNDED:
            stages.add(Stage.CAPTURE)
        if self.state in _FUNDED or not self.live:
            stages |= {Stage.REDIRECT, Stage.IPN, Stage.VERIFY}
        return frozenset(stages)

    @property
    def stage_decisions(self) -> Mapping[Stage, Decision]:
        """Who decided each stage that it came to and that was not simply normal, in the order of the stages."""
        reached = self.reached_stages
        planned = {stage: decision for stage, decision in self.plan.decisions.items() if stage in reached}
        decisions = {**planned, **self.decisions.decisions}
        return {stage: decisions[stage] for stage in Stage if stage in decisions}

    def decision_changes(self, stage: Stage, decision: Decision) -> dict[str, Any]:
        """The fields that a decision made after the plan changes."""
        return {"decisions": self.decisions.plus(stage, decision)}

    @property
    def at_first_gateway(self) -> bool:
        """Whether the gateway that was chosen has it, and not one that it went on to."""
        return self.routing is None or self.gateway == self.routing.chosen

    @property
    def issuer_outcome(self) -> str:
        """What the plan has for the issuer's stage, or the technical decline that it has for this gateway."""
        if self.at_first_gateway and self.plan.at(Stage.GATEWAY).outcome in self._declines:
            return _TECHNICAL_DECLINE
        return self.plan.at(Stage.ISSUER).outcome

    @property
    def _declines(self) -> frozenset[str]:
        """Outcomes of the gateway's stage by which it declines; the built-in one cannot be out of reach."""
        return _DECLINING | _OUT_OF_REACH if self.gateway == DEFAULT else _DECLINING

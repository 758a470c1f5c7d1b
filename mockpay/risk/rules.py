"""
Risk: what is known of an attempt, and what its rules make of it.

All rules are looked at; the strictest one decides.  Source: facts on the buyer's side, section 7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from mockpay.kernel.clock import SECOND
from mockpay.kernel.money import Money

MINUTE = 60 * SECOND
TEN_MINUTES = 10 * MINUTE
HOUR = 60 * MINUTE
#: What a buyer is told where the risk check declined; the rules are nobody's business.
DECLINED_REASON = "payment_risk_check_failed"
_MOST_SCORE = 100


class Verdict(StrEnum):
    """What is to become of an attempt, the mildest first."""

    ALLOW = "ALLOW"
    CHALLENGE = "CHALLENGE"
    REVIEW = "REVIEW"
    DECLINE = "DECLINE"


_SEVERITY = {verdict: place for place, verdict in enumerate(Verdict)}


def strictest(verdicts: Iterable[Verdict]) -> Verdict:
    """The one that decides; ALLOW where there is none."""
    return max(verdicts, key=_SEVERITY.__getitem__, default=Verdict.ALLOW)


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What the rules may look at of one attempt; None where nobody told.

    `card` is masked (``411111…1111``), `fingerprint` a keyed one; `highest` means that a
    scenario gives it the highest score.
    """

    amount: Money
    method: str
    fingerprint: str | None = None
    card: str | None = None
    country: str | None = None
    holder: str | None = None
    vpa: str | None = None
    ip: str | None = None
    device: str | None = None
    email: str | None = None
    buyer_id: str | None = None
    buyer_name: str | None = None
    highest: bool = False

    @property
    def bin(self) -> str | None:
        """The card's first six digits."""
        return self.card[:6] if self.card else None

    @property
    def buyer(self) -> str | None:
        """Whose amounts are added up: a guest's by e-mail."""
        return self.buyer_id or self.email

    @property
    def masked_vpa(self) -> str:
        """The UPI ID as explanations show it: ``as…@okbank``."""
        local, _, handle = (self.vpa or "").partition("@")
        return f"{local[:2] if len(local) > 2 else local[:1]}…@{handle}"


@dataclass(frozen=True, slots=True)
class Counts:
    """
    What happened before this attempt, within the windows that the rules look back.

    Numbers stop at a little more than the highest limit; `device_cards` are other cards.
    `buyer_minor` is what the buyer tried to pay, without what was declined.
    """

    card_minute: int = 0
    card_hour: int = 0
    vpa_minute: int = 0
    ip_minute: int = 0
    ip_declines: int = 0
    device_seen: int = 0
    device_cards: int = 0
    buyer_minor: int = 0
    buyer_paid: int = 0


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that spoke: what it saw against which limit, and why in words without secrets."""

    rule: str
    version: int
    outcome: Verdict
    weight: int
    reason_code: str
    explain: str
    observed: int | str
    limit: int | str


@dataclass(frozen=True, slots=True)
class Assessment:
    """The decision on one attempt, a score from 0 to 100, and every rule that spoke."""

    decision: Verdict = Verdict.ALLOW
    score: int = 0
    hits: tuple[Hit, ...] = ()


class Rule(Protocol):
    """One line of the rules; a name may have several, for several outcomes."""

    @property
    def name(self) -> str:
        """How settings and hits call it."""
        ...

    def hit(self, facts: Facts, counts: Counts, /) -> Hit | None:
        """What it says of an attempt; None where it is content."""
        ...


@dataclass(frozen=True, slots=True)
class RuleAction:
    """What a rule says when it speaks; `says` may name observed, limit, card, vpa, ip, device."""

    outcome: Verdict
    weight: int
    reason_code: str
    says: str
    version: int = 1

    def hit(self, name: str, facts: Facts, observed: int | str, limit: int | str) -> Hit:
        """Speak."""
        explain = self.says.format(
            observed=observed, limit=limit, card=facts.card, vpa=facts.masked_vpa, ip=facts.ip, device=facts.device
        )
        return Hit(name, self.version, self.outcome, self.weight, self.reason_code, explain, observed, limit)


@dataclass(frozen=True, slots=True)
class LimitRule:
    """
    A number and its limit: speaks above it, an `inclusive` one also at it.

    `observe` gives None where there is nothing to count.  Money is in paise.
    """

    name: str
    voice: RuleAction
    limit: int
    observe: Callable[[Facts, Counts], int | None]
    inclusive: bool = False
    money: bool = False

    def hit(self, facts: Facts, counts: Counts, /) -> Hit | None:
        """Speak where the number is too high."""
        observed = self.observe(facts, counts)
        if observed is None or observed < self.limit + (not self.inclusive):
            return None
        if self.money:
            return self.voice.hit(self.name, facts, Money(observed).wire(), Money(self.limit).wire())
        return self.voice.hit(self.name, facts, observed, self.limit)


@dataclass(frozen=True, slots=True)
class ListRule:
    """A list that a value must not be on; an entry may begin or end with ``*``."""

    name: str
    voice: RuleAction
    entries: frozenset[str]
    value: Callable[[Facts], str | None]

    def hit(self, facts: Facts, _counts: Counts, /) -> Hit | None:
        """Speak where the value is on the list."""
        value = self.value(facts)
        if value is None:
            return None
        found = next((entry for entry in self.entries if _fits(entry, value)), None)
        return self.voice.hit(self.name, facts, "listed", found) if found else None


def _fits(entry: str, value: str) -> bool:
    if "*" not in entry:
        return entry == value
    head, tail = entry.split("*", 1)
    if "*" in tail:  # ``*.rzp@*``
        return tail.rstrip("*") in value
    return value.startswith(head) and value.endswith(tail)


@dataclass(frozen=True, slots=True)
class ConditionRule:
    """Something that is so or not; `notice` gives what was seen and what was expected."""

    name: str
    voice: RuleAction
    notice: Callable[[Facts, Counts], tuple[str, str] | None]

    def hit(self, facts: Facts, counts: Counts, /) -> Hit | None:
        """Speak where something is noticed."""
        found = self.notice(facts, counts)
        return self.voice.hit(self.name, facts, *found) if found else None


@dataclass(frozen=True, slots=True)
class PresetDecision:
    """A decision that was made beforehand: by a scenario, or by a tester's force."""

    verdict: Verdict
    rule: str
    reason_code: str
    explain: str

    def hit(self) -> Hit:
        """As it is told among the hits."""
        weight = _WEIGHTS[self.verdict]
        words = (self.reason_code, self.explain, str(self.verdict), "")
        return Hit(self.rule, 1, self.verdict, weight, *words)


_WEIGHTS = {Verdict.ALLOW: 0, Verdict.CHALLENGE: 30, Verdict.REVIEW: 60, Verdict.DECLINE: 100}
#: Not even a decision to allow goes before these.
_INSTRUMENT_BLOCKS = frozenset({"BIN_BLOCK", "VPA_BLOCK"})
_CLEAN = Assessment()


def assess(rules: Iterable[Rule], facts: Facts, counts: Counts, decided: PresetDecision | None = None) -> Assessment:
    """
    Look at every rule.

    What was decided beforehand is the decision, whatever the rules say; but to allow does not
    lift the block of an instrument.
    """
    hits = [hit for rule in rules if (hit := rule.hit(facts, counts)) is not None]
    if not hits and decided is None:
        return _CLEAN
    # A rule that speaks for two reasons to one end counts once.
    once = tuple({(hit.rule, hit.outcome): hit for hit in reversed(hits)}.values())[::-1]
    score = min(sum(hit.weight for hit in once), _MOST_SCORE)
    if decided is None:
        return Assessment(strictest(hit.outcome for hit in once), score, once)
    blocks = (hit.outcome for hit in once if hit.rule in _INSTRUMENT_BLOCKS)
    allowed = decided.verdict is Verdict.ALLOW
    decision = strictest(blocks) if allowed else decided.verdict
    score = min(score + decided.hit().weight, _MOST_SCORE)
    return Assessment(decision, score, (decided.hit(), *once))

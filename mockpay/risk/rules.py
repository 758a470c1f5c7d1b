"""
Risk: what is known of an attempt, the kinds of rule, the published rules, and a seller's changes to them.

All rules are looked at; the strictest one decides.  Source: facts on the buyer's side, section 7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from mockpay.domain.scenarios.risk import BLOCKED_VPAS, country_of, listed
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Invalid
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


class Facts(Struct, frozen=True):
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


class Counts(Struct, frozen=True):
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


class Hit(Struct, frozen=True):
    """A rule that spoke: what it saw against which limit, and why in words without secrets."""

    rule: str
    version: int
    outcome: Verdict
    weight: int
    reason_code: str
    explain: str
    observed: int | str
    limit: int | str


class Assessment(Struct, frozen=True):
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


class RuleAction(Struct, frozen=True):
    """What a rule says when it speaks; `explanation` may name observed, limit, card, vpa, ip, device."""

    outcome: Verdict
    weight: int
    reason_code: str
    explanation: str
    version: int = 1

    def hit(self, name: str, facts: Facts, observed: int | str, limit: int | str) -> Hit:
        """Speak."""
        explain = self.explanation.format(
            observed=observed, limit=limit, card=facts.card, vpa=facts.masked_vpa, ip=facts.ip, device=facts.device
        )
        return Hit(name, self.version, self.outcome, self.weight, self.reason_code, explain, observed, limit)


class LimitRule(Struct, frozen=True):
    """
    A number and its limit: speaks above it, an `inclusive` one also at it.

    `observe` gives None where there is nothing to count.  Money is in paise.
    """

    name: str
    action: RuleAction
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
            return self.action.hit(self.name, facts, Money(observed).wire(), Money(self.limit).wire())
        return self.action.hit(self.name, facts, observed, self.limit)


class ListRule(Struct, frozen=True):
    """A list that a value must not be on; an entry may begin or end with ``*``."""

    name: str
    action: RuleAction
    entries: frozenset[str]
    value: Callable[[Facts], str | None]

    def hit(self, facts: Facts, _counts: Counts, /) -> Hit | None:
        """Speak where the value is on the list."""
        value = self.value(facts)
        if value is None:
            return None
        match = next((entry for entry in self.entries if _fits(entry, value)), None)
        return self.action.hit(self.name, facts, "listed", match) if match else None


def _fits(entry: str, value: str) -> bool:
    if "*" not in entry:
        return entry == value
    head, tail = entry.split("*", 1)
    if "*" in tail:  # ``*.rzp@*``
        return tail.rstrip("*") in value
    return value.startswith(head) and value.endswith(tail)


class ConditionRule(Struct, frozen=True):
    """Something that is so or not; `notice` gives what was seen and what was expected."""

    name: str
    action: RuleAction
    notice: Callable[[Facts, Counts], tuple[str, str] | None]

    def hit(self, facts: Facts, counts: Counts, /) -> Hit | None:
        """Speak where something is noticed."""
        difference = self.notice(facts, counts)
        return self.action.hit(self.name, facts, *difference) if difference else None


class PresetDecision(Struct, frozen=True):
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
    distinct = tuple({(hit.rule, hit.outcome): hit for hit in reversed(hits)}.values())[::-1]
    score = min(sum(hit.weight for hit in distinct), _MOST_SCORE)
    if decided is None:
        return Assessment(strictest(hit.outcome for hit in distinct), score, distinct)
    blocks = (hit.outcome for hit in distinct if hit.rule in _INSTRUMENT_BLOCKS)
    allowed = decided.verdict is Verdict.ALLOW
    decision = strictest(blocks) if allowed else decided.verdict
    score = min(score + decided.hit().weight, _MOST_SCORE)
    return Assessment(decision, score, (decided.hit(), *distinct))


# --- the published rules


_INDIA = "IN"
_LONGEST_TEXT = 2000
_MOST_LIMIT = 1000


def _card_minute(facts: Facts, counts: Counts) -> int | None:
    return counts.card_minute + 1 if facts.fingerprint else None


def _card_hour(facts: Facts, counts: Counts) -> int | None:
    return counts.card_hour + 1 if facts.fingerprint else None


def _vpa_minute(facts: Facts, counts: Counts) -> int | None:
    # A magic UPI ID is a scenario, not a person: test suites pay with it all day.
    person = facts.vpa and not facts.vpa.endswith("@mockpay")
    return counts.vpa_minute + 1 if person else None


def _ip_minute(facts: Facts, counts: Counts) -> int | None:
    return counts.ip_minute + 1 if facts.ip else None


def _ip_declines(facts: Facts, counts: Counts) -> int | None:
    return counts.ip_declines if facts.ip else None


def _device_cards(facts: Facts, counts: Counts) -> int | None:
    return counts.device_cards + 1 if facts.device and facts.fingerprint else None


def _buyer_amount(facts: Facts, counts: Counts) -> int | None:
    return counts.buyer_minor + facts.amount.minor if facts.buyer else None


def _amount(facts: Facts, _counts: Counts) -> int:
    return facts.amount.minor


def _first_amount(facts: Facts, counts: Counts) -> int | None:
    """A guest is nobody's first time."""
    return facts.amount.minor if facts.buyer_id and not counts.buyer_paid else None


def _foreign(facts: Facts, _counts: Counts) -> tuple[str, str] | None:
    abroad = facts.country is not None and facts.country != _INDIA
    return (str(facts.country), _INDIA) if abroad else None


def _elsewhere(facts: Facts, _counts: Counts) -> tuple[str, str] | None:
    if facts.country is None or facts.ip is None:
        return None
    here = country_of(facts.ip)
    return (facts.country, here) if here is not None and here != facts.country else None


def _unseen_device(facts: Facts, counts: Counts) -> tuple[str, str] | None:
    """Who sends no device has none that could be new."""
    return ("first use", "seen before") if facts.device and not counts.device_seen else None


def _other_name(facts: Facts, _counts: Counts) -> tuple[str, str] | None:
    if not facts.holder or not facts.buyer_name:
        return None
    common = set(facts.holder.lower().split()) & set(facts.buyer_name.lower().split())
    return None if common else ("another name", "the buyer's name")


def _highest(facts: Facts, _counts: Counts) -> tuple[str, str] | None:
    return ("highest", "elevated") if facts.highest else None


#: What the lists are about.
_bin, _vpa, _ip, _device, _buyer_name = map(attrgetter, ("bin", "vpa", "ip", "device", "buyer_name"))


def _email_domain(facts: Facts) -> str | None:
    return facts.email.rpartition("@")[2].lower() if facts.email else None


_C, _R, _D = Verdict.CHALLENGE, Verdict.REVIEW, Verdict.DECLINE
_CARD_60 = "{observed} attempts with card {card} in 60 s (limit {limit})"
_CARD_1H = "{observed} attempts with card {card} in 1 h (limit {limit})"
_VPA_60 = "{observed} attempts with {vpa} in 60 s (limit {limit})"
_IP_60 = "{observed} attempts from {ip} in 60 s (limit {limit})"
_DECLINES = "{observed} declines from {ip} in 10 min (limit {limit})"
_CARDS = "{observed} cards on device {device} in 24 h (limit {limit})"
_SUM = "INR {observed} by one buyer in 24 h (limit {limit})"
_HIGH = "INR {observed} in one payment (limit {limit})"
_FIRST = "INR {observed} as a buyer's first payment (limit {limit})"
_ABROAD = "card issued in {observed}, not in {limit}"
_APART = "card issued in {observed}, address in {limit}"

RULES: tuple[LimitRule | ListRule | ConditionRule, ...] = (
    LimitRule("VEL_CARD", RuleAction(_C, 30, "card_velocity", _CARD_60), 3, _card_minute),
    LimitRule("VEL_CARD", RuleAction(_D, 80, "card_velocity", _CARD_1H), 10, _card_hour),
    LimitRule("VEL_VPA", RuleAction(_R, 50, "vpa_velocity", _VPA_60), 10, _vpa_minute),
    LimitRule("VEL_IP", RuleAction(_R, 40, "ip_velocity", _IP_60), 10, _ip_minute),
    LimitRule("VEL_BUYER_AMT", RuleAction(_R, 40, "buyer_amount", _SUM), 20_000_000, _buyer_amount, money=True),
    LimitRule("VEL_DECLINES", RuleAction(_D, 90, "card_testing", _DECLINES), 5, _ip_declines, inclusive=True),
    LimitRule("AMT_HIGH", RuleAction(_C, 20, "amount_high", _HIGH), 10_000_000, _amount, money=True),
    LimitRule("AMT_HIGH", RuleAction(_R, 40, "amount_high", _HIGH), 50_000_000, _amount, money=True),
    LimitRule("AMT_FIRST_TIME", RuleAction(_C, 20, "first_payment", _FIRST), 2_000_000, _first_amount, money=True),
    ConditionRule("BIN_COUNTRY", RuleAction(_C, 20, "foreign_card", _ABROAD), _foreign),
    ConditionRule("BIN_COUNTRY", RuleAction(_R, 40, "country_mismatch", _APART), _elsewhere),
    ListRule("BIN_BLOCK", RuleAction(_D, 100, "card_blocked", "card {card} is on the block list"), frozenset(), _bin),
    ListRule("VPA_BLOCK", RuleAction(_D, 100, "vpa_blocked", "{vpa} is on the block list"), BLOCKED_VPAS, _vpa),
    # A seller's own kind of address, which no buyer has: somebody poses as one.
    ListRule(
        "VPA_PATTERN", RuleAction(_R, 50, "vpa_suspicious", "{vpa} looks like a seller's"), frozenset({"*.rzp@*"}), _vpa
    ),
    ListRule("IP_BLOCK", RuleAction(_D, 100, "ip_blocked", "{ip} is on the block list"), listed("ip_block"), _ip),
    ListRule("IP_PROXY", RuleAction(_R, 40, "ip_proxy", "{ip} is a proxy's"), listed("ip_proxy"), _ip),
    ListRule(
        "DEVICE_BLOCK",
        RuleAction(_D, 100, "device_blocked", "{device} is on the block list"),
        listed("device_block"),
        _device,
    ),
    ConditionRule("DEVICE_NEW", RuleAction(_C, 15, "device_new", "first use of device {device}"), _unseen_device),
    ListRule(
        "DEVICE_NEW", RuleAction(_C, 15, "device_new", "device {device} counts as new"), listed("device_new"), _device
    ),
    LimitRule("DEVICE_MANY_CARDS", RuleAction(_D, 80, "device_cards", _CARDS), 4, _device_cards),
    ListRule(
        "DEVICE_MANY_CARDS",
        RuleAction(_D, 80, "device_cards", "too many cards on {device}"),
        listed("device_many_cards"),
        _device,
    ),
    ListRule(
        "EMAIL_DISPOSABLE",
        RuleAction(_R, 40, "email_disposable", "a throw-away mailbox ({limit})"),
        listed("email_disposable"),
        _email_domain,
    ),
    ConditionRule(
        "NAME_MISMATCH",
        RuleAction(Verdict.ALLOW, 10, "name_mismatch", "the card is not in the buyer's name"),
        _other_name,
    ),
    ListRule(
        "NAME_REVIEW",
        RuleAction(_R, 40, "name_review", "the buyer's name asks for a review"),
        listed("name_review"),
        _buyer_name,
    ),
    ConditionRule("RISK_HIGHEST", RuleAction(_D, 100, "highest_risk", "the score is the highest"), _highest),
)
#: What the setting may name.
NAMES = tuple(dict.fromkeys(rule.name for rule in RULES))


# --- a seller's rules


class RuleSet(Struct, frozen=True):
    """A seller's rules; no count needs to go beyond `most`, `first_above` is in paise."""

    rules: tuple[LimitRule | ListRule | ConditionRule, ...]
    most: int
    first_above: int | None


def _set_of(rules: tuple[LimitRule | ListRule | ConditionRule, ...]) -> RuleSet:
    limits = [rule for rule in rules if isinstance(rule, LimitRule)]
    first = [rule.limit for rule in limits if rule.name == "AMT_FIRST_TIME"]
    most = max((rule.limit for rule in limits if not rule.money), default=0) + 1
    return RuleSet(rules, most, first[0] if first else None)


_PUBLISHED = _set_of(RULES)


def rules_of(texts: Mapping[str, str]) -> RuleSet:
    """
    The rules as a seller's setting `risk_rules` changes them.

    Raises:
        Invalid: code ``settings.invalid``, field ``risk_rules``: an unknown name, a limit that
            is no number, or text for a rule that can only be on or off.
    """
    return _custom_rules(tuple(texts.items())) if texts else _PUBLISHED


@lru_cache(maxsize=64)
def _custom_rules(items: tuple[tuple[str, str], ...]) -> RuleSet:
    texts = dict(items)
    unknown = [name for name in texts if name not in NAMES]
    if unknown:
        raise _invalid_setting(unknown[0])
    rules = []
    for name in NAMES:
        text = texts.get(name, "on").strip()
        rows = [rule for rule in RULES if rule.name == name]
        if text != "off":
            rules += rows if text == "on" else _customized(name, rows, text)
    return _set_of(tuple(rules))


def _customized(
    name: str, rows: list[LimitRule | ListRule | ConditionRule], text: str
) -> list[LimitRule | ListRule | ConditionRule]:
    words = text.replace(",", " ").split()
    numbers = [row for row in rows if isinstance(row, LimitRule)]
    lists = [row for row in rows if isinstance(row, ListRule)]
    if not words or len(text) > _LONGEST_TEXT or not (numbers or lists):
        raise _invalid_setting(name)
    if numbers:
        if len(words) > len(numbers):
            raise _invalid_setting(name)
        new = {id(row): _limited(row, word) for row, word in zip(numbers, words, strict=False)}
        return [new.get(id(row), row) for row in rows]
    return [replace(row, entries=row.entries | set(words)) if isinstance(row, ListRule) else row for row in rows]


def _limited(row: LimitRule, word: str) -> LimitRule:
    if row.money:
        try:
            return replace(row, limit=Money.parse(word).minor)
        except Invalid as error:
            raise _invalid_setting(row.name) from error
    if not (word.isascii() and word.isdigit() and len(word) <= 4 and int(word) <= _MOST_LIMIT):
        raise _invalid_setting(row.name)
    return replace(row, limit=int(word))


def _invalid_setting(name: str) -> Invalid:
    message = f"The risk rule '{name}' is unknown or cannot be set like that."
    return Invalid(message, code="settings.invalid", field="risk_rules")

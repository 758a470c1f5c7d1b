"""
The rules, one row a line, and a seller's own wishes upon them.

Names, limits and outcomes: facts on the buyer's side, section 7; its lists begin with the
triggers of `magic_risk.py`.  The setting `risk_rules` maps a name to ``off``, ``on``, limits
(``5,20``; rupees where the rule counts money) or more entries of its list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from mockpay.domain.scenarios.risk import BLOCKED_VPAS, country_of, listed
from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import Money
from mockpay.risk.rules import ConditionRule, Counts, Facts, LimitRule, ListRule, RuleAction, Verdict

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


def _bin(facts: Facts) -> str | None:
    return facts.bin


def _vpa(facts: Facts) -> str | None:
    return facts.vpa


def _ip(facts: Facts) -> str | None:
    return facts.ip


def _device(facts: Facts) -> str | None:
    return facts.device


def _email_domain(facts: Facts) -> str | None:
    return facts.email.rpartition("@")[2].lower() if facts.email else None


def _buyer_name(facts: Facts) -> str | None:
    return facts.buyer_name


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


@dataclass(frozen=True, slots=True)
class RuleSet:
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


def rules_of(wishes: Mapping[str, str]) -> RuleSet:
    """
    The rules with a seller's wishes upon them.

    Raises:
        Invalid: code ``settings.invalid``, field ``risk_rules``: an unknown name, a limit that
            is no number, or text for a rule that can only be on or off.
    """
    return _custom_rules(tuple(wishes.items())) if wishes else _PUBLISHED


@lru_cache(maxsize=64)
def _custom_rules(wishes: tuple[tuple[str, str], ...]) -> RuleSet:
    texts = dict(wishes)
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

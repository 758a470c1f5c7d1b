"""What a tester's rule may say: stage, match and outcome as attempts know them, and refusals of what can never fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from mockpay.domain import notifications, refunds
from mockpay.domain.buyers import normal_email
from mockpay.domain.methods import netbanking, upi
from mockpay.domain.methods.iso8583 import ISO_CODES
from mockpay.domain.methods.method import Method
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.notifications import OF_SCENARIOS, NotificationType
from mockpay.domain.orders import OrderKind
from mockpay.domain.payments.attempts import Stage
from mockpay.domain.scenarios.after_payment import CAPTURE_EXPIRES
from mockpay.domain.scenarios.resolution import AUTH_OUTCOMES, CODE_OUTCOMES, MATCH_KEYS, knows_outcome, outcomes_of
from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import Money
from mockpay.kernel.words import parse_word, same_word, unknown_word

_LONGEST_VALUE = 255
#: What an order is known by, at every stage.
_ORDER_KEYS = frozenset({"method", "amount", "seller_order_id", "order_id"})
#: Parts of an instrument; a method has some of them.
_INSTRUMENT_KEYS = frozenset({"vpa", "bank", "last4", "email"})
_PAYMENT_KEYS, _REFUND_KEYS = _ORDER_KEYS | _INSTRUMENT_KEYS | {"kind"}, _ORDER_KEYS | {"reference"}
#: Outcomes with a number or a time in them, as they are written.
_FORMS: Mapping[Stage, tuple[str, ...]] = {
    Stage.ISSUER: ("iso:CODE", "code:CODE"),
    Stage.CAPTURE: (f"{CAPTURE_EXPIRES}MINUTES",),
    Stage.IPN: (f"{notifications.FAILS_UNTIL}NUMBER", *notifications.Misbehaviour),
    Stage.REFUND: ("delay:SECONDS", "polls:NUMBER", "at:TIME", *refunds.PLAIN_OUTCOMES),
    Stage.AUTH: tuple(AUTH_OUTCOMES),
}


def parse_rule(stage: str, match: Mapping[str, str], outcome: str) -> tuple[Stage, dict[str, str], str]:
    """
    A rule as attempts and refunds are compared with it.

    Raises:
        Invalid: code ``scenario.stage``, ``scenario.match``, ``scenario.outcome``, ``amount.invalid``,
            ``email.invalid`` or ``vpa.invalid``.
    """
    at = parse_stage(stage)
    fitting = parse_match(match, at)
    return at, fitting, parse_outcome(at, outcome, _methods_of(fitting))


def parse_stage(stage: str, *, field: str = "stage") -> Stage:
    """The stage of a name; Invalid ``scenario.stage`` where there is none."""
    return Stage(parse_word("stage", stage, Stage, code="scenario.stage", field=field, stage=stage))


def parse_match(match: Mapping[str, str], stage: Stage) -> dict[str, str]:
    """
    A match as attempts or refunds have it.

    Raises:
        Invalid: as `parse_match_value` does, and code ``scenario.match`` for keys that nothing has at once.
    """
    values = dict(parse_match_value(key, value) for key, value in match.items())
    kinds = _kinds_of(stage, values)
    best = max(kinds, key=lambda keys: len(keys & values.keys()))
    for key in values.keys() - best:
        sentence = f"Nothing at the stage '{stage}' with the rest of this match has a '{key}'."
        raise unknown_word(sentence, key, best, code="scenario.match", field=f"match.{key}", key=key)
    if not _methods_of(values):
        key = next(key for key in values if key in _INSTRUMENT_KEYS)
        method = METHODS.get(values.get("method", ""))
        sentence = (
            f"A payment by {method.title} has no '{key}'." if method else f"No payment with '{key}' has the others."
        )
        raise Invalid(sentence, code="scenario.match", field=f"match.{key}", key=key)
    return values


def _kinds_of(stage: Stage, match: Mapping[str, str]) -> Sequence[frozenset[str]]:
    """The keys of what comes to a stage: of payments, of refunds, or of the notifications of either or of an object."""
    if stage is not Stage.IPN:
        return [_REFUND_KEYS if stage is Stage.REFUND else _PAYMENT_KEYS]
    of_types: Mapping[NotificationType, frozenset[str]] = {
        NotificationType.PAYMENT: _PAYMENT_KEYS,
        NotificationType.REFUND: _REFUND_KEYS,
        NotificationType.OBJECT: frozenset(),
    }
    return [
        keys | {"notification_type"}
        for type_, keys in of_types.items()
        if match.get("notification_type", type_) == type_
    ]


def _methods_of(match: Mapping[str, str]) -> list[Method]:
    """The methods whose payments can have all of a match."""
    parts = match.keys() & _INSTRUMENT_KEYS
    return [
        method
        for code, method in METHODS.items()
        if match.get("method", code) == code and (method.match_keys is None or parts <= method.match_keys)
    ]


def parse_match_value(key: str, value: str) -> tuple[str, str]:
    """
    A key and its value as attempts have them: ``499`` is ``499.00``, a UPI ID is in lower case, ``UPI`` is ``upi``.

    Raises:
        Invalid: code ``scenario.match``, with the nearest right word, ``amount.invalid``, ``email.invalid`` or
            ``vpa.invalid``.
    """
    if key not in MATCH_KEYS:
        sentence = f"A rule cannot match on '{key[:_LONGEST_VALUE]}'."
        raise unknown_word(sentence, key, MATCH_KEYS, code="scenario.match", field=f"match.{key}", key=key)
    if not (0 < len(value) <= _LONGEST_VALUE and value.isprintable()):
        raise _bad_value(key, f"'{key}' has a value that nothing can have.")
    if key in _WORDS:
        what, words = _WORDS[key]
        return key, parse_word(what, value, words, code="scenario.match", field=f"match.{key}", key=key)
    return key, _PARSERS[key](value) if key in _PARSERS else value


def _bad_value(key: str, sentence: str) -> Invalid:
    return Invalid(sentence, code="scenario.match", field=f"match.{key}", key=key)


def _last4(value: str) -> str:
    if not (len(value) == 4 and value.isascii() and value.isdigit()):
        raise _bad_value("last4", "'last4' is the last four digits of a card's number.")
    return value


#: Keys whose values are words of a list.
_WORDS: Mapping[str, tuple[str, Iterable[str]]] = {
    "kind": ("kind", OrderKind),
    "method": ("method", METHODS),
    "notification_type": ("notification type", OF_SCENARIOS),
    "bank": ("bank", netbanking.BY_CODE),
}
#: How other values are spelt.
_PARSERS: Mapping[str, Callable[[str], str]] = {
    "amount": lambda value: Money.parse(value).wire(),
    "last4": _last4,
    "email": normal_email,
    "vpa": upi.vpa,
}


def parse_outcome(
    stage: Stage, outcome: str, methods: Iterable[Method] = METHODS.values(), *, field: str = "outcome"
) -> str:
    """
    An outcome as plans have it; a bare ISO code such as ``51`` is ``iso:51``, ``FROZEN`` is ``frozen``.

    Args:
        methods: Whose payments it is meant for.

    Raises:
        Invalid: code ``scenario.outcome``, with the nearest right word.
    """
    fitting = list(methods)
    words = _words_of(stage, fitting)
    normal = _spelling(stage, outcome, words)
    if any(_reaches(stage, normal, method) for method in fitting):
        return normal
    owner = fitting[0].response_codes.network if len(fitting) == 1 else "No network"
    title = fitting[0].title if len(fitting) < len(METHODS) else "any method"
    sentence = {
        Stage.ISSUER: f"{owner} has {'no' if len(fitting) == 1 else 'an'} outcome '{outcome}'.",
        Stage.AUTH: f"The auth stage of {title} has no outcome '{outcome}'.",
    }.get(stage, f"The {stage} stage has no outcome '{outcome}'.")
    raise unknown_word(sentence, outcome, words, code="scenario.outcome", field=field, outcome=outcome)


def _spelling(stage: Stage, outcome: str, words: Iterable[str]) -> str:
    """An outcome without regard to capitals, and an ISO code as such."""
    if stage is Stage.ISSUER and outcome in ISO_CODES:
        return f"iso:{outcome}"
    kind, colon, rest = outcome.partition(":")
    return kind.lower() + colon + rest if colon else same_word(outcome, words) or outcome


def _reaches(stage: Stage, outcome: str, method: Method) -> bool:
    """Whether a payment by this method can meet the outcome."""
    if stage is Stage.ISSUER:
        return method.response_codes.has_outcome(outcome)
    return knows_outcome(stage, outcome) and (stage is not Stage.AUTH or method.card or outcome in CODE_OUTCOMES)


def _words_of(stage: Stage, methods: Iterable[Method]) -> list[str]:
    """All outcomes of a stage for these methods, those with a number in them as a form."""
    named = {name for method in methods for name in (*outcomes_of(stage, method.code), *_FORMS.get(stage, ()))}
    fitting = list(methods)
    return sorted(name for name in named if ":" in name or any(_reaches(stage, name, method) for method in fitting))

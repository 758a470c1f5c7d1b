"""The table of magic values, the rules that wait, and the form that makes one for the next payment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import Blueprint, redirect, request, url_for
from msgspec import Struct, ValidationError, convert, structs
from msgspec.structs import replace

from mockpay.domain.methods.method import Answer, Method, Section
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.payments.attempts import Stage
from mockpay.domain.scenarios import rule_forms
from mockpay.domain.scenarios.resolution import (
    MATCH_KEYS,
    PAYMENT_STAGES,
    REFUND_STAGES,
    TABLE,
    Input,
    Row,
    Rule,
    check_outcome,
    outcomes_of,
)
from mockpay.kernel.errors import Invalid, MockpayError
from mockpay.kernel.words import parse_word
from mockpay.services import scenarios as services
from mockpay.store import scenarios as rules
from mockpay.store.unit_of_work import Runtime, Sandbox, read, transaction
from mockpay.web.control.scenarios import ScenarioRuleCreate
from mockpay.web.dashboard.layout import render
from mockpay.web.wording.sentences import span

#: What a rule can decide, each stage once.
_STAGES = tuple(dict.fromkeys((*PAYMENT_STAGES, *REFUND_STAGES)))
_AMOUNTS: Mapping[Stage, tuple[str, str]] = {
    Stage.ISSUER: ("what the issuer answers", "Paise are the code."),
    Stage.GATEWAY: ("the gateway", "What its calls meet; the built-in one shows how each ends."),
    Stage.REDIRECT: ("the way back", "The payment succeeds."),
    Stage.AUTH: ("3-D Secure", "Of any card."),
    Stage.RISK: ("the risk check", "Before anybody is asked."),
    Stage.CAPTURE: ("the capture", "After the money was authorised."),
    Stage.IPN: ("notifications", "The payment succeeds; what is told of it does not."),
    Stage.VERIFY: ("the order’s status", "What the seller’s own question meets."),
}
#: Sections that belong to no method.
_GENERAL: tuple[Section, ...] = (
    *(
        Section(
            title=f"Amounts: {title}",
            anchor=str(stage),
            description=description,
            inputs=frozenset({Input.AMOUNT}),
            prefix=f"amount.{stage}.",
        )
        for stage, (title, description) in _AMOUNTS.items()
    ),
    Section(
        title="Amounts: refunds",
        anchor="refund",
        description="24.CC of a refund, 1705.CC of an order that is refunded in full.",
        inputs=frozenset({Input.REFUND_AMOUNT, Input.REFUND_OF}),
    ),
    Section(
        title="One-time codes",
        anchor="otp",
        description="Typed on any page that asks for one, at the card’s issuer too.",
        inputs=frozenset({Input.OTP}),
    ),
    Section(title="Buyers and devices", anchor="more", description="What the risk check knows.", inputs=frozenset()),
)


#: What a rule may match on beside the method, in words.
_MATCH_LABELS = {
    "kind": "Kind: payment, topup or reload",
    "amount": "Amount",
    "vpa": "UPI ID",
    "bank": "Bank, by its code",
    "last4": "Last four of the card",
    "email": "Buyer’s e-mail",
    "seller_order_id": "Seller’s order id",
    "order_id": "Order id",
    "notification_type": "Notification: payment, refund or object",
    "reference": "Refund’s reference",
}
_MATCH_FIELDS = sorted(MATCH_KEYS - {"method"}, key=lambda key: [*_MATCH_LABELS, key].index(key))
#: Fields of a rule that are numbers: what may be typed.
_NUMBERS = {
    "times": "A whole number from 1 to 1000000; empty for every time.",
    "probability": "A number from 0 to 1, such as 0.5 for every second payment.",
    "ttl_seconds": "Whole seconds, from 1 to 31536000; empty for no end.",
}


class Line(Struct, frozen=True):
    """One outcome: what is typed for it, empty where only a rule asks for it, and the form that makes the rule."""

    name: str
    value: str
    description: str
    stage: str
    origin: str
    use_url: str


class Group(Struct, frozen=True):
    """Lines under one heading; `owner` is their method in words, `fits` the methods whose payments they reach."""

    title: str
    anchor: str
    description: str
    owner: str
    fits: frozenset[str]
    lines: list[Line]

    @property
    def count(self) -> int:
        """How many lines."""
        return len(self.lines)

    def narrowed(self, method: str, stage: str, words: Iterable[str]) -> Group:
        """The same with the lines that fit a method, a stage and every word."""
        here = self.lines if not method or method in self.fits else []
        lines = [line for line in here if stage in ("", line.stage) and all(word in self._text(line) for word in words)]
        return replace(self, lines=lines)

    def _text(self, line: Line) -> str:
        head = f"{self.title} {self.description} {self.owner}"
        return f"{head} {line.value} {line.description} {line.stage} {line.origin}".casefold()


class RuleLine(Struct, frozen=True):
    """A rule in words."""

    rule_id: int
    stage: str
    match: str
    outcome: str
    left: str
    delete_url: str


def register(pages: Blueprint, runtime: Runtime) -> None:
    """Add the table, the form of a rule, and the deletion of rules."""

    @pages.get("/sellers/<seller_id>/scenarios")
    def scenarios(seller_id: str) -> str:
        with read(runtime, seller_id) as sandbox:
            return _show(runtime, sandbox)

    @pages.get("/sellers/<seller_id>/scenarios/rule")
    def rule(seller_id: str) -> str:
        defaults = {"stage": Stage.ISSUER, "times": "1", "probability": "1", **request.args.to_dict()}
        with read(runtime, seller_id) as sandbox:
            return _show_rule(runtime, sandbox, defaults, {})

    @pages.post("/sellers/<seller_id>/scenarios/rule")
    def make_rule(seller_id: str) -> Any:
        typed = {name: value.strip() for name, value in request.form.items()}
        errors = _errors(typed)
        if not errors:
            try:
                with transaction(runtime, seller_id) as sandbox:
                    services.add_rule(sandbox, **structs.asdict(_rule_of(typed)))
                return redirect(url_for("dashboard.scenarios", seller_id=seller_id, _anchor="rules"), 303)
            except MockpayError as error:
                errors = {"": error.message}
        with read(runtime, seller_id) as sandbox:
            return _show_rule(runtime, sandbox, typed, errors), 422

    @pages.post("/sellers/<seller_id>/scenarios/delete")
    def delete_rules(seller_id: str) -> Any:
        with transaction(runtime, seller_id) as sandbox:
            rules.clear(sandbox)
        return redirect(url_for("dashboard.scenarios", seller_id=seller_id), 303)

    @pages.post("/sellers/<seller_id>/scenarios/<int:rule_id>/delete")
    def delete_rule(seller_id: str, rule_id: int) -> Any:
        with transaction(runtime, seller_id) as sandbox:
            services.remove_rule(sandbox, rule_id)
        return redirect(url_for("dashboard.scenarios", seller_id=seller_id), 303)


def _show(runtime: Runtime, sandbox: Sandbox) -> str:
    filters = {name: request.args.get(name, "").strip() for name in ("q", "method", "stage")}
    choices = {
        "method": {"": "Any", **{code: method.title for code, method in METHODS.items()}},
        "stage": {"": "Any", **{str(stage): str(stage) for stage in _STAGES}},
    }
    for name, words in choices.items():
        filters[name] = parse_word(name, filters[name], words, code="filter.invalid", field=name)
    groups = [
        group.narrowed(filters["method"], filters["stage"], filters["q"].casefold().split())
        for group in _groups(sandbox.seller_id, filters["method"])
    ]
    waiting = [rule for rule in rules.waiting(sandbox) if rule.fits(rule.match, sandbox.now)]
    return render(
        runtime,
        sandbox,
        "scenarios.html",
        current="scenarios",
        chosen=filters,
        choices=choices,
        groups=[group for group in groups if group.lines],
        rules=[_rule_line(sandbox, rule) for rule in waiting],
        notes=[f"{each.title}: {each.simulation}" for each in sandbox.runtime.providers.values() if each.simulation],
        magic_amounts=sandbox.seller.settings.magic_amounts,
    )


def sections_of(table: Iterable[Row]) -> list[tuple[Method | None, Section, list[Row]]]:
    """The whole table, each row in the section that fits it best, with the method whose section it is."""
    own = [(method, section) for method in METHODS.values() for section in method.sections]
    sections: list[tuple[Method | None, Section]] = [*own, *((None, section) for section in _GENERAL)]
    rows: dict[str, list[Row]] = {section.anchor: [] for _, section in sections}
    for row in table:
        fitting = [s for _, s in sections if row.input in s.inputs and row.name.startswith(s.prefix)]
        rows[max(fitting, key=lambda s: len(s.prefix), default=_GENERAL[-1]).anchor].append(row)
    return [(method, section, rows[section.anchor]) for method, section in sections]


def _groups(seller_id: str, method_code: str) -> list[Group]:
    """All sections: of each method, with what only a rule asks for, then of every payment."""

    def use_url(method: Method | None, stage: Stage, outcome: str) -> str:
        code = method_code or (method.code if method else "")
        return url_for("dashboard.rule", seller_id=seller_id, stage=stage, outcome=outcome, method=code or None)

    def line(method: Method | None, row: Row) -> Line:
        use = use_url(method, row.stage, row.outcome) if row.active and _has_outcome(row.stage, row.outcome) else ""
        return Line(row.name, row.equals, row.description, row.stage, row.origin, use)

    groups = []
    sections = sections_of(TABLE)
    for method in (*METHODS.values(), None):
        for owner, section, rows in sections:
            if owner is method:
                lines = [line(method, row) for row in rows]
                owned_by = method.title if method else "Any method"
                groups.append(Group(section.title, section.anchor, section.description, owned_by, _fits(method), lines))
        if method is not None:
            answers = [
                Line(
                    f"{method.code}.{name}",
                    "",
                    f"{name}: {description}",
                    Stage.ISSUER,
                    "",
                    use_url(method, Stage.ISSUER, name),
                )
                for name, description in _answers(method).items()
            ]
            title, description = f"{method.title}: more answers", "No value is typed for these; a rule asks for them."
            fits = frozenset({method.code})
            groups.append(Group(title, f"{method.code}-answers", description, method.title, fits, answers))
    return groups


def _answers(method: Method) -> dict[str, str]:
    """What the issuer may answer to a method that no value of the table asks for, each answer once."""
    codes = method.response_codes
    rows = (row for owner in METHODS.values() if method.code in _fits(owner) for row in owner.rows)
    typed = {codes.answer(row.outcome) for row in rows if row.stage is Stage.ISSUER and row.active}
    names: dict[Answer, str] = {}
    for name in codes.outcomes():
        names.setdefault(codes.answer(name), name)
    return {name: codes.outcomes()[name] for answer, name in names.items() if answer not in typed}


def _fits(method: Method | None) -> frozenset[str]:
    """The methods whose payments the values of one reach: a card's also EMI, which is paid with one."""
    if method is None:
        return frozenset(METHODS)
    return frozenset(code for code, other in METHODS.items() if other is method or (method.card and other.card))


def _has_outcome(stage: Stage, outcome: str) -> bool:
    try:
        check_outcome(stage, outcome)
    except Invalid:
        return False
    return True


def _rule_line(sandbox: Sandbox, rule: Rule) -> RuleLine:
    return RuleLine(
        rule_id=rule.rule_id,
        stage=str(rule.stage),
        match=", ".join(f"{key} {value}" for key, value in rule.match.items()) or "every payment",
        outcome=rule.outcome,
        left=_left(rule, sandbox.now),
        delete_url=url_for("dashboard.delete_rule", seller_id=sandbox.seller_id, rule_id=rule.rule_id),
    )


def _left(rule: Rule, now: int) -> str:
    """How much of a rule is left: times, chance and time."""
    times = {None: "every time", 1: "once"}.get(rule.times, f"{rule.times} times")
    chance = "" if rule.probability >= 1 else f", {rule.probability:.0%} of them"
    until = "" if rule.expires_at is None else f", for {span(rule.expires_at - now)}"
    return times + chance + until


# --- the form of a rule


def _show_rule(runtime: Runtime, sandbox: Sandbox, typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    stage, method = typed.get("stage", ""), typed.get("method", "")
    return render(
        runtime,
        sandbox,
        "rule.html",
        current="scenarios",
        typed=typed,
        errors=errors,
        stages={str(stage): str(stage) for stage in _STAGES},
        methods={"": "Any method", **{code: method.title for code, method in METHODS.items()}},
        outcomes=outcomes_of(Stage(stage), method if method in METHODS else "") if stage in _STAGES else {},
        match_fields={key: _MATCH_LABELS.get(key, key) for key in _MATCH_FIELDS},
        numbers=_NUMBERS,
        unfolded=any(typed.get(name) or name in errors for name in (*_MATCH_FIELDS, "ttl_seconds"))
        or typed.get("probability", "1") != "1",
    )


def _rule_of(typed: Mapping[str, str]) -> ScenarioRuleCreate:
    """The rule that a form asks for, as the control API would be asked for it."""
    plain = {
        "stage": typed.get("stage", ""),
        "outcome": typed.get("outcome", ""),
        "match": {key: typed[key] for key in MATCH_KEYS if typed.get(key)},
        "times": typed.get("times") or None,
        **{name: typed[name] for name in ("probability", "ttl_seconds") if typed.get(name)},
    }
    return convert(plain, ScenarioRuleCreate, strict=False)


def _errors(typed: Mapping[str, str]) -> dict[str, str]:
    """All that is wrong with a form, by field: each is checked by itself, as the control API checks it."""
    errors = {}
    for name, message in _NUMBERS.items():
        try:
            _rule_of({name: typed.get(name, "")})
        except ValidationError:
            errors[name] = message
    match: dict[str, str] = {}
    for key in MATCH_KEYS:
        try:
            if typed.get(key):
                match |= [rule_forms.parse_match_value(key, typed[key])]
        except Invalid as error:
            errors[key] = error.message
    try:
        rule_forms.parse_rule(typed.get("stage", ""), match, typed.get("outcome", ""))
    except Invalid as error:
        errors[str(error.detail.get("field")).removeprefix("match.")] = error.message
    return errors

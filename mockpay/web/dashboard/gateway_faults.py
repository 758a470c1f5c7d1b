"""What goes wrong on purpose: a switch for each gateway, faults, circuit breakers; and who is asked, with a dry run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from msgspec import structs

from mockpay.domain.methods.registry import METHODS
from mockpay.domain.payments.breaker import Force
from mockpay.domain.payments.faults import Fault, FaultRule
from mockpay.domain.payments.gateways import Operation
from mockpay.domain.payments.routing import Routing, RoutingRule, When
from mockpay.kernel.errors import Conflict, Invalid, NotFound
from mockpay.kernel.fields import convert_fields
from mockpay.kernel.words import parse_word
from mockpay.services.gateways import faults, health, routing
from mockpay.store import gateway_breakers, gateway_faults
from mockpay.store.reads import gateway_log
from mockpay.store.unit_of_work import Runtime, Sandbox, read, transaction
from mockpay.web.control.gateways import GatewayFaultCreate, RoutingDryRunRequest, decide
from mockpay.web.dashboard import gateway_tabs, list_page
from mockpay.web.dashboard.gateway_lines import candidate_words, rule_words
from mockpay.web.dashboard.layout import control_url, render
from mockpay.web.problems import status_of
from mockpay.web.wording.gateway_words import BREAKERS, FAULTS, OPERATIONS, percent
from mockpay.web.wording.sentences import countdown, span

#: Fields of the form of a fault, and of a payment that nobody makes.
_FAULT_FIELDS = ("fault", "operation", "times", "probability", "seconds", "latency_ms")
_DRY_RUN = ("amount", "method", "network", "bin", "bank", "gateway")
_FORMS = {
    "times": "A whole number, or nothing for all calls.",
    "probability": "From 0 to 1, or nothing for always.",
    "seconds": "A whole number of seconds, or nothing for no end.",
    "latency_ms": "A whole number of milliseconds.",
}
_FORCES = {Force.OPEN: "Force open", Force.CLOSED: "Force closed", Force.AUTO: "Leave alone"}


def register(pages: Blueprint, runtime: Runtime) -> None:
    """Add the page, its news, and what its buttons and forms do."""

    @pages.get("/sellers/<seller_id>/gateway-faults", endpoint=gateway_tabs.FAULTS)
    def gateway_faults_page(seller_id: str) -> tuple[str, int]:
        with read(runtime, seller_id) as sandbox:
            return _page(runtime, sandbox, {}, {})

    @pages.get("/sellers/<seller_id>/gateway-faults/news")
    def gateway_faults_news(seller_id: str) -> Response:
        with read(runtime, seller_id) as sandbox:
            return list_page.news(_version(sandbox))

    @pages.post("/sellers/<seller_id>/gateway-faults/<gateway>/<act>")
    def act_on_gateway(seller_id: str, gateway: str, act: str) -> Any:
        if act not in _ACTS or gateway not in routing.gateway_names(runtime):
            raise NotFound("There is no such button.", code="page.not_found")
        try:
            with transaction(runtime, seller_id) as sandbox:
                _ACTS[act](sandbox, gateway, request.form)
                health.check_soon(sandbox)
        except (Conflict, Invalid) as error:
            field = str(error.detail.get("field", "fault"))
            with read(runtime, seller_id) as sandbox:
                page, _ = _page(runtime, sandbox, request.form, {field: _FORMS.get(field, error.message)})
            return page, status_of(error)
        return redirect(url_for(f"dashboard.{gateway_tabs.FAULTS}", seller_id=seller_id), 303)


def _add(sandbox: Sandbox, gateway: str, form: Mapping[str, str]) -> None:
    typed = {name: form.get(name, "").strip() for name in _FAULT_FIELDS}
    plain = {name: text for name, text in typed.items() if text}
    body = convert_fields(plain, GatewayFaultCreate, code="input.invalid", noun="field", strict=False)
    faults.add(sandbox, gateway, **structs.asdict(body))


def _remove(sandbox: Sandbox, gateway: str, form: Mapping[str, str]) -> None:
    number = form.get("fault_id", "")
    if number.isascii() and number.isdigit() and len(number) < 18:
        gateway_faults.remove(sandbox, gateway, [int(number)])


def _force(sandbox: Sandbox, gateway: str, form: Mapping[str, str]) -> None:
    force = parse_word("force", form.get("force", ""), Force, code="input.invalid", field="force")
    gateway_breakers.save_force(sandbox, gateway, Force(force))


_ACTS: Mapping[str, Callable[[Sandbox, str, Mapping[str, str]], object]] = {
    "off": lambda sandbox, gateway, _form: faults.switch_off(sandbox, gateway),
    "on": lambda sandbox, gateway, _form: faults.switch_on(sandbox, gateway),
    "add": _add,
    "remove": _remove,
    "force": _force,
}


def _version(sandbox: Sandbox) -> str:
    """Differs when a call came or ended, a breaker moved, or a fault came, was met or is over."""
    forces = gateway_breakers.forces(sandbox)
    breakers = [
        f"{each.gateway}{each.method}{each.state(sandbox.now, forces.get(each.gateway, Force.AUTO))}{each.wait_ms}"
        for each in gateway_breakers.of_seller(sandbox)
    ]
    left = [f"{rule.fault_id}.{rule.times}" for rule in gateway_faults.of_seller(sandbox) if rule.left(sandbox.now)]
    return "-".join([gateway_log.version(sandbox), *breakers, *forces.values(), *left])


def _page(runtime: Runtime, sandbox: Sandbox, typed: Mapping[str, str], errors: Mapping[str, str]) -> tuple[str, int]:
    names = [name for name in routing.gateway_names(runtime) if runtime.adapter(name) is not None]
    payment = {name: request.args.get(name, "").strip() for name in _DRY_RUN}
    errors = dict(errors)
    decision = None
    if request.method == "GET" and any(payment.values()):
        try:
            decision = _dry_run(sandbox, payment)
        except Invalid as error:
            errors[str(error.detail.get("field", "amount"))] = error.message
    here: dict[str, Any] = {"seller_id": sandbox.seller_id}
    page = render(
        runtime,
        sandbox,
        "gateway_faults.html",
        current=gateway_tabs.ENTRY,
        tabs=gateway_tabs.tabs(sandbox, gateway_tabs.FAULTS),
        gateways=[_gateway(sandbox, name) for name in names],
        faults={str(fault): FAULTS[fault] for fault in Fault},
        operations={"": "Any", **{str(name): words for name, words in OPERATIONS.items()}},
        typed=typed,
        errors=errors,
        add_url=partial(url_for, "dashboard.act_on_gateway", **here, act="add"),
        rules=[_rule(number, rule) for number, rule in enumerate(_routing(sandbox).rules, 1)],
        payment=payment,
        methods={code: method.title for code, method in METHODS.items()},
        names={"": "By the rules", **{name: name for name in routing.gateway_names(runtime)}},
        decision=decision,
        news=url_for("dashboard.gateway_faults_news", **here),
        version=_version(sandbox),
        json_url=control_url(sandbox, "/routing"),
    )
    return page, 422 if errors else 200


def _routing(sandbox: Sandbox) -> Routing:
    return sandbox.seller.routing or Routing()


def _gateway(sandbox: Sandbox, name: str) -> dict[str, Any]:
    rules = [rule for rule in gateway_faults.of_gateway(sandbox, name) if rule.left(sandbox.now)]
    outage = next((rule for rule in rules if rule.is_outage), None)
    force = gateway_breakers.forces(sandbox).get(name, Force.AUTO)
    breakers = [each for each in gateway_breakers.of_seller(sandbox) if each.gateway == name]

    def url(act: str) -> str:
        return url_for("dashboard.act_on_gateway", seller_id=sandbox.seller_id, gateway=name, act=act)

    return {
        "name": name,
        "title": sandbox.runtime.provider(name).title,
        "down": _ends(sandbox, outage) if outage is not None else "",
        "switch_url": url("off" if outage is None else "on"),
        "remove_url": url("remove"),
        "force_url": url("force"),
        "faults": [_fault(sandbox, rule) for rule in rules],
        "force": force,
        "forces": {str(each): words for each, words in _FORCES.items() if each is not force},
        "breakers": [
            {
                "method": each.method,
                "chip": BREAKERS[each.state(sandbox.now, force)],
                "failures": len(each.failures),
                "probe": _probe(sandbox, each.opened_at, each.wait_ms),
            }
            for each in breakers
        ],
    }


def _probe(sandbox: Sandbox, opened_at: int | None, wait_ms: int) -> str:
    if opened_at is None:
        return ""
    left = opened_at + wait_ms - sandbox.now
    return f"one charge probes in {span(left)}" if left > 0 else "the next charge probes"


def _fault(sandbox: Sandbox, rule: FaultRule) -> dict[str, Any]:
    """A fault in words, and what is left of it."""
    late = f" by {rule.latency_ms:,} ms" if rule.fault is Fault.LATENCY else ""
    which = OPERATIONS[Operation(rule.operation)].lower() if rule.operation is not None else "any call"
    often = "" if rule.probability == 1 else f", {percent(rule.probability)} of them"
    times = "" if rule.times is None else f"{rule.times:,} more {'call' if rule.times == 1 else 'calls'}"
    left = [part for part in (times, _ends(sandbox, rule)) if part]
    return {
        "number": rule.fault_id,
        "words": FAULTS[rule.fault] + late,
        "which": which + often,
        "left": ", ".join(left) or "until it is removed",
    }


def _ends(sandbox: Sandbox, rule: FaultRule) -> str:
    return "" if rule.expires_at is None else f"{countdown(rule.expires_at - sandbox.now)} left"


# --- routing


def _rule(number: int, rule: RoutingRule) -> dict[str, Any]:
    """A rule in words: which payments, and who is asked."""
    weights = any(target.weight != 1 for target in rule.targets)
    targets = [f"{target.gateway} ({target.weight})" if weights else target.gateway for target in rule.targets]
    return {
        "name": f"{number}. {rule.name}" if rule.name else f"{number}.",
        "when": _when(rule.when) or "every payment",
        "targets": ", ".join(targets),
        "strategy": rule.strategy.replace("_", " ").lower(),
        "fallbacks": ", ".join(rule.fallbacks),
        "active": rule.enabled,
        "validity": " ".join(
            [f"from {rule.valid_from}"] * bool(rule.valid_from) + [f"until {rule.valid_until}"] * bool(rule.valid_until)
        ),
    }


def _when(when: When) -> str:
    parts = [
        f"{name.replace('_', ' ')} {', '.join(map(str, value)) if isinstance(value, tuple) else value}"
        for name, value in structs.asdict(when).items()
        if value not in ((), None)
    ]
    return "; ".join(parts)


def _dry_run(sandbox: Sandbox, payment: Mapping[str, str]) -> dict[str, Any]:
    """Who would take a payment, and why."""
    plain = {name: text for name, text in payment.items() if text}
    body = convert_fields(plain, RoutingDryRunRequest, code="input.invalid", noun="field")
    made = decide(sandbox, body)
    return {
        "chosen": made.chosen,
        "rule": rule_words(made),
        "candidates": [candidate_words(candidate) for candidate in made.candidates],
        "sequence": ", then ".join(made.sequence),
    }

"""Gateways by control API: what each can do, the rules that choose one, a dry run, faults and circuit breakers."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType, structs
from msgspec.structs import asdict

from mockpay.delivery.gateway_calls import check_connection
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.payments import routing as rules
from mockpay.domain.payments.breaker import BreakerState, Force
from mockpay.domain.payments.faults import Fault
from mockpay.domain.payments.gateway_accounts import Timeouts, masked
from mockpay.domain.payments.gateways import Operation, ResultKind
from mockpay.domain.payments.routing import Routing, Strategy
from mockpay.kernel.clock import rfc3339
from mockpay.kernel.errors import NotFound, at_field
from mockpay.kernel.money import Money
from mockpay.kernel.words import parse_word
from mockpay.services.gateways import accounts, faults, health, routing
from mockpay.store import gateway_accounts, gateway_breakers, gateway_faults
from mockpay.store.unit_of_work import Sandbox
from mockpay.web.control.endpoints import DELETE, GET, POST, PUT, Request
from mockpay.web.control.responses import to_response


class GatewayBreaker(Struct, kw_only=True):
    """A circuit breaker: five technical failures within a minute open it for 30 seconds."""

    method: str
    state: BreakerState
    failures: Annotated[int, Meta(description="Technical failures of the last minute that it counts.")]
    next_probe_at: Annotated[str | None, Meta(description="When one call is let through again; null: it is closed.")]


class GatewaySummary(Struct, kw_only=True):
    """A gateway that a rule may name, and what it can do."""

    gateway: str
    title: str
    methods: Annotated[list[str], Meta(description="Methods of payment that it takes.")]
    partial_capture: Annotated[bool, Meta(description="Whether it captures a part of what it has authorised.")]
    fence: Annotated[bool, Meta(description="Whether it can keep a late payment away.")]
    breakers: Annotated[
        list[GatewayBreaker], Meta(description="Circuit breakers by method; a method of which nothing failed has none.")
    ]
    force: Annotated[Force, Meta(description="What a tester decides over the breakers' heads; `auto`: nothing.")]
    endpoint: Annotated[str | None, Meta(description="Where it is called; null: it answers in this process.")]
    enabled: Annotated[bool, Meta(description="Whether rules may send payments there.")]
    credentials: Annotated[dict[str, str], Meta(description="With what it is called: masked, never the values.")]
    timeouts: Annotated[Timeouts, Meta(description="Of its calls.")]


class GatewayPut(Struct, forbid_unknown_fields=True, kw_only=True):
    """What should change of a seller's account at a gateway; what is left out stays."""

    enabled: bool | UnsetType = UNSET
    endpoint: Annotated[
        str | UnsetType | None, Meta(description="A base URL on an allowed host; null: in this process.")
    ] = UNSET
    credentials: Annotated[
        dict[str, str] | UnsetType,
        Meta(description="All of them; written, never read back. An empty object: what the gateway would have issued."),
    ] = UNSET
    timeouts: Annotated[Timeouts | UnsetType, Meta(description="Of its calls, in the place of the former ones.")] = (
        UNSET
    )


class GatewayCheck(Struct, kw_only=True):
    """What became of a call about a payment that there never was."""

    ok: Annotated[bool, Meta(description="Whether it can be reached and takes the credentials.")]
    tried: Annotated[str | None, Meta(description="Method and address of the call.")]
    outcome: ResultKind
    status: int | None
    latency_ms: int | None
    message: Annotated[str | None, Meta(description="What the other side said, or why there was no answer.")]
    exchange: Annotated[dict[str, Any] | None, Meta(description="Request and answer, redacted.")]


class GatewayList(Struct, kw_only=True):
    """Gateways by name."""

    items: list[GatewaySummary]
    next_cursor: str | None


class BreakerForce(Struct, forbid_unknown_fields=True, kw_only=True):
    """What a tester decides over the heads of a gateway's breakers."""

    force: Annotated[Force, Meta(description="open, closed or auto.")]


class GatewayFaultCreate(Struct, forbid_unknown_fields=True, kw_only=True):
    """What calls of a gateway meet."""

    fault: Annotated[Fault, Meta(description="What goes wrong.")]
    operation: Annotated[Operation | None, Meta(description="Only of these calls; null: of any.")] = None
    times: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000)] | None, Meta(description="How many calls; null: all of them.")
    ] = None
    probability: Annotated[float, Meta(ge=0, le=1)] = 1.0
    seconds: Annotated[
        Annotated[int, Meta(ge=1, le=31_536_000)] | None, Meta(description="For so long by the seller's clock.")
    ] = None
    latency_ms: Annotated[
        int, Meta(ge=0, le=3_600_000, description="Of `latency`: how late the answer is; from 10,000 on nobody waits.")
    ] = 6_000


class GatewayFault(Struct, kw_only=True):
    """A fault that calls meet."""

    fault_id: Annotated[int, Meta(description="The fault.")]
    gateway: str
    fault: Annotated[Fault, Meta(description="What goes wrong.")]
    operation: Operation | None
    times: int | None
    probability: float
    latency_ms: int
    expires_at: str | None
    created_at: str


class GatewayFaultList(Struct, kw_only=True):
    """Faults in the order in which they are asked."""

    items: list[GatewayFault]
    next_cursor: str | None


class RoutingDryRunRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """A payment that nobody makes."""

    amount: Annotated[str, Meta(description='As `"1.00"`.')]
    method: Annotated[str, Meta(description=f"{', '.join(METHODS)}.")] = "card"
    network: Annotated[str | None, Meta(description="Of a card.")] = None
    bin: Annotated[str | None, Meta(description="First six digits of a card's number.")] = None
    bank: Annotated[str | None, Meta(description="Of net banking, or a card's issuer.")] = None
    buyer_id: Annotated[str | None, Meta(description="Who is signed in.")] = None
    gateway: Annotated[str | None, Meta(description="Who must take it, whatever the rules.")] = None
    attempt_id: Annotated[str, Meta(description="Weights are drawn by it: another one, another draw.")] = "dry-run"


class RoutingCandidate(Struct, kw_only=True):
    """A gateway that the rule names."""

    gateway: str
    eligible: Annotated[bool, Meta(description="Whether it can take the payment.")]
    reason: str | None
    score: Annotated[
        float | None, Meta(description="What its place rests on: weight, cost in rupees or success rate; else null.")
    ]


class RoutingDecision(Struct, kw_only=True):
    """Who takes a payment and who is tried after, and why."""

    rule: Annotated[str | None, Meta(description="The rule by number and name, or `forced`; null where none fits.")]
    strategy: Strategy
    candidates: Annotated[list[RoutingCandidate], Meta(description="In the order in which they are tried.")]
    chosen: Annotated[str, Meta(description="Who is asked first.")]
    sequence: Annotated[list[str], Meta(description="Who is asked, one after the other, while nobody has.")]


def list_gateways(request: Request[None, None]) -> GatewayList:
    """The built-in `simulator` takes every method of payment, and all that no rule sends elsewhere."""
    with request.read() as sandbox:
        items = [_summary(sandbox, name) for name in routing.gateway_names(sandbox.runtime)]
    return GatewayList(items=items, next_cursor=None)


def _summary(sandbox: Sandbox, name: str) -> GatewaySummary:
    provider = sandbox.runtime.provider(name)
    force = gateway_breakers.forces(sandbox).get(name, Force.AUTO)
    adapter = sandbox.runtime.adapter(name)
    can = None if adapter is None else adapter.capabilities
    account = gateway_accounts.find(sandbox, name)
    return GatewaySummary(
        gateway=name,
        title=provider.title,
        methods=[code for code in METHODS if can is None or code in can.methods],
        partial_capture=can is None or can.partial_capture,
        fence=can is not None and can.fence,
        breakers=[
            GatewayBreaker(
                method=breaker.method,
                state=breaker.state(sandbox.now, force),
                failures=len(breaker.failures),
                next_probe_at=None if breaker.opened_at is None else rfc3339(breaker.opened_at + breaker.wait_ms),
            )
            for breaker in gateway_breakers.of_seller(sandbox)
            if breaker.gateway == name
        ],
        force=force,
        endpoint=account.endpoint,
        enabled=account.enabled,
        credentials=masked(accounts.credentials_of(sandbox, account)),
        timeouts=account.timeouts,
    )


def get_gateway(request: Request[None, None]) -> GatewaySummary:
    """Credentials are shown masked: nobody reads them back."""
    with request.read() as sandbox:
        return _summary(sandbox, _adapted(sandbox, request))


def put_gateway(request: Request[None, GatewayPut]) -> GatewaySummary:
    """
    Calls from here on are made so, without a restart; what is on its way goes on as it began, and a gateway in this
    process takes the former credentials too.
    """
    body = request.body
    with request.transaction() as sandbox:
        name = _adapted(sandbox, request)
        values = {field: getattr(body, field) for field in ("enabled", "endpoint", "timeouts")}
        changes = {field: value for field, value in values.items() if value is not UNSET}
        account = structs.replace(gateway_accounts.find(sandbox, name), **changes)
        new = None if body.credentials is UNSET else body.credentials
        accounts.change(sandbox, structs.replace(account, endpoint=account.endpoint or None), credentials=new)
        return _summary(sandbox, name)


def check_gateway(request: Request[None, None]) -> GatewayCheck:
    """Nothing is paid or stored: it asks about a payment that there never was."""
    with request.read() as sandbox:
        name = _adapted(sandbox, request)
    result = check_connection(request.runtime, request.seller_id, name)
    exchange = result.exchange
    return GatewayCheck(
        ok=result.kind is ResultKind.ABSENT,
        tried=None if exchange is None else f"{exchange.method} {exchange.url}",
        outcome=result.kind,
        status=None if exchange is None else exchange.status or None,
        latency_ms=None if exchange is None else exchange.latency_ms,
        message=result.message,
        exchange=None if exchange is None else asdict(exchange),
    )


def put_breaker(request: Request[None, BreakerForce]) -> GatewaySummary:
    """`open` asks the gateway nothing, `closed` asks whatever failed, `auto` leaves it to the breakers."""
    with request.transaction() as sandbox:
        name = _adapted(sandbox, request)
        gateway_breakers.save_force(sandbox, name, request.body.force)
        health.check_soon(sandbox)
        return _summary(sandbox, name)


def _adapted(sandbox: Sandbox, request: Request[None, Any]) -> str:
    """The gateway of a path, which is asked in a wire format of its own."""
    name = request.path["gateway"]
    if sandbox.runtime.adapter(name) is None:
        raise NotFound("There is no such gateway.", code="gateway.not_found")
    return name


def list_faults(request: Request[None, None]) -> GatewayFaultList:
    """In the order in which they are asked; `times` is what is left."""
    with request.read() as sandbox:
        rules = gateway_faults.of_gateway(sandbox, _adapted(sandbox, request))
    return GatewayFaultList(items=[to_response(GatewayFault, rule) for rule in rules], next_cursor=None)


def create_fault(request: Request[None, GatewayFaultCreate]) -> GatewayFault:
    """The oldest rule that fits a call decides it; what is on its way already has met what it met."""
    with request.transaction() as sandbox:
        rule = faults.add(sandbox, _adapted(sandbox, request), **structs.asdict(request.body))
    return to_response(GatewayFault, rule)


def delete_faults(request: Request[None, None]) -> None:
    """The gateway answers again as it should."""
    with request.transaction() as sandbox:
        gateway_faults.clear(sandbox, _adapted(sandbox, request))


def get_routing(request: Request[None, None]) -> Routing:
    """Without rules the built-in simulator takes every payment."""
    with request.read() as sandbox:
        return sandbox.seller.routing or Routing()


def put_routing(request: Request[None, Routing]) -> Routing:
    """
    The first rule that fits a payment chooses its gateway when it begins; what is under way stays where it is. A reset
    leaves the rules; an empty object takes them away. What could never fit is refused with the nearest right word.
    """
    with request.transaction() as sandbox:
        routing.set_rules(sandbox, request.body)
    return request.body


def dry_run_routing(request: Request[None, RoutingDryRunRequest]) -> RoutingDecision:
    """By the rules and the clock of the seller as they are now; nothing is stored."""
    with request.read() as sandbox:
        return to_response(RoutingDecision, decide(sandbox, request.body))


def decide(sandbox: Sandbox, body: RoutingDryRunRequest) -> rules.RoutingDecision:
    """
    Who would take a payment of which this is known.

    Raises:
        Invalid: with the field.
    """
    method = parse_word("method", body.method, METHODS, code="method.unknown", field="method")
    with at_field("amount"):
        amount = Money.parse(body.amount)
    parts = {name: value for name in ("network", "bin", "bank") if (value := getattr(body, name)) is not None}
    facts = routing.facts_of(
        sandbox, body.attempt_id, method, amount, parts, buyer_id=body.buyer_id, forced=body.gateway
    )
    return routing.decide(sandbox, facts)


_SELLER = "/v1/sellers/{seller_id}"
ENDPOINTS = (
    GET(f"{_SELLER}/gateways", list_gateways, "The gateways that can take a seller's payments."),
    GET(f"{_SELLER}/gateways/{{gateway}}", get_gateway, "One gateway, and how it is called."),
    PUT(
        f"{_SELLER}/gateways/{{gateway}}",
        put_gateway,
        "Switch a gateway on or off; other endpoint, credentials or time-outs.",
        example='{"timeouts": {"connect": 1, "read": 5, "total": 8}}',
    ),
    POST(f"{_SELLER}/gateways/{{gateway}}/check", check_gateway, "Try whether a gateway can be called."),
    GET(f"{_SELLER}/gateways/{{gateway}}/faults", list_faults, "What a gateway's calls meet."),
    POST(
        f"{_SELLER}/gateways/{{gateway}}/faults",
        create_fault,
        "Let a gateway's calls meet a fault.",
        status=201,
        errors=(409,),
        example='{"fault": "timeout_after", "operation": "CHARGE", "times": 1}',
    ),
    DELETE(f"{_SELLER}/gateways/{{gateway}}/faults", delete_faults, "Take all faults away.", status=204),
    PUT(
        f"{_SELLER}/gateways/{{gateway}}/breaker",
        put_breaker,
        "Decide over the heads of a gateway's circuit breakers.",
        example='{"force": "open"}',
    ),
    GET(f"{_SELLER}/routing", get_routing, "The rules that choose a gateway."),
    PUT(
        f"{_SELLER}/routing",
        put_routing,
        "Other rules, in the place of all there were.",
        example='{"rules": [{"when": {"min_amount": "5000.00"}, "targets": [{"gateway": "simulator"}]}]}',
    ),
    POST(
        f"{_SELLER}/routing/dry-run",
        dry_run_routing,
        "Who would take a payment, and why.",
        example='{"method": "card", "amount": "499.00", "network": "Visa", "bin": "411111"}',
    ),
)

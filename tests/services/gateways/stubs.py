"""Gateways that answer as a test says, and worlds whose payments go to them."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec.structs import replace

from mockpay.delivery import sender_pool
from mockpay.domain.payments.gateways import Capabilities, Operation, Result, ResultKind
from mockpay.domain.payments.routing import Routing, RoutingRule, Target
from mockpay.kernel.clock import SECOND
from mockpay.providers.contract import Provider
from mockpay.services.gateways import routing
from mockpay.store import gateway_calls, outbox
from tests.factories import World

VISA = "4111111111111111"
K, OP = ResultKind, Operation
#: What is answered where nothing else is said.
USUAL = {OP.CHARGE: K.APPROVED, OP.AUTHORIZE: K.AUTHORIZED, OP.LOOKUP: K.ABSENT, OP.STATUS: K.ABSENT}


_CARDS = Capabilities(methods=frozenset({"card"}))


@dataclass
class Stub:
    """
    A gateway's adapter.

    `answers` are taken first, one a call of the operation: a kind, or a result.
    """

    name: str = "first"
    capabilities: Capabilities = _CARDS
    answers: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)

    def credentials(self, seller_id, seller_secret):
        return {}

    def prepare(self, charge, link, *, capture):
        return None

    def _answer(self, operation, charge):
        self.asked.append((operation, charge.idempotency_key))
        waiting = self.answers.get(operation)
        answer = waiting.pop(0) if waiting else USUAL.get(operation, K.APPROVED)
        ids = {"payment": f"{self.name}-{charge.attempt_id}"}
        kind = answer.kind if isinstance(answer, Result) else answer
        funded = kind in {K.APPROVED, K.AUTHORIZED, K.PENDING}
        told = answer if isinstance(answer, Result) else Result(kind, "00" if funded else "05")
        return replace(told, ids=ids) if funded else told

    def charge(self, charge, link):
        return self._answer(OP.CHARGE, charge)

    def authorize(self, charge, link):
        return self._answer(OP.AUTHORIZE, charge)

    def capture(self, charge, minor, link):
        return self._answer(OP.CAPTURE, charge)

    def void(self, charge, link, /):
        return self._answer(OP.VOID, charge)

    def refund(self, charge, minor, key, link):
        return self._answer(OP.REFUND, charge)

    def status(self, charge, link):
        return self._answer(OP.STATUS, charge)

    def lookup(self, charge, link):
        return self._answer(OP.LOOKUP if "payment" not in charge.ids else OP.STATUS, charge)

    def fence(self, charge, link, /):
        return self._answer(OP.FENCE, charge)

    @property
    def operations(self):
        return [operation for operation, _ in self.asked]


def rules(*gateways, **more):
    """One rule for every payment."""
    return Routing(rules=(RoutingRule(targets=tuple(Target(name) for name in gateways), **more),))


def routed_world(runtime, *stubs, to=None, world=None, **settings):
    """A frozen world, or one that is there, whose payments go to these gateways in order, or to those named."""
    providers = {
        stub.name: Provider(name=stub.name, title=stub.name, adapter=stub, acquirer=lambda *_: None) for stub in stubs
    }
    routed = replace(runtime, providers={**runtime.providers, **providers})
    world = World(routed, world.seller_id) if world else World.new(routed, **settings)
    set_rules(world, rules(*(to or [stub.name for stub in stubs])))
    return world


def set_rules(world, routing_rules):
    with world.transaction() as sandbox:
        routing.set_rules(sandbox, routing_rules)


def send_all(world, seconds=60):
    """Send what waits to be sent, now and within so many seconds of real time."""
    for _ in range(seconds * 10):
        sender_pool.send_waiting(world.runtime, world.seller_id)
        with world.read() as sandbox:
            if not outbox.count_waiting(sandbox):
                return
        world.runtime.real_clock.move(SECOND // 10)
    raise AssertionError("something still waits")


def pay(world, order=None, number=VISA):
    """Pay by card until no call is left; the attempt."""
    attempt = world.pay_with(order or world.order(), world.card(number))
    send_all(world)
    return world.get_attempt(attempt.attempt_id)


def log(world, attempt):
    with world.read() as sandbox:
        return gateway_calls.of_attempt(sandbox, attempt.attempt_id)


def lines(world, attempt):
    """(gateway, operation, number of the try, outcome) of each call about an attempt."""
    return [
        (call.gateway, str(call.operation), call.try_no, call.outcome and str(call.outcome))
        for call in log(world, attempt)
        if call.direction == "out"
    ]

"""How a gateway's client reaches its gateway, in this process or over HTTP, and what goes wrong on the way."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from mockpay.domain.payments.faults import Fault, FaultRule
from mockpay.kernel.clock import SECOND
from mockpay.kernel.http.calls import HttpCall, HttpReply, Unreachable
from mockpay.services.gateways.accounts import Answers
from mockpay.store import gateway_faults
from mockpay.store.unit_of_work import Runtime, transaction

_JSON = {"Content-Type": "application/json"}
_HTML = {"Content-Type": "text/html"}
#: What is answered in the place of a gateway that was not asked.
_ANSWERED_BEFORE: dict[Fault, HttpReply] = {
    Fault.HTTP_502_HTML: HttpReply(502, _HTML, b"<html><body><h1>502 Bad Gateway</h1></body></html>"),
    Fault.HTTP_503: HttpReply(503, {**_JSON, "Retry-After": "1"}, b'{"message":"Service Unavailable"}'),
    Fault.HTTP_429: HttpReply(429, {**_JSON, "Retry-After": "1"}, b'{"message":"Too Many Requests"}'),
}
#: What an executed call's answer becomes.
_CORRUPTIONS: dict[Fault, Callable[[HttpReply], HttpReply]] = {
    Fault.HTTP_500: lambda _: HttpReply(500, _JSON, b'{"message":"Internal Server Error"}'),
    Fault.GARBAGE: lambda reply: replace(reply, body=b"\x00\xff garbage \xfe"),
    Fault.CUT_BODY: lambda reply: replace(reply, body=reply.body[: len(reply.body) // 2]),
    Fault.WRONG_TYPE: lambda reply: replace(reply, body=b"[" + reply.body + b"]"),
}


class GatewaySender(Struct, frozen=True):
    """
    Sends to whoever answers for a gateway; no transaction is open.

    Args:
        gateway: Who is called.
        answers: Answers, as the gateway's own server does.
        fault: The rule that the call meets; used up when it is sent.
        lost: Whether the answer is lost in any case, as the attempt's plan has it.
    """

    runtime: Runtime
    seller_id: str
    gateway: str
    answers: Answers
    fault: FaultRule | None = None
    lost: bool = False

    def send(self, call: HttpCall) -> HttpReply:
        """
        The gateway's reply, or what the fault makes of it.

        Raises:
            Unreachable: no answer came back.
            Forbidden: the endpoint is not one that may be called any more.
        """
        began = perf_counter()
        reply = self._send(call, self._use_up_fault())
        return replace(reply, latency_ms=reply.latency_ms + int((perf_counter() - began) * SECOND))

    def _use_up_fault(self) -> FaultRule | None:
        rule = self.fault
        if rule is None or rule.times is None:
            return rule
        with transaction(self.runtime, self.seller_id) as sandbox:
            return rule if gateway_faults.use_up(sandbox, rule) else None

    def _send(self, call: HttpCall, rule: FaultRule | None) -> HttpReply:
        fault = rule.fault if rule is not None else None
        if fault is Fault.REFUSE:
            raise Unreachable("The connection was refused.", code="http.refused")
        if fault is Fault.TIMEOUT_BEFORE:
            raise _timeout()
        if fault is Fault.LATE_COMMIT:
            self.runtime.late_calls.setdefault((self.seller_id, self.gateway), []).append(call)
            raise _timeout()
        if fault in _ANSWERED_BEFORE:
            return _ANSWERED_BEFORE[fault]
        reply = self.answers(self.runtime, self.seller_id, call)
        self._execute_late_calls()
        late = rule is not None and fault is Fault.LATENCY and rule.latency_ms >= call.timeout * SECOND
        if self.lost or fault is Fault.TIMEOUT_AFTER or late:
            raise _timeout()
        if rule is not None and fault is Fault.LATENCY:
            return replace(reply, latency_ms=rule.latency_ms)
        if fault is Fault.WRONG_SIGNATURE:
            return self._wrongly_signed(reply)
        return _CORRUPTIONS[fault](reply) if fault in _CORRUPTIONS else reply

    def _wrongly_signed(self, reply: HttpReply) -> HttpReply:
        """An answer whose signature is another's; one that is not signed comes as it is."""
        adapter = self.runtime.adapter(self.gateway)
        name = None if adapter is None else adapter.capabilities.signature_field
        try:
            fields = msgspec.json.decode(reply.body)
        except msgspec.DecodeError:
            return reply
        signature = fields.get(name) if isinstance(fields, dict) else None
        if not isinstance(signature, str):
            return reply
        return replace(reply, body=msgspec.json.encode({**fields, name: signature[::-1]}))

    def _execute_late_calls(self) -> None:
        """What arrives only now, after its sender gave up and asked for something else."""
        for call in self.runtime.late_calls.pop((self.seller_id, self.gateway), []):
            self.answers(self.runtime, self.seller_id, call)


def _timeout() -> Unreachable:
    return Unreachable("No answer came in time.", code="http.timeout")

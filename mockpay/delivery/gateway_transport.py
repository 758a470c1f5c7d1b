"""How a gateway's client reaches a gateway that answers in process, and what may go wrong on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter

from mockpay.kernel.clock import SECOND
from mockpay.kernel.http.calls import HttpCall, HttpReply, Unreachable
from mockpay.store.unit_of_work import Runtime

#: Answers a call of a seller's, as the gateway's own server would.
Acquirer = Callable[[Runtime, str, HttpCall], HttpReply]


@dataclass(frozen=True, slots=True)
class InProcess:
    """
    Sends to an acquirer in this process; no transaction is open.

    Args:
        lost: Whether the answer is lost on the way back: the call was executed, its sender times out.
    """

    runtime: Runtime
    seller_id: str
    acquirer: Acquirer
    lost: bool = False

    def send(self, call: HttpCall) -> HttpReply:
        """
        The acquirer's reply.

        Raises:
            Unreachable: code ``http.timeout``: it was lost.
        """
        began = perf_counter()
        reply = self.acquirer(self.runtime, self.seller_id, call)
        if self.lost:
            raise Unreachable("No answer came in time.", code="http.timeout")
        return replace(reply, latency_ms=int((perf_counter() - began) * SECOND))

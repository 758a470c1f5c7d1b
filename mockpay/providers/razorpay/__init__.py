"""Razorpay as a gateway that processes for a seller at the back; in process its own acquirer answers."""

from __future__ import annotations

from mockpay.providers.contract import Provider
from mockpay.providers.razorpay.acquirer import answer
from mockpay.providers.razorpay.gateway import RazorpayGateway

provider = Provider(name="razorpay", title="Razorpay", adapter=RazorpayGateway(), acquirer=answer)

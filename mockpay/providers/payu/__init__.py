"""PayU as a gateway that processes for a seller at the back; in process its own acquirer answers."""

from __future__ import annotations

from mockpay.providers.contract import Provider
from mockpay.providers.payu.acquirer import answer
from mockpay.providers.payu.gateway import PayuGateway

provider = Provider(name="payu", title="PayU", adapter=PayuGateway(), acquirer=answer)

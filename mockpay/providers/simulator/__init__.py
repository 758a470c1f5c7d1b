"""The built-in acquirer, UPI network and issuer: it decides by the attempt's plan."""

from __future__ import annotations

from mockpay.providers.contract import Provider
from mockpay.providers.simulator.gateway import Simulator

provider = Provider(name="simulator", title="Built-in simulator", gateway=Simulator())

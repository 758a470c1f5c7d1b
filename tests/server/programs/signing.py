"""A server like `mockpay serve` that writes its name (the argument) on all that it sends."""

import os
import sys

from msgspec.structs import replace

from mockpay.commands.serve import stop_on_signals
from mockpay.kernel.http.sender import HttpSender
from mockpay.server import MockpayServer
from mockpay.settings import Settings


class Signing(HttpSender):
    def send(self, call):
        return super().send(replace(call, headers={**call.headers, "X-Sent-By": sys.argv[1]}))


settings = Settings.from_env(os.environ)
server = MockpayServer(settings, sender=Signing(settings.outgoing_hosts))
stop_on_signals(server)
print(f"mockpay listening on {server.url}", flush=True)  # noqa: T201
server.serve()

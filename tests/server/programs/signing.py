"""A server like `mockpay serve` that writes its name (the argument) on all that it sends."""

import os
import sys
from dataclasses import replace

from mockpay.app import create_app, runtime_of
from mockpay.commands.serve import stop_on_signals
from mockpay.kernel.http.direct import DirectSender
from mockpay.server import MockpayServer
from mockpay.settings import Settings


class Signing(DirectSender):
    def send(self, call):
        return super().send(replace(call, headers={**call.headers, "X-Sent-By": sys.argv[1]}))


server = MockpayServer(Settings.from_env(os.environ))
app = create_app(server.settings, sender=Signing(server.settings.outgoing_hosts))
stop_on_signals(server)
print(f"mockpay listening on {server.url}", flush=True)  # noqa: T201
server.serve(app.wsgi_app, runtime_of(app))

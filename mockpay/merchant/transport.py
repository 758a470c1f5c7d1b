"""The merchant side's HTTP: a requests session, as a real shop would use."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import requests

from mockpay.kernel.http.calls import HttpCall, HttpReply, Unreachable


class RequestsSender:
    """
    Sends calls by one requests session, never following redirects.

    Args:
        use_environment: Whether the environment's proxies and CA bundles count; a shop beside
            its sandbox calls it directly, whatever proxy is named.
    """

    def __init__(self, *, use_environment: bool = True) -> None:
        self._session = requests.Session()
        self._session.trust_env = use_environment

    def send(self, call: HttpCall) -> HttpReply:
        """
        Send a call; its time-out bounds the connection and each wait for data.

        Raises:
            Unreachable: no answer came back.
        """
        start = time.perf_counter()
        try:
            reply = self._session.request(
                call.method,
                call.url,
                data=call.body,
                headers=dict(call.headers),
                timeout=call.timeout,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise Unreachable(f"No answer from {urlsplit(call.url).hostname}.") from error
        latency_ms = int((time.perf_counter() - start) * 1000)
        return HttpReply(reply.status_code, dict(reply.headers), reply.content, latency_ms)

"""One HTTP exchange with a sandbox; apart, for urllib3 is heavy and most runs of pytest need none."""

from __future__ import annotations

from collections.abc import Mapping

from mockpay.kernel.errors import MockpayError
from mockpay.kernel.http.calls import HttpCall, HttpReply
from mockpay.kernel.http.hosts import OutgoingHosts
from mockpay.kernel.http.sender import HttpSender

_SENDER = HttpSender(OutgoingHosts.parse("*"))


def exchange(method: str, url: str, headers: Mapping[str, str], body: bytes, timeout: float) -> HttpReply:
    """
    Send a call by no proxy; `timeout` in seconds.

    Raises:
        OSError: nobody answered, or the call cannot be sent.
    """
    try:
        return _SENDER.send(HttpCall(method, url, headers, body, timeout))
    except MockpayError as error:
        raise OSError(error.message) from error

"""Whether a sandbox is where it is said to be."""

from __future__ import annotations

import contextlib
import http.client
import json
from urllib.parse import urlsplit

from mockpay.reach.authority import Authority
from mockpay.reach.tls import client_context

_SECONDS = 5.0


def answers(url: str, authority: Authority) -> bool:
    """Ask, without any proxy; another program at that address is no sandbox."""
    try:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=_SECONDS)
        if parts.scheme == "https":
            context = client_context(authority)
            connection = http.client.HTTPSConnection(parts.netloc, timeout=_SECONDS, context=context)
        with contextlib.closing(connection):
            connection.request("GET", f"{parts.path}/_mockpay/health")
            reply = connection.getresponse()
            return reply.status == 200 and "database" in json.loads(reply.read(65_536))
    except (OSError, ValueError, http.client.HTTPException):
        return False

"""The two ends of TLS: presenting a leaf of our authority, and believing one."""

from __future__ import annotations

import os
import ssl
import tempfile
from pathlib import Path

from mockpay.reach.authority import Authority


def server_context(authority: Authority) -> ssl.SSLContext:
    """A server's context with a new leaf for every host that the sandbox stands in for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    leaf = authority.leaf()
    # The ssl module reads keys from files only, so the leaf lies in one (0600) for a moment.
    number, name = tempfile.mkstemp(prefix="mockpay-leaf-")
    try:
        with os.fdopen(number, "wb") as file:
            file.write(leaf.key + leaf.chain)
        context.load_cert_chain(name)
    finally:
        Path(name).unlink()
    return context


def client_context(authority: Authority) -> ssl.SSLContext:
    """A client's context that trusts the machine's roots and our authority."""
    context = ssl.create_default_context()
    context.load_verify_locations(cadata=authority.pem.decode("ascii"))
    return context

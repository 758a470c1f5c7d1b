"""Which names and addresses are this machine's own."""

from __future__ import annotations

import ipaddress
from functools import lru_cache


def is_loopback(host: str) -> bool:
    """Whether a bare host name or address is this machine's own, as far as a name can tell."""
    return host == "localhost" or host.endswith(".localhost") or is_loopback_address(host)


@lru_cache(maxsize=256)
def is_loopback_address(host: str) -> bool:
    """Whether it is an address, and of this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_wildcard_address(host: str) -> bool:
    """Whether it means all addresses of a machine: ``0.0.0.0`` or ``::``."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False

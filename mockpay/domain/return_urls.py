"""Where a seller lets its buyers be sent: how URLs are held against its list."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from mockpay.kernel.errors import Invalid

#: What a seller gets who names no return URL (contract section 3).
LOOPBACK_RETURNS = ("http://127.0.0.1:*", "http://localhost:*")
_LOOPBACK_HOSTS = dict(zip(LOOPBACK_RETURNS, ("127.0.0.1", "localhost"), strict=True))


@dataclass(frozen=True, slots=True)
class _Url:
    scheme: str
    host: str
    port: int | None
    path: str
    query: str


_DEFAULT_PORTS = {"http": 80, "https": 443}
#: Schemes that a browser runs instead of following.
_RUNNABLE = frozenset({"javascript", "data", "vbscript", "file", "blob", "about"})
_PLAIN_HOST = re.compile(r"(?:[a-z0-9-]{1,63}\.)*[a-z0-9-]{1,63}")
#: Control characters, and what browsers read in other ways than we do.
_ODD = re.compile(r"[\x00-\x1f\x7f\\#]")


def _parse(url: str) -> _Url:
    """A URL as it is compared, or Invalid ``return_url.invalid``."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, (parts.hostname or "").lower()
        if not _PLAIN_HOST.fullmatch(host):
            host.encode("idna")  # a name that no resolver takes is a ValueError too
    except ValueError as error:
        raise _bad_url() from error
    dots = {".", ".."} & set(parts.path.replace("%2e", ".").replace("%2E", ".").split("/"))
    odd = _ODD.search(url) or url != url.strip()  # urlsplit forgives it, a browser goes somewhere else
    scheme = parts.scheme.lower()
    unsafe = "@" in parts.netloc or "*" in host or port == 0 or scheme in _RUNNABLE
    if odd or dots or unsafe or not scheme or not host or len(url) > 2048:
        raise _bad_url()
    return _Url(scheme, host, port or _DEFAULT_PORTS.get(scheme), parts.path or "/", parts.query)


def _bad_url() -> Invalid:
    return Invalid("This return URL cannot be used.", code="return_url.invalid")


def check_return_url_entry(entry: str) -> None:
    """
    Refuse an entry of the allow list that could never match.

    Raises:
        Invalid: code ``return_url.invalid``.
    """
    if entry not in LOOPBACK_RETURNS:
        _parse(entry)


def return_url_allowed(url: str, entries: tuple[str, ...]) -> bool:
    """
    Whether a browser may be sent there: compared after parsing (contract section 3).

    An entry matches scheme, host and port exactly, and the path exactly or,
    if it ends in ``*``, as a prefix; an entry without a query ignores the URL's query.
    """
    return mismatch(url, entries) is None


def mismatch(url: str, entries: tuple[str, ...]) -> str | None:
    """Why a browser may not be sent there: the first part that differs from the most similar entry; None if it may."""
    try:
        wanted = _parse(url)
    except Invalid:
        return "it is no URL that could be one"
    differences = [(_first_difference(wanted, entry), entry) for entry in entries]
    if not differences:
        return "the seller has none"
    part, entry = max(differences, key=lambda difference: _PARTS.index(difference[0]))
    return None if part is _PARTS[-1] else f"its {part} is not that of {entry}"


#: In the order in which they are compared; None is that all are the same.
_PARTS = ("scheme", "host", "port", "path", "query", None)


def _first_difference(wanted: _Url, entry: str) -> str | None:
    if entry in _LOOPBACK_HOSTS:
        same = {"scheme": wanted.scheme == "http", "host": wanted.host == _LOOPBACK_HOSTS[entry]}
    else:
        allowed = _parse(entry)
        beginning = allowed.path.removesuffix("*")
        same = {
            "scheme": wanted.scheme == allowed.scheme,
            "host": wanted.host == allowed.host,
            "port": wanted.port == allowed.port,
            "path": wanted.path.startswith(beginning) if beginning != allowed.path else wanted.path == allowed.path,
            "query": allowed.query in ("", wanted.query),
        }
    return next((part for part, equal in same.items() if not equal), None)

"""Where a seller lets its buyers be sent: how URLs are held against its list."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from msgspec import Struct

from mockpay.kernel.errors import Forbidden, Invalid

#: What a seller gets who names no return URL (contract section 3).
LOOPBACK_RETURNS = ("http://127.0.0.1:*", "http://localhost:*")
#: Any port and path of this machine; ``*.localhost`` are the names below localhost.
_ANY_PORT = re.compile(
    r"(https?)://(127\.0\.0\.1|\[::1\]|localhost|(?:\*|(?:[a-z0-9-]{1,63}\.){0,9}[a-z0-9-]{1,63})\.localhost):\*",
    re.IGNORECASE,
)


class _Url(Struct, frozen=True):
    scheme: str
    host: str
    port: int | None
    path: str
    query: str


_DEFAULT_PORTS = {"http": 80, "https": 443}
#: Schemes that a browser runs instead of following.
_RUNNABLE = frozenset({"javascript", "data", "vbscript", "file", "blob", "about"})
_PLAIN_HOST = re.compile(r"(?:[a-z0-9-]{1,63}\.)*[a-z0-9-]{1,63}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def _parse(url: str) -> _Url:
    """A URL as it is compared, or Invalid ``return_url.invalid`` that names the part which is wrong."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, (parts.hostname or "").lower()
        if not _PLAIN_HOST.fullmatch(host):
            host.encode("idna")  # a name that no resolver takes is a ValueError too
    except ValueError as error:
        raise _bad_url(url, "its host or port is none") from error
    scheme = parts.scheme.lower()
    wrong = {
        "it is longer than 2048 characters": len(url) > 2048,
        "it has a fragment (#)": "#" in url,
        # urlsplit forgives these, a browser goes somewhere else
        "it has a backslash": "\\" in url,
        "it has a control character or a space at an end": _CONTROL.search(url) or url != url.strip(),
        "it has no scheme": not scheme or (not parts.netloc and scheme not in _RUNNABLE),
        f"a browser does not go to '{scheme}:'": scheme in _RUNNABLE,
        "it has a user": "@" in parts.netloc,
        "it has no host": not host,
        "its host has a '*', which may stand at the end of a path or, of this machine, for any port": "*" in host,
        "its port is 0": port == 0,
        "its path has a dot segment": {".", ".."} & set(re.sub("%2e", ".", parts.path, flags=re.IGNORECASE).split("/")),
    }
    for why, is_wrong in wrong.items():
        if is_wrong:
            raise _bad_url(url, why)
    return _Url(scheme, host, port or _DEFAULT_PORTS.get(scheme), parts.path or "/", parts.query)


def _bad_url(url: str, why: str) -> Invalid:
    printable = "".join(char if char.isprintable() else "\ufffd" for char in url[:200])
    message = f"'{printable}' cannot be a return URL: {why}."
    return Invalid(message, code="return_url.invalid", field="return_urls", why=why)


def check_return_url_entry(entry: str) -> None:
    """
    Refuse an entry of the allow list that could never match.

    Raises:
        Invalid: code ``return_url.invalid``.
    """
    if _ANY_PORT.fullmatch(entry):
        return
    try:
        _parse(entry)
    except Invalid as error:
        right = _right_form(entry)
        message = f"{error.message} Write it as {right}" + (" for any port and path." if right.endswith(":*") else ".")
        raise Invalid(message, code=error.code, field="return_urls", nearest=right) from error


def _right_form(entry: str) -> str:
    """How an entry may have been meant: with a scheme, and without what no browser sends."""
    text = "".join(char for char in entry.partition("#")[0] if char.isprintable() and not char.isspace())
    scheme, separator, rest = text.rpartition("://")
    host, _, path = rest.rpartition("@")[2].partition("/")
    name = host.rpartition(":")[0] or host
    local = name.lower() in {"localhost", "127.0.0.1", "[::1]"} or name.lower().endswith(".localhost")
    if local and host.endswith(":*"):
        return f"{scheme.lower() if separator and scheme.lower() in _DEFAULT_PORTS else 'http'}://{host}"
    if not re.fullmatch(r"(?:[A-Za-z0-9-]+\.)*[A-Za-z0-9-]+(?::[0-9]{1,5})?", host):
        return LOOPBACK_RETURNS[1]
    if "." in path.split("/") or ".." in path.split("/"):
        path = "*"
    usual = "http" if local else "https"
    return f"{scheme if separator and scheme.lower() not in _RUNNABLE else usual}://{host}/{path or '*'}"


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
        parsed = _parse(url)
    except Invalid as error:
        return str(error.detail["why"])
    if not entries:
        return "the seller has none"
    different = []
    for entry in entries:
        same = _same_parts(parsed, entry)
        if all(same):
            return None
        different.append((same, entry))
    same, entry = max(different, key=lambda pair: _likeness(pair[0]))
    return f"its {_PARTS[same.index(False)]} is not that of {entry}"


def check_return_url(name: str, url: str, entries: tuple[str, ...]) -> None:
    """
    Refuse an address that a request names for its buyer; the reason has the address and the seller's list.

    Raises:
        Forbidden: code ``return_url.not_allowed``, detail ``field``.
    """
    difference = mismatch(url, entries)
    if difference is not None:
        message = f"{name} is not one of the seller's return URLs: {difference}."
        reason = f"{message} Sent: {url[:500]}. Allowed: {', '.join(entries)}."
        raise Forbidden(message, code="return_url.not_allowed", reason=reason, field=name)


#: In the order in which they are compared.
_PARTS = ("scheme", "host", "port", "path", "query")


def _likeness(same: list[bool]) -> tuple[bool, int]:
    """What makes an entry similar: its host, then how many parts are the same before the first that differs."""
    return same[_PARTS.index("host")], [*same, False].index(False)


def _same_parts(url: _Url, entry: str) -> list[bool]:
    """Of each part, whether it is as an entry has it."""
    if any_port := _ANY_PORT.fullmatch(entry.lower()):
        host = any_port[2].strip("[]")
        is_below = host.startswith("*") and url.host.endswith(host[1:]) and len(url.host) > len(host) - 1
        same = [url.scheme == any_port[1], is_below or url.host == host, True, True, True]
    else:
        allowed = _parse(entry)
        beginning = allowed.path.removesuffix("*")
        same = [
            url.scheme == allowed.scheme,
            url.host == allowed.host,
            url.port == allowed.port,
            url.path.startswith(beginning) if beginning != allowed.path else url.path == allowed.path,
            allowed.query in ("", url.query),
        ]
    return same

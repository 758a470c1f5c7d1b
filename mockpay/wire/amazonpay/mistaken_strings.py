"""Strings to sign that come out when a mistake is made, or two: what a signature is tried against."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations, islice
from urllib.parse import quote, unquote

from msgspec import Struct
from msgspec.structs import replace

from mockpay.wire.amazonpay.mistakes import recodings
from mockpay.wire.amazonpay.signature_verification import CANONICAL_HOSTS, SignedRequest, is_amazons, lower_hex
from mockpay.wire.amazonpay.signing import HOST, NODE_MARKS, PATH, SIGNATURE_FIELDS, VERB

#: How many strings are tried for one signature, and how many characters of them; some 0.1 s.
_MOST_TRIES, _MOST_CHARACTERS = 10_000, 20_000_000
_PAGES = ("/initiatePayment", "/processPayment")
_SANDBOX, _LIVE = "/OffAmazonPayments_Sandbox/", "/OffAmazonPayments/"


def _replacing(*pairs: tuple[str, str]) -> Callable[[str], str]:
    def rewrite(query: str) -> str:
        for right, wrong in pairs:
            query = query.replace(right, wrong)
        return query

    return rewrite


#: What clients do to a query that RFC 3986 has spelt, also several at once; lower case last.
_REWRITINGS: tuple[Callable[[str], str], ...] = (
    _replacing(("%20", "+")),
    _replacing(("~", "%7E")),
    _replacing(("%2A", "*")),
    _replacing(("%28", "("), ("%29", ")")),
    _replacing(("%21", "!")),
    _replacing(("%27", "'")),
    _replacing(("%2F", "/")),
    lower_hex,
)
#: The same, each alone.
_OTHER_REWRITINGS: tuple[Callable[[str], str], ...] = (
    _replacing(("%3A", ":")),
    _replacing(*((f"%{ord(c):02X}", c) for c in ";,/?:@+$#!'()*")),
    _replacing(*((c, f"%{ord(c):02X}") for c in NODE_MARKS)),
    _replacing(("%2A", "%2a")),
)


class _Parts(Struct, frozen=True):
    """A string to sign in its parts."""

    verb: str
    host: str
    path: str
    query: str
    line_end: str = "\n"
    tail: str = ""

    @property
    def text(self) -> str:
        return self.line_end.join((self.verb, self.host, self.path, self.query)) + self.tail

    @property
    def params(self) -> list[tuple[str, str]]:
        return [piece.partition("=")[::2] for piece in self.query.split("&")]

    def of(self, params: Iterable[tuple[str, str]]) -> _Parts:
        """The same with other parameters."""
        return replace(self, query="&".join([f"{name}={value}" for name, value in params]))

    def spelt(self, spell: Callable[[str], str]) -> _Parts:
        return self.of((name, spell(value)) for name, value in self.params)


def search(
    right_strings: Iterable[str],
    fits: Callable[[str], bool],
    *,
    call: SignedRequest | None = None,
    sent_order: Sequence[str] = (),
    deep: bool = True,
) -> tuple[str, str] | None:
    """
    The right string and the mistaken one of it that fits the signature; None if none of those known does.

    Args:
        call: What was sent, whose own verb, host and path may have been signed.
        sent_order: The parameters' names as they were sent.
        deep: Also two mistakes at once.
    """
    rights = [(text, _Parts(*text.split("\n", 3))) for text in right_strings]
    most = min(_MOST_TRIES, _MOST_CHARACTERS // max(len(text) for text, _ in rights))
    tries = (
        (right, text)
        for depth in ((1, 2) if deep else (1,))
        for right, parts in rights
        for mistaken in _variants(parts, call, sent_order, depth)
        if (text := mistaken.text) != right
    )
    return next((pair for pair in islice(tries, most) if fits(pair[1])), None)


def _variants(parts: _Parts, call: SignedRequest | None, sent_order: Sequence[str], depth: int) -> Iterator[_Parts]:
    kinds: list[Callable[[_Parts], Iterable[_Parts]]] = [
        _recoded,
        _rewritten,
        _paths,
        _parameters,
        _verbs,
        lambda p: _hosts(p, call),
        lambda p: _orders(p, sent_order),
        lambda p: _frames(p, call),
        _unencoded,
        _ends,
    ]
    if depth == 1:
        for kind in kinds:
            yield from kind(parts)
        return
    kinds[1] = lambda p: _rewritten(p, 2)
    for first, second in combinations(kinds, depth):
        for mistaken in first(parts):
            yield from second(mistaken)
    names = [name for name, _ in parts.params]
    yield from (_without(parts, pair) for pair in combinations(names, 2))


def _verbs(parts: _Parts) -> Iterator[_Parts]:
    for verb in ("POST", "GET", parts.verb.lower()):
        if verb != parts.verb:
            yield replace(parts, verb=verb)


def _hosts(parts: _Parts, call: SignedRequest | None) -> Iterator[_Parts]:
    bare, _, port = parts.host.partition(":")
    called = [call.host, call.host.partition(":")[0]] if call else []
    local = [] if is_amazons(parts.host) else ["localhost", "127.0.0.1", "[::1]"]
    ports = dict.fromkeys((port or "443", "443", "80"))
    hosts = [*CANONICAL_HOSTS, *called, *local, bare]
    hosts += [f"{host}:{number}" for host in (bare, *local) for number in ports]
    hosts += [f"{scheme}://{host}" for scheme in ("https", "http") for host in dict.fromkeys((parts.host, bare))]
    hosts += [case(host) for host in (parts.host, bare) for case in (str.upper, str.capitalize)]
    hosts += [f"{parts.host}/", f"www.{bare}"]
    for host in dict.fromkeys(hosts):
        if host != parts.host:
            yield replace(parts, host=host)


def _paths(parts: _Parts) -> Iterator[_Parts]:
    path = parts.path
    other = path.replace(_SANDBOX, _LIVE) if _SANDBOX in path else path.replace(_LIVE, _SANDBOX)
    bare = f"/{path.strip('/')}"
    paths = [other, f"{path}/", bare, f"{bare}/", f"/{bare}", f"/{path}", "/", "", path.lstrip("/"), path.lower()]
    pages = _PAGES if path == PATH else ()
    for changed in dict.fromkeys((*paths, f"{path}?", other.rstrip("/"), *pages)):
        if changed != path:
            yield replace(parts, path=changed)


def _frames(parts: _Parts, call: SignedRequest | None) -> Iterator[_Parts]:
    """The verb, host and path of the other family."""
    yield replace(parts, verb=VERB, host=HOST, path=PATH)
    if call is not None:
        for host in dict.fromkeys((call.host.lower(), call.host.lower().partition(":")[0])):
            yield replace(parts, verb=call.method.upper(), host=host, path=call.path)
            yield replace(parts, host=host, path=call.path)
        yield replace(parts, path=call.path)


def _parameters(parts: _Parts) -> Iterator[_Parts]:
    """One left out, or one signed that was not sent."""
    params = parts.params
    for name, _ in params:
        yield _without(parts, (name,))
    yield _without(parts, tuple(SIGNATURE_FIELDS))
    for name, value in (*SIGNATURE_FIELDS.items(), ("Version", "2013-01-01"), ("Signature", ""), ("isSandbox", "true")):
        if all(name != present for present, _ in params):
            yield parts.of(sorted((*params, (name, value))))


def _without(parts: _Parts, names: Sequence[str]) -> _Parts:
    return parts.of(pair for pair in parts.params if pair[0] not in names)


def _orders(parts: _Parts, sent_order: Sequence[str]) -> Iterator[_Parts]:
    place = {name: index for index, name in enumerate(sent_order)}
    params = parts.params
    yield parts.of(sorted(params, key=lambda pair: pair[0].lower()))
    # What is signed but not sent may stand before or after the rest.
    as_sent = sorted(params, key=lambda pair: place.get(pair[0], -1))
    unsent = [pair for pair in as_sent if pair[0] not in place]
    yield parts.of(as_sent)
    yield parts.of((*as_sent[len(unsent) :], *unsent))
    yield parts.of(sorted(params, key="=".join))
    yield parts.of(sorted(params, key=lambda pair: (pair[0] != "Action", pair[0])))


def _rewritten(parts: _Parts, most: int = len(_REWRITINGS)) -> Iterator[_Parts]:
    """Each way of spelling that changes anything, then up to so many together."""
    changing = [rewrite for rewrite in _REWRITINGS if rewrite(parts.query) != parts.query]
    for count in range(1, min(len(changing), most) + 1):
        for chosen in combinations(changing, count):
            query = parts.query
            for rewrite in chosen:
                query = rewrite(query)
            yield replace(parts, query=query)
    for rewrite in _OTHER_REWRITINGS:
        yield replace(parts, query=rewrite(parts.query))


def _recoded(parts: _Parts) -> Iterator[_Parts]:
    """Text in another encoding than UTF-8 once."""
    texts = {value: unquote(value) for _, value in parts.params}
    if all(text.isascii() for text in texts.values()):
        return
    safe = NODE_MARKS if set(NODE_MARKS) & set("".join(texts)) else ""
    wrong = {value: [octets for _, octets in recodings(text)] for value, text in texts.items()}
    for number in range(max(map(len, wrong.values()))):
        yield parts.spelt(lambda value, n=number: quote(wrong[value][n], safe=safe) if wrong[value] else value)  # type: ignore[misc]  # n is bound here


def _unencoded(parts: _Parts) -> Iterator[_Parts]:
    params = parts.params
    yield parts.spelt(unquote)
    yield parts.spelt(_encode)
    for name, value in params:
        if "%" in value:
            for wrong in (unquote(value), _encode(value)):
                yield parts.of((n, wrong if n == name else v) for n, v in params)


def _encode(value: str) -> str:
    return quote(value, safe="", errors="replace")


def _ends(parts: _Parts) -> Iterator[_Parts]:
    for tail in ("\n", "&", "\r\n"):
        yield replace(parts, tail=tail)
    yield replace(parts, line_end="\r\n")
    yield replace(parts, query=f"?{parts.query}")

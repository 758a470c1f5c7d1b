"""One call signed in thirty ways by a signer that shares no code with `mockpay.wire`: five right, twenty-five wrong."""

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from tests.providers.amazonpay.http_client import send_request

SANDBOX, LIVE = "/OffAmazonPayments_Sandbox/2013-01-01", "/OffAmazonPayments/2013-01-01"
INDIA, EUROPE, NODE_HOST = "mws.amazonservices.in", "mws-eu.amazonservices.com", "amazonpay.amazon.in"
UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"
FIELDS = {
    "AWSAccessKeyId": "",
    "Version": "2013-01-01",
    "Action": "ListOrderReference",
    "SellerId": "",
    "Timestamp": "",
    "SignatureMethod": "HmacSHA256",
    "SignatureVersion": "2",
    "QueryId": "o-1",
    "QueryIdType": "SellerOrderId",
    # A name in lower case, so that sorting without regard to case shows, and a value with all that is spelt variously.
    "aNote": "caf\u00e9 * ~ (1/2) it's!",
}


def spell(octets: bytes, bare: str = "") -> str:
    return "".join(chr(octet) if chr(octet) in UNRESERVED + bare else f"%{octet:02X}" for octet in octets)


def rfc3986(text: str) -> str:
    return spell(text.encode())


def of_node(text: str) -> str:
    return spell(text.encode().decode("latin-1").encode(), "!'()*")


def lower_case(text: str) -> str:
    return re.sub("%..", lambda code: code[0].lower(), rfc3986(text))


def base64_sha256(key: str, text: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()


def base64_sha1(key: str, text: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha1).digest()).decode()


def hexadecimal(key: str, text: str) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Way:
    """What is sent, and how it is signed; {own} stands for the sandbox's address, {bare} for it without the port."""

    to_host: str = "{own}"
    to_path: str = SANDBOX
    method: str = "GET"
    write: Callable[[str], str] = rfc3986
    timestamp_end: str = "Z"
    without: tuple[str, ...] = ()
    added: str = ""
    verb: str = "GET"
    host: str = "{own}"
    path: str = SANDBOX
    encode: Callable[[str], str] = rfc3986
    order: Callable[[list[str]], list[str]] = sorted
    left_out: tuple[str, ...] = ()
    tail: str = ""
    key: str = ""
    mac: Callable[[str, str], str] = base64_sha256

    def text(self, fields: dict[str, str], netloc: str) -> str:
        """The string that it signs."""
        names = self.order([name for name in fields if name not in self.left_out])
        query = "&".join(f"{name}={self.encode(fields[name])}" for name in names)
        host = self.host.format(own=netloc, bare=netloc.partition(":")[0])
        return f"{self.verb}\n{host}\n{self.path}\n{query}{self.tail}"


CALL = Way()
POST = replace(CALL, method="POST", verb="POST")
AMAZON = replace(CALL, to_host=INDIA, host=INDIA)
NODE = Way(
    to_host=NODE_HOST,
    to_path="/v2/payments/orderReference",
    write=of_node,
    without=("Action",),
    added="&isSandbox=null",
    verb="POST",
    host=NODE_HOST,
    path="/",
    encode=of_node,
)
RIGHT = {
    "own address with its port, a form body with +": replace(POST, write=lambda t: rfc3986(t).replace("%20", "+")),
    "own address without its port": replace(CALL, host="{bare}"),
    "a host of Amazon's": AMAZON,
    "npm's client": replace(
        POST, host="{bare}", timestamp_end="z", encode=lambda text: rfc3986(text).replace("%2A", "%2a")
    ),
    "the Node client": NODE,
}
#: What is wrong, the way that is right for what is sent, what is signed otherwise, the mistakes' names and a word.
WRONG = [
    ("path", CALL, {"path": "/"}, ["path.root"], "path was signed as /"),
    ("live path", CALL, {"path": LIVE}, ["path.environment"], "the live path"),
    (
        "sandbox path",
        replace(CALL, to_path=LIVE, path=LIVE),
        {"path": SANDBOX},
        ["path.environment"],
        "the sandbox path",
    ),
    ("double slash", CALL, {"path": f"/{SANDBOX}"}, ["path.slashes"], "double slash"),
    ("slash at the end", CALL, {"path": f"{SANDBOX}/"}, ["path.slashes"], "slash at its end"),
    ("another region", AMAZON, {"host": EUROPE}, ["host.other"], EUROPE),
    ("a port", AMAZON, {"host": f"{INDIA}:443"}, ["host.port"], "port"),
    ("a scheme", CALL, {"host": "http://{own}"}, ["host.scheme"], "scheme"),
    ("verb", POST, {"verb": "GET"}, ["verb.other"], "verb"),
    ("left out", CALL, {"left_out": ("Version",)}, ["parameter.unsigned"], "Version"),
    ("added later", CALL, {"added": "&MWSAuthToken=x"}, ["parameter.unsigned"], "MWSAuthToken"),
    ("order without case", CALL, {"order": lambda n: sorted(n, key=str.lower)}, ["order.case"], "regard to case"),
    ("as sent", CALL, {"order": list}, ["order.unsorted"], "not sorted"),
    ("space", CALL, {"encode": lambda t: rfc3986(t).replace("%20", "+")}, ["encoding.space"], "written as +"),
    ("tilde", CALL, {"encode": lambda t: rfc3986(t).replace("~", "%7E")}, ["encoding.tilde"], "tilde"),
    ("marks", CALL, {"encode": lambda t: spell(t.encode(), "!'()*")}, ["encoding.marks"], "! ' ( ) *"),
    ("star", POST, {"encode": lambda t: spell(t.encode(), "*")}, ["encoding.marks"], "mark * is bare"),
    ("hex", CALL, {"encode": lower_case}, ["encoding.hex"], "lower case"),
    ("UTF-8 twice", CALL, {"encode": lambda t: rfc3986(t.encode().decode("latin-1"))}, ["text.utf8_twice"], "UTF-8"),
    ("Latin-1", CALL, {"encode": lambda t: spell(t.encode("latin-1"))}, ["text.latin1"], "Latin-1"),
    ("not encoded", CALL, {"encode": str}, ["value.unencoded"], "not percent-encoded"),
    ("newline", CALL, {"tail": "\n"}, ["string.newline"], "newline"),
    ("another seller's key", CALL, {"key": "theirs"}, ["key.other_seller"], "another seller's"),
    ("SHA-1", CALL, {"mac": base64_sha1}, ["hmac.digest"], "SHA-256"),
    ("hexadecimal", CALL, {"mac": hexadecimal}, ["signature.hex"], "base64"),
]


def test_one_call_signed_in_thirty_ways(mockpay_server, mockpay_seller, subtests):
    assert (len(RIGHT), len(WRONG)) == (5, 25)
    netloc = urlsplit(mockpay_server.url).netloc
    known = mockpay_seller.fields
    theirs = mockpay_server.new_seller().fields["secret_key"]
    now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())

    def ask(way):
        """Send the call; its answer's status and code, and what `signature/explain` says of it."""
        given = {"AWSAccessKeyId": known["access_key"], "SellerId": known["seller_id"]}
        fields = {name: text for name, text in (FIELDS | given).items() if name not in way.without}
        fields["Timestamp"] = now + way.timestamp_end
        signature = way.mac(theirs if way.key else known["secret_key"], way.text(fields, netloc))
        pairs = [*fields.items(), ("Signature", signature)]
        form = "&".join(f"{name}={way.write(text)}" for name, text in pairs) + way.added
        host = way.to_host.format(own=netloc)
        body = form if way.method == "POST" else None
        target = way.to_path if body else f"{way.to_path}?{form}"
        reply = send_request(mockpay_server, target, form=body, host=host)
        call = {"url": f"http://{host}{target}", "method": way.method, "body": body or ""}
        code = re.search(rb"<Code>(\w+)</Code>", reply.body)
        return (
            fields,
            (reply.status, code and code[1].decode()),
            mockpay_seller.control("POST", "/signature/explain", call),
        )

    for name, way in RIGHT.items():
        with subtests.test(right=name):
            _, answer, explained = ask(way)
            assert answer == (200, None)
            assert explained["matched"]
            assert explained["mistakes"] == []

    for name, right, changed, mistakes, words in WRONG:
        with subtests.test(wrong=name):
            way = replace(right, **changed)
            fields, answer, explained = ask(way)
            assert answer == (403, "SignatureDoesNotMatch")
            assert explained["matched"] is None
            assert [mistake["name"] for mistake in explained["mistakes"]] == mistakes
            assert words in explained["cause"]
            assert all(mistake["code"] for mistake in explained["mistakes"])
            fields |= dict(piece.split("=") for piece in way.added.split("&") if piece)
            expected, signed = right.text(fields, netloc).encode(), explained["your_string_to_sign"]
            assert explained["string_to_sign"].encode() == expected
            if signed is not None:
                ends = zip(signed.encode() + b"$", expected + b"$", strict=False)
                assert explained["first_difference"] == next(i for i, (a, b) in enumerate(ends) if a != b)
            reason = mockpay_seller.control("GET", "/journal")["items"][0]["reason"]
            if name != "another seller's key":
                assert words in reason or "other parameters" in reason
            assert "aNote" not in reason

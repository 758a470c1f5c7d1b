"""Ask the sandbox over HTTP exactly what is written, and read the answer."""

import json
from dataclasses import dataclass
from http.client import HTTPConnection
from urllib.parse import parse_qsl, urlsplit

from mockpay.wire import xml

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")

    @property
    def location(self) -> str | None:
        return self.headers.get("location")

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def xml(self):
        return xml.parse(self.body)

    @property
    def result(self) -> dict[str, str]:
        """The parameters of the way back."""
        return dict(parse_qsl(urlsplit(self.location).query, keep_blank_values=True))

    @property
    def error(self) -> dict[str, str]:
        """Amazon's Error of an XML answer."""
        return self.xml["ErrorResponse"]["Error"]


def send_request(server, target, *, method=None, form=None, host=None, headers=None) -> Reply:
    """
    Send one request, following nothing.

    Args:
        target: What stands in the request line, as it is.
        form: A form body; the request then is a POST.
    """
    address = urlsplit(server.url)
    connection = HTTPConnection(address.hostname, address.port, timeout=20)
    sent = {} if form is None else {"Content-Type": FORM}
    sent |= {"Host": host or address.netloc, **(headers or {})}
    body = form.encode() if isinstance(form, str) else form
    verb = method or ("GET" if form is None else "POST")
    try:
        connection.putrequest(verb, target, skip_host=True, skip_accept_encoding=True)
        if body is not None:
            sent["Content-Length"] = str(len(body))
        for name, value in sent.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        told = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, told, answer.read())
    finally:
        connection.close()


def short_id(value: object) -> str:
    """A parametrised value as a test's name can show it."""
    return ascii(value)[:40]


def assert_refused_with_a_page(reply: Reply, status: int | None = None) -> None:
    """The buyer sees why, and is not sent anywhere."""
    assert 400 <= reply.status < 500
    assert status in (None, reply.status)
    assert reply.content_type == "text/html; charset=utf-8"
    assert reply.location is None
    assert "<h1" in reply.text
    assert "Traceback" not in reply.text


def assert_xml_error(reply: Reply, status: int, code: str) -> dict[str, str]:
    assert (reply.status, reply.content_type) == (status, "text/xml")
    document = reply.xml["ErrorResponse"]
    assert document["RequestId"]
    assert document["Error"]["Type"] == "Sender"
    assert document["Error"]["Code"] == code
    assert document["Error"]["Message"]
    assert b"Traceback" not in reply.body
    assert b'xmlns="http://mws.amazonservices.com/schema/OffAmazonPayments/2013-01-01"' in reply.body
    return document["Error"]

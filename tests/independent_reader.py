"""
The wire as a stranger reads it: written from Amazon's published facts, by the standard library and cryptography alone.

Nothing here is mockpay's, so a mistake that the sandbox and the shop make alike is seen by the journeys that use it.
"""

import base64
import hashlib
import hmac
import json
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.etree import ElementTree as ET

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

_UNRESERVED = "-_.~"
_IPN = "{https://mws.amazonservices.com/ipn/OffAmazonPayments/2013-01-01}"
_MWS = "{http://mws.amazonservices.com/schema/OffAmazonPayments/2013-01-01}"


def _hmac(secret, verb, host, path, pairs):
    """SignatureVersion 2: four lines, the parameters in byte order of their names."""
    query = "&".join(f"{name}={value}" for name, value in sorted(pairs.items()))
    digest = hmac.new(secret.encode(), f"{verb}\n{host}\n{path}\n{query}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def payment_request(url, private_key, secret):
    """The fields in a sealed payment URL, opened with the sandbox's key; the signature must hold."""
    query = dict(parse_qsl(urlsplit(url).query, strict_parsing=True))
    sha1 = hashes.SHA1()
    data_key = private_key.decrypt(
        base64.b64decode(query["key"], validate=True), padding.OAEP(padding.MGF1(sha1), sha1, None)
    )
    assert len(data_key) == 16, "the clients make AES-128 keys"
    iv = base64.b64decode(query["iv"], validate=True)
    plaintext = AESGCM(data_key).decrypt(iv, base64.b64decode(query["payload"], validate=True), None).decode("ascii")
    sent = dict(pair.split("=", 1) for pair in plaintext.split("&"))
    signature = unquote(sent.pop("Signature"))
    signed = {name: value if name == "AWSAccessKeyId" else unquote(value) for name, value in sent.items()}
    signed |= {"SignatureMethod": "HmacSHA256", "SignatureVersion": "2"}
    assert signature == _hmac(secret, "POST", "amazonpay.amazon.in", "/", signed)
    return {name: unquote(value) for name, value in signed.items()} | {"redirectUrl": query.get("redirectUrl", "")}


def result(url, access_key, secret):
    """What a browser brings back to the shop, ASCII as it is here; the signature must hold."""
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True, strict_parsing=True)
    params = dict(pairs)
    assert len(params) == len(pairs)
    signed = {name: quote(value, safe=_UNRESERVED) for name, value in params.items() if name != "signature"}
    signed |= {"AWSAccessKeyId": access_key, "SignatureMethod": "HmacSHA256", "SignatureVersion": "2"}
    assert params["signature"] == _hmac(secret, "POST", "amazonpay.amazon.in", "/", signed)
    return params


def notification(body, certificate_pem):
    """The message in an SNS notification of version 1; certificate and signature must be Amazon's."""
    told = json.loads(body)
    assert (told["Type"], told["SignatureVersion"]) == ("Notification", "1")
    address = urlsplit(told["SigningCertURL"])
    assert (address.scheme, address.path[-4:]) == ("https", ".pem")
    host = address.netloc.split(".")
    assert (host[0], host[2:]) == ("sns", ["amazonaws", "com"])
    lines = [text for name in ("Message", "MessageId", "Timestamp", "TopicArn", "Type") for text in (name, told[name])]
    certificate = x509.load_pem_x509_certificate(certificate_pem)
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == "sns.amazonaws.com"
    signature = base64.b64decode(told["Signature"], validate=True)
    canonical = ("\n".join(lines) + "\n").encode()
    certificate.public_key().verify(signature, canonical, padding.PKCS1v15(), hashes.SHA1())
    return json.loads(told["Message"])


def call(request, secret):
    """The parameters of a server-to-server call by GET; the signature over its own host and path must hold."""
    address = urlsplit(request.url)
    sent = dict(pair.split("=", 1) for pair in address.query.split("&"))
    signature = unquote(sent.pop("Signature"))
    assert signature == _hmac(secret, request.method, address.netloc, address.path, sent)
    return {name: unquote(value) for name, value in sent.items()}


def operation(document):
    """The result of an operation's answer: dicts of texts; its root must be in the namespace of the MWS clients."""
    root = ET.fromstring(document)
    assert root.tag.startswith(_MWS), root.tag
    return {_name(root): _plain(root)}


def notification_data(document):
    """The document inside a notification's message; one consumer strips just this namespace as text."""
    root = ET.fromstring(document)
    assert root.tag.startswith(_IPN), root.tag
    return {_name(root): _plain(root)}


def _name(element):
    return element.tag.rpartition("}")[2]


def _plain(element):
    return {_name(child): _plain(child) for child in element} if len(element) else element.text or ""

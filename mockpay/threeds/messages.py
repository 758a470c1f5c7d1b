"""
The messages of EMV 3DS 2.2.0 by the names of the wire, and the base64url of JSON in which a browser carries them.

Elements and their forms: the facts on the buyer's side, section 3.2.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar, Self, TypeVar

from mockpay.kernel import ids
from mockpay.kernel.errors import MockpayError
from mockpay.threeds.rules import VERSION, Browser

# --- as a browser carries them


#: What a challenge message or session data may have at most, in characters of base64url.
MAX_CHARACTERS = 1_024
_ALPHABET = re.compile("[A-Za-z0-9_-]*")

Element = str | int | bool


class MessageError(MockpayError):
    """
    A text that is no 3-D Secure message.

    Its detail has the `error_code` of EMV 3DS: 101 no message at all, 203 a form that no
    element has, 204 an element given twice.
    """

    code = "threeds.malformed"

    def __init__(self, message: str, error_code: str = "101") -> None:
        super().__init__(message, error_code=error_code)
        self.error_code = error_code


def pack(octets: bytes) -> str:
    """Bytes as base64url without padding."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def unpack(text: str) -> bytes:
    """
    Read base64url.

    Padding is forgiven, as several payment companies' samples have it; other alphabets,
    white space and bits beyond the last octet are not.

    Raises:
        MessageError: not base64url, or longer than `MAX_CHARACTERS`.
    """
    bare = text.removesuffix("=").removesuffix("=")
    if len(bare) > MAX_CHARACTERS or not _ALPHABET.fullmatch(bare):
        raise MessageError("This is not base64url of a message's length.")
    try:
        octets = base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except binascii.Error as error:
        raise MessageError("This is not base64url.") from error
    if pack(octets) != bare:
        raise MessageError("This base64url ends in bits that belong to no octet.")
    return octets


def encode(message: Mapping[str, Element]) -> str:
    """A message as ``creq``, ``cres`` or ``threeDSMethodData`` carry it."""
    return pack(json.dumps(dict(message), separators=(",", ":")).encode())


def decode(text: str) -> dict[str, Element]:
    """
    Read what `encode` writes.

    Raises:
        MessageError: not base64url, not one JSON object in UTF-8, an element twice, or one
            that is neither text nor a whole number nor true or false.
    """
    try:
        message = json.loads(unpack(text).decode(), object_pairs_hook=_flat, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise MessageError("This is not JSON.") from error
    if not isinstance(message, dict):
        raise MessageError("A message is one JSON object.")
    return message


def _flat(pairs: Iterable[tuple[str, object]]) -> dict[str, Element]:
    message: dict[str, Element] = {}
    for name, value in pairs:
        if name in message:
            raise MessageError("An element is there twice.", "204")
        if not isinstance(value, str | int):
            raise MessageError("An element has a value that none has.", "203")
        message[name] = value
    return message


def _no_number(name: str) -> object:
    raise MessageError(f"{name} is no JSON.")


def session_text(text: str) -> str:
    """
    Check ``threeDSSessionData``, which is handed back as it came; empty for none.

    Raises:
        MessageError: code 203 of EMV 3DS.
    """
    if len(text) > MAX_CHARACTERS or not _ALPHABET.fullmatch(text):
        raise MessageError("threeDSSessionData is base64url of at most 1,024 characters.", "203")
    return text


# --- the messages


Plain = Mapping[str, Element]
Read = TypeVar("Read", bound="Message")

#: errorCode, with the words of errorDescription.
ERRORS: Mapping[str, str] = {
    "101": "Message received invalid",
    "102": "Message version not supported",
    "201": "Required element missing",
    "203": "Format of one or more elements is invalid",
    "204": "Duplicate element",
    "301": "Transaction ID not recognized",
    "402": "Transaction timed out",
    "404": "Permanent system failure",
    "405": "System connection failure",
}


class BadMessage(MockpayError):
    """A message that breaks EMV 3DS; `error_code` is what an Erro says of it."""

    code = "threeds.bad_message"

    def __init__(self, error_code: str, element: str) -> None:
        super().__init__(ERRORS[error_code], error_code=error_code, element=element)
        self.error_code, self.element = error_code, element


UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
STATUS, DIGITS2, URL, ANY = "[YNUACDRI]", "[0-9]{2}", "[!-~]{1,2048}", "[^\\0]{0,2048}"
#: The form of an element that is true or false.
FLAG = "flag"


def element(name: str, form: str = ANY) -> dict[str, str]:
    """The metadata of a field: its name on the wire and the form that its text has."""
    return {"name": name, "form": form}


@dataclass(frozen=True, slots=True)
class Message:
    """What all messages have in common; `kind` is messageType."""

    kind: ClassVar[str] = ""

    def plain(self) -> dict[str, Element]:
        """As JSON has it: the names of the wire, nothing that is absent."""
        elements: dict[str, Element] = {"messageType": self.kind, "messageVersion": VERSION}
        for field_ in fields(self):
            value = getattr(self, field_.name)
            if value is not None:
                elements[field_.metadata["name"]] = value if isinstance(value, bool) else str(value)
        return elements

    @classmethod
    def read(cls, plain: Plain) -> Self:
        """
        Read what `plain` wrote.

        Raises:
            BadMessage: 101 another message, 102 another version, 201 an element is missing,
                203 one has another form.
        """
        if plain.get("messageType") != cls.kind:
            raise BadMessage("101", "messageType")
        if plain.get("messageVersion") != VERSION:
            raise BadMessage("102", "messageVersion")
        values: dict[str, Any] = {}
        for field_ in fields(cls):
            name = field_.metadata["name"]
            if name in plain:
                values[field_.name] = _checked(name, plain[name], field_.metadata["form"])
            elif field_.default is MISSING:
                raise BadMessage("201", name)
        return cls(**values)


def _checked(name: str, value: Element, form: str) -> Element:
    if form == FLAG:
        if isinstance(value, bool):
            return value
    elif isinstance(value, str) and re.fullmatch(form, value):
        return value
    raise BadMessage("203", name)


def redacted(plain: Plain) -> dict[str, Element]:
    """
    A message as its log may have it.

    Of a card number the first six and last four digits, of an authenticationValue its length and
    the start of its SHA-256, and nothing that a cardholder typed.
    """
    logged = {name: value for name, value in plain.items() if name not in _TYPED}
    number = str(logged.get("acctNumber", ""))
    if number:
        logged["acctNumber"] = f"{number[:6]}…{number[-4:]}"
    value = str(logged.get("authenticationValue", ""))
    if value:
        mark = ids.fingerprint(value.encode())[:8]
        logged["authenticationValue"] = f"{len(value)} characters, SHA-256 {mark}…"
    return logged


_TYPED = frozenset({"challengeDataEntry", "challengeHTMLDataEntry", "otp"})


_SERVER = element("threeDSServerTransID", UUID)
_ACS, _DS = element("acsTransID", UUID), element("dsTransID", UUID)


@dataclass(frozen=True, slots=True)
class AReq(Message):
    """The 3DS Server asks the issuer to authenticate (browser, payment)."""

    kind: ClassVar[str] = "AReq"

    server_trans_id: str = field(metadata=_SERVER)
    comp_ind: str = field(metadata=element("threeDSCompInd", "[YNU]"))
    acct_number: str = field(metadata=element("acctNumber", "[0-9…]{11,19}"))
    card_expiry: str = field(metadata=element("cardExpiryDate", "[0-9]{4}"))
    purchase_amount: str = field(metadata=element("purchaseAmount", "[0-9]{1,48}"))
    purchase_date: str = field(metadata=element("purchaseDate", "[0-9]{14}"))
    merchant_name: str = field(metadata=element("merchantName", "[^\\0]{1,100}"))
    requestor_id: str = field(metadata=element("threeDSRequestorID", "[!-~]{1,64}"))
    requestor_name: str = field(metadata=element("threeDSRequestorName", "[^\\0]{1,100}"))
    requestor_url: str = field(metadata=element("threeDSRequestorURL", URL))
    acquirer_merchant_id: str = field(metadata=element("acquirerMerchantID", "[!-~]{1,64}"))
    notification_url: str = field(metadata=element("notificationURL", URL))
    browser_ip: str = field(metadata=element("browserIP", "[0-9a-fA-F.:]{3,45}"))
    browser_user_agent: str = field(metadata=element("browserUserAgent"))
    browser_accept_header: str = field(metadata=element("browserAcceptHeader"))
    browser_language: str = field(metadata=element("browserLanguage", "[^\\0]{1,35}"))
    browser_javascript: bool = field(metadata=element("browserJavascriptEnabled", FLAG))
    browser_java: bool | None = field(default=None, metadata=element("browserJavaEnabled", FLAG))
    browser_color_depth: str | None = field(default=None, metadata=element("browserColorDepth", "[0-9]{1,2}"))
    browser_height: str | None = field(default=None, metadata=element("browserScreenHeight", "[0-9]{1,6}"))
    browser_width: str | None = field(default=None, metadata=element("browserScreenWidth", "[0-9]{1,6}"))
    browser_tz: str | None = field(default=None, metadata=element("browserTZ", "-?[0-9]{1,4}"))
    challenge_ind: str = field(default="01", metadata=element("threeDSRequestorChallengeInd", DIGITS2))
    authentication_ind: str = field(default="01", metadata=element("threeDSRequestorAuthenticationInd", DIGITS2))
    purchase_currency: str = field(default="356", metadata=element("purchaseCurrency", "[0-9]{3}"))
    purchase_exponent: str = field(default="2", metadata=element("purchaseExponent", "[0-9]"))
    mcc: str = field(default="5999", metadata=element("mcc", "[0-9]{4}"))
    acquirer_bin: str = field(default="400000", metadata=element("acquirerBIN", "[0-9]{6,11}"))
    device_channel: str = field(default="02", metadata=element("deviceChannel", DIGITS2))
    message_category: str = field(default="01", metadata=element("messageCategory", DIGITS2))
    ds_trans_id: str | None = field(default=None, metadata=_DS)


@dataclass(frozen=True, slots=True)
class ARes(Message):
    """The issuer's first answer: done, or a challenge at `acs_url`."""

    kind: ClassVar[str] = "ARes"

    server_trans_id: str = field(metadata=_SERVER)
    ds_trans_id: str = field(metadata=_DS)
    acs_trans_id: str = field(metadata=_ACS)
    trans_status: str = field(metadata=element("transStatus", STATUS))
    reason: str | None = field(default=None, metadata=element("transStatusReason", DIGITS2))
    eci: str | None = field(default=None, metadata=element("eci", DIGITS2))
    authentication_value: str | None = field(
        default=None, metadata=element("authenticationValue", "[A-Za-z0-9+/=]{28}")
    )
    acs_url: str | None = field(default=None, metadata=element("acsURL", URL))
    challenge_mandated: str | None = field(default=None, metadata=element("acsChallengeMandated", "[YN]"))
    authentication_type: str | None = field(default=None, metadata=element("authenticationType", DIGITS2))
    acs_reference: str = field(default="MOCKPAY-ACS", metadata=element("acsReferenceNumber", "[!-~]{1,32}"))
    acs_operator: str | None = field(default=None, metadata=element("acsOperatorID", "[!-~]{1,32}"))


@dataclass(frozen=True, slots=True)
class CReq(Message):
    """The browser opens the challenge."""

    kind: ClassVar[str] = "CReq"

    server_trans_id: str = field(metadata=_SERVER)
    acs_trans_id: str = field(metadata=_ACS)
    window_size: str = field(metadata=element("challengeWindowSize", "0[1-5]"))


@dataclass(frozen=True, slots=True)
class CRes(Message):
    """The browser brings the challenge's end; believed only as far as the RReq says the same."""

    kind: ClassVar[str] = "CRes"

    server_trans_id: str = field(metadata=_SERVER)
    acs_trans_id: str = field(metadata=_ACS)
    trans_status: str = field(metadata=element("transStatus", STATUS))


@dataclass(frozen=True, slots=True)
class RReq(Message):
    """The ACS tells the challenge's result, server to server."""

    kind: ClassVar[str] = "RReq"

    server_trans_id: str = field(metadata=_SERVER)
    ds_trans_id: str = field(metadata=_DS)
    acs_trans_id: str = field(metadata=_ACS)
    trans_status: str = field(metadata=element("transStatus", STATUS))
    interaction_counter: str = field(metadata=element("interactionCounter", DIGITS2))
    reason: str | None = field(default=None, metadata=element("transStatusReason", DIGITS2))
    eci: str | None = field(default=None, metadata=element("eci", DIGITS2))
    authentication_value: str | None = field(
        default=None, metadata=element("authenticationValue", "[A-Za-z0-9+/=]{28}")
    )
    challenge_cancel: str | None = field(default=None, metadata=element("challengeCancel", DIGITS2))
    authentication_method: str = field(default="02", metadata=element("authenticationMethod", DIGITS2))
    message_category: str = field(default="01", metadata=element("messageCategory", DIGITS2))


@dataclass(frozen=True, slots=True)
class RRes(Message):
    """The 3DS Server has the result; `results_status` 01 says so."""

    kind: ClassVar[str] = "RRes"

    server_trans_id: str = field(metadata=_SERVER)
    ds_trans_id: str = field(metadata=_DS)
    acs_trans_id: str = field(metadata=_ACS)
    results_status: str = field(default="01", metadata=element("resultsStatus", DIGITS2))


@dataclass(frozen=True, slots=True)
class ErrorMessage(Message):
    """A message was refused; `component` says by whom: S 3DS Server, D DS, A ACS."""

    kind: ClassVar[str] = "Erro"

    error_code: str = field(metadata=element("errorCode", "[0-9]{3}"))
    component: str = field(metadata=element("errorComponent", "[CSDA]"))
    description: str = field(metadata=element("errorDescription"))
    detail: str = field(metadata=element("errorDetail"))
    refused: str | None = field(default=None, metadata=element("errorMessageType", "[A-Za-z]{4}"))
    server_trans_id: str | None = field(default=None, metadata=_SERVER)
    ds_trans_id: str | None = field(default=None, metadata=_DS)
    acs_trans_id: str | None = field(default=None, metadata=_ACS)


def error_message(error_code: str, component: str, detail: str, refused: str, **trans_ids: str | None) -> ErrorMessage:
    """An Erro in the published words; `detail` names the element or tells what is wrong."""
    return ErrorMessage(error_code, component, ERRORS[error_code], detail, refused, **trans_ids)


def browser_elements(browser: Browser) -> dict[str, Any]:
    """What an AReq tells of a browser, cut to the lengths that its elements have."""
    return {
        "browser_ip": browser.ip.partition("%")[0],
        "browser_user_agent": browser.user_agent[:2048].replace("\0", ""),
        "browser_accept_header": browser.accept_header[:2048].replace("\0", ""),
        "browser_language": browser.language[:35].replace("\0", "") or "en",
        "browser_javascript": browser.javascript_enabled,
        "browser_java": browser.java_enabled if browser.javascript_enabled else None,
        "browser_color_depth": browser.color_depth,
        "browser_height": browser.screen_height,
        "browser_width": browser.screen_width,
        "browser_tz": browser.tz,
    }

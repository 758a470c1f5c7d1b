"""
The messages of EMV 3DS 2.2.0 as the roles exchange them, each with the names of the wire.

Elements and their forms: the facts on the buyer's side, section 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from mockpay.threeds.elements import DIGITS2, ERRORS, FLAG, STATUS, URL, UUID, Message, element
from mockpay.threeds.rules import Browser

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


def error_message(error_code: str, component: str, detail: str, refused: str, **known: str | None) -> ErrorMessage:
    """An Erro in the published words; `detail` names the element or tells what is wrong."""
    return ErrorMessage(error_code, component, ERRORS[error_code], detail, refused, **known)


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

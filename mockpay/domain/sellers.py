"""A seller: the merchant account, and a world of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, get_args, get_origin, get_type_hints

from msgspec import Meta, Struct

from mockpay.domain.payments.routing import Routing
from mockpay.kernel.clock import Clock
from mockpay.kernel.errors import Invalid
from mockpay.kernel.fields import convert_fields

#: The setting `throttling`: no limits.
THROTTLING_OFF = "off"
# `$` alone would let a line break through.
_NAME = r"^[A-Za-z_]{1,32}(?!\n)$"
_URL = r"^(https?://[A-Za-z0-9.:\[\]-]+/[!-~]*)?(?!\n)$"
AMOUNT = r"^(0|[1-9][0-9]{0,9})(\.[0-9]{1,2})?(?!\n)$"


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A seller's settings; every one has a default that suits CI."""

    freshness_seconds: Annotated[
        int, Meta(ge=0, le=10**9, description="How old a startTime or Timestamp may be; 0 = any age.")
    ] = 900
    freshness_clock: Annotated[
        Literal["either", "seller"],
        Meta(
            description="Which now a startTime or Timestamp is held against: the seller's or the real one, or seller."
        ),
    ] = "either"
    order_expiry_seconds: Annotated[
        int, Meta(ge=1, le=31_536_000, description="How long the buyer may pay, unless the request says.")
    ] = 900
    max_attempts: Annotated[int, Meta(ge=1, le=100, description="Tries of one order before it is FAILED.")] = 5
    upi_collect_enabled: Annotated[bool, Meta(description="Whether a UPI ID may be typed (deprecated by NPCI).")] = True
    upi_collect_seconds: Annotated[
        int, Meta(ge=1, le=345_600, description="How long a UPI request waits for its answer.")
    ] = 300
    upi_answer_seconds: Annotated[
        int, Meta(ge=0, le=86_400, description="When the simulated buyer answers a request that nobody opened.")
    ] = 10
    upi_pending_seconds: Annotated[
        int, Meta(ge=0, le=31_536_000, description="When a pending or deemed payment becomes known.")
    ] = 30
    bank_page_seconds: Annotated[
        int, Meta(ge=1, le=86_400, description="How long a bank's page waits for its buyer.")
    ] = 600
    upi_payee_vpa: Annotated[
        str,
        Meta(
            max_length=255,
            pattern=r"^([A-Za-z0-9._-]{2,190}@[A-Za-z0-9]{2,64})?(?!\n)$",
            description="The seller's own UPI ID; empty = made from its name.",
        ),
    ] = ""
    otp_threshold: Annotated[
        str, Meta(pattern=AMOUNT, examples=["5000.00"], description="A payment of more than this asks for an OTP.")
    ] = "5000.00"
    otp_always_methods: Annotated[
        tuple[Annotated[str, Meta(pattern=_NAME)], ...],
        Meta(max_length=50, description="Methods that ask for an OTP whatever the amount."),
    ] = ()
    otp_length: Annotated[int, Meta(ge=4, le=8, description="Digits of an OTP.")] = 6
    otp_ttl_seconds: Annotated[int, Meta(ge=1, le=86_400, description="How long an OTP is good for.")] = 300
    otp_max_wrong: Annotated[int, Meta(ge=1, le=100, description="Wrong OTPs after which a challenge is locked.")] = 3
    otp_resend_seconds: Annotated[
        int, Meta(ge=0, le=86_400, description="How long the buyer waits for another OTP.")
    ] = 30
    otp_max_sends: Annotated[
        int,
        Meta(
            ge=1,
            le=100,
            description="How often an OTP is sent, the first one included; for signing in, however often it is begun, "
            "in half an hour until one is typed.",
        ),
    ] = 3
    magic_amounts: Annotated[bool, Meta(description="Whether amounts of the band 17SS.CC decide outcomes.")] = True
    default_outcomes: Annotated[
        dict[str, str], Meta(description="Outcome by stage where no rule, instrument or amount decides.")
    ] = {}
    risk_rules: Annotated[
        dict[str, str], Meta(description="By risk rule: off, on, its limits, or more entries of its list.")
    ] = {}
    risk_review_seconds: Annotated[
        int, Meta(ge=0, le=31_536_000, description="When a payment under review is approved by itself.")
    ] = 10
    all_attempts_listed: Annotated[
        bool, Meta(description="Whether a list of orders shows every order of a seller's order id, not the last.")
    ] = False
    duplicate_orders: Annotated[
        Literal["refuse", "allow"],
        Meta(
            description="A request to pay with the seller's order id of a paid order: refuse, or allow a second order."
        ),
    ] = "refuse"
    regions: Annotated[
        Literal["any", "strict"],
        Meta(
            description="strict: other regions' hosts refuse the seller, test and live addresses see their own orders."
        ),
    ] = "any"
    payment_domain: Annotated[
        Literal["any", "strict"],
        Meta(description="Whether a list asked for another region's orders has the seller's (any) or none (strict)."),
    ] = "any"
    text_limits: Annotated[
        Literal["warn", "refuse"],
        Meta(description="A text longer than published: warn in journal and dashboard, or refuse the request."),
    ] = "warn"
    id_list: Annotated[
        bool, Meta(description="Whether details list the ids of what belongs to them, as some clients need.")
    ] = False
    trust_loopback_tls: Annotated[
        bool, Meta(description="Whether https at this machine's own addresses may have any certificate.")
    ] = False
    send_seller_id: Annotated[bool, Meta(description="Add an unsigned sellerId to the return URL.")] = False
    result_encoding: Annotated[
        Literal["auto", "php", "node", "rfc3986"],
        Meta(description="How results are encoded for signing: auto, php, node or rfc3986."),
    ] = "auto"
    capture: Annotated[
        Literal["auto", "manual"],
        Meta(description="Whether money is captured by itself (auto) or by the seller (manual)."),
    ] = "auto"
    authorization_seconds: Annotated[
        int, Meta(ge=1, le=31_536_000, description="How long an authorisation waits for its capture.")
    ] = 432_000
    reload_mandate_limit: Annotated[
        str,
        Meta(pattern=AMOUNT, examples=["15000.00"], description="The most that auto-reload charges without the buyer."),
    ] = "15000.00"
    reload_max_failures: Annotated[
        int, Meta(ge=1, le=100, description="Failures in a row after which auto-reload is switched off.")
    ] = 3
    reload_cooldown_seconds: Annotated[
        int, Meta(ge=0, le=86_400, description="How long no spend reloads a balance that has just been reloaded.")
    ] = 300
    refund_delay_seconds: Annotated[
        int, Meta(ge=0, le=31_536_000, description="How long a refund is pending; 0 = settled at once.")
    ] = 5
    refund_settle_polls: Annotated[
        int, Meta(ge=0, le=999, description="Settle a refund by the n-th enquiry instead; 0 = by time.")
    ] = 0
    alert_url: Annotated[
        str,
        Meta(
            pattern=_URL,
            max_length=255,
            description="Where alerts about gateways are told, a host that may be called; empty = nowhere.",
        ),
    ] = ""
    ipn_profile: Annotated[
        str, Meta(max_length=255, description="Retries of notifications: fast, or one of a provider's.")
    ] = "fast"
    # A lease of the outbox lasts 30 s: a try must be over before it lapses.
    ipn_timeout_seconds: Annotated[
        int, Meta(ge=1, le=25, description="How long the seller may take to answer a notification.")
    ] = 10
    ipn_certificate_url: Annotated[
        str,
        Meta(
            pattern=_URL,
            max_length=255,
            description="Another certificate URL, for handlers that accept one; empty = the provider's.",
        ),
    ] = ""
    ipn_signature_version: Annotated[
        Literal["1", "2"], Meta(description="How notifications are signed: 1 (RSA with SHA-1) or 2 (RSA with SHA-256).")
    ] = "1"
    certificate_fault: Annotated[
        Literal["", "slow", "once"],
        Meta(
            description="What the download of the signing certificate meets: nothing (empty), an answer after 5 s "
            "(slow), or a 503 the first time after the setting was made (once)."
        ),
    ] = ""
    threeds_on_unavailable: Annotated[
        Literal["auto", "decline", "proceed"],
        Meta(description="Without 3-D Secure (U): decline, proceed, or auto (decline in India)."),
    ] = "auto"
    signatures: Annotated[
        Literal["strict", "lenient"],
        Meta(
            description="strict: as the real service; lenient: also what it refuses but clients sign, with a warning."
        ),
    ] = "strict"
    throttling: Annotated[
        str, Meta(max_length=255, description="Limits of calls: off, or one of a provider (sandbox, production).")
    ] = THROTTLING_OFF


class SettingForm(Struct, frozen=True):
    """What a setting means and may be; `least` and `most` of a number, `choices` of a word."""

    description: str
    least: int | None
    most: int | None
    choices: tuple[str, ...]


def setting_forms() -> dict[str, SettingForm]:
    """Every setting in the order of their declaration."""
    forms = {}
    for name, hint in get_type_hints(Settings, include_extras=True).items():
        kind, meta = get_args(hint)
        forms[name] = SettingForm(
            meta.description, meta.ge, meta.le, get_args(kind) if get_origin(kind) is Literal else ()
        )
    return forms


def settings(plain: Mapping[str, object]) -> Settings:
    """
    Settings from plain values; what is absent keeps its default.

    Raises:
        Invalid: code ``settings.invalid``, with the field's name and its right form.
    """
    return convert_fields(plain, Settings, code="settings.invalid", noun="setting")


class Seller(Struct, frozen=True):
    """
    One seller as stored; `secret_key` is in the clear here and sealed at rest.

    `subscribed_url` is the address that has confirmed its subscription, where the profile of notifications asks for it.
    `routing` says which gateway takes which payment; None where the built-in simulator takes them all.
    """

    seller_id: str
    access_key: str
    secret_key: str
    name: str
    return_urls: tuple[str, ...]
    ipn_url: str | None
    settings: Settings
    seed: str
    clock: Clock
    next_due: int | None
    created_at: int
    subscribed_url: str | None = None
    routing: Routing | None = None


_SELLER_ID = re.compile(r"[A-Z0-9]{1,64}")
_ACCESS_KEY = re.compile(r"[A-Za-z0-9]{4,128}")


def check_names(seller_id: str, access_key: str, secret_key: str, name: str) -> None:
    """
    Refuse identifiers that could not travel in an address or a form.

    Raises:
        Invalid: code ``seller.invalid``, with the field's name.
    """
    good_secret = 8 <= len(secret_key) <= 256 and secret_key.isprintable()
    wrong = {
        "seller_id": (not _SELLER_ID.fullmatch(seller_id), "1 to 64 capital letters and digits, such as A1MYSHOP"),
        "access_key": (not _ACCESS_KEY.fullmatch(access_key), "4 to 128 letters and digits"),
        "secret_key": (not good_secret, "8 to 256 characters of one line"),
        "name": (not (1 <= len(name) <= 100 and name.isprintable()), "1 to 100 characters of one line"),
    }
    for field, (bad, form) in wrong.items():
        if bad:
            raise Invalid(f"The field '{field}' must be {form}.", code="seller.invalid", field=field)

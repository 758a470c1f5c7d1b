"""A seller: the merchant account, and a world of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields

from mockpay.domain.notifications import PROFILES as IPN_PROFILES
from mockpay.domain.throttling import OFF, PROFILES
from mockpay.kernel.clock import Clock
from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import Money
from mockpay.risk.rule_table import rules_of


@dataclass(frozen=True, slots=True)
class Settings:
    """A seller's settings; every one has a default that suits CI, `says` explains it."""

    freshness_seconds: int = field(
        default=900, metadata={"says": "How old a startTime or Timestamp may be; 0 = any age."}
    )
    order_expiry_seconds: int = field(
        default=900, metadata={"says": "How long the buyer may pay, unless the request says."}
    )
    max_attempts: int = field(default=5, metadata={"says": "Tries of one order before it is FAILED."})
    upi_collect_enabled: bool = field(
        default=True, metadata={"says": "Whether a UPI ID may be typed (deprecated by NPCI)."}
    )
    upi_collect_seconds: int = field(
        default=300, metadata={"says": "How long a UPI request waits for its answer."}
    )
    upi_answer_seconds: int = field(
        default=10, metadata={"says": "When the simulated buyer answers a request that nobody opened."}
    )
    upi_pending_seconds: int = field(
        default=30, metadata={"says": "When a pending or deemed payment becomes known."}
    )
    bank_page_seconds: int = field(
        default=600, metadata={"says": "How long a bank's page waits for its buyer."}
    )
    upi_payee_vpa: str = field(
        default="", metadata={"says": "The seller's own UPI ID; empty = made from its name."}
    )
    otp_threshold: str = field(
        default="5000.00", metadata={"says": "A payment of more than this asks for an OTP."}
    )
    otp_always_methods: tuple[str, ...] = field(
        default=(), metadata={"says": "Methods that ask for an OTP whatever the amount."}
    )
    otp_length: int = field(default=6, metadata={"says": "Digits of an OTP."})
    otp_ttl_seconds: int = field(default=300, metadata={"says": "How long an OTP is good for."})
    otp_max_wrong: int = field(default=3, metadata={"says": "Wrong OTPs after which a challenge is locked."})
    otp_resend_seconds: int = field(
        default=30, metadata={"says": "How long the buyer waits for another OTP."}
    )
    otp_max_sends: int = field(
        default=3, metadata={"says": "How often an OTP is sent, the first one included."}
    )
    magic_amounts: bool = field(
        default=True, metadata={"says": "Whether amounts of the band 17SS.CC decide outcomes."}
    )
    default_outcomes: Mapping[str, str] = field(
        default_factory=dict,
        metadata={"says": "Outcome by stage where no rule, instrument or amount decides."},
    )
    risk_rules: Mapping[str, str] = field(
        default_factory=dict,
        metadata={"says": "By risk rule: off, on, its limits, or more entries of its list."},
    )
    risk_review_seconds: int = field(
        default=10, metadata={"says": "When a payment under review is approved by itself."}
    )
    all_attempts_listed: bool = field(
        default=False,
        metadata={"says": "ListOrderReference shows every order of a sellerOrderId, not the last."},
    )
    send_seller_id: bool = field(
        default=False, metadata={"says": "Add an unsigned sellerId to the way back."}
    )
    result_encoding: str = field(
        default="auto", metadata={"says": "How results are encoded for signing: auto, php, node or rfc3986."}
    )
    capture: str = field(
        default="auto",
        metadata={"says": "Whether money is captured by itself (auto) or by the seller (manual)."},
    )
    authorization_seconds: int = field(
        default=432_000, metadata={"says": "How long an authorisation waits for its capture."}
    )
    refund_delay_seconds: int = field(
        default=5, metadata={"says": "How long a refund is pending; 0 = settled at once."}
    )
    refund_settle_polls: int = field(
        default=0, metadata={"says": "Settle a refund by the n-th GetRefundDetails instead; 0 = by time."}
    )
    ipn_profile: str = field(
        default="fast", metadata={"says": "Retries of notifications: fast, or amazon (hourly for 14 days)."}
    )
    ipn_timeout_seconds: int = field(
        default=10, metadata={"says": "How long the seller may take to answer a notification."}
    )
    ipn_certificate_url: str = field(
        default="",
        metadata={"says": "Another SigningCertURL, for handlers that accept one; empty = Amazon's."},
    )
    threeds_on_unavailable: str = field(
        default="auto",
        metadata={"says": "Without 3-D Secure (U): decline, proceed, or auto (decline in India)."},
    )
    throttling: str = field(
        default=OFF, metadata={"says": "Amazon's limits of calls: off, sandbox or production (its own two)."}
    )


_BOUNDS: Mapping[str, tuple[int, int]] = {
    "freshness_seconds": (0, 10**9),
    "order_expiry_seconds": (1, 31_536_000),
    "max_attempts": (1, 100),
    "upi_collect_seconds": (1, 345_600),
    "upi_answer_seconds": (0, 86_400),
    "upi_pending_seconds": (0, 31_536_000),
    "bank_page_seconds": (1, 86_400),
    "risk_review_seconds": (0, 31_536_000),
    "authorization_seconds": (1, 31_536_000),
    "refund_delay_seconds": (0, 31_536_000),
    "refund_settle_polls": (0, 999),
    # A lease of the outbox lasts 30 s: a try must be over before it lapses.
    "ipn_timeout_seconds": (1, 25),
    "otp_length": (4, 8),
    "otp_ttl_seconds": (1, 86_400),
    "otp_max_wrong": (1, 100),
    "otp_resend_seconds": (0, 86_400),
    "otp_max_sends": (1, 100),
}
_ENCODINGS = frozenset({"auto", "php", "node", "rfc3986"})
#: Names in a setting that lists them, at most; and how each is spelt.
_MOST_NAMES = 50
_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+/[!-~]*")
_NAME = re.compile(r"[A-Za-z_]{1,32}")


def _is_amount(text: str) -> bool:
    try:
        Money.parse(text)
    except Invalid:
        return False
    return True


def _is_url_or_nothing(text: str) -> bool:
    return not text or bool(_URL.fullmatch(text))


#: Settings of text that cannot be just any text.
_FORMS: Mapping[str, Callable[[str], bool]] = {
    "result_encoding": _ENCODINGS.__contains__,
    "throttling": PROFILES.__contains__,
    "threeds_on_unavailable": frozenset({"auto", "decline", "proceed"}).__contains__,
    "capture": frozenset({"auto", "manual"}).__contains__,
    "ipn_profile": IPN_PROFILES.__contains__,
    "ipn_certificate_url": _is_url_or_nothing,
    "otp_threshold": _is_amount,
}


def settings(plain: Mapping[str, object]) -> Settings:
    """
    Settings from plain values; what is absent keeps its default.

    Raises:
        Invalid: code ``settings.invalid``, with the field's name.
    """
    known = {f.name: f for f in fields(Settings)}
    for name, value in plain.items():
        default = getattr(Settings(), name) if name in known else None
        if name not in known or not _right(name, value, default):
            message = f"The setting '{name}' is unknown or has a value it cannot take."
            raise Invalid(message, code="settings.invalid", field=name)
        if name == "risk_rules":
            rules_of(value)  # type: ignore[arg-type]  # of texts, as was just seen
    frozen = {n: tuple(v) if isinstance(v, list) else v for n, v in plain.items()}
    return Settings(**frozen)  # type: ignore[arg-type]  # checked above


def _right(name: str, value: object, default: object) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, int):
        low, high = _BOUNDS[name]
        return isinstance(value, int) and low <= value <= high
    if isinstance(default, Mapping):
        return isinstance(value, Mapping) and all(isinstance(v, str) for v in value.values())
    if isinstance(default, tuple):
        return isinstance(value, list | tuple) and _all_names(value)
    fits = _FORMS.get(name)
    return isinstance(value, str) and len(value) <= 255 and (fits is None or fits(value))


def _all_names(values: Sequence[object]) -> bool:
    named = (isinstance(one, str) and _NAME.fullmatch(one) for one in values)
    return len(values) <= _MOST_NAMES and all(named)


@dataclass(frozen=True, slots=True)
class Seller:
    """One seller as stored; `secret_key` is in the clear here and sealed at rest."""

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


_SELLER_ID = re.compile(r"[A-Z0-9]{1,64}")
_ACCESS_KEY = re.compile(r"[A-Za-z0-9]{4,128}")


def check_names(seller_id: str, access_key: str, secret_key: str, name: str) -> None:
    """
    Refuse identifiers that could not travel in an address or a form.

    Raises:
        Invalid: code ``seller.invalid``, with the field's name.
    """
    wrong = {
        "seller_id": not _SELLER_ID.fullmatch(seller_id),
        "access_key": not _ACCESS_KEY.fullmatch(access_key),
        "secret_key": not (8 <= len(secret_key) <= 256 and secret_key.isprintable()),
        "name": not (1 <= len(name) <= 100 and name.isprintable()),
    }
    for field_name, bad in wrong.items():
        if bad:
            message = f"'{field_name}' is not one that can be used."
            raise Invalid(message, code="seller.invalid", field=field_name)

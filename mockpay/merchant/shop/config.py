"""The demo shop's catalogue and configuration: whose account it uses, where the sandbox is, who guards it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from flask.typing import ResponseReturnValue

from mockpay.kernel.clock import RealClock, SystemClock
from mockpay.kernel.http.calls import Sender
from mockpay.kernel.money import Money
from mockpay.merchant.transport import FetchCertificate, RequestsSender


@dataclass(frozen=True, slots=True)
class Product:
    """A product of the catalogue; `picture` names a drawing in the templates."""

    sku: str
    title: str
    about: str
    price: Money
    picture: str


CATALOGUE = (
    Product("bell", "Brass bell", "Rings twice", Money(499_00), "bell"),
    Product("pannier", "Pannier, 20 litres", "Waxed canvas, left side", Money(1_499_00), "pannier"),
    Product("tourer", "Nilgiri Tourer", "Steel frame, eight gears", Money(24_999_00), "bicycle"),
)

_BY_SKU = {product.sku: product for product in CATALOGUE}


def find_product(sku: str) -> Product | None:
    """Look a product up by its stock number."""
    return _BY_SKU.get(sku)


#: Looks at the request before a view does; what it returns is the answer, None lets it pass.
Guard = Callable[[], ResponseReturnValue | None]


def allow_all() -> None:
    """Guard nothing."""


def empty_token() -> str:
    """Give no form token, where no guard asks for one."""
    return ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A merchant account."""

    seller_id: str
    access_key: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ShopConfig:
    """
    A shop that knows the sandbox by HTTP only.

    Attributes:
        base_url: Where the shop's server finds the sandbox; asked anew for each call, since
            a port may be known late.
        books: The file of the shop's own ledger.
        page_url: Where buyers' browsers find the sandbox, if elsewhere.
        public_key: The sandbox's key (PEM or one line of base64); asked of getDynamicConfig
            if not given.
        first_number: The number of the first order in new books.
        guard: Runs before every page.
        arrival_guard: Runs instead of it where callers come from elsewhere, the way back,
            notifications and the mobile endpoints; the same as `guard` if not given.
        form_guard: Runs as well before every form that a buyer posts on the shop's pages.
        form_token: What the shop's forms carry for the form guard.
        fetch_certificate: Where notifications' certificates come from; if not given, their
            path is asked of the sandbox, which serves it under any name.
        certificate_urls: SigningCertURLs that are trusted beside Amazon's, compared exactly.
        topic_arns: The only topics whose notifications are believed; any if empty.
    """

    seller: Credentials
    base_url: Callable[[], str]
    ledger: Path
    name: str = "Nilgiri Cycle Works"
    page_url: Callable[[], str] | None = None
    public_key: Callable[[], str] | None = None
    first_number: int = 1
    guard: Guard = allow_all
    arrival_guard: Guard | None = None
    form_guard: Guard = allow_all
    form_token: Callable[[], str] = empty_token
    fetch_certificate: FetchCertificate | None = None
    certificate_urls: Collection[str] = ()
    topic_arns: Collection[str] = ()
    sender: Sender = field(default_factory=RequestsSender)
    clock: RealClock = field(default_factory=SystemClock)

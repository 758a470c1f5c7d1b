"""Sellers by control API."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from mockpay.domain.sellers import Seller, Settings
from mockpay.services.sellers import accounts
from mockpay.services.sellers.accounts import Changes, NewSeller
from mockpay.store.unit_of_work import Runtime
from mockpay.web.control.endpoints import DELETE, GET, PATCH, POST, Request
from mockpay.web.control.responses import PageQuery, to_response

SettingValues = dict[str, bool | int | str | list[str] | dict[str, str]]


class SellerCreate(Struct, forbid_unknown_fields=True, kw_only=True):
    """A new seller; what is left out is made up or has its default."""

    seller_id: str | None = None
    access_key: str | None = None
    secret_key: str | None = None
    name: str | None = None
    return_urls: Annotated[list[str] | None, Meta(description="Where buyers may be sent back to.")] = None
    ipn_url: str | None = None
    settings: Annotated[SettingValues | None, Meta(description="Those that differ from `Settings`.")] = None


class SellerPatch(Struct, forbid_unknown_fields=True, kw_only=True):
    """What should change; what is left out stays."""

    name: str | UnsetType = UNSET
    return_urls: list[str] | UnsetType = UNSET
    ipn_url: Annotated[str | UnsetType | None, Meta(description="Null takes the address away.")] = UNSET
    settings: Annotated[SettingValues | UnsetType, Meta(description="Those that change; the others stay.")] = UNSET


class SellerSummary(Struct, kw_only=True):
    """A seller without its secret."""

    seller_id: str
    access_key: str
    name: str
    return_urls: list[str]
    ipn_url: str | None
    subscribed_url: Annotated[
        str | None, Meta(description="The ipn_url that has confirmed its subscription (profile sns).")
    ]
    settings: Settings
    urls: dict[str, str]
    created_at: str


class SellerDetail(SellerSummary, kw_only=True):
    """A seller with its secret, and the variables by which its software is configured."""

    secret_key: str
    credentials: Annotated[
        dict[str, dict[str, str]], Meta(description="What each impersonated company would have issued, by its name.")
    ]
    environment: dict[str, str]


class SellerList(Struct, kw_only=True):
    """Sellers by id."""

    items: list[SellerSummary]
    next_cursor: str | None


def create_seller(request: Request[None, SellerCreate]) -> SellerDetail:
    """
    Whatever is left out is made up or has its default, so `{}` makes a seller. A seller_id or access_key that is
    taken is 409.
    """
    new = request.body
    urls = None if new.return_urls is None else tuple(new.return_urls)
    seller = accounts.create(
        request.runtime,
        NewSeller(new.seller_id, new.access_key, new.secret_key, new.name, urls, new.ipn_url, new.settings),
    )
    return _detail(request.runtime, seller, request.base)


def list_sellers(request: Request[PageQuery, None]) -> SellerList:
    """The default seller, which is there from the first start, is among them."""
    page = accounts.listed(request.runtime, request.query.cursor, request.query.limit)
    items = [
        to_response(SellerSummary, seller, urls=addresses(request.runtime, seller.seller_id, request.base))
        for seller in page.items
    ]
    return SellerList(items=items, next_cursor=page.next_cursor)


def get_seller(request: Request[None, None]) -> SellerDetail:
    """With its secret key and the variables that its software reads, as `mockpay secrets --env` prints them."""
    with request.read() as sandbox:
        return _detail(request.runtime, sandbox.seller, request.base)


def patch_seller(request: Request[None, SellerPatch]) -> SellerDetail:
    """
    What is left out stays; settings are merged by name. A setting that does not exist, or a value that it cannot
    have, is refused with the nearest right one, and nothing is changed.
    """
    patch = request.body
    changes = Changes(
        name=None if patch.name is UNSET else patch.name,
        return_urls=None if patch.return_urls is UNSET else tuple(patch.return_urls),
        ipn_url=None if patch.ipn_url is UNSET else patch.ipn_url or "",
        settings=None if patch.settings is UNSET else patch.settings,
    )
    with request.transaction() as sandbox:
        return _detail(request.runtime, accounts.change(sandbox, changes), request.base)


def delete_seller(request: Request[None, None]) -> None:
    """Orders, refunds, notifications, buyers and journal go with it; what is being sent is given up."""
    with request.transaction() as sandbox:
        accounts.delete(sandbox)


def reset_seller(request: Request[None, None]) -> SellerDetail:
    """
    For the next test run: orders, refunds, notifications, buyers, rules and journal are gone, and what was due with
    them.
    """
    with request.transaction() as sandbox:
        accounts.reset(sandbox)
        return _detail(request.runtime, sandbox.seller, request.base)


def _detail(runtime: Runtime, seller: Seller, base: str) -> SellerDetail:
    return to_response(
        SellerDetail,
        seller,
        urls=addresses(runtime, seller.seller_id, base),
        credentials=accounts.credentials(runtime, seller),
        environment=accounts.environment(runtime, seller, base),
    )


def addresses(runtime: Runtime, seller_id: str, base: str) -> dict[str, str]:
    """Where this seller's software and its people find things (contract sections 2 and 3)."""
    return {
        "base": base,
        **accounts.addresses(runtime, base),
        "public_key": f"{base}/_mockpay/v1/public-key",
        "control": f"{base}/_mockpay/v1/sellers/{seller_id}",
        "dashboard": f"{base}/_mockpay/ui/sellers/{seller_id}/orders",
    }


_SELLER = "/v1/sellers/{seller_id}"
ENDPOINTS = (
    POST(
        "/v1/sellers",
        create_seller,
        "Make a seller with a world of its own; the answer has every secret.",
        status=201,
        errors=(409,),
        example='{"name": "Tea & Sons", "settings": {"upi_answer_seconds": 0}}',
    ),
    GET("/v1/sellers", list_sellers, "All sellers by id, without secrets."),
    GET(_SELLER, get_seller, "One seller."),
    PATCH(
        _SELLER,
        patch_seller,
        "Change a seller's name, addresses or settings.",
        example='{"settings": {"freshness_seconds": 0}}',
    ),
    DELETE(_SELLER, delete_seller, "Take a seller away with its world.", status=204),
    POST(
        f"{_SELLER}/reset",
        reset_seller,
        "Empty a seller's world, seen payloads too, and set its clock to real time. "
        "Credentials, settings and addresses stay.",
    ),
)

"""Sellers by control API."""

from __future__ import annotations

from typing import Annotated, Any

from flask import Response
from msgspec import UNSET, Meta, Struct, UnsetType

from mockpay.domain.sellers import Seller, Settings
from mockpay.kernel.clock import rfc3339
from mockpay.services.sellers import accounts
from mockpay.services.sellers.accounts import Changes, NewSeller
from mockpay.store.unit_of_work import read, transaction
from mockpay.web.control.common import PageQuery
from mockpay.web.control.endpoints import Ask, Endpoint

Given = dict[str, bool | int | str | list[str] | dict[str, str]]


class SellerWish(Struct, forbid_unknown_fields=True, kw_only=True):
    """A new seller; what is left out is made up or has its default."""

    seller_id: str | None = None
    access_key: str | None = None
    secret_key: str | None = None
    name: str | None = None
    return_urls: Annotated[list[str] | None, Meta(description="Where buyers may be sent back to.")] = None
    ipn_url: str | None = None
    settings: Annotated[Given | None, Meta(description="Those that differ from `Settings`.")] = None


class SellerChange(Struct, forbid_unknown_fields=True, kw_only=True):
    """What should change; what is left out stays."""

    name: str | UnsetType = UNSET
    return_urls: list[str] | UnsetType = UNSET
    ipn_url: Annotated[str | UnsetType | None, Meta(description="Null takes the address away.")] = UNSET
    settings: Annotated[Given | UnsetType, Meta(description="Those that change; the others stay.")] = UNSET


class SellerLine(Struct, kw_only=True):
    """A seller without its secret."""

    seller_id: str
    access_key: str
    name: str
    return_urls: list[str]
    ipn_url: str | None
    settings: Settings
    urls: dict[str, str]
    created_at: str


class SellerDetail(SellerLine, kw_only=True):
    """A seller with its secret."""

    secret_key: str


class SellerList(Struct, kw_only=True):
    """Sellers by id."""

    items: list[SellerLine]
    next_cursor: str | None


def create(ask: Ask[None, SellerWish]) -> SellerDetail:
    wish = ask.body
    urls = None if wish.return_urls is None else tuple(wish.return_urls)
    seller = accounts.create(
        ask.runtime,
        NewSeller(
            wish.seller_id, wish.access_key, wish.secret_key, wish.name, urls, wish.ipn_url, wish.settings
        ),
    )
    return _detail(seller, ask.base)


def listed(ask: Ask[PageQuery, None]) -> SellerList:
    page = accounts.listed(ask.runtime, ask.query.cursor, ask.query.limit)
    items = [SellerLine(**_fields(seller, ask.base)) for seller in page.items]
    return SellerList(items=items, next_cursor=page.next_cursor)


def show(ask: Ask[None, None]) -> SellerDetail:
    with read(ask.runtime, ask.seller_id) as sandbox:
        return _detail(sandbox.seller, ask.base)


def change(ask: Ask[None, SellerChange]) -> SellerDetail:
    asked = ask.body
    changes = Changes(
        name=None if asked.name is UNSET else asked.name,
        return_urls=None if asked.return_urls is UNSET else tuple(asked.return_urls),
        ipn_url=None if asked.ipn_url is UNSET else asked.ipn_url or "",
        settings=None if asked.settings is UNSET else asked.settings,
    )
    with transaction(ask.runtime, ask.seller_id) as sandbox:
        return _detail(accounts.change(sandbox, changes), ask.base)


def delete(ask: Ask[None, None]) -> Response:
    with transaction(ask.runtime, ask.seller_id) as sandbox:
        accounts.delete(sandbox)
    return Response(status=204)


def reset(ask: Ask[None, None]) -> SellerDetail:
    with transaction(ask.runtime, ask.seller_id) as sandbox:
        accounts.reset(sandbox)
        return _detail(sandbox.seller, ask.base)


def _detail(seller: Seller, base: str) -> SellerDetail:
    return SellerDetail(secret_key=seller.secret_key, **_fields(seller, base))


def _fields(seller: Seller, base: str) -> dict[str, Any]:
    return {
        "seller_id": seller.seller_id,
        "access_key": seller.access_key,
        "name": seller.name,
        "return_urls": list(seller.return_urls),
        "ipn_url": seller.ipn_url,
        "settings": seller.settings,
        "urls": addresses(seller.seller_id, base),
        "created_at": rfc3339(seller.created_at),
    }


def addresses(seller_id: str, base: str) -> dict[str, str]:
    """Where this seller's software and its people find things (contract sections 2 and 3)."""
    return {
        "base": base,
        "pay": f"{base}/initiatePayment",
        "mws": f"{base}/OffAmazonPayments_Sandbox/2013-01-01",
        "charge_status": f"{base}/v2/payments/chargeStatus",
        "dynamic_config": f"{base}/getDynamicConfig",
        "public_key": f"{base}/_mockpay/v1/public-key",
        "control": f"{base}/_mockpay/v1/sellers/{seller_id}",
        "dashboard": f"{base}/_mockpay/ui/sellers/{seller_id}/orders",
    }


_ONE = "/v1/sellers/{seller_id}"
ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/sellers",
        create,
        "Make a seller with a world of its own; every secret told.",
        body=SellerWish,
        gives=SellerDetail,
        status=201,
        fails=(409,),
        example='{"name": "Tea & Sons", "settings": {"upi_answer_seconds": 0}}',
    ),
    Endpoint(
        "GET",
        "/v1/sellers",
        listed,
        "All sellers by id, without secrets.",
        query=PageQuery,
        gives=SellerList,
        fails=(400,),
    ),
    Endpoint("GET", _ONE, show, "One seller.", gives=SellerDetail, fails=(404,)),
    Endpoint(
        "PATCH",
        _ONE,
        change,
        "Change a seller's name, addresses or settings.",
        body=SellerChange,
        gives=SellerDetail,
        fails=(404,),
        example='{"settings": {"freshness_seconds": 0}}',
    ),
    Endpoint("DELETE", _ONE, delete, "Take a seller away with its world.", status=204, fails=(404,)),
    Endpoint(
        "POST",
        f"{_ONE}/reset",
        reset,
        "Empty a seller's world, seen payloads too, and set its clock to real time. "
        "Credentials, settings and addresses stay.",
        gives=SellerDetail,
        fails=(404,),
    ),
)

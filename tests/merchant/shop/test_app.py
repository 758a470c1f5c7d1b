"""Guards, policies and the shop as an application of its own."""

import re

import pytest

from mockpay.kernel.errors import Forbidden
from tests.merchant.shop.pretend_sandbox import FAILED, FIRST, buy, come_back, signed_result


def refuse():
    raise Forbidden("Another site may not ask this.")


PAGES = ["/shop", "/shop/orders", "/shop/return", "/shop/mobile/sign", "/shop/mobile/verify"]


@pytest.mark.parametrize("path", PAGES)
def test_the_guard_stands_before_every_page(shop_with, path):
    page = shop_with(guard=refuse).get(path)
    assert page.status_code == 403
    assert "Another site may not ask this." in page.text


def test_another_guard_may_stand_where_callers_come_from_elsewhere(shop_with):
    shop = shop_with(guard=refuse, arrival_guard=lambda: None)
    statuses = {path: shop.get(path).status_code for path in PAGES}
    assert statuses == dict(zip(PAGES, [403, 403, 400, 400, 200], strict=True))


def test_the_form_guard_stands_before_the_shops_own_forms_only(shop_with, ledger):
    shop = shop_with(form_guard=refuse, form_token=lambda: "t0ken")
    assert 'name="form_token" value="t0ken"' in shop.get("/shop").text
    assert buy(shop).status_code == 403
    assert shop.post("/shop/orders/X/pay").status_code == 403
    assert shop.post("/shop/mobile/sign", data={"sku": "bell"}).status_code == 200
    assert [order.order_id for order in ledger.newest()] == [FIRST]


def test_a_ledger_that_cannot_be_read_is_told_as_a_fault_of_the_server(shop, ledger, tmp_path):
    shop.get("/shop/orders")
    (tmp_path / "ledger.db").write_bytes(b"This is no database." * 300)
    page = shop.get("/shop/orders")
    assert page.status_code == 503
    assert "The shop&#39;s ledger is out of reach" in page.text


def test_every_page_forbids_foreign_content(shop):
    for path in ("/shop", "/shop/return", "/shop/orders", "/"):
        policy = shop.get(path).headers["Content-Security-Policy"]
        assert policy == "default-src 'self'; frame-ancestors 'none'; base-uri 'none'"


def test_no_page_holds_inline_style_or_script(shop, sandbox):
    buy(shop)
    sandbox.knows(FIRST, FAILED)
    come_back(shop, signed_result("FAILURE", FIRST))
    paths = ["/shop", "/shop/orders", f"/shop/orders/{FIRST}", "/shop/return?x=1"]
    text = "".join(shop.get(path).text for path in paths)
    assert not re.search(r"<[^>]+\s(style|on\w+)=", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert "<style" not in text


def test_the_shop_alone_leads_from_its_root_to_the_catalogue(shop):
    reply = shop.get("/")
    assert (reply.status_code, reply.headers["Location"]) == (302, "/shop")

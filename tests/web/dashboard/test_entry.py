"""Ways in, and what a refusal looks like."""

import pytest

from tests.factories import World
from tests.web.visitor import text


@pytest.mark.parametrize("door", ["", "/", "/orders"])
def test_the_door_leads_to_the_orders_of_a_seller(visitor, world, door):
    answer = visitor.client.get("/_mockpay/ui" + door)
    assert answer.status_code == 302
    assert answer.location == f"{visitor.home}/orders"


@pytest.mark.parametrize("place", ["refunds", "notifications", "inbox", "scenarios", "journal", "seller"])
def test_every_place_has_a_door_and_is_marked_on_the_side(visitor, place):
    answer = visitor.client.get(f"/_mockpay/ui/{place}")
    assert answer.location == f"{visitor.home}/{place}"
    page = visitor.see(f"/{place}")
    assert page.xpath("//nav[@aria-label='Dashboard']/a[@aria-current]/@href") == [answer.location]


def test_the_seller_switch_leads_to_that_seller(visitor):
    answer = visitor.client.get("/_mockpay/ui/?seller=A1OTHER")
    assert answer.location == "/_mockpay/ui/sellers/A1OTHER/orders"


@pytest.mark.parametrize("path", ["/_mockpay/ui/nowhere", "/_mockpay/ui/sellers/A1NOBODY/orders"])
def test_what_is_not_there_is_told_on_a_page(visitor, path):
    assert visitor.see(path, 404).xpath("//h1")


def test_an_order_of_another_seller_is_not_found(visitor, runtime):
    other = World.new(runtime).order()
    page = visitor.see(f"/orders/{other.order_id}", 404)
    assert text(page.xpath("//code")[0]) == "order.not_found"


def test_a_refund_or_notification_of_another_seller_is_not_found(visitor, runtime):
    other = World.new(runtime, ipn_url="http://127.0.0.1:9/ipn")
    order = other.order()
    other.pay(order)
    refund = other.refund(order, "100.00")
    here = visitor.see("/seller").xpath("//input[@name='form_token']/@value")[0]
    for path, act in (
        (f"/refunds/{refund.refund_id}", "complete"),
        (f"/notifications/{other.notifications(order)[0].notification_id}", "deliver"),
        (f"/orders/{order.order_id}", "cancel"),
    ):
        visitor.see(path, 404)
        answer = visitor.client.post(f"{visitor.home}{path}/{act}", data={"form_token": here})
        assert answer.status_code == 404
    assert other.refunds(order) == [refund]


def test_a_foreign_host_is_refused(visitor):
    answer = visitor.client.get(visitor.home + "/orders", headers={"Host": "evil.example"})
    assert answer.status_code == 403


def test_a_token_asks_for_a_sign_in_first(visitor_with_token):
    visitor = visitor_with_token
    answer = visitor.client.get(visitor.home + "/orders")
    assert answer.status_code == 303
    assert answer.location.startswith("/_mockpay/ui/sign-in?next=")


@pytest.mark.parametrize("path", ["/orders", "/scenarios", "/journal", "/seller"])
def test_every_page_has_one_heading_and_marks_its_place(visitor, world, path):
    world.order()
    page = visitor.see(path)
    assert len(page.xpath("//h1")) == 1
    assert page.xpath("//nav[@aria-label='Dashboard']/a[@aria-current='page']/@href") == [visitor.home + path]
    assert not page.xpath("//*[@style]")

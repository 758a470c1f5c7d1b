"""Ways in, and what a refusal looks like."""

import pytest

from tests.given import World
from tests.web.visitor import text


@pytest.mark.parametrize("door", ["", "/", "/orders"])
def test_the_door_leads_to_the_orders_of_a_seller(visitor, world, door):
    answer = visitor.client.get("/_mockpay/ui" + door)
    assert answer.status_code == 302
    assert answer.location == f"{visitor.home}/orders"


def test_the_seller_switch_leads_to_that_seller(visitor):
    answer = visitor.client.get("/_mockpay/ui/?seller=A1OTHER")
    assert answer.location == "/_mockpay/ui/sellers/A1OTHER/orders"


@pytest.mark.parametrize("path", ["/_mockpay/ui/nowhere", "/_mockpay/ui/sellers/A1NOBODY/orders"])
def test_what_is_not_there_is_told_on_a_page(visitor, path):
    assert visitor.see(path, 404).xpath("//h1")


def test_an_order_of_another_seller_is_not_found(visitor, runtime):
    other = World.new(runtime).order()
    page = visitor.see(f"/orders/{other.amazon_order_id}", 404)
    assert text(page.xpath("//code")[0]) == "order.not_found"


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
    assert page.xpath("//nav[@aria-label='Dashboard']/a[@aria-current='page']/@href") == [
        visitor.home + path
    ]
    assert not page.xpath("//*[@style]")

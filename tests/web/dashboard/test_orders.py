"""What happened? The list, its filters and its news."""

from urllib.parse import urlencode

import pytest

from mockpay.domain.methods.registry import METHODS
from mockpay.domain.methods.wallet import Wallet
from tests.web.visitor import text


def rows(page):
    """The sentences of the list."""
    return [text(one) for one in page.xpath("//a[@class='row-link']")]


def references(page):
    """The seller's ids of the orders in the list."""
    return [text(one).split()[-1] for one in page.xpath("//span[@class='row-sub']")]


def test_the_list_shows_the_newest_order_first_with_its_sentence(visitor, world):
    world.pay(world.order("O-1", "123456.00"), "success@mockpay")
    world.order("O-2")
    page = visitor.see()
    assert rows(page) == ["Buyer is on the payment page, 15:00 left", "Paid by UPI"]
    assert text(page.xpath("//td[@class='c-amount']")[1]) == "₹1,23,456.00"
    assert text(page.xpath("//tr[.//a='Paid by UPI']/td[@class='c-why']")[0]) == "UPI ID"


def test_the_tabs_count_and_filter_by_state(visitor, world):
    world.pay(world.order("O-1"), "success@mockpay")
    world.cancel(world.order("O-2"))
    world.order("O-3")
    page = visitor.see()
    tabs = {text(a).split()[0]: a for a in page.xpath("//nav[@aria-label='States']/a")}
    assert {name: text(a).split()[1] for name, a in tabs.items()} == {
        "All": "3",
        "Paid": "1",
        "Waiting": "1",
        "Failed": "1",
        "Refunded": "0",
    }
    assert rows(visitor.see(tabs["Failed"].get("href"))) == ["Cancelled on the payment page"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=o-2", ["O-2"]),
        ("q=SUCCESS@mock", ["O-2"]),
        ("q=flow", []),
        ("q=%25", []),
        ("q=payment+canc", []),
        ("by=instrument", ["O-2"]),
        ("by=success", ["O-1"]),
        ("method=upi&show=waiting", ["O-1"]),
        ("last=AUTH_PENDING", ["O-1"]),
        ("last=CAPTURED&method=card", []),
    ],
)
def test_filters_are_plain_addresses(visitor, world, query, found):
    world.request_approval(world.order("O-1"))
    world.pay(world.order("O-2"), "success@mockpay")
    world.order("O-3")
    assert references(visitor.see(f"/orders?{query}")) == found


@pytest.mark.parametrize(
    "address",
    [
        *(f"orders?{name}=nonsense" for name in ("show", "method", "last", "by")),
        "refunds?show=x",
        "notifications?show=x",
        "notifications?type=x",
        "journal?show=x",
    ],
)
def test_a_filters_unknown_value_is_refused_and_told_what_there_is(visitor, address):
    page = visitor.see(f"/{address}", 400)
    assert "one of" in text(page.xpath("//h1")[0])
    assert page.xpath("//a[normalize-space()='Back to the dashboard']")


def test_every_method_can_be_filtered_by(visitor, world):
    world.pay_with(world.order("CARD"), world.card("4111111111111111"))
    world.pay(world.order("UPI"))
    offered = visitor.see().xpath("//select[@name='method']/option/@value")
    assert offered == ["", *METHODS]
    found = {method: references(visitor.see(f"/orders?method={method}")) for method in offered}
    assert {method: orders for method, orders in found.items() if orders} == {
        "": ["UPI", "CARD"],
        "card": ["CARD"],
        "upi": ["UPI"],
    }


def test_a_failed_try_is_seen_and_counted_as_one_at_once(visitor, world):
    for number in range(3):
        world.pay(world.order(f"O-{number}"), "declined@mockpay")
    world.pay(world.order("PAID"), "success@mockpay")
    world.order("OPEN")
    page = visitor.see()
    tabs = {text(a).split()[0]: text(a).split()[1] for a in page.xpath("//nav[@aria-label='States']/a")}
    assert tabs == {"All": "5", "Paid": "1", "Waiting": "1", "Failed": "3", "Refunded": "0"}
    assert page.xpath("//td[@class='c-state']/span/@data-state") == ["CREATED", "PAID", *["FAILED"] * 3]
    assert references(visitor.see("/orders?show=failed")) == ["O-2", "O-1", "O-0"]
    assert references(visitor.see("/orders?show=waiting")) == ["OPEN"]
    assert "3 failed or stopped" in page.xpath("//svg[@role='img']/@aria-label")[0]


@pytest.mark.parametrize("words", ["insufficient_f", "insufficient f", "INSUFFICIENT FUNDS"])
def test_orders_are_found_by_the_reason_of_their_end(visitor, world, words):
    world.pay(world.order("O-1"), "insufficient@mockpay")
    world.pay(world.order("O-2"), "success@mockpay")
    shown = visitor.see(f"/orders?q={words}").xpath("//span[@class='row-sub']")
    assert [text(one).split()[-1] for one in shown] == ["O-1"]


def test_an_order_is_found_by_the_upi_id_of_an_earlier_try(visitor, world):
    order = world.order()
    world.pay(order, "declined@mockpay")
    world.pay(order, "success@mockpay")
    for words in ("declined@", "success@"):
        assert len(rows(visitor.see(f"/orders?q={words}&by=instrument"))) == 1


def test_no_fitting_order_offers_the_way_out(visitor, world):
    world.order()
    page = visitor.see("/orders?q=nothing")
    assert text(page.xpath("//p[@class='empty']")[0]) == "No order fits. Show all orders"


def test_older_orders_are_one_link_away_and_none_is_shown_twice(visitor, world):
    for number in range(51):
        world.order(f"O-{number}")
    first = visitor.see()
    second = visitor.see(first.xpath("//nav[@aria-label='Pages']/a[text()='Older']/@href")[0])
    seen = [text(one) for page in (first, second) for one in page.xpath("//span[@class='row-sub']")]
    assert len(seen) == len(set(seen)) == 51
    assert not second.xpath("//a[text()='Older']")


def test_a_broken_cursor_is_refused(visitor):
    visitor.see("/orders?cursor=made-up", 400)


def test_the_bars_tell_their_numbers_in_a_sentence(visitor, world):
    world.pay(world.order("O-1"), "success@mockpay")
    world.advance(120)
    world.order("O-2")
    page = visitor.see()
    chart = page.xpath("//svg[@role='img']")[0]
    assert chart.get("aria-label") == (
        "Orders each minute from 16:33 to 17:33: 1 paid, 0 refunded, 1 waiting, 0 failed or stopped."
    )
    assert [one.get("class") for one in chart.xpath("./rect")] == ["f-ok", "f-wait"]


def test_without_a_script_a_link_shows_what_is_new(visitor, world):
    world.order("O-1")
    page = visitor.see()
    before = visitor.news(page)
    assert before["version"] == page.xpath("//body/@data-version")[0]
    world.order("O-2")
    after = visitor.news(page)
    assert after["version"] != before["version"]
    (link,) = page.xpath("//a[@data-new][not(@hidden)]")
    assert len(rows(visitor.see(link.get("href")))) == 2


def test_news_that_is_known_costs_nothing(visitor, world):
    world.order()
    address = visitor.see().xpath("//body/@data-poll")[0]
    tag = visitor.client.get(address).headers["ETag"]
    assert visitor.client.get(address, headers={"If-None-Match": tag}).status_code == 304


def test_what_a_buyer_writes_cannot_become_markup(visitor, world):
    order = world.order('<script>alert("1")</script>', custom_information="<b>x</b>")
    for page in (visitor.see(), visitor.see_order(order)):
        assert not page.xpath("//script[not(@src)]")
    assert not visitor.see_order(order).xpath("//dd/b")


def test_a_try_whose_money_went_back_counts_as_failed_too(visitor, world):
    order = world.order()
    world.add_rule("pendingreversed")
    world.pay(order, "asha@okhdfc")
    world.advance(600)
    assert world.states(order) == ("PENDING", "REVERSED")
    page = visitor.see("/orders?show=failed")
    assert page.xpath("//td[@class='c-state']/span/@data-state") == ["REVERSED"]
    assert text(page.xpath("//nav[@aria-label='States']/a[@aria-current]")[0]) == "Failed 1"


def test_the_filter_for_who_decided_agrees_with_the_tags(visitor, world):
    world.pay_with(world.order("O-1", "20000.00"), Wallet("rich@buyers.mockpay.test"), otp="123456")
    world.pay_with(world.order("O-2", "20000.00"), Wallet("rich@buyers.mockpay.test"), otp="888888")
    world.add_rule("51", match={"method": "card"})
    world.pay_with(world.order("O-3"), world.card("4718609108204366"), otp="111000")
    found = {
        by: [text(row) for row in visitor.see(f"/orders?by={by}").xpath("//td[@class='c-why']")]
        for by in ("code", "rule", "success")
    }
    assert [tag.partition(" ")[0] for tag in (*found["code"], *found["rule"])] == ["code", "rule"]
    assert found["success"] == [""]


def test_orders_are_found_by_what_can_be_refunded_and_by_what_is_printed(visitor, world):
    paid = world.order("O-1")
    world.pay(paid)
    world.refund(paid, "100.00")
    world.pay_with(world.order("O-2"), world.card("4000000000000002"))
    for query, row in (("refunds=possible", "Paid"), ("refunds=pending", "Paid"), ("q=do+not+honour", "honour")):
        (shown,) = visitor.see(f"/orders?{query}").xpath("//tr[@data-row]")
        assert row in text(shown)
        assert ("₹100.00 being refunded ₹399.00 refundable" in text(shown)) == ("refunds" in query)


def test_an_order_is_found_by_the_phone_its_code_went_to(visitor, world):
    world.pay_with(world.order("O-1"), world.card("4718609108204366"))
    phone = text(visitor.see("/inbox").xpath("//article//h2")[0]).rpartition(" ")[2]
    world.order("O-2")
    for typed in (phone, phone[3:], f"{phone[3:8]} {phone[8:]}"):
        shown = visitor.see(f"/orders?{urlencode({'q': typed})}").xpath("//tr[@data-row]")
        assert len(shown) == 1, typed

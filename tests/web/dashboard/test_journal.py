"""The journal."""

from mockpay.store import journal
from mockpay.store.journal import RequestLine
from tests.web.visitor import text


def note(world, outcome="ok", seller_id=None, **more):
    with world.transaction() as sandbox:
        whose = world.seller_id if seller_id is None else seller_id
        journal.add(
            sandbox.connection, whose, sandbox.now, sandbox.real_now, kind="processPayment", outcome=outcome, **more
        )


def test_the_journal_says_why_a_request_was_refused(visitor, world):
    note(world)
    line = RequestLine("POST", "/v2/x", 0)
    facts = {"fields": ["a", "b"]}
    note(
        world, "signature.invalid", reason="no candidate fits", facts=facts, line=line, status=403, answer="<a><b/></a>"
    )
    page = visitor.see("/journal")
    refused = page.xpath("//tbody/tr")[0]
    assert text(refused.xpath("./td")[0]) == "Refused 403"
    assert text(refused.xpath(".//summary")[0]) == "POST /v2/x"
    assert "signature.invalid no candidate fits" in text(refused)
    assert text(refused.xpath(".//details//dd")[0]) == "a, b"
    assert refused.xpath(".//details//pre")[0].text == "<a>\n  <b/>\n</a>"
    assert text(refused.xpath("./td[contains(@class, 'c-took')]")[0]).endswith(" ms")
    assert len(visitor.see("/journal?show=refused").xpath("//tbody/tr")) == 1
    assert len(visitor.see("/journal?show=ok").xpath("//tbody/tr")) == 1


def test_the_journal_shows_requests_that_no_seller_could_be_found_for(visitor, world):
    note(world, "seller.not_found", seller_id="")
    assert not visitor.see("/journal").xpath("//tbody/tr")
    assert len(visitor.see("/journal?show=ownerless").xpath("//tbody/tr")) == 1


def test_the_journal_of_one_order_leaves_the_others_out(visitor, world):
    order = world.order()
    note(world, orders=[order.order_id])
    note(world)
    link = visitor.see_order(order).xpath("//a[normalize-space()='Journal']/@href")
    page = visitor.see(link[-1])
    assert [text(one) for one in page.xpath("//td/a")] == [order.seller_order_id]
    assert len(page.xpath("//tbody/tr")) == 1


def test_a_request_about_several_orders_names_each_and_is_found_by_each(visitor, world):
    orders = [world.order(f"O-{number}") for number in range(5)]
    note(world, orders=[order.order_id for order in orders])
    (cell,) = visitor.see("/journal").xpath("//td[@class='c-method']")
    assert [text(link) for link in cell.xpath("./a")] == ["O-0", "O-1", "O-2"]
    assert text(cell).endswith("and 2 more")
    for order in orders:
        assert len(visitor.see(f"/journal?order={order.order_id}").xpath("//tbody/tr")) == 1


def test_the_journal_can_be_searched(visitor, world):
    note(world, answer="<State>Closed</State>")
    note(world, "throttled", facts={"QueryId": "CART-7"})
    assert len(visitor.see("/journal?q=cart-7").xpath("//tbody/tr")) == 1
    assert len(visitor.see("/journal?q=closed&show=ok").xpath("//tbody/tr")) == 1
    empty = visitor.see("/journal?q=closed&show=refused").xpath("//p[@class='empty']")[0]
    assert text(empty) == "No request fits. Show everything"


def test_a_warning_of_a_request_is_told_once(visitor, world):
    note(world, facts={"action": "GetRefundDetails", "warnings": {"text_limits": "Too long elsewhere."}})
    row = visitor.see("/journal").xpath("//tbody/tr")[0]
    assert text(row).count("Too long elsewhere.") == 1
    assert [text(label) for label in row.xpath(".//dt")] == ["action"]


def test_a_full_page_leads_to_the_older_lines_and_tells_of_no_search(visitor, world):
    for _ in range(101):
        note(world)
    page = visitor.see("/journal")
    assert len(page.xpath("//tbody/tr")) == 100
    assert not page.xpath("//*[@data-testid='unsearched']")
    (older,) = page.xpath("//a[normalize-space()='Older']/@href")
    assert len(visitor.see(older).xpath("//tbody/tr")) == 1


def test_news_of_the_journal_does_not_stir_the_list_of_orders(visitor, world):
    orders, entries = visitor.see(), visitor.see("/journal")
    before = visitor.news(orders), visitor.news(entries)
    note(world)
    after = visitor.news(orders), visitor.news(entries)
    assert after[0] == before[0]
    assert after[1] != before[1]

"""The notifications: their list, the page of one with every try, and the button that sends it."""

import pytest
from msgspec.structs import replace

from mockpay.delivery import outbox
from mockpay.delivery.sender_pool import send_waiting
from mockpay.kernel.errors import MockpayError
from mockpay.kernel.http.calls import HttpReply
from tests.factories import World
from tests.web.visitor import text

IPN_URL = "http://127.0.0.1:9/ipn?shop=1"


@pytest.fixture
def world(runtime):
    return World.new(runtime, ipn_url=IPN_URL)


def told(world, amount="499.00", number="O-1"):
    """Pay an order and let its notification be sent; the notification."""
    order = world.order(number, amount)
    world.pay(order)
    world.advance(0)
    return world.notifications(order)[0]


def path(one):
    return f"/notifications/{one.notification_id}"


def facts(page):
    rows = page.xpath("//section[@aria-labelledby='facts']//dl/div")
    return {text(row[0]): text(row[1]) for row in rows}


def tries(page):
    return page.xpath("//section[@data-testid='try']")


def code(section, name):
    """The text of a fold of a try."""
    fold = section.xpath(".//details[summary[normalize-space()=$name]]", name=name)[0]
    return fold.xpath(".//pre")[0].text_content()


# --- the list


def test_the_list_tells_what_came_of_each_notification(visitor, world, post):
    told(world, number="O-1")
    post.answers = [404]
    told(world, number="O-2")
    post.answers = [503]
    told(world, number="O-3")
    told(world, "1704.01", "O-4")
    page = visitor.see("/notifications")
    assert {text(one) for one in page.xpath("//a[@class='row-link']")} == {
        "Payment Completed, ₹499.00",
        "Payment Completed, ₹1,704.01",
    }
    assert [text(one) for one in page.xpath("//td[@class='c-what']/span")] == [
        "Kept back, as the scenario has it",
        "Try 1 answered 503; next try in 0:01",
        "Given up after one try: answered 404; a 4xx is never tried again",
        "Delivered at the first try",
    ]
    assert [text(one) for one in page.xpath("//td[@class='c-state']")] == [
        "Kept back",
        "Retrying",
        "Given up",
        "Delivered",
    ]
    assert [text(one) for one in page.xpath("//td[@class='c-why']")] == ["none", "", "", ""]


def test_tabs_and_type_filter_together(visitor, world, post):
    order = world.order()
    world.pay(order)
    world.advance(0)
    world.refund(order, "100.00")
    world.advance(5)
    post.answers = [404]
    told(world, number="O-2")
    page = visitor.see("/notifications?type=refund")
    tabs = page.xpath("//nav[@aria-label='States']/a")
    assert [text(one) for one in tabs] == ["All 1", "Waiting 0", "Delivered 1", "Given up 0", "Kept back 0"]
    assert page.xpath("//option[@selected]/@value")[-1] == "refund"
    delivered = visitor.see(tabs[2].get("href"))
    assert [text(one) for one in delivered.xpath("//a[@class='row-link']")] == ["Refund Completed, ₹100.00"]
    dead = visitor.see("/notifications?show=dead")
    assert [text(one) for one in dead.xpath("//a[@class='row-link']")] == ["Payment Completed, ₹499.00"]


def test_the_list_says_what_was_told_and_links_to_the_order(visitor, world):
    failed = world.order("O-1", "120.00")
    world.pay(failed, "declined@mockpay")
    world.advance(1_000)
    world.advance(0)
    order = world.order("O-2")
    world.pay(order)
    world.advance(0)
    world.settle_refund(world.refund(order, "10.00"), "decline")
    world.advance(0)
    page = visitor.see("/notifications")
    shown = {
        text(a): text(a.getparent().getparent().xpath(".//a[@class='order-link']")[0])
        for a in page.xpath("//a[@class='row-link']")
    }
    assert shown == {
        "Refund Declined, ₹10.00: PROCESSING_FAILURE": "O-2",
        "Payment Completed, ₹499.00": "O-2",
        "Payment Declined, ₹120.00: payment_timed_out": "O-1",
    }
    assert page.xpath("//a[@class='order-link']/@href")[0].endswith(f"/orders/{order.order_id}")


def test_the_side_counts_what_was_given_up(visitor, world, post):
    count = "//nav[@aria-label='Dashboard']/a[contains(., 'Notifications')]/span"
    told(world)
    assert not visitor.see("/orders").xpath(count)
    post.answers = [404]
    told(world, number="O-2")
    assert text(visitor.see("/orders").xpath(count)[0]) == "1 given up"


def test_a_seller_who_is_told_nothing_is_told_that(visitor, runtime):
    silent = World.new(runtime)
    home = visitor.home.rpartition("/")[0]
    page = visitor.see(f"{home}/{silent.seller_id}/notifications")
    assert "it has no ipn_url" in text(page.xpath("//p[@class='empty']")[0])


# --- the page


def test_a_try_is_shown_as_it_was_sent_and_answered(visitor, world, post):
    one = told(world)
    page = visitor.see(path(one))
    (section,) = tries(page)
    sent = post.sent[-1]
    head = section.xpath("./pre")[0].text_content()
    assert head.startswith("POST /ipn?shop=1 HTTP/1.1\nHost: 127.0.0.1:9\n")
    assert all(f"{name}: {value}" in head for name, value in sent.headers.items())
    assert code(section, "Body as it was sent") == sent.body.decode()
    assert "<SellerReferenceId>O-1</SellerReferenceId>\n" in code(section, "NotificationData")
    assert code(section, "Text that was signed").startswith("Message\n")
    assert text(section.xpath(".//span[contains(@class, 'chip')]")[0]) == "200 OK"
    assert text(section.xpath(".//h2")[0]) == "Try 1"


def test_what_the_seller_answered_is_shown(visitor, runtime, world):
    class Wordy:
        def send(self, call):
            return HttpReply(500, {}, b"<b>Traceback</b>", latency_ms=34)

    order = world.order()
    world.pay(order)
    send_waiting(replace(runtime, sender=Wordy()), world.seller_id)
    page = visitor.see(path(world.notifications(order)[0]))
    (section,) = tries(page)
    assert code(section, "Answer") == "<b>Traceback</b>"
    assert "took 34 ms" in text(section)
    assert not section.xpath(".//b")


def test_a_try_that_nobody_answered_says_why(visitor, world, post):
    post.answers = [MockpayError("no", code="http.refused", reason="Nobody listens there.")]
    page = visitor.see(path(told(world)))
    (section,) = tries(page)
    assert "No answer" in text(section)
    assert "Nobody listens there." in text(section)


def test_the_next_try_is_told_and_the_newest_comes_first(visitor, world, post):
    post.answers = [503, 500]
    one = told(world)
    world.advance(1)
    page = visitor.see(path(one))
    assert [text(h2) for h2 in page.xpath("//section[@data-testid='try']//h2")] == ["Try 2", "Try 1"]
    shown = facts(page)
    assert shown["Next try"] == "21 Nov 2026, 17:30:06 IST"
    assert shown["Due"] == "21 Nov 2026, 17:30:00 IST"
    assert shown["Profile"].startswith("fast: again after 1 s")


def test_a_scenario_that_disturbs_a_notification_is_named(visitor, world):
    page = visitor.see(path(told(world, "1704.05")))
    note = page.xpath("//aside[@aria-label='What decided']")
    assert [text(one) for one in note] == ["A scenario decided at stage ipn: bad signature"]


def test_many_tries_are_shown_some_at_a_time(visitor, world, post):
    post.answers = [503] * 30
    one = told(world)
    for _ in range(24):
        world.advance(3_600)
    page = visitor.see(path(one))
    assert len(tries(page)) == 20
    older = visitor.see(page.xpath("//nav[@aria-label='Tries']/a/@href")[0])
    numbers = [text(h2) for page in (page, older) for h2 in page.xpath("//section[@data-testid='try']//h2")]
    assert numbers == [f"Try {number}" for number in range(len(numbers), 0, -1)]
    assert len(numbers) > 20
    assert not older.xpath("//nav[@aria-label='Tries']")


def test_a_notification_about_a_refund_leads_to_it(visitor, world):
    order = world.order()
    world.pay(order)
    refund = world.refund(order, "100.00")
    world.advance(5)
    page = visitor.see(path(world.notifications(order)[-1]))
    link = page.xpath("//dd/a[normalize-space()=$id]/@href", id=refund.refund_id)[0]
    assert text(visitor.see(link).xpath("//h1")[0]) == "Paid back to success@mockpay"


def test_an_unknown_notification_is_told_so(visitor):
    visitor.see("/notifications/ipn_none", 404)


# --- the button


@pytest.mark.parametrize(("answer", "state"), [(404, "DEAD"), (503, "RETRY_WAIT"), (200, "DELIVERED")])
def test_deliver_now_sends_it_once_more_and_shows_the_new_try(visitor, world, post, answer, state):
    post.answers = [answer]
    one = told(world)
    assert one.state == state
    page = visitor.see(path(one))
    pressed = visitor.press(page, "Deliver now")
    assert (pressed.status_code, pressed.location) == (303, visitor.home + path(one))
    after = visitor.see(path(one))
    assert [text(h2) for h2 in after.xpath("//section[@data-testid='try']//h2")] == ["Try 2", "Try 1"]
    assert text(after.xpath("//h1")[0]) == "Delivered at the 2nd try, which a tester asked for"
    assert len(post.sent) == 2


def test_a_notification_that_is_kept_back_can_be_sent_all_the_same(visitor, world, post):
    one = told(world, "1704.01")
    assert not post.sent
    visitor.press(visitor.see(path(one)), "Deliver now")
    assert len(tries(visitor.see(path(one)))) == len(post.sent) == 1


def test_what_is_being_sent_cannot_be_sent_again_just_now(visitor, runtime, world):
    order = world.order()
    world.pay(order)
    one = world.notifications(order)[0]
    page = visitor.see(path(one))
    outbox.claim(runtime, world.seller_id)
    pressed = visitor.press(page, "Deliver now")
    refused = visitor.parse(pressed)
    assert pressed.status_code == 409
    assert "SENDING" in text(refused.xpath("//*[@role='alert']")[0])
    assert not refused.xpath("//button[text()='Deliver now']")


def test_what_waits_behind_another_is_queued_and_the_page_comes_all_the_same(visitor, runtime, world, post):
    """What is told of one order is told in order; a server that stops does not wait."""
    order = world.order()
    world.pay(order)
    world.advance(0)
    world.settle_refund(world.refund(order, "100.00"), "complete")
    assert outbox.claim(runtime, world.seller_id) is not None
    first = world.notifications(order)[0]
    page = visitor.see(path(first))
    runtime.stopping.set()
    assert visitor.press(page, "Deliver now").status_code == 303
    assert text(visitor.see(path(first)).xpath("//h1")[0]) == "Sent again now"
    assert len(post.sent) == 1


def test_nothing_is_sent_without_the_token_of_the_form(visitor, world, post):
    one = told(world)
    page = visitor.see(path(one))
    assert visitor.press(page, "Deliver now", form_token="made-up").status_code == 403
    assert len(post.sent) == 1


def test_the_page_hears_of_a_new_try(visitor, world, post):
    post.answers = [503]
    one = told(world)
    page = visitor.see(path(one))
    before = visitor.news(page)
    assert before["version"] == page.xpath("//body/@data-version")[0]
    world.advance(1)
    after = visitor.news(page)
    assert after["version"] != before["version"]
    assert after["state"] == "DELIVERED"


def test_a_message_that_a_scenario_kept_back_is_not_told_as_any_other(visitor, world, post):
    told(world, "1704.01")
    (kept,) = visitor.see("/notifications").xpath("//a[@class='row-link']/@href")
    assert visitor.press(visitor.see(kept), "Deliver now").status_code == 303
    says = "Kept back by a scenario, then sent by a tester: delivered at the first try"
    assert text(visitor.see(kept).xpath("//h1")[0]) == says


def test_a_try_that_the_retry_profile_makes_is_not_told_as_a_testers(visitor, world, post):
    post.answers = [404, 503]
    one = told(world)
    visitor.press(visitor.see(path(one)), "Deliver now")
    world.advance(10)
    assert text(visitor.see(path(one)).xpath("//h1")[0]) == "Delivered at the 3rd try"

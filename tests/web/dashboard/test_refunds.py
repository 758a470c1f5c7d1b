"""The refunds: their list, the page of one, and the forms that end it, hold it or let it go."""

import pytest

from mockpay.domain.methods.upi import Upi
from tests.factories import World
from tests.web.visitor import text

IPN_URL = "http://127.0.0.1:9/ipn"


@pytest.fixture
def world(runtime):
    return World.new(runtime, ipn_url=IPN_URL)


def paid(world, number="O-1", amount="499.00"):
    order = world.order(number, amount)
    world.pay_with(order, Upi("asha@okhdfc"))
    world.approve(world.attempts(order)[-1])
    return order


@pytest.fixture
def refund(world):
    return world.refund(paid(world), "100.00")


def path(refund):
    return f"/refunds/{refund.refund_id}"


def facts(page):
    rows = page.xpath("//section[@aria-labelledby='facts']//dl/div")
    return {text(row[0]): text(row[1]) for row in rows}


def alert(page):
    return [text(one) for one in page.xpath("//*[@role='alert']")]


# --- the list


def test_the_list_shows_the_newest_refund_first_with_its_sentence(visitor, world):
    order = paid(world)
    world.refund(order, "100.00", "A")
    world.advance(5)
    world.refund(order, "24.04", "B")
    page = visitor.see("/refunds")
    assert [text(one) for one in page.xpath("//a[@class='row-link']")] == [
        "Held until a tester says how it ends",
        "Paid back to asha@okhdfc",
    ]
    assert [text(one) for one in page.xpath("//td[@class='c-amount']")] == ["₹24.04", "₹100.00"]
    assert [text(one) for one in page.xpath("//td[@class='c-why']")] == ["amount 24.04", ""]


def test_the_tabs_count_and_filter_refunds_by_state(visitor, world):
    order = paid(world)
    world.refund(order, "100.00", "A")
    world.refund(order, "24.02", "B")
    world.advance(5)
    world.refund(order, "50.00", "C")
    tabs = visitor.see("/refunds").xpath("//nav[@aria-label='States']/a")
    assert [text(one) for one in tabs] == ["All 3", "Pending 1", "Completed 1", "Declined 1", "Reversed 0"]
    declined = visitor.see(tabs[3].get("href"))
    assert [text(a) for a in declined.xpath("//a[@class='row-link']")] == ["Declined: REJECTED"]
    assert text(visitor.see(tabs[4].get("href")).xpath("//p[@class='empty']")[0]) == (
        "No refund fits. Show all refunds"
    )


def test_older_refunds_are_one_link_away_and_none_is_shown_twice(visitor, world):
    order = paid(world)
    for number in range(51):
        world.refund(order, "1.00", f"R-{number}")
    first = visitor.see("/refunds")
    second = visitor.see(first.xpath("//a[text()='Older']/@href")[0])
    seen = [text(one) for page in (first, second) for one in page.xpath("//span[@class='row-sub']")]
    assert len(seen) == len(set(seen)) == 51
    assert first.xpath("//body/@data-poll")
    assert not second.xpath("//body/@data-poll")


def test_the_list_hears_that_a_refund_has_settled(visitor, world, refund):
    page = visitor.see("/refunds")
    before = visitor.news(page)
    assert before["version"] == page.xpath("//body/@data-version")[0]
    world.advance(5)
    assert visitor.news(page)["version"] != before["version"]


# --- the page


def test_a_settled_refund_tells_where_the_money_went_and_by_which_number(visitor, world, refund):
    world.advance(5)
    (done,) = world.refunds(refund)  # by its order's number, as an order has it
    page = visitor.see(path(refund))
    told = facts(page)
    assert text(page.xpath("//h1")[0]) == "Paid back to asha@okhdfc"
    assert (told["Back to"], told["RRN"]) == ("asha@okhdfc", done.bank_reference)
    assert told["Requested"] == "21 Nov 2026, 17:30:00 IST"
    assert told["Completed"] == "21 Nov 2026, 17:30:05 IST"
    assert told["Refunded of the order"] == "₹100.00 of ₹499.00"
    assert "Due" not in told


@pytest.mark.parametrize(
    ("amount", "title", "says"),
    [
        ("100.00", "On its way, settles in 0:05", "The clock decides: on 21 Nov 2026, 17:30:05 IST it is completed."),
        (
            "24.02",
            "On its way, settles in 0:05",
            "The clock decides: on 21 Nov 2026, 17:30:05 IST it is declined, REJECTED.",
        ),
        (
            "24.04",
            "Held until a tester says how it ends",
            "Nobody but a tester decides: complete, decline or release it.",
        ),
    ],
)
def test_a_pending_refund_says_who_decides_and_when(visitor, world, amount, title, says):
    refund = world.refund(paid(world), amount)
    page = visitor.see(path(refund))
    assert text(page.xpath("//h1")[0]) == title
    assert text(page.xpath("//h1/following-sibling::p")[0]) == says


def test_a_refund_that_polls_settle_counts_them(visitor, world):
    world.add_rule("polls:2", "refund")
    refund = world.refund(paid(world), "100.00")
    page = visitor.see(path(refund))
    assert text(page.xpath("//h1")[0]) == "Settles when it is asked about 2 more times"
    assert "own questions about it decide" in text(page.xpath("//h1/following-sibling::p")[0])


def test_what_decided_a_refund_stands_above_it(visitor, world):
    refund = world.refund(paid(world), "24.02")
    note = visitor.see(path(refund)).xpath("//aside[@aria-label='What decided']/div/p")
    assert [text(one) for one in note] == ["Decided by the amount 24.02 at stage refund: declined, rejected"]
    plain = world.refund(paid(world, "O-2"), "100.00", "R-2")
    assert not visitor.see(path(plain)).xpath("//aside[@aria-label='What decided']")


def test_the_timeline_of_a_refund_tells_it_and_its_notification_only(visitor, world, refund):
    lines = visitor.see(path(refund)).xpath("//ol[@class='timeline']/li/b")
    assert [text(one) for one in lines] == ["Refund requested", "Refund sent to the bank", "Refund settles"]
    world.advance(5)
    page = visitor.see(path(refund))
    assert [text(one) for one in page.xpath("//ol[@class='timeline']/li/b")] == [
        "Refund requested",
        "Refund sent to the bank",
        "Refund completed",
        "Notification queued",
        "Seller notified",
    ]
    assert len(page.xpath("//section[@aria-labelledby='notifications']//li")) == 1


def test_the_refund_page_asks_only_about_its_own_order(visitor, world, refund):
    page = visitor.see(path(refund))
    before = visitor.news(page)
    world.order("O-2")
    assert visitor.news(page) == before
    world.advance(5)
    assert visitor.news(page)["state"] == "COMPLETED"


def test_an_unknown_refund_is_told_so(visitor):
    assert text(visitor.see("/refunds/S04-1-R1", 404).xpath("//h1")[0]) == "There is no such refund."


# --- the forms


@pytest.mark.parametrize(
    ("button", "state", "held"),
    [("Complete", "COMPLETED", False), ("Decline", "DECLINED", False), ("Hold", "PENDING", True)],
)
def test_a_button_does_what_it_says(visitor, world, button, state, held):
    order = paid(world)
    refund = world.refund(order, "100.00")
    page = visitor.see(path(refund))
    answer = visitor.press(page, button, reason="PROCESSING_FAILURE")
    assert (answer.status_code, answer.location) == (303, visitor.home + path(refund))
    (moved,) = world.refunds(order)
    assert (moved.state, moved.held) == (state, held)
    assert moved.decline == ("PROCESSING_FAILURE" if state == "DECLINED" else None)
    assert world.violations() == []


def test_a_held_refund_can_be_released_and_settles_when_it_was_due(visitor, world):
    order = paid(world)
    refund = world.refund(order, "100.00")
    visitor.press(visitor.see(path(refund)), "Hold")
    world.advance(60)
    assert world.refunds(order)[0].state == "PENDING"
    page = visitor.see(path(refund))
    assert not page.xpath("//button[text()='Hold']")
    visitor.press(page, "Release")
    world.advance(0)
    assert world.refunds(order)[0].state == "COMPLETED"


def test_a_refund_that_ended_has_no_buttons(visitor, world, refund):
    world.advance(5)
    assert not visitor.see(path(refund)).xpath("//section[@aria-labelledby='acts']")


def test_a_button_that_comes_too_late_is_told_at_its_place(visitor, world, refund):
    stale = visitor.see(path(refund))
    world.advance(5)
    answer = visitor.press(stale, "Hold")
    page = visitor.parse(answer)
    assert answer.status_code == 409
    assert alert(page) == ["A refund that is COMPLETED cannot do 'held'."]
    assert page.xpath("//title")[0].text.startswith("A refund that is COMPLETED")
    assert text(page.xpath("//h1")[0]) == "Paid back to asha@okhdfc"


def test_releasing_what_is_not_held_is_told_at_the_button_that_is_there(visitor, world, refund):
    visitor.press(visitor.see(path(refund)), "Hold")
    held = visitor.see(path(refund))
    visitor.press(held, "Release")
    answer = visitor.press(held, "Release")
    assert answer.status_code == 409
    assert alert(visitor.parse(answer)) == ["This refund is not held."]


def test_a_reason_that_amazon_does_not_have_is_told_at_its_list(visitor, world, refund):
    answer = visitor.press(visitor.see(path(refund)), "Decline", reason="Whim")
    page = visitor.parse(answer)
    assert answer.status_code == 422
    chosen = page.xpath("//select[@name='reason']")[0]
    assert chosen.get("aria-invalid") == "true"
    told = page.xpath("//*[@id=$id]", id=chosen.get("aria-describedby"))[0]
    assert text(told) == "There is no reason 'Whim'. It is one of PROCESSING_FAILURE, REJECTED."


def test_no_form_of_a_refund_acts_without_its_token(visitor, world):
    order = paid(world)
    refund = world.refund(order, "100.00")
    page = visitor.see(path(refund))
    assert visitor.press(page, "Complete", form_token="made-up").status_code == 403
    assert world.refunds(order)[0].state == "PENDING"


def test_an_act_that_no_button_has_is_not_found(visitor, refund):
    page = visitor.see(path(refund))
    target = f"{visitor.home}{path(refund)}/double"
    assert visitor.client.post(target, data={"form_token": token(page)}).status_code == 404


def token(page):
    return page.xpath("//input[@name='form_token']/@value")[0]

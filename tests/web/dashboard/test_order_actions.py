"""Capture and cancel on the page of an order."""

import pytest

from mockpay.services.payments import captures
from tests.factories import World
from tests.web.visitor import Visitor, text


def buttons(page):
    return [text(one) for one in page.xpath("//section[@aria-labelledby='acts']//button")]


@pytest.fixture
def manual(runtime):
    """A seller who captures by hand."""
    return World.new(runtime, capture="manual")


@pytest.fixture
def by_hand(runtime, manual):
    return Visitor(runtime, manual.seller_id)


def test_an_order_has_the_buttons_that_mean_something_now(visitor, world):
    order = world.order()
    assert buttons(visitor.see_order(order)) == ["Cancel order"]
    world.pay(order)
    assert buttons(visitor.see_order(order)) == ["Cancel and refund ₹499.00", "Refund"]
    world.refund(order, "100.00")
    assert buttons(visitor.see_order(order)) == ["Cancel and refund ₹399.00", "Refund"]
    world.refund(order, "399.00", "R-2")
    assert buttons(visitor.see_order(order)) == []


@pytest.mark.parametrize("vpa", ["deemed@mockpay"])
def test_an_order_whose_money_may_be_moving_cannot_be_cancelled(visitor, world, vpa):
    order = world.order()
    world.pay(order, vpa)
    assert buttons(visitor.see_order(order)) == []


def test_held_money_is_captured_by_its_button(by_hand, manual):
    order = manual.order()
    manual.pay(order)
    page = by_hand.see_order(order)
    assert buttons(page) == ["Capture ₹499.00", "Cancel and release the hold"]
    assert text(page.xpath("//h1/following-sibling::p")[0]) == ("The seller captures the money or cancels the order.")
    answer = by_hand.press(page, "Capture ₹499.00")
    assert answer.status_code == 303
    assert manual.states(order) == ("PAID", "CAPTURED")


def test_held_money_is_released_by_the_other_one(by_hand, manual):
    order = manual.order()
    manual.pay(order)
    by_hand.press(by_hand.see_order(order), "Cancel and release the hold")
    assert manual.states(order) == ("CANCELLED", "VOIDED")
    page = by_hand.see_order(order)
    assert text(page.xpath("//h1")[0]) == "Cancelled before capture; the hold was released"
    assert buttons(page) == []


def test_cancelling_a_paid_order_sends_the_money_back(visitor, world):
    order = world.order()
    world.pay(order)
    visitor.press(visitor.see_order(order), "Cancel and refund ₹499.00")
    (refund,) = world.refunds(order)
    assert (refund.kind, refund.amount.wire()) == ("CANCELLATION", "499.00")
    shown = visitor.see_order(order).xpath("//section[@aria-labelledby='refunds']//li")
    assert [text(one) for one in shown] == ["₹499.00On its way, settles in 0:05Pending"]


def test_a_form_refunds_a_part_and_what_it_refuses_stays_typed(visitor, world):
    order = world.order()
    world.pay(order)
    page = visitor.see_order(order)
    assert page.xpath("//input[@name='amount']/@value") == ["499.00"]
    assert visitor.press(page, "Refund", amount=" 100.00 ").status_code == 303
    (refund,) = world.refunds(order)
    assert (refund.kind, refund.amount.wire()) == ("TESTER", "100.00")
    page = visitor.see_order(order)
    assert page.xpath("//input[@name='amount']/@value") == ["399.00"]
    for typed, status, words in (
        ("399.01", 409, "At most 399.00 INR of this payment can be refunded."),
        ("0", 422, "The amount is below 0.01."),
        ("1.005", 422, "The amount must look like 1.00: digits, at most two after the point."),
    ):
        answer = visitor.press(page, "Refund", amount=typed)
        assert answer.status_code == status
        refused = visitor.parse(answer)
        assert [text(each) for each in refused.xpath("//*[@role='alert']")] == [words]
        assert refused.xpath("//input[@aria-invalid='true']/@value") == [typed]
    assert len(world.refunds(order)) == 1
    shown = visitor.see(f"/refunds/{refund.refund_id}")
    assert "Asked for by a tester" in shown.text_content()
    assert "by a tester" in text(shown.xpath("//ol[@class='timeline']/li")[0])


def test_a_pending_capture_cannot_be_asked_for_twice(by_hand, manual):
    order = manual.order(amount="1708.01")
    manual.pay(order)
    stale = by_hand.see_order(order)
    by_hand.press(stale, "Capture ₹1,708.01")
    assert buttons(by_hand.see_order(order)) == ["Cancel and release the hold"]
    answer = by_hand.press(stale, "Capture ₹1,708.01")
    page = by_hand.parse(answer)
    assert answer.status_code == 409
    assert [text(one) for one in page.xpath("//*[@role='alert']")] == ["The capture is pending already."]
    titles = [text(one) for one in page.xpath("//ol[@class='timeline']/li/b")]
    assert titles[-2:] == ["Capture is done", "Hold expires"]


def test_a_stale_button_is_refused_at_its_place(by_hand, manual):
    order = manual.order()
    manual.pay(order)
    stale = by_hand.see_order(order)
    with manual.transaction() as sandbox:
        captures.capture(sandbox, manual.get_order(order))
    answer = by_hand.press(stale, "Capture ₹499.00")
    assert answer.status_code == 409
    assert "There is nothing authorised to capture." in answer.text


def test_no_order_is_cancelled_without_the_token_of_its_form(visitor, world):
    order = world.order()
    page = visitor.see_order(order)
    assert visitor.press(page, "Cancel order", form_token="made-up").status_code == 403
    assert world.get_order(order).state == "CREATED"


def test_an_act_that_no_order_has_is_not_found(visitor, world):
    order = world.order()
    page = visitor.see_order(order)
    token = page.xpath("//input[@name='form_token']/@value")[0]
    target = f"{visitor.home}/orders/{order.order_id}/double"
    assert visitor.client.post(target, data={"form_token": token}).status_code == 404


def test_the_order_page_lists_its_notifications(visitor, runtime):
    told = World.new(runtime, ipn_url="http://127.0.0.1:9/ipn")
    order = told.order()
    told.pay(order)
    told.advance(0)
    page = Visitor(runtime, told.seller_id).see_order(order)
    shown = page.xpath("//section[@aria-labelledby='notifications']//li")
    assert [text(one) for one in shown] == ["Payment Completed, ₹499.00Delivered at the first tryDelivered"]

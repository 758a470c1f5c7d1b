"""What the seller was told of an order: by the browser, and by the answers to its calls."""

from __future__ import annotations

from mockpay.services.payments import orders
from mockpay.store import journal
from mockpay.web.dashboard.seller_messages import browser_return, last_calls


def test_what_the_browser_brought_is_told_field_by_field(world):
    order = world.order()
    assert (
        "the browser was not sent back from the payment page"
        in browser_return(world.timeline(order), world.runtime.provider(order.provider)).words
    )
    url = "http://127.0.0.1:8420/shop/return?status=SUCCESS&reason=&sellerOrderId=O%201"
    with world.transaction() as sandbox:
        orders.record_return(sandbox, world._fresh(sandbox, order), url, "success")
    told = browser_return(world.timeline(order), world.runtime.provider(order.provider))
    sent = "The browser was sent to this URL with the signed result; whether it arrived, only the seller knows."
    assert (told.words, told.url) == (sent, url)
    assert told.fields == (("status", "SUCCESS"), ("reason", ""), ("sellerOrderId", "O 1"))


def test_a_browser_that_was_not_sent_back_brought_nothing(world):
    order = world.order()
    with world.transaction() as sandbox:
        orders.record_return(sandbox, world._fresh(sandbox, order), "http://127.0.0.1/", "never_returns")
    message = browser_return(world.timeline(order), world.runtime.provider(order.provider))
    assert message.words == "Nothing: the browser was closed, as the scenario has it, and not sent back."
    assert (message.url, message.fields) == ("", ())


def test_of_calls_about_an_order_the_last_of_each_kind_is_told_the_newest_first(world):
    order, other = world.order(), world.order("O-2")
    with world.transaction() as sandbox:
        for kind, about, answer in [
            ("list", (order, other), "first"),
            ("list", (other, order), "second"),
            ("details", (order,), "third"),
            ("list", (other,), "not about it"),
        ]:
            ids = [each.order_id for each in about]
            moments = sandbox.now, sandbox.real_now
            journal.add(
                sandbox.connection, world.seller_id, *moments, kind=kind, outcome="ok", orders=ids, answer=answer
            )
    with world.read() as sandbox:
        calls = [(call.kind, call.answer) for call in last_calls(sandbox, order)]
    assert calls == [("details", "third"), ("list", "second")]

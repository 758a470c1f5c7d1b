"""Notifications: what is told of what, in which order, and what becomes of each try."""

import pytest
from msgspec.structs import replace

from mockpay.delivery import outbox as sending
from mockpay.kernel.clock import DAY, SECOND
from mockpay.kernel.errors import IllegalTransition, NotFound
from mockpay.kernel.http.calls import HttpReply, Unreachable
from mockpay.services.sellers import accounts
from mockpay.services.sellers.accounts import Changes
from mockpay.store import outbox
from tests.factories import IPN_URL, NOON, World, on_sqlite

HOUR = 3_600


@pytest.fixture
def world(runtime):
    return World.new(runtime, ipn_url=IPN_URL)


def paid(world, amount="499.00", number="O-1"):
    order = world.order(number, amount)
    world.pay(order)
    return order


def deliveries(world, order):
    """Type, state, tries and due second of each delivery."""
    return [
        (str(one.type), str(one.state), one.tries, (one.due_at - NOON) // SECOND) for one in world.notifications(order)
    ]


def sent(post):
    """Which messages left, by the id in their header, in order."""
    return [call.headers["x-amz-sns-message-id"] for call in post.sent]


PAYMENT, REFUND = "payment", "refund"


def test_the_seller_is_notified_of_a_payment_and_of_each_of_its_refunds(world, post):
    order = paid(world)
    world.refund(order, "100.00")
    assert deliveries(world, order) == [(PAYMENT, "QUEUED", 0, 0)]
    world.advance(0)
    assert deliveries(world, order) == [(PAYMENT, "DELIVERED", 1, 0)]
    world.advance_until_idle()
    assert deliveries(world, order) == [(PAYMENT, "DELIVERED", 1, 0), (REFUND, "DELIVERED", 1, 5)]
    assert [call.url for call in post.sent] == [IPN_URL] * 2
    assert len({*sent(post)}) == 2
    (one, _) = world.notifications(order)
    assert [line.event for line in world.timeline_of(one.notification_id)] == ["queued", "delivered"]
    assert world.violations() == []


@pytest.mark.parametrize("how", ["failed", "cancelled", "expired"])
def test_the_seller_is_notified_of_an_order_that_ended_unpaid_after_an_attempt(world, how):
    nobody, somebody = world.order("NOBODY"), world.order("SOMEBODY")
    world.pay(somebody, "failure@mockpay")
    if how != "failed":
        world.end(nobody, how)
    world.end(somebody, how)
    assert world.notifications(nobody) == []
    (one,) = world.notifications(somebody)
    assert (one.facts["completed"], one.facts["amount"]) == (False, "499.00")
    assert one.facts["reason"]


def test_a_seller_without_an_address_gets_no_notification(runtime, post):
    world = World.new(runtime)
    order = paid(world)
    world.refund(order, "100.00")
    world.advance_until_idle()
    assert world.notifications(order) == []
    assert post.sent == []


def test_the_notification_of_a_declined_refund_has_its_reason(world):
    order = paid(world)
    world.refund(order, "24.02")
    world.advance_until_idle()
    (_, told) = world.notifications(order)
    assert (told.facts["completed"], told.facts["reason"]) == (False, "REJECTED")


def test_a_refund_that_was_taken_back_is_not_notified_as_a_new_payment(world):
    order = paid(world, "1705.12")
    world.refund(order, "1705.12")
    world.advance_until_idle()
    assert world.get_order(order).state == "PAID"
    assert [one[0] for one in deliveries(world, order)] == [PAYMENT, REFUND]


def test_every_try_is_written_down(world, post):
    post.answers = [503, Unreachable("Nobody is there."), 200]
    order = paid(world)
    world.advance_until_idle()
    (one,) = world.notifications(order)
    tries = world.delivery_tries(one)
    assert [(try_.number, try_.status, try_.reason) for try_ in tries] == [
        (1, 503, None),
        (2, None, "Nobody is there."),
        (3, 200, None),
    ]
    assert {try_.body for try_ in tries} == {call.body.decode() for call in post.sent}
    assert {try_.url for try_ in tries} == {IPN_URL}
    assert tries[0].signed.startswith("Message\n")
    assert tries[0].headers["x-amz-sns-message-type"] == "Notification"
    assert [try_.at - NOON for try_ in tries] == [0, 1 * SECOND, 6 * SECOND]


def test_the_same_bytes_go_out_at_every_try(world, post):
    post.answers = [500, 500, 500]
    paid(world)
    world.advance_until_idle()
    assert len(post.sent) == 4
    assert len({call.body for call in post.sent}) == 1
    assert len({repr(call.headers) for call in post.sent}) == 1


def test_fast_retries_wait_1_5_30_and_120_seconds_then_an_hour(world, post):
    post.answers = [500] * 6
    order = paid(world)
    world.advance_until_idle()
    moments = [try_.at - NOON for try_ in world.delivery_tries(world.notifications(order)[0])]
    seconds = [0, 1, 6, 36, 156, 156 + HOUR, 156 + 2 * HOUR]
    assert moments == [second * SECOND for second in seconds]


@pytest.mark.parametrize("heard", [500, Unreachable("Too late.", code="http.timeout"), 302])
@on_sqlite
def test_amazons_retries_are_hourly(runtime, post, heard):
    world = World.new(runtime, ipn_url=IPN_URL, ipn_profile="amazon")
    post.answers = [heard] * 4
    order = paid(world)
    world.advance(3 * HOUR)
    (one,) = world.notifications(order)
    assert (one.state, one.tries) == ("RETRY_WAIT", 4)
    moments = [try_.at - NOON for try_ in world.delivery_tries(one)]
    assert moments == [hour * HOUR * SECOND for hour in range(4)]


@pytest.mark.parametrize("profile", ["fast", "amazon"])
@on_sqlite
def test_after_14_days_it_is_given_up(runtime, post, profile):
    world = World.new(runtime, ipn_url=IPN_URL, ipn_profile=profile)
    order = paid(world)
    post.answers = [500]
    world.advance(1)
    world.set_clock(None, NOON + 14 * DAY - HOUR * SECOND)
    (one,) = world.notifications(order)
    if one.state == "DELIVERED":  # the second try, which nobody refused
        world.deliver(one.notification_id)
    post.answers = [500] * 3
    world.advance(0)
    assert world.notifications(order)[0].state == "RETRY_WAIT"
    world.advance_until_idle()
    (one,) = world.notifications(order)
    assert one.state == "DEAD"
    assert world.delivery_tries(one)[-1].at <= NOON + 14 * DAY
    assert world.advance_until_idle().delivered == 0
    assert world.violations() == []


@pytest.mark.parametrize("profile", ["fast", "amazon"])
@pytest.mark.parametrize("status", [400, 404, 410, 499])
@on_sqlite
def test_a_4xx_is_dead_at_once(runtime, post, profile, status):
    world = World.new(runtime, ipn_url=IPN_URL, ipn_profile=profile)
    post.answers = [status]
    order = paid(world)
    world.advance_until_idle()
    assert deliveries(world, order) == [(PAYMENT, "DEAD", 1, 0)]
    assert world.notifications(order)[0].reason == f"answered {status}; a 4xx is never tried again"


@pytest.mark.parametrize(("profile", "state", "tries"), [("fast", "DELIVERED", 2), ("amazon", "DEAD", 1)])
def test_only_amazon_gives_an_unreachable_host_up_at_once(runtime, post, profile, state, tries):
    world = World.new(runtime, ipn_url=IPN_URL, ipn_profile=profile)
    post.answers = [Unreachable("Nobody is there.")]
    order = paid(world)
    world.advance_until_idle()
    assert deliveries(world, order)[0][1:3] == (state, tries)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
@on_sqlite
def test_any_2xx_is_delivered(world, post, status):
    post.answers = [status]
    order = paid(world)
    world.advance_until_idle()
    assert deliveries(world, order)[0][1:3] == ("DELIVERED", 1)


# --- misbehaviour


def test_a_suppressed_one_is_never_sent_until_somebody_asks(world, post):
    order = paid(world, "1704.01")
    world.advance_until_idle()
    assert deliveries(world, order) == [(PAYMENT, "SUPPRESSED", 0, 0)]
    assert post.sent == []
    (one,) = world.notifications(order)
    world.deliver(one.notification_id)
    world.advance(0)
    assert deliveries(world, order) == [(PAYMENT, "DELIVERED", 1, 0)]
    events = [line.event for line in world.timeline_of(one.notification_id)]
    assert events == ["queued", "suppressed", "asked_again", "delivered"]
    assert world.violations() == []


@pytest.mark.parametrize(
    ("outcome", "due"), [("doubled", [0, 5]), ("doubled_at_once", [0, 0]), ("tripled", [0, 5, 10])]
)
def test_copies_are_deliveries_of_one_message(world, post, outcome, due):
    world.add_rule(outcome, "ipn")
    order = paid(world)
    world.advance_until_idle()
    assert deliveries(world, order) == [(PAYMENT, "DELIVERED", 1, second) for second in due]
    assert len(sent(post)) == len(due)
    assert len({*sent(post)}) == 1
    assert len({call.body for call in post.sent}) == 1
    assert [one.copy for one in world.notifications(order)] == [*range(1, len(due) + 1)]


def test_a_copy_has_retries_of_its_own(world, post):
    world.add_rule("doubled", "ipn")
    post.answers = [500, 200, 404]
    order = paid(world)
    world.advance_until_idle()
    assert [one[1:3] for one in deliveries(world, order)] == [("DELIVERED", 2), ("DEAD", 1)]


def test_a_delayed_one_comes_30_seconds_late(world, post):
    paid(world, "1704.04")
    world.advance(29.999)
    assert post.sent == []
    world.advance(0.001)
    assert len(post.sent) == 1


def test_a_delayed_one_that_is_asked_for_comes_at_once_and_only_once(world, post):
    order = paid(world, "1704.04")
    world.deliver(world.notifications(order)[0].notification_id)
    world.advance(0)
    assert len(post.sent) == 1
    world.advance_until_idle()
    assert len(post.sent) == 1
    assert world.violations() == []


def test_an_overtaken_one_goes_after_a_later_one(world, post):
    order = paid(world, "1704.03")
    world.advance(0)
    assert post.sent == []
    world.refund(order, "100.00")
    world.advance(5)
    payment, refund = world.notifications(order)
    assert sent(post) == [refund.message_id, payment.message_id]
    assert world.advance_until_idle().complete
    assert len(post.sent) == 2
    assert world.violations() == []


def test_several_later_ones_bring_an_overtaken_one_once(world, post):
    order = paid(world, "1704.03")
    for number in range(3):
        world.refund(order, "100.00", f"R-{number}")
    world.advance_until_idle()
    payment, *refunds = world.notifications(order)
    assert sorted(sent(post)) == sorted(one.message_id for one in [payment, *refunds])
    assert sent(post)[0] != payment.message_id


def test_an_earlier_one_overtakes_nobody(world, post):
    """What came before is no later one: a late retry of it must not set the order right."""
    post.answers = [500]
    world.add_rule("out_of_order", "ipn", match={"notification_type": REFUND})
    order = paid(world)
    world.add_rule("completed", "refund")
    world.refund(order, "100.00", "A")
    world.advance(1)
    payment, first = world.notifications(order)
    assert sent(post) == [payment.message_id] * 2
    world.advance(59)
    assert sent(post)[2:] == [first.message_id]


def test_with_nothing_later_an_overtaken_one_goes_after_a_minute(world, post):
    paid(world, "1704.03")
    world.advance(59.999)
    assert post.sent == []
    world.advance(0.001)
    assert len(post.sent) == 1


def test_the_first_tries_are_lost_on_the_way(world, post):
    order = paid(world, "1704.06")
    world.advance_until_idle()
    (one,) = world.notifications(order)
    assert (one.state, one.tries) == ("DELIVERED", 4)
    assert [try_.status for try_ in world.delivery_tries(one)] == [None, None, None, 200]
    assert len(post.sent) == 1


# --- asked for again


@pytest.mark.parametrize("status", [200, 404, 503])
def test_any_that_is_not_on_its_way_can_be_sent_again(world, post, status):
    post.answers = [status]
    order = paid(world)
    world.advance(0)
    (before,) = world.notifications(order)
    assert before.state == {200: "DELIVERED", 404: "DEAD", 503: "RETRY_WAIT"}[status]
    world.deliver(before.notification_id)
    assert world.violations() == []
    world.advance_until_idle()
    assert deliveries(world, order)[0][1:3] == ("DELIVERED", 2)
    assert len(post.sent) == 2
    assert len({call.body for call in post.sent}) == 1


def test_one_that_waits_for_its_turn_is_sent_once_however_often_it_is_asked_for(world, post):
    order = paid(world)
    (one,) = world.notifications(order)
    for _ in range(3):
        world.deliver(one.notification_id)
    world.advance_until_idle()
    assert len(post.sent) == 1
    assert deliveries(world, order)[0][1:3] == ("DELIVERED", 1)


def test_one_that_is_being_sent_is_not_sent_again(world, real_clock):
    order = paid(world)
    (one,) = world.notifications(order)
    assert sending.claim(world.runtime) is not None
    assert world.notifications(order)[0].state == "SENDING"
    assert world.violations() == []
    with pytest.raises(IllegalTransition):
        world.deliver(one.notification_id)
    real_clock.move(outbox.LEASE_MS)
    world.advance(0)
    assert world.notifications(order)[0].state == "DELIVERED"


def test_nobody_elses_notification_is_sent_again(world, runtime):
    other = World.new(runtime, ipn_url=IPN_URL)
    (theirs,) = other.notifications(paid(other))
    with pytest.raises(NotFound) as refused:
        world.deliver(theirs.notification_id)
    assert refused.value.code == "notification.not_found"


def test_an_address_that_was_taken_away_meanwhile_is_retried_where_it_is_put_back(world, post):
    order = paid(world)
    with world.transaction() as sandbox:
        accounts.change(sandbox, Changes(ipn_url=""))
    post.answers = [Unreachable("The URL must be a plain http or https one.", code="url.invalid")]
    world.advance(0)
    assert deliveries(world, order)[0][1] == "RETRY_WAIT"
    with world.transaction() as sandbox:
        accounts.change(sandbox, Changes(ipn_url="http://127.0.0.1:9/new"))
    world.advance_until_idle()
    assert [call.url for call in post.sent] == ["", "http://127.0.0.1:9/new"]


def test_an_answer_that_is_no_text_is_stored_all_the_same(runtime):
    class Binary:
        def send(self, call):
            return HttpReply(500, {}, b"\x00\xff\xfe" * 2_000, 7)

    world = World.new(replace(runtime, sender=Binary()), ipn_url=IPN_URL)
    order = paid(world)
    world.advance(0)
    (one,) = world.notifications(order)
    (first,) = world.delivery_tries(one)
    assert (one.state, first.status, first.latency_ms) == ("RETRY_WAIT", 500, 7)
    assert len(first.answer) <= 1_000
    assert "\x00" not in first.answer

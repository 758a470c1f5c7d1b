"""Notifications as SNS sends them: nothing but the question before the address has confirmed, and few tries."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from mockpay.delivery.clock import Until
from mockpay.delivery.sender_pool import send_waiting
from mockpay.domain.notifications import NotificationType
from mockpay.kernel.errors import Conflict, Invalid
from mockpay.kernel.http.calls import Unreachable
from mockpay.services import subscriptions
from mockpay.services.sellers import accounts
from mockpay.services.sellers.accounts import Changes
from mockpay.store import notifications
from tests.factories import IPN_URL, SECOND, World

OTHER_URL = IPN_URL + "/other"


@pytest.fixture
def database_kind():
    return "sqlite"


@pytest.fixture
def world(runtime):
    world = World.new(runtime, ipn_url=IPN_URL, ipn_profile="sns")
    send_waiting(runtime)
    return world


def types(post):
    return [json.loads(call.body)["Type"] for call in post.sent]


def do(world, verb, *args):
    with world.transaction() as sandbox:
        return verb(sandbox, *args)


def token(post):
    return json.loads(post.sent[-1].body)["Token"]


def confirm(world, post):
    do(world, subscriptions.confirm, token(post))


def change(world, **changes):
    do(world, accounts.change, Changes(**changes))
    send_waiting(world.runtime)


def paid(world, number="O-1"):
    order = world.order(number)
    world.pay(order)
    send_waiting(world.runtime)
    return order


def notification_of(world, order):
    (one,) = world.notifications(order)
    return one


def test_the_address_must_confirm_before_it_gets_a_notification(world, post):
    assert types(post) == ["SubscriptionConfirmation"]
    before = notification_of(world, paid(world))
    assert (before.state, before.reason) == ("SUPPRESSED", "the subscription was not confirmed")
    assert len(post.sent) == 1
    confirm(world, post)
    after = notification_of(world, paid(world, "O-2"))
    assert after.state == "DELIVERED"
    assert types(post) == ["SubscriptionConfirmation", "Notification"]
    world.advance_until_idle()
    assert notification_of(world, world.get_order(paid(world, "O-3"))).state == "DELIVERED"
    assert len(post.sent) == 3
    assert world.violations() == []


def test_a_tester_sends_a_suppressed_notification(world, post):
    suppressed = notification_of(world, paid(world))
    world.deliver(suppressed.notification_id)
    send_waiting(world.runtime)
    assert types(post)[-1] == "Notification"


@pytest.mark.parametrize("wrong", ["", "x", "0" * 64])
def test_another_token_confirms_nothing(world, post, wrong):
    with pytest.raises(Invalid) as error:
        do(world, subscriptions.confirm, wrong)
    assert error.value.code == "subscription.token"
    assert notification_of(world, paid(world)).state == "SUPPRESSED"


def test_another_address_must_confirm_too_by_a_token_of_its_own(world, post):
    first = token(post)
    confirm(world, post)
    change(world, ipn_url=OTHER_URL)
    assert [call.url for call in post.sent] == [IPN_URL, OTHER_URL]
    assert token(post) != first
    assert notification_of(world, paid(world)).state == "SUPPRESSED"
    confirm(world, post)
    assert notification_of(world, paid(world, "O-2")).state == "DELIVERED"


def test_an_address_that_has_not_confirmed_gets_another_request_where_it_is_set_again(world, post):
    change(world, name="Other name")
    assert len(post.sent) == 1
    change(world, ipn_url=IPN_URL)
    assert types(post) == ["SubscriptionConfirmation"] * 2
    confirm(world, post)
    change(world, ipn_url=IPN_URL)
    assert len(post.sent) == 2


def test_the_profile_is_what_asks(runtime, post):
    world = World.new(runtime, ipn_url=IPN_URL)
    assert notification_of(world, paid(world)).state == "DELIVERED"
    change(world, settings={"ipn_profile": "sns"})
    assert types(post) == ["Notification", "SubscriptionConfirmation"]


def test_who_unsubscribes_gets_a_confirmation_of_that_and_nothing_else_until_it_comes_back(world, post):
    confirm(world, post)
    do(world, subscriptions.cancel)
    send_waiting(world.runtime)
    assert types(post)[-1] == "UnsubscribeConfirmation"
    assert notification_of(world, paid(world)).state == "SUPPRESSED"
    do(world, subscriptions.cancel)
    send_waiting(world.runtime)
    assert len(post.sent) == 2
    confirm(world, post)
    assert notification_of(world, paid(world, "O-2")).state == "DELIVERED"


def test_three_tries_more_20_s_apart_and_it_is_dead(world, post):
    confirm(world, post)
    post.answers = [500, Unreachable("Nobody there."), 503, 500]
    order = paid(world)
    for tries in (2, 3, 4):
        at = world.now()
        world.advance_to(Until.NEXT)
        assert world.now() - at == 20 * SECOND
        assert notification_of(world, order).tries == tries
    assert notification_of(world, order).state == "DEAD"
    world.advance_until_idle()
    assert notification_of(world, order).tries == 4
    assert world.violations() == []


def test_a_test_notification_is_marked_as_one_and_is_about_no_order(world, post):
    confirm(world, post)
    one = do(world, subscriptions.send_test)
    send_waiting(world.runtime)
    with world.read() as sandbox:
        stored = notifications.by_id(sandbox, one.notification_id)
    assert (stored.type, stored.state, stored.order_id) == (NotificationType.TEST, "DELIVERED", "")
    message = json.loads(json.loads(post.sent[-1].body)["Message"])
    assert message["IsSample"] is True
    assert message["SellerId"] == world.seller_id
    assert world.violations() == []


def test_each_test_notification_is_a_message_of_its_own(world, post):
    confirm(world, post)
    ids = {do(world, subscriptions.send_test).message_id for _ in range(3)}
    assert len(ids) == 3


def test_without_an_address_there_is_nothing_to_try(runtime):
    with pytest.raises(Conflict) as error:
        do(World.new(runtime, ipn_profile="sns"), subscriptions.send_test)
    assert error.value.code == "notification.no_address"


def test_worlds_do_not_see_each_others_messages_of_no_order(world, runtime, post):
    other = World.new(runtime, ipn_url=IPN_URL, ipn_profile="sns")
    send_waiting(runtime)
    query = parse_qs(urlsplit(json.loads(post.sent[-1].body)["SubscribeURL"]).query)
    assert query["TopicArn"][0].endswith(other.seller_id)
    with world.read() as sandbox:
        (mine,) = notifications.of_order(sandbox, 0)
    assert mine.seller_id == world.seller_id

"""MOCKPAY_LEASE_SECONDS: how long what a dead process was sending waits for another one."""

import pytest
from msgspec.structs import replace

from mockpay.delivery import outbox
from mockpay.delivery.sender_pool import send_waiting
from mockpay.kernel.errors import Unusable
from mockpay.services.payments import payments
from mockpay.services.sellers import accounts
from mockpay.services.sellers.accounts import NewSeller
from mockpay.settings import Settings
from mockpay.store import outbox as outbox_rows
from tests.factories import World, on_sqlite


def with_lease(runtime, seconds):
    return replace(runtime, settings=replace(runtime.settings, lease_seconds=seconds))


def test_it_is_told_by_the_environment():
    assert Settings.from_env({}).lease_seconds == 30 == outbox_rows.LEASE_MS / 1_000
    assert Settings.from_env({"MOCKPAY_LEASE_SECONDS": "2"}).lease_seconds == 2


def test_an_odd_one_stops_the_start(subtests):
    for odd in ["0", "-1", "1.5", "3601", "soon"]:
        with subtests.test(odd=odd), pytest.raises(Unusable, match="MOCKPAY_LEASE_SECONDS"):
            Settings.from_env({"MOCKPAY_LEASE_SECONDS": odd})


def test_a_claim_lasts_as_long(runtime, real_clock):
    runtime = with_lease(runtime, 7)
    world = World.new(runtime)
    world.create_attempt(world.order())
    assert outbox.claim(runtime) is None
    for _ in range(2):
        real_clock.move(6_999)
        assert outbox.claim(runtime) is None
        real_clock.move(1)
        assert outbox.claim(runtime).row.kind == payments.CHARGE


@on_sqlite
@pytest.mark.parametrize(("lease", "wish", "patience"), [(30, 25, 25), (30, 10, 10), (6, 10, 5)])
def test_a_try_is_given_up_before_its_lease_is_over(runtime, post, lease, wish, patience):
    runtime = with_lease(runtime, lease)
    new = NewSeller(ipn_url="http://127.0.0.1/ipn", settings={"ipn_timeout_seconds": wish})
    world = World(runtime, accounts.create(runtime, new).seller_id)
    world.pay(world.order())
    assert send_waiting(runtime) == 1
    assert [call.timeout for call in post.sent] == [patience]


@on_sqlite
def test_so_is_the_second_visit_to_a_return_url(runtime, post):
    world = World.new(with_lease(runtime, 6))
    with world.transaction() as sandbox:
        outbox_rows.add(sandbox, outbox.RETURN_AGAIN, "S04", leased=False, url="http://127.0.0.1/r")
    assert send_waiting(world.runtime) == 1
    assert [call.timeout for call in post.sent] == [5]

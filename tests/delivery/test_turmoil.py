"""Everybody at once: senders, clocks, testers and resets, and nobody hears of a database error."""

from mockpay.delivery.sender_pool import send_waiting
from mockpay.kernel.errors import MockpayError
from mockpay.services.sellers import accounts
from tests.factories import IPN_URL, World, run_concurrently

ROUNDS = 6


def pay_and_refund(world, number):
    order = world.order(f"O-{number}")
    world.pay(order)
    world.refund(order, "24.01", f"A-{number}")
    world.refund(order, "24.08", f"B-{number}")
    for one in world.notifications(order):
        world.deliver(one.notification_id)


def send(world, _number):
    send_waiting(world.runtime, limit=4)


def move_the_clock(world, _number):
    world.advance(5)


def reset(world, number):
    if number % 3 == 2:
        with world.transaction() as sandbox:
            accounts.reset(sandbox)


DEEDS = [pay_and_refund, send, move_the_clock, reset]


def test_sending_asking_again_refunding_and_resetting_at_once_breaks_nothing(runtime):
    """Only refusals of ours may come: a deadlock or a clash of rows would be another error."""
    worlds = [World.new(runtime, ipn_url=IPN_URL) for _ in range(2)]
    surprises = []

    def run(index):
        world, deed = worlds[index % 2], DEEDS[index // 2]
        for number in range(ROUNDS):
            try:
                deed(world, number)
            except (MockpayError, AssertionError):
                continue  # what a reset took away before this came to it
            except Exception as error:  # noqa: BLE001
                surprises.append(error)

    run_concurrently(2 * len(DEEDS), run)
    assert surprises == []
    for world in worlds:
        runtime.real_clock.move(60_000)
        assert world.advance_until_idle().complete
        assert world.violations() == []

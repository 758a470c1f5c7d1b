"""Amazon's ids: their form, and that they depend on seed, seller and natural key alone."""

import re

import pytest
from msgspec.structs import replace

from mockpay.providers.amazonpay.ids import order_id, refund_id


@pytest.fixture
def order(world):
    return world.order()


@pytest.fixture
def seller(world):
    with world.read() as sandbox:
        return replace(sandbox.seller, seed="seed", seller_id="S")


def test_an_order_id_has_19_characters_and_tells_live_orders(seller, order):
    order = replace(order, seller_order_id="O-1")
    made = order_id(seller, order, 0)
    assert re.fullmatch(r"S04-[0-9]{7}-[0-9]{7}", made)
    assert order_id(seller, replace(order, live=True), 0) == "P" + made[1:]
    assert order_id(seller, order, 0) == made


def test_another_seed_seller_key_or_number_gives_another_order_id(seller, order):
    made = {
        order_id(seller, order, 0),
        order_id(seller, order, 1),
        order_id(replace(seller, seed="other"), order, 0),
        order_id(replace(seller, seller_id="T"), order, 0),
        order_id(seller, replace(order, seller_order_id="O-2"), 0),
    }
    assert len(made) == 5


def test_a_refund_id_is_the_orders_with_a_number(seller, order):
    made = [refund_id(seller, order, "R-1", number) for number in range(2)]
    assert all(re.fullmatch(order.order_id + r"-R[0-9]{6}", name) for name in made)
    assert made[0] != made[1]

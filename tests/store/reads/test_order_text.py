"""What a text finds among orders: all that names an order, a try or a refund, and no more."""

import pytest
from msgspec.structs import replace

from mockpay.domain.methods.netbanking import METHOD as NET_BANKING
from mockpay.services import buyers
from mockpay.store.reads.lists import OrderFilter, orders_page
from tests.factories import GUEST_AT_PAGE, World


@pytest.fixture
def shop(world: World) -> World:
    """One order by each kind of instrument, all over different amounts."""
    world.pay_with(world.order("CARD", "1001.00"), world.card("4111111111111111"))
    world.pay_with(world.order("REFUSED", "1002.50"), world.card("4000000000009995"))
    bank = NET_BANKING.read({"bank": "SBIN"}, world.now(), None)
    with world.transaction() as sandbox:
        asha = buyers.ensure(sandbox, "asha@buyers.mockpay.test")
    world.pay_with(world.order("BANK", "1003.00"), bank, replace(GUEST_AT_PAGE, buyer_id=asha.buyer_id))
    world.pay(world.order("UPI", "1004.00"), "insufficient@mockpay")
    refunded = world.order("REFUNDED", "1005.00")
    world.pay(refunded)
    world.refund(refunded, "10.00", key="BACK-7")
    return world


def found(world: World, text: str) -> list[str]:
    with world.read() as sandbox:
        rows = orders_page(sandbox, OrderFilter(text=text)).items
    return sorted(row.order.seller_order_id for row in rows)


def test_whatever_is_shown_of_an_order_finds_it(shop, subtests):
    for text, expected in {
        "1111": ["CARD"],
        "Visa •••• 1111": ["CARD"],
        "visa 1111": ["CARD"],
        "State Bank": ["BANK"],
        "sbin": ["BANK"],
        "Net banking": ["BANK"],
        "Z9": ["UPI"],
        "51": ["REFUSED"],
        "insufficient funds": ["REFUSED", "UPI"],
        "insufficient@mock": ["UPI"],
        "₹1,002.50": ["REFUSED"],
        "1003": ["BANK"],
        "back-7": ["REFUNDED"],
        "ASHA@buyers": ["BANK"],
    }.items():
        with subtests.test(text=text):
            assert found(shop, text) == expected


def test_neither_a_card_number_nor_the_names_of_fields_find_anything(shop, subtests):
    for text in ("4111111111111111", "411111", "last4", "network", "flow", "%", '"', "1002.5.0", "visa 9999"):
        with subtests.test(text=text):
            assert found(shop, text) == []

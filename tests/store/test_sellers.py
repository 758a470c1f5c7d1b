"""Sellers as they are stored."""

from mockpay.store.sellers import find_offers, save_offers
from tests.factories import on_sqlite


@on_sqlite
def test_another_patch_of_offers_takes_the_place_of_the_first_and_an_empty_one_of_any(world):
    with world.transaction() as sandbox:
        for patch in ({"a": {"title": "1"}}, {"b": {"title": "2"}}, {}):
            save_offers(sandbox.connection, sandbox.seller_id, patch)
            assert find_offers(sandbox.connection, sandbox.seller_id) == patch

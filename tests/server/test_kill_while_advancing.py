"""A server that is killed while it moves clocks leaves them to its successor within seconds, not after their time-out."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
import requests

from tests.server.endpoint import ipn_endpoint
from tests.server.processes import SERVE, serving

SELLERS = 3


def advance(seller, **how):
    """The answer to moving the clock; None where the server died before it came."""
    try:
        url = f"{seller.server.url}/_mockpay/v1/sellers/{seller.seller_id}/clock/advance"
        return requests.post(url, json=how, timeout=40)
    except requests.ConnectionError:
        return None


def advance_until_killed(seller):
    """Move the clock, as soon as nobody else does, until the server dies."""
    while advance(seller, seconds=3600, timeout=300) is not None:
        pass


def moves(seller):
    """Ask again until nobody else moves the clock any more, for a sixth of the dead advance's time-out."""
    for _ in range(500):
        answer = advance(seller, seconds=1, timeout=0.01)
        if answer.status_code != 409:
            return answer.status_code == 200
        assert answer.json()["code"] == "clock.busy"
        Event().wait(0.1)
    return False


@pytest.mark.parametrize("database_kind", ["sqlite", "postgresql"])
def test_clocks_that_a_dead_server_was_moving_are_free(database_kind, database_url, keys):
    environ = {"MOCKPAY_DATABASE_URL": database_url, "MOCKPAY_KEYS_DIR": str(keys.folder)}
    with ipn_endpoint() as (endpoint, url), ThreadPoolExecutor(SELLERS) as pool:
        endpoint.shut()
        with serving(*SERVE, **environ) as server:
            sellers = [server.new_seller(ipn_url=url) for _ in range(SELLERS)]
            for seller in sellers:
                seller.freeze()
                seller.paid("KILLED")
            dying = [pool.submit(advance_until_killed, seller) for seller in sellers]
            endpoint.wait(lambda came: len(came) >= SELLERS)
            refused = [is_refused(seller) for seller in sellers]
            server.kill()
            assert refused == [True] * SELLERS
            assert [one.result(20) for one in dying] == [None] * SELLERS
        with serving(*SERVE, **environ) as server:
            assert [moves(seller.at(server)) for seller in sellers] == [True] * SELLERS


def is_refused(seller):
    """Whether the clock is being moved by now."""
    return any(advance(seller, seconds=1, timeout=0.01).status_code == 409 for _ in range(200))

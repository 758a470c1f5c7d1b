"""A server that is killed in the middle of telling its seller loses nothing."""

import sqlite3
from collections import Counter
from contextlib import closing

from mockpay.kernel.clock import parse_time, rfc3339
from tests.server.endpoint import ipn_endpoint
from tests.server.processes import SERVE, serving

HOURS = 3_600
FIRST, SECOND = [f"KILL-{n}" for n in range(5)], [f"KILL-{n}" for n in range(5, 8)]


def query(database, statement, *values):
    with closing(sqlite3.connect(database, timeout=20)) as connection, connection:
        return connection.execute(statement, values).fetchall()


def test_what_was_on_its_way_is_sent_again_and_what_became_due_meanwhile_happens(tmp_path):
    database = tmp_path / "mockpay.db"
    environ = {
        "MOCKPAY_DATABASE_URL": str(database),
        "MOCKPAY_KEYS_DIR": str(tmp_path / "keys"),
        "MOCKPAY_LEASE_SECONDS": "2",
    }
    with ipn_endpoint() as (endpoint, url):
        with serving(*SERVE, **environ) as server:
            seller = server.new_seller(ipn_url=url)
            seller.freeze()
            refunded = {}
            for orders, delay in ((FIRST, 6 * HOURS), (SECOND, 12 * HOURS)):
                seller.control("PATCH", "", {"settings": {"refund_delay_seconds": delay}})
                for number in orders:
                    refund = seller.client().refund(seller.paid(number), number, "100.00")
                    refunded[number] = refund.amazon_refund_id
            told = endpoint.wait(lambda got: len(got) == len(refunded))
            assert Counter(one.type for one in told) == {"OrderReferenceNotification": 8}
            endpoint.shut()
            later(seller, 6 * HOURS)
            endpoint.wait(lambda got: len(got) == 8 + 4)
            server.kill()
        on_their_way = {one.message_id for one in endpoint.got[8:]}
        # The second six hours pass while nobody serves.
        query(database, "UPDATE sellers SET clock_seller_anchor = clock_seller_anchor + ?", 6 * HOURS * 1_000)
        endpoint.open()
        with serving(*SERVE, **environ) as server:
            seller = seller.at(server)
            endpoint.wait(lambda got: len({one.message_id for one in got}) == 16)
            endpoint.wait(lambda got: len(got) >= 16 + 4)
            client = seller.client()
            states = {client.get_refund_details(one).state for one in refunded.values()}
            assert seller.control("GET", "/audit") == {"ok": True, "violations": []}
    assert states == {"Completed"}
    times = Counter(one.message_id for one in endpoint.got)
    assert {message for message, count in times.items() if count > 1} == on_their_way
    assert max(times.values()) == 2
    # What the killed server did is no try: nobody wrote down how it ended.
    assert query(database, "SELECT state, tries FROM notifications") == [("DELIVERED", 1)] * 16


def later(seller, seconds):
    """Set the clock; what is due then happens by itself."""
    now = seller.control("GET", "/clock")["now"]
    seller.control("PUT", "/clock", {"now": rfc3339(parse_time(now) + seconds * 1_000)})

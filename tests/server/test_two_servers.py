"""Two servers on one PostgreSQL share what is to be sent."""

from collections import Counter

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from mockpay.delivery.sender_pool import SENDERS
from mockpay.services import notifications as told
from mockpay.services.sellers import accounts
from mockpay.services.sellers.accounts import NewSeller
from mockpay.store import notifications, outbox
from mockpay.store.db.engine import reading
from mockpay.store.outbox import MAX_IN_FLIGHT
from tests.factories import World
from tests.server.endpoint import ipn_endpoint
from tests.server.processes import serving

SELLERS, EACH = 20, 50
ALL = SELLERS * EACH
#: `mockpay serve`, but what it sends bears the name of the process.
SIGNING = ("-m", "tests.server.programs.signing")


@pytest.fixture
def database_kind():
    return "postgresql"


@pytest.fixture
def a_payment(runtime, post):
    """How a seller is told of a payment."""
    wish = NewSeller(ipn_url="http://127.0.0.1/ipn")
    world = World(runtime, accounts.create(runtime, wish).seller_id)
    world.add_rule("none", stage="ipn")
    order = world.order()
    world.pay(order)
    with world.read() as sandbox:
        [one] = notifications.of_order(sandbox, order.order_pk)
    return one


def tell_of_many(runtime, url, number, a_payment):
    """A new seller who is to be told of so many payments, each of an order of its own."""
    seller = accounts.create(runtime, NewSeller(seller_id=f"S{number}", ipn_url=f"{url}S{number}"))
    with World(runtime, seller.seller_id).transaction() as sandbox:
        for count in range(EACH):
            one = replace(
                a_payment,
                seller_id=seller.seller_id,
                order_pk=1_000 * (number + 1) + count,
                notification_id=f"ipn-{number}-{count}",
                message_id=f"message-{number}-{count}",
                state=notifications.DeliveryState.QUEUED,
                outcome="success",
            )
            notifications.add(sandbox, one)
            sequence_key = f"{one.seller_id} {one.order_pk}"
            outbox.add(sandbox, told.NOTIFY, one.notification_id, leased=False, sequence_key=sequence_key)


def test_each_of_1000_is_sent_once_by_either(a_payment, runtime, engine, keys, postgresql_server):
    environ = {"MOCKPAY_DATABASE_URL": postgresql_server, "MOCKPAY_KEYS_DIR": str(keys.folder)}
    with ipn_endpoint() as (endpoint, url):
        endpoint.shut()
        with serving(*SIGNING, "one", **environ), serving(*SIGNING, "two", **environ):
            for number in range(SELLERS):
                tell_of_many(runtime, url, number, a_payment)
            endpoint.wait(lambda got: len(got) >= 2 * SENDERS)
            endpoint.open()
            endpoint.wait(lambda got: len(got) >= ALL)
    # While nobody answers, no seller has more than its part.
    assert max(endpoint.most_at_once.values()) == MAX_IN_FLIGHT
    assert len({one.message_id for one in endpoint.got}) == len(endpoint.got) == ALL
    shares = Counter(one.headers["X-Sent-By"] for one in endpoint.got)
    assert min(shares.values()) > ALL / 4, shares
    assert how_they_ended(engine) == ([("DELIVERED", 1, ALL)], [("SENT", 1, ALL)])


def how_they_ended(engine):
    """State, tries and how many: of the notifications, and of what was to leave the process."""
    with reading(engine) as connection:
        rows, sendings = notifications.notifications.c, outbox.outbox.c
        ends = select(rows.state, rows.tries, func.count()).where(rows.outcome == "success")
        sent = select(sendings.state, sendings.tries, func.count()).where(sendings.kind == told.NOTIFY)
        return (
            [tuple(row) for row in connection.execute(ends.group_by(rows.state, rows.tries))],
            [tuple(row) for row in connection.execute(sent.group_by(sendings.state, sendings.tries))],
        )

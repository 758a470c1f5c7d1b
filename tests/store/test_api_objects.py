"""What is kept of companies' own objects."""

import pytest
from sqlalchemy import func, insert, select

from mockpay.store import api_objects
from mockpay.store.api_objects import objects
from tests.factories import World

MOST = 50_000


@pytest.fixture
def world(runtime):
    return World.new(runtime)


def fill(sandbox, seller_id, kind, count):
    """So many objects of a kind, made at once."""
    fixed = {"seller_id": seller_id, "provider": "stripe", "state": "", "facts": "{}", "created_at": 0, "updated_at": 0}
    rows = [{**fixed, "kind": kind, "object_id": f"{seller_id} {kind} {number}"} for number in range(count)]
    sandbox.connection.execute(insert(objects), rows)


def counts(sandbox):
    query = select(objects.c.seller_id, objects.c.kind, func.count()).group_by(objects.c.seller_id, objects.c.kind)
    return {(seller_id, kind): count for seller_id, kind, count in sandbox.connection.execute(query)}


def test_a_kind_that_is_a_log_keeps_its_newest_rows_and_others_keep_all(world):
    with world.transaction() as sandbox:
        own = sandbox.seller_id
        for seller_id, kind, count in ((own, "customer", 7), ("another", "event", 7), (own, "event", MOST + 7)):
            fill(sandbox, seller_id, kind, count)
        # Whatever comes between the rows of a log, one in a thousand looks at it at least.
        for number in range(1_000):
            api_objects.add(
                sandbox, "stripe", "customer" if number % 2 else "event", f"o{number}", {}, log=not number % 2
            )
        kept = counts(sandbox)
        assert MOST <= kept[own, "event"] < MOST + 1_000
        assert (kept[own, "customer"], kept["another", "event"]) == (507, 7)
        assert api_objects.find(sandbox, "stripe", "event", f"{own} event 0") is None
        assert api_objects.find(sandbox, "stripe", "event", "o998") is not None

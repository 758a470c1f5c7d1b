"""The journal keeps what was sent, on both databases."""

from time import perf_counter

from sqlalchemy import select

from mockpay.store import journal
from mockpay.store.journal import RequestLine


def rows(world):
    with world.read() as sandbox:
        return sandbox.connection.execute(select(journal.journal).order_by(journal.journal.c.id)).all()


def test_a_nul_of_a_path_or_a_reason_is_kept_as_a_mark(world):
    line = RequestLine("GET", "/v1/a\0b", perf_counter())
    with world.transaction() as sandbox:
        refused = {"kind": "razorpay.orders", "outcome": "parameter.invalid", "reason": "No a\0b.", "line": line}
        journal.add(sandbox.connection, sandbox.seller_id, sandbox.now, sandbox.real_now, **refused, status=400)
    journal.add_refusal(world.runtime, None, **refused, status=401)

    of_seller, of_nobody = rows(world)
    assert (of_seller.seller_id, of_seller.status) == (world.seller_id, 400)
    assert (of_nobody.seller_id, of_nobody.status, of_nobody.at) == ("", 401, of_nobody.real_at)
    for row in (of_seller, of_nobody):
        assert (row.path, row.reason) == ("/v1/a\ufffdb", "No a\ufffdb.")


def test_a_refusal_stands_at_its_sellers_time(world):
    world.advance(3600)
    with world.read() as sandbox:
        known = sandbox
    line = RequestLine("POST", "/v1/orders", perf_counter())
    journal.add_refusal(world.runtime, known, kind="razorpay.orders", outcome="x", reason="No.", line=line, status=400)
    (row,) = [each for each in rows(world) if each.outcome == "x"]
    assert (row.seller_id, row.at) == (world.seller_id, known.seller.clock.now(row.real_at))
    assert row.at - row.real_at >= 3_600_000

"""What the two databases spell differently."""

from mockpay.store.db.mapping import insert_new
from mockpay.store.orders import joined
from mockpay.store.outbox import outbox


def test_a_new_row_is_told_from_one_that_was_there(world):
    row = {"seller_id": world.seller_id, "digest": "d", "order_pk": 1}
    with world.transaction() as sandbox:
        assert insert_new(sandbox.connection, joined, row)
        assert not insert_new(sandbox.connection, joined, row)
    with world.transaction() as sandbox:
        assert not insert_new(sandbox.connection, joined, row)


def test_a_clash_leaves_the_transaction_usable(world):
    row = {"seller_id": world.seller_id, "digest": "d", "order_pk": 1}
    with world.transaction() as sandbox:
        insert_new(sandbox.connection, joined, row)
    with world.transaction() as sandbox:
        insert_new(sandbox.connection, joined, row)
        assert insert_new(sandbox.connection, joined, {**row, "digest": "e"})


def test_a_table_that_numbers_its_rows_tells_the_same(world):
    row = {"seller_id": world.seller_id, "kind": "k", "subject": "s", "state": "QUEUED", "due_at": 1, "facts": "{}"}
    with world.transaction() as sandbox:
        assert insert_new(sandbox.connection, outbox, row)

"""The journal and the audit by control API."""

from sqlalchemy import update

from mockpay.store import journal
from mockpay.store.attempts import attempts
from mockpay.store.db.engine import writing
from mockpay.store.unit_of_work import transaction

DATABASES = ["sqlite", "postgresql"]


def note(world, kind, outcome="ok", **more):
    with transaction(world.api.runtime, world.seller_id) as sandbox:
        journal.add(
            sandbox.connection, world.seller_id, sandbox.now, sandbox.real_now, kind=kind, outcome=outcome, **more
        )


def test_entries_keep_the_sellers_time_and_the_real_one(world):
    world.freeze("2030-01-01T00:00:00Z")
    note(world, "amazonpay.processPayment", "signature.invalid", reason="tag", facts={"n": 1})
    (entry,) = world.get("/journal").json["items"]
    assert entry["at"] == "2030-01-01T00:00:00.000Z"
    assert entry["real_at"] < entry["at"]
    assert entry["kind"] == "amazonpay.processPayment"
    assert (entry["outcome"], entry["reason"]) == ("signature.invalid", "tag")
    assert entry["facts"] == {"n": 1}


def test_entries_come_newest_first_and_can_be_narrowed(world):
    note(world, "one", orders=["S01"])
    note(world, "two", "throttled")
    note(world, "one", "signature.invalid")

    def kinds(query):
        return [(e["kind"], e["outcome"]) for e in world.get(f"/journal?{query}").json["items"]]

    assert kinds("") == [("one", "signature.invalid"), ("two", "throttled"), ("one", "ok")]
    assert kinds("kind=one") == [("one", "signature.invalid"), ("one", "ok")]
    assert kinds("outcome=refused") == [("one", "signature.invalid"), ("two", "throttled")]
    assert kinds("outcome=throttled") == [("two", "throttled")]
    assert kinds("order_id=S01") == [("one", "ok")]


def test_the_journal_goes_on_where_its_cursor_says(world):
    for number in range(5):
        note(world, f"k{number}")
    first = world.get("/journal?limit=3").json
    second = world.get(f"/journal?limit=3&cursor={first['next_cursor']}").json
    assert [e["kind"] for e in first["items"] + second["items"]] == ["k4", "k3", "k2", "k1", "k0"]
    assert second["next_cursor"] is None


def test_requests_without_a_seller_have_a_journal_of_their_own(api, world):
    with writing(api.runtime.writer) as connection:
        journal.add(connection, "", 1, 1, kind="stray", outcome="envelope.unreadable")
    assert api.get("/journal").json["items"][0]["kind"] == "stray"
    assert world.get("/journal").json["items"] == []


def test_a_sound_world_passes_the_audit(world):
    world.freeze()
    world.paid_order()
    answer = world.get("/audit")
    assert answer.status_code == 200
    assert answer.json == {"ok": True, "violations": []}


def test_a_broken_world_fails_the_audit_with_409(world):
    order = world.paid_order()
    with writing(world.api.runtime.writer) as connection:
        mine = attempts.c.order_pk == order.order_pk
        connection.execute(update(attempts).where(mine).values(captured_minor=1))
    answer = world.get("/audit")
    assert answer.status_code == 409
    assert answer.json["ok"] is False
    (violation,) = answer.json["violations"]
    assert violation["rule"] == "paid.amount"
    assert violation["subject"] == order.order_id

"""The journal and the audit by control API."""

from sqlalchemy import delete, func, select, update

from mockpay.store import journal
from mockpay.store.attempts import attempts
from mockpay.store.db.engine import writing
from mockpay.store.reads import lists
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


def test_a_search_looks_at_so_many_entries_and_goes_on_by_its_cursor(world):
    note(world, "needle")
    row = {"seller_id": world.seller_id, "at": 1, "real_at": 1, "kind": "hay", "outcome": "ok", "facts": "{}"}
    with writing(world.api.runtime.writer) as connection:
        connection.execute(journal.journal.insert(), [row] * lists.SEARCHED)
    first = world.get("/journal?q=needle").json
    second = world.get(f"/journal?q=needle&cursor={first['next_cursor']}").json
    assert (first["items"], [entry["kind"] for entry in second["items"]]) == ([], ["needle"])
    assert second["next_cursor"] is None
    # With one entry less the first page reaches it.
    with writing(world.api.runtime.writer) as connection:
        newest = connection.execute(select(func.max(journal.journal.c.id))).scalar()
        connection.execute(delete(journal.journal).where(journal.journal.c.id == newest))
    assert [entry["kind"] for entry in world.get("/journal?q=needle").json["items"]] == ["needle"]


def test_an_order_is_found_in_entries_of_its_own_and_of_several(world):
    for orders in (["S01"], ["S01", "S02"], ["S02"], ["S02", "S03", "S01"], ["S010"]):
        note(world, "-".join(orders), orders=orders)
    items = world.get("/journal?order_id=S01").json["items"]
    assert [entry["kind"] for entry in items] == ["S02-S03-S01", "S01-S02", "S01"]
    assert world.get("/journal?order_id=S01&outcome=refused").json["items"] == []


def test_a_wait_from_the_lists_cursor_finds_only_what_comes_after_all_its_lines(world):
    for kind in ("amazonpay.a", "amazonpay.b", "amazonpay.c"):
        note(world, kind)
    for query in ("limit=1", "kind=amazonpay.a"):
        cursor = world.get(f"/journal?{query}").json["cursor"]
        assert world.get(f"/wait?event=journal&timeout=0&after={cursor}").json["event"] is None
    note(world, "amazonpay.d")
    assert world.get(f"/wait?event=journal&timeout=0&after={cursor}").json["event"]["name"] == "amazonpay.d"


def test_an_empty_journals_cursor_waits_for_the_first_line_and_one_without_a_seller_has_none(api, world):
    cursor = world.get("/journal").json["cursor"]
    assert world.get(f"/wait?event=journal&timeout=0&after={cursor}").json["event"] is None
    note(world, "amazonpay.first")
    assert world.get(f"/wait?event=journal&timeout=0&after={cursor}").json["event"]["name"] == "amazonpay.first"
    assert api.get("/journal").json["cursor"] is None


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

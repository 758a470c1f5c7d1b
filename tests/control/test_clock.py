"""A seller's clock by control API."""

from threading import Thread

import pytest

from mockpay.store import sellers
from mockpay.store.unit_of_work import transaction

START = "2026-11-21T15:00:00Z"


def test_a_new_clock_runs_at_real_time(world):
    shown = world.get("/clock").json
    assert shown["mode"] == "running"
    assert shown["next_due"] is None


def test_a_frozen_clock_shows_what_it_was_set_to(world):
    shown = world.put("/clock", {"mode": "frozen", "now": START}).json
    assert shown == {"mode": "frozen", "now": "2026-11-21T15:00:00.000Z", "next_due": None}
    assert world.get("/clock").json == shown


def test_a_clock_may_be_set_back_and_events_keep_their_due_time(world):
    world.freeze(START)
    world.open_order()
    due = world.get("/clock").json["next_due"]
    shown = world.put("/clock", {"now": "2026-11-21T14:00:00+05:30"}).json
    assert shown["now"] == "2026-11-21T08:30:00.000Z"
    assert shown["next_due"] == due == "2026-11-21T15:15:00.000Z"


def test_seconds_move_a_frozen_clock_and_leave_it_frozen(world):
    world.freeze(START)
    moved = world.post("/clock/advance", {"seconds": 1.5}).json
    expected = {"now": "2026-11-21T15:00:01.500Z", "fired": 0, "delivered": 0, "complete": True}
    assert moved == expected
    assert world.get("/clock").json["mode"] == "frozen"


def test_with_nothing_due_next_and_idle_leave_the_clock_where_it_is(world):
    world.freeze(START)
    for until in ("next", "idle"):
        moved = world.post("/clock/advance", {"until": until})
        assert moved.status_code == 200
        assert moved.json["now"] == "2026-11-21T15:00:00.000Z"
        assert (moved.json["fired"], moved.json["complete"]) == (0, True)


def test_next_goes_to_the_next_event_and_no_further(world):
    world.freeze(START)
    world.open_order("A-1")
    moved = world.post("/clock/advance", {"until": "next"}).json
    assert (moved["now"], moved["fired"]) == ("2026-11-21T15:15:00.000Z", 1)
    assert world.get("/orders").json["items"][0]["state"] == "EXPIRED"


def test_idle_leaves_nothing_to_happen(world):
    world.freeze(START)
    world.open_order("A-1")
    order = world.open_order("A-2")
    world.pay(order, "pendingok@mockpay")
    moved = world.post("/clock/advance", {"until": "idle"}).json
    assert moved["complete"]
    assert world.get("/clock").json["next_due"] is None
    states = {one["seller_order_id"]: one["state"] for one in world.get("/orders").json["items"]}
    assert states == {"A-1": "EXPIRED", "A-2": "PAID"}


def test_to_goes_to_a_time(world):
    world.freeze(START)
    moved = world.post("/clock/advance", {"to": "2026-11-21T16:00:00Z"}).json
    assert moved["now"] == "2026-11-21T16:00:00.000Z"


@pytest.mark.parametrize(
    ("goal", "code"),
    [
        ({}, "clock.goal"),
        ({"seconds": 1, "until": "next"}, "clock.goal"),
        ({"to": "2020-01-01T00:00:00Z"}, "clock.backwards"),
        ({"to": "yesterday"}, "time.invalid"),
        ({"to": "9999-01-01T00:00:00Z"}, "clock.too_late"),
        ({"seconds": -1}, "input.invalid"),
        ({"seconds": "60"}, "input.invalid"),
        ({"until": "never"}, "input.invalid"),
        ({"seconds": 1, "timeout": 0}, "input.invalid"),
        ({"seconds": 1, "timeout": 1000}, "input.invalid"),
    ],
)
def test_a_goal_that_makes_no_sense_is_refused(world, goal, code):
    world.freeze(START)
    answer = world.post("/clock/advance", goal)
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert world.get("/clock").json["now"] == "2026-11-21T15:00:00.000Z"


@pytest.mark.parametrize(
    "change", [{}, {"mode": "melting"}, {"now": "2026-13-01T00:00:00Z"}, {"now": "9999-12-31T23:59:59Z"}]
)
def test_a_clock_that_cannot_be_is_refused(world, change):
    assert world.put("/clock", change).status_code == 422


def test_a_second_advance_meanwhile_is_told_that_the_clock_is_busy(world):
    with transaction(world.api.runtime, world.seller_id) as sandbox:
        until = sandbox.real_now + 60_000
        assert sellers.begin_advance(sandbox.connection, world.seller_id, sandbox.real_now, until)
    answer = world.post("/clock/advance", {"seconds": 1})
    assert (answer.status_code, answer.json["code"]) == (409, "clock.busy")


def test_advances_at_once_never_share_an_event(world):
    world.freeze(START)
    for number in range(20):
        world.open_order(f"A-{number}")
    answers = []

    def advance():
        answers.append(world.post("/clock/advance", {"seconds": 900}))

    threads = [Thread(target=advance) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {answer.status_code for answer in answers} <= {200, 409}
    assert sum(answer.json.get("fired", 0) for answer in answers) == 20


def test_two_sellers_clocks_do_not_know_each_other(api, world):
    world.freeze(START)
    other = api.new_seller()
    other.freeze("2027-01-01T00:00:00Z")
    other.post("/clock/advance", {"seconds": 3600})
    assert world.get("/clock").json["now"] == "2026-11-21T15:00:00.000Z"


def test_what_was_taken_back_comes_no_more(world):
    world.freeze(START)
    first, second = world.open_order("A-1"), world.open_order("A-2")
    due = world.get("/clock").json["next_due"]
    for order, expected in ((first, due), (second, None)):
        body = {"method": "wallet", "email": "rich@buyers.mockpay.test"}
        assert world.post(f"/orders/{order.order_id}/pay", body).json["state"] == "PAID"
        assert world.get("/clock").json["next_due"] == expected

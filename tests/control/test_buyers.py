"""Buyers by control API: who they are."""

import pytest

ASHA, RICH = "asha@example.com", "rich@buyers.mockpay.test"


def made(world, email=ASHA):
    answer = world.post("/buyers", {"email": email})
    assert answer.status_code == 200, answer.json
    return answer.json


def test_a_buyer_is_made_once_and_found_by_any_spelling(world):
    world.freeze()
    buyer = made(world)
    assert buyer == {
        "buyer_id": buyer["buyer_id"],
        "email": ASHA,
        "description": None,
        "created_at": "2026-11-21T15:00:00.000Z",
    }
    assert made(world, " Asha@Example.com") == buyer
    assert world.get(f"/buyers?email={ASHA.upper()}").json["items"] == [buyer]
    for name in (buyer["buyer_id"], ASHA, "asha%40example.com"):
        assert world.get(f"/buyers/{name}").json == buyer


def test_looking_for_a_buyer_makes_none(world):
    assert world.get(f"/buyers?email={ASHA}").json["items"] == []
    assert world.get(f"/buyers/{ASHA}").json["created_at"] is None
    assert world.get("/buyers").json == {"items": [], "next_cursor": None}


def test_a_sandbox_buyer_is_there_from_the_start(world):
    (buyer,) = world.get(f"/buyers?email={RICH}").json["items"]
    assert (buyer["description"], buyer["created_at"]) == ("has ₹1,50,000.00", None)
    assert world.get(f"/buyers/{buyer['buyer_id']}").json == buyer


def test_pages_of_buyers_neither_repeat_nor_leave_out(world):
    emails = [f"b{number}@example.com" for number in range(5)]
    for email in reversed(emails):
        made(world, email)
    seen, cursor = [], ""
    while cursor is not None:
        page = world.get(f"/buyers?limit=2&cursor={cursor}").json
        seen += [item["email"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == emails


def test_another_sellers_buyers_are_nobodys_here(api, world):
    theirs = made(api.new_seller())
    assert world.get("/buyers").json["items"] == []
    answer = world.get(f"/buyers/{theirs['buyer_id']}")
    assert (answer.status_code, answer.json["code"]) == (404, "buyer.not_found")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/buyers", {"email": "asha"}, 422, "email.invalid"),
        ("POST", "/buyers", {}, 422, "input.invalid"),
        ("GET", "/buyers?email=asha", None, 422, "email.invalid"),
        ("GET", "/buyers?cursor=nonsense", None, 400, "cursor.invalid"),
        ("GET", "/buyers/nobody", None, 404, "buyer.not_found"),
        ("GET", "/buyers/a@b", None, 422, "email.invalid"),
    ],
)
def test_what_names_no_buyer_or_no_page_is_refused(world, method, path, body, status, code):
    answer = world.call(method, path, body)
    assert (answer.status_code, answer.json["code"]) == (status, code)

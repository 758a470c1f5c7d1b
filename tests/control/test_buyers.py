"""Buyers by control API: who they are, and what their balance has and went through."""

import pytest

from mockpay.domain.methods.wallet import Wallet

ASHA, RICH, FROZEN = "asha@example.com", "rich@buyers.mockpay.test", "frozen@buyers.mockpay.test"


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
        ("GET", "/buyers/nobody/wallet", None, 404, "buyer.not_found"),
        ("GET", "/buyers/nobody/wallet/entries", None, 404, "buyer.not_found"),
        ("GET", f"/buyers/{ASHA}/wallet/entries?cursor=YnV5ZXI6MQ", None, 400, "cursor.invalid"),
        ("GET", f"/buyers/{ASHA}/wallet/entries?limit=0", None, 422, "query.invalid"),
    ],
)
def test_what_names_no_buyer_or_no_page_is_refused(world, method, path, body, status, code):
    answer = world.call(method, path, body)
    assert (answer.status_code, answer.json["code"]) == (status, code)


# --- balances


def wallet(world, email):
    return world.get(f"/buyers/{email}/wallet").json


def entries(world, email, query=""):
    return world.get(f"/buyers/{email}/wallet/entries?{query}").json


def test_a_balance_is_told_before_its_first_use(world):
    told = wallet(world, RICH)
    assert told == {
        "buyer_id": told["buyer_id"],
        "email": RICH,
        "balance": "150000.00",
        "held": "0.00",
        "currency": "INR",
        "kyc": "FULL",
        "frozen": False,
    }
    assert entries(world, RICH) == {"items": [], "next_cursor": None}


@pytest.mark.parametrize(
    ("email", "balance", "kyc", "frozen"),
    [
        ("minkyc@buyers.mockpay.test", "9500.00", "MIN", False),
        (FROZEN, "5000.00", "FULL", True),
        (ASHA, "0.00", None, False),
    ],
)
def test_a_balance_tells_kyc_and_whether_it_is_frozen(world, email, balance, kyc, frozen):
    told = wallet(world, email)
    assert (told["balance"], told["kyc"], told["frozen"]) == (balance, kyc, frozen)


def test_a_payment_and_its_refund_are_told_posting_by_posting(world):
    world.freeze()
    order = world.open_order()
    attempt = world.pay_with(order, Wallet(RICH))
    world.advance(0)
    world.refund(order, "100.00")
    world.advance(60)
    told = [
        (one["type"], one["account"], one["amount"], one["balance_after"])
        for one in reversed(entries(world, RICH)["items"])
    ]
    # The two accounts of one journal may stand in either order.
    assert [told[0], *sorted(told[1:3]), *told[3:]] == [
        ("TOPUP", "WALLET_MONEY", "150000.00", "150000.00"),
        ("HOLD", "WALLET_HOLD", "499.00", "499.00"),
        ("HOLD", "WALLET_MONEY", "-499.00", "149501.00"),
        ("CAPTURE", "WALLET_HOLD", "-499.00", "0.00"),
        ("REFUND", "WALLET_MONEY", "100.00", "149601.00"),
    ]
    assert wallet(world, RICH)["balance"] == "149601.00"
    paid = [one["attempt_id"] for one in entries(world, RICH)["items"]]
    assert set(paid) == {None, attempt.attempt_id}


def test_what_waits_for_its_capture_is_told_as_held(world):
    world.call("PATCH", "", {"settings": {"capture": "manual"}})
    world.freeze()
    world.pay_with(world.open_order(), Wallet(RICH))
    world.advance(0)
    told = wallet(world, RICH)
    assert (told["balance"], told["held"]) == ("149501.00", "499.00")


def test_pages_of_entries_neither_repeat_nor_leave_out(world):
    world.freeze()
    world.pay_with(world.open_order(), Wallet(RICH))
    world.advance(0)
    everything = entries(world, RICH)["items"]
    seen, cursor = [], ""
    while cursor is not None:
        page = entries(world, RICH, f"limit=2&cursor={cursor}")
        seen += page["items"]
        cursor = page["next_cursor"]
    assert seen == everything
    assert len(seen) == 4


def test_the_same_buyers_balance_at_another_seller_is_another(api, world):
    world.freeze()
    world.pay_with(world.open_order(), Wallet(RICH))
    other = api.new_seller()
    assert wallet(other, RICH)["balance"] == "150000.00"
    assert entries(other, RICH)["items"] == []

"""A buyer's wallet by control API: what it has, corrections that are done once, and its history."""

import csv
import io
import threading

import pytest

from mockpay.domain.methods.wallet import Wallet
from mockpay.web.wallet_csv import harmless

ASHA, RICH, FROZEN = "asha@example.com", "rich@buyers.mockpay.test", "frozen@buyers.mockpay.test"


def wallet(world, email=ASHA):
    return world.get(f"/buyers/{email}/wallet").json


def entries(world, email=ASHA, query=""):
    return world.get(f"/buyers/{email}/wallet/entries?{query}").json


def adjust(world, amount, email=ASHA, key=None, **more):
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = world.post(f"/buyers/{email}/wallet/adjust", {"amount": amount, **more}, headers=headers)
    assert answer.status_code == 200, answer.json
    return answer.json


def test_a_balance_is_told_before_its_first_use(world):
    has = wallet(world, RICH)
    assert has == {
        "buyer_id": has["buyer_id"],
        "email": RICH,
        "balance": "150000.00",
        "money": "150000.00",
        "gifts": "0.00",
        "on_hold": "0.00",
        "currency": "INR",
        "profile": "FULL",
        "status": "ACTIVE",
        "limits": {
            "balance_cap": "200000.00",
            "monthly_load_cap": None,
            "yearly_load_cap": None,
            "monthly_spend_cap": None,
        },
        "allowances": [{"limit": "balance_cap", "left": "50000.00", "until": None}],
        "may_add": "50000.00",
        "may_spend": "150000.00",
    }
    assert entries(world, RICH) == {"items": [], "next_cursor": None}


def test_a_wallet_tells_its_profile_and_what_its_limits_leave(world):
    world.freeze()
    has = wallet(world, "minkyc@buyers.mockpay.test")
    assert (has["balance"], has["profile"], has["may_add"], has["may_spend"]) == ("9500.00", "MIN", "500.00", "9500.00")
    assert {item["limit"]: (item["left"], item["until"]) for item in has["allowances"]} == {
        "balance_cap": ("500.00", None),
        "monthly_load_cap": ("10000.00", "2026-11-30T18:30:00.000Z"),
        "yearly_load_cap": ("120000.00", "2027-03-31T18:30:00.000Z"),
        "monthly_spend_cap": ("10000.00", "2026-11-30T18:30:00.000Z"),
    }
    frozen = wallet(world, FROZEN)
    assert (frozen["balance"], frozen["status"], frozen["may_add"], frozen["may_spend"]) == (
        "5000.00",
        "FROZEN",
        "0.00",
        "0.00",
    )
    assert (wallet(world)["profile"], wallet(world)["balance"]) == ("FULL", "0.00")


def test_profile_status_and_limits_are_set_one_by_one_and_taken_back(world):
    path = f"/buyers/{ASHA}/wallet"
    changed = world.call("PATCH", path, {"profile": "min", "limits": {"monthly_spend_cap": "50"}}).json
    assert (changed["profile"], changed["limits"]["monthly_spend_cap"]) == ("MIN", "50.00")
    assert changed["limits"]["balance_cap"] == "10000.00"
    assert world.call("PATCH", path, {"status": "CLOSED"}).json["profile"] == "MIN"
    back = world.call("PATCH", path, {"status": "ACTIVE", "limits": {"monthly_spend_cap": None}}).json
    assert (back["status"], back["limits"]["monthly_spend_cap"]) == ("ACTIVE", "10000.00")
    assert wallet(world) == back


BAD = [
    ("PATCH", "", {"balance": "5.00"}, 422, "balance"),
    ("PATCH", "", {"profile": "HALF"}, 422, "profile"),
    ("PATCH", "", {"status": "FROZE"}, 422, "status"),
    ("PATCH", "", {"limits": {"balance_cap": "-1"}}, 422, "limits.balance_cap"),
    ("PATCH", "", {"limits": {"cap": "1"}}, 422, "limits.cap"),
    ("POST", "/adjust", {}, 422, "amount"),
    ("POST", "/adjust", {"amount": "1.001"}, 422, "amount"),
    ("POST", "/adjust", {"amount": "--1"}, 422, "amount"),
    ("POST", "/adjust", {"amount": "0.00"}, 422, "amount"),
    ("POST", "/adjust", {"amount": "-0"}, 422, "amount"),
    ("POST", "/adjust", {"amount": 5}, 422, "amount"),
    ("POST", "/adjust", {"amount": "1", "kind": "cash"}, 422, "kind"),
    ("POST", "/adjust", {"amount": "1", "currency": "USD"}, 422, "currency"),
    ("POST", "/adjust", {"amount": "1", "kind": "gift", "expires_at": "tomorrow"}, 422, "expires_at"),
    ("POST", "/adjust", {"amount": "1", "kind": "gift", "expires_at": "2020-01-01T00:00:00Z"}, 422, "expires_at"),
    ("POST", "/adjust", {"amount": "1", "expires_at": "9000-01-01T00:00:00Z"}, 422, "expires_at"),
    ("POST", "/adjust", {"amount": "200000.01"}, 409, "amount"),
    ("POST", "/entries/1/reverse", {"why": "x"}, 422, "why"),
    ("GET", "/entries?type=PAYMENT", None, 422, "type"),
    ("GET", "/entries?direction=UP", None, 422, "direction"),
    ("GET", "/entries?since=yesterday", None, 422, "since"),
    ("GET", "/entries?since=2026-11-21T15:00:00Z&until=2026-11-21T14:59:59Z", None, 422, "until"),
    ("GET", "/entries?limit=0", None, 422, "limit"),
]


def test_what_cannot_be_used_is_refused_with_its_field_and_changes_nothing(world, subtests):
    world.freeze()
    for method, path, body, status, field in BAD:
        with subtests.test(path=path, body=body):
            answer = world.call(method, f"/buyers/{ASHA}/wallet{path}", body)
            assert (answer.status_code, answer.json["field"]) == (status, field), answer.json
    assert entries(world)["items"] == []
    assert wallet(world)["profile"] == "FULL"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/buyers/nobody/wallet", 404, "buyer.not_found"),
        ("/buyers/nobody/wallet/entries", 404, "buyer.not_found"),
        (f"/buyers/{ASHA}/wallet/entries?cursor=YnV5ZXI6MQ", 400, "cursor.invalid"),
        (f"/buyers/{ASHA}/wallet/entries?cursor=d2FsbGV0OjE", 400, "cursor.invalid"),
    ],
)
def test_what_names_no_buyer_or_no_page_is_refused(world, path, status, code):
    answer = world.get(path)
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_a_limit_refuses_with_what_is_left_and_from_when(world):
    answer = world.post("/buyers/minkyc@buyers.mockpay.test/wallet/adjust", {"amount": "500.01"})
    assert (answer.status_code, answer.json["code"]) == (409, "wallet_balance_cap")
    assert answer.json["context"] == {"field": "amount", "limit": "balance_cap", "left": "500.00"}
    assert "₹500.00 can be added" in answer.json["detail"]


def test_a_payment_and_its_refund_are_told_entry_by_entry(world):
    world.freeze()
    order = world.open_order()
    attempt = world.pay_with(order, Wallet(RICH))
    world.advance(0)
    refund = world.refund(order, "100.00")
    world.advance(60)
    items = entries(world, RICH)["items"]
    told = [(item["type"], item["direction"], item["amount"], item["balance_after"]) for item in reversed(items)]
    assert told == [
        ("TOPUP", "CREDIT", "150000.00", "150000.00"),
        ("HOLD", "DEBIT", "-499.00", "149501.00"),
        ("CAPTURE", None, "0.00", "149501.00"),
        ("REFUND", "CREDIT", "100.00", "149601.00"),
    ]
    assert [item["order_id"] for item in reversed(items)] == [None, *[order.order_id] * 3]
    assert items[0]["seller_order_id"] == order.seller_order_id
    assert {item["attempt_id"] for item in items} == {None, attempt.attempt_id}
    assert (items[0]["refund_id"], items[1]["moved"]) == (refund, "499.00")
    assert sorted(items[2]["postings"], key=lambda posting: posting["account"]) == [
        {"account": "WALLET_HOLD", "amount": "499.00", "balance_after": "499.00"},
        {"account": "WALLET_MONEY", "amount": "-499.00", "balance_after": "149501.00"},
    ]
    assert wallet(world, RICH)["balance"] == "149601.00"


def test_what_waits_for_its_capture_is_on_hold(world):
    world.call("PATCH", "", {"settings": {"capture": "manual"}})
    world.freeze()
    world.pay_with(world.open_order(), Wallet(RICH))
    world.advance(0)
    has = wallet(world, RICH)
    assert (has["balance"], has["on_hold"]) == ("149501.00", "499.00")


def test_gifts_stand_beside_money_and_are_reversed_once(world):
    adjust(world, "500.00")
    gift = adjust(world, "50", kind="gift", note="Welcome", expires_at="8999-12-31T18:30:00Z")
    assert (gift["type"], gift["amount"], gift["balance_after"], gift["note"]) == (
        "ADJUST",
        "50.00",
        "550.00",
        "Welcome",
    )
    has = wallet(world)
    assert (has["balance"], has["money"], has["gifts"]) == ("550.00", "500.00", "50.00")
    path = f"/buyers/{ASHA}/wallet/entries/{gift['entry_id']}/reverse"
    second = world.post(path, {"note": "by mistake"}).json
    assert (second["type"], second["reverses"], second["amount"]) == ("REVERSAL", gift["entry_id"], "-50.00")
    again = world.post(path)
    assert (again.status_code, again.json["code"]) == (409, "entry.reversed")
    newest = entries(world)["items"]
    assert [(item["reverses"], item["reversed_by"]) for item in newest] == [
        (gift["entry_id"], None),
        (None, second["entry_id"]),
        (None, None),
    ]
    for unknown in ("0", "999999", "9" * 30, "x", "-1", "%00"):
        assert world.post(f"/buyers/{ASHA}/wallet/entries/{unknown}/reverse").status_code in {400, 404}


# --- filters, pages, files


def test_filters_find_by_type_direction_time_and_order(world):
    world.freeze("2026-11-21T15:00:00Z")
    adjust(world, "1000.00")
    world.freeze("2026-11-22T15:00:00Z")
    order = world.open_order("ORDER-7")
    world.pay_with(order, Wallet(ASHA))
    world.advance(0)
    world.freeze("2026-11-23T15:00:00Z")
    adjust(world, "-1.00")

    def found(query):
        return [item["type"] for item in entries(world, query=query)["items"]]

    assert found("") == ["ADJUST", "CAPTURE", "HOLD", "ADJUST"]
    assert found("type=HOLD") == ["HOLD"]
    assert found("type=hold") == ["HOLD"]
    assert found("direction=CREDIT") == ["ADJUST"]
    assert found("direction=DEBIT") == ["ADJUST", "HOLD"]
    assert found("type=ADJUST&direction=DEBIT") == ["ADJUST"]
    assert found("since=2026-11-22T15:00:00Z&until=2026-11-23T15:00:00Z") == ["CAPTURE", "HOLD"]
    assert found(f"order_id={order.order_id}") == found("order_id=ORDER-7") == ["CAPTURE", "HOLD"]
    assert found("order_id=ORDER") == []


def test_pages_neither_repeat_nor_leave_out_even_at_one_instant(world):
    world.freeze()
    for number in range(1, 8):
        adjust(world, f"{number}.00")
    seen, cursor = [], ""
    while cursor is not None:
        page = entries(world, query=f"limit=2&cursor={cursor}")
        seen += page["items"]
        cursor = page["next_cursor"]
    assert [item["amount"] for item in seen] == [f"{number}.00" for number in range(7, 0, -1)]


def test_a_file_has_all_that_fits_and_no_formula(world):
    world.freeze()
    for number in range(1_003):
        adjust(world, "1.00", note=f"=HYPERLINK({number})" if number % 2 else "+1")
    adjust(world, "-3.00", note="-2")
    answer = world.get(f"/buyers/{ASHA}/wallet/entries?limit=1", headers={"Accept": "text/csv"})
    assert answer.content_type == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 1_004
    assert (rows[0]["direction"], rows[0]["amount"], rows[0]["note"]) == ("DEBIT", "3.00", "'-2")
    cells = [cell for row in rows for cell in row.values()]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    filtered = world.get(f"/buyers/{ASHA}/wallet/entries?direction=DEBIT", headers={"Accept": "text/csv"})
    assert len(filtered.text.splitlines()) == 2
    assert world.get(f"/buyers/{ASHA}/wallet/entries", headers={"Accept": "*/*"}).is_json


def test_only_what_begins_a_formula_is_marked():
    assert [harmless(cell) for cell in ("=1", "+1", "-1", "@a", "\tx", "\rx", "a=1", "", "1")] == [
        "'=1",
        "'+1",
        "'-1",
        "'@a",
        "'\tx",
        "'\rx",
        "a=1",
        "",
        "1",
    ]


def test_the_same_buyers_balance_at_another_seller_is_another(api, world):
    adjust(world, "-500.00", RICH)
    other = api.new_seller()
    assert wallet(other, RICH)["balance"] == "150000.00"
    assert entries(other, RICH)["items"] == []


# --- once by a key


def test_a_key_does_a_thing_once_and_answers_the_same(world):
    first = adjust(world, "500.00", key="K-1", note="a")
    assert adjust(world, "500.00", key="K-1", note="a") == first
    assert adjust(world, "500.00", key="K-2", note="a") != first
    assert wallet(world)["balance"] == "1000.00"


def test_a_key_with_another_body_or_call_is_a_conflict(world):
    entry = adjust(world, "500.00", key="K-1")["entry_id"]
    key = {"Idempotency-Key": "K-1"}
    for method, path, body in [
        ("POST", f"/buyers/{ASHA}/wallet/adjust", {"amount": "500.01"}),
        ("POST", f"/buyers/{RICH}/wallet/adjust", {"amount": "500.00"}),
        ("POST", f"/buyers/{ASHA}/wallet/entries/{entry}/reverse", {}),
        ("PATCH", f"/buyers/{ASHA}/wallet", {}),
    ]:
        answer = world.call(method, path, body, headers=key)
        assert (answer.status_code, answer.json["code"]) == (409, "idempotency_conflict")
    assert wallet(world)["balance"] == "500.00"


def test_a_refused_call_leaves_its_key_free(world):
    path, key = f"/buyers/{ASHA}/wallet/adjust", {"Idempotency-Key": "K-1"}
    assert world.post(path, {"amount": "-5.00"}, headers=key).status_code == 409
    adjust(world, "5.00")
    assert world.post(path, {"amount": "-5.00"}, headers=key).status_code == 200


def test_keys_are_a_sellers_own_and_have_a_form(api, world):
    adjust(world, "5.00", key="K-1")
    adjust(api.new_seller(), "6.00", key="K-1")
    for key in ("", "x" * 256, "naïve"):
        headers = {"Idempotency-Key": key}
        answer = world.post(f"/buyers/{ASHA}/wallet/adjust", {"amount": "1.00"}, headers=headers)
        assert (answer.status_code, answer.json["field"]) == (422, "Idempotency-Key")


def test_reversal_and_profile_take_a_key_too(world):
    entry = adjust(world, "5.00")["entry_id"]
    key = {"Idempotency-Key": "R"}
    answers = [world.post(f"/buyers/{ASHA}/wallet/entries/{entry}/reverse", headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json == answers[1].json
    patches = [
        world.call("PATCH", f"/buyers/{ASHA}/wallet", {"profile": "MIN"}, headers={"Idempotency-Key": "P"}).json
        for _ in range(2)
    ]
    assert patches[0] == patches[1]


def test_twenty_calls_of_one_key_at_once_add_once(api, world):
    answers = []

    def call():
        client = api.client.application.test_client()
        path = f"/_mockpay/v1/sellers/{world.seller_id}/buyers/{ASHA}/wallet/adjust"
        answers.append(client.post(path, json={"amount": "5.00"}, headers={"Idempotency-Key": "K"}).json)

    threads = [threading.Thread(target=call) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer["entry_id"] for answer in answers}) == 1
    assert wallet(world)["balance"] == "5.00"


def test_a_broken_ledger_is_told_with_what_and_where(world):
    adjust(world, "5.00")
    with world.api.runtime.writer.begin() as connection:
        connection.exec_driver_sql("UPDATE accounts SET balance_minor = 700 WHERE kind = 'WALLET_MONEY'")
    answer = world.get("/audit")
    assert answer.status_code == 409
    assert answer.json["violations"] == [
        {
            "rule": "ledger.balance",
            "subject": f"WALLET_MONEY of {ASHA}",
            "description": "The balance is 700 paise, its postings add up to 500.",
        }
    ]

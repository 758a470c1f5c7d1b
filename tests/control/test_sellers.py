"""Sellers by control API."""

import pytest

ARM = "http://127.0.0.1:9000/ipn"


def test_a_new_seller_is_told_with_every_secret(api):
    answer = api.post("/sellers", {"name": "Tea & Sons"})

    assert answer.status_code == 201
    told = answer.json
    assert told["name"] == "Tea & Sons"
    assert told["seller_id"].startswith("A1")
    assert told["access_key"].startswith("AKID")
    assert len(told["secret_key"]) == 40
    assert told["return_urls"] == ["http://127.0.0.1:*", "http://localhost:*"]
    assert told["ipn_url"] is None
    assert told["settings"]["freshness_seconds"] == 900


def test_a_seller_may_be_made_with_nothing_said_at_all(api):
    assert api.post("/sellers").status_code == 201


def test_a_seller_keeps_the_credentials_it_was_given(api):
    wish = {"seller_id": "A1GIVEN", "access_key": "AKIDGIVEN", "secret_key": "s3cret-given"}
    api.post("/sellers", wish)
    assert api.get("/sellers/A1GIVEN").json.items() >= wish.items()


def test_addresses_begin_as_the_caller_wrote_them(api):
    told = api.post("/sellers", {}, base_url="http://localhost:9999").json
    assert told["urls"]["base"] == "http://localhost:9999"
    assert told["urls"]["pay"] == "http://localhost:9999/initiatePayment"
    assert told["urls"]["dashboard"].endswith(f"/_mockpay/ui/sellers/{told['seller_id']}/orders")


def everybody(api, limit=200):
    """All sellers, page by page; other tests make many."""
    seen, cursor = [], ""
    while cursor is not None:
        page = api.get(f"/sellers?limit={limit}&cursor={cursor}").json
        seen += page["items"]
        cursor = page["next_cursor"]
    return seen


def test_the_list_has_no_secrets(api, world):
    mine = next(item for item in everybody(api) if item["seller_id"] == world.seller_id)
    assert "secret_key" not in mine


def test_the_list_goes_on_where_its_cursor_says(api):
    for _ in range(3):
        api.new_seller()
    seen = [seller["seller_id"] for seller in everybody(api, limit=2)]
    assert seen == sorted(set(seen))
    assert seen == [seller["seller_id"] for seller in everybody(api)]


@pytest.mark.parametrize("taken", ["seller_id", "access_key"])
def test_a_name_that_is_taken_is_a_conflict(api, taken):
    first = api.post("/sellers", {}).json
    answer = api.post("/sellers", {taken: first[taken]})
    assert (answer.status_code, answer.json["code"]) == (409, "seller.exists")


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"seller_id": "small"}, "seller.invalid"),
        ({"seller_id": "A/B"}, "seller.invalid"),
        ({"seller_id": ""}, "seller.invalid"),
        ({"access_key": "no spaces"}, "seller.invalid"),
        ({"secret_key": "short"}, "seller.invalid"),
        ({"name": "line\nbreak"}, "seller.invalid"),
        ({"return_urls": ["javascript:alert(1)"]}, "return_url.invalid"),
        ({"return_urls": ["https://user@shop.example/"]}, "return_url.invalid"),
        ({"return_urls": ["https://shop.example/"] * 101}, "return_url.too_many"),
        ({"ipn_url": "http://example.com/ipn"}, "outgoing.host"),
        ({"ipn_url": "ftp://127.0.0.1/"}, "url.invalid"),
        ({"settings": {"max_attempts": 0}}, "settings.invalid"),
        ({"settings": {"max_attempts": "5"}}, "settings.invalid"),
        ({"settings": {"no_such": 1}}, "settings.invalid"),
        ({"settings": {"capture": "sometimes"}}, "settings.invalid"),
        ({"settings": {"ipn_certificate_url": "moon"}}, "settings.invalid"),
        ({"settings": {"authorization_seconds": 0}}, "settings.invalid"),
        ({"settings": {"refund_delay_seconds": -1}}, "settings.invalid"),
        ({"settings": {"refund_settle_polls": 1_000}}, "settings.invalid"),
        ({"settings": {"ipn_profile": "slow"}}, "settings.invalid"),
        ({"settings": {"ipn_timeout_seconds": 26}}, "settings.invalid"),
        ({"settings": {"throttling": "on"}}, "settings.invalid"),
        ({"settings": {"otp_always_methods": ["not a name"]}}, "settings.invalid"),
        ({"settings": {"default_outcomes": {"issuer": "nonsense"}}}, "scenario.outcome"),
        ({"settings": {"default_outcomes": {"refund": "nonsense"}}}, "scenario.outcome"),
        ({"settings": {"default_outcomes": {"moon": "success"}}}, "scenario.stage"),
        ({"unknown": 1}, "input.invalid"),
        ({"name": 5}, "input.invalid"),
        ({"name": "nul\x00"}, "text.nul"),
    ],
)
def test_a_wish_that_cannot_be_granted_is_refused_with_its_reason(api, wish, code):
    before = everybody(api)
    answer = api.post("/sellers", wish)
    assert answer.json["code"] == code
    assert answer.status_code == (400 if code == "text.nul" else 422)
    assert everybody(api) == before


@pytest.mark.parametrize(
    "settings",
    [
        {"capture": "manual", "authorization_seconds": 60},
        {"refund_delay_seconds": 0, "refund_settle_polls": 3},
        {"ipn_profile": "amazon", "ipn_timeout_seconds": 25},
        {"ipn_certificate_url": "http://127.0.0.1:8420/SimpleNotificationService-1.pem"},
        {"throttling": "sandbox"},
        {"otp_always_methods": ["upi", "card"]},
        {"risk_rules": {"VEL_VPA": "off"}, "default_outcomes": {"refund": "delay:60"}},
    ],
)
def test_settings_of_every_kind_are_taken_and_told(api, settings):
    told = api.post("/sellers", {"settings": settings}).json
    assert told["settings"].items() >= settings.items()
    assert api.get(f"/sellers/{told['seller_id']}").json["settings"] == told["settings"]


def test_a_change_leaves_the_rest_as_it_was(world):
    before = world.get("").json
    after = world.call("PATCH", "", {"ipn_url": ARM, "settings": {"max_attempts": 2}}).json
    assert after["ipn_url"] == ARM
    assert after["settings"] == {**before["settings"], "max_attempts": 2}
    kept = ("seller_id", "access_key", "secret_key", "name", "return_urls", "created_at")
    assert [after[name] for name in kept] == [before[name] for name in kept]
    assert world.get("").json == after


def test_null_takes_the_notification_address_away(api):
    world = api.new_seller(ipn_url=ARM)
    assert world.call("PATCH", "", {"ipn_url": None}).json["ipn_url"] is None


def test_credentials_cannot_be_changed(world):
    answer = world.call("PATCH", "", {"secret_key": "another-secret"})
    assert (answer.status_code, answer.json["code"]) == (422, "input.invalid")


def test_a_refused_change_changes_nothing(world):
    before = world.get("").json
    world.call("PATCH", "", {"name": "New", "settings": {"max_attempts": -1}})
    assert world.get("").json == before


def test_a_deleted_seller_is_gone_with_its_world(api, world):
    world.paid_order()
    assert world.call("DELETE", "").status_code == 204
    assert world.get("").status_code == 404
    assert world.get("/orders").status_code == 404
    again = api.new_seller(seller_id=world.seller_id)
    assert again.get("/orders").json["items"] == []


def test_a_reset_empties_the_world_and_keeps_the_seller(world):
    before = world.get("").json
    world.freeze()
    world.paid_order()
    world.post("/scenarios", {"stage": "issuer", "outcome": "failure"})

    assert world.post("/reset").json == before

    assert world.get("/orders").json["items"] == []
    assert world.get("/scenarios").json["items"] == []
    assert world.get("/journal").json["items"] == []
    clock = world.get("/clock").json
    assert (clock["mode"], clock["next_due"]) == ("running", None)


def test_a_payload_seen_before_a_reset_opens_the_same_order_afresh(world):
    first = world.paid_order("A-1")
    world.post("/reset")
    second = world.open_order("A-1")
    assert second.order_id == first.order_id
    assert world.get(f"/orders/{second.order_id}").json["state"] == "CREATED"


def test_a_reset_leaves_other_worlds_alone(api, world):
    other = api.new_seller()
    order = other.paid_order()
    world.paid_order()
    world.post("/reset")
    assert other.get(f"/orders/{order.order_id}").json["state"] == "PAID"


def test_every_path_below_an_unknown_seller_is_not_found(api):
    for method, path in (
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/reset"),
        ("GET", "/clock"),
        ("PUT", "/clock"),
        ("POST", "/clock/advance"),
        ("GET", "/orders"),
        ("GET", "/scenarios"),
        ("DELETE", "/scenarios"),
        ("GET", "/journal"),
        ("GET", "/audit"),
        ("GET", "/refunds"),
        ("GET", "/notifications"),
        ("GET", "/inbox"),
        ("POST", "/refunds/R/complete"),
        ("POST", "/notifications/N/deliver"),
    ):
        body = {"mode": "frozen"} if method == "PUT" else {"seconds": 1} if "advance" in path else {}
        answer = api.call(method, f"/sellers/A1NOBODY{path}", body)
        assert (answer.status_code, answer.json["code"]) == (404, "seller.not_found"), path

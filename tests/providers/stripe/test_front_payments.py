"""Payment intents, charges and refunds at the front door, and what the core makes of them."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.journeys.form_browser import RIGHT_OTP
from tests.providers.amazonpay.http_client import send_request
from tests.providers.stripe.software import CARD, RETURN_URL


def test_an_intent_is_paid_and_the_core_has_its_order_by_the_same_ids(software):
    intent = software.pay(description="Two cups", metadata={"order": "O-1"}, expand=["latest_charge"])
    charge = intent["latest_charge"]
    assert (intent["status"], intent["amount_received"], charge["paid"]) == ("succeeded", 49_900, True)
    assert charge["payment_method_details"]["card"]["last4"] == "4242"
    [order] = software.seller.orders()
    assert (order["order_id"], order["provider"], order["state"]) == (intent["id"], "stripe", "PAID")
    [attempt] = software.seller.order(intent["id"])["attempts"]
    assert (attempt["attempt_id"], attempt["gateway"]) == (charge["id"], "simulator")
    assert software.get(f"payment_intents/{intent['id']}") == {**intent, "latest_charge": charge["id"]}
    assert software.get(f"charges/{charge['id']}") == charge
    deep = software.get(f"charges/{charge['id']}", 400, expand=["payment_intent.a.b.c.d"])["error"]
    assert "more than 4 levels" in deep["message"]
    expanded = software.get(f"charges/{charge['id']}", expand=["payment_intent", "refunds"])
    assert (expanded["payment_intent"]["id"], expanded["refunds"]["data"]) == (intent["id"], [])


def test_an_intent_goes_from_status_to_status(software):
    intent = software.post("payment_intents", amount=49_900, currency="inr")
    path = f"payment_intents/{intent['id']}"
    assert (intent["status"], intent["payment_method"], intent["latest_charge"]) == (
        "requires_payment_method",
        None,
        None,
    )
    missing = software.refused(f"{path}/confirm")
    assert (missing["code"], missing["payment_intent"]["id"]) == ("payment_intent_unexpected_state", intent["id"])
    method = software.post("payment_methods", **CARD)
    assert software.post(path, payment_method=method["id"], amount=50_000)["status"] == "requires_confirmation"
    paid = software.post(f"{path}/confirm")
    assert (paid["status"], paid["amount_received"], paid["payment_method"]) == ("succeeded", 50_000, method["id"])
    for action in ("confirm", "capture", "cancel"):
        assert software.refused(f"{path}/{action}")["code"] == "payment_intent_unexpected_state"
    assert software.refused(path, amount=100)["code"] == "payment_intent_unexpected_state"
    # What is kept beside the money may be changed for ever; an empty value takes a name away.
    assert software.post(path, metadata={"a": "1", "b": "2"})["metadata"] == {"a": "1", "b": "2"}
    assert software.post(path, metadata={"a": ""})["metadata"] == {"b": "2"}
    assert software.post(path, metadata="")["metadata"] == {}


DECLINES = {
    "pm_card_visa_chargeDeclined": ("card_declined", "generic_decline"),
    "pm_card_visa_chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds"),
    "pm_card_visa_chargeDeclinedLostCard": ("card_declined", "lost_card"),
    "pm_card_visa_chargeDeclinedStolenCard": ("card_declined", "stolen_card"),
    "pm_card_chargeDeclinedExpiredCard": ("expired_card", "expired_card"),
    "pm_card_chargeDeclinedProcessingError": ("processing_error", "processing_error"),
    "pm_card_visa_chargeDeclinedVelocityLimitExceeded": ("card_declined", "card_velocity_exceeded"),
    "pm_card_chargeDeclinedIncorrectCvc": ("incorrect_cvc", "incorrect_cvc"),
}


def test_published_cards_are_declined_as_published_and_the_intent_may_be_tried_again(software, subtests):
    for method, (code, decline_code) in DECLINES.items():
        with subtests.test(method):
            error = software.pay(402, payment_method=method)["error"]
            told = (error["type"], error["code"], error["decline_code"])
            assert told == ("card_error", code, decline_code)
            intent = error["payment_intent"]
            assert (intent["status"], intent["payment_method"]) == ("requires_payment_method", None)
            assert intent["latest_charge"] == error["charge"] == intent["last_payment_error"]["charge"]
            assert error["payment_method"]["card"]["last4"]
    again = software.post(f"payment_intents/{intent['id']}/confirm", payment_method="pm_card_visa")
    assert (again["status"], again["last_payment_error"]) == ("succeeded", None)
    assert again["latest_charge"] != error["charge"]
    failed = software.get(f"charges/{error['charge']}")
    assert (failed["status"], failed["paid"], failed["failure_code"]) == ("failed", False, "incorrect_cvc")
    assert failed["outcome"]["network_decline_code"] == "N7"


def test_what_is_authorised_is_captured_in_part_or_given_up(software):
    held = software.pay(capture_method="manual")
    assert (held["status"], held["amount_capturable"], held["amount_received"]) == ("requires_capture", 49_900, 0)
    assert software.refused("refunds", payment_intent=held["id"])["param"] == "payment_intent"
    path = f"payment_intents/{held['id']}"
    assert software.refused(f"{path}/capture", amount_to_capture=49_901)["code"] == "amount_too_large"
    taken = software.post(f"{path}/capture", amount_to_capture=40_000)
    assert (taken["status"], taken["amount_received"], taken["amount_capturable"]) == ("succeeded", 40_000, 0)
    charge = software.get(f"charges/{taken['latest_charge']}")
    assert (charge["amount_captured"], charge["captured"], charge["refunded"]) == (40_000, True, False)
    assert software.post("refunds", payment_intent=held["id"])["amount"] == 40_000
    assert software.get(f"charges/{taken['latest_charge']}")["refunded"] is True

    other = software.pay(capture_method="manual")
    gone = software.post(f"payment_intents/{other['id']}/cancel", cancellation_reason="duplicate")
    assert (gone["status"], gone["cancellation_reason"], gone["amount_capturable"]) == ("canceled", "duplicate", 0)
    assert gone["canceled_at"] is not None
    assert software.get(f"charges/{gone['latest_charge']}")["refunded"] is True
    whole = software.pay(capture_method="manual")
    assert software.post(f"charges/{whole['latest_charge']}/capture")["amount_captured"] == 49_900


def test_money_goes_back_in_parts_and_never_more_than_there_was(software):
    intent = software.pay()
    first = software.post(
        "refunds", payment_intent=intent["id"], amount=10_000, reason="duplicate", metadata={"a": "1"}
    )
    assert (first["status"], first["amount"], first["reason"], first["metadata"]) == (
        "succeeded",
        10_000,
        "duplicate",
        {"a": "1"},
    )
    over = software.refused("refunds", charge=intent["latest_charge"], amount=39_901)
    assert over["message"] == "Refund amount (39901) is greater than unrefunded amount on charge (39900)"
    rest = software.post("refunds", charge=intent["latest_charge"])
    assert rest["amount"] == 39_900
    assert software.refused("refunds", payment_intent=intent["id"])["code"] == "charge_already_refunded"
    charge = software.get(f"charges/{intent['latest_charge']}", expand=["refunds"])
    assert (charge["amount_refunded"], charge["refunded"]) == (49_900, True)
    assert [refund["id"] for refund in charge["refunds"]["data"]] == [rest["id"], first["id"]]
    assert software.get(f"refunds/{first['id']}") == first
    assert software.get("refunds", payment_intent=intent["id"], limit=1)["has_more"] is True
    assert software.post(f"refunds/{first['id']}", metadata={"b": "2"})["metadata"] == {"a": "1", "b": "2"}
    assert software.get(f"payment_intents/{intent['id']}")["status"] == "succeeded"
    assert software.seller.control("GET", "/audit")["ok"] is True


def test_a_refund_may_be_pending_and_fail_where_that_is_asked_for(software):
    intent = software.pay()
    late = software.post(
        "refunds", payment_intent=intent["id"], amount=100, metadata={"mockpay_outcome": "refund=delay:60"}
    )
    assert late["status"] == "pending"
    software.seller.advance(seconds=60)
    assert software.get(f"refunds/{late['id']}")["status"] == "succeeded"
    asked = {"Mockpay-Outcome": "refund=PROCESSING_FAILURE"}
    failing = software.post("refunds", headers=asked, payment_intent=intent["id"], amount=100)
    software.seller.advance(seconds=3_600)
    failed = software.get(f"refunds/{failing['id']}")
    assert (failed["status"], failed["failure_reason"]) == ("failed", "unknown")
    assert software.events("refund.failed") == ["refund.failed"]
    assert software.get(f"charges/{intent['latest_charge']}")["amount_refunded"] == 100


def test_the_outcome_in_the_request_is_private_to_its_intent(software):
    declined = software.pay(402, headers={"Mockpay-Outcome": "issuer=iso:61"})["error"]
    assert declined["decline_code"] == "withdrawal_count_limit_exceeded"
    noted = software.pay(402, metadata={"mockpay_outcome": "issuer=insufficient"})["error"]
    assert noted["decline_code"] == "insufficient_funds"
    assert software.pay()["status"] == "succeeded"
    # Later stages of an intent that asks for them when it is made.
    held = software.post(
        "payment_intents", headers={"Mockpay-Outcome": "capture=pending"}, amount=49_900, currency="inr"
    )
    paid = software.post(f"payment_intents/{held['id']}/confirm", payment_method="pm_card_visa")
    assert paid["status"] == "requires_capture"
    software.seller.advance(seconds=3_600)
    assert software.get(f"payment_intents/{held['id']}")["status"] == "succeeded"
    for wrong in ("issuer=odd", "weather=fine", "issuer"):
        assert software.refused("payment_intents", headers={"Mockpay-Outcome": wrong}, amount=100, currency="inr")


def test_the_company_s_usual_way_gives_way_to_all_that_is_asked_for(software):
    """Many payments by one card are no risk, none is challenged; a rule, the amount and the seller's default go before."""
    for _ in range(12):
        assert software.pay()["status"] == "succeeded"
    [attempt] = software.seller.order(software.pay()["id"])["attempts"]
    assert attempt["scenario"] is None
    software.seller.next("auth", "challenge")
    assert software.pay()["status"] == "requires_action"
    assert software.pay(402, amount=170_603)["error"]["decline_code"] == "fraudulent"
    settings = {"default_outcomes": {"auth": "challenge"}}
    software.seller.control("PATCH", "", {"settings": settings})
    assert software.pay()["status"] == "requires_action"


def test_what_the_bank_does_not_know_is_processing_until_it_does(software):
    pending = software.pay(headers={"Mockpay-Outcome": "issuer=pendingok"})
    assert pending["status"] == "processing"
    assert software.get(f"charges/{pending['latest_charge']}")["status"] == "pending"
    software.seller.advance(seconds=3_600)
    assert software.get(f"payment_intents/{pending['id']}")["status"] == "succeeded"
    assert software.events()[-3:] == ["payment_intent.processing", "charge.succeeded", "payment_intent.succeeded"]


@pytest.mark.parametrize(
    ("fault", "names", "status", "same"),
    [
        ("success", 3, "succeeded", True),
        ("missing_field", 2, None, True),
        ("order_changed", 3, "succeeded", False),
        ("failure_though_captured", 3, "failed", True),
    ],
)
def test_a_fault_of_the_way_back_is_played(software, fault, names, status, same):
    asked = {"metadata": {"mockpay_outcome": f"redirect={fault}"}, "return_url": RETURN_URL}
    intent = software.pay(payment_method="pm_card_threeDSecure2Required", **asked)
    back = dict(parse_qsl(urlsplit(software.seller.pay(intent["id"], otp="123456")["return_url"]).query))
    assert (len(back), back.get("redirect_status")) == (names, status)
    assert (back["payment_intent"] == intent["id"]) is same


def test_a_card_that_must_be_challenged_sends_its_buyer_to_a_page(software):
    intent = software.pay(payment_method="pm_card_threeDSecure2Required", return_url=RETURN_URL)
    action = intent["next_action"]
    assert (intent["status"], action["type"]) == ("requires_action", "redirect_to_url")
    assert action["redirect_to_url"]["return_url"] == RETURN_URL
    assert software.events()[-1] == "payment_intent.requires_action"
    done = software.seller.pay(intent["id"], otp="123456")
    paid = software.get(f"payment_intents/{intent['id']}")
    assert (paid["status"], paid["next_action"]) == ("succeeded", None)
    assert done["return_url"] == (
        f"{RETURN_URL}?payment_intent={intent['id']}&payment_intent_client_secret={intent['client_secret']}"
        "&redirect_status=succeeded"
    )
    charge = software.get(f"charges/{paid['latest_charge']}")
    assert charge["payment_method_details"]["card"]["three_d_secure"]["result"] == "authenticated"
    assert software.pay(payment_method="pm_card_threeDSecure2Required")["next_action"]["type"] == "use_stripe_sdk"


def test_nobody_is_challenged_who_is_not_there(software):
    for parameter in ("off_session", "error_on_requires_action"):
        refused = software.pay(402, payment_method="pm_card_authenticationRequired", **{parameter: True})["error"]
        assert (refused["code"], refused["decline_code"]) == ("authentication_required", "authentication_required")
        assert refused["payment_intent"]["status"] == "requires_payment_method"
    again = software.post(f"payment_intents/{refused['payment_intent']['id']}/confirm", payment_method="pm_card_visa")
    assert again["status"] == "succeeded"


def test_who_fails_the_challenge_has_paid_nothing(software):
    intent = software.pay(headers={"Mockpay-Outcome": "auth=N"}, status=402)["error"]["payment_intent"]
    assert (intent["status"], intent["latest_charge"]) == ("requires_payment_method", None)
    assert intent["last_payment_error"]["code"] == "payment_intent_authentication_failure"


def test_lists_have_pages_of_a_cursor_and_name_their_own_address(software):
    made = [software.post("payment_intents", amount=100 + n, currency="inr")["id"] for n in range(5)]
    first = software.get("payment_intents", limit=2)
    assert ([each["id"] for each in first["data"]], first["has_more"]) == (made[:2:-1], True)
    assert first["url"] == "/v1/payment_intents"
    assert software.get("payment_intents", limit=5)["has_more"] is False
    second = software.get("payment_intents", limit=2, starting_after=made[3])
    assert ([each["id"] for each in second["data"]], second["has_more"]) == ([made[2], made[1]], True)
    last = software.get("payment_intents", limit=2, starting_after=made[1])
    assert ([each["id"] for each in last["data"]], last["has_more"]) == ([made[0]], False)
    back = software.get("payment_intents", limit=2, ending_before=made[1])
    assert ([each["id"] for each in back["data"]], back["has_more"]) == ([made[3], made[2]], True)
    now = first["data"][0]["created"]
    assert len(software.get("payment_intents", created={"gte": now})["data"]) == 5
    assert software.get("payment_intents", created={"gt": now})["data"] == []
    assert software.get("payment_intents", limit=101, status=400)["error"]["param"] == "limit"
    assert software.get("payment_intents", starting_after="pi_x", status=400)["error"]["code"] == "resource_missing"


def test_intents_are_searched_by_what_they_have(software):
    wanted = software.pay(metadata={"order": "O-7"})["id"]
    software.post("payment_intents", amount=100, currency="inr")

    def found(query):
        answer = software.get("payment_intents/search", query=query)
        assert answer["object"] == "search_result"
        return [each["id"] for each in answer["data"]]

    assert found("metadata['order']:'O-7'") == found('status:"succeeded" AND amount>100') == [wanted]
    assert len(found("status:'succeeded' OR amount:100")) == 2
    assert found("-status:'succeeded' amount>=101") == []
    for odd in ("status", "status:'x' and", "odd:'x'", "status:'a' AND amount>1 OR amount<2"):
        assert software.get("payment_intents/search", 400, query=odd)["error"]["param"] == "query"
    pages = software.get("payment_intents/search", query="amount>0", limit=1)
    assert pages["has_more"] is True
    assert (
        software.get("payment_intents/search", query="amount>0", limit=1, page=pages["next_page"])["next_page"] is None
    )


def test_a_key_is_one_request_whose_answer_comes_again(software):
    """Trap 11 (stripe-mock#25, stripe-ruby#598): one idempotency key, other parameters or endpoint; a 402 or 500 replays."""
    keyed = {"Idempotency-Key": "k-1"}
    wanted = {"amount": 49_900, "currency": "inr", "payment_method": "pm_card_visa_chargeDeclined", "confirm": True}
    first = software.send("POST", "/v1/payment_intents", wanted, Idempotency_Key="k-1")
    again = software.send("POST", "/v1/payment_intents", wanted, Idempotency_Key="k-1")
    assert (first.status, again.status, again.body) == (402, 402, first.body)
    assert ("idempotent-replayed" in first.headers, again.headers["idempotent-replayed"]) == (False, "true")
    assert len(software.seller.orders()) == 1
    other = software.refused("payment_intents", headers=keyed, **{**wanted, "amount": 50_000})
    assert (other["type"], "'k-1'" in other["message"]) == ("idempotency_error", True)
    assert software.refused("refunds", headers=keyed)["type"] == "idempotency_error"
    # What was refused before it was tried is not kept.
    assert software.refused("payment_intents", headers={"Idempotency-Key": "k-2"}, amount=1, currency="inr")
    assert software.post("payment_intents", headers={"Idempotency-Key": "k-2"}, amount=100, currency="inr")
    assert software.refused("payment_intents", headers={"Idempotency-Key": "k" * 256}, amount=100, currency="inr")
    software.seller.advance(seconds=24 * 3_600)
    assert software.post("payment_intents", headers=keyed, amount=100, currency="inr")["amount"] == 100


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT"])
def test_an_address_that_is_not_there_answers_in_the_companys_json(software, method):
    for path in ("/v1/odd", "/v2/core/events", "/", "/v1/payment_intents/a/b/c"):
        reply = software.send(method, path)
        assert (reply.status, reply.content_type) == (404, "application/json")
        assert reply.json["error"]["type"] == "invalid_request_error"
    for key in ("sk_test_nobody", "", software.seller.fields["credentials"]["stripe"]["publishable_key"]):
        reply = software.send(method, "/v1/payment_intents", key=key)
        assert (reply.status, reply.json["error"]["type"]) == (401, "invalid_request_error")


def test_what_cannot_be_is_refused_with_the_parameter_that_is_wrong(software, subtests):
    card, money = CARD["card"], {"amount": 49_900, "currency": "inr"}

    def data(**changes):
        return {**money, "confirm": True, "payment_method_data": {"type": "card", "card": {**card, **changes}}}

    wrong = [
        ("payment_intents", {"currency": "inr"}, 400, "parameter_missing", "amount"),
        ("payment_intents", {"amount": 100}, 400, "parameter_missing", "currency"),
        ("payment_intents", {**money, "amount": "10.5"}, 400, "parameter_invalid_integer", "amount"),
        ("payment_intents", {**money, "amount": 99}, 400, "amount_too_small", "amount"),
        ("payment_intents", {**money, "currency": "usd"}, 400, None, "currency"),
        ("payment_intents", {**money, "capture_method": "never"}, 400, None, "capture_method"),
        ("payment_intents", {**money, "confirm": "yes"}, 400, None, "confirm"),
        ("payment_intents", {**money, "customer": "cus_x"}, 400, "resource_missing", "customer"),
        ("payment_intents", {**money, "payment_method": "pm_x"}, 400, "resource_missing", "payment_method"),
        ("payment_intents", {**money, "return_url": "ftp://x"}, 400, "url_invalid", "return_url"),
        ("payment_intents", {**money, "return_url": "https://evil.example"}, 400, "url_invalid", "return_url"),
        ("payment_intents", {**money, "metadata": {"a": "x" * 501}}, 400, None, "metadata"),
        ("payment_intents", {**money, "metadata": {"a" * 41: "x"}}, 400, None, "metadata"),
        ("payment_intents", {**money, "description": "\0"}, 400, "parameter_invalid_string", "description"),
        (
            "payment_intents",
            {**money, "payment_method_types": ["sofort"]},
            400,
            "payment_intent_invalid_parameter",
            None,
        ),
        ("payment_intents", {**money, "expand": ["odd"]}, 400, None, "expand"),
        ("payment_intents", data(number="4242424242424241"), 402, "incorrect_number", "number"),
        ("payment_intents", data(number="4539578763621486"), 402, "card_declined", None),
        ("payment_intents", data(exp_month=13), 402, "invalid_expiry_month", "exp_month"),
        ("payment_intents", data(exp_year=2020), 402, "invalid_expiry_year", "exp_year"),
        ("payment_intents", data(cvc=12), 402, "invalid_cvc", "cvc"),
        ("refunds", {}, 400, "parameter_missing", None),
        ("refunds", {"charge": "ch_x"}, 400, "resource_missing", "charge"),
        ("payment_intents/pi_x", {}, 404, "resource_missing", "id"),
        ("payment_intents", "amount=1&amount[x]=2", 400, None, "amount[x]"),
        ("payment_intents", "amount=%zz", 400, None, None),
    ]
    for path, params, status, code, param in wrong:
        with subtests.test(path=path, params=params):
            error = software.call("POST", path, params, status)["error"]
            assert error.get("code") == code
            assert param is None or error["param"] == param
    reply = software.send("POST", "/v1/payment_intents", data(number="4539578763621486"))
    assert "never send a real card" in reply.headers["stripe-notice"]
    assert reply.json["error"]["decline_code"] == "live_mode_test_card"


def test_two_sellers_see_nothing_of_each_other(software, mockpay_server):
    intent = software.pay()
    other = type(software)(mockpay_server.new_seller())
    assert other.get(f"payment_intents/{intent['id']}", 404)["error"]["code"] == "resource_missing"
    assert other.get(f"charges/{intent['latest_charge']}", 404)["error"]["code"] == "resource_missing"
    assert other.get("payment_intents")["data"] == []
    assert other.refused("refunds", payment_intent=intent["id"])["code"] == "resource_missing"


def test_the_journal_has_each_call_and_no_card(software):
    software.post("payment_intents", amount=49_900, currency="inr", confirm=True, payment_method_data=CARD)
    [line] = software.seller.control("GET", "/journal")["items"]
    assert (line["kind"], line["outcome"], line["status"]) == ("stripe.payment_intents.create", "ok", 200)
    assert "4242424242424242" not in str(line)
    assert software.key not in str(line)


def test_a_refund_whose_answer_is_lost_is_made_once_and_its_key_replays_the_failure(software):
    """Trap 11 (stripe-mock#25, stripe-ruby#598): the same key replays even a 500."""
    intent = software.pay()["id"]
    asked = {"payment_intent": intent, "amount": 100}
    for replayed in (None, "true"):
        lost = software.send("POST", "/v1/refunds", asked, Idempotency_Key="r-1", Mockpay_Outcome="refund=lost_answer")
        assert (lost.status, lost.json["error"]["type"]) == (500, "api_error")
        assert lost.headers.get("idempotent-replayed") == replayed
    assert len(software.get("refunds", payment_intent=intent)["data"]) == 1


def test_a_throttled_refund_is_made_by_the_next_call(software):
    asked = {"payment_intent": software.pay()["id"], "amount": 100}
    for status in (429, 200, 200):
        reply = software.send(
            "POST", "/v1/refunds", asked, Idempotency_Key="r-2", Mockpay_Outcome="refund=throttled_once"
        )
        assert reply.status == status


@pytest.mark.parametrize(
    ("number", "name", "decline"),
    [
        ("4000008400001629", "threeDSecureRequiredChargeDeclined", "generic_decline"),
        ("4000008260003178", "authenticationRequiredChargeDeclinedInsufficientFunds", "insufficient_funds"),
    ],
)
def test_a_card_may_be_challenged_and_declined_afterwards(software, number, name, decline):
    card = {"type": "card", "card": {"number": number, "exp_month": 8, "exp_year": 2040, "cvc": 123}}
    for paid_with in ({"payment_method": f"pm_card_{name}"}, {"payment_method": None, "payment_method_data": card}):
        intent = software.pay(return_url=RETURN_URL, **paid_with)
        assert (intent["status"], intent["next_action"]["type"]) == ("requires_action", "redirect_to_url")
        tried = software.seller.pay(intent["id"], otp=RIGHT_OTP)
        assert "redirect_status=failed" in send_request(software.seller.server, tried["return_url"]).location
        after = software.get(f"payment_intents/{intent['id']}", expand=["latest_charge"])
        error = after["last_payment_error"]
        assert (after["status"], error["code"], error["decline_code"]) == (
            "requires_payment_method",
            "card_declined",
            decline,
        )
        # The buyer proved to be who they are, so the bank was asked.
        assert after["latest_charge"]["payment_method_details"]["card"]["three_d_secure"]["result"] == "authenticated"
    customer = software.post("customers")["id"]
    assert software.post(f"payment_methods/pm_card_{name}/attach", customer=customer)["customer"] == customer


def test_a_card_may_be_kept_though_every_charge_of_it_is_declined(software):
    customer = software.post("customers")["id"]
    card = software.post("payment_methods/pm_card_chargeCustomerFail/attach", customer=customer)
    assert card["customer"] == customer
    error = software.pay(402, customer=customer, payment_method=card["id"])["error"]
    assert (error["code"], error["decline_code"]) == ("card_declined", "generic_decline")
    for other in ("chargeDeclined", "chargeDeclinedInsufficientFunds", "chargeDeclinedExpiredCard"):
        software.refused(f"payment_methods/pm_card_{other}/attach", 402, customer=customer)


def test_a_refund_to_some_cards_is_pending_first_or_fails_in_the_end(software):
    late = software.post("refunds", payment_intent=software.pay(payment_method="pm_card_pendingRefund")["id"])
    lost = software.post("refunds", payment_intent=software.pay(payment_method="pm_card_refundFail")["id"])
    assert (late["status"], lost["status"]) == ("pending", "succeeded")
    assert software.events("refund.updated", "refund.failed") == ["refund.updated"]
    software.seller.advance(seconds=10)
    assert software.get(f"refunds/{late['id']}")["status"] == "succeeded"
    failed = software.get(f"refunds/{lost['id']}")
    assert (failed["status"], failed["failure_reason"]) == ("failed", "unknown")
    assert sorted(software.events("refund.updated", "refund.failed")) == ["refund.failed", *["refund.updated"] * 3]
    assert software.get(f"charges/{lost['charge']}")["amount_refunded"] == 0
    # What a call asks for goes before the card, and another card is not concerned.
    intent = software.pay(payment_method="pm_card_pendingRefund")["id"]
    asked = software.post("refunds", headers={"Mockpay-Outcome": "refund=completed"}, payment_intent=intent)
    assert asked["status"] == "succeeded"
    assert software.post("refunds", payment_intent=software.pay()["id"])["status"] == "succeeded"


@pytest.mark.parametrize(
    ("number", "status"), [("4000008400000027", "requires_action"), ("4000000032200000", "succeeded")]
)
def test_other_published_cards_for_3ds(software, number, status):
    card = {"type": "card", "card": {"number": number, "exp_month": 8, "exp_year": 2040, "cvc": 123}}
    intent = software.pay(payment_method=None, payment_method_data=card, return_url=RETURN_URL)
    assert intent["status"] == status


def test_the_balance_is_what_was_captured_and_is_not_on_its_way_back(software, mockpay_server):
    other = type(software)(mockpay_server.new_seller())

    def available(of=software):
        balance = of.get("balance")
        assert (balance["object"], balance["livemode"], balance["pending"][0]["amount"]) == ("balance", False, 0)
        [amount] = balance["available"]
        assert (amount["currency"], amount["source_types"]) == ("inr", {"card": amount["amount"]})
        return amount["amount"]

    assert available() == 0
    intent = software.pay()
    software.pay(402, payment_method="pm_card_visa_chargeDeclined")
    held = software.pay(capture_method="manual")["id"]
    software.seller.pay(software.seller.open_order("10.00"), "upi", vpa="success@mockpay")
    assert (available(), available(other)) == (49_900, 0)
    software.post(f"payment_intents/{held}/capture", amount_to_capture=10_000)
    software.post("refunds", payment_intent=intent["id"], amount=900)
    software.post("refunds", headers={"Mockpay-Outcome": "refund=delay:60"}, payment_intent=intent["id"], amount=1_000)
    assert available() == 49_900 + 10_000 - 900 - 1_000


def test_what_is_not_here_is_refused_in_the_companys_shape(software, subtests):
    for path in ("disputes", "balance_transactions", "tokens", "prices", "subscriptions", "balance/history"):
        with subtests.test(path):
            error = software.get(path, 404)["error"]
            assert (error["type"], "Unrecognized request URL" in error["message"]) == ("invalid_request_error", True)
    error = software.refused("payment_intents", amount=100, currency="usd")
    assert (error["type"], error["param"]) == ("invalid_request_error", "currency")

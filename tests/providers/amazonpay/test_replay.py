"""The same request again, a new one for the same order, and many at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from mockpay.merchant.results import Outcome
from mockpay.wire.amazonpay.opening import Flavour
from tests.providers.amazonpay.http_client import send_request
from tests.providers.amazonpay.shop import Shop


def test_the_same_payload_again_leads_to_the_same_order_as_it_now_stands(shop):
    target = f"/initiatePayment?{shop.query()}"
    first = send_request(shop.server, target)
    again = send_request(shop.server, target)
    assert again.location == first.location

    back = shop.finish(first.location)
    after = send_request(shop.server, target)

    assert after.location == first.location
    assert send_request(shop.server, after.location).headers["location"].endswith("/result")
    assert shop.leave(first.location).location == back.location
    assert len(shop.seller.orders()) == 1


def test_the_same_payload_leads_to_its_order_even_when_it_is_stale_by_now(shop):
    target = f"/initiatePayment?{shop.query(transactionTimeout='7200')}"
    page = send_request(shop.server, target).location
    shop.seller.control("PATCH", "", {"settings": {"freshness_seconds": 1}})
    shop.seller.control("PUT", "/clock", {"mode": "frozen", "now": "2031-01-01T00:00:00Z"})

    assert send_request(shop.server, target).location == page


def test_a_new_payload_for_an_open_order_leads_to_it(shop):
    assert shop.order() == shop.order()
    assert shop.order() == shop.order(sellerNote="written anew", isSandbox="true")
    assert len(shop.seller.orders()) == 1


def test_a_new_payload_with_another_amount_for_an_open_order_is_a_signed_failure(shop):
    shop.order()

    result = shop.verified(shop.pay(orderTotalAmount="500.00"))

    assert (result.outcome, result.reason_code) == (Outcome.FAILURE, "251")
    assert [order["amount"] for order in shop.seller.orders()] == ["499.00"]


def test_a_second_payment_of_a_paid_order_is_a_signed_failure(shop):
    assert shop.verified(shop.buy()).outcome is Outcome.SUCCESS

    reply = shop.pay(sellerNote="once more", customInformation="mine")

    result = shop.verified(reply)
    assert (result.outcome, result.reason_code) == (Outcome.FAILURE, "250")
    assert result.custom_information == "mine"
    assert shop.journal()[0]["outcome"] == "order.already_paid"
    assert shop.journal()[0]["reason"]
    [order] = shop.seller.orders()
    assert shop.journal()[0]["orders"] == [order["order_id"]]
    assert order["state"] == "PAID"


@pytest.mark.parametrize("end", ["failed", "cancelled", "expired"])
def test_a_new_payload_after_an_order_ended_unpaid_opens_a_new_order(shop, end):
    page = shop.order()
    if end == "failed":
        shop.finish(page, "failure@mockpay")
    elif end == "cancelled":
        send_request(shop.server, f"{page}cancel", form="")
    else:
        shop.seller.advance(seconds=901)

    again = shop.order(sellerNote="again")

    assert again != page
    states = [order["state"] for order in shop.seller.orders()]
    assert states == ["CREATED", end.upper()]
    ids = {order["order_id"] for order in shop.seller.orders()}
    assert len(ids) == 2


@pytest.mark.parametrize("same_bytes", [True, False], ids=["one-payload", "sixteen-payloads"])
def test_the_same_form_submitted_many_times_at_once_opens_one_order(shop, same_bytes):
    forms = [shop.query()] * 16 if same_bytes else [shop.query(sellerNote=str(n)) for n in range(16)]

    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda form: send_request(shop.server, "/processPayment", form=form), forms))

    assert {reply.status for reply in replies} == {302}
    assert len({reply.location for reply in replies}) == 1
    assert len(shop.seller.orders()) == 1
    outcomes = [entry["outcome"] for entry in shop.journal()]
    assert sorted(outcomes) == ["ok"] + ["ok.again"] * 15


def test_the_same_button_pressed_many_times_at_once_takes_the_money_once(shop):
    page = shop.order()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: send_request(shop.server, f"{page}upi", form="vpa=success%40mockpay"), range(8)))

    [order] = shop.seller.orders()
    detail = shop.seller.order(order["order_id"])
    assert detail["state"] == "PAID"
    assert [a["state"] for a in detail["attempts"]].count("CAPTURED") == 1
    assert shop.seller.control("GET", "/audit") == {"ok": True, "violations": []}


def test_two_sellers_share_nothing_when_both_are_paid_at_once(mockpay_server):
    shops = [Shop(mockpay_server.new_seller(), flavour) for flavour in Flavour]

    def suite(shop: Shop) -> list[tuple[str, str]]:
        outcomes = []
        for number in range(12):
            vpa = "success@mockpay" if number % 2 else "failure@mockpay"
            reply = shop.buy(vpa, sellerOrderId=f"same-{number}", customInformation=shop.seller.seller_id)
            result = shop.verified(reply)
            outcomes.append((result.outcome, result.custom_information))
        return outcomes

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(suite, shops))

    for shop, outcomes in zip(shops, found, strict=True):
        mine = shop.seller.seller_id
        assert outcomes == [(Outcome.FAILURE, mine), (Outcome.SUCCESS, mine)] * 6
        orders = shop.seller.orders()
        assert {o["seller_order_id"] for o in orders} == {f"same-{n}" for n in range(12)}
        assert {o["custom_information"] for o in orders} == {mine}
        assert shop.seller.control("GET", "/audit")["ok"] is True
    one, other = ({o["order_id"] for o in shop.seller.orders()} for shop in shops)
    assert not one & other


def test_one_sellers_result_means_nothing_to_another(mockpay_server, shop):
    stranger = Shop(mockpay_server.new_seller())
    reply = shop.buy()

    with pytest.raises(Exception, match="not signed"):
        stranger.verified(reply)

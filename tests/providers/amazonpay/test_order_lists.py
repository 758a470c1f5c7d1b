"""ListOrderReference and its next page: filters, both time formats, order, size, states."""

import pytest

from tests.providers.amazonpay.http_client import send_request
from tests.providers.amazonpay.shop import MWS, Shop

LIVE = "/OffAmazonPayments/2013-01-01"


def listed(shop: Shop, **params: str) -> list[dict]:
    """The orders of a list, as dicts."""
    reply = shop.call("ListOrderReference", **({"PaymentDomain": "IN_INR"} | params))
    assert (reply.status, reply.content_type) == (200, "text/xml")
    return orders_of(reply.xml["ListOrderReferenceResponse"]["ListOrderReferenceResult"])


def orders_of(result: dict) -> list[dict]:
    found = result["OrderReferenceList"] or {"OrderReference": []}
    orders = found["OrderReference"]
    return orders if isinstance(orders, list) else [orders]


def ids(orders: list[dict]) -> list[str]:
    return [order["SellerOrderAttributes"]["SellerOrderId"] for order in orders]


def by_id(shop: Shop, seller_order_id: str) -> dict:
    [found] = listed(shop, QueryId=seller_order_id, QueryIdType="SellerOrderId")
    return found


def test_an_order_is_told_with_everything_the_shop_gave(shop):
    shop.seller.control("PUT", "/clock", {"mode": "frozen", "now": "2027-03-01T10:00:00Z"})
    shop.buy(sellerNote="a <note> & more", sellerStoreName="दुकान", customInformation="é\r\n2")

    found = by_id(shop, "order-1")

    [order] = shop.seller.orders()
    assert found == {
        "ReleaseEnvironment": "Sandbox",
        "OrderReferenceStatus": {
            "LastUpdateTimestamp": "2027-03-01T10:00:00.000Z",
            "State": "Closed",
            "ReasonCode": "UpfrontChargeSuccess",
            "ReasonDescription": "Txn Success",
        },
        "AmazonOrderReferenceId": order["order_id"],
        "CreationTimestamp": "2027-03-01T10:00:00.000Z",
        "SellerOrderAttributes": {"StoreName": "दुकान", "CustomInformation": "é\r\n2", "SellerOrderId": "order-1"},
        "OrderTotal": {"CurrencyCode": "INR", "Amount": "499.00"},
        "SellerNote": "a <note> & more",
    }


def test_what_the_shop_left_out_has_no_element(shop):
    shop.order()

    found = by_id(shop, "order-1")

    assert "SellerNote" not in found
    assert set(found["SellerOrderAttributes"]) == {"SellerOrderId"}
    assert set(found["OrderReferenceStatus"]) == {"LastUpdateTimestamp", "State"}


def test_an_unknown_order_is_an_empty_list_that_is_there(shop):
    reply = shop.call("ListOrderReference", QueryId="nothing", QueryIdType="SellerOrderId")

    assert reply.status == 200
    assert b"<OrderReferenceList></OrderReferenceList>" in reply.body
    assert b"NextPageToken" not in reply.body


def test_amazons_states_follow_the_orders(shop):
    shop.order(sellerOrderId="created")
    shop.buy("pending@mockpay", sellerOrderId="pending")
    shop.buy(sellerOrderId="paid")
    shop.buy("insufficient@mockpay", sellerOrderId="failed")
    send_request(shop.server, f"{shop.order(sellerOrderId='cancelled')}cancel", form="")
    shop.order(sellerOrderId="expired", transactionTimeout="1")
    shop.seller.advance(seconds=2)

    told = {}
    for found in listed(shop):
        status = found["OrderReferenceStatus"]
        name = found["SellerOrderAttributes"]["SellerOrderId"]
        told[name] = tuple(status.get(key) for key in ("State", "ReasonCode", "ReasonDescription"))

    assert told.pop("failed")[:2] == ("Closed", "UpfrontChargeFailure")
    assert told == {
        "created": ("Open", None, None),
        "pending": ("Open", None, None),
        "paid": ("Closed", "UpfrontChargeSuccess", "Txn Success"),
        "cancelled": ("Canceled", None, None),
        "expired": ("Canceled", None, None),
    }


def test_states_are_filtered_by_any_number_of_them(shop):
    shop.order(sellerOrderId="open")
    shop.buy(sellerOrderId="paid")
    send_request(shop.server, f"{shop.order(sellerOrderId='cancelled')}cancel", form="")
    status = "OrderReferenceStatusListFilter__OrderReferenceStatus__"

    assert ids(listed(shop, **{f"{status}1": "Open"})) == ["open"]
    assert ids(listed(shop, **{f"{status}1": "Closed"})) == ["paid"]
    assert ids(listed(shop, **{f"{status}1": "Open", f"{status}2": "Canceled"})) == ["cancelled", "open"]
    assert listed(shop, **{f"{status}1": "Suspended"}) == []


def test_times_are_filtered_in_every_format(shop, subtests):
    shop.seller.control("PUT", "/clock", {"mode": "frozen", "now": "2027-03-01T10:00:00Z"})
    for name in ("first", "second", "third"):
        shop.order(sellerOrderId=name)
        shop.seller.advance(seconds=3600)
    for start, end, found in [
        ("2027-03-01T10:00:00Z", "2027-03-01T12:00:00Z", ["third", "second", "first"]),
        ("2027-03-01T10:30:00Z", "2027-03-01T11:30:00Z", ["second"]),
        ("2027-03-01T16:00:00+0530", "2027-03-01T17:00:00+0530", ["second"]),
        ("2027-03-01T16:00:00+05:30", "2027-03-01T17:00:00.000+05:30", ["second"]),
        ("2027-03-01T11:00:00.000Z", "", ["third", "second"]),
        ("", "2027-03-01T11:00:00Z", ["second", "first"]),
        ("2028-01-01T00:00:00Z", "", []),
        ("2027-03-01", "2027-03-01", ["third", "second", "first"]),
        ("2027-03-02", "", []),
        ("", "2027-02-28", []),
        ("2027-03-01T10:30", "2027-03-01T11:00", ["second"]),
        ("2027-03-01T11:00:00.001", "2027-03-01T12:00:00", ["third"]),
        ("2027-03-02T00:00:00Z", "2027-03-01T00:00:00Z", []),
    ]:
        with subtests.test(start=start, end=end):
            times = {"CreatedTimeRange__StartTime": start, "CreatedTimeRange__EndTime": end}
            assert ids(listed(shop, **times)) == found


def pages_of(shop: Shop, size: int, sort: str) -> list[list[str]]:
    """The seller's ids on each page of a list."""
    name = "ListOrderReference"
    reply, pages = shop.call(name, PageSize=str(size), SortOrder=sort), []
    while True:
        assert reply.status == 200
        result = reply.xml[f"{name}Response"][f"{name}Result"]
        pages.append(ids(orders_of(result)))
        if "NextPageToken" not in result:
            return pages
        name = "ListOrderReferenceByNextToken"
        reply = shop.call(name, NextPageToken=result["NextPageToken"], path=LIVE, method="POST")


def test_pages_follow_each_other_without_gap_or_repeat(shop, subtests):
    numbers = [f"o{number}" for number in range(7)]
    for number in numbers:
        shop.order(sellerOrderId=number)
    for sort, expected in (("Ascending", numbers), ("Descending", numbers[::-1]), ("", numbers[::-1])):
        for size in (1, 2, 3, 7, 100):
            with subtests.test(sort=sort, size=size):
                pages = pages_of(shop, size, sort)
                assert [name for page in pages for name in page] == expected
                assert len(pages) == -(-7 // size)


def test_the_node_family_asks_for_the_next_page_at_the_same_address(shop):
    path = "/v2/payments/orderReference"
    for number in range(3):
        shop.order(sellerOrderId=f"o{number}")
    first = shop.call("", path, PageSize="2")
    result = first.xml["ListOrderReferenceResponse"]["ListOrderReferenceResult"]

    second = shop.call("", path, NextPageToken=result["NextPageToken"])

    name = "ListOrderReferenceByNextToken"
    assert ids(orders_of(second.xml[f"{name}Response"][f"{name}Result"])) == ["o0"]


def test_without_a_size_ten_are_on_a_page(shop):
    for number in range(11):
        shop.order(sellerOrderId=f"o{number:02}")

    reply = shop.call("ListOrderReference")
    result = reply.xml["ListOrderReferenceResponse"]["ListOrderReferenceResult"]
    assert len(orders_of(result)) == 10
    assert len(result["NextPageToken"]) > 60


def test_a_page_token_is_believed_only_from_whom_it_was_given_to(shop, mockpay_server):
    for number in range(3):
        shop.order(sellerOrderId=f"o{number}")
    reply = shop.call("ListOrderReference", PageSize="1")
    token = reply.xml["ListOrderReferenceResponse"]["ListOrderReferenceResult"]["NextPageToken"]
    stranger = Shop(mockpay_server.new_seller())
    spoilt = ("A" if token[20] != "A" else "B").join((token[:20], token[21:]))

    assert shop.call("ListOrderReferenceByNextToken", NextPageToken=token).status == 200
    for caller, text in (
        (stranger, token),
        (shop, spoilt),
        (shop, "AAAA"),
        (shop, "no token!"),
        (shop, token[:-8]),
        (shop, "é"),
    ):
        refused = caller.call("ListOrderReferenceByNextToken", NextPageToken=text)
        assert (refused.status, refused.error["Code"]) == (400, "InvalidParameterValue")
        assert refused.error["Message"] == "The NextPageToken is not valid."
    assert shop.call("ListOrderReferenceByNextToken").status == 400


def test_only_the_latest_order_of_an_id_is_listed_unless_the_seller_wants_all(shop):
    shop.buy("failure@mockpay")
    shop.buy("failure@mockpay", sellerNote="again")
    shop.buy(sellerNote="third time")

    def states() -> list[str]:
        found = listed(shop, QueryId="order-1", QueryIdType="SellerOrderId")
        return [order["OrderReferenceStatus"]["ReasonCode"] for order in found]

    assert states() == ["UpfrontChargeSuccess"]
    shop.seller.control("PATCH", "", {"settings": {"all_attempts_listed": True}})
    assert states() == ["UpfrontChargeSuccess", "UpfrontChargeFailure", "UpfrontChargeFailure"]


def test_all_attempts_of_an_order_come_page_by_page(shop):
    shop.seller.control("PATCH", "", {"settings": {"all_attempts_listed": True}})
    for number in range(3):
        shop.buy("failure@mockpay", sellerNote=str(number))
    client = shop.seller.client()

    page = client.list_order_reference("order-1", page_size=2, sort_order="Ascending")
    assert [order.seller_note for order in page.order_references] == ["0", "1"]
    rest = client.list_order_reference_by_next_token(page.next_page_token)
    assert [order.seller_note for order in rest.order_references] == ["2"]
    assert rest.next_page_token is None


def test_a_value_that_a_list_cannot_take_is_told(shop, subtests):
    for changed in [
        {"PaymentDomain": "IN_EUR"},
        {"QueryId": "x", "QueryIdType": "AmazonOrderId"},
        {"PageSize": "0"},
        {"PageSize": "-1"},
        {"PageSize": "101"},
        {"PageSize": "ten"},
        {"PageSize": "१०"},
        {"PageSize": "9" * 400},
        {"SortOrder": "ascending"},
        {"CreatedTimeRange__StartTime": "yesterday"},
        {"CreatedTimeRange__EndTime": "2027-02-30T00:00:00Z"},
        {"CreatedTimeRange__StartTime": "2027-01-01T10"},
        {"CreatedTimeRange__EndTime": "1519025049"},
        {"OrderReferenceStatusListFilter__OrderReferenceStatus__1": "open"},
    ]:
        with subtests.test(changed=changed):
            reply = shop.call("ListOrderReference", **changed)
            assert (reply.status, reply.content_type) == (400, "text/xml")
            assert reply.error["Code"] == "InvalidParameterValue"
            name, value = list(changed.items())[-1]
            assert reply.error["Message"].startswith(f'{name.replace("__", ".")} cannot be "{value[:64]}"')
    assert shop.call("ListOrderReference", QueryId="x").error["Message"] == "The parameter QueryIdType is missing."


@pytest.mark.parametrize("live", ["true", "", "false"])
def test_live_and_sandbox_orders_are_seen_on_both_paths(shop, live):
    shop.buy(isSandbox=live)
    environment, prefix = ("Sandbox", "S04-") if live != "false" else ("Live", "P04-")

    for path in (MWS, LIVE, f"{MWS}/", f"{LIVE}/"):
        for method in ("GET", "POST"):
            reply = shop.call("ListOrderReference", path, method, QueryId="order-1", QueryIdType="SellerOrderId")
            [found] = orders_of(reply.xml["ListOrderReferenceResponse"]["ListOrderReferenceResult"])
            assert found["ReleaseEnvironment"] == environment
            assert found["AmazonOrderReferenceId"].startswith(prefix)


def test_the_clients_own_list_reads_it_all(shop):
    shop.buy(customInformation="मेरा")

    [found] = shop.seller.client().list_order_reference("order-1").order_references

    assert (found.state, found.paid, found.amount, found.currency) == ("Closed", True, "499.00", "INR")
    assert found.custom_information == "मेरा"

"""Cancelling and closing an order reference, and the details of its authorisation and its capture."""

import pytest

from tests.providers.amazonpay.http_client import assert_xml_error, send_request
from tests.providers.amazonpay.shop import Shop

REFUND = {"RefundAmount__Amount": "99.00", "RefundAmount__CurrencyCode": "INR", "RefundReferenceId": "R-1"}


@pytest.fixture
def shop(mockpay_server):
    """A shop whose seller captures by hand and needs lists of ids, and whose clock stands still."""
    seller = mockpay_server.new_seller(settings={"capture": "manual", "id_list": True, "refund_delay_seconds": 60})
    seller.freeze()
    return Shop(seller)


def opened(shop: Shop, vpa: str | None = None, **fields: str) -> str:
    """An order, tried with a UPI ID where there is one; its id."""
    page = shop.order(**fields)
    if vpa:
        shop.finish(page, vpa)
    [order] = shop.seller.orders(seller_order_id=fields.get("sellerOrderId", "order-1"))
    return order["order_id"]


def paid(shop: Shop, **fields: str) -> str:
    order = opened(shop, "success@mockpay", **fields)
    shop.seller.control("POST", f"/orders/{order}/capture", {})
    return order


def on_order(shop: Shop, operation: str, order: str):
    return shop.call(operation, AmazonOrderReferenceId=order)


def details(shop: Shop, kind: str, any_id: str) -> dict:
    """What Get{kind}Details tells."""
    reply = shop.call(f"Get{kind}Details", **{f"Amazon{kind}Id": any_id})
    assert reply.status == 200, reply.text
    return reply.xml[f"Get{kind}DetailsResponse"][f"Get{kind}DetailsResult"][f"{kind}Details"]


def status(told: dict, kind: str) -> tuple[str, str | None]:
    return told[f"{kind}Status"]["State"], told[f"{kind}Status"].get("ReasonCode")


def test_an_open_order_is_cancelled_by_its_seller(shop):
    order = opened(shop)
    reply = on_order(shop, "CancelOrderReference", order)
    assert set(reply.xml["CancelOrderReferenceResponse"]) == {"ResponseMetadata"}
    told = on_order(shop, "GetOrderReferenceDetails", order)
    assert b"<State>Canceled</State><ReasonCode>SellerCanceled</ReasonCode>" in told.body
    assert shop.seller.order(order)["state"] == "CANCELLED"
    assert [event["actor"] for event in shop.seller.order(order)["timeline"]][-1] == "seller"


def test_a_hold_is_released_by_a_cancellation(shop):
    order = opened(shop, "success@mockpay")
    assert shop.seller.order(order)["state"] == "AUTHORIZED"
    assert on_order(shop, "CancelOrderReference", order).status == 200
    assert shop.seller.order(order)["attempts"][0]["state"] == "VOIDED"
    assert status(details(shop, "Authorization", order), "Authorization") == ("Closed", "OrderReferenceCanceled")


def test_what_the_real_service_refuses_is_refused_with_its_code(shop, subtests):
    ended = opened(shop, sellerOrderId="ended")
    on_order(shop, "CancelOrderReference", ended)
    held, new = opened(shop, "success@mockpay", sellerOrderId="held"), opened(shop, sellerOrderId="new")
    for operation, order, code in [
        ("CancelOrderReference", paid(shop), "InvalidCancelAttempt"),
        ("CancelOrderReference", ended, "InvalidOrderReferenceStatus"),
        ("CloseOrderReference", new, "InvalidCloseAttempt"),
        ("CloseOrderReference", held, "InvalidCloseAttempt"),
        ("CloseOrderReference", ended, "InvalidOrderReferenceStatus"),
    ]:
        with subtests.test(operation=operation, order=order):
            before = shop.seller.order(order)["state"]
            error = assert_xml_error(on_order(shop, operation, order), 405, code)
            assert order in error["Message"]
            assert shop.seller.order(order)["state"] == before
            assert shop.journal()[0]["order_id"] == order
    for operation in ("CancelOrderReference", "CloseOrderReference"):
        assert_xml_error(on_order(shop, operation, "S04-0000000-0000000"), 404, "InvalidOrderReferenceId")


def test_a_pending_capture_cannot_be_cancelled(shop):
    shop.seller.control("POST", "/scenarios", {"stage": "capture", "match": {}, "outcome": "pending"})
    order = paid(shop)
    assert shop.seller.order(order)["state"] == "AUTHORIZED"
    assert status(details(shop, "Capture", order), "Capture") == ("Pending", None)
    assert_xml_error(on_order(shop, "CancelOrderReference", order), 405, "InvalidCancelAttempt")


def test_a_paid_order_is_closed_already(shop):
    order = paid(shop)
    reply = on_order(shop, "CloseOrderReference", order)
    assert (reply.status, set(reply.xml["CloseOrderReferenceResponse"])) == (200, {"ResponseMetadata"})
    assert shop.seller.order(order)["state"] == "PAID"


def test_the_ids_lead_from_an_order_to_its_refunds(shop):
    order = opened(shop, "success@mockpay")
    name = "GetOrderReferenceDetails"
    found = on_order(shop, name, order).xml[f"{name}Response"][f"{name}Result"]["OrderReferenceDetails"]
    authorization = found["IdList"]["member"]
    held = details(shop, "Authorization", authorization)
    assert (status(held, "Authorization"), held["IdList"], held["CaptureNow"]) == (("Open", None), "", "false")
    assert_xml_error(shop.call("GetCaptureDetails", AmazonCaptureId=order), 404, "InvalidTransactionId")

    shop.seller.control("POST", f"/orders/{order}/capture", {})
    closed = details(shop, "Authorization", authorization)
    inr = {"CurrencyCode": "INR", "Amount": "499.00"}
    assert closed["AmazonAuthorizationId"] == authorization
    assert status(closed, "Authorization") == ("Closed", "MaxCapturesProcessed")
    assert (closed["AuthorizationAmount"], closed["CapturedAmount"]) == (inr, inr)
    capture = closed["IdList"]["member"]
    shop.call("Refund", AmazonCaptureId=capture, **REFUND)
    shop.seller.advance(seconds=61)

    taken = details(shop, "Capture", capture)
    assert taken["AmazonCaptureId"] == capture
    assert status(taken, "Capture") == ("Completed", None)
    assert (taken["CaptureAmount"], taken["RefundedAmount"]["Amount"]) == (inr, "99.00")
    assert details(shop, "Refund", taken["IdList"]["member"])["RefundAmount"]["Amount"] == "99.00"


def test_a_capture_that_was_refunded_in_full_is_closed(shop):
    order = paid(shop)
    shop.call("RefundPayment", AmazonTransactionId=order, **REFUND | {"RefundAmount__Amount": "499.00"})
    shop.seller.advance(seconds=61)
    assert status(details(shop, "Capture", order), "Capture") == ("Closed", "MaxAmountRefunded")


def test_an_authorisation_that_failed_says_why(shop, subtests):
    for vpa, expected in [
        ("insufficient@mockpay", ("Declined", "InvalidPaymentMethod")),
        ("u28@mockpay", ("Declined", "ProcessingFailure")),
        ("pending@mockpay", ("Pending", None)),
    ]:
        with subtests.test(vpa=vpa):
            order = opened(shop, vpa, sellerOrderId=vpa)
            assert status(details(shop, "Authorization", order), "Authorization") == expected
            assert_xml_error(shop.call("GetCaptureDetails", AmazonCaptureId=order), 404, "InvalidTransactionId")


def test_the_try_that_paid_is_told_and_not_one_that_failed(shop):
    page = shop.order()
    for vpa in ("insufficient@mockpay", "success@mockpay"):
        send_request(shop.server, f"{page}upi", form=f"vpa={vpa}")
    [order] = shop.seller.orders()
    assert status(details(shop, "Authorization", order["order_id"]), "Authorization") == ("Open", None)


def test_an_authorisation_that_nobody_captured_expires(shop):
    order = opened(shop, "success@mockpay")
    shop.seller.advance(seconds=432_001)
    assert status(details(shop, "Authorization", order), "Authorization") == ("Closed", "ExpiredUnused")


def test_an_order_that_nobody_tried_has_no_authorisation(shop):
    order = opened(shop)
    reply = shop.call("GetAuthorizationDetails", AmazonAuthorizationId=order)
    assert assert_xml_error(reply, 404, "InvalidTransactionId")["Message"] == (
        f'AmazonAuthorizationId "{order}" is not known.'
    )


def test_the_buyer_of_a_cancelled_order_goes_back_with_a_failure(shop):
    page = shop.order()
    [order] = shop.seller.orders()
    on_order(shop, "CancelOrderReference", order["order_id"])
    result = shop.verified(shop.leave(page))
    assert (result.reason_code, result.description) == ("201", "Cancelled by the seller")

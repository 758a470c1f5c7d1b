"""Amazon's own Python client gives money back, asks how that went, and is throttled."""

from threading import Thread

import pytest

from tests.clients.conftest import pay


def refund(order, reference="R-1", amount="100.00"):
    arguments = {
        "amazon_capture_id": order,
        "refund_reference_id": reference,
        "refund_amount": amount,
        "seller_refund_note": "One was broken.",
        "soft_descriptor": "TOYS",
    }
    return ("refund", arguments)


def details(amazon_refund_id):
    return ("get_refund_details", {"amazon_refund_id": amazon_refund_id})


def told(answer, operation):
    assert answer["success"] is True, answer
    return answer["dict"][f"{operation}Response"][f"{operation}Result"]["RefundDetails"]


@pytest.fixture(scope="module")
def shop(mockpay_server):
    """A seller whose clock stands still."""
    seller = mockpay_server.new_seller(settings={"refund_delay_seconds": 6 * 3600})
    seller.freeze()
    return seller


@pytest.fixture(scope="module")
def answers(asks, shop):
    """Asked in this order: a part, the same again, too much, an unpaid id, the rest."""
    order = pay(shop, "BACK-1")
    return asks(
        shop,
        refund(f"{order}-C123456"),
        refund(f"{order}-C123456"),
        refund(order, "R-2", "400.00"),
        refund("S04-0000000-0000000", "R-3"),
        refund(order, "R-4", "399.00"),
    )


def test_a_part_of_the_money_is_on_its_way_back(answers):
    one = told(answers[0], "Refund")
    assert one["RefundReferenceId"] == "R-1"
    assert one["RefundAmount"] == {"CurrencyCode": "INR", "Amount": "100.00"}
    assert one["RefundStatus"]["State"] == "Pending"
    assert (one["SellerRefundNote"], one["SoftDescriptor"]) == ("One was broken.", "TOYS")


def test_the_same_reference_gives_the_same_refund(answers):
    assert told(answers[1], "Refund") == told(answers[0], "Refund")


@pytest.mark.parametrize(("number", "code"), [(2, "TransactionAmountExceeded"), (3, "InvalidTransactionId")])
def test_a_refusal_is_the_clients_own_error(answers, number, code):
    assert answers[number]["success"] is False
    assert answers[number]["dict"]["ErrorResponse"]["Error"]["Code"] == code


def test_the_rest_goes_back_by_the_orders_own_id(answers):
    assert told(answers[4], "Refund")["RefundAmount"]["Amount"] == "399.00"


def test_it_is_completed_when_the_clock_has_moved(asks, shop, answers):
    ids = [told(answers[number], "Refund")["AmazonRefundId"] for number in (0, 4)]
    before = asks(shop, *map(details, ids))
    shop.advance(seconds=6 * 3600)
    after = asks(shop, *map(details, ids))
    states = [
        [told(answer, "GetRefundDetails")["RefundStatus"]["State"] for answer in answers] for answers in (before, after)
    ]
    assert states == [["Pending"] * 2, ["Completed"] * 2]


def test_a_throttled_client_comes_back_by_itself(asks, mockpay_server):
    """
    The third refund finds the bucket empty, and the client asks again a second later.

    By then the seller's clock has gone on by the two seconds after which a token is back: the
    client would otherwise wait another four.
    """
    seller = mockpay_server.new_seller(settings={"throttling": "sandbox"})
    order = pay(seller, "THROTTLED-1")
    seller.freeze()
    wait = "/wait?event=journal.amazonpay.Refund&match=outcome:throttled&timeout=30"
    refused = []

    def give_a_token_back():
        refused.append(seller.control("GET", wait)["event"])
        seller.advance(seconds=2)

    helping = Thread(target=give_a_token_back)
    helping.start()
    answers = asks(seller, *(refund(order, f"R-{n}") for n in range(3)))
    helping.join()
    assert refused != [None]
    assert [told(one, "Refund")["RefundReferenceId"] for one in answers] == ["R-0", "R-1", "R-2"]
    assert max(answer["took"] for answer in answers) >= 1
    entries = seller.control("GET", "/journal?kind=amazonpay.Refund")["items"]
    outcomes = [entry["outcome"] for entry in reversed(entries)]
    # A machine that is slow enough for a token to come back in time sees the refusal later.
    assert outcomes.count("ok") == 3
    assert outcomes.count("throttled") >= 1
    assert outcomes[-1] == "ok"

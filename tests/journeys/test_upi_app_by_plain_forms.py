"""The simulated UPI app as a program answers in it."""


def answers(buyer, shop, button, **typed):
    return buyer.buys(shop).asks("asha@okhdfc").opens_the_app().presses(button, **typed)


def test_declining_fails_the_payment(buyer, shop):
    answers(buyer, shop, "upi-decline")
    assert buyer.reads("payment-reason") == "You declined the request. No money was taken."


def test_a_request_left_unanswered_waits_until_its_time_is_over(buyer, shop):
    answers(buyer, shop, "upi-ignore")
    assert not buyer.misses("payment-waiting")
    shop.seller.advance(seconds=300)
    buyer.goes_to(buyer.url)
    assert buyer.reads("payment-status") == "FAILURE"
    assert "never answered" in buyer.reads("payment-reason")


def test_approving_late_sends_the_money_back(buyer, shop):
    answers(buyer, shop, "upi-late")
    assert not buyer.misses("payment-waiting")
    shop.seller.advance(until="idle")
    buyer.goes_to(buyer.url).follows("return-to-seller")
    assert buyer.sees("shop-verified").get("data-status") == "FAILURE"
    assert shop.order()["attempts"][0]["state"] == "REVERSED"


def test_the_third_wrong_pin_locks(buyer, shop):
    buyer.buys(shop)
    for text in ("Wrong UPI PIN", "Wrong UPI PIN", "Too many wrong UPI PINs"):
        buyer.follows("method-upi").opens_the_app().presses("upi-approve", pin="0000")
        assert text in buyer.reads("payment-reason")
        buyer.follows("retry")
    reasons = [attempt["reason"] for attempt in shop.order()["attempts"]]
    assert reasons == ["incorrect_pin", "incorrect_pin", "pin_attempts_exceeded"]


def test_a_request_that_waits_can_be_cancelled(buyer, shop):
    buyer.buys(shop).asks("asha@okhdfc").presses("cancel-payment")
    assert buyer.reads("payment-status") == "CANCELLED"
    assert shop.order()["state"] == "CANCELLED"
    assert "Cancelled by the buyer" in buyer.follows("return-to-seller").reads("shop-verified")


def test_an_impossible_upi_id_is_explained_at_its_field(buyer, shop):
    buyer.buys(shop).follows("method-upi")
    for vpa in ("", "nonsense", "a b@bank", "@bank"):
        buyer.presses("pay", vpa=vpa)
        field = buyer.sees("upi-vpa")
        assert buyer.answer.status_code == 422, vpa
        assert (field.get("aria-invalid"), field.get("value") or "") == ("true", vpa)
        assert buyer.page.xpath("string(//title)").startswith("Error: "), vpa
    assert buyer.presses("pay", vpa="success@mockpay").reads("payment-status") == "SUCCESS"


def test_a_try_that_failed_is_told_where_the_next_one_begins(buyer, shop):
    buyer.buys(shop).asks("insufficient@mockpay").follows("retry")
    assert "Your bank declined the payment" in buyer.page.text_content()
    assert buyer.asks("pendingfail@mockpay").misses("retry")
    shop.seller.advance(until="next")
    assert buyer.goes_to(buyer.url).follows("retry").asks("success@mockpay").reads("payment-status") == "SUCCESS"

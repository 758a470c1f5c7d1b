"""What PayU keeps of a payment, when it comes to the bank, and what a merchant's own page asks before it is shown."""

import json

import pytest

DAY = 86_400


@pytest.fixture
def merchant(merchant):
    """Noon in London is half past five in India: the 21st."""
    merchant.seller.freeze("2026-11-21T12:00:00Z")
    return merchant


def settled(merchant, asked, **more):
    answer = merchant.command("get_settlement_details", var1=asked, **more)
    assert answer["status"] == 1
    return answer["msg"], list(answer["Txn_details"].values())


def test_the_fee_of_a_payment_is_told(merchant):
    paid = merchant.paid(amount="499.00")
    fee = {"status": 1, "msg": "Transaction Fetched Successfully", "TDR_details": {"TDR": 9.98}}
    assert merchant.command("get_TDR", var1=paid["mihpayid"]) == fee
    fields, _ = merchant.opened(pre_authorize="1", amount="499.00")
    merchant.seller.pay(fields["txnid"], "upi", vpa="success@mockpay")
    held = merchant.command("verify_payment", var1=fields["txnid"])["transaction_details"][fields["txnid"]]
    assert merchant.command("get_TDR", var1=held["mihpayid"])["TDR_details"] == {"TDR": 0}
    assert merchant.command("get_TDR", var1="123") == {"status": 0, "msg": "Invalid PayU ID"}
    assert "Parameter missing" in merchant.command("get_TDR", var1="")["msg"]


def test_what_was_captured_comes_to_the_bank_on_the_next_day_less_the_fee(merchant):
    paid = merchant.paid(amount="11979.88")
    merchant.finish(merchant.opened()[1], "insufficient@mockpay")
    merchant.finish(merchant.opened(pre_authorize="1")[1])
    assert settled(merchant, "2026-11-21") == ("0 transactions settled on 2026-11-21", [])
    message, [row] = settled(merchant, "2026-11-22")
    assert message == "1 transactions settled on 2026-11-22"
    assert (row["payuid"], row["txnid"], row["txndate"]) == (paid["mihpayid"], paid["txnid"], "2026-11-21 17:30:00")
    assert (row["mode"], row["requestaction"], row["amount"]) == ("UPI", "capture", "11979.88")
    fees = (row["mer_service_fee"], row["mer_service_tax"], row["igst"], row["mer_net_amount"])
    assert fees == ("239.6000", "43.1300", "43.13000", "11697.1500")
    assert settled(merchant, row["mer_utr"]) == (message, [row])
    assert row["mer_utr"].startswith("N32626")


def test_a_payment_belongs_to_its_indian_day(merchant):
    for moment in ("2026-11-21T18:29:59Z", "2026-11-21T18:30:00Z"):
        merchant.seller.freeze(moment)
        merchant.paid()
    assert [len(settled(merchant, f"2026-11-{day}")[1]) for day in (21, 22, 23, 24)] == [0, 1, 1, 0]


def test_a_settlement_has_pages(merchant):
    paid = [merchant.paid()["mihpayid"] for _ in range(5)]
    pages = [settled(merchant, "2026-11-22", var2=page, var3="2") for page in ("1", "2", "3", "4")]
    assert [[row["payuid"] for row in rows] for _, rows in pages] == [paid[:2], paid[2:4], paid[4:], []]
    assert {message for message, _ in pages} == {"5 transactions settled on 2026-11-22"}


def test_what_is_no_day_is_refused_and_nobodys_utr_has_nothing(merchant):
    merchant.paid()
    wrong = {"status": 0, "msg": "Please check date format it should be YYYY-MM-DD"}
    for asked in ("22-11-2026", "2026-13-01", "x", "N999260000000000"):
        assert merchant.command("get_settlement_details", var1=asked) == wrong
    [row] = settled(merchant, "2026-11-22")[1]
    other = row["mer_utr"][:-1] + ("0" if row["mer_utr"][-1] != "0" else "1")
    assert settled(merchant, other) == (f"0 transactions settled on {other}", [])
    assert settled(merchant, "0001-01-01")[1] == []
    assert merchant.command("get_settlement_details", var1="2026-11-22", var2="0")["status"] == 0


def details(merchant, amount=5000, **uses):
    asked = {"requestId": "1", "transactionDetails": {"amount": amount}, "useCase": uses}
    answer = merchant.command("get_checkout_details", var1=json.dumps(asked))
    assert answer["status"] == 1, answer
    return answer["details"]


def test_a_page_is_told_the_ways_to_pay_an_amount(merchant):
    options = details(merchant, getExtendedPaymentDetails=True)["paymentOptions"]
    assert set(options) == {"cc", "dc", "nb", "upi", "emi"}
    assert options["cc"]["all"]["DINR"] == {"title": "Diners"}
    assert options["nb"]["all"]["AXIB"] == {"title": "Axis Bank"}
    assert not [code for code in options["nb"]["all"] if code.startswith("MK")]
    debit = options["emi"]["all"]["dc"]
    assert debit["hasEligible"] is True
    assert debit["all"]["HDFC"]["tenureOptions"]["HDFCDC03"]["tenure"] == 3
    credit = options["emi"]["all"]["cc"]["all"]["UTIB"]
    assert (credit["title"], credit["minimumAmount"], credit["maximumAmount"]) == ("Axis Bank", 3000, None)
    plan = credit["tenureOptions"]["EMIA3"]
    assert plan["eligibility"] == {"status": True}
    assert (plan["interestRate"], plan["monthlyEmi"], plan["interestCharged"]) == (16, 1711.31, 133.93)
    assert "emi" not in details(merchant, amount=100)["paymentOptions"]
    assert "upi" not in details(merchant, amount=1_000_000)["paymentOptions"]


def test_each_use_adds_its_own(merchant):
    plain = details(merchant)
    assert set(plain) == {"paymentOptions"}
    assert plain["paymentOptions"]["upi"] == {"all": {"UPI": {}}}
    assert details(merchant, getAdditionalCharges=True)["paymentOptions"]["upi"]["all"]["UPI"] == {
        "additionalCharge": 0
    }
    eligible = details(merchant, checkCustomerEligibility=True)["paymentOptions"]
    assert eligible["upi"]["all"]["UPI"] == {"eligibility": {"status": True}}
    assert details(merchant, getTaxSpecification=True)["config"] == {"taxSpecification": {"default": 18}}
    assert details(merchant, checkDownStatus=True)["downInfo"] == {"issuingBanks": [], "nb": []}


def test_what_the_seller_has_switched_off_or_is_down_is_told(merchant):
    window = [{"from": "2020-01-01T00:00:00Z", "to": "2090-01-01T00:00:00Z"}]
    changes = {"methods": {"upi": {"enabled": False}}, "banks": {"UTIB": {"down": window}, "HDFC": {"enabled": False}}}
    merchant.seller.control("PATCH", "/methods", {**changes, "card_networks": {"Diners Club": False}})
    told = details(merchant, checkDownStatus=True)
    assert told["downInfo"] == {"issuingBanks": ["UTIB"], "nb": ["AXIB"]}
    options = told["paymentOptions"]
    assert "upi" not in options
    assert {"AXIB"} == {"AXIB", "HDFB"} & set(options["nb"]["all"])
    assert "DINR" not in options["cc"]["all"]
    assert "AMEX" in options["cc"]["all"]


def test_what_cannot_be_read_is_refused(merchant, subtests):
    amount = {"transactionDetails": {"amount": 1}}
    for asked, words in {
        "x": "JSON object",
        "[]": "JSON object",
        json.dumps(amount): "requestId",
        json.dumps({"requestId": "1"}): "amount",
        json.dumps({"requestId": "1", "transactionDetails": []}): "amount",
        json.dumps({"requestId": "1", "transactionDetails": "x"}): "transactionDetails must be an object",
        json.dumps({"requestId": "1", "transactionDetails": {"amount": "ten"}}): "Invalid amount",
        json.dumps({"requestId": "1", "transactionDetails": {"amount": True}}): "Invalid amount",
        json.dumps({"requestId": "1", **amount, "useCase": "x"}): "useCase must be an object",
    }.items():
        with subtests.test(asked):
            answer = merchant.command("get_checkout_details", var1=asked)
            assert answer["status"] == 0
            assert words in answer["msg"]


def test_an_amount_is_taken_as_json_writes_it(merchant):
    for amount in (8000, 8000.0, 12345.12, "8000.00"):
        assert details(merchant, amount)["paymentOptions"]["upi"]

"""Look-ups and invoices of the front door."""

import json

from mockpay.domain.methods.emi_plans import BANKS
from mockpay.providers.payu.emi_codes import lender_code, plan_code, plan_of
from tests.providers.amazonpay.http_client import send_request


def test_what_is_known_of_a_card(merchant, subtests):
    cards = {
        "512345": ("Y", "ICIC", "MAST", "CC"),
        "608201": ("Y", "SBIN", "RUPAY", "DC"),
        "4111111111111111": ("Y", "HDFC", "VISA", "CC"),
        "999999": ("N", "UNKNOWN", "Unknown", "CC"),
    }
    for digits, known in cards.items():
        with subtests.test(digits):
            told = merchant.command("check_isDomestic", var1=digits)
            assert (told["isDomestic"], told["issuingBank"], told["cardType"], told["cardCategory"]) == known
    for digits in ("5123", "x12345"):
        assert merchant.command("check_isDomestic", var1=digits)["msg"] == "Invalid Bin"
    assert merchant.command("getIssuingBankStatus", var1="512345") == {"issuing_bank": "ICIC", "up_status": 1}


def test_whether_a_card_may_pay_by_instalments(merchant):
    def details(**values):
        return merchant.command("eligibleBinsForEMI", **{"var1": "bin", **values})["details"]

    eligible = {"isEligible": 1, "bank": "HDFC", "minAmount": 1000}
    assert details(var2="4111111111111111") == eligible
    assert details(var2="4111111111111111", var3="hdfc") == eligible
    for other in ({"var2": "4111111111111111", "var3": "ICIC"}, {"var2": "360828"}, {"var2": "999999"}):
        assert details(**other) == {"isEligible": 0}
    assert merchant.command("eligibleBinsForEMI", var1="NET", var2="411111")["status"] == 0
    assert merchant.command("eligibleBinsForEMI", var1="bin", var2="x")["msg"] == "Invalid Bin"


def test_what_an_amount_costs_by_instalments(merchant):
    plans = merchant.command("getEmiAmountAccordingToInterest", var1="100000")
    assert plans["7"]["EMIA3"] == {
        "transactionAmount": 100000,
        "paybackAmount": 0,
        "loanAmount": 100000,
        "emiAmount": 33333.33,
        "additionalCost": "0.00",
        "emiMdrNote": None,
        "emiBankInterest": 16,
        "bankRate": None,
        "bankCharge": 0,
        "amount": 33333.33,
        "card_type": "credit card",
        "emi_value": 34226.15,
        "emi_interest_paid": 2678.45,
        "tenure": "03 months",
    }
    assert set(plans["15"]) == {"EMI", "EMI6", "EMI9", "EMI12", "EMI18", "EMI24"}
    assert plans["21"]["EMIIC24"]["emiBankInterest"] == 15.99
    assert plans["HDFCDC"]["HDFCDC03"]["card_type"] == "debit card"
    assert list(merchant.command("getEmiAmountAccordingToInterest", var1="1000")) == ["15"]
    assert merchant.command("getEmiAmountAccordingToInterest", var1="ten")["status"] == 0


def test_every_plan_has_a_code_of_its_own():
    plans = [plan for bank in BANKS for plan in bank.plans]
    assert [plan_of(plan_code(plan.bank, plan.tenure)) for plan in plans] == plans
    assert len({lender_code(bank.code) for bank in BANKS}) == len(BANKS)


def test_whether_a_bank_can_be_reached(merchant):
    axis = {"ibibo_code": "AXIB", "title": "Axis Bank", "up_status": 1}
    assert merchant.command("getNetbankingStatus", var1="AXIB") == {"AXIB": axis}
    assert merchant.command("getNetbankingStatus", var1="default")["AXIB"] == axis
    window = [{"from": "2020-01-01T00:00:00Z", "to": "2090-01-01T00:00:00Z"}]
    merchant.seller.control("PATCH", "/methods", {"banks": {"UTIB": {"down": window}, "ICIC": {"down": window}}})
    assert merchant.command("getNetbankingStatus", var1="AXIB")["AXIB"]["up_status"] == 0
    assert merchant.command("getIssuingBankStatus", var1="512345")["up_status"] == 0
    assert merchant.command("getNetbankingStatus", var1="nobody")["status"] == 0


def test_whether_there_is_such_a_upi_id(merchant):
    valid = merchant.command("validateVPA", var1="anything@payu", var2="1")
    assert (valid["status"], valid["isVPAValid"], valid["isAutoPayBankValid"]) == ("SUCCESS", 1, "NA")
    for vpa in ("no-vpa", "invalid@mockpay"):
        told = merchant.command("validateVPA", var1=vpa)
        assert told == {"status": "SUCCESS", "vpa": vpa, "isVPAValid": 0, "payerAccountName": "NA"}


def test_payments_are_listed_by_day_and_by_second(merchant):
    merchant.seller.freeze(at="2026-11-30T06:30:00Z")
    failed = merchant.finish(merchant.opened()[1], "insufficient@mockpay")[1]
    merchant.seller.advance(seconds=60)
    paid = merchant.paid()
    listed = merchant.command("get_Transaction_Details", var1="2026-11-30", var2="2026-11-30")["Transaction_details"]
    assert [(each["txnid"], each["id"], each["status"]) for each in listed] == [
        (failed["txnid"], failed["mihpayid"], "failed"),
        (paid["txnid"], paid["mihpayid"], "captured"),
    ]
    assert listed[0]["failure_reason"] == "not enough funds"
    seconds = {"var1": "2026-11-30 12:01:00", "var2": "2026-11-30 12:01:00"}
    [one] = merchant.command("get_transaction_info", **seconds)["Transaction_details"]
    assert one["txnid"] == paid["txnid"]
    none = merchant.command("get_Transaction_Details", var1="2026-12-01", var2="2026-12-02")
    assert none["Transaction_details"] == []
    for odd in (
        {"var1": "30.11.2026", "var2": "2026-11-30"},
        {"var1": "2026-11-30"},
        {"var1": "9999-12-31", "var2": "x"},
    ):
        assert merchant.command("get_Transaction_Details", **odd)["status"] == 0


def test_what_the_merchants_page_got_is_told_again(merchant):
    result = merchant.paid()
    told = merchant.command("get_ws_response", var1=f"{result['txnid']}|nobody")
    assert told["transaction_details"] == {result["txnid"]: result}
    assert merchant.command("get_ws_response", var1="nobody")["status"] == 0


INVOICE = {"amount": "10", "txnid": "inv-1", "productinfo": "iPhone", "firstname": "Asha", "email": "a@b.in"}


def invoice(merchant, **changes):
    return merchant.command("create_invoice", var1=json.dumps({**INVOICE, **changes}))


def test_an_invoice_has_an_address_at_which_the_buyer_pays_and_stays(merchant):
    made = invoice(merchant, validation_period=2, time_unit="H")
    assert (made["Transaction Id"], made["Status"], made["Email Id"]) == ("inv-1", "Success", "a@b.in")
    assert made["URL"].startswith(f"{merchant.seller.server.url}/pay/")
    page = made["URL"].removeprefix(merchant.seller.server.url)
    send_request(merchant.seller.server, f"{page}upi", form="vpa=success%40mockpay")
    assert send_request(merchant.seller.server, f"{page}return").location == f"{page}result"
    details = merchant.command("verify_payment", var1="inv-1")["transaction_details"]["inv-1"]
    assert (details["status"], details["amt"]) == ("success", "10.00")
    assert invoice(merchant)["status"] == 0
    assert "cannot be expired" in merchant.command("expire_invoice", var1="inv-1")["msg"]


def test_an_invoice_ends_by_command_and_by_itself(merchant):
    invoice(merchant)
    assert merchant.command("expire_invoice", var1="inv-1")["status"] == 1
    details = merchant.command("verify_payment", var1="inv-1")["transaction_details"]["inv-1"]
    assert (details["status"], details["unmappedstatus"]) == ("failure", "cancelled")
    invoice(merchant, txnid="inv-2", validation_period=2, time_unit="H")
    merchant.seller.advance(seconds=7_199)
    assert merchant.seller.order("inv-2")["state"] == "CREATED"
    merchant.seller.advance(seconds=1)
    assert merchant.seller.order("inv-2")["state"] == "EXPIRED"
    assert merchant.command("expire_invoice", var1="nobody")["status"] == 0


def test_an_invoice_that_cannot_be_is_refused(merchant, subtests):
    for changes in (
        {"amount": "0.5"},
        {"validation_period": 0},
        {"firstname": ""},
        {"txnid": "x" * 26},
        {"email": "\0"},
    ):
        with subtests.test(changes=changes):
            assert invoice(merchant, **changes)["status"] == 0
    for text in ("{", "[]", "7", "null", "[" * 10_000):
        with subtests.test(text=text[:9]):
            assert merchant.command("create_invoice", var1=text)["msg"] == "Invalid Json."
    assert merchant.seller.orders() == []

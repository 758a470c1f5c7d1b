"""Payments through the front door: the form, our pages, and the result that the browser posts back."""

import pytest

from mockpay.wire import forms
from mockpay.wire.payu import hashes
from tests.providers.amazonpay.http_client import send_request
from tests.providers.payu.merchant import FURL, SURL

HASHED = {"key", "txnid", "amount", "productinfo", "firstname", "email", "status", *(f"udf{n}" for n in range(1, 6))}


def test_a_payment_comes_back_with_every_hashed_field_and_its_hash(merchant):
    fields, page = merchant.opened(udf1="one", amount="10")
    url, result = merchant.finish(page)
    assert url == SURL
    assert result.keys() >= HASHED
    assert "additionalCharges" not in result
    assert merchant.believes(result)
    assert not merchant.believes({**result, "amount": "1.00"})
    told = {name: result[name] for name in ("txnid", "amount", "status", "unmappedstatus", "mode", "error", "udf1")}
    assert told == {
        "txnid": fields["txnid"],
        "amount": "10.00",
        "status": "success",
        "unmappedstatus": "captured",
        "mode": "UPI",
        "error": "E000",
        "udf1": "one",
    }
    [order] = merchant.seller.orders()
    assert (order["order_id"], order["provider"], order["state"]) == (fields["txnid"], "payu", "PAID")
    [attempt] = merchant.seller.order(fields["txnid"])["attempts"]
    assert (attempt["attempt_id"], attempt["gateway"]) == (result["mihpayid"], "simulator")


def cancelled(merchant, page):
    send_request(merchant.seller.server, f"{page}cancel", form="")
    return merchant.leave(page)


def expired(merchant, page):
    merchant.seller.advance(seconds=1000)
    return merchant.leave(page)


def voided(merchant, page):
    [order] = merchant.seller.orders()
    merchant.seller.cancel(order["order_id"])
    return merchant.leave(page)


ENDS = {
    "insufficient": (lambda merchant, page: merchant.finish(page, "insufficient@mockpay"), "failure", "failed", "E202"),
    "pending": (lambda merchant, page: merchant.finish(page, "pending@mockpay"), "pending", "in progress", "E227"),
    "cancelled": (cancelled, "failure", "userCancelled", "E302"),
    "cancelled by the seller": (voided, "failure", "cancelled", "E302"),
    "expired": (expired, "failure", "bounced", "E218"),
}


@pytest.mark.parametrize("end", ENDS)
def test_every_other_end_is_posted_to_the_page_for_failures(merchant, end):
    leave, status, unmapped, error = ENDS[end]
    fields, page = merchant.opened()
    url, result = leave(merchant, page)
    assert url == FURL
    assert merchant.believes(result)
    assert (result["status"], result["unmappedstatus"], result["error"]) == (status, unmapped, error)
    details = merchant.command("verify_payment", var1=fields["txnid"])["transaction_details"][fields["txnid"]]
    told = (details["status"], details["unmappedstatus"], details["mihpayid"])
    assert told == (status, unmapped, result["mihpayid"])


def test_a_buyer_who_gives_up_goes_to_the_page_for_that_where_there_is_one(merchant):
    _, page = merchant.opened(curl="http://127.0.0.1/cancelled")
    assert cancelled(merchant, page)[0] == "http://127.0.0.1/cancelled"


def test_a_txnid_is_taken_again_until_it_was_successful(merchant):
    fields, page = merchant.opened()
    again = merchant.post("/_payment", merchant.signed(fields))
    assert again.location == page
    merchant.finish(page, "insufficient@mockpay")
    _, second = merchant.opened(**fields)
    assert second != page
    assert merchant.finish(second)[1]["status"] == "success"
    refused = merchant.post("/_payment", merchant.signed(fields))
    assert (refused.status, refused.location) == (409, None)
    assert "Duplicate transaction id" in refused.text
    assert merchant.command("verify_payment", var1=fields["txnid"])["transaction_details"][fields["txnid"]][
        "status"
    ] == ("success")


def test_a_txnid_whose_money_is_held_is_not_taken_again(merchant):
    fields, page = merchant.opened(pre_authorize="1", amount="1.00")
    url, result = merchant.finish(page)
    assert (url, result["unmappedstatus"]) == (SURL, "auth")
    for again in (fields, {**fields, "amount": "2.00"}):
        refused = merchant.post("/_payment", merchant.signed(again))
        assert (refused.status, refused.location) == (409, None)


def test_a_txnid_that_is_another_companys_order_is_not_taken(merchant):
    merchant.seller.open_order("10.00")
    [order] = merchant.seller.orders()
    assert merchant.pay(txnid=order["order_id"])[1].status == 409
    details = merchant.command("verify_payment", var1=order["order_id"])["transaction_details"]
    assert details[order["order_id"]]["status"] == "Not Found"
    attempt = merchant.seller.pay(order["order_id"], "upi", vpa="success@mockpay")["attempt_id"]
    assert merchant.command("check_payment", var1=attempt)["status"] == 0


def test_a_payment_whose_answer_is_late_is_pending_first(merchant):
    fields, page = merchant.opened()
    result = merchant.finish(page, "noresponse@mockpay")[1]
    assert (result["status"], result["error"], result["field9"]) == ("pending", "E227", "TRANSACTION_PENDING")

    def status():
        details = merchant.command("verify_payment", var1=fields["txnid"])["transaction_details"]
        return details[fields["txnid"]]["status"], details[fields["txnid"]]["unmappedstatus"]

    assert status() == ("pending", "in progress")
    merchant.seller.advance(seconds=60)
    assert status() == ("success", "captured")
    fields, page = merchant.opened()
    assert merchant.finish(page, "late@mockpay")[1]["status"] == "pending"
    merchant.seller.advance(seconds=100_000)
    assert status() == ("failure", "autoRefund")


def test_a_form_that_is_not_believed_is_a_page_that_leads_nowhere(merchant, subtests):
    good = merchant.fields()
    signed = merchant.signed(good)
    wrong = {
        "key of nobody": ({**signed, "key": "nobody"}, 401, "Invalid key"),
        "no key": ({name: value for name, value in signed.items() if name != "key"}, 401, "Invalid key"),
        "tampered amount": ({**signed, "amount": "1.00"}, 403, "Invalid Hash"),
        "no hash": ({**signed, "hash": ""}, 403, "Invalid Hash"),
        "no surl": (merchant.signed(merchant.fields(surl=None)), 400, "surl"),
        "foreign surl": (merchant.signed(merchant.fields(surl="https://evil.example/")), 403, "surl"),
        "foreign furl": (merchant.signed(merchant.fields(furl="https://evil.example/")), 403, "furl"),
        "foreign curl": (merchant.signed(merchant.fields(curl="https://evil.example/")), 403, "curl"),
        "too little": (merchant.signed(merchant.fields(amount="0.99")), 400, "Invalid amount"),
        "no amount": (merchant.signed(merchant.fields(amount="ten")), 400, "Invalid amount"),
        "long txnid": (merchant.signed(merchant.fields(txnid="x" * 26)), 400, "txnid"),
        "long city": (merchant.signed(merchant.fields(city="x" * 256)), 400, "city"),
        "odd outcome": (merchant.signed(merchant.fields(mockpay_outcome="issuer=odd")), 400, "odd"),
        "broken escape": ("key=%zz", 400, "percent"),
        "NUL": ("key=%00", 400, "NUL"),
    }
    for name, (form, status, words) in wrong.items():
        with subtests.test(name):
            reply = merchant.post("/_payment", form)
            assert (reply.status, reply.location) == (status, None)
            assert reply.content_type.startswith("text/html")
            assert words in reply.text
            assert merchant.credentials["salt"] not in reply.text
    assert merchant.seller.orders() == []


def test_the_page_of_a_refused_hash_names_the_likely_mistake(merchant, subtests):
    own, good = merchant.credentials, merchant.fields(amount="10", udf1="one")

    def hash_of(text):
        return hashes.digest(text)

    form = {"key": own["key"], **good}
    usual = hashes.payment_text(form, own["salt"])
    mistakes = {
        "in capitals": hash_of(usual).upper(),
        "10.00": hash_of(hashes.payment_text({**form, "amount": "10.00"}, own["salt"])),
        "5 pipes": hash_of(usual.replace("||||||" + own["salt"], "|||||" + own["salt"])),
        "salt was left out": hash_of(usual.removesuffix(own["salt"])),
        "udf1 to udf5": hash_of(hashes.payment_text({k: v for k, v in form.items() if k != "udf1"}, own["salt"])),
        "other way round": hash_of(hashes.response_text(form, own["salt"])),
        "none of the known": "0" * 128,
    }
    for words, received in mistakes.items():
        with subtests.test(words):
            reply = merchant.post("/_payment", {**form, "hash": received})
            assert reply.status == 403
            assert words in reply.text


def test_what_the_call_asks_for_decides(merchant, subtests):
    ways = {
        "a field": {"mockpay_outcome": "issuer=insufficient"},
        "a udf": {"udf3": "mockpay_outcome=issuer=insufficient"},
        "a header": {"headers": {"Mockpay-Outcome": "issuer=insufficient"}},
    }
    for name, more in ways.items():
        with subtests.test(name):
            _, reply = merchant.pay(**more)
            url, result = merchant.finish(reply.location, "anyone@payu")
            assert (url, result["field9"]) == (FURL, "not enough funds")
            assert merchant.believes(result)


def test_what_can_never_come_of_a_call_is_refused(merchant):
    _, reply = merchant.pay(mockpay_outcome="verify=stale")
    assert reply.status == 400
    assert "&#39;verify=stale&#39; cannot be" in reply.text
    refused = merchant.command(
        "cancel_refund_transaction",
        var1=merchant.paid()["mihpayid"],
        var2="R",
        var3="1.00",
        headers={"Mockpay-Outcome": "issuer=insufficient"},
    )
    assert refused["status"] == 0


def test_a_merchants_own_page_pays_without_ours(merchant):
    card = {"ccnum": "4111111111111111", "ccvv": "123", "ccexpmon": "05", "ccexpyr": "2030", "ccname": "Asha"}
    fields, page = merchant.opened(pg="CC", bankcode="CC", mockpay_outcome="auth=frictionless", **card)
    url, result = merchant.leave(page.removesuffix("return"))
    assert (url, result["status"], result["mode"], result["cardnum"]) == (SURL, "success", "CC", "411111XXXXXX1111")
    assert "4111111111111111" not in str(merchant.seller.order(fields["txnid"]))
    emi = {"amount": "10000.00", "mockpay_outcome": "auth=frictionless", **card}
    _, page = merchant.opened(pg="EMI", bankcode="EMI6", **emi)
    result = merchant.leave(page.removesuffix("return"))[1]
    assert (result["status"], result["mode"], result["bankcode"]) == ("success", "EMI", "EMI6")
    for bankcode in ("EMI5", "EMIA6", ""):
        assert merchant.pay(pg="EMI", bankcode=bankcode, **emi)[1].status == 400
    _, page = merchant.opened(pg="UPI", bankcode="UPI", vpa="insufficient@mockpay")
    assert merchant.leave(page.removesuffix("return"))[1]["status"] == "failure"
    refused = merchant.pay(pg="CC", bankcode="CC", **{**card, "ccnum": "4111111111111112"})[1]
    assert refused.status == 400
    assert "4111111111111112" not in refused.text


def test_a_payment_from_server_to_server_is_answered_with_json(merchant):
    card = {"ccnum": "4111111111111111", "ccvv": "123", "ccexpmon": "05", "ccexpyr": "30", "pg": "CC", "bankcode": "CC"}
    result = merchant.pay(txn_s2s_flow="4", mockpay_outcome="auth=frictionless", **card)[1].json
    assert result.get("status") == "success", result
    assert merchant.believes(result)
    asked = merchant.pay(txn_s2s_flow="4", mockpay_outcome="auth=challenge", **card)[1].json
    assert asked["metaData"]["txnStatus"] == "Enrolled"
    assert asked["result"]["acsUrl"].startswith(f"{merchant.seller.server.url}/pay/")
    refused = merchant.post("/_payment", {**merchant.signed(merchant.fields(txn_s2s_flow="4")), "hash": "0"})
    assert (refused.json["metaData"]["message"], refused.json["result"]) == ("Invalid Hash.", None)


def test_a_form_in_parts_is_read_too(merchant):
    fields = merchant.signed(merchant.fields())
    lines = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    ]
    body = ("".join(lines) + "--x--\r\n").encode()
    sent = {"Content-Type": "multipart/form-data; boundary=x"}
    reply = send_request(merchant.seller.server, "/gw/payu/_payment", form=body, headers=sent)
    assert reply.status == 302


def test_the_companys_own_host_leads_below_the_mount(merchant):
    form = forms.encode_form(merchant.signed(merchant.fields()).items())
    for host in ("test.payu.in", "secure.payu.in"):
        assert send_request(merchant.seller.server, "/_payment", form=form, host=host).status == 302


def test_a_payment_without_a_browser_is_told_what_a_browser_would_post(merchant):
    fields, page = merchant.opened()
    paid = merchant.seller.pay(fields["txnid"], "upi", vpa="success@mockpay")
    assert paid["return_url"] == SURL
    assert merchant.believes(paid["return_fields"])
    assert (paid["return_url"], paid["return_fields"]) == merchant.leave(page)


def test_a_browser_that_never_returns_posts_nothing(merchant):
    fields, _ = merchant.opened()
    merchant.seller.next("redirect", "never_returns")
    paid = merchant.seller.pay(fields["txnid"], "upi", vpa="success@mockpay")
    assert (paid["state"], paid["return_url"], paid["return_fields"]) == ("PAID", None, None)


def test_while_another_try_may_follow_nothing_is_posted_yet(merchant):
    fields, page = merchant.opened()
    failed = merchant.seller.pay(fields["txnid"], "upi", vpa="insufficient@mockpay")
    assert (failed["return_url"], failed["return_fields"]) == (f"{merchant.seller.server.url}{page}return", None)

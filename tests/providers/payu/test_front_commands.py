"""Commands of the front door: what became of a payment, captures, refunds, cancellations."""

import json

import pytest

from mockpay.wire.payu import hashes
from tests.providers.amazonpay.http_client import send_request


def refund(merchant, result, token, amount, **more):
    return merchant.command("cancel_refund_transaction", var1=result["mihpayid"], var2=token, var3=amount, **more)


def actions(merchant, result):
    told = merchant.command("check_action_status", var1=result["mihpayid"], var2="payuid")
    found = told["transaction_details"][result["mihpayid"]]
    return [] if isinstance(found, str) else list(found.values())


def authorised(merchant):
    result = merchant.paid(pre_authorize="1")
    assert (result["status"], result["unmappedstatus"]) == ("success", "auth")
    return result


def test_a_payment_is_told_by_either_name(merchant):
    result = merchant.paid()
    txnid, mihpayid = result["txnid"], result["mihpayid"]
    verified = merchant.command("verify_payment", var1=f"{txnid}|nobody")
    assert verified["msg"] == "1 out of 2 Transactions Fetched Successfully"
    assert verified["transaction_details"]["nobody"] == {"mihpayid": "Not Found", "status": "Not Found"}
    assert verified["transaction_details"][txnid]["mihpayid"] == mihpayid
    checked = merchant.command("check_payment", var1=f'"{mihpayid}"')["transaction_details"]
    assert (checked["mihpayid"], checked["status"], checked["txnid"]) == (int(mihpayid), "success", txnid)


def test_a_payment_that_nobody_has_tried_has_its_id_already(merchant):
    fields, page = merchant.opened()
    details = merchant.command("verify_payment", var1=fields["txnid"])["transaction_details"][fields["txnid"]]
    assert (details["status"], details["unmappedstatus"]) == ("pending", "initiated")
    checked = merchant.command("check_payment", var1=details["mihpayid"])["transaction_details"]
    assert checked["unmappedstatus"] == "initiated"
    assert merchant.finish(page)[1]["mihpayid"] == details["mihpayid"]


def test_a_former_try_of_a_payment_is_told_as_it_ended(merchant):
    fields, page = merchant.opened()
    failed = merchant.finish(page, "insufficient@mockpay")[1]
    paid = merchant.finish(merchant.opened(**fields)[1])[1]
    former = merchant.command("check_payment", var1=failed["mihpayid"])["transaction_details"]
    assert (former["status"], former["field9"]) == ("failure", "not enough funds")
    assert paid["mihpayid"] != failed["mihpayid"]


def test_each_try_of_one_payment_has_an_id_and_an_end_of_its_own(merchant):
    fields, page = merchant.opened()
    send_request(merchant.seller.server, f"{page}upi", form="vpa=insufficient%40mockpay")
    paid = merchant.finish(page)[1]
    first, second = (each["attempt_id"] for each in merchant.seller.order(fields["txnid"])["attempts"])
    assert second == paid["mihpayid"]
    told = [merchant.command("check_payment", var1=each)["transaction_details"] for each in (first, second)]
    assert [each["unmappedstatus"] for each in told] == ["failed", "captured"]


def test_money_is_refunded_in_parts_never_more_than_was_taken(merchant):
    result = merchant.paid()
    first = refund(merchant, result, "R-1", "100.00")
    assert (first["status"], first["msg"], first["error_code"]) == (1, "Refund Request Queued", 102)
    assert [(each["token"], each["status"]) for each in actions(merchant, result)] == [("R-1", "queued")]
    merchant.seller.advance(seconds=6)
    by_request = merchant.command("check_action_status", var1=first["request_id"])
    done = by_request["transaction_details"][first["request_id"]][first["request_id"]]
    assert (done["status"], done["amt"], done["action"]) == ("success", "100.00", "refund")

    # One public client names the amount where the others count the values.
    second = merchant.command("cancel_refund_transaction", var1=result["mihpayid"], var2="R-2", amount="9")
    third = merchant.command("cancel_refund_transaction", var1=result["mihpayid"], var2="R-2b", var3="90", amount="1")
    assert (second["status"], third["status"]) == (1, 1)
    over = refund(merchant, result, "R-3", "300.01")
    assert (over["status"], over["error_code"]) == (0, 105)
    duplicate = refund(merchant, result, "R-1", "100.00")
    assert (duplicate["status"], duplicate["error_code"], duplicate["msg"]) == (0, 106, "Token already exists.")
    assert refund(merchant, result, "R-3", "300.00")["status"] == 1
    assert refund(merchant, result, "R-4", "0.01")["error_code"] == 105
    merchant.seller.advance(seconds=6)
    assert merchant.seller.order(result["txnid"])["state"] == "REFUNDED"
    by_txnid = merchant.command("check_action_status_txnid", var1=result["txnid"])
    assert len(by_txnid["transaction_details"][result["txnid"]]) == 4
    again = merchant.command("capture_transaction", var1=result["mihpayid"], var2="C-1", var3="1.00")
    assert again["error_code"] == 301
    # A refunded payment stays captured.
    assert merchant.command("check_payment", var1=result["mihpayid"])["transaction_details"]["status"] == "success"


def test_a_refund_ends_as_its_call_asks(merchant):
    result = merchant.paid()
    refund(merchant, result, "R-1", "1.00", headers={"Mockpay-Outcome": "refund=REJECTED"})
    refund(merchant, result, "R-2", "1.00", mockpay_outcome="refund=completed")
    lost = refund(merchant, result, "R-3", "1.00", headers={"Mockpay-Outcome": "refund=lost_answer"})
    assert lost["status"] == 0
    merchant.seller.advance(seconds=6)
    assert {each["token"]: each["status"] for each in actions(merchant, result)} == {
        "R-1": "failure",
        "R-2": "success",
        "R-3": "success",
    }


def test_what_is_authorised_is_captured_once(merchant):
    result = authorised(merchant)
    over = merchant.command("capture_transaction", var1=result["mihpayid"], var2="C-1", var3="499.01")
    assert (over["status"], over["error_code"]) == (0, 303)
    queued = merchant.command("capture_transaction", var1=result["mihpayid"], var2="C-1", var3="100.00")
    assert (queued["status"], queued["msg"]) == (1, "Capture Request Queued")
    [capture] = actions(merchant, result)
    assert (capture["status"], capture["action"], capture["amt"]) == ("SUCCESS", "capture", "100.00")
    again = merchant.command("capture_transaction", var1=result["mihpayid"], var2="C-2", var3="100.00")
    assert (again["status"], again["error_code"]) == (0, 301)
    order = merchant.seller.order(result["txnid"])
    assert (order["state"], order["captured_amount"]) == ("PAID", "100.00")
    assert refund(merchant, result, "R-1", "100.01")["error_code"] == 105


def test_a_capture_that_takes_a_while_is_queued_until_then(merchant):
    result = merchant.paid(pre_authorize="1", mockpay_outcome="capture=pending")
    merchant.command("capture_transaction", var1=result["mihpayid"], var2="C-1", var3="499.00")
    assert [each["status"] for each in actions(merchant, result)] == ["QUEUED"]
    again = merchant.command("capture_transaction", var1=result["mihpayid"], var2="C-2", var3="499.00")
    assert again["error_code"] == 109
    merchant.seller.advance(seconds=3_600)
    assert [each["status"] for each in actions(merchant, result)] == ["SUCCESS"]


@pytest.mark.parametrize("command", ["cancel_refund_transaction", "cancel_transaction"])
def test_what_is_authorised_is_released(merchant, command):
    result = authorised(merchant)
    cancelled = merchant.command(command, var1=result["mihpayid"], var2="V-1")
    assert (cancelled["status"], cancelled["msg"]) == (1, "Cancel Request Queued")
    assert cancelled["txn_update_id"] in str(actions(merchant, result))
    assert merchant.seller.order(result["txnid"])["state"] == "CANCELLED"
    details = merchant.command("check_payment", var1=result["mihpayid"])["transaction_details"]
    assert (details["status"], details["unmappedstatus"]) == ("failure", "cancelled")
    assert refund(merchant, result, "R-1", "1.00")["error_code"] == 111


def test_a_command_that_cannot_be_is_refused_in_the_companys_own_words(merchant, subtests):
    mihpayid = merchant.paid()["mihpayid"]
    wrong = {
        "nobody's payment": (("check_payment", {"var1": "403993715524069222"}), "Transaction not exists"),
        "a name for an id": (("check_payment", {"var1": "t-1"}), "Transaction not exists"),
        "nothing": (("verify_payment", {"var1": ""}), "Parameter missing"),
        "absent": (("edit_user_card", {"var1": "key:asha"}), "The command edit_user_card is not in this sandbox."),
        "no command": (("no_command", {"var1": "1"}), "Invalid command"),
        "no token": (("cancel_refund_transaction", {"var1": mihpayid, "var3": "1"}), "Token is empty"),
        "no amount": (("cancel_refund_transaction", {"var1": mihpayid, "var2": "T"}), "Amount is empty"),
        "an odd amount": (("cancel_refund_transaction", {"var1": mihpayid, "var2": "T", "var3": "1e2"}), "Invalid"),
        "a long token": (("cancel_refund_transaction", {"var1": mihpayid, "var2": "x" * 24, "var3": "1"}), "23"),
        "no amount to capture": (("capture_transaction", {"var1": mihpayid, "var2": "T"}), "Parameter missing"),
    }
    for name, ((command, values), words) in wrong.items():
        with subtests.test(name):
            refused = merchant.command(command, **values)
            assert refused["status"] == 0
            assert words in refused["msg"]
    nothing = merchant.command("check_action_status", var1="1")
    assert nothing["transaction_details"] == {"1": "No action status found"}


def test_a_command_is_believed_by_its_hash_whatever_client_writes_it(merchant, subtests):
    own, result = merchant.credentials, merchant.paid(txnid="t+1 a")
    txnid = result["txnid"]

    def post(raw, path="/merchant/postservice"):
        return merchant.post(path, raw).json

    def hash_of(var1):
        return hashes.digest(hashes.command_text(own["key"], "verify_payment", var1, own["salt"]))

    # The company's Node client leaves + bare and hashes it so, ends in & and splits what has one in it.
    bare = f"key={own['key']}&command=verify_payment&var1=t+1%20a&hash={hash_of('t+1 a')}&x=http://y?b=2&"
    assert txnid in post(bare)["transaction_details"]
    assert post(bare)["status"] == 1
    right = f"key={own['key']}&command=verify_payment&var1=t%2B1+a&hash={hash_of(txnid)}&salt={own['salt']}"
    for path in ("/merchant/postservice", "/merchant/postservice.php", "/merchant/postservice.php/"):
        with subtests.test(path):
            assert post(right, path)["status"] == 1
    refused = {
        "another salt": f"key={own['key']}&command=verify_payment&var1=x&hash={'0' * 128}",
        "another command": right.replace("verify_payment", "check_payment"),
        "another value": right.replace("t%2B1", "t%2B2"),
    }
    for name, raw in refused.items():
        with subtests.test(name):
            assert post(raw) == {"status": 0, "msg": "Invalid Hash."}
    assert post("key=nobody&command=verify_payment&var1=x&hash=0")["msg"] == "Invalid key."
    assert "key" in post("command=verify_payment")["msg"]


def test_another_sellers_payment_is_nobodys(merchant, mockpay_server):
    other = type(merchant)(mockpay_server.new_seller())
    result = merchant.paid()
    assert other.command("check_payment", var1=result["mihpayid"])["msg"] == "Transaction not exists"
    details = other.command("verify_payment", var1=result["txnid"])["transaction_details"]
    assert details[result["txnid"]]["status"] == "Not Found"


def test_unknown_addresses_and_methods_answer_in_the_companys_json(merchant):
    for path in ("/gw/payu/nothing", "/gw/payu/", "/gw/payu/merchant", "/gw/payu/_payment/more"):
        reply = send_request(merchant.seller.server, path)
        assert (reply.status, reply.json["status"]) == (404, 0)
    reply = send_request(merchant.seller.server, "/gw/payu/_payment", method="DELETE")
    assert (reply.status, reply.json["status"]) == (405, 0)
    by_host = send_request(merchant.seller.server, "/nothing", host="info.payu.in")
    assert (by_host.status, by_host.json["status"]) == (404, 0)


def test_the_journal_names_each_command_and_its_order_and_no_secret(merchant):
    result = merchant.paid()
    refund(merchant, result, "R-1", "1.00")
    merchant.command("check_payment", var1="1")
    merchant.post("/merchant/postservice", f"key={merchant.credentials['key']}&command=verify_payment&var1=x&salt=hush")
    entries = merchant.seller.control("GET", "/journal?limit=50")["items"]
    lines = {(entry["kind"], entry["outcome"]) for entry in entries}
    assert lines >= {
        ("payu.payment", "ok"),
        ("payu.cancel_refund_transaction", "ok"),
        ("payu.check_payment", "transaction.not_found"),
        ("payu.verify_payment", "hash.invalid"),
    }
    about = merchant.seller.control("GET", f"/journal?order_id={result['txnid']}")["items"]
    assert {entry["kind"] for entry in about} == {"payu.payment", "payu.cancel_refund_transaction"}
    for secret in (merchant.credentials["salt"], "hush"):
        assert secret not in json.dumps(entries)


def test_an_order_of_a_long_txnid_is_cancelled_by_hand_too(merchant):
    result = merchant.paid(txnid="t" * 25)
    merchant.seller.cancel("t" * 25)
    [made] = merchant.seller.order("t" * 25)["refunds"]
    assert made["amount"] == "499.00"
    assert result["status"] == "success"

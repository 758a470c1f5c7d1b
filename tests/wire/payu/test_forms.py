"""Forms and hashes as the public Python clients (payu-websdk 0.1.7, paywix 2.0.2) send and accept them."""

import json
from pathlib import Path

import pytest

from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import Money
from mockpay.wire.payu import answers, errors, hashes, requests
from mockpay.wire.payu.requests import Command
from mockpay.wire.redaction import HIDDEN, redact

KNOWN = json.loads((Path(__file__).parents[2] / "vectors" / "payu.json").read_text())
KEY, SALT = KNOWN["credentials"]["key"], KNOWN["credentials"]["salt"]
TXNID, MIHPAYID = "att_k5xq2mjv6n3c4w8e7r9t", "403993715524069222"
COMMANDS = {
    "websdk_verify_payment": requests.verify_payment(TXNID),
    "websdk_check_payment": requests.check_payment(MIHPAYID),
    "websdk_check_is_domestic": Command("check_isDomestic", {"var1": "512345"}),
    "paywix_verify_payment": requests.verify_payment("att_1|att_2"),
    "paywix_refund": requests.cancel_refund_transaction(MIHPAYID, "R-1-token", "100.00"),
    "paywix_refund_status": Command("check_action_status", {"var1": "131278422"}),
}


def sent(name):
    known = KNOWN["requests"][name]
    # One client posts the salt too; nobody needs it.
    fields = {field: value for field, value in requests.decode(known["body"].encode()).items() if field != "salt"}
    return known["path"], known["headers"]["Content-Type"], fields


def test_commands_are_those_of_the_public_clients(subtests):
    for name, command in COMMANDS.items():
        with subtests.test(name):
            form = requests.command_form(command, KEY, SALT)
            call = requests.encode(form, requests.COMMAND_PATH, "http://mock/", 3)
            path, content_type, fields = sent(name)
            assert (call.method, call.url, call.timeout) == ("POST", f"http://mock{path}", 3)
            assert call.headers["Content-Type"] == content_type
            assert requests.decode(call.body) == fields


def test_hashes_are_those_of_the_public_clients(subtests):
    for known in KNOWN["payment_hashes"]:
        with subtests.test(fields=known["fields"]):
            text = hashes.payment_text({"key": KEY, **known["fields"]}, SALT)
            assert hashes.digest(text) == known["hash"]
            assert hashes.fits(text, known["hash"])
            assert not hashes.fits(text + " ", known["hash"])
            assert not hashes.fits(text, known["hash"][:-1] + "é")
    for known in KNOWN["response_hashes"]:
        with subtests.test(fields=known["fields"]):
            assert hashes.digest(hashes.response_text({"key": KEY, **known["fields"]}, SALT)) == known["hash"]


def test_a_payment_is_hashed_with_what_its_variant_adds():
    fields = {"key": "k", "txnid": "t", "amount": "10", "productinfo": "p", "firstname": "f", "email": "e", "udf5": "u"}

    def text(**more):
        return hashes.payment_text({**fields, **more}, "SALT")

    assert text() == "k|t|10|p|f|e|||||u||||||SALT"
    assert text(udf6="six") == text()
    assert text(api_version="19", udf6="six", udf10="ten") == "k|t|10|p|f|e|||||u|six||||ten|SALT"
    assert text(additional_charges="CC:5") == text() + "|CC:5"
    assert text(splitRequest="{}") == text() + "|{}"
    assert text(si_details="{}") == "k|t|10|p|f|e|||||u||||||{}|SALT"
    assert text(beneficiarydetail="{}") == "k|t|10|p|f|e|||||u||||||{}|SALT"
    assert hashes.response_text({**fields, "status": "success"}, "SALT") == "SALT|success||||||u|||||e|f|p|10|t|k"
    assert hashes.response_text({**fields, "additionalCharges": "5", "status": "success"}, "SALT") == (
        "5|SALT|success||||||u|||||e|f|p|10|t|k"
    )


def test_a_form_is_read_as_the_clients_write_it():
    assert requests.decode(b"key=k&var5=http://x/cb?a=1&b=2&hash=h&") == {
        "key": "k",
        "var5": "http://x/cb?a=1",
        "b": "2",
        "hash": "h",
    }
    assert requests.decode(b"a=1&a=2") == {"a": "2"}
    assert requests.first_value_spellings(b"var1=a+b@payu") == ["a b@payu", "a+b@payu"]
    for malformed in [b"a=%zz", b"a=%00", b"&".join([b"a=1"] * 300)]:
        with pytest.raises(Invalid) as refused:
            requests.decode(malformed)
        assert refused.value.code == "form.malformed"


PAYMENT = answers.Transaction(
    mihpayid=MIHPAYID,
    fields={"txnid": TXNID, "productinfo": "Order", "firstname": "Asha", "email": "a@b.in", "udf5": "five"},
    amount=Money(49_900),
    unmapped_status="captured",
    added_on="2026-11-30 12:00:00",
    mode="CC",
    bank_code="CC",
    message="Transaction is Successful",
    bank_reference="123456789012",
    auth_code="086403",
    card_number="411111XXXXXX1111",
)


def test_a_result_has_every_hashed_field_and_no_additional_charges():
    fields = answers.payment_fields(PAYMENT, KEY, SALT)
    hashed = {
        "key",
        "txnid",
        "amount",
        "productinfo",
        "firstname",
        "email",
        "status",
        *(f"udf{n}" for n in range(1, 6)),
    }
    assert hashed <= set(fields)
    assert "additionalCharges" not in fields
    assert hashes.fits(hashes.response_text(fields, SALT), fields["hash"])
    assert (fields["amount"], fields["status"], fields["udf1"], fields["error"]) == ("499.00", "success", "", "E000")


def test_details_tell_what_is_asked_for_and_what_nobody_knows():
    plain = answers.verified([TXNID, "other"], {TXNID: PAYMENT})
    assert (plain["status"], plain["msg"]) == (1, "1 out of 2 Transactions Fetched Successfully")
    assert plain["transaction_details"][TXNID]["mihpayid"] == MIHPAYID
    assert plain["transaction_details"]["other"] == {"mihpayid": "Not Found", "status": "Not Found"}
    nobody = answers.verified(["other"], {})
    assert (nobody["status"], nobody["msg"]) == (0, "0 out of 1 Transactions Fetched Successfully")
    assert answers.read_refusal(nobody) is None
    checked = answers.checked(PAYMENT)["transaction_details"]
    assert (checked["mihpayid"], checked["net_amount"], checked["status"]) == (int(MIHPAYID), None, "success")


def test_actions_are_told_in_the_spelling_of_their_kind():
    def action(kind, status):
        return answers.Action("131278422", kind, "R-1", status, Money(100), MIHPAYID, "123456789012")

    assert answers.queued(action("refund", "queued"))["error_code"] == errors.QUEUED
    cancelled = answers.queued(action("cancel", "queued"))
    assert (cancelled["msg"], cancelled["txn_update_id"]) == ("Cancel Request Queued", "131278422")
    assert "error_code" not in cancelled

    told = answers.action_status(MIHPAYID, [action("capture", "success")], "CC")
    capture = answers.read_details(told, MIHPAYID, "131278422")
    assert (capture["status"], capture["refund_mode"], capture["amt"]) == ("SUCCESS", "-", "1.00")
    refund = answers.read_details(
        answers.action_status(MIHPAYID, [action("refund", "success")], "CC"), MIHPAYID, "131278422"
    )
    assert (refund["status"], refund["refund_mode"]) == ("success", "Back to Source")
    nothing = answers.action_status("7", [], "")
    assert answers.read_details(nothing, "7") == "No action status found"
    for names in [("8",), ("7", "131278422")]:
        with pytest.raises(Invalid):
            answers.read_details(nothing, *names)


def test_a_refusal_is_read_as_it_is_written():
    refused = answers.refusal("Token already exists.", errors.DUPLICATE_TOKEN)
    assert answers.read_refusal(refused) == answers.Refusal("Token already exists.", 106)
    assert answers.read_refusal(answers.refusal("Invalid Hash.")) == answers.Refusal("Invalid Hash.")
    assert answers.read_refusal(answers.refused_payment(TXNID, "No.")) == answers.Refusal("No.")
    assert answers.read_refusal({"status": 0, "error_code": "9" * 5_000}) == answers.Refusal("")
    assert answers.read_refusal({"status": "success"}) is None


def test_nothing_is_stored_that_no_list_allows():
    card = {"ccnum": "4111111111111111", "ccvv": "123", "ccname": "Asha", "vpa": "asha@payu"}
    form = requests.payment({"txnid": TXNID, "amount": "1.00", "email": "a@b.in", **card}, KEY, SALT)
    stored = redact({**form, "salt": SALT}, requests.SHOWN)
    assert (stored["txnid"], stored["amount"], stored["txn_s2s_flow"]) == (TXNID, "1.00", "4")
    assert {name for name, value in stored.items() if value == HIDDEN} == {*card, "email", "key", "salt", "hash"}
    told = redact(answers.payment_fields(PAYMENT, KEY, SALT), answers.SHOWN)
    assert {told[name] for name in ("key", "hash", "cardnum", "email", "firstname")} == {HIDDEN}
    assert told["mihpayid"] == MIHPAYID

"""Why a hash does not fit: the mistakes that clients make, by name."""

import json

import pytest

from mockpay.testing.control import ControlError
from mockpay.wire import forms
from mockpay.wire.payu import hashes


def explain(merchant, form, path="/gw/payu/_payment", **more):
    url = path if "://" in path else f"{merchant.seller.server.url}{path}"
    body = {"url": url, "method": "POST", "body": forms.encode_form(form.items()), **more}
    return merchant.seller.control("POST", "/signature/explain", body)


def digest_of(form, salt):
    return hashes.digest(hashes.payment_text(form, salt))


def test_each_mistake_in_a_payments_hash_is_named(merchant, mockpay_server, subtests):
    """Trap 14 (payu Documentations#24): hash over "10" or "10.00", key of the other mode, additionalCharges in front."""
    other = type(merchant)(mockpay_server.new_seller())
    salt = merchant.credentials["salt"]
    form = merchant.signed(merchant.fields(amount="10", udf1="one", additional_charges="CC:5"))
    usual = hashes.payment_text(form, salt)

    def without(name):
        return {field: value for field, value in form.items() if field != name}

    made = {
        "hash.capitals": form["hash"].upper(),
        "hash.missing": "",
        "hash.pipes": hashes.digest(usual.replace(f"||||||{salt}", f"|||||||||||{salt}")),
        "hash.reverse": hashes.digest(hashes.response_text(form, salt)),
        "salt.other": digest_of(form, other.credentials["salt"]),
        "amount.differs": digest_of({**form, "amount": "10.00"}, salt),
        "additional_charges.not_hashed": digest_of(without("additional_charges"), salt),
        "udf.not_hashed": digest_of(without("udf1"), salt),
        "productinfo.differs": digest_of({**form, "productinfo": "None"}, salt),
    }
    for name, received in made.items():
        with subtests.test(name):
            told = explain(merchant, {**form, "hash": received})
            assert (told["matched"], [each["name"] for each in told["mistakes"]]) == (None, [f"payu.{name}"])
            assert salt not in json.dumps(told)
            assert other.credentials["salt"] not in json.dumps(told)
    fits = explain(merchant, form)
    assert (fits["matched"], fits["mistakes"], fits["expected_signature"]) == ("payment", [], form["hash"])
    assert fits["string_to_sign"].endswith("|one||||||||||<SALT>|CC:5")
    foreign = explain(merchant, other.signed(merchant.fields()))
    assert [each["name"] for each in foreign["mistakes"]] == ["payu.key.other"]
    unknown = explain(merchant, {**form, "hash": "0" * 128})
    assert (unknown["matched"], unknown["mistakes"]) == (None, [])


def test_a_salt_that_was_left_out_is_named(merchant):
    form = merchant.signed(merchant.fields())
    told = explain(merchant, {**form, "hash": digest_of(form, "")})
    assert [each["name"] for each in told["mistakes"]] == ["payu.salt.missing"]


def test_the_byte_at_which_ones_own_string_leaves_ours_is_told(merchant):
    salt = merchant.credentials["salt"]
    form = merchant.signed(merchant.fields(amount="10"))
    own = hashes.payment_text({**form, "amount": "1"}, salt)
    told = explain(merchant, {**form, "hash": hashes.digest(own)}, string_to_sign=own)
    assert told["first_difference"] == len(f"{form['key']}|{form['txnid']}|1")
    assert told["your_string_to_sign"] == own.replace(salt, "<SALT>")
    assert told["string_to_sign"].endswith("||||||<SALT>")


def test_a_result_is_explained_wherever_the_sellers_page_is(merchant, subtests):
    salt, result = merchant.credentials["salt"], merchant.paid(udf1="one")
    page = "http://127.0.0.1/success"
    assert explain(merchant, result, page, provider="payu")["matched"] == "result"
    computed = {
        "payu.hash.reverse": hashes.digest(hashes.payment_text(result, salt)),
        "payu.udf.not_hashed": hashes.digest(hashes.response_text({**result, "udf1": ""}, salt)),
        "payu.status.differs": hashes.digest(hashes.response_text({**result, "status": "None"}, salt)),
        "payu.firstname.differs": hashes.digest(hashes.response_text({**result, "firstname": "undefined"}, salt)),
    }
    for name, signature in computed.items():
        with subtests.test(name):
            told = explain(merchant, result, page, provider="PayU", signature=signature)
            assert [each["name"] for each in told["mistakes"]] == [name]
    with pytest.raises(ControlError, match="payu"):
        explain(merchant, result, page, provider="pay")


def test_a_command_is_explained_by_its_address_or_by_the_companys_own_host(merchant):
    own = merchant.credentials
    form = {"key": own["key"], "command": "verify_payment", "var1": "t-1", "var2": "x"}
    right = hashes.digest(hashes.command_text(own["key"], "verify_payment", "t-1", own["salt"]))
    for path in ("/gw/payu/merchant/postservice.php?form=2", "https://info.payu.in/merchant/postservice.php?form=2"):
        assert explain(merchant, {**form, "hash": right}, path)["matched"] == "command"
        wrong = hashes.digest(hashes.command_text(own["key"], "verify_payment", "", own["salt"]))
        told = explain(merchant, {**form, "hash": wrong}, path)
        assert [each["name"] for each in told["mistakes"]] == ["payu.var1.differs"]

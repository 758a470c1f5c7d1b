"""What of fields a text that is signed may show."""

from mockpay.wire.redaction import HIDDEN, redact_fields


def test_fields_of_a_signed_text_are_told_where_they_are_listed_or_empty():
    fields = {"txnid": "t-1", "amount": 100, "email": "a@b.test", "udf1": "", "card": {"number": "4111"}}
    told = {"txnid": "t-1", "amount": "100", "email": HIDDEN, "udf1": "", "card": HIDDEN}
    assert redact_fields(fields, {"txnid", "amount", "card"}) == told

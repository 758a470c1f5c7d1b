from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockpay.wire import forms
from mockpay.wire.amazonpay import signature_verification, signing
from mockpay.wire.amazonpay.signing import Encoding
from mockpay.wire.forms import FormError

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def test_each_client_family_has_its_own_percent_encoding(subtests):
    for encoding, encoded in [
        (Encoding.PHP, "%C3%83%C2%A9%20%2A%28%27%29%21%2F%2B-_.~%25"),
        (Encoding.NODE, "%C3%83%C2%A9%20*(')!%2F%2B-_.~%25"),
        (Encoding.RFC3986, "%C3%A9%20%2A%28%27%29%21%2F%2B-_.~%25"),
        (Encoding.JAVASCRIPT, "%C3%A9%20*(')!%2F%2B-_.~%25"),
    ]:
        with subtests.test(encoding=encoding, encoded=encoded):
            assert encoding.percent_encode("é *(')!/+-_.~%") == encoded


@given(text=TEXT, encoding=st.sampled_from([Encoding.PHP, Encoding.NODE]))
def test_double_utf8_is_undone_for_any_text(text, encoding):
    decoded = forms.percent_decode(encoding.percent_encode(text))

    assert signing.undo_double_utf8(decoded) == text


def test_text_that_was_encoded_once_is_left_alone(subtests):
    for text in ["plain", "नमस्ते", "naïve", "\xff", "😀é"]:
        with subtests.test(text=text):
            assert signing.undo_double_utf8(text) == text


@given(pairs=st.lists(st.tuples(TEXT.filter(bool), TEXT)))
def test_a_written_form_reads_back_as_the_same_pairs(pairs):
    assert forms.decode_form(forms.encode_form(pairs)) == pairs


@given(raw=st.one_of(st.binary(), st.text(), st.text("%aF8&=+\ud800é")))
def test_no_input_makes_reading_fail_otherwise_than_by_a_form_error(raw):
    with suppress(FormError):
        for name, value in forms.decode_form(raw):
            (name + value).encode()


@given(encoded=st.text())
def test_reencoding_any_text_never_fails(encoded):
    assert signature_verification.reencode(encoded).isascii()


def test_a_plus_is_a_space_only_in_forms():
    assert forms.decode_form("a=x+y%2B") == [("a", "x y+")]
    assert forms.decode_form("a=x+y", plus_is_space=False) == [("a", "x+y")]
    assert forms.percent_decode("x+y") == "x+y"


def test_pairs_keep_their_order_and_may_lack_a_value():
    assert forms.decode_form("b=1&a=2&b&c=&&d==e") == [("b", "1"), ("a", "2"), ("b", ""), ("c", ""), ("d", "=e")]


def test_bytes_that_are_no_utf8_become_replacement_characters():
    assert forms.decode_form(b"a=%FF\xff") == [("a", "\ufffd\ufffd")]


def test_a_broken_percent_escape_is_refused(subtests):
    for raw in ["a=%", "a=%4", "a=%zz", "%g1=b", "a=100%&b=1"]:
        with subtests.test(raw=raw):
            with pytest.raises(FormError) as refused:
                forms.decode_form(raw)

            assert refused.value.code == "form.malformed"


@pytest.mark.parametrize("raw", ["a" * 1_048_577, "a=b&" * 200], ids=["long", "many"])
def test_a_form_that_is_too_large_is_refused(raw):
    with pytest.raises(FormError) as refused:
        forms.decode_form(raw)

    assert refused.value.code == "form.too_large"


def test_a_name_given_twice_is_refused():
    assert forms.unique([("a", "1"), ("b", "2")]) == {"a": "1", "b": "2"}
    with pytest.raises(FormError) as refused:
        forms.unique([("a", "1"), ("a", "1")])

    assert (refused.value.code, refused.value.detail) == ("form.duplicate", {"name": "a"})


def test_half_a_surrogate_pair_is_decoded_to_a_question_mark():
    assert forms.percent_decode("\ud800%41") == "?A"


def test_half_a_surrogate_pair_cannot_be_encoded():
    with pytest.raises(FormError) as refused:
        forms.percent_encode("\ud800")

    assert refused.value.code == "form.unencodable"


def test_reencoding_keeps_the_bytes_and_changes_the_spelling():
    assert signature_verification.reencode("a+b%2a%C3%A9%FF") == "a%20b%2A%C3%A9%FF"
    assert signature_verification.reencode("%28*%2A", safe=signing.NODE_MARKS) == "(**"


def test_percent_codes_change_case_without_touching_other_text():
    assert signature_verification.lower_hex("AB%2FCD%C3") == "AB%2fCD%c3"

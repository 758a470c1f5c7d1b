"""3-D Secure messages in base64url: what is written reads back, and nothing else is read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockpay.threeds import messages
from mockpay.threeds.messages import MAX_CHARACTERS, MessageError

VALUES = st.text(max_size=20) | st.booleans() | st.integers(-(10**9), 10**9)
MESSAGES = st.dictionaries(st.text(max_size=12), VALUES, max_size=6)

#: A payment company's published sample of a CReq, with white space inside.
SAMPLE = (
    "ewogICAgInRocmVlRFNTZXJ2ZXJUcmFuc0lEIjoiMTIzNDEyMzQtMTIzNC0xMjM0LTEyMzQtMTIzNDEyMzQxMjM0Iiw"
    "KICAgICJhY3NUcmFuc0lEIjoiNDMyMTQzMjEtNDMyMS00MzIxLTQzMjEtNDMyMTQzMjE0MzIxIiwKICAgICJjaGFsbGVu"
    "Z2VXaW5kb3dTaXplIjoiMDUiLAogICAgIm1lc3NhZ2VUeXBlIjoiQ1JlcSIsCiAgICAibWVzc2FnZVZlcnNpb24iOiIyL"
    "jIuMCIKfQ"
)


def refused(text: str) -> str:
    with pytest.raises(MessageError) as error:
        messages.decode(text)
    return error.value.error_code


def outcome(text: str) -> str:
    try:
        return "read" if isinstance(messages.decode(text), dict) else "something else"
    except MessageError as error:
        return error.error_code


@given(message=MESSAGES)
def test_what_is_written_reads_back(message):
    text = messages.encode(message)
    if len(text) <= MAX_CHARACTERS:
        assert messages.decode(text) == message
    assert "=" not in text


@given(octets=st.binary(max_size=768))
def test_bytes_read_back(octets):
    assert messages.unpack(messages.pack(octets)) == octets


@given(text=st.text(max_size=60) | st.from_regex(r"\A[A-Za-z0-9_-]{0,80}\Z"))
def test_any_text_is_read_or_refused(text):
    assert outcome(text) in {"read", "101", "203", "204"}


@given(octets=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(octets):
    assert outcome(messages.pack(octets)) in {"read", "101", "203", "204"}


def test_a_published_sample_is_read():
    found = messages.decode(SAMPLE)
    assert (found["messageType"], found["messageVersion"]) == ("CReq", "2.2.0")
    assert found["challengeWindowSize"] == "05"


def test_padding_is_forgiven():
    assert messages.decode(messages.encode({"a": "bc"}) + "==") == {"a": "bc"}


def test_what_is_not_base64url_is_refused(subtests):
    for text in ["", "A", "e30 ", " e30", "e3 0", "e30\n", "é30", "e+/0", "e30===", "===", "\0", "e31"]:
        with subtests.test(text=text):
            assert refused(text) == "101"


def test_what_is_no_json_object_is_refused(subtests):
    for plain in ["[]", "1", "null", '"text"', "{", '{"a":}', "{}{}", "NaN", '{"a":NaN}', "\ufeff{}"]:
        with subtests.test(plain=plain):
            assert refused(messages.pack(plain.encode())) == "101"


@pytest.mark.parametrize("octets", [b"\xff\xfe{}", b'{"a":"\xff"}', b'{"a":"b"}\0'])
def test_bytes_that_are_no_text_are_refused(octets):
    assert refused(messages.pack(octets)) == "101"


def test_a_value_that_no_element_has_is_refused(subtests):
    for value in [None, 1.5, [], {}, ["a"], {"b": "c"}]:
        with subtests.test(value=value):
            assert refused(messages.pack(json.dumps({"a": value}).encode())) == "203"


def test_an_element_twice_is_refused():
    assert refused(messages.pack(b'{"a":"b","a":"b"}')) == "204"


def test_a_deep_nest_is_refused_without_a_fall():
    assert refused(messages.pack(b"[" * 768)) == "101"


def test_the_bound_is_exact():
    longest = messages.pack(b" " * (MAX_CHARACTERS // 4 * 3 - 2) + b"{}")
    assert len(longest) == MAX_CHARACTERS
    assert messages.decode(longest) == {}
    assert refused(messages.pack(b" " * (MAX_CHARACTERS // 4 * 3 - 1) + b"{}")) == "101"


@pytest.mark.parametrize("text", ["", "abc_-9", "A" * 1024])
def test_session_data_comes_back_as_it_went(text):
    assert messages.session_text(text) == text


def test_other_session_data_is_refused(subtests):
    for text in ["a b", "a=", "A" * 1025, "é", "<b>"]:
        with subtests.test(text=text):
            with pytest.raises(MessageError) as error:
                messages.session_text(text)
            assert error.value.error_code == "203"

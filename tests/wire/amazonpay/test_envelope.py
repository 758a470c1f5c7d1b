import base64
import itertools
from urllib.parse import quote

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mockpay.kernel.ids import entropy
from mockpay.wire import forms
from mockpay.wire.amazonpay import opening as envelope
from mockpay.wire.amazonpay import signing
from mockpay.wire.amazonpay.opening import (
    EnvelopeContentError,
    EnvelopeEncodingError,
    EnvelopeError,
    EnvelopeParameterError,
    EnvelopeTooLarge,
    Flavour,
    client_strings,
    open_envelope,
    read_parameters,
    seal,
)
from mockpay.wire.amazonpay.results import verify_result_signature
from mockpay.wire.amazonpay.signing import Encoding
from mockpay.wire.forms import FormError
from tests.wire.known_answers import (
    ACCESS_KEY,
    PRIVATE_KEY,
    PUBLIC_KEY,
    SECRET_KEY,
    SELLER_ID,
    VECTORS,
    parameters_of,
    seal_text,
)

START_TIME = 1_795_294_910
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
SHOP_TEXT = st.one_of(
    ANY_TEXT,
    st.text("नमस्ते क्षत्रिय ₹", max_size=60),
    st.text("😀🇮🇳👩‍👧 \u200d", max_size=30),
    st.text("'\"%/+&=*()!~ \\%2F%25%C3é", max_size=60),
)
LONG_TEXT = st.builds(lambda text: (text * 2048)[:2048], SHOP_TEXT)


def sealed(fields, flavour=Flavour.PHP):
    return seal(
        fields,
        seller_id=SELLER_ID,
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
        public_key=PUBLIC_KEY,
        flavour=flavour,
        start_time=START_TIME,
        entropy=entropy,
    )


def opened_from(fields, flavour=Flavour.PHP):
    envelope = sealed(fields, flavour)
    return open_envelope(envelope.payload, envelope.key, envelope.iv, PRIVATE_KEY)


@given(
    flavour=st.sampled_from(Flavour), note=SHOP_TEXT, store=SHOP_TEXT, order=SHOP_TEXT, custom=LONG_TEXT, url=SHOP_TEXT
)
@settings(max_examples=60, deadline=None)
def test_whatever_a_shop_seals_is_what_the_server_opens(flavour, note, store, order, custom, url):
    if flavour is Flavour.NODE:  # that client alters a literal %2F itself
        note, store = note.replace("%2F", ""), store.replace("%2F", "")
    fields = {"sellerNote": note, "sellerStoreName": store, "sellerOrderId": order, "customInformation": custom}
    query = sealed(fields, flavour).query("https://shop.example/" + url, flavour)
    sent = read_parameters(forms.decode_form(query))
    opened = open_envelope(sent.payload, sent.key, sent.iv, PRIVATE_KEY)

    assert opened.values == fields | {
        "sellerId": SELLER_ID,
        "startTime": str(START_TIME),
        "AWSAccessKeyId": ACCESS_KEY,
        "Signature": opened.signature,
    }
    assert envelope.verify_envelope(opened, SECRET_KEY)
    assert opened.iv_bytes == flavour.iv_bytes
    if flavour is Flavour.NODE:
        assert sent.redirect_url == "https://shop.example/" + url


@given(flavour=st.sampled_from(Flavour), custom=SHOP_TEXT)
@settings(max_examples=60, deadline=None)
def test_the_client_accepts_an_answer_that_echoes_its_text(flavour, custom):
    opened = opened_from({"customInformation": custom}, flavour)
    answer = {
        "status": "SUCCESS",
        "reasonCode": "001",
        "description": "Txn Success",
        "customInformation": opened.values["customInformation"],
    }
    encoding = envelope.result_encoding(opened)
    answer["signature"] = signing.sign_result(answer, ACCESS_KEY, SECRET_KEY, encoding)

    assert verify_result_signature(answer, access_key=ACCESS_KEY, secret=SECRET_KEY, flavour=flavour)


@given(custom=LONG_TEXT)
@settings(max_examples=20, deadline=None)
def test_text_that_was_encoded_only_once_is_read_and_answered_so(custom):
    once = Encoding.RFC3986.percent_encode(custom)
    # Text that happens to be valid UTF-8 when read as Latin-1 cannot be told apart.
    assume(signing.undo_double_utf8(custom) == custom)
    opened = open_envelope(*seal_text(f"customInformation={once.replace('%', '%25')}"), PRIVATE_KEY)

    assert opened.values["customInformation"] == custom
    assert opened.encoded["customInformation"] == once
    assert opened.double_utf8 is (None if custom.isascii() else False)


def opened_texts(**texts):
    """An envelope whose fields were encoded once or, by their text, twice."""
    pairs = "&".join(f"{name}={quote(quote(text, safe=''), safe='')}" for name, text in texts.items())
    return open_envelope(*seal_text(pairs), PRIVATE_KEY)


def test_what_comes_back_in_the_answer_decides_how_often_text_was_encoded():
    once, twice = "é", "é".encode().decode("latin-1")
    assert opened_texts(customInformation=once, sellerNote=twice).double_utf8 is False
    assert opened_texts(customInformation=twice, sellerNote=once).double_utf8 is True
    assert opened_texts(sellerStoreName=once, sellerNote=twice).double_utf8 is False
    assert opened_texts(sellerStoreName=twice, sellerNote=twice).double_utf8 is True
    assert opened_texts(customInformation="plain", sellerNote=twice).double_utf8 is True


@pytest.mark.parametrize("parameter", ["payload", "key", "iv"])
def test_a_flipped_bit_anywhere_is_refused(parameter):
    sent = parameters_of(VECTORS["process_payment_requests"][5]["url"])
    whole = {"payload": sent.payload, "key": sent.key, "iv": sent.iv}
    text = whole[parameter]
    for place, bit in itertools.product(range(len(text)), range(7)):
        flipped = text[:place] + chr(ord(text[place]) ^ 1 << bit) + text[place + 1 :]
        with pytest.raises(EnvelopeError):
            open_envelope(**(whole | {parameter: flipped}), private_key=PRIVATE_KEY)


def spoilt_key():
    payload, key, iv = seal_text("a=b")
    return payload, key[:-6] + "AAAA==", iv


def short_wrapped_key():
    payload, _, iv = seal_text("a=b")
    return payload, "AAAA", iv


def spoilt_tag():
    payload, key, iv = seal_text("a=b")
    return "AAAA" + payload[4:], key, iv


def payload_shorter_than_a_tag():
    _, key, iv = seal_text("a=b")
    return "AAAA", key, iv


def other_iv():
    payload, key, _ = seal_text("a=b")
    return payload, key, base64.b64encode(b"j" * 12).decode()


def iv_of_odd_size():
    payload, key, _ = seal_text("a=b")
    return payload, key, base64.b64encode(b"i" * 13).decode()


def data_key_of_odd_size():
    return seal_text("a=b", data_key=b"k" * 20)


LOCKS = [
    (spoilt_key, "unwrap"),
    (short_wrapped_key, "unwrap"),
    (spoilt_tag, "tag"),
    (payload_shorter_than_a_tag, "tag"),
    (other_iv, "tag"),
    (iv_of_odd_size, "iv has 13"),
    (data_key_of_odd_size, "key has 20"),
]


def test_every_lock_that_holds_looks_the_same_from_outside(subtests):
    for spoil, reason in LOCKS:
        with subtests.test(spoil=spoil, reason=reason):
            with pytest.raises(EnvelopeError) as refused:
                open_envelope(*spoil(), PRIVATE_KEY)

            assert refused.value.code == "envelope.unreadable"
            assert refused.value.message == "The payload cannot be decrypted."
            assert refused.value.detail == {}
            assert reason in refused.value.reason


def test_every_aes_key_size_and_both_iv_sizes_open(subtests):
    for iv_size in [12, 16]:
        for size in [16, 24, 32]:
            with subtests.test(size=size, iv_size=iv_size):
                opened = open_envelope(*seal_text("a=b", data_key=b"k" * size, iv=b"i" * iv_size), PRIVATE_KEY)

                assert opened.values == {"a": "b"}
                assert (opened.signature, opened.access_key) == ("", "")


def test_base64_is_read_leniently():
    payload, key, iv = seal_text("a=b", iv=b"\xfb\xef\xbe\xff" * 4)
    assert {"+", "/", "="} <= set(iv)
    urlsafe = iv.replace("+", "-").replace("/", "_").rstrip("=")
    spaced = iv.replace("+", " ")

    for spelling in (urlsafe, spaced):
        assert spelling != iv
        assert open_envelope(payload, key, spelling, PRIVATE_KEY).values == {"a": "b"}


def test_what_is_not_base64_is_refused(subtests):
    for text in ["*", "AAAAA", "A===A", "AB==", "AAA\n", "ééé", "\ud800", "====="]:
        with subtests.test(text=text):
            payload, key, _ = seal_text("a=b")

            with pytest.raises(EnvelopeEncodingError) as refused:
                open_envelope(payload, key, text, PRIVATE_KEY)

            assert refused.value.code == "envelope.encoding"
            assert refused.value.detail == {"name": "iv"}


def test_a_payload_that_holds_no_form_is_refused(subtests):
    for plaintext in ["", "no form", "a", "a=b&", "&a=b", "=b", "a=b&&c=d", "a=%", "a=%zz", "a=%25zz", b"\xff\xfe=1"]:
        with subtests.test(plaintext=plaintext):
            with pytest.raises(EnvelopeContentError) as refused:
                open_envelope(*seal_text(plaintext), PRIVATE_KEY)

            assert refused.value.code == "envelope.content"
    assert refused.value.reason == "The payload holds no form."
    with pytest.raises(EnvelopeContentError) as refused:
        open_envelope(*seal_text(f"{'x' * 65}=%zz"), PRIVATE_KEY)
    assert refused.value.reason.startswith(f"{'x' * 64}: ")


@pytest.mark.parametrize("plaintext", ["a=1&b=2&a=1", "a=1&%61=2"])
def test_a_field_named_twice_is_refused(plaintext):
    with pytest.raises(EnvelopeContentError) as refused:
        open_envelope(*seal_text(plaintext), PRIVATE_KEY)

    assert (refused.value.code, refused.value.detail) == ("envelope.duplicate", {"name": "a"})


def test_of_a_long_name_the_first_64_characters_are_told():
    with pytest.raises(EnvelopeContentError) as refused:
        open_envelope(*seal_text(f"{'x' * 65}=1&{'x' * 65}=2"), PRIVATE_KEY)
    assert refused.value.detail == {"name": "x" * 64}
    assert refused.value.message == f"The payload names {'x' * 64} twice."


def test_a_payload_that_is_too_large_is_refused(subtests):
    for plaintext in [
        "a=" + "x" * 16_383,
        "a=%2520" + "x" * 16_381,
        "&".join(f"{name}=1" for name in range(201)),
        "a=" + "x" * 400_000,
        "a=" + "%2525" * 17_000,
    ]:
        with subtests.test(plaintext=plaintext):
            with pytest.raises(EnvelopeTooLarge) as refused:
                open_envelope(*seal_text(plaintext), PRIVATE_KEY)

            assert (refused.value.code, refused.value.detail) == ("envelope.too_large", {"name": "payload"})


def test_a_parameter_that_no_payload_needs_is_refused_before_it_is_read():
    for place in range(3):
        parts = list(seal_text("a=b"))
        parts[place] = "A" * 218_479
        with pytest.raises(EnvelopeTooLarge) as refused:
            open_envelope(*parts, PRIVATE_KEY)
        assert refused.value.detail == {"name": ("payload", "key", "iv")[place]}


def test_a_payload_is_as_large_as_the_shop_wrote_it_not_as_it_was_encoded():
    opened = opened_from({"sellerOrderId": "1", "customInformation": "म" * 4_000})
    assert len(opened.plaintext) > 10 * 12_000 / 2
    assert opened.values["customInformation"] == "म" * 4_000


def test_a_payload_of_just_16_kb_opens():
    """As it was written, or as the shop wrote its fields: their octets, an = and an & for each."""
    for value in ("x" * 16_382, "%2520" + "x" * 16_380):
        assert open_envelope(*seal_text(f"a={value}"), PRIVATE_KEY).values["a"].endswith("xxx")


def test_a_payload_is_read_up_to_ten_times_16_kb():
    """Nobody has to encode a character in 54, but a payload is read before that is known."""
    letter = "".join(
        f"%25%{ord(f'{octet >> 4:X}'):X}%{ord(f'{octet & 15:X}'):X}"
        for octet in "म".encode().decode("latin-1").encode()
    )
    text = "a=" + letter * 3_034 + "xx"
    assert len(text) == 163_840
    assert open_envelope(*seal_text(text), PRIVATE_KEY).values["a"] == "म" * 3_034 + "xx"
    payload, key, iv = seal_text(text + "xx")
    with pytest.raises(EnvelopeTooLarge):
        open_envelope(payload, key, iv, PRIVATE_KEY)
    assert open_envelope(payload.rstrip("="), key, iv, PRIVATE_KEY).values["a"].endswith("xxxx")


def test_unreadable_bytes_inside_a_value_do_not_break_the_server():
    opened = open_envelope(*seal_text("a=%FF%25FE&b=%25E0%25A4"), PRIVATE_KEY)

    assert opened.values == {"a": "\ufffd\ufffd", "b": "\ufffd"}


def test_a_missing_or_empty_parameter_is_refused_by_name(subtests):
    for given_value in [None, ""]:
        for name in ["payload", "key", "iv"]:
            with subtests.test(name=name, given_value=given_value):
                pairs = {"payload": "p", "key": "k", "iv": "i", "redirectUrl": "u"} | {name: given_value}

                with pytest.raises(EnvelopeParameterError) as refused:
                    read_parameters([pair for pair in pairs.items() if pair[1] is not None])

                assert (refused.value.code, refused.value.detail) == ("envelope.missing", {"name": name})


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_empty_part_of_an_envelope_is_refused(place):
    parts = list(seal_text("a=b"))
    parts[place] = ""

    with pytest.raises(EnvelopeParameterError) as refused:
        open_envelope(*parts, PRIVATE_KEY)

    assert (refused.value.code, refused.value.detail) == ("envelope.missing", {"name": ("payload", "key", "iv")[place]})


def test_access_key_and_signature_are_encoded_once_and_the_rest_twice():
    opened = open_envelope(*seal_text("a=%252B%2525&AWSAccessKeyId=A%252B&Signature=s%252B"), PRIVATE_KEY)
    assert opened.values == {"a": "+%", "AWSAccessKeyId": "A%2B", "Signature": "s%2B"}
    assert (opened.access_key, opened.signature) == ("A%2B", "s%2B")


def test_a_field_that_no_client_spells_so_is_misspelt():
    """Bare reserved characters and lower-case hex, within the outer encoding."""
    form = "a=%252f&b=x%3Ay&c=%2520&d=%252F&e=a!'()*~&f=%2E%2B&g=x&AWSAccessKeyId=A%2BB"
    assert open_envelope(*seal_text(form), PRIVATE_KEY).misspelt == ("a", "b", "f")


def test_marks_and_the_quirk_of_a_slash_are_nodes():
    for form, is_node in {
        "a=x": False,
        "a=x/y": False,
        "a=x/y'": True,
        "a=x'": True,
        "sellerNote=x/y": True,
        "sellerStoreName=x/y": True,
        "sellerNote=x%252Fy": False,
    }.items():
        opened = open_envelope(*seal_text(form), PRIVATE_KEY)
        assert (opened.node_marks, opened.values) == (is_node, dict([form.replace("%252F", "/").split("=")]))


def test_what_is_misspelt_is_spelt_as_either_client_does_the_likelier_first():
    for plaintext, spellings in {
        "a=x%253Ay%2527": ["a=x%3Ay%27"],
        "a=x%3Ay%2527": ["a=x%3Ay%27", "a=x%3Ay'"],
        "a=x%3Ay'": ["a=x%3Ay'", "a=x%3Ay%27"],
    }.items():
        opened = open_envelope(*seal_text(plaintext), PRIVATE_KEY)
        assert [text.rpartition("&")[2] for text in client_strings(opened)] == spellings
        assert opened.misspelt or client_strings(opened) == [opened.string_to_sign]


def test_a_parameter_given_twice_is_refused_by_name(subtests):
    for name in ["payload", "key", "iv", "redirectUrl"]:
        with subtests.test(name=name):
            pairs = [("payload", "p"), ("key", "k"), ("iv", "i"), ("redirectUrl", "u"), (name, "x")]

            with pytest.raises(EnvelopeParameterError) as refused:
                read_parameters(pairs)

            assert (refused.value.code, refused.value.detail) == ("envelope.doubled", {"name": name})


def test_unknown_parameters_beside_the_envelope_are_ignored():
    query = "requestId=1&payload=p&key=k&iv=i&requestId=2"

    assert read_parameters(forms.decode_form(query)).redirect_url is None


def test_a_node_clients_return_url_is_undone_from_mojibake():
    url = "https://shop.example/वापस?q=é"
    query = sealed({}, Flavour.NODE).query(url, Flavour.NODE)

    assert dict(forms.decode_form(query))["redirectUrl"] != url
    assert read_parameters(forms.decode_form(query)).redirect_url == url


def test_a_php_clients_return_url_is_written_by_urlencode():
    assert Flavour.PHP.encode_url("a b~*é") == "a+b%7E%2A%C3%A9"


def test_a_node_clients_first_slash_is_encoded_once_less():
    opened = opened_from({"sellerNote": "a/b/c", "sellerOrderId": "x"}, Flavour.NODE)

    assert "sellerNote=a%2Fb%252Fc&" in opened.plaintext
    assert opened.node_marks
    assert opened.values["sellerNote"] == "a/b/c"


def test_half_a_surrogate_pair_cannot_be_sealed():
    with pytest.raises(FormError) as refused:
        sealed({"sellerNote": "\ud83d"})

    assert refused.value.code == "form.unencodable"


def test_an_envelope_names_its_seller_and_time_and_goes_with_a_return_url_or_without():
    envelope = sealed({"a": "b"})
    opened = open_envelope(envelope.payload, envelope.key, envelope.iv, PRIVATE_KEY)
    own = {"sellerId": SELLER_ID, "startTime": str(START_TIME)}
    assert opened.values.items() >= {"a": "b", **own}.items()
    assert set(dict(forms.decode_form(envelope.query(None)))) == {"payload", "key", "iv"}
    assert (
        dict(forms.decode_form(envelope.query("https://shop.example/?a=b")))["redirectUrl"]
        == "https://shop.example/?a=b"
    )


def test_every_envelope_has_a_key_and_an_iv_of_its_own():
    one, other = sealed({"sellerOrderId": "1"}), sealed({"sellerOrderId": "1"})

    assert one.iv != other.iv
    assert one.key != other.key
    assert one.payload != other.payload


def test_a_sealed_data_key_is_of_128_bits_as_both_clients_make_it():
    wrapped = base64.b64decode(sealed({"sellerOrderId": "1"}).key)

    assert len(PRIVATE_KEY.decrypt(wrapped, envelope.DATA_KEY_PADDING)) == 16

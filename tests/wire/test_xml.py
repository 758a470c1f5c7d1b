import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockpay.wire import xml
from mockpay.wire.xml import XmlError

NAMESPACE = "http://mws.amazonservices.com/schema/OffAmazonPayments/2013-01-01"
LEGAL = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"))
NAMES = st.sampled_from(["State", "Amount", "SellerNote", "OrderReference", "a.b-c_d"])
TEXTS = LEGAL.filter(bool)
TREES = st.dictionaries(
    NAMES,
    st.recursive(
        TEXTS,
        lambda children: st.one_of(
            st.dictionaries(NAMES, children, min_size=1, max_size=3), st.lists(TEXTS, min_size=2, max_size=3)
        ),
        max_leaves=8,
    ),
    min_size=1,
    max_size=3,
)


def test_a_document_has_a_header_one_namespace_and_no_empty_elements():
    tree = {"A": {"B": "x", "C": "", "D": None, "E": {}, "F": [], "G": {"H": ""}}, "I": ["1", "2"]}

    assert xml.render("Reply", NAMESPACE, tree).decode() == (
        f'<?xml version="1.0"?>\n<Reply xmlns="{NAMESPACE}"><A><B>x</B></A><I>1</I><I>2</I></Reply>\n'
    )


@given(tree=TREES)
@settings(max_examples=60, deadline=None)
def test_a_written_document_reads_back_the_same(tree):
    assert xml.parse(xml.render("Reply", NAMESPACE, tree)) == {"Reply": tree}


@given(text=st.text())
def test_any_text_at_all_can_be_written_and_read(text):
    document = xml.render("Reply", NAMESPACE, {"Note": text + "x"})
    read = xml.parse(document)["Reply"]["Note"]

    assert len(read) == len(text) + 1
    assert read.endswith("x")


def test_markup_and_characters_that_xml_cannot_carry_are_made_harmless():
    document = xml.render("R", 'n"&<', {"N": "<b>&\"'\x00\x1b\r\n\ud800\uffff]]>"})

    assert document.decode() == (
        '<?xml version="1.0"?>\n<R xmlns="n&quot;&amp;&lt;"><N>'
        "&lt;b&gt;&amp;&quot;'\ufffd\ufffd&#13;\n\ufffd\ufffd]]&gt;</N></R>\n"
    )


def test_an_element_name_that_is_none_is_a_programming_error(subtests):
    for name in ["", "a b", "1a", "a>", "a:b", "é"]:
        with subtests.test(name=name), pytest.raises(ValueError, match="no element name"):
            xml.render("R", NAMESPACE, {name: "x"})


def test_an_empty_element_is_written_where_a_client_looks_for_it():
    assert b"<list></list>" in xml.render("R", NAMESPACE, {"list": xml.Kept(), "other": {}})
    assert b"other" not in xml.render("R", NAMESPACE, {"list": xml.Kept(), "other": {}})


def test_a_list_needs_a_name():
    with pytest.raises(TypeError):
        xml.render("R", NAMESPACE, {"a": [["x"]]})


def test_the_deepest_the_largest_and_the_longest_document_that_may_be_is_read():
    assert xml.parse(b"<a>" * 32 + b"x" + b"</a>" * 32)
    assert len(xml.parse(b"<a>" + b"<b/>" * 19_999 + b"</a>")["a"]["b"]) == 19_999
    assert len(xml.parse(b"<a>" + b"x" * (1_048_576 - 7) + b"</a>")["a"]) == 1_048_569


def test_reading_drops_namespaces_attributes_comments_and_instructions():
    document = (
        b'<?xml version="1.0" encoding="UTF-8"?><?pi x?><!-- c --><p:r xmlns:p="u" a="1">'
        b"<p:k>one<!-- c --> two</p:k><k>\xe2\x82\xb9 <![CDATA[<&>]]></k><e/></p:r>"
    )

    assert xml.parse(document) == {"r": {"k": ["one two", "\u20b9 <&>"], "e": ""}}


def test_a_broken_document_is_refused(subtests):
    for document in [b"", b"text", b"<a>", b"<a></b>", b"<a>&nope;</a>", b"<a>\xff</a>", b"<a/><b/>", b"<a>\x00</a>"]:
        with subtests.test(document=document):
            with pytest.raises(XmlError) as refused:
                xml.parse(document)

            assert refused.value.code == "xml.malformed"


LAUGHS = b"<!DOCTYPE a [<!ENTITY a0 'ha'>" + b"".join(
    b"<!ENTITY a%d '%s'>" % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10)
)


def test_a_dangerous_document_is_refused(subtests):
    for document in [
        LAUGHS + b"]><a>&a9;</a>",
        b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
        b"<!DOCTYPE a SYSTEM 'http://127.0.0.1:9/x.dtd'><a/>",
        b"<!doctype a><a/>",
        b"<?xml version='1.0'?>\n<!DOCTYPE a><a/>",
        b"<a>" + b"x" * 1_048_576 + b"</a>",
        b"<a>" + b"<b/>" * 20_000 + b"</a>",
        b"<a>" * 33 + b"</a>" * 33,
    ]:
        with subtests.test(document=document):
            with pytest.raises(XmlError) as refused:
                xml.parse(document)

            assert refused.value.code == "xml.unsafe"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-7", "utf-32"])
def test_a_document_type_cannot_hide_in_another_encoding(encoding):
    text = f"<?xml version='1.0' encoding='{encoding}'?>"
    hidden = "<!DOCTYPE a [<!ENTITY x 'boom'>]><a>&x;</a>"
    octets = (
        text.encode("ascii") + hidden.replace("<", "+ADw-").encode()
        if encoding == "utf-7"
        else (text + hidden).encode(encoding)
    )

    with pytest.raises(XmlError):
        xml.parse(octets)


@pytest.mark.parametrize("depth", [300, 100_000])
def test_extreme_nesting_is_refused_without_a_crash(depth):
    with pytest.raises(XmlError):
        xml.parse(b"<a>" * depth + b"</a>" * depth)


def test_a_processing_instruction_is_no_part_of_the_text():
    assert xml.parse(b"<a><?x y?>b</a>") == xml.parse(b"<a>b</a>")

"""Bodies, layer by layer."""

import json

from mockpay.web.dashboard.deliveries import indented, layers

XML = '<?xml version="1.0"?>\n<A xmlns="urn:x"><B><C>1.00</C><D/></B><E>a b</E></A>'


def test_a_document_inside_another_is_a_layer_of_its_own():
    body = json.dumps({"Type": "N", "Message": json.dumps({"Id": "1", "Content": XML})})
    found = layers(body)
    assert [one.name for one in found] == ["Body", "Message", "Content"]
    assert json.loads(found[0].text) == {"Type": "N", "Message": "(shown below)"}
    assert json.loads(found[1].text) == {"Id": "1", "Content": "(shown below)"}


def test_xml_has_each_element_on_a_line_of_its_own():
    assert indented(XML).splitlines() == [
        '<?xml version="1.0"?>',
        '<A xmlns="urn:x">',
        "  <B>",
        "    <C>1.00</C>",
        "    <D/>",
        "  </B>",
        "  <E>a b</E>",
        "</A>",
    ]


def test_an_empty_element_stays_on_its_line():
    assert indented("<A><B></B></A>").splitlines() == ["<A>", "  <B></B>", "</A>"]


def test_what_cannot_be_read_is_shown_as_it_is(subtests):
    for body in ["", "not JSON", '{"Type": "Notif', "[1, 2]", '{"a": 1} x']:
        with subtests.test(body=body):
            assert [(one.name, one.text) for one in layers(body)] == [("Body", body)]


def test_a_message_that_hides_itself_endlessly_is_not_followed():
    body = "{}"
    for _ in range(20):
        body = json.dumps({"Message": body})
    assert len(layers(body)) == 4


def test_broken_xml_breaks_nothing(subtests):
    for text in ["</A></B>", "<A", "<<<>>>", "a < b", "<A>&#0;"]:
        with subtests.test(text=text):
            assert indented(text)

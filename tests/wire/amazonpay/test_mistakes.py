"""What differs between the string that was signed and the right one, by name and in one sentence each."""

import re

import pytest

from mockpay.wire.amazonpay.mistakes import compare, listed, mistake
from mockpay.wire.amazonpay.usual_code import usual_code

PATH = "/OffAmazonPayments_Sandbox/2013-01-01"
LIVE = "/OffAmazonPayments/2013-01-01"
INDIA, EUROPE = "mws.amazonservices.in", "mws-eu.amazonservices.com"


def differences(signed, right, sent_order=()):
    return [(each.name, each.sentence) for each in compare(signed, right, sent_order)]


def in_line(number, signed, right):
    """What is said where only the verb (0), the host (1) or the path (2) differs."""
    lines = [["POST", "h", PATH], ["POST", "h", PATH]]
    lines[0][number], lines[1][number] = signed, right
    (told,) = differences(*("\n".join([*line, "a=%2F"]) for line in lines))
    return told


def in_query(signed, right, sent_order=()):
    return differences(f"POST\nh\n/p\n{signed}", f"POST\nh\n/p\n{right}", sent_order)


def test_the_same_string_has_no_mistake():
    assert compare("POST\nh\n/p\na=1", "POST\nh\n/p\na=1") == ()
    assert compare("one line", "one line") == ()


def test_a_verb_is_in_capitals_or_another():
    assert in_line(0, "post", "POST") == ("verb.case", "The verb differs: you signed 'post', it must be in capitals.")
    assert in_line(0, "GET", "POST") == ("verb.other", "The verb differs: you signed 'GET', right is 'POST'.")


def test_a_host_differs_by_scheme_case_port_or_name(subtests):
    for signed, right, name, sentence in [
        (
            "https://h:1",
            "h:1",
            "host.scheme",
            "The host was signed with its scheme, https://; only the name belongs there.",
        ),
        ("H:1", "h:1", "host.case", "The host differs: you signed 'H:1', it must be in lower case."),
        ("H:1", "h", "host.port", "The host differs: you signed 'H:1' with its port, which does not belong there."),
        ("h:2", "h:1", "host.port", "The host differs by its port: you signed 'h:2', right is 'h:1'."),
        ("h", "h:1", "host.port", "The host differs by its port: you signed 'h', right is 'h:1'."),
        ("other:1", "h:1", "host.other", "The host differs: you signed 'other:1', right is 'h:1'."),
        (
            EUROPE,
            INDIA,
            "host.other",
            f"The host differs: you signed '{EUROPE}', right is '{INDIA}'. Each region has a host of its own.",
        ),
        (INDIA, "h", "host.other", f"The host differs: you signed '{INDIA}', right is 'h'."),
        ("h", INDIA, "host.other", f"The host differs: you signed 'h', right is '{INDIA}'."),
    ]:
        with subtests.test(signed=signed, right=right):
            assert in_line(1, signed, right) == (name, sentence)


def test_a_path_differs_by_environment_slashes_or_name(subtests):
    for signed, right, name, sentence in [
        (LIVE, PATH, "path.environment", "you signed the live path and called the sandbox path."),
        (PATH, LIVE, "path.environment", "you signed the sandbox path and called the live path."),
        (
            f"/{PATH}",
            PATH,
            "path.slashes",
            f"The path differs by a double slash: you signed '/{PATH}', right is '{PATH}', the path as it is called.",
        ),
        (
            PATH,
            f"/{PATH}",
            "path.slashes",
            f"The path differs by a double slash: you signed '{PATH}', right is '/{PATH}', the path as it is called.",
        ),
        ("/a/", "/a", "path.slashes", "by the slash at its end: you signed '/a/', right is '/a', the path as"),
        ("/a", "/a/", "path.slashes", "by the slash at its end: you signed '/a', right is '/a/', the path as"),
        ("/", "/a", "path.root", "The path was signed as /; it must be the path of the endpoint."),
        ("", "/a", "path.root", "The path was signed as nothing; it must be the path of the endpoint."),
        ("/a?b", "/a", "path.query", "The path differs: the query does not belong to it, right is '/a'."),
        ("/b", "/a", "path.other", "The path differs: you signed '/b', right is '/a'."),
        ("/ax", "/a", "path.other", "The path differs: you signed '/ax', right is '/a'."),
        ("/a", "/ax", "path.other", "The path differs: you signed '/a', right is '/ax'."),
    ]:
        with subtests.test(signed=signed, right=right):
            told = in_line(2, signed, right)
            assert told[0] == name
            assert sentence in told[1]


def test_of_a_long_line_the_beginning_is_shown():
    assert in_line(1, "x" * 300, "h")[1] == f"The host differs: you signed '{'x' * 200}', right is 'h'."


def test_the_frame_that_envelopes_and_node_sign_is_told_with_every_line_of_it():
    family = " This family signs POST, amazonpay.amazon.in and / whatever address it calls."
    right = "POST\namazonpay.amazon.in\n/\na=1"
    assert [name for name, _ in differences("GET\nh\n/b\na=1", right)] == ["verb.other", "host.other", "path.other"]
    for line, other in (("POST", "GET"), ("amazonpay.amazon.in", "h"), ("/", "/b")):
        assert differences(right.replace(f"{line}\n", f"{other}\n"), right)[0][1].endswith(family)
        elsewhere = right.replace("/\n", "/c\n") if line != "/" else right.replace("POST", "GET")
        assert not differences(elsewhere.replace(line, "b"), elsewhere)[0][1].endswith(family)


def test_line_ends_are_told_with_what_else_is_wrong():
    right = "POST\nh\n/p\na=1"
    crlf = ("string.crlf", "The lines of the string to sign end in CR LF; they must end in LF.")
    newline = ("string.newline", "The string to sign ends in a newline.")
    assert differences(right.replace("\n", "\r\n"), right) == [crlf]
    assert differences(f"{right}\n\n", right) == [newline]
    assert differences(f"{right}x\n", f"{right}x") == [newline]
    verb = ("verb.other", "The verb differs: you signed 'GET', right is 'POST'.")
    assert differences(f"{right}\n".replace("\n", "\r\n").replace("POST", "GET"), right) == [crlf, newline, verb]
    lines = ("string.lines", "The string to sign must have 4 lines, yours has 3.")
    assert differences("POST\r\nh\r\n/p\r\n", right) == [crlf, newline, lines]


def test_values_are_told_to_be_unencoded_only_where_encoding_changes_them():
    told = [("value.unencoded", "The values are not percent-encoded in the string to sign.")]
    assert in_query("a=b c&d=/", "a=b%20c&d=%2F") == told
    assert differences("GET\nh\n/p\na=1", "POST\nh\n/p\na=1")[1:] == []
    assert in_query("a=1&b=2", "b=2&a=1") == [
        ("order.case", "The parameters are sorted without regard to case; capitals come first.")
    ]


def test_a_separator_at_either_end_does_not_hide_the_rest():
    told = ("string.separator", "The parameters in the string to sign begin with ? or &, or end in &.")
    for query in ("?a=1", "&a=1", "a=1&"):
        assert in_query(query, "a=1") == [told]
    assert [name for name, _ in in_query("?a=1&c=1", "a=1")] == ["string.separator", "parameter.unsent"]


def test_a_parameter_left_out_was_sent_or_belongs_there_all_the_same():
    constant = "You did not sign SignatureVersion, which belongs into the string though it is not sent."
    unsigned = "You did not sign {}, which was sent: left out of the string, or added after signing."
    right = "SignatureVersion=2&a=1&b=2"
    assert in_query("a=1", right, ["a", "b"]) == [
        ("parameter.constant", constant),
        ("parameter.unsigned", unsigned.format("b")),
    ]
    assert in_query("a=1&b=2", right, ["a", "b"]) == [("parameter.constant", constant)]
    assert in_query("a=1", right) == [("parameter.unsigned", unsigned.format("SignatureVersion, b"))]


def test_a_parameter_too_many_is_told_and_an_empty_name_is_none():
    told = ("parameter.unsent", "You signed b too, which does not belong there or was not sent.")
    assert in_query("a=1&b=2", "a=1") == [told]
    assert in_query("a=1&=2&&b=2", "a=1") == [told]


def test_a_line_break_within_the_right_query_begins_no_fifth_line():
    assert [name for name, _ in in_query("a=1", "a=1\nb&c=2")] == ["parameter.unsigned", "value.other"]


def test_the_mistakes_about_parameters_name_them():
    (unsent,) = compare("POST\nh\n/p\na=1&b=2", "POST\nh\n/p\na=1")
    unsigned, constant = (
        compare("POST\nh\n/p\na=1", "POST\nh\n/p\na=1&b=2", order)[0] for order in (["a", "b"], ["a"])
    )
    (value,) = compare("POST\nh\n/p\na=1&b=2", "POST\nh\n/p\na=1&b=3")
    assert [each.parameters for each in (unsent, unsigned, constant, value)] == [("b",)] * 4


def test_an_order_is_told_by_how_it_came_about(subtests):
    unsorted = "The parameters are not sorted by the byte order of their names"
    for signed, right, sent_order, name, sentence in [
        ("a=1&B=2&c=3", "B=2&a=1&c=3", (), "order.case", "The parameters are sorted without regard to case;"),
        ("I.10=b&I.1=a", "I.1=a&I.10=b", (), "order.pairs", f"{unsorted}, but of the pairs name=value."),
        ("c=3&a=1&b=2", "a=1&b=2&c=3", ("c", "a", "b"), "order.unsorted", f"{unsorted}, but stand as they were sent."),
        ("c=3&b=2&a=1", "a=1&b=2&c=3", ("c", "a", "b"), "order.other", f"{unsorted}."),
        ("c=3&b=2&a=1", "a=1&b=2&c=3", (), "order.other", f"{unsorted}."),
        ("c=3&u=1&a=1", "a=1&c=3&u=1", ("x", "c", "a"), "order.unsorted", f"{unsorted}, but stand as they were sent."),
    ]:
        with subtests.test(signed=signed, sent_order=sent_order):
            ((told, words),) = in_query(signed, right, sent_order)
            assert told == name
            assert sentence in words


def test_a_sentence_names_no_parameter_that_is_not_known():
    """It may be a value in the wrong place."""
    told = mistake("parameter.unsent", "You signed b, secret too.", ["secret", "b"])
    assert told.sentence_with({"b", "secret", "c"}) == "You signed b, secret too."
    assert told.sentence_with({"b"}) == "You signed other parameters too."


#: For each mistake the number of lines that help, and whose language each is of.
USUAL_CODE = {
    "host": (4, "Python JavaScript PHP"),
    "host.port": (2, "Python JavaScript"),
    "path": (4, "Python JavaScript PHP"),
    "order": (5, "Python PHP JavaScript C# Java"),
    "encoding.space": (4, "PHP Python Java JavaScript"),
    "encoding.tilde": (3, "PHP Java Python"),
    "encoding.marks": (3, "JavaScript Java .NET"),
    "encoding.hex": (3, "JavaScript C# Ruby"),
    "encoding.bare": (3, "Python JavaScript"),
    "encoding.excess": (5, "PHP Python Java JavaScript"),
    "value.unencoded": (5, "PHP Python Java JavaScript"),
    "text.utf8_twice": (3, "PHP Python Node"),
    "text.utf8_once": (1, "PHP"),
    "text.latin1": (4, "Java PHP Python JavaScript"),
    "string.newline": (1, "Shell"),
    "signature.hex": (3, "PHP Python JavaScript"),
    "signature.space": (5, "PHP Python Java JavaScript"),
    "signature.urlsafe": (3, "Python Java JavaScript"),
    "signature.newline": (2, "Ruby Python"),
    "hmac.digest": (3, "PHP Python Java"),
    "hmac.swapped": (3, "PHP Python JavaScript"),
    "hmac.plain": (1, "PHP"),
    "time": (4, "PHP Python JavaScript"),
} | dict.fromkeys(
    "verb path.environment path.slashes order.pairs parameter.unsigned parameter.constant parameter.unsent value.twice"
    " value.once text.normal_form string.crlf signature.twice key.newline key.space key.quotes key".split(),
    (1, ""),
)


def test_the_usual_code_of_each_mistake_is_of_many_languages(subtests):
    for name, (count, languages) in USUAL_CODE.items():
        with subtests.test(name=name):
            lines = usual_code(name).splitlines()
            assert len(lines) == count
            named = [re.match(r"(Python|JavaScript|PHP|Java|C#|[.]NET|Ruby|Node|Shell)[:, b]", line) for line in lines]
            assert [match[1] for match in named if match] == languages.split()
            whole = usual_code(name.partition(".")[0])
            assert "." not in name or usual_code(name) != whole
    assert "c => '%' + c.charCodeAt(0)" in usual_code("encoding.marks")


def test_the_usual_code_is_the_mistakes_own_or_its_familys():
    assert usual_code("host.port").startswith("Python: urlsplit(url).netloc -> urlsplit(url).hostname\nJavaScript")
    assert usual_code("host.case") == usual_code("host.other")
    assert usual_code("host.case").startswith("Sign the host of the URL that is called.\n")
    assert usual_code("nothing.known") == ""
    assert mistake("host.port", "x").code == usual_code("host.port")


def test_three_names_are_listed_and_the_rest_counted():
    assert listed(["c", "b", "a"]) == "a, b, c"
    assert listed(["d", "c", "b", "a"]) == "a, b, c and 1 more"
    assert listed([]) == ""


VALUES = [
    ("a b", "a%20b", ["The value is not percent-encoded in the string to sign (v)."]),
    ("é", "%C3%A9", ["The value is not percent-encoded in the string to sign (v)."]),
    ("100%", "100%25", ["The value is not percent-encoded in the string to sign (v)."]),
    ("a%2520b", "a%20b", ["The value is percent-encoded twice in the string to sign (v); it must be once."]),
    ("a+b", "a%20b", ["A space is written as + in the string to sign (v); it must be %20."]),
    ("a%7Eb", "a~b", ["The tilde is percent-encoded in the string to sign (v); it must stay bare."]),
    ("a%2fb", "a%2Fb", ["Percent codes are written in lower case (v); they must be in upper case."]),
    ("a*b", "a%2Ab", ["The mark * is bare in the string to sign (v); it must be %2A."]),
    ("a*!b", "a%2A%21b", ["The marks ! * are bare in the string to sign (v); they must be %21 %2A."]),
    ("a/b", "a%2Fb", ["/ is not percent-encoded in the string to sign (v); it must be %2F."]),
    ("a/:", "a%2F%3A", ["/ : are not percent-encoded in the string to sign (v); they must be %2F %3A."]),
    ("a,b", "a%2Cb", ["',' is not percent-encoded in the string to sign (v); it must be %2C."]),
    ("a b%2F", "a%20b%2F", ["' ' is not percent-encoded in the string to sign (v); it must be %20."]),
    ("a%2Eb%2C", "a.b%2C", ["'.' is percent-encoded in the string to sign (v); it must stay bare."]),
    ("a%2Db", "a-b", ["- is percent-encoded in the string to sign (v); it must stay bare."]),
    (
        "a%2db",
        "a-b",
        [
            "- is percent-encoded in the string to sign (v); it must stay bare.",
            "Percent codes are written in lower case (v); they must be in upper case.",
        ],
    ),
    (
        "%C3%83%C2%A9",
        "%C3%A9",
        ["Text is encoded in UTF-8 twice in the string to sign (v), and once in what was sent."],
    ),
    (
        "%C3%A9",
        "%C3%83%C2%A9",
        ["Text is encoded in UTF-8 once in the string to sign (v), and twice in what was sent."],
    ),
    ("%E9", "%C3%A9", ["Text is encoded in Latin-1 in the string to sign (v); it must be UTF-8."]),
    ("%80", "%E2%82%AC", ["Text is encoded in Latin-1 in the string to sign (v); it must be UTF-8."]),
    ("%3F", "%E2%82%AC", ["Text is encoded in Latin-1 in the string to sign (v); it must be UTF-8."]),
    ("e%CC%81", "%C3%A9", ["Text was signed in another Unicode normal form than it was sent (v)."]),
    ("%C3%A9", "e%CC%81", ["Text was signed in another Unicode normal form than it was sent (v)."]),
    ("%E9+x", "%C3%A9%20x", ["The value of v differs."]),
    (
        "%e9*",
        "%C3%A9%2A",
        [
            "Text is encoded in Latin-1 in the string to sign (v); it must be UTF-8.",
            "Percent codes are written in lower case (v); they must be in upper case.",
            "The mark * is bare in the string to sign (v); it must be %2A.",
        ],
    ),
    ("%E9(", "%C3%A9(", ["Text is encoded in Latin-1 in the string to sign (v); it must be UTF-8."]),
    ("1", "2", ["The value of v differs."]),
]


@pytest.mark.parametrize(("signed", "right", "sentences"), VALUES)
def test_what_is_wrong_with_a_value_is_told(signed, right, sentences):
    about = "b=%2F&c=1&v={}"  # not all values are unencoded
    assert [sentence for _, sentence in in_query(about.format(signed), about.format(right))] == sentences

"""Every string to sign that somebody who makes a known mistake would write is found by its signature alone."""

from mockpay.wire.amazonpay.mistaken_strings import search
from mockpay.wire.amazonpay.signature_verification import SignedRequest

PATH = "/OffAmazonPayments_Sandbox/2013-01-01"
QUERY = "Action=Refund&Note=a%20b%2F~%2A%28%29%21%27%3A%3B&Version=1&aWS=x"
HEAD = f"POST\nlocalhost:8420\n{PATH}"
RIGHT = f"{HEAD}\n{QUERY}"
CALL = SignedRequest("GET", "Shop.Example:1", "/called", "")


def is_found(wrong, right=RIGHT, deep=False, **about):
    """Whether a wrong string is among those that are tried, and told with the right one."""
    return search([right], lambda text: text == wrong, deep=deep, **about) == (right, wrong)


def not_found(wrongs, right=RIGHT, **about):
    return [wrong for wrong in wrongs if not is_found(wrong, right, **about)]


def test_a_string_of_nobodys_making_is_not_found():
    assert search([RIGHT], lambda text: text == "other") is None
    assert search([RIGHT], lambda text: text == RIGHT) is None


def test_of_several_right_strings_the_one_that_was_mistaken_is_told():
    other = RIGHT.replace("8420", "1")
    wrong = other.replace("POST", "GET")
    assert search([RIGHT, other], lambda text: text == wrong) == (other, wrong)


def test_other_verbs_are_tried():
    assert not_found([RIGHT.replace("POST", verb) for verb in ("GET", "post")]) == []
    get = RIGHT.replace("POST", "GET")
    assert not_found([get.replace("GET", verb) for verb in ("POST", "get")], get) == []


AMAZONS = [
    "mws.amazonservices.in",
    "mws.amazonservices.com",
    "mws-eu.amazonservices.com",
    "mws.amazonservices.jp",
    "amazonpay.amazon.in",
]


def test_other_hosts_are_tried():
    hosts = [
        *AMAZONS,
        "Shop.Example:1",
        "Shop.Example",
        *("localhost", "127.0.0.1", "[::1]"),
        *("127.0.0.1:8420", "[::1]:8420", "localhost:443", "localhost:80", "127.0.0.1:80"),
        *("https://localhost:8420", "https://localhost", "http://localhost:8420", "http://localhost"),
        *("LOCALHOST:8420", "LOCALHOST", "Localhost:8420", "Localhost", "localhost:8420/", "www.localhost"),
    ]
    assert not_found([RIGHT.replace("localhost:8420", host) for host in hosts], call=CALL) == []


def test_the_hosts_of_an_amazon_address_are_amazons():
    right = RIGHT.replace("localhost:8420", AMAZONS[0])
    hosts = [*AMAZONS[1:], f"{AMAZONS[0]}:443", f"{AMAZONS[0]}:80", f"https://{AMAZONS[0]}", f"www.{AMAZONS[0]}"]
    assert not_found([right.replace(AMAZONS[0], host) for host in hosts], right) == []
    assert not_found([right.replace(AMAZONS[0], "localhost")], right)


def test_other_paths_are_tried():
    live, version = "/OffAmazonPayments/2013-01-01", PATH[1:]
    paths = [live, f"{PATH}/", f"/{PATH}", "/", "", version, PATH.lower(), f"{PATH}?"]
    assert not_found([RIGHT.replace(PATH, path) for path in paths]) == []
    right = RIGHT.replace(PATH, f"/{live}/")
    paths = [f"/{PATH}/", f"/{PATH}", f"/{live}//", live, f"{live}/", f"//{live}/", f"{live[1:]}/"]
    assert not_found([right.replace(f"/{live}/", path) for path in paths], right) == []


def test_the_addresses_of_payment_pages_are_tried_where_the_root_is_right():
    right = RIGHT.replace(PATH, "/")
    pages = [f"POST\nlocalhost:8420\n{page}\n{QUERY}" for page in ("/initiatePayment", "/processPayment")]
    assert not_found(pages, right) == []
    assert len(not_found(pages)) == 2


def test_the_frame_of_the_other_family_and_of_the_call_are_tried():
    frames = [
        "POST\namazonpay.amazon.in\n/",
        "GET\nshop.example:1\n/called",
        "GET\nshop.example\n/called",
        "POST\nshop.example:1\n/called",
        "POST\nshop.example\n/called",
        "POST\nlocalhost:8420\n/called",
    ]
    assert not_found([f"{frame}\n{QUERY}" for frame in frames], call=CALL) == []


def test_parameters_left_out_are_tried():
    for name in ("Action=Refund&", "Version=1&"):
        assert is_found(RIGHT.replace(name, ""))
    right = f"{HEAD}\na=1&SignatureMethod=HmacSHA256&SignatureVersion=2"
    assert is_found(f"{HEAD}\na=1", right)


def test_parameters_that_were_not_sent_are_tried_in_their_place():
    right = f"{HEAD}\nAction=Refund&b=1"
    for query in (
        "Action=Refund&SignatureMethod=HmacSHA256&b=1",
        "Action=Refund&SignatureVersion=2&b=1",
        "Action=Refund&Version=2013-01-01&b=1",
        "Action=Refund&Signature=&b=1",
        "Action=Refund&b=1&isSandbox=true",
    ):
        assert is_found(f"{HEAD}\n{query}", right)
    assert not is_found(f"{HEAD}\nVersion=1&Version=2013-01-01", f"{HEAD}\nVersion=1")


def test_other_orders_are_tried():
    right = f"{HEAD}\nAction=R&B=2&a.1=3&a.10=4&unsent=5"
    about = {"sent_order": ["B", "a.10", "Action", "a.1"]}
    for query in (
        "a.1=3&a.10=4&Action=R&B=2&unsent=5",
        "unsent=5&B=2&a.10=4&Action=R&a.1=3",
        "B=2&a.10=4&Action=R&a.1=3&unsent=5",
        "Action=R&B=2&a.10=4&a.1=3&unsent=5",
    ):
        assert is_found(f"{HEAD}\n{query}", right, **about)
    assert is_found(f"{HEAD}\nAction=R&A=1&B=2", f"{HEAD}\nA=1&Action=R&B=2")


def test_other_spellings_are_tried():
    rewritings = [
        [("%20", "+")],
        [("~", "%7E")],
        [("%2A", "*")],
        [("%28", "("), ("%29", ")")],
        [("%21", "!")],
        [("%27", "'")],
        [("%2F", "/")],
        [("%2F", "%2f"), ("%2A", "%2a"), ("%3A", "%3a"), ("%3B", "%3b")],
        [("%3A", ":")],
        [
            ("%3A", ":"),
            ("%3B", ";"),
            ("%2F", "/"),
            ("%2A", "*"),
            ("%28", "("),
            ("%29", ")"),
            ("%21", "!"),
            ("%27", "'"),
        ],
        [("%2A", "%2a")],
    ]
    for pairs in rewritings:
        query = QUERY
        for right, wrong in pairs:
            query = query.replace(right, wrong)
        assert is_found(f"{HEAD}\n{query}"), pairs


def test_several_spellings_together_are_tried_lower_case_last():
    java = QUERY.replace("%20", "+").replace("~", "%7E").replace("%2A", "*")
    assert is_found(f"{HEAD}\n{java}")
    dotnet = "Action=Refund&Note=a+b%2f%7e*()!'%3a%3b&Version=1&aWS=x"
    assert is_found(f"{HEAD}\n{dotnet}")
    every = "Action=Refund&Note=a+b/%7e*()!'%3a%3b&Version=1&aWS=x"
    assert is_found(f"{HEAD}\n{every}")


def test_marks_that_stand_bare_may_have_been_encoded():
    assert is_found(f"{HEAD}\nNote=%28x%29%21%27%2A%20", f"{HEAD}\nNote=(x)!'*%20")


def test_every_reserved_character_may_have_been_left_bare_at_once():
    codes = "%3B%2C%2F%3F%3A%40%2B%24%23%21%27%28%29%2A"
    assert is_found(f"{HEAD}\nNote=;,/?:@+$#!'()*%26", f"{HEAD}\nNote={codes}%26")


def test_text_in_another_encoding_is_tried():
    right = f"{HEAD}\na=1&b=%C3%A9%20x%2A&c=%E2%82%AC"
    for query in (
        "a=1&b=%C3%83%C2%A9%20x%2A&c=%C3%A2%C2%82%C2%AC",
        "a=1&b=%E9%20x%2A&c=%3F",
        "a=1&b=%E9%20x%2A&c=%80",
        "a=1&b=e%CC%81%20x%2A&c=%E2%82%AC",
    ):
        assert is_found(f"{HEAD}\n{query}", right)
    assert is_found(f"{HEAD}\na=%E9(x)", f"{HEAD}\na=%C3%A9(x)")
    assert is_found(f"{HEAD}\na=%E9%28x%29", f"{HEAD}\na=%C3%A9%28x%29")


def test_values_unencoded_or_encoded_twice_are_tried_all_or_one():
    right = f"{HEAD}\na=x%20y&b=%2F&c=1"
    for query in ("a=x y&b=/&c=1", "a=x%2520y&b=%252F&c=1", "a=x y&b=%2F&c=1", "a=x%20y&b=%252F&c=1"):
        assert is_found(f"{HEAD}\n{query}", right)


def test_other_ends_and_separators_are_tried():
    ends = [f"{RIGHT}\n", f"{RIGHT}&", f"{RIGHT}\r\n", RIGHT.replace("\n", "\r\n"), f"{HEAD}\n?{QUERY}"]
    assert not_found(ends) == []


def test_two_mistakes_are_tried_where_there_is_time(subtests):
    query = QUERY.replace("%20", "+")
    for wrong in (
        RIGHT.replace("POST", "GET").replace("localhost:8420", "localhost"),
        RIGHT.replace("POST", "GET").replace(QUERY, query),
        f"{HEAD}\n?{query}",
        f"{RIGHT.replace(PATH, '/')}\n",
        RIGHT.replace("POST", "GET").replace("&aWS=x", ""),
        RIGHT.replace("Action=Refund&", "").replace("&aWS=x", ""),
        f"{HEAD}\naWS=x&{QUERY.replace('&aWS=x', '').replace('~', '%7E').replace('%20', '+')}",
    ):
        with subtests.test(wrong=wrong):
            about = {"sent_order": ["aWS", "Action", "Note", "Version"]}
            assert is_found(wrong, deep=True, **about)
            assert not is_found(wrong, **about)


def test_no_more_than_ten_thousand_strings_are_tried_for_one_signature():
    tried = []
    long = f"{HEAD}\n{'&'.join(f'p{number}=%20' for number in range(100, 250))}"

    assert search([long, long.replace("POST", "GET")], tried.append, call=CALL) is None
    assert len(tried) == 10_000

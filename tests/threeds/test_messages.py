"""The messages of EMV 3DS: what is written reads back; what breaks the rules has its code."""

from dataclasses import fields

from hypothesis import given
from hypothesis import strategies as st

from mockpay.threeds.messages import (
    AReq,
    ARes,
    BadMessage,
    CReq,
    CRes,
    ErrorMessage,
    RReq,
    RRes,
    browser_elements,
    error_message,
    redacted,
)
from mockpay.threeds.rules import Browser

ID = "8a880dc0-d2d2-4067-bcb1-b08d1690b26e"
CAVV = "AAABBEg0VhI0VniQEjRWAAAAAAA="
CARD = "4111111111111111"
AREQ = AReq(
    ID,
    "Y",
    "411111…1111",
    "2908",
    "49900",
    "20261121120000",
    "Asha's Shop",
    "A1SELLER",
    "Shop",
    "https://shop.example",
    "A1SELLER",
    "http://127.0.0.1/3ds",
    **browser_elements(Browser("203.0.113.7", "UA", javascript_enabled=True, color_depth="24", tz="-330")),
)
MESSAGES = [
    AREQ,
    ARes(ID, ID, ID, "Y", eci="05", authentication_value=CAVV),
    ARes(ID, ID, ID, "C", acs_url="/acs/token", challenge_mandated="Y", authentication_type="02"),
    CReq(ID, ID, "05"),
    CRes(ID, ID, "N"),
    RReq(ID, ID, ID, "U", "02", "14", eci="07", challenge_cancel="04"),
    RRes(ID, ID, ID),
    error_message("301", "A", "acsTransID", "CReq", acs_trans_id=ID),
]


def test_what_is_written_reads_back(subtests):
    for message in MESSAGES:
        with subtests.test(message=message):
            assert type(message).read(message.plain()) == message


def test_an_unknown_element_is_passed_over(subtests):
    for message in MESSAGES:
        with subtests.test(message=message):
            assert type(message).read({**message.plain(), "somethingNew": "1"}) == message


def test_each_element_has_a_name_of_its_own(subtests):
    for message in MESSAGES:
        with subtests.test(message=message):
            names = [one.metadata["name"] for one in fields(message)]
            assert len(set(names)) == len(names)


def test_another_kind_or_version_is_refused(subtests):
    for element, value, code in [("messageType", "XReq", "101"), ("messageVersion", "1.0.2", "102")]:
        for message in MESSAGES:
            with subtests.test(message=message, element=element, value=value, code=code):
                assert code_of(type(message), {**message.plain(), element: value}) == code


def outcome(kind, plain):
    try:
        return "read" if isinstance(kind.read(plain), kind) else "something else"
    except BadMessage as error:
        return f"{error.error_code} {error.element}"


def code_of(kind, plain):
    return outcome(kind, plain)[:3]


def test_what_must_be_there_is_missed(subtests):
    for message in MESSAGES:
        with subtests.test(message=message):
            complete = message.plain()
            for one in fields(message):
                name = one.metadata["name"]
                if name not in complete:
                    continue
                fewer = {key: value for key, value in complete.items() if key != name}
                assert outcome(type(message), fewer) in {"read", f"201 {name}"}


def test_another_form_is_refused(subtests):
    for element, value in [
        ("threeDSServerTransID", "x"),
        ("threeDSServerTransID", ID.upper()),
        ("transStatus", "YY"),
        ("transStatus", ""),
        ("transStatus", True),
        ("transStatus", 1),
        ("acsTransID", ID + "\n"),
    ]:
        with subtests.test(element=element, value=value):
            assert code_of(CRes, {**CRes(ID, ID, "Y").plain(), element: value}) == "203"


def test_what_is_true_or_false_is_no_text():
    assert code_of(AReq, {**AREQ.plain(), "browserJavascriptEnabled": "true"}) == "203"


@given(
    plain=st.dictionaries(
        st.sampled_from("messageType messageVersion threeDSServerTransID acsTransID transStatus".split()),
        st.sampled_from(["CRes", "2.2.0", ID, "Y"]) | st.text() | st.booleans() | st.integers(),
    )
)
def test_anything_is_read_or_refused_by_a_code(plain):
    assert outcome(CRes, plain)[:3] in {"rea", "101", "102", "201", "203"}


def test_a_browser_without_a_script_tells_less():
    plain = browser_elements(Browser("::1%eth0", "x" * 5_000))
    assert (plain["browser_ip"], len(plain["browser_user_agent"])) == ("::1", 2048)
    assert plain["browser_java"] is None
    assert plain["browser_javascript"] is False


def test_a_log_has_no_card_number_no_value_and_nothing_typed():
    plain = {
        "acctNumber": CARD,
        "authenticationValue": CAVV,
        "challengeDataEntry": "123456",
        "challengeHTMLDataEntry": "123456",
        "browserIP": "203.0.113.7",
        "otp": "123456",
    }
    assert redacted(plain) == {
        "acctNumber": "411111…1111",
        "authenticationValue": "28 characters, SHA-256 " + redacted(plain)["authenticationValue"][-9:],
        "browserIP": "203.0.113.7",
    }


def test_what_is_redacted_already_stays_as_it_is():
    assert redacted({"acctNumber": "411111…1111"}) == {"acctNumber": "411111…1111"}


def test_an_erro_says_what_and_by_whom():
    plain = error_message("101", "S", "transStatus", "CRes", server_trans_id=ID).plain()
    assert plain == {
        "messageType": "Erro",
        "messageVersion": "2.2.0",
        "errorCode": "101",
        "errorComponent": "S",
        "errorDescription": "Message received invalid",
        "errorDetail": "transStatus",
        "errorMessageType": "CRes",
        "threeDSServerTransID": ID,
    }
    assert ErrorMessage.read(plain).refused == "CRes"

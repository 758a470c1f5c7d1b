"""Authentications that end with the issuer's first answer."""

import pytest

from mockpay.kernel.errors import Invalid
from mockpay.threeds import directory_server, requestor
from mockpay.threeds.rules import Flow, Liability, State
from tests.factories import World, on_sqlite
from tests.threeds.rooms import AMERICAN, AMEX, BROWSER, DINERS, MASTERCARD, RUPAY, VISA, Room

CAVV_LENGTH = 28


@pytest.mark.parametrize(
    ("outcome", "status", "reason", "flow", "event", "proven", "eci", "who"),
    [
        ("frictionless", "Y", None, "FRICTIONLESS", "auth_ok", True, "05", "ISSUER"),
        ("Y", "Y", None, "FRICTIONLESS", "auth_ok", True, "05", "ISSUER"),
        ("A", "A", None, "ATTEMPT", "auth_ok", True, "06", "ISSUER"),
        ("I", "I", None, "FRICTIONLESS", "auth_ok", False, "07", "MERCHANT"),
        ("N", "N", "01", "FRICTIONLESS", "auth_fail", False, "07", "MERCHANT"),
        ("R", "R", "11", "FRICTIONLESS", "auth_fail", False, "07", "MERCHANT"),
        ("U", "U", "22", "FRICTIONLESS", "auth_fail", False, "07", "MERCHANT"),
        ("D", "U", "23", "FRICTIONLESS", "auth_fail", False, "07", "MERCHANT"),
        ("not_enrolled", "U", "13", "NOT_ENROLLED", "auth_fail", False, "07", "MERCHANT"),
    ],
)
def test_the_issuers_first_answer_ends_it(world, outcome, status, reason, flow, event, proven, eci, who):
    room = Room.asked(world, outcome)
    txn, said = room.txn, room.outcome()
    assert (txn.state, txn.flow) == (State.FRICTIONLESS, Flow(flow))
    assert (txn.trans_status, txn.reason, txn.ares_status) == (status, reason, status)
    assert (said.event, said.authorise) == (event, event == "auth_ok")
    assert (said.eci, said.liability) == (eci, Liability(who))
    assert said.authentication_value is proven
    assert (said.failure is None) is said.authorise
    assert txn.acs_path is None


@pytest.mark.parametrize(
    ("number", "y", "a", "u"),
    [
        (VISA, "05", "06", "07"),
        (MASTERCARD, "02", "01", "00"),
        (RUPAY, "05", "06", "07"),
        (AMEX, "05", "06", "07"),
        (DINERS, "05", "06", "07"),
    ],
)
@on_sqlite
def test_each_network_has_its_own_indicators(world, number, y, a, u):
    for place, (outcome, eci) in enumerate([("Y", y), ("A", a), ("U", u)]):
        assert Room.asked(world, outcome, number, order=f"O-{place}").txn.eci == eci


@pytest.mark.parametrize(
    ("policy", "number", "event"),
    [
        ("auto", VISA, "auth_fail"),
        ("auto", AMERICAN, "auth_unavailable"),
        ("decline", AMERICAN, "auth_fail"),
        ("proceed", VISA, "auth_unavailable"),
    ],
)
@pytest.mark.parametrize("outcome", ["U", "error"])
@on_sqlite
def test_the_sellers_policy_decides_where_nobody_could_authenticate(runtime, policy, number, event, outcome):
    said = Room.asked(World.new(runtime, threeds_on_unavailable=policy), outcome, number).outcome()
    assert (said.event, said.authorise) == (event, event == "auth_unavailable")
    assert (said.eci, said.liability) == ("07", Liability.MERCHANT)


def test_an_acs_that_fails_makes_it_unavailable(world):
    room = Room.asked(world, "error")
    assert (room.txn.state, room.txn.error_code) == (State.ERROR, "404")
    assert (room.txn.trans_status, room.txn.reason) == ("U", "22")
    assert room.spoken() == ["AReq S>D", "AReq D>A", "Erro A>D", "Erro D>S"]
    assert room.outcome().failure.reason == "authentication_failed"


@on_sqlite
def test_a_card_that_needs_no_authentication_is_authorised_though_it_fails(runtime):
    room = Room.asked(World.new(runtime, threeds_on_unavailable="decline"), "error_optional")
    assert room.txn.state is State.ERROR
    assert (room.outcome().event, room.outcome().eci) == ("auth_unavailable", "07")


@pytest.mark.parametrize(
    ("number", "wish", "state"),
    [
        (VISA, "01", State.CHALLENGE),
        (VISA, "02", State.CHALLENGE),
        (AMERICAN, "01", State.FRICTIONLESS),
        (AMERICAN, "04", State.CHALLENGE),
    ],
)
@on_sqlite
def test_indian_cards_are_challenged_and_others_when_it_is_mandated(world, number, wish, state):
    assert Room.asked(world, "success", number, challenge_indicator=wish).txn.state is state


def test_the_messages_go_by_the_directory_and_back(world):
    room = Room.asked(world, "frictionless")
    assert room.spoken() == ["AReq S>D", "AReq D>A", "ARes A>D", "ARes D>S"]
    sent, forwarded, _, answer = (one.body for one in room.log())
    assert "dsTransID" not in sent
    assert forwarded["dsTransID"] == answer["dsTransID"] == room.txn.ds_trans_id
    assert answer["threeDSServerTransID"] == sent["threeDSServerTransID"] == room.txn_id
    assert (sent["purchaseAmount"], sent["purchaseCurrency"]) == ("49900", "356")
    assert (sent["purchaseDate"], sent["cardExpiryDate"]) == ("20261121120000", "2908")
    assert (sent["deviceChannel"], sent["messageCategory"]) == ("02", "01")
    assert sent["browserIP"] == BROWSER.ip


def test_a_card_that_takes_no_part_is_answered_by_the_directory(world):
    assert Room.asked(world, "not_enrolled").spoken() == ["AReq S>D", "ARes D>S"]


def test_the_log_has_neither_card_number_nor_value(world):
    room = Room.asked(world, "frictionless")
    with world.read() as sandbox:
        value = directory_server.open_cavv(sandbox, room.txn)
    written = str(room.log())
    assert len(value) == CAVV_LENGTH
    assert VISA not in written
    assert value not in written
    assert room.log()[0].body["acctNumber"] == "411111…1111"
    assert room.log()[-1].body["authenticationValue"].startswith("28 characters, SHA-256 ")


@pytest.mark.parametrize(("outcome", "right", "wrong"), [("Y", "2", "1"), ("A", "3", "4")])
def test_the_issuer_knows_its_own_value_and_no_other(world, outcome, right, wrong):
    room = Room.asked(world, outcome)
    other = Room.asked(world, outcome, order="O-2", amount="500.00")
    with world.read() as sandbox:
        txn = room.txn
        value = directory_server.open_cavv(sandbox, txn)
        assert directory_server.check_cavv(sandbox, txn, value, txn.eci) == right
        assert directory_server.check_cavv(sandbox, txn, "A" * 27 + "=", txn.eci) == wrong
        assert (
            directory_server.check_cavv(sandbox, txn, directory_server.open_cavv(sandbox, other.txn), txn.eci) == wrong
        )
        assert directory_server.check_cavv(sandbox, txn, None, txn.eci) is None


@pytest.mark.parametrize(
    ("number", "told", "comp_ind"),
    [(VISA, "Y", "Y"), (VISA, "N", "N"), (VISA, None, "N"), (RUPAY, "Y", "U"), (RUPAY, None, "U")],
)
def test_the_method_step_is_told_to_the_issuer(world, number, told, comp_ind):
    room = Room.prepared(world, "frictionless", number)
    with world.transaction() as sandbox:
        if told:
            assert requestor.method_done(sandbox, room.txn_id, told).state is State.METHOD
        requestor.authenticate(sandbox, room.txn_id, BROWSER)
    assert (room.txn.comp_ind, room.log()[0].body["threeDSCompInd"]) == (comp_ind, comp_ind)


@on_sqlite
def test_a_late_word_of_the_method_counts_until_the_issuer_is_asked(world):
    room = Room.prepared(world, "frictionless")
    with world.transaction() as sandbox:
        requestor.method_done(sandbox, room.txn_id, "N")
        requestor.method_done(sandbox, room.txn_id, "Y")
        assert requestor.method_done(sandbox, room.txn_id, "N").comp_ind == "Y"
        requestor.authenticate(sandbox, room.txn_id, BROWSER)
        assert requestor.method_done(sandbox, room.txn_id, "N").comp_ind == "Y"


def test_asked_twice_the_issuer_answers_once(world):
    room = Room.asked(world, "frictionless")
    with world.transaction() as sandbox:
        again = requestor.authenticate(sandbox, room.txn_id, BROWSER, window="01")
    assert again == room.txn
    assert len(room.log()) == 4


def test_the_timeline_tells_each_step(world):
    room = Room.asked(world, "A")
    with world.read() as sandbox:
        from mockpay.store import transitions

        told = [one for one in transitions.of_order(sandbox, room.txn.order_pk) if one.machine == "threeds"]
    assert [one.event for one in told] == ["prepared", "authenticate", "frictionless"]
    assert told[-1].facts["trans_status"] == "A"
    assert (told[-1].before, told[-1].after) == ("AUTHENTICATING", "FRICTIONLESS")


@pytest.mark.parametrize(
    ("given", "code"),
    [({"window": "06"}, "threeds.window"), ({"challenge_indicator": "09"}, "threeds.challenge_indicator")],
)
@on_sqlite
def test_what_no_requestor_may_ask_is_refused(world, given, code):
    room = Room.prepared(world)
    with world.transaction() as sandbox, pytest.raises(Invalid) as refused:
        requestor.authenticate(sandbox, room.txn_id, BROWSER, **given)
    assert refused.value.code == code


@on_sqlite
def test_an_outcome_that_nobody_knows_is_refused(world):
    with pytest.raises(Invalid) as refused:
        Room.prepared(world, "nonsense")
    assert refused.value.code == "scenario.outcome"


@on_sqlite
def test_a_reset_forgets_it_all(world):
    room = Room.asked(world, "frictionless")
    from mockpay.store import resets
    from mockpay.threeds import threeds_table as rows

    with world.transaction() as sandbox:
        resets.empty(sandbox)
        assert rows.by_id(sandbox, room.txn_id) is None
        assert rows.messages_of(sandbox, room.txn_id) == []

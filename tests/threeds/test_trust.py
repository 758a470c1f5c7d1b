"""Nothing that a browser brings is believed beyond what the issuer said server to server."""

import pytest

from mockpay.threeds import acs, directory_server, messages, requestor
from mockpay.threeds.acs import AcsPage, ChallengeCompletion
from mockpay.threeds.messages import ErrorMessage, RReq
from mockpay.threeds.rules import State
from tests.factories import World, on_sqlite
from tests.threeds.rooms import RIGHT, Room, cres_of, forged

OTHER = "00000000-0000-4000-8000-000000000000"


def changed(room, **elements):
    """The buyer's CReq with other elements; None leaves one out."""
    plain = {**messages.decode(requestor.creq(room.txn)), **elements}
    return messages.encode({name: value for name, value in plain.items() if value is not None})


@pytest.mark.parametrize("says", ["N", "U", "A", "R", "C"])
def test_a_cres_that_tells_another_story_fails(world, says):
    room = Room.opened(world)
    txn = room.finish(forged(room.submit(), trans_status=says))
    assert (txn.state, txn.trans_status, txn.reason) == (State.ERROR, "N", "09")
    said = room.outcome()
    assert (said.event, said.authorise, said.authentication_value) == ("auth_fail", False, False)
    assert room.last_erro() == "101"


def test_a_failure_cannot_be_turned_into_a_success(world):
    room = Room.opened(world)
    txn = room.finish(forged(room.submit("333333"), trans_status="Y"))
    assert (txn.state, room.outcome().authorise) == (State.ERROR, False)


@pytest.mark.parametrize("choice", ["cancel", "timeout"])
@on_sqlite
def test_a_challenge_that_nobody_answered_cannot_be_turned_into_a_success(world, choice):
    room = Room.opened(world)
    txn = room.finish(forged(room.choose(choice), trans_status="Y"))
    assert (txn.state, txn.reason) == (State.ERROR, "09")
    assert room.outcome().event == "auth_fail"


@pytest.mark.parametrize("room_of", [Room.prepared, Room.asked, Room.opened])
@on_sqlite
def test_nothing_is_decided_before_the_end(world, room_of):
    assert room_of(world).outcome() is None


def test_the_magic_tampering_browser_fails(world):
    room = Room.opened(world, "tampered")
    done = room.submit()
    assert (cres_of(done).trans_status, room.txn.trans_status) == ("N", "Y")
    assert room.finish(done.cres).state is State.ERROR
    assert not room.outcome().authorise


def test_a_cres_before_its_result_fails(world):
    room = Room.opened(world)
    early = forged_alone(room, "Y")
    assert room.finish(early).state is State.ERROR
    assert room.last_erro() == "101"
    assert isinstance(room.submit(), ErrorMessage)
    assert not room.outcome().authorise


def forged_alone(room, status):
    txn = room.txn
    return messages.encode(
        {
            "messageType": "CRes",
            "messageVersion": "2.2.0",
            "threeDSServerTransID": txn.txn_id,
            "acsTransID": txn.acs_trans_id,
            "transStatus": status,
        }
    )


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"acs_trans_id": OTHER}, "301"), ({"server_trans_id": OTHER}, "301"), ({"trans_status": "X"}, "203")],
)
@on_sqlite
def test_another_challenges_cres_is_not_this_ones(world, changes, code):
    room = Room.opened(world)
    assert room.finish(forged(room.submit(), **changes)).state is State.ERROR
    assert room.last_erro() == code


@pytest.mark.parametrize("text", ["", "no base64!", "e30", "W10", "A" * 5_000, "ey", "\0"])
@on_sqlite
def test_a_broken_cres_fails(world, text):
    room = Room.opened(world)
    room.submit()
    assert room.finish(text).state is State.ERROR
    assert room.last_erro() == "101"


@on_sqlite
def test_foreign_session_data_fails(world):
    room = Room.opened(world)
    done = room.submit()
    assert room.finish(done.cres, "AAAA").state is State.ERROR


@on_sqlite
def test_the_first_cres_counts_and_the_rest_changes_nothing(world):
    room = Room.opened(world)
    done = room.submit()
    first = room.finish(done.cres)
    lines = len(room.log())
    assert room.finish(done.cres) == first
    assert room.finish(forged(done, trans_status="N")) == first
    assert room.finish("rubbish") == first
    assert len(room.log()) == lines


@on_sqlite
def test_a_browser_that_brings_nothing_changes_nothing(world):
    room = Room.opened(world)
    assert room.finish(None).state is State.CHALLENGE
    room.submit()
    assert room.finish(None).trans_status == "Y"
    assert room.outcome().authorise


@on_sqlite
def test_a_cres_for_what_was_never_challenged_changes_nothing(world):
    room = Room.asked(world, "frictionless")
    before = room.txn
    assert room.finish(forged_alone(room, "N") if before.acs_trans_id else "") == before


def test_a_finished_challenge_is_not_opened_again(world):
    room = Room.opened(world)
    room.submit()
    refused = room.open()
    assert (type(refused), refused.error_code, refused.component) == (ErrorMessage, "101", "A")
    assert room.last_erro() == "101"
    assert room.txn.trans_status == "Y"


@on_sqlite
def test_a_reload_shows_the_page_again_and_sends_no_second_otp(world):
    room = Room.opened(world)
    room.submit("000000")
    again = room.open()
    assert isinstance(again, AcsPage)
    assert again.challenge.tries_left == 2
    assert room.spoken().count("CReq B>A") == 1


@on_sqlite
def test_a_form_sent_twice_finds_the_same_end(world):
    room = Room.opened(world)
    done = room.submit()
    assert room.submit("000000") == done
    assert room.cancel() == done
    assert room.resend() == done
    assert room.choose("N") == done
    with world.read() as sandbox:
        assert acs.page(sandbox, room.txn.acs_token) == done


@pytest.mark.parametrize(
    ("elements", "code"),
    [
        ({"acsTransID": OTHER}, "301"),
        ({"threeDSServerTransID": OTHER}, "301"),
        ({"acsTransID": "1"}, "203"),
        ({"challengeWindowSize": "06"}, "203"),
        ({"challengeWindowSize": None}, "201"),
        ({"messageType": "CRes"}, "101"),
        ({"messageVersion": "2.1.0"}, "102"),
        ({"messageType": None}, "101"),
    ],
)
@on_sqlite
def test_a_creq_that_breaks_the_rules_is_refused_by_its_code(world, elements, code):
    room = Room.asked(world)
    refused = room.open(changed(room, **elements))
    assert (type(refused), refused.error_code) == (ErrorMessage, code)
    assert room.last_erro() == code
    assert isinstance(room.open(), AcsPage)


@on_sqlite
def test_session_data_that_cannot_be_handed_back_is_refused(world):
    room = Room.asked(world)
    creq = requestor.creq(room.txn)
    assert room.act(acs.open_challenge, creq, "A" * 1025).error_code == "203"
    assert room.act(acs.open_challenge, creq, "<b>").error_code == "203"
    assert isinstance(room.act(acs.open_challenge, creq, room.txn.session_data), AcsPage)


@on_sqlite
def test_a_browser_that_posts_without_end_fills_no_log(world):
    room = Room.asked(world)
    with world.transaction() as sandbox:
        for _ in range(210):
            acs.open_challenge(sandbox, room.txn.acs_token, "rubbish")
    assert len(room.log()) == 200
    assert isinstance(room.open(), AcsPage)


@on_sqlite
def test_the_issuers_method_page_is_told_whom_to_answer(world):
    room = Room.prepared(world)
    text = requestor.method_request(room.txn, "http://127.0.0.1/notify")
    assert messages.decode(text) == {
        "threeDSServerTransID": room.txn_id,
        "threeDSMethodNotificationURL": "http://127.0.0.1/notify",
    }


@on_sqlite
def test_an_unknown_challenge_is_refused(world):
    room = Room.asked(world)
    with world.transaction() as sandbox:
        refused = acs.open_challenge(sandbox, "unknown", requestor.creq(room.txn))
        assert refused.error_code == "301"
        for verb in (acs.resend, acs.cancel, acs.page):
            assert verb(sandbox, "unknown").error_code == "301"
        assert acs.submit(sandbox, "unknown", RIGHT).error_code == "301"


@on_sqlite
def test_another_sellers_challenge_is_an_unknown_one(world, runtime):
    room, other = Room.asked(world), World.new(runtime)
    with other.transaction() as sandbox:
        refused = acs.open_challenge(sandbox, room.txn.acs_token, requestor.creq(room.txn))
    assert refused.error_code == "301"


@on_sqlite
def test_nothing_is_typed_into_a_challenge_that_nobody_opened(world):
    room = Room.asked(world)
    for act in (room.submit, room.cancel, room.resend):
        assert act().error_code == "101"
    assert room.txn.state is State.CHALLENGE


def result(txn, **changes):
    elements = {
        "server_trans_id": txn.txn_id,
        "ds_trans_id": txn.ds_trans_id,
        "acs_trans_id": txn.acs_trans_id,
        "trans_status": "Y",
        "interaction_counter": "01",
        "eci": "05",
    }
    return RReq(**(elements | changes))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"server_trans_id": OTHER}, "301"),
        ({"ds_trans_id": OTHER}, "301"),
        ({"acs_trans_id": OTHER}, "301"),
        ({"trans_status": "Q"}, "203"),
        ({"interaction_counter": "1"}, "203"),
    ],
)
@on_sqlite
def test_a_result_that_belongs_elsewhere_is_refused(world, changes, code):
    room = Room.opened(world)
    with world.transaction() as sandbox:
        receipt = directory_server.forward_result(sandbox, room.txn, result(room.txn, **changes))
    assert (type(receipt), receipt.error_code, receipt.component) == (ErrorMessage, code, "S")
    assert room.txn.state is State.CHALLENGE


@on_sqlite
def test_a_second_result_is_refused(world):
    room = Room.opened(world)
    assert isinstance(room.submit("333333"), ChallengeCompletion)
    with world.transaction() as sandbox:
        assert directory_server.forward_result(sandbox, room.txn, result(room.txn)).error_code == "101"
    assert room.txn.trans_status == "N"


def test_the_messages_keep_nothing_that_was_typed(world):
    room = Room.opened(world)
    room.submit("000000")
    room.finish(room.submit().cres)
    written = str(room.log())
    assert RIGHT not in written
    assert "000000" not in written.replace(OTHER, "")

"""The issuer's challenge: OTPs, buttons, leaving, silence, and who is believed at the end."""

from dataclasses import replace

import pytest

from mockpay.kernel.errors import Invalid
from mockpay.otp import challenges
from mockpay.otp.rules import Verdict
from mockpay.store import inbox, schedule
from mockpay.threeds import directory_server, messages
from mockpay.threeds import threeds_table as rows
from mockpay.threeds.acs import AcsPage, ChallengeCompletion
from mockpay.threeds.rules import Liability, State
from tests.factories import on_sqlite, run_concurrently
from tests.threeds.rooms import BACK, MASTERCARD, Room, cres_of


def code_of(room):
    """What the bank sent last to its cardholder's phone."""
    with room.world.read() as sandbox:
        return inbox.list_page(sandbox, limit=1).items[0].otp


def rreqs(room):
    return [one for one in room.log() if one.type == "RReq"]


def test_the_right_otp_authenticates(world):
    room = Room.opened(world)
    assert room.txn.state is State.CHALLENGE
    done = room.submit()
    assert isinstance(done, ChallengeCompletion)
    assert (done.notification_url, done.session_data) == (BACK, room.txn.session_data)
    assert (cres_of(done).trans_status, cres_of(done).server_trans_id) == ("Y", room.txn_id)

    txn = room.finish(done.cres, done.session_data)
    assert (txn.state, txn.trans_status, txn.eci) == (State.COMPLETED, "Y", "05")
    assert room.outcome().event == "auth_ok"
    assert room.outcome().liability is Liability.ISSUER
    with world.read() as sandbox:
        assert directory_server.check_cavv(sandbox, txn, directory_server.open_cavv(sandbox, txn), txn.eci) == "2"
    assert room.spoken() == [
        "AReq S>D",
        "AReq D>A",
        "ARes A>D",
        "ARes D>S",
        "CReq B>A",
        "RReq A>S",
        "RRes S>A",
        "CRes A>B",
        "CRes B>S",
    ]


@pytest.mark.parametrize(
    ("otp", "status", "reason", "eci", "event"),
    [
        ("222222", "A", None, "01", "auth_ok"),
        ("333333", "N", "01", "00", "auth_fail"),
        ("444444", "U", "22", "00", "auth_fail"),
        ("555555", "R", "11", "00", "auth_fail"),
        ("111000", "Y", None, "02", "auth_ok"),
    ],
)
def test_a_magic_otp_ends_the_challenge_as_it_says(world, otp, status, reason, eci, event):
    room = Room.opened(world, number=MASTERCARD)
    done = room.submit(otp)
    room.finish(done.cres)
    assert (room.txn.trans_status, room.txn.reason, room.txn.eci) == (status, reason, eci)
    assert room.txn.state is State.COMPLETED
    assert room.outcome().event == event
    assert otp not in str(room.log())


@pytest.mark.parametrize(
    ("choice", "state", "status", "cancel", "event"),
    [
        ("Y", "COMPLETED", "Y", None, "auth_ok"),
        ("A", "COMPLETED", "A", None, "auth_ok"),
        ("N", "COMPLETED", "N", None, "auth_fail"),
        ("U", "COMPLETED", "U", None, "auth_fail"),
        ("R", "COMPLETED", "R", None, "auth_fail"),
        ("error", "COMPLETED", "U", "06", "auth_fail"),
        ("timeout", "TIMED_OUT", "U", "04", "timeout"),
        ("cancel", "CANCELLED", "N", "01", "cancel"),
    ],
)
def test_a_button_of_the_sandbox_decides(world, choice, state, status, cancel, event):
    room = Room.opened(world)
    room.finish(room.choose(choice).cres)
    txn = room.txn
    assert (txn.state, txn.trans_status, txn.challenge_cancel) == (State(state), status, cancel)
    assert room.outcome().event == event


def test_the_otp_of_a_challenge_that_is_over_is_worth_nothing_and_expires_no_more(world):
    ends = {
        "YES": lambda room: room.choose("Y"),
        "NO": lambda room: room.choose("N"),
        "LEFT": lambda room: room.cancel(),
    }
    for order, end in ends.items():
        room = Room.opened(world, order=order)
        otp, code = room.txn.otp_challenge_id, code_of(room)
        end(room)
        with world.transaction() as sandbox:
            assert challenges.verify(sandbox, otp, code) is not Verdict.VERIFIED
            assert [event.kind for event in schedule.waiting_of(sandbox, otp)] == []


@on_sqlite
def test_there_are_no_other_buttons(world):
    room = Room.opened(world)
    for choice in ("C", "D", "I", "", "y"):
        with pytest.raises(Invalid):
            room.choose(choice)
    assert room.txn.state is State.CHALLENGE


def test_too_many_wrong_otps_fail(world):
    room = Room.opened(world)
    for _ in range(2):
        page = room.submit("000000")
        assert (type(page), page.notice) == (AcsPage, "wrong")
    done = room.submit("000000")
    assert cres_of(done).trans_status == "N"
    txn = room.finish(done.cres)
    assert (txn.state, txn.reason, txn.interactions) == (State.COMPLETED, "01", 3)
    assert rreqs(room)[0].body["interactionCounter"] == "03"
    assert room.outcome().failure.reason == "authentication_failed"


@pytest.mark.parametrize(("otp", "notice"), [("999999", "expired"), ("666666", "technical")])
def test_a_page_says_what_became_of_an_otp(world, otp, notice):
    room = Room.opened(world)
    assert room.submit(otp).notice == notice
    assert room.txn.state is State.CHALLENGE


@on_sqlite
def test_the_code_from_the_phone_is_right(world):
    room = Room.opened(world)
    assert isinstance(room.submit(code_of(room)), ChallengeCompletion)


@on_sqlite
def test_another_otp_is_sent_on_request(world):
    room = Room.opened(world)
    first = code_of(room)
    assert room.resend().notice == "too_soon"
    room.later(31)
    assert room.resend().notice == "resent"
    assert room.submit(first).notice == "wrong"
    assert isinstance(room.submit(code_of(room)), ChallengeCompletion)


@on_sqlite
def test_an_expired_otp_is_begun_anew(world):
    room = Room.opened(world)
    room.later(301)
    assert room.submit("123450").notice == "expired"
    assert room.resend().notice == "resent"
    assert isinstance(room.submit(), ChallengeCompletion)


@on_sqlite
def test_the_first_otp_may_fail_to_arrive(world):
    room = Room.asked(world, "otp_undelivered")
    assert room.open().notice == "undelivered"
    room.later(31)
    assert room.resend().notice == "resent"
    assert isinstance(room.submit(code_of(room)), ChallengeCompletion)


def test_a_phone_that_is_locked_out_is_asked_no_more(world):
    for place in range(2):
        assert isinstance(Room.opened(world, order=f"O-{place}").submit("888888"), ChallengeCompletion)
    room = Room.asked(world, order="O-3")
    assert isinstance(room.open(), ChallengeCompletion)
    assert (room.txn.trans_status, room.txn.reason) == ("N", "19")


@on_sqlite
def test_the_acs_has_enough_after_many_tries(world):
    room = Room.opened(world)
    for _ in range(20):
        assert isinstance(room.resend(), AcsPage)
    assert isinstance(room.resend(), ChallengeCompletion)
    assert room.txn.reason == "19"


def test_the_buyer_who_leaves_cancels(world):
    room = Room.opened(world)
    done = room.cancel()
    txn = room.finish(done.cres)
    assert (txn.state, txn.trans_status) == (State.CANCELLED, "N")
    assert (txn.reason, txn.challenge_cancel) == ("26", "01")
    said = room.outcome()
    assert (said.event, said.authorise, said.failure.reason) == ("cancel", False, "payment_cancelled")


@on_sqlite
def test_a_magic_card_leaves_by_itself(world):
    room = Room.asked(world, "cancelled")
    assert isinstance(room.open(), ChallengeCompletion)
    assert room.txn.state is State.CANCELLED


@pytest.mark.parametrize(("opened", "cancel"), [(True, "04"), (False, "05")])
def test_a_challenge_that_nobody_answers_times_out(world, opened, cancel):
    room = Room.opened(world, "timeout") if opened else Room.asked(world)
    with world.read() as sandbox:
        due = schedule.waiting_of(sandbox, room.txn_id)
    assert [(one.kind, one.due_at - world.now()) for one in due] == [("threeds.timeout", 600_000)]
    if opened:
        assert room.submit().notice == "waiting"
    done = room.time_out()
    txn = room.finish(done.cres)
    assert (txn.state, txn.trans_status, txn.reason) == (State.TIMED_OUT, "U", "14")
    assert txn.challenge_cancel == cancel
    said = room.outcome()
    assert (said.event, said.authorise, said.failure.reason) == ("timeout", False, "payment_timed_out")


@on_sqlite
def test_who_comes_after_the_time_finds_it_over(world):
    room = Room.opened(world)
    room.later(600)
    done = room.submit()
    assert cres_of(done).trans_status == "U"
    assert room.txn.state is State.TIMED_OUT


@on_sqlite
def test_an_end_leaves_nothing_due(world):
    room = Room.opened(world)
    room.submit()
    with world.read() as sandbox:
        assert schedule.waiting_of(sandbox, room.txn_id) == []


@on_sqlite
def test_a_browser_that_is_back_before_the_end_leaves_nothing_due(world):
    room = Room.opened(world)
    told = cres_of(Room.opened(world, order="O-2").submit())
    mine = replace(told, server_trans_id=room.txn_id, acs_trans_id=room.txn.acs_trans_id)
    assert room.finish(messages.encode(mine.plain())).state is State.ERROR
    with world.read() as sandbox:
        assert schedule.waiting_of(sandbox, room.txn_id) == []


@on_sqlite
def test_the_timeline_tells_how_a_challenge_ended_not_that_there_was_one(world):
    room = Room.opened(world)
    room.submit()
    told = {line.event: line.facts.get("trans_status") for line in world.timeline_of(room.txn_id)}
    assert (told["challenge"], told["complete"]) == ("C", "Y")


@on_sqlite
def test_time_does_not_undo_an_end(world):
    room = Room.opened(world)
    done = room.submit()
    assert room.time_out() == done
    assert room.txn.trans_status == "Y"


def test_eight_right_otps_at_once_give_one_result(world):
    room = Room.opened(world)
    got = run_concurrently(8, lambda _: room.submit())
    assert all(isinstance(one, ChallengeCompletion) for one in got), got
    assert len({one.cres for one in got}) == 1
    assert len(rreqs(room)) == 1
    assert room.txn.trans_status == "Y"


def test_eight_opinions_at_once_give_one_result(world):
    room = Room.opened(world)
    got = run_concurrently(8, lambda index: room.choose("YNAURYNA"[index]))
    assert {cres_of(one).trans_status for one in got} == {room.txn.trans_status}
    assert len(rreqs(room)) == 1


@on_sqlite
def test_a_tokens_seller_is_found_without_knowing_it(world, runtime):
    from mockpay.store.db.engine import reading

    room = Room.asked(world)
    with reading(runtime.engine) as connection:
        assert rows.seller_of_acs(connection, room.txn.acs_token) == (world.seller_id, room.txn_id)
        assert rows.seller_of_acs(connection, "nobody's") is None


@on_sqlite
def test_a_second_authentication_of_an_attempt_is_another_one(world):
    from mockpay.services.payments.transitions import get_attempt
    from mockpay.threeds import requestor

    room = Room.asked(world, "error")
    with world.transaction() as sandbox:
        attempt = get_attempt(sandbox, room.txn.attempt_id)
        again = requestor.prepare(sandbox, attempt, "success", notification_url=BACK)
        assert again.txn_id != room.txn_id
        assert [one.number for one in rows.of_attempt(sandbox, attempt.attempt_id)] == [1, 2]

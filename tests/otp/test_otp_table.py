"""The rows of one-time passwords: the database's own rule, and transitions that compare."""

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from mockpay.kernel.errors import IllegalTransition, MockpayError
from mockpay.otp import challenges as verbs
from mockpay.otp import otp_table
from mockpay.otp.rules import Purpose
from tests.factories import World


def start(world, subject="att_1", purpose=Purpose.PAYMENT):
    with world.transaction() as sandbox:
        return verbs.start(sandbox, purpose=purpose, subject=subject, to="+919876543210")


def kept(world, challenge):
    with world.read() as sandbox:
        return otp_table.find(sandbox, challenge.challenge_id)


def copied(world, **changes):
    """Another row like the one that is there, straight into the table."""
    with world.transaction() as sandbox:
        (row,) = sandbox.connection.execute(select(otp_table.otps)).mappings()
        plain = {name: value for name, value in row.items() if name != "id"}
        sandbox.connection.execute(insert(otp_table.otps), {**plain, "challenge_id": "otp_copy", **changes})


def test_the_database_itself_keeps_a_subject_from_two_active_challenges(world):
    start(world)
    with pytest.raises(IntegrityError):
        copied(world)


@pytest.mark.parametrize(
    "change", [{"state": "EXPIRED"}, {"subject": "att_2"}, {"purpose": "SIGN_IN"}, {"seller_id": "ANOTHER"}]
)
def test_it_lets_others_be(world, change):
    start(world)
    copied(world, **change)


def test_a_step_is_taken_once_from_what_was_read(world):
    read = kept(world, start(world))
    with world.transaction() as sandbox:
        assert otp_table.transition(sandbox, read, "verify").state == "VERIFIED"
        assert otp_table.transition(sandbox, read, "verify") is None
        assert otp_table.transition(sandbox, read, "wrong", wrong_count=1) is None


@pytest.mark.parametrize("change", [{"wrong_count": 1}, {"technical_failed": True}, {"code_hash": "0"}])
def test_a_step_is_not_taken_when_something_else_happened_meanwhile(world, change):
    challenge = start(world)
    read = kept(world, challenge)
    with world.transaction() as sandbox:
        assert otp_table.transition(sandbox, read, "wrong", **change).state == "ACTIVE"
        assert otp_table.transition(sandbox, read, "verify") is None
        fresh = otp_table.find(sandbox, challenge.challenge_id)
        assert otp_table.transition(sandbox, fresh, "verify").state == "VERIFIED"


def test_a_challenge_that_is_over_takes_no_step(world):
    challenge = start(world)
    with world.transaction() as sandbox:
        otp_table.transition(sandbox, otp_table.find(sandbox, challenge.challenge_id), "lock")
    with world.transaction() as sandbox, pytest.raises(IllegalTransition):
        otp_table.transition(sandbox, otp_table.find(sandbox, challenge.challenge_id), "verify")


def test_another_seller_finds_and_moves_nothing(world, runtime):
    challenge = start(world)
    read = kept(world, challenge)
    with World.new(runtime).transaction() as sandbox:
        assert otp_table.find(sandbox, challenge.challenge_id) is None
        assert otp_table.active(sandbox, Purpose.PAYMENT, "att_1") is None
        assert otp_table.count(sandbox, Purpose.PAYMENT, "att_1") == 0
        assert otp_table.transition(sandbox, read, "verify") is None
    assert kept(world, challenge).challenge.state == "ACTIVE"


def test_a_destination_opens_for_its_own_challenge_only(world):
    first, second = start(world, "att_1"), start(world, "att_2")
    with world.read() as sandbox:
        assert otp_table.destination(sandbox, first.challenge_id) == "+919876543210"
    with world.transaction() as sandbox:
        query = select(otp_table.otps.c.destination_sealed).where(otp_table.otps.c.challenge_id == second.challenge_id)
        stolen = bytes(sandbox.connection.execute(query).scalar_one())
        read = otp_table.find(sandbox, first.challenge_id)
        otp_table.transition(sandbox, read, "wrong", destination_sealed=stolen)
    with world.read() as sandbox, pytest.raises(MockpayError):
        otp_table.destination(sandbox, first.challenge_id)


def test_challenges_are_counted_by_purpose_and_subject(world):
    for subject, purpose in [("a", Purpose.PAYMENT), ("a", Purpose.PAYMENT), ("b", Purpose.SIGN_IN)]:
        start(world, subject, purpose)
    with world.read() as sandbox:
        assert otp_table.count(sandbox, Purpose.PAYMENT, "a") == 2
        assert otp_table.count(sandbox, Purpose.SIGN_IN, "a") == 0
        assert otp_table.count(sandbox, Purpose.SIGN_IN, "b") == 1

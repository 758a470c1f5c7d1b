"""One-time passwords: every step, every refusal, and what races must not do."""

import pytest
from msgspec.structs import replace
from sqlalchemy import select, update

from mockpay.kernel.errors import Conflict
from mockpay.kernel.keys.keyring import Keyring
from mockpay.kernel.money import Money
from mockpay.otp import challenges
from mockpay.otp import otp_table as rows
from mockpay.otp.rules import EXPIRY, OTP, Channel, OtpState, Purpose, Verdict
from mockpay.services.buyers import list_page
from mockpay.services.sellers import accounts
from mockpay.store import schedule
from tests.factories import World, run_concurrently

PHONE = "+91 98765 43210"
SUM = Money.parse("7500.00")


def start(world, subject="att_1", purpose=Purpose.PAYMENT, to=PHONE, **wish):
    with world.transaction() as sandbox:
        return challenges.start(sandbox, purpose=purpose, subject=subject, to=to, **wish)


def code_of(world, number=0):
    """What the newest message (or an older one) says."""
    with world.read() as sandbox:
        return list_page(sandbox, kind="otp").items[number].otp


def verify(world, challenge, typed):
    with world.transaction() as sandbox:
        return challenges.verify(sandbox, challenge.challenge_id, typed)


def resend(world, challenge):
    with world.transaction() as sandbox:
        return challenges.resend(sandbox, challenge.challenge_id)


def see(world, challenge):
    with world.read() as sandbox:
        return rows.find(sandbox, challenge.challenge_id).challenge


def state(world, challenge):
    return see(world, challenge).state


def over(world, challenge):
    """The event that the scheduler fires when the time is over."""
    with world.transaction() as sandbox:
        for event in schedule.waiting_of(sandbox, challenge.challenge_id):
            if event.kind == EXPIRY and event.due_at <= sandbox.now:
                challenges.expire(sandbox, event.subject)


def waits_for(world, challenge):
    with world.read() as sandbox:
        return [(e.kind, e.due_at) for e in schedule.waiting_of(sandbox, challenge.challenge_id)]


def pass_(world, seconds):
    """Let time pass without firing what is due."""
    world.set_clock(None, world.now() + int(seconds * 1000))


def not_(code):
    """A code that is wrong and not magic."""
    return "10" + code[2:] if code[:2] != "10" else "20" + code[2:]


def refused(call, *args):
    with pytest.raises(Conflict) as caught:
        call(*args)
    return caught.value


def lock(world, **wish):
    challenge = start(world, **wish)
    assert verify(world, challenge, "888888") == Verdict.LOCKED
    return challenge


# --- the way it should go


def test_the_code_in_the_inbox_verifies_once(world):
    challenge = start(world)
    code = code_of(world)
    assert len(code) == 6
    assert verify(world, challenge, code) is Verdict.VERIFIED
    assert state(world, challenge) == "VERIFIED"
    assert verify(world, challenge, code) is Verdict.USED


def test_a_code_may_be_typed_with_spaces(world):
    challenge = start(world)
    code = code_of(world)
    assert verify(world, challenge, f" {code[:3]} {code[3:]} ") is Verdict.VERIFIED


def test_a_challenge_tells_what_a_page_needs_and_no_secret(world):
    challenge = start(world, amount=SUM, attempt_id="att_1", payee="Tea & Sons")
    now = world.now()
    assert (challenge.destination_masked, challenge.amount) == ("******3210", SUM)
    assert (challenge.created_at, challenge.expires_at) == (now, now + 300_000)
    assert (challenge.resend_at, challenge.sends_left) == (now + 30_000, 2)
    assert (challenge.wrong_count, challenge.tries_left, challenge.undelivered) == (0, 3, False)
    assert challenge == see(world, challenge)
    assert code_of(world) not in repr(challenge)
    assert "43210" not in repr(challenge)


@pytest.mark.parametrize(
    ("purpose", "says"),
    [
        (Purpose.PAYMENT, "for paying INR 7500.00 at Tea & Sons."),
        (Purpose.CHALLENGE, "for paying INR 7500.00 at Tea & Sons."),
        (Purpose.SAVE_METHOD, "for saving a payment method, INR 7500.00 at Tea & Sons."),
        (Purpose.SIGN_IN, "for signing in, INR 7500.00 at Tea & Sons."),
        (Purpose.WALLET_RELOAD, "for adding money to your balance, INR 7500.00 at Tea & Sons."),
        (Purpose.DELETE_METHOD, "for deleting a payment method, INR 7500.00 at Tea & Sons."),
    ],
)
def test_the_message_says_the_code_what_it_is_for_and_how_long(world, purpose, says):
    start(world, purpose=purpose, amount=SUM, payee="Tea & Sons", attempt_id="att_1")
    with world.read() as sandbox:
        (message,) = list_page(sandbox).items
    assert message.body.startswith(f"{message.otp} is your one-time password")
    assert says in message.body
    assert "Valid for 5 minutes" in message.body
    assert (message.kind, message.channel, message.to) == ("otp", "SMS", PHONE)
    assert (message.attempt_id, message.template) == ("att_1", f"otp.{purpose.lower()}")
    assert message.created_at == world.now()


def test_a_code_goes_by_the_channel_that_was_asked_for(world):
    start(world, to="asha@example.com", channel=Channel.EMAIL)
    with world.read() as sandbox:
        (message,) = list_page(sandbox).items
    assert (message.channel, message.to) == ("EMAIL", "asha@example.com")


def test_settings_decide_length_life_tries_and_sends(runtime):
    world = World.new(runtime, otp_length=8, otp_ttl_seconds=60, otp_max_wrong=1, otp_max_sends=1)
    challenge = start(world)
    assert (challenge.length, len(code_of(world))) == (8, 8)
    assert challenge.expires_at == world.now() + 60_000
    assert (challenge.tries_left, challenge.sends_left) == (1, 0)
    pass_(world, 30)
    assert refused(resend, world, challenge).code == "otp.too_many_sends"
    assert verify(world, challenge, not_(code_of(world))) is Verdict.LOCKED


def test_the_same_seed_draws_the_same_codes_and_each_challenge_another_one(world, runtime):
    first = [start(world, f"att_{n}") and code_of(world) for n in range(5)]
    assert len(set(first)) == 5
    with world.transaction() as sandbox:
        accounts.reset(sandbox)
    assert [start(world, f"att_{n}") and code_of(world) for n in range(5)] == first
    other = World.new(runtime)
    assert [start(other, f"att_{n}") and code_of(other) for n in range(5)] != first


# --- wrong codes


def test_three_wrong_codes_lock_a_challenge_and_the_right_one_helps_no_more(world):
    challenge = start(world)
    code = code_of(world)
    assert verify(world, challenge, not_(code)) is Verdict.WRONG
    assert (see(world, challenge).wrong_count, see(world, challenge).tries_left) == (1, 2)
    assert verify(world, challenge, not_(code)) is Verdict.WRONG
    assert verify(world, challenge, not_(code)) is Verdict.LOCKED
    assert (see(world, challenge).state, see(world, challenge).tries_left) == ("LOCKED", 0)
    assert verify(world, challenge, code) is Verdict.LOCKED
    assert verify(world, challenge, "123456") is Verdict.LOCKED


@pytest.mark.parametrize(
    "typed", ["", "1", "12", "123", "abcdef", "١٢٣٤٥٦", "\ud800", "1" * 10_000, "12345６", "-12345"]
)
def test_what_can_be_no_code_is_wrong_and_counts(world, typed):
    challenge = start(world)
    assert verify(world, challenge, typed) is Verdict.WRONG
    assert see(world, challenge).wrong_count == 1


def test_an_unknown_challenge_and_another_sellers_look_like_a_wrong_code(world, runtime):
    challenge = start(world)
    code = code_of(world)
    with World.new(runtime).transaction() as sandbox:
        assert challenges.verify(sandbox, challenge.challenge_id, code) is Verdict.WRONG
        assert challenges.verify(sandbox, challenge.challenge_id, "123456") is Verdict.WRONG
        assert challenges.verify(sandbox, "otp_nothing", "123456") is Verdict.WRONG
    assert see(world, challenge).wrong_count == 0


def test_a_code_is_good_for_its_own_challenge_only(world):
    first, second = start(world, "att_1"), start(world, "att_2")
    assert verify(world, first, code_of(world, 0)) is Verdict.WRONG
    assert verify(world, second, code_of(world, 0)) is Verdict.VERIFIED
    assert verify(world, first, code_of(world, 1)) is Verdict.VERIFIED


@pytest.mark.parametrize(
    "change",
    [
        {"amount_minor": 1},
        {"payee": "Mallory"},
        {"attempt_id": "att_2"},
        {"purpose": "DELETE_METHOD"},
        {"currency": "USD"},
    ],
)
def test_a_code_is_bound_to_the_payment_that_it_was_sent_for(world, change):
    challenge = start(world, amount=SUM, payee="Tea & Sons", attempt_id="att_1")
    code = code_of(world)
    with world.transaction() as sandbox:
        sandbox.connection.execute(update(rows.otps).values(**change))
    assert verify(world, challenge, code) is Verdict.WRONG


def test_a_new_store_key_leaves_the_codes_that_were_sent_good(world, runtime):
    challenge = start(world)
    code = code_of(world)
    ring = runtime.keyring.with_new_key().with_newest_only()
    assert is_right_under(world, ring, challenge, code)
    assert not is_right_under(world, ring, challenge, not_(code))


def test_without_the_store_key_no_code_is_right(world):
    """A stolen database: the hash cannot be tried out."""
    challenge = start(world)
    assert not is_right_under(world, Keyring.generate(), challenge, code_of(world))


def is_right_under(world, ring, challenge, code):
    runtime = replace(world.runtime, keys=replace(world.runtime.keys, store=ring))
    with world.read() as sandbox:
        kept = rows.find(sandbox, challenge.challenge_id)
        return challenges.code_matches(replace(sandbox, runtime=runtime), kept, code)


# --- time


def test_a_code_expires_with_its_last_millisecond(world):
    challenge = start(world)
    code = code_of(world)
    pass_(world, 299.999)
    with world.read() as sandbox:
        assert challenges.active(sandbox, Purpose.PAYMENT, "att_1") == challenge
    pass_(world, 0.001)
    assert verify(world, challenge, code) is Verdict.EXPIRED
    assert state(world, challenge) == "EXPIRED"
    assert verify(world, challenge, code) is Verdict.EXPIRED


def test_the_clock_ends_a_challenge_that_nobody_answers(world):
    challenge = start(world)
    assert waits_for(world, challenge) == [(EXPIRY, challenge.expires_at)]
    over(world, challenge)
    with world.transaction() as sandbox:
        challenges.expire(sandbox, challenge.challenge_id)
        challenges.expire(sandbox, "otp_nothing")
    assert state(world, challenge) == "ACTIVE"
    pass_(world, 300)
    over(world, challenge)
    assert state(world, challenge) == "EXPIRED"
    with world.read() as sandbox:
        assert challenges.active(sandbox, Purpose.PAYMENT, "att_1") is None


@pytest.mark.parametrize("end", ["123456", "888888", "999999", "cancel"])
def test_what_is_over_has_nothing_to_come(world, end):
    challenge = start(world)
    if end == "cancel":
        with world.transaction() as sandbox:
            challenges.cancel(sandbox, challenge.challenge_id)
    else:
        verify(world, challenge, end)
    assert waits_for(world, challenge) == []


def test_a_late_event_leaves_a_verified_challenge_alone(world):
    challenge = start(world)
    verify(world, challenge, "123456")
    pass_(world, 301)
    with world.transaction() as sandbox:
        challenges.expire(sandbox, challenge.challenge_id)
    assert state(world, challenge) == "VERIFIED"


# --- sending again


def test_a_new_code_makes_the_former_one_worthless_and_keeps_the_count(world):
    challenge = start(world)
    former = code_of(world)
    verify(world, challenge, not_(former))
    pass_(world, 30)
    again = resend(world, challenge)
    assert code_of(world) != former
    assert (again.wrong_count, again.sends_left) == (1, 1)
    assert (again.expires_at, again.resend_at) == (world.now() + 300_000, world.now() + 30_000)
    assert waits_for(world, challenge) == [(EXPIRY, again.expires_at)]
    assert verify(world, challenge, former) is Verdict.WRONG
    assert verify(world, challenge, code_of(world)) is Verdict.VERIFIED


def test_a_code_is_sent_again_after_a_while_and_not_for_ever(world):
    challenge = start(world)
    error = refused(resend, world, challenge)
    assert (error.code, error.detail) == ("otp.too_soon", {"resend_at": challenge.resend_at})
    pass_(world, 29.999)
    assert refused(resend, world, challenge).code == "otp.too_soon"
    pass_(world, 0.001)
    resend(world, challenge)
    assert refused(resend, world, challenge).code == "otp.too_soon"
    pass_(world, 30)
    assert resend(world, challenge).sends_left == 0
    pass_(world, 30)
    assert refused(resend, world, challenge).code == "otp.too_many_sends"
    with world.read() as sandbox:
        messages = list_page(sandbox, kind="otp").items
    assert len({message.otp for message in messages}) == 3
    assert {message.to for message in messages} == {PHONE}


@pytest.mark.parametrize("how", ["123456", "888888", "999999", "time", "unknown"])
def test_what_is_over_is_not_sent_again(world, how):
    challenge = start(world)
    if how == "time":
        pass_(world, 300)
    elif how == "unknown":
        with World.new(world.runtime).transaction() as sandbox:
            error = refused(challenges.resend, sandbox, challenge.challenge_id)
        assert error.code == "otp.not_active"
        return
    else:
        verify(world, challenge, how)
        pass_(world, 30)
    assert refused(resend, world, challenge).code == "otp.not_active"


def test_a_code_that_could_not_be_delivered_is_in_no_inbox_and_can_be_sent_again(world):
    challenge = start(world, fails_delivery=True)
    assert challenge.undelivered
    assert see(world, challenge).undelivered
    with world.read() as sandbox:
        assert list_page(sandbox).items == []
    pass_(world, 30)
    assert not resend(world, challenge).undelivered
    assert verify(world, challenge, code_of(world)) is Verdict.VERIFIED


# --- one at a time


def test_a_second_challenge_takes_the_place_of_the_first(world):
    first = start(world)
    former = code_of(world)
    second = start(world)
    assert second.challenge_id != first.challenge_id
    assert (state(world, first), state(world, second)) == ("SUPERSEDED", "ACTIVE")
    assert verify(world, first, former) is Verdict.USED
    assert verify(world, second, code_of(world)) is Verdict.VERIFIED


def test_other_purposes_and_subjects_are_left_alone(world):
    first = start(world)
    start(world, purpose=Purpose.SAVE_METHOD)
    start(world, subject="att_2")
    assert state(world, first) == "ACTIVE"


def test_a_cancelled_challenge_takes_no_code_and_is_cancelled_once(world):
    challenge = start(world)
    with world.transaction() as sandbox:
        challenges.cancel(sandbox, challenge.challenge_id)
        challenges.cancel(sandbox, challenge.challenge_id)
        challenges.cancel(sandbox, "otp_nothing")
    assert state(world, challenge) == "CANCELLED"
    assert verify(world, challenge, code_of(world)) is Verdict.USED


def test_a_verified_challenge_is_not_cancelled(world):
    challenge = start(world)
    verify(world, challenge, "123456")
    with world.transaction() as sandbox:
        challenges.cancel(sandbox, challenge.challenge_id)
    assert state(world, challenge) == "VERIFIED"


# --- magic codes


@pytest.mark.parametrize(
    ("typed", "verdict", "after", "wrong"),
    [
        ("123456", Verdict.VERIFIED, OtpState.VERIFIED, 0),
        ("111000", Verdict.VERIFIED, OtpState.VERIFIED, 0),
        ("000000", Verdict.WRONG, OtpState.ACTIVE, 1),
        ("999999", Verdict.EXPIRED, OtpState.EXPIRED, 0),
        ("888888", Verdict.LOCKED, OtpState.LOCKED, 0),
        ("666666", Verdict.TECHNICAL, OtpState.ACTIVE, 0),
        ("222222", Verdict.WRONG, OtpState.ACTIVE, 1),
        ("333333", Verdict.WRONG, OtpState.ACTIVE, 1),
        ("444444", Verdict.WRONG, OtpState.ACTIVE, 1),
        ("555555", Verdict.WRONG, OtpState.ACTIVE, 1),
        ("777777", Verdict.WRONG, OtpState.ACTIVE, 1),
    ],
)
@pytest.mark.parametrize("purpose", [Purpose.PAYMENT, Purpose.CHALLENGE])
def test_each_magic_code_does_what_its_row_says(world, typed, verdict, after, wrong, purpose):
    challenge = start(world, purpose=purpose)
    assert verify(world, challenge, typed) is verdict
    assert (see(world, challenge).state, see(world, challenge).wrong_count) == (after, wrong)


def test_the_technical_error_happens_once_and_then_the_same_code_is_right(world):
    challenge = start(world)
    assert verify(world, challenge, "666666") is Verdict.TECHNICAL
    assert verify(world, challenge, "666666") is Verdict.VERIFIED


def test_after_a_technical_error_the_code_of_the_inbox_is_right_too(world):
    challenge = start(world)
    assert verify(world, challenge, "666666") is Verdict.TECHNICAL
    assert verify(world, challenge, code_of(world)) is Verdict.VERIFIED


def test_magic_codes_work_whatever_the_length(runtime):
    world = World.new(runtime, otp_length=4)
    challenge = start(world)
    assert verify(world, challenge, "0000") is Verdict.WRONG
    assert verify(world, challenge, "123456") is Verdict.VERIFIED


# --- the lock-out


def test_two_locked_challenges_in_half_an_hour_lock_a_destination_out_for_half_an_hour(world):
    lock(world, subject="att_1")
    pass_(world, 1_799)
    open_ = start(world, "att_2")
    lock(world, subject="att_3", to="+919876543210")
    until = world.now() + 1_800_000
    error = refused(start, world, "att_4")
    assert (error.code, error.detail) == ("otp.locked_out", {"until": until})
    pass_(world, 60)
    assert refused(resend, world, open_).code == "otp.locked_out"
    pass_(world, 1_739.999)
    assert refused(start, world, "att_4").code == "otp.locked_out"
    pass_(world, 0.001)
    assert start(world, "att_4").state == "ACTIVE"


def test_two_locks_that_lie_further_apart_lock_nobody_out(world):
    lock(world, subject="att_1")
    pass_(world, 1_801)
    lock(world, subject="att_2")
    assert start(world, "att_3").state == "ACTIVE"


def test_a_lock_out_concerns_one_destination_of_one_seller(world, runtime):
    other = World.new(runtime)
    lock(world, subject="att_1")
    lock(world, subject="att_2")
    assert refused(start, world, "att_3").code == "otp.locked_out"
    assert start(world, "att_3", to="+91 98765 43211").state == "ACTIVE"
    assert start(other, "att_3").state == "ACTIVE"


def test_a_clock_that_is_set_back_locks_nobody_out_for_ever(world):
    lock(world, subject="att_1")
    lock(world, subject="att_2")
    pass_(world, -86_400)
    assert start(world, "att_3").state == "ACTIVE"


def test_who_is_refused_keeps_the_challenge_that_waits(world):
    waiting = start(world, "att_0")
    lock(world, subject="att_1")
    lock(world, subject="att_2")
    refused(start, world, "att_0")
    assert state(world, waiting) == "ACTIVE"


# --- what is told


def test_each_step_has_its_line_in_the_orders_timeline_and_none_tells_the_code(world):
    order = world.order()
    attempt = world.create_attempt(order, "asha@okbank").attempt
    challenge = start(world, attempt.attempt_id, attempt_id=attempt.attempt_id, amount=SUM)
    first = code_of(world)
    verify(world, challenge, not_(first))
    verify(world, challenge, "666666")
    pass_(world, 30)
    resend(world, challenge)
    verify(world, challenge, code_of(world))
    lines = [line for line in world.timeline(order) if line.machine == "otp"]
    assert [(line.event, line.before, line.after) for line in lines] == [
        ("start", None, "ACTIVE"),
        ("wrong", "ACTIVE", "ACTIVE"),
        ("technical", "ACTIVE", "ACTIVE"),
        ("resend", "ACTIVE", "ACTIVE"),
        ("verify", "ACTIVE", "VERIFIED"),
    ]
    assert {line.subject for line in lines} == {challenge.challenge_id}
    assert lines[0].facts["to"] == "******3210"
    assert [line.facts["wrong_count"] for line in lines] == [0, 1, 1, 1, 1]
    assert not any(code in str(line) for line in lines for code in (first, code_of(world)))


def test_an_attempts_challenges_are_listed_the_oldest_first(world):
    one = start(world, "att_1", attempt_id="att_1")
    start(world, "att_2", attempt_id="att_2")
    two = start(world, "att_1", attempt_id="att_1")
    with world.read() as sandbox:
        found = rows.of_attempt(sandbox, "att_1")
    assert [(c.challenge_id, c.state) for c in found] == [
        (one.challenge_id, "SUPERSEDED"),
        (two.challenge_id, "ACTIVE"),
    ]


def test_the_tracking_table_holds_neither_code_nor_destination(world):
    start(world, to="asha.rao@example.com", channel=Channel.EMAIL)
    with world.read() as sandbox:
        (row,) = sandbox.connection.execute(select(rows.otps)).mappings()
    kept = str({**row, "destination_sealed": bytes(row["destination_sealed"]).decode("latin-1")})
    assert code_of(world) not in kept
    assert "asha.rao" not in kept
    assert row["destination_masked"] == "a***@example.com"


@pytest.mark.parametrize("typed", ["123456", "888888", "999999"])
def test_the_destination_is_forgotten_with_the_end(world, typed):
    verify(world, start(world), typed)
    with world.read() as sandbox:
        assert sandbox.connection.execute(select(rows.otps.c.destination_sealed)).scalar() is None


# --- races


def test_of_two_right_codes_at_once_one_is_verified(world):
    challenge = start(world)
    code = code_of(world)
    got = run_concurrently(8, lambda index: verify(world, challenge, code if index % 2 else "123456"))
    assert sorted(map(str, got)) == ["USED"] * 7 + ["VERIFIED"]


def test_of_many_wrong_codes_at_once_three_are_tried(world):
    challenge = start(world)
    wrong = not_(code_of(world))
    got = run_concurrently(8, lambda _: verify(world, challenge, wrong))
    assert sorted(map(str, got)) == ["LOCKED"] * 6 + ["WRONG"] * 2
    assert see(world, challenge).wrong_count == 3


def test_of_many_challenges_at_once_one_is_active(world):
    got = run_concurrently(8, lambda _: start(world))
    assert len({challenge.challenge_id for challenge in got}) == 8
    states = [str(state(world, challenge)) for challenge in got]
    assert sorted(states) == ["ACTIVE"] + ["SUPERSEDED"] * 7


def test_a_step_from_what_was_read_before_somebody_moved_it_is_not_taken(world):
    """As two transactions could meet where the database let them read at once."""
    challenge = start(world)
    code = code_of(world)
    with world.read() as sandbox:
        stale = rows.find(sandbox, challenge.challenge_id)
    pass_(world, 30)
    resend(world, challenge)
    with world.transaction() as sandbox:
        assert rows.transition(sandbox, stale, "verify") is None
    assert verify(world, challenge, code) is Verdict.WRONG
    with world.read() as sandbox:
        stale = rows.find(sandbox, challenge.challenge_id)
    verify(world, challenge, "123456")
    with world.transaction() as sandbox:
        assert rows.transition(sandbox, stale, "verify") is None


def test_every_step_of_the_machine_was_taken_above():
    """The events that these tests take; a new one has to be added here and tested."""
    taken = {"wrong", "resend", "technical", "verify", "expire", "lock", "supersede", "cancel"}
    assert {event for _, event in OTP.table} == taken

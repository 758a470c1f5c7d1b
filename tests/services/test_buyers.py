"""Buyers: anybody who reads the code that was sent is signed in, at one seller."""

import pytest
from sqlalchemy import select

from mockpay.domain.buyers import BUYERS
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Conflict, Invalid, NotFound
from mockpay.otp import challenges
from mockpay.otp.rules import Channel, Purpose, Verdict
from mockpay.services import buyers as verbs
from mockpay.services.buyers import list_page
from mockpay.services.sellers import accounts
from mockpay.store import buyers
from tests.factories import World, run_concurrently

ASHA, NEWBIE = "asha@example.com", "newbie@buyers.mockpay.test"
RIGHT, WRONG, LOCKS = "123456", "000000", "888888"
HOUR = 3_600 * SECOND


def start(world, email=ASHA):
    with world.transaction() as sandbox:
        return verbs.start_sign_in(sandbox, email)


def finish(world, challenge, code=RIGHT):
    with world.transaction() as sandbox:
        return verbs.finish_sign_in(sandbox, challenge.challenge_id, code)


def signed_in(world, email=ASHA):
    done = finish(world, start(world, email))
    assert done.verdict is Verdict.VERIFIED
    return done


def buyer_of_session(world, session):
    with world.read() as sandbox:
        return verbs.buyer_of_session(sandbox, session)


def buyer_of_id(world, buyer_id):
    with world.read() as sandbox:
        return verbs.find(sandbox, buyer_id)


def test_a_buyer_signs_in_by_the_code_that_was_sent_to_the_e_mail(world):
    challenge = start(world)
    assert (challenge.purpose, challenge.channel) == (Purpose.SIGN_IN, Channel.EMAIL)
    with world.read() as sandbox:
        (message,) = list_page(sandbox).items
    done = finish(world, challenge, message.otp)
    assert done.buyer.email == message.to == ASHA
    assert buyer_of_session(world, done.session) == done.buyer == buyer_of_id(world, done.buyer.buyer_id)
    assert done.session not in repr(done)


@pytest.mark.parametrize(
    ("code", "verdict"),
    [(WRONG, Verdict.WRONG), (LOCKS, Verdict.LOCKED), ("999999", Verdict.EXPIRED), ("", Verdict.WRONG)],
)
def test_another_code_opens_no_session(world, code, verdict):
    done = finish(world, start(world), code)
    assert (done.verdict, done.session, done.buyer) == (verdict, None, None)
    assert rows(world, buyers.sessions) == rows(world, buyers.buyers) == []


def test_a_wrong_code_counts_although_nothing_is_raised(world):
    challenge = start(world)
    verdicts = [finish(world, challenge, WRONG).verdict for _ in range(3)]
    assert verdicts[-1] is Verdict.LOCKED
    assert finish(world, challenge).verdict is Verdict.LOCKED


def begin_until_refused(world, email=ASHA):
    """How many sign-ins begin, and how the next is refused."""
    for number in range(20):
        try:
            start(world, email)
        except Conflict as error:
            return number, error
    return 20, None


def test_sign_ins_begun_without_end_are_limited_as_codes_are_until_half_an_hour_after_the_first(world):
    first = start(world).created_at
    world.advance(60)
    begun, refused = begin_until_refused(world)
    assert (begun, refused.code, refused.detail) == (2, "otp.too_many_unfinished", {"until": first + HOUR // 2})
    assert begin_until_refused(world, NEWBIE)[0] == 3  # another e-mail has its own
    world.advance(1_739.999)
    assert begin_until_refused(world)[0] == 0
    world.advance(0.001)
    assert begin_until_refused(world)[0] == 1


def test_a_code_sent_again_counts_among_those_that_sign_ins_may_have(world):
    challenge = start(world)
    world.advance(30)
    with world.transaction() as sandbox:
        challenges.resend(sandbox, challenge.challenge_id)
    assert begin_until_refused(world)[0] == 1


def test_a_right_code_makes_sign_ins_free_again(world):
    for _ in range(10):
        signed_in(world)
    assert begin_until_refused(world)[0] == 3


def test_a_code_opens_one_session_however_many_send_it_at_once(world):
    challenge = start(world)
    got = run_concurrently(6, lambda _: finish(world, challenge))
    assert sum(one.session is not None for one in got) == 1
    assert len(rows(world, buyers.sessions)) == 1


def test_the_code_of_a_payment_opens_no_session(world):
    with world.transaction() as sandbox:
        payment = challenges.start(sandbox, purpose=Purpose.PAYMENT, subject=ASHA, to=ASHA)
    assert finish(world, payment).verdict is Verdict.WRONG
    with world.read() as sandbox:
        assert challenges.active(sandbox, Purpose.PAYMENT, ASHA) == payment


def test_a_challenge_of_another_seller_or_none_opens_no_session(world):
    challenge = start(world)
    assert finish(World.new(world.runtime), challenge).session is None
    assert finish(world, challenge).session


@pytest.mark.parametrize("email", ["", "asha", "a@b", "a b@example.com", "a@b@example.com"])
def test_what_is_no_e_mail_gets_no_code(world, email):
    with pytest.raises(Invalid) as refused:
        start(world, email)
    assert refused.value.code == "email.invalid"


# --- who they are


def rows(world, table):
    with world.read() as sandbox:
        return sandbox.connection.execute(select(table)).mappings().all()


def test_a_buyer_is_the_same_however_the_e_mail_is_spelt_and_however_often_they_come(world):
    first, again = signed_in(world), signed_in(world, " Asha@Example.COM ")
    assert first.buyer == again.buyer
    assert first.session != again.session
    assert len(rows(world, buyers.buyers)) == 1
    assert buyer_of_session(world, first.session) == buyer_of_session(world, again.session)


def test_another_e_mail_or_seller_makes_another_buyer(world):
    other = World.new(world.runtime)
    ids = {signed_in(w, e).buyer.buyer_id for w in (world, other) for e in (ASHA, NEWBIE)}
    assert len(ids) == 4


@pytest.mark.parametrize("buyer", BUYERS, ids=lambda one: one.local)
def test_a_sandbox_buyer_is_there_before_the_first_visit(world, buyer):
    with world.read() as sandbox:
        named = verbs.by_email(sandbox, buyer.email)
    assert buyer_of_id(world, named.buyer_id) == named
    done = signed_in(world, buyer.email)
    assert done.buyer.buyer_id == named.buyer_id
    assert buyer_of_id(world, named.buyer_id).created_at is not None


def test_nobody_else_is_there_before_the_first_visit(world):
    other = World.new(world.runtime)
    theirs = signed_in(other).buyer
    with world.read() as sandbox:
        strangers = [verbs.by_email(sandbox, ASHA).buyer_id, theirs.buyer_id, "byr_none", ""]
    for buyer_id in strangers:
        with pytest.raises(NotFound) as refused:
            buyer_of_id(world, buyer_id)
        assert refused.value.code == "buyer.not_found"


def test_threads_that_meet_a_buyer_at_once_meet_the_same(world):
    def ensure(_):
        with world.transaction() as sandbox:
            return verbs.ensure(sandbox, ASHA)

    assert len(set(run_concurrently(8, ensure))) == 1
    assert len(rows(world, buyers.buyers)) == 1


# --- sessions


def test_a_session_is_good_at_its_own_seller_only(world):
    other = World.new(world.runtime)
    session = signed_in(world).session
    signed_in(other)
    assert buyer_of_session(other, session) is None
    for wrong in ("", "x", session[:-1], session + "A"):
        assert buyer_of_session(world, wrong) is None


def test_a_session_lasts_twelve_real_hours_whatever_the_sellers_clock_does(world, real_clock):
    session = signed_in(world).session
    world.advance(1_000_000)
    assert buyer_of_session(world, session)
    real_clock.move(12 * HOUR - 1)
    assert buyer_of_session(world, session)
    real_clock.move(1)
    assert buyer_of_session(world, session) is None


def test_who_signs_out_is_out_here_and_nowhere_else(world):
    here, there = signed_in(world).session, signed_in(world).session
    with world.transaction() as sandbox:
        verbs.sign_out(sandbox, here)
        verbs.sign_out(sandbox, "none")
    assert buyer_of_session(world, here) is None
    assert buyer_of_session(world, there)


def test_sessions_that_are_over_are_forgotten(world, real_clock):
    signed_in(world)
    real_clock.move(12 * HOUR)
    signed_in(world)
    assert len(rows(world, buyers.sessions)) == 1


def test_a_session_is_stored_as_a_digest(world):
    session = signed_in(world).session
    assert len(session) >= 22
    assert session not in repr(rows(world, buyers.sessions))


def test_a_reset_ends_all_sessions(world):
    session = signed_in(world).session
    with world.transaction() as sandbox:
        accounts.reset(sandbox)
    assert buyer_of_session(world, session) is None

"""Whatever is typed to prove a payment, nothing of it stays but the inbox's codes."""

import logging
import re

import pytest
from sqlalchemy import select

from mockpay.domain.methods.emi import Emi
from mockpay.domain.methods.wallet import Wallet
from mockpay.domain.payments.attempts import LIVE
from mockpay.services.payments import authentication
from mockpay.services.payments.authentication import Payer
from mockpay.store.attempts import attempts, secrets
from mockpay.store.db.metadata import metadata
from mockpay.store.inbox import inbox
from mockpay.threeds import threeds_table
from mockpay.vault import saved_methods
from mockpay.vault.rules import consent
from tests.factories import GUEST_AT_PAGE, NOON
from tests.journeys.leaks import AMEX_CVV, CVV, cvv_for, numbers_in, values_in

#: Paid, paid on another network, declined, never answered, left, unavailable.
NUMBERS = [
    "4111111111111111",
    "6527658900001005",
    "378282246310005",
    "4000000000000002",
    "4100280000090000",
    "4100280000070002",
    "4000008400001280",
]
HDFC = "5241810000000000"
#: Wrong everywhere, and like nothing else.
TYPED, PIN = "918273", "428317"
RICH = Wallet("rich@buyers.mockpay.test")
ASHA = Payer(checkout=GUEST_AT_PAGE.checkout, buyer_id="byr_asha", consent=consent(NOON, "192.0.2.7"))


@pytest.fixture
def played(world, caplog):
    """Every way to prove a payment, to each of its ends, and some that have not ended."""
    caplog.set_level(logging.DEBUG)
    for number in NUMBERS:
        card = world.card(number, cvv=cvv_for(number))
        attempt = world.start(world.order(number[-6:], "1500.00"), card, ASHA).attempt
        world.authenticate(attempt, TYPED)
        world.authenticate(attempt)
    by_plan(world)
    by_token(world)
    with_passwords(world)
    world.approve(world.request_approval(world.order("PIN")), PIN)
    return world


def by_plan(world):
    order = world.order("PLAN", "5000.00")
    card = world.card(HDFC, cvv=CVV)
    emi = Emi.choose(card, order.amount, bank="HDFC", tenure="3", no_cost=True, eligible=True)
    assert world.pay_with(order, emi, ASHA).state == "CAPTURED"


def by_token(world):
    """A saved card pays again, its number back from the vault."""
    with world.transaction() as sandbox:
        tokens = [one.token for one in saved_methods.listed(sandbox, "byr_asha")]
        used = [saved_methods.use(sandbox, "byr_asha", token).instrument for token in tokens]
    for place, instrument in enumerate(used):
        done = world.pay_with(world.order(f"AGAIN-{place}"), instrument, ASHA)
        assert done.state == "CAPTURED"
    assert len(used) == 4


def with_passwords(world):
    tried = [world.start(world.order(f"OTP-{n}", "6000.00"), RICH).attempt for n in range(4)]
    for attempt in tried:
        world.authenticate(attempt, TYPED)
    right, left, locked, _ = tried
    world.authenticate(right, codes(world, right.attempt_id)[0])
    with world.transaction() as sandbox:
        authentication.cancel_otp(sandbox, left)
    world.authenticate(locked, "888888")


def codes(world, attempt_id=None):
    """The codes that were sent, the newest first."""
    query = select(inbox.c.otp).order_by(inbox.c.id.desc())
    if attempt_id:
        query = query.where(inbox.c.attempt_id == attempt_id)
    with world.read() as sandbox:
        return sandbox.connection.execute(query).scalars().all()


def cells(world, but=()):
    """(table and column, what is in it) for all that the database holds."""
    with world.read() as sandbox:
        for table in metadata.sorted_tables:
            if table.name in but:
                continue
            for row in sandbox.connection.execute(select(table)).mappings():
                yield from ((f"{table.name}.{name}", value) for name, value in row.items())


def as_text(value) -> str:
    return value.decode("latin-1") if isinstance(value, bytes | memoryview) else str(value)


def spelt(code, text) -> bool:
    """A code that stands by itself: six digits happen to be within an id or a hash."""
    return re.search(f"(?<![0-9A-Za-z]){code}(?![0-9A-Za-z])", text) is not None


def test_no_cell_holds_a_card_number_a_cvv_a_pin_or_a_wrong_code(played):
    secret = {CVV, AMEX_CVV, PIN}
    found = list(cells(played))
    assert {where for where, value in found if numbers_in(as_text(value))} == set()
    assert {where for where, value in found if values_in(value) & secret} == set()
    assert {where for where, value in found if spelt(TYPED, as_text(value))} == set()


def test_a_code_is_in_the_inbox_and_nowhere_else(played):
    sent = codes(played)
    assert len(sent) >= 10
    found = {
        (where, code)
        for where, value in cells(played, but={"inbox"})
        for code in (*sent, TYPED, PIN)
        if spelt(code, as_text(value))
    }
    assert found == set()
    in_inbox = {where for where, value in cells(played) if spelt(sent[0], as_text(value))}
    assert in_inbox == {"inbox.otp", "inbox.body"}


def test_no_log_line_and_no_timeline_tells_any_of_it(played, caplog):
    typed = [*codes(played), TYPED, PIN]
    told = caplog.text + "".join(as_text(value) for _, value in cells(played, but={"inbox"}))
    assert numbers_in(told) == set()
    assert not [code for code in typed if spelt(code, caplog.text)]


def test_what_was_in_the_inbox_for_an_hour_is_taken_out(played):
    sent = codes(played)
    played.advance(3_601)
    played.start(played.order("LATER", "6000.00"), RICH)  # the next message sweeps
    kept = {value for _, value in cells(played) for code in sent if spelt(code, as_text(value))}
    assert kept == set()


def test_nothing_sealed_is_left_of_a_payment_that_has_ended(played):
    played.advance_until_idle()
    with played.read() as sandbox:
        kept = set(sandbox.connection.execute(select(secrets.c.attempt_id)).scalars())
        live = select(attempts.c.attempt_id).where(attempts.c.state.in_(sorted(LIVE)))
        assert kept <= set(sandbox.connection.execute(live).scalars())


def test_an_error_that_is_printed_shows_no_card(world):
    """What a traceback would print of the things at hand."""
    card = world.card("4111111111111111", cvv=CVV)
    attempt = world.start(world.order(), card, ASHA).attempt
    with world.read() as sandbox:
        txn = threeds_table.latest(sandbox, attempt.attempt_id)
    assert numbers_in(f"{card!r} {attempt!r} {txn!r} {ASHA!r}") == set()


def test_the_search_would_find_what_is_there(played):
    """The searcher can fail: a planted code and number are seen."""
    assert spelt("918273", "typed: 918273.")
    assert not spelt("918273", "a9182735b")
    assert numbers_in("x 4111111111111111") == {"4111111111111111"}
    assert codes(played)[0] in {value for where, value in cells(played) if where == "inbox.otp"}

"""What follows from a step stands in a table beside its machine, for every event there is."""

from mockpay.domain.orders import ORDER
from mockpay.domain.payments.attempts import ATTEMPT, TERMINAL
from mockpay.domain.refunds import REFUND
from mockpay.otp import challenges
from mockpay.otp.rules import OTP
from mockpay.services.payments import transitions
from mockpay.services.payments.transitions import ATTEMPTS, ORDERS
from mockpay.services.refunds.transitions import REFUNDS, add_to_order, notify_seller, release_reserve
from mockpay.threeds.rules import THREEDS
from mockpay.threeds.threeds_table import TRANSACTIONS
from mockpay.vault import saved_methods
from mockpay.vault.rules import SAVED_METHOD

TABLES = [
    (ORDER, ORDERS.follow_ups),
    (ATTEMPT, ATTEMPTS.follow_ups),
    (REFUND, REFUNDS.follow_ups),
    (THREEDS, TRANSACTIONS.follow_ups),
    (OTP, challenges.FOLLOW_UPS),
    (SAVED_METHOD, saved_methods.FOLLOW_UPS),
]


def test_every_event_says_what_follows_from_it_even_if_nothing_does(subtests):
    for machine, follow_ups in TABLES:
        with subtests.test(machine=machine, follow_ups=follow_ups):
            assert set(follow_ups) == {event for _, event in machine.table}


def test_an_attempt_that_ends_keeps_no_card_number_and_tells_the_risk_check():
    ends = {event for (state, event), target in ATTEMPT.table.items() if target in TERMINAL and state not in TERMINAL}
    for event in ends:
        follow_ups = ATTEMPTS.follow_ups[event]
        assert {transitions.shred_secret, transitions.record_risk_outcome} <= set(follow_ups), event
        if transitions.save_method in follow_ups:
            # A saved card's number is read from the secret that is shredded.
            assert follow_ups.index(transitions.save_method) < follow_ups.index(transitions.shred_secret)


def test_money_that_a_refund_reserved_is_released_or_counted_as_refunded():
    assert release_reserve in REFUNDS.follow_ups["declined"]
    assert add_to_order in REFUNDS.follow_ups["completed"]
    assert all(notify_seller in REFUNDS.follow_ups[event] for event in ("completed", "declined"))

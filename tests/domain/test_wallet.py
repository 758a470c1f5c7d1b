"""Amazon Pay balance: what its network answers, and how money may move."""

from mockpay.domain.buyers import opening_minor
from mockpay.domain.methods.method import Answer, MoneyStatus, Timing
from mockpay.domain.methods.wallet import RESPONSE_CODES
from mockpay.domain.wallet.ledger import MAY_BE_NEGATIVE, TEMPLATES, JournalType, Kind


def test_a_refusal_says_what_is_wrong_with_the_balance(subtests):
    for outcome, code, reason in [
        ("insufficient", "51", "insufficient_wallet_balance"),
        ("frozen", "57", "wallet_frozen"),
        ("failure", "96", "gateway_technical_error"),
        ("timedout", "TO", "payment_timed_out"),
        ("iso:51", "51", "insufficient_wallet_balance"),
        ("iso:57", "57", "wallet_frozen"),
        ("spendcap", "61", "wallet_monthly_spend_cap"),
        ("iso:61", "61", "wallet_monthly_spend_cap"),
        ("closed", "62", "wallet_closed"),
        ("iso:62", "62", "wallet_closed"),
        ("iso:05", "96", "gateway_technical_error"),
    ]:
        with subtests.test(outcome=outcome, code=code, reason=reason):
            assert RESPONSE_CODES.answer(outcome) == Answer(code)
            assert RESPONSE_CODES.money_status(code) is MoneyStatus.DECLINED
            assert RESPONSE_CODES.failure(code).reason == reason


def test_an_answer_that_came_too_late_becomes_known():
    assert RESPONSE_CODES.answer("deemed") == RESPONSE_CODES.answer("iso:68") == Answer("68", "00", Timing.DELAYED)
    assert RESPONSE_CODES.money_status("68") is MoneyStatus.UNKNOWN


def test_what_is_pending_is_paid_later_or_never():
    assert RESPONSE_CODES.answer("pendingok") == Answer("PD", "00", Timing.DELAYED)
    assert RESPONSE_CODES.answer("pending") == Answer("PD")
    assert RESPONSE_CODES.money_status("PD") is MoneyStatus.PENDING


def test_every_journal_has_a_template_between_two_accounts(subtests):
    for journal in set(JournalType) - {JournalType.REVERSAL}:
        with subtests.test(journal=journal):
            source, target = TEMPLATES[journal]
            assert source is not target


def test_a_payment_goes_by_way_of_a_hold_and_can_come_back_from_both_places():
    """Facts, section 6: hold, capture, release, refund."""
    held = TEMPLATES[JournalType.HOLD]
    assert held == (Kind.WALLET_MONEY, Kind.WALLET_HOLD)
    assert TEMPLATES[JournalType.RELEASE] == held[::-1]
    taken = TEMPLATES[JournalType.CAPTURE]
    assert taken == (Kind.WALLET_HOLD, Kind.MERCHANT_PAYABLE)
    assert TEMPLATES[JournalType.REFUND] == (taken[1], held[0])


def test_only_the_outside_world_may_owe():
    assert {Kind.GATEWAY_CLEARING, Kind.ADJUSTMENT} == MAY_BE_NEGATIVE
    assert TEMPLATES[JournalType.TOPUP][0] in MAY_BE_NEGATIVE


def test_a_sandbox_buyer_has_an_opening_balance_and_nobody_else(subtests):
    for email, minor in [
        ("rich@buyers.mockpay.test", 15_000_000),
        ("poor@buyers.mockpay.test", 1_000),
        ("rich@example.com", 0),
        ("newbie@buyers.mockpay.test", 0),
        ("", 0),
    ]:
        with subtests.test(email=email, minor=minor):
            assert opening_minor(email) == minor

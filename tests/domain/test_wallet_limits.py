"""What a wallet may hold, be loaded with and spend, and from when again."""

from mockpay.domain.buyers import Kyc
from mockpay.domain.wallet import limits
from mockpay.domain.wallet.limits import Limits, Profile, Status, Usage
from mockpay.kernel.clock import parse_time, rfc3339
from mockpay.kernel.money import Money

NOW = parse_time("2026-11-21T15:00:00Z")
MIN, FULL = Profile(Kyc.MIN), Profile(Kyc.FULL)


def refused(refusal):
    """(reason, what is left in paise, from when)."""
    if refusal is None:
        return None
    left = refusal.allowance
    return refusal.reason, left.amount.minor, rfc3339(left.until)[:16] if left.until else None


def test_the_figures_are_those_of_the_reserve_bank():
    """Facts, section 6."""
    assert limits.LIMITS[Kyc.MIN] == Limits(10_000_00, 10_000_00, 1_20_000_00, 10_000_00)
    assert limits.LIMITS[Kyc.FULL] == Limits(2_00_000_00, None, None, None)


def test_what_is_left_can_be_added_and_not_a_paisa_more(subtests):
    for profile, usage, left, reason, start in [
        (MIN, Usage(9_500_00), 500_00, "wallet_balance_cap", None),
        (MIN, Usage(0, 9_999_99, 9_999_99), 1, "wallet_monthly_load_cap", "2026-11-30T18:30"),
        (MIN, Usage(0, 0, 1_19_000_00), 1_000_00, "wallet_yearly_load_cap", "2027-03-31T18:30"),
        (FULL, Usage(1_99_000_00, 5_00_000_00, 9_00_000_00), 1_000_00, "wallet_balance_cap", None),
        (MIN, Usage(10_500_00), 0, "wallet_balance_cap", None),
    ]:
        with subtests.test(reason=reason, usage=usage):
            assert limits.load_refusal(profile, usage, left, NOW) is None
            assert refused(limits.load_refusal(profile, usage, left + 1, NOW)) == (reason, left, start)
            assert limits.may_add(profile, usage, NOW) == Money(left)


def test_a_month_of_spending_has_its_cap_at_minimum_kyc_only():
    usage = Usage(9_000_00, monthly_spend_cap=9_000_00)
    assert limits.spend_refusal(MIN, usage, 1_000_00, NOW) is None
    expected = ("wallet_monthly_spend_cap", 1_000_00, "2026-11-30T18:30")
    assert refused(limits.spend_refusal(MIN, usage, 1_000_01, NOW)) == expected
    assert limits.spend_refusal(FULL, usage, 1_00_000_00, NOW) is None
    assert limits.may_spend(MIN, usage, Money(9_000_00), Money(50_00), NOW) == Money(1_050_00)
    assert limits.may_spend(FULL, usage, Money(9_000_00), Money(50_00), NOW) == Money(9_050_00)


def test_a_balance_that_is_frozen_or_closed_takes_and_pays_nothing(subtests):
    for status, reason in [(Status.FROZEN, "wallet_frozen"), (Status.CLOSED, "wallet_closed")]:
        with subtests.test(status=status):
            profile = Profile(Kyc.FULL, status)
            assert limits.load_refusal(profile, Usage(0), 100, NOW).reason == reason
            assert limits.spend_refusal(profile, Usage(0), 100, NOW).reason == reason
            assert limits.may_add(profile, Usage(0), NOW) == Money(0)
            assert limits.may_spend(profile, Usage(0), Money(500), Money(0), NOW) == Money(0)
    assert limits.adjust_refusal(Profile(Kyc.FULL, Status.FROZEN), Usage(0), 100, NOW) is None
    assert limits.adjust_refusal(Profile(Kyc.FULL, Status.CLOSED), Usage(0), -100, NOW).reason == "wallet_closed"


def test_a_correction_is_no_load_but_keeps_the_cap():
    usage = Usage(9_500_00, 10_000_00, 1_20_000_00)
    assert limits.adjust_refusal(MIN, usage, 500_00, NOW) is None
    assert refused(limits.adjust_refusal(MIN, usage, 500_01, NOW)) == ("wallet_balance_cap", 500_00, None)
    assert limits.adjust_refusal(MIN, Usage(99_000_00), -1, NOW) is None


def test_a_refund_is_over_the_cap_from_the_first_paisa_above():
    assert not limits.over_cap(MIN, Usage(9_500_00), 500_00)
    assert limits.over_cap(MIN, Usage(9_500_00), 500_01)


def test_a_limit_that_was_set_takes_the_place_of_the_profiles():
    profile = Profile(Kyc.MIN, own=Limits(monthly_load_cap=5_00, balance_cap=0))
    assert profile.limits == Limits(0, 5_00, 1_20_000_00, 10_000_00)
    assert Profile(Kyc.FULL, own=Limits(monthly_spend_cap=7)).limits == Limits(2_00_000_00, None, None, 7)


def test_months_and_years_begin_at_midnight_in_india(subtests):
    for moment, month, next_month, first, last, next_year in [
        ("2026-11-30T18:29:59Z", "2026-11", "2026-11-30T18:30", "2026-04", "2027-03", "2027-03-31T18:30"),
        ("2026-11-30T18:30:00Z", "2026-12", "2026-12-31T18:30", "2026-04", "2027-03", "2027-03-31T18:30"),
        ("2026-12-31T18:30:00Z", "2027-01", "2027-01-31T18:30", "2026-04", "2027-03", "2027-03-31T18:30"),
        ("2027-03-31T18:29:59Z", "2027-03", "2027-03-31T18:30", "2026-04", "2027-03", "2027-03-31T18:30"),
        ("2027-03-31T18:30:00Z", "2027-04", "2027-04-30T18:30", "2027-04", "2028-03", "2028-03-31T18:30"),
    ]:
        with subtests.test(moment=moment):
            now = parse_time(moment)
            assert limits.month_of(now) == month
            assert limits.months_of_year(now) == (first, last)
            assert rfc3339(limits.next_month(now))[:16] == next_month
            assert rfc3339(limits.next_year(now))[:16] == next_year


def test_the_end_of_all_time_has_months_too():
    now = parse_time("9999-12-31T12:00:00Z")
    assert limits.next_month(now) == limits.next_year(now) > now

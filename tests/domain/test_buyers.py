"""The buyers who are there from the start."""

from mockpay.domain import buyers
from mockpay.domain.buyers import BUYERS, BY_EMAIL, Kyc

#: facts, section 11.5; a frozen balance may hold anything but nought.
PUBLISHED = {
    "rich": 15_000_000,
    "poor": 1_000,
    "minkyc": 950_000,
    "frozen": None,
    "reload": 60_000,
    "reloadfail": 60_000,
    "reloadcap": 60_000,
    "newbie": 0,
}


def test_all_published_buyers_are_there_and_no_others():
    assert [one.local for one in BUYERS] == list(PUBLISHED)
    assert set(BY_EMAIL) == {f"{local}@buyers.mockpay.test" for local in PUBLISHED}


def test_each_begins_with_its_balance(subtests):
    for local, expected in PUBLISHED.items():
        with subtests.test(local=local):
            opening = buyers.opening_minor(f"{local}@buyers.mockpay.test")
            assert opening == expected if expected is not None else opening > 0


def test_nobody_else_begins_with_anything():
    assert buyers.opening_minor("rich@example.com") == buyers.opening_minor("") == 0


def test_one_balance_is_frozen_and_one_has_minimum_kyc():
    assert [one.local for one in BUYERS if one.frozen] == ["frozen"]
    assert [one.local for one in BUYERS if one.kyc is Kyc.MIN] == ["minkyc"]

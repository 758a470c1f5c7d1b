"""Deciding by API on payments that the risk check has put aside."""

import pytest

from mockpay.domain.methods.wallet import Wallet

RICH = Wallet("rich@buyers.mockpay.test")


@pytest.fixture
def parked(world):
    """A payment from a balance that waits for a review, in a world that stands still."""
    world.freeze()
    attempt = world.pay_with(world.open_order(amount="1706.02"), RICH)
    assert attempt.state == "RISK_REVIEW"
    return attempt


def test_an_approved_payment_is_paid(world, parked):
    told = world.post(f"/reviews/{parked.attempt_id}/approve")
    assert (told.status_code, told.json["state"]) == (200, "CAPTURED")
    assert told.json["risk"]["decision"] == "REVIEW"
    assert world.get(f"/orders/{told.json['order_id']}").json["state"] == "PAID"


def test_a_rejected_payment_failed_for_a_neutral_reason(world, parked):
    told = world.post(f"/reviews/{parked.attempt_id}/reject").json
    assert (told["state"], told["reason"]) == ("FAILED", "payment_risk_check_failed")
    assert world.get(f"/orders/{told['order_id']}").json["state"] == "PENDING"


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_what_waits_for_no_review_is_refused(world, parked, verb):
    world.post(f"/reviews/{parked.attempt_id}/reject")
    refused = world.post(f"/reviews/{parked.attempt_id}/{verb}")
    assert (refused.status_code, refused.json["code"]) == (409, "review.over")
    assert world.post(f"/reviews/att_nobody/{verb}").status_code == 404


def test_another_sellers_attempt_is_unknown(api, parked):
    assert api.new_seller().post(f"/reviews/{parked.attempt_id}/approve").status_code == 404


def test_the_clock_approves_what_nobody_looked_at(world, parked):
    world.advance(10)
    assert world.get(f"/attempts/{parked.attempt_id}").json["state"] == "CAPTURED"

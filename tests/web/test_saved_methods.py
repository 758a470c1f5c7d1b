"""Saved methods as lines of a list."""

from msgspec.structs import replace

from mockpay.kernel.clock import DAY
from mockpay.vault.rules import MethodStatus, SavedMethod
from mockpay.web.buyers import rows
from tests.factories import NOON

CARD = SavedMethod(
    token="tok_1",
    seller_id="A1",
    buyer_id="byr_1",
    kind="card",
    status=MethodStatus.ACTIVE,
    status_reason=None,
    display={"network": "Visa", "last4": "1007", "issuer": "HDFC", "type": "credit"},
    nickname=None,
    token_last4="0001",
    par="par",
    is_default=True,
    consent_id="cns_1",
    attempt_id=None,
    created_at=NOON,
    updated_at=NOON,
    last_used_at=None,
    expires_at=NOON + DAY,
)


def row(now=NOON, **changes):
    (only,) = rows([replace(CARD, **changes)], now)
    return only


def test_a_card_is_named_by_issuer_network_and_last_digits():
    shown = row()
    assert (shown.title, shown.fact) == ("HDFC Bank Visa •••• 1007", "Saved 21 Nov 2026")
    assert (shown.icon, shown.reason, shown.is_default) == ("card", None, True)


def test_a_nickname_goes_before_what_it_stands_for():
    shown = row(nickname="Office", last_used_at=NOON + DAY)
    assert shown.title == "Office"
    assert shown.fact == "HDFC Bank Visa •••• 1007. Last used 22 Nov 2026"


def test_what_cannot_pay_says_why(subtests):
    for changes, reason in [
        ({"status": MethodStatus.SUSPENDED}, "Suspended by the bank for now"),
        ({"status": MethodStatus.DEACTIVATED}, "Ended by the bank"),
        ({"status": MethodStatus.DEACTIVATED, "status_reason": "expired"}, "Expired"),
        ({"expires_at": NOON}, "Expired"),
    ]:
        with subtests.test(changes=changes, reason=reason):
            assert row(**changes).reason == reason


def test_what_can_pay_is_usable_until_its_last_instant():
    assert row(NOON + DAY - 1).reason is None
    assert row(NOON + DAY).reason == "Expired"

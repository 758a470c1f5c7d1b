"""Consent: a yes to a text that can be shown again."""

import hashlib

import pytest
from msgspec import structs

from mockpay.kernel.errors import Invalid
from mockpay.vault.rules import CONSENT_TEXTS, CONSENT_VERSIONS, RELOAD_TEXT, check_consent, consent, consent_to

GIVEN = consent(1_000, "192.0.2.7")


def test_a_consent_names_its_text_by_version_and_content():
    text = CONSENT_TEXTS["1"].encode()
    assert (GIVEN.text_version, GIVEN.accepted_at, GIVEN.ip) == ("1", 1_000, "192.0.2.7")
    assert GIVEN.text_sha256 == hashlib.sha256(text).hexdigest()
    assert check_consent(GIVEN) is GIVEN


def test_a_text_that_was_shown_once_stays_as_it_was():
    """Change it by adding a version, so that what buyers agreed to can be shown again."""
    digests = {n: hashlib.sha256(text.encode()).hexdigest()[:16] for n, text in CONSENT_TEXTS.items()}
    assert digests == {
        "1": "6ab50fe87efb4340",
        "upi-1": "69156a28378cc2cd",
        "netbanking-1": "07a797dbacf5d74c",
        "wallet-1": "64e0dbbfe63598d4",
        "reload-1": "f095b398939cd7c7",
    }


def test_a_yes_to_one_thing_is_no_yes_to_another():
    reloading = consent_to(RELOAD_TEXT, 1_000, "192.0.2.7")
    assert check_consent(reloading, reload=True) is reloading
    for agreed, reload in ((reloading, False), (GIVEN, True)):
        with pytest.raises(Invalid, match="consent"):
            check_consent(agreed, reload=reload)


def test_each_method_has_a_text_of_its_own_and_only_a_cards_speaks_of_a_card():
    texts = {method: CONSENT_TEXTS[consent(0, "", method).text_version] for method in CONSENT_VERSIONS}
    assert texts["emi"] == texts["card"]
    assert len({*texts.values()}) == 4
    for method, word in (("upi", "UPI ID"), ("netbanking", "bank"), ("wallet", "balance")):
        assert word in texts[method]
        assert "card" not in texts[method].lower()


@pytest.mark.parametrize(
    "given", [None, structs.replace(GIVEN, text_version="0"), structs.replace(GIVEN, text_sha256="0" * 64)]
)
def test_anything_else_is_none(given):
    with pytest.raises(Invalid) as refused:
        check_consent(given)
    assert (refused.value.code, refused.value.detail["field"]) == ("consent.required", "save")

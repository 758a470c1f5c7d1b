"""Consent: a yes to a text that can be shown again."""

import dataclasses
import hashlib

import pytest

from mockpay.kernel.errors import Invalid
from mockpay.vault.rules import CONSENT_TEXTS, check_consent, consent

GIVEN = consent(1_000, "192.0.2.7")


def test_a_consent_names_its_text_by_version_and_content():
    text = CONSENT_TEXTS["1"].encode()
    assert (GIVEN.text_version, GIVEN.accepted_at, GIVEN.ip) == ("1", 1_000, "192.0.2.7")
    assert GIVEN.text_sha256 == hashlib.sha256(text).hexdigest()
    assert check_consent(GIVEN) is GIVEN


def test_a_text_that_was_shown_once_stays_as_it_was():
    """Change it by adding a version, so that what buyers agreed to can be shown again."""
    digests = {n: hashlib.sha256(text.encode()).hexdigest()[:16] for n, text in CONSENT_TEXTS.items()}
    assert digests == {"1": "6ab50fe87efb4340"}


@pytest.mark.parametrize(
    "given", [None, dataclasses.replace(GIVEN, text_version="0"), dataclasses.replace(GIVEN, text_sha256="0" * 64)]
)
def test_anything_else_is_none(given):
    with pytest.raises(Invalid) as refused:
        check_consent(given)
    assert (refused.value.code, refused.value.detail["field"]) == ("consent.required", "save")

"""Tokens, fingerprints and cryptograms: they tell nothing of what they were made of."""

import base64
import re

from mockpay.domain.methods import cards
from mockpay.domain.methods.cards import card_fingerprint
from mockpay.kernel.keys.keyring import Keyring
from mockpay.vault import rules

RING = Keyring.generate()
VISA, OTHER = "4111111111111111", "4242424242424242"


def test_a_fingerprint_knows_a_card_again_and_no_other():
    mark = card_fingerprint(RING, VISA)
    assert re.fullmatch("[0-9a-f]{32}", mark)
    assert card_fingerprint(RING, VISA) == mark != card_fingerprint(RING, OTHER)


def test_without_the_ring_nobody_makes_a_fingerprint():
    assert card_fingerprint(Keyring.generate(), VISA) != card_fingerprint(RING, VISA)


def test_a_fingerprint_outlives_every_rotation():
    rotated = RING.with_new_key().with_newest_only()
    assert card_fingerprint(rotated, VISA) == card_fingerprint(RING, VISA)


def test_two_sellers_cannot_compare_their_fingerprints():
    identity = f"card|{VISA}"
    mine = rules.scoped_fingerprint(RING, "A1", identity)
    assert mine != rules.scoped_fingerprint(RING, "A2", identity)
    assert mine != card_fingerprint(RING, VISA)
    assert len(mine) == 32


def test_the_account_reference_is_one_for_all_tokens_of_a_card():
    reference = rules.account_reference(RING, VISA)
    assert re.fullmatch("MOCK[A-Z2-7]{25}", reference)
    assert reference == rules.account_reference(RING, VISA)
    assert reference != rules.account_reference(RING, OTHER)


def test_a_token_number_belongs_to_its_network_and_is_no_card_that_can_be_typed(subtests):
    for network in cards.NETWORK_NAMES:
        with subtests.test(network=network):
            for n in range(50):
                number = rules.token_number("seed", f"tok_{n}", network)
                brand = cards.brand_of(number)
                assert brand is not None
                assert (brand.name, cards.luhn(number)) == (network, True)
                assert len(number) in brand.lengths
                assert cards.bin_of(number) is None


def test_each_token_has_a_number_of_its_own_and_always_the_same():
    numbers = [rules.token_number("seed", f"tok_{n}", "Visa") for n in range(200)]
    assert len(set(numbers)) == 200
    assert numbers[7] == rules.token_number("seed", "tok_7", "Visa")
    assert numbers[7] != rules.token_number("other", "tok_7", "Visa")


def test_a_token_cannot_be_guessed():
    made = {rules.new_token() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"tok_[0-9A-Za-z]{22}", token) for token in made)


def test_a_cryptogram_is_twenty_bytes_and_new_each_time():
    made = {rules.cryptogram(RING, "A1", "tok_1") for _ in range(100)}
    assert len(made) == 100
    assert {len(base64.b64decode(one, validate=True)) for one in made} == {20}

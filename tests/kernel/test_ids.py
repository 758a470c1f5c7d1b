"""Ids: reproducible ones that people see, and unguessable ones."""

import re

from mockpay.kernel import ids


def test_the_same_seed_gives_the_same_ids():
    assert ids.short("att", "seed", "S", "O-1", 1) == ids.short("att", "seed", "S", "O-1", 1)


def test_another_seed_seller_key_or_number_gives_another_id(subtests):
    for other in [("other", "S", "O-1", 1), ("seed", "T", "O-1", 1), ("seed", "S", "O-2", 1), ("seed", "S", "O-1", 2)]:
        with subtests.test(other=other):
            assert ids.short("att", "seed", "S", "O-1", 1) != ids.short("att", *other)


def test_a_short_id_is_lower_case_and_says_its_noun():
    assert re.fullmatch(r"att_[a-z2-7]{20}", ids.short("att", "seed", 1))
    assert ids.short("att", "seed", 1)[4:] != ids.short("ref", "seed", 1)[4:]


def test_dice_fall_the_same_in_every_run_and_stay_below():
    throws = [ids.number("seed", "rule", n, below=6) for n in range(300)]
    assert throws == [ids.number("seed", "rule", n, below=6) for n in range(300)]
    assert set(throws) == set(range(6))


def test_page_tokens_and_request_ids_differ_every_time():
    tokens = {ids.page_token() for _ in range(200)}
    assert len(tokens) == 200
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", token) for token in tokens)
    assert len({ids.request_id() for _ in range(200)}) == 200
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", ids.request_id())


def test_a_token_of_letters_and_digits_has_the_asked_size_and_differs_every_time():
    tokens = {ids.base62(22) for _ in range(200)}
    assert len(tokens) == 200
    assert all(re.fullmatch(r"[0-9A-Za-z]{22}", token) for token in tokens)


def test_entropy_has_the_asked_size():
    assert [len(ids.entropy(size)) for size in (0, 12, 32)] == [0, 12, 32]
    assert ids.entropy(16) != ids.entropy(16)


def test_secrets_of_any_script_are_compared():
    assert ids.same("पैसा", "पैसा")
    assert not ids.same("पैसा", "paisa")


def test_a_fingerprint_is_sha_256():
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert ids.fingerprint(b"") == empty

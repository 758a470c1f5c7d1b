"""Saved methods: saved with consent, found by their owner alone, and paid with."""

import base64

import pytest
from msgspec.structs import replace
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from mockpay.domain.methods.cards import Card, bin_of, card_fingerprint, luhn
from mockpay.domain.methods.netbanking import NetBanking
from mockpay.domain.methods.upi import Upi
from mockpay.domain.methods.wallet import Wallet
from mockpay.kernel.clock import DAY, parse_time
from mockpay.kernel.errors import Conflict, IllegalTransition, Invalid, NotFound, Unusable
from mockpay.kernel.keys.keyring import Keyring
from mockpay.services.sellers import accounts
from mockpay.vault import saved_methods as verbs
from mockpay.vault import vault_table
from mockpay.vault.rules import check_consent, consent
from tests.factories import NOON, World, on_sqlite, run_concurrently

VISA, MASTERCARD, FOREIGN = "4111111111111111", "5555555555554444", "4012888888881881"
ASHA, RAVI = "byr_one", "byr_two"
YES = consent(NOON, "192.0.2.7")


def save(world, instrument, buyer=ASHA, given=YES):
    with world.transaction() as sandbox:
        return verbs.save(sandbox, buyer, instrument, given, "att_1")


def save_card(world, number=VISA, buyer=ASHA, **typed):
    return save(world, world.card(number, **typed), buyer)


def act(world, verb, method, *more, buyer=ASHA):
    with world.transaction() as sandbox:
        return verb(sandbox, buyer, method.token, *more)


def listed(world, buyer=ASHA):
    with world.read() as sandbox:
        return verbs.listed(sandbox, buyer)


def default(world, buyer=ASHA):
    (one,) = [method.token for method in listed(world, buyer) if method.is_default]
    return one


def rows(world, table):
    with world.read() as sandbox:
        return sandbox.connection.execute(select(table)).mappings().all()


def story(world, method):
    with world.read() as sandbox:
        return [(one.event, one.after) for one in vault_table.steps_of(sandbox, method.token)]


# --- saving


def test_a_card_is_saved_as_a_token_that_shows_its_looks_only(world):
    method = save_card(world)
    assert (method.kind, method.status, method.is_default) == ("card", "ACTIVE", True)
    assert method.display == {"network": "Visa", "last4": "1111", "issuer": "HDFC", "type": "credit"}
    assert method.title == "HDFC Bank Visa •••• 1111"
    assert method.expires_at == parse_time("2029-08-31T18:30:00Z")
    assert listed(world) == [method]
    assert VISA not in repr(rows(world, vault_table.methods)) + repr(method)
    assert story(world, method) == [("initiate", "INITIATED"), ("activate", "ACTIVE")]


@pytest.mark.parametrize("given", [None, replace(YES, text_sha256="0" * 64)])
def test_without_consent_there_is_no_token(world, given):
    with pytest.raises(Invalid) as refused:
        save(world, world.card(VISA), given=given)
    assert refused.value.code == "consent.required"
    assert rows(world, vault_table.methods) == rows(world, vault_table.envelopes) == []


def test_each_token_has_its_consent(world):
    method = save_card(world)
    with world.read() as sandbox:
        kept = vault_table.find_consent(sandbox, method.consent_id)
    assert check_consent(kept) == YES
    (row,) = rows(world, vault_table.consents)
    assert (row["buyer_id"], row["attempt_id"], row["ip"]) == (ASHA, "att_1", "192.0.2.7")


def test_the_same_card_again_is_the_same_token(world):
    method = save_card(world)
    assert save_card(world) == method
    assert len(rows(world, vault_table.methods)) == len(rows(world, vault_table.consents)) == 1


def test_another_card_buyer_or_seller_is_another_token(world):
    other = World.new(world.runtime)
    made = [save_card(world), save_card(world, MASTERCARD), save_card(world, buyer=RAVI), save_card(other)]
    assert len({one.token for one in made}) == 4
    assert made[0].par == made[2].par == made[3].par != made[1].par
    marks = {row["token"]: row["fingerprint"] for row in rows(world, vault_table.methods)}
    assert marks[made[0].token] == marks[made[2].token] != marks[made[3].token]


def test_a_renewed_card_keeps_its_token_and_is_good_for_longer(world):
    method = save_card(world, expiry="12/26")
    renewed = save_card(world, expiry="12/29")
    assert renewed.token == method.token
    assert renewed.expires_at == parse_time("2029-12-31T18:30:00Z")
    assert act(world, verbs.use, method).instrument.typed.year == 2029


def test_a_card_of_another_country_gets_no_token_and_leaves_no_secret(world):
    method = save_card(world, FOREIGN)
    assert (method.status, method.status_reason) == ("FAILED", "international_card_not_tokenised")
    assert listed(world) == rows(world, vault_table.envelopes) == []
    assert story(world, method)[-1] == ("refuse", "FAILED")
    again = save_card(world, FOREIGN)
    assert again.token != method.token
    with pytest.raises(NotFound):
        act(world, verbs.find, method)


@pytest.mark.parametrize("instrument", [Upi("gaurav@okhdfc"), NetBanking("SBIN"), Wallet("asha@example.com")])
def test_every_method_that_has_an_address_can_be_saved_and_used(world, instrument):
    method = save(world, instrument)
    assert method.status == "ACTIVE"
    assert (method.token_last4, method.par, method.expires_at) == (None, None, None)
    used = act(world, verbs.use, method)
    assert (used.instrument, used.cryptogram) == (instrument, None)
    for address in ("gaurav", "asha"):
        assert address not in repr(rows(world, vault_table.methods))


def test_of_net_banking_the_vault_holds_nothing(world):
    save(world, NetBanking("SBIN"))
    assert rows(world, vault_table.envelopes) == []


def test_a_payment_by_qr_code_has_nothing_to_save(world):
    with pytest.raises(Invalid):
        save(world, Upi())


def test_threads_that_save_one_card_at_once_make_one_token(world):
    got = run_concurrently(8, lambda _: save_card(world))
    assert len({one.token for one in got}) == 1, got
    assert len(rows(world, vault_table.methods)) == len(rows(world, vault_table.envelopes)) == 1


def test_the_database_itself_keeps_a_card_from_being_there_twice(world):
    method = save_card(world)
    (row,) = rows(world, vault_table.methods)
    with world.transaction() as sandbox:
        twin = replace(method, token="tok_twin")
        assert not vault_table.add(sandbox, twin, row["fingerprint"])
    assert len(listed(world)) == 1


# --- whose it is


def test_nobody_elses_token_is_told_from_one_that_is_not_there(world):
    method, other = save_card(world), World.new(world.runtime)
    foreign = save_card(other)
    told = set()
    for token, buyer in ((method.token, RAVI), (foreign.token, ASHA), ("tok_none", ASHA), ("", "")):
        for verb in (verbs.find, verbs.use, verbs.delete, verbs.make_default, verbs.suspend):
            with pytest.raises(NotFound) as refused:
                act(world, verb, replace(method, token=token), buyer=buyer)
            told.add((refused.value.code, refused.value.message, str(refused.value.detail)))
    assert told == {("method.not_found", "There is no such saved method.", "{}")}
    assert listed(world) == [method]
    assert listed(other) == [foreign]


def test_a_reset_takes_everything_of_that_seller_away(world):
    other = World.new(world.runtime)
    method, theirs = save_card(world), save_card(other)
    act(world, verbs.use, method)
    with world.transaction() as sandbox:
        accounts.reset(sandbox)
    assert listed(world) == []
    for table in (vault_table.methods, vault_table.method_steps, vault_table.envelopes, vault_table.consents):
        assert {row["seller_id"] for row in rows(world, table)} == {other.seller_id}
    assert act(other, verbs.use, theirs).instrument.secret() == {"number": VISA}


# --- the default


def test_the_first_is_the_default_until_another_is_made_it(world):
    first, second = save_card(world), save_card(world, MASTERCARD)
    assert default(world) == first.token
    assert act(world, verbs.make_default, second).is_default
    assert default(world) == second.token
    assert [one.token for one in listed(world)] == [second.token, first.token]


def test_when_the_default_goes_the_one_used_last_takes_its_place(world):
    first, second = save_card(world), save_card(world, MASTERCARD)
    third = save(world, NetBanking("SBIN"))
    act(world, verbs.use, second)
    act(world, verbs.delete, first)
    assert default(world) == second.token
    act(world, verbs.deactivate, second)
    assert default(world) == third.token
    act(world, verbs.delete, third)
    assert [one.is_default for one in listed(world)] == [False]


def test_deleting_another_leaves_the_default_alone(world):
    first, second = save_card(world), save_card(world, MASTERCARD)
    third = save(world, NetBanking("SBIN"))
    act(world, verbs.use, third)
    act(world, verbs.delete, second)
    assert default(world) == first.token


def test_a_suspended_method_may_be_the_default_but_an_ended_one_not(world):
    first, second = save_card(world), save_card(world, MASTERCARD)
    act(world, verbs.suspend, second)
    assert act(world, verbs.make_default, second).is_default
    act(world, verbs.deactivate, first)
    with pytest.raises(Conflict) as refused:
        act(world, verbs.make_default, first)
    assert refused.value.code == "method.deactivated"
    assert default(world) == second.token


def test_threads_that_choose_change_and_delete_leave_one_default(world):
    banks = ["SBIN", "HDFC", "ICIC", "UTIB", "KKBK", "YESB"]
    made = [save(world, NetBanking(bank)) for bank in banks]
    run_concurrently(6, lambda n: act(world, verbs.make_default, made[n]))
    default(world)
    run_concurrently(5, lambda n: act(world, verbs.delete if n % 2 else verbs.make_default, made[n]))
    assert len(listed(world)) == 4
    default(world)
    assert all(one.live for one in listed(world))


def test_the_database_itself_keeps_a_second_default_away(world):
    save_card(world)
    save_card(world, MASTERCARD)
    with pytest.raises(IntegrityError), world.transaction() as sandbox:
        sandbox.connection.execute(update(vault_table.methods).values(is_default=True))
    default(world)


# --- names


def test_a_buyer_may_name_a_method_and_take_the_name_away(world):
    method = save_card(world)
    assert act(world, verbs.rename, method, "  Groceries ").title == "Groceries"
    assert act(world, verbs.rename, method, "").title == "HDFC Bank Visa •••• 1111"
    with pytest.raises(Invalid):
        act(world, verbs.rename, method, VISA)


# --- lifecycle


def test_a_method_is_suspended_resumed_and_deactivated(world):
    method = save_card(world)
    suspended = act(world, verbs.suspend, method, "lost_card_reported")
    assert (suspended.status, suspended.status_reason) == ("SUSPENDED", "lost_card_reported")
    resumed = act(world, verbs.resume, method)
    assert (resumed.status, resumed.status_reason) == ("ACTIVE", None)
    ended = act(world, verbs.deactivate, method, "expired")
    assert (ended.status, ended.status_reason, ended.live) == ("DEACTIVATED", "expired", False)
    assert [state for _, state in story(world, method)] == ["INITIATED", "ACTIVE", "SUSPENDED", "ACTIVE", "DEACTIVATED"]
    assert [one.status for one in listed(world)] == ["DEACTIVATED"]


@pytest.mark.parametrize(
    ("before", "verb"),
    [
        ([], verbs.resume),
        ([verbs.suspend], verbs.suspend),
        ([verbs.deactivate], verbs.suspend),
        ([verbs.deactivate], verbs.resume),
        ([verbs.deactivate], verbs.deactivate),
    ],
)
def test_a_step_that_the_machine_has_not_is_refused(world, before, verb):
    method = save_card(world)
    for step in before:
        act(world, step, method)
    now, lines = listed(world), story(world, method)
    with pytest.raises(IllegalTransition):
        act(world, verb, method)
    assert (listed(world), story(world, method)) == (now, lines)


@pytest.mark.parametrize(
    ("step", "code"), [(verbs.suspend, "method.suspended"), (verbs.deactivate, "method.deactivated")]
)
def test_what_is_not_active_does_not_pay(world, step, code):
    method = save_card(world)
    act(world, step, method)
    with pytest.raises(Conflict) as refused:
        act(world, verbs.use, method)
    assert refused.value.code == code


def test_a_card_that_has_run_out_does_not_pay(world):
    method = save_card(world, expiry="11/26")
    world.advance_to(method.expires_at - 1)
    act(world, verbs.use, method)
    world.advance_to(method.expires_at)
    with pytest.raises(Conflict) as refused:
        act(world, verbs.use, method)
    assert refused.value.code == "method.expired"


def test_a_card_of_which_the_token_ended_gets_a_new_one(world):
    method = save_card(world)
    act(world, verbs.deactivate, method)
    again = save_card(world)
    assert again.token != method.token
    assert [one.token for one in listed(world)] == [again.token]
    assert again.is_default


# --- deleting


@pytest.mark.parametrize("step", [None, verbs.suspend, verbs.deactivate])
def test_a_deleted_method_is_gone_and_its_secret_shredded(world, step):
    method = save_card(world)
    if step:
        act(world, step, method)
    act(world, verbs.delete, method)
    assert listed(world) == []
    for verb in (verbs.find, verbs.use, verbs.delete):
        with pytest.raises(NotFound):
            act(world, verb, method)
    (tombstone,) = rows(world, vault_table.methods)
    assert (tombstone["status"], tombstone["deleted_at"]) == ("DEACTIVATED", NOON)
    (left,) = rows(world, vault_table.envelopes)
    assert left["wrapped_dek"] is None
    assert story(world, method)[-1] == ("deactivate", "DEACTIVATED")


def test_a_deleted_card_can_be_saved_anew(world):
    method = save_card(world)
    act(world, verbs.delete, method)
    again = save_card(world)
    assert again.token != method.token
    assert act(world, verbs.use, again).instrument.secret() == {"number": VISA}


# --- paying


def test_a_card_pays_by_its_token_number_and_a_cryptogram(world):
    method = save_card(world)
    used = act(world, verbs.use, method)
    assert isinstance(used.instrument, Card)
    assert used.instrument.secret() == {"number": VISA}
    assert used.instrument.magic_cvv is None
    assert used.token_number != VISA
    assert (luhn(used.token_number), bin_of(used.token_number)) == (True, None)
    assert used.token_number[-4:] == method.token_last4
    assert act(world, verbs.use, method).token_number == used.token_number
    assert len(base64.b64decode(used.cryptogram)) == 20
    assert used.cryptogram not in repr(used) + repr(rows(world, vault_table.cryptograms))
    assert VISA not in repr(used)
    assert used.method.last_used_at == NOON


def redeem(world, cryptogram):
    with world.transaction() as sandbox:
        return verbs.redeem(sandbox, cryptogram)


def not_redeemed(world, cryptogram):
    with pytest.raises(Invalid) as refused:
        redeem(world, cryptogram)
    return refused.value.code == "cryptogram.invalid"


def test_a_cryptogram_proves_its_token_once(world):
    method = save_card(world)
    one, other = (act(world, verbs.use, method).cryptogram for _ in range(2))
    assert redeem(world, one) == method.token
    assert not_redeemed(world, one)
    assert redeem(world, other) == method.token


def test_a_payment_uses_its_cryptogram_up_in_its_own_transaction(world):
    method = save_card(world)
    assert act(world, verbs.use_for_payment, method).secret() == {"number": VISA}
    (proof,) = rows(world, vault_table.cryptograms)
    assert proof["used_at"] == NOON
    upi = save(world, Upi("asha@okaxis"))
    assert act(world, verbs.use_for_payment, upi) == Upi("asha@okaxis")
    assert len(rows(world, vault_table.cryptograms)) == 1


def test_the_day_of_a_cryptogram_begins_when_it_is_made(world):
    method = save_card(world)
    world.advance_to(NOON + 3 * DAY)
    made = act(world, verbs.use, method).cryptogram
    world.advance_to(NOON + 4 * DAY - 1)
    assert redeem(world, made) == method.token


def test_a_cryptogram_is_good_for_a_day_and_for_its_seller(world):
    method = save_card(world)
    one, other = (act(world, verbs.use, method).cryptogram for _ in range(2))
    assert not_redeemed(World.new(world.runtime), one)
    assert not_redeemed(world, "AAAA")
    world.advance_to(NOON + DAY - 1)
    assert redeem(world, one) == method.token
    world.advance_to(NOON + DAY)
    assert not_redeemed(world, other)


def test_of_threads_that_redeem_one_cryptogram_one_succeeds(world):
    method = save_card(world)
    proof = act(world, verbs.use, method).cryptogram
    got = run_concurrently(8, lambda _: redeem(world, proof))
    assert got.count(method.token) == 1
    assert sum(isinstance(one, Invalid) for one in got) == 7


# --- a stolen or tampered database


def test_rows_that_were_swapped_do_not_open(world):
    one, other = save_card(world), save_card(world, MASTERCARD)
    stolen = {row["token"]: dict(row) for row in rows(world, vault_table.envelopes)}[other.token]
    stolen = {key: stolen[key] for key in ("kek_id", "wrapped_dek", "nonce", "ciphertext")}
    table = vault_table.envelopes
    with world.transaction() as sandbox:
        sandbox.connection.execute(update(table).where(table.c.token == one.token).values(**stolen))
    with pytest.raises(Unusable) as refused:
        act(world, verbs.use, one)
    assert refused.value.code == "store.sealed_by_another_key"
    assert MASTERCARD not in str(refused.value) + refused.value.reason


def test_a_row_that_was_given_another_owner_or_kind_does_not_open(world):
    method, other = save_card(world), World.new(world.runtime)
    table = vault_table.envelopes
    with world.transaction() as sandbox:
        changed = update(table).where(table.c.token == method.token)
        sandbox.connection.execute(changed.values(seller_id=other.seller_id))
    with other.read() as sandbox, pytest.raises(Unusable):
        vault_table.find_envelope(sandbox, method)
    with other.read() as sandbox, pytest.raises(Unusable):
        vault_table.find_envelope(sandbox, replace(method, kind="upi"))


def test_another_store_key_reveals_nothing(world):
    method = save_card(world)
    runtime = world.runtime
    thief = replace(runtime, keys=replace(runtime.keys, store=Keyring.generate()))
    with world.read() as sandbox, pytest.raises(Unusable) as refused:
        vault_table.find_envelope(replace(sandbox, runtime=thief), method)
    assert VISA not in str(refused.value) + refused.value.reason + str(refused.value.detail)


@on_sqlite
def test_the_files_of_a_stolen_database_hold_no_card_number_and_no_address(world, engine):
    """Neither before nor after the method is deleted."""
    methods = [save_card(world), save_card(world, MASTERCARD), save(world, Upi("gaurav@okhdfc"))]
    used = act(world, verbs.use, methods[0])

    def everything():
        return b"".join(path.read_bytes() for path in files(engine))

    secrets = [VISA, MASTERCARD, "gaurav@okhdfc", used.token_number, used.cryptogram, "08/2029"]
    assert methods[0].token.encode() in everything()
    assert [one for one in secrets if one.encode() in everything()] == []
    for method in methods:
        act(world, verbs.delete, method)
    assert [one for one in secrets if one.encode() in everything()] == []


def files(engine):
    from pathlib import Path

    path = Path(engine.url.database)
    return [one for one in path.parent.iterdir() if one.name.startswith(path.name)]


def test_a_card_can_be_counted_everywhere_by_its_fingerprint(world):
    ring = world.runtime.keyring
    assert card_fingerprint(ring, VISA) != card_fingerprint(ring, MASTERCARD)
    marks = [row["fingerprint"] for row in rows(world, vault_table.methods)]
    assert card_fingerprint(ring, VISA) not in marks

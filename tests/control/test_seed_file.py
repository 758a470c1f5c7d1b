"""A seed file: read with the line that is wrong, applied as a whole and once."""

import pytest

from mockpay.kernel.errors import NotFound, Unusable
from mockpay.services import buyers, scenarios
from mockpay.services.sellers import accounts
from mockpay.services.sellers.accounts import Changes, NewSeller
from mockpay.services.wallet import balances
from mockpay.store import scenarios as rules
from mockpay.store.unit_of_work import read, transaction
from mockpay.vault import saved_methods
from mockpay.web.control.seed_file import apply_seed, read_seed

_WORLD = """\
[[sellers]]
seller_id = "A1MYSHOP"
access_key = "AKIDMYSHOP"
return_urls = ["http://localhost:*"]
ipn_url = "http://127.0.0.1:9/ipn"
clock = {mode = "Frozen", now = 2026-11-21T15:24:07Z}

[sellers.settings]
refund_delay_seconds = 0

[sellers.methods.methods.upi]
max_amount = "1000.00"

[[sellers.rules]]
stage = "issuer"
outcome = "YE"
match = {method = "UPI"}
times = 0
ttl_seconds = 60

[[sellers.buyers]]
email = "Asha@example.com"
balance = "500.00"
methods = [
  {kind = "card", number = "4111 1111 1111 1111", expiry = "11/26", name = "Asha Rao", nickname = "Blue"},
  {kind = "netbanking", bank = "HDFC", suspended = true},
]

[[sellers.routing.rules]]
name = "large cards"
when = {methods = ["card"], min_amount = "100.00"}
targets = [{gateway = "razorpay"}]
fallbacks = ["simulator"]

[[sellers]]
seller_id = "A1OTHER"
"""


@pytest.fixture
def apply(runtime, tmp_path):
    """Applies a text as a file."""

    def apply(text):
        path = tmp_path / "mockpay.toml"
        path.write_text(text)
        return apply_seed(runtime, read_seed(path))

    return apply


@pytest.fixture
def refusal(apply):
    """What is said of a text that cannot be applied."""

    def refusal(text):
        with pytest.raises(Unusable) as refused:
            apply(text)
        return refused.value.message.partition("mockpay.toml, ")[2]

    return refusal


def exists(runtime, seller_id):
    try:
        with read(runtime, seller_id):
            return True
    except NotFound:
        return False


def test_a_world_is_made_as_the_file_says(apply, runtime):
    assert apply(_WORLD) == ["A1MYSHOP", "A1OTHER"]
    with read(runtime, "A1MYSHOP") as sandbox:
        seller = sandbox.seller
        assert (seller.access_key, seller.return_urls, seller.ipn_url) == (
            "AKIDMYSHOP",
            ("http://localhost:*",),
            "http://127.0.0.1:9/ipn",
        )
        assert (seller.settings.refund_delay_seconds, seller.clock.mode, sandbox.now) == (0, "frozen", 1795274647000)
        [rule] = rules.waiting(sandbox)
        assert (rule.stage, rule.match, rule.outcome, rule.times) == ("issuer", {"method": "upi"}, "YE", None)
        assert rule.expires_at == sandbox.now + 60_000
        [chosen] = seller.routing.rules
        assert (chosen.name, chosen.when.methods, chosen.when.min_amount) == ("large cards", ("card",), "100.00")
        assert ([target.gateway for target in chosen.targets], chosen.fallbacks) == (["razorpay"], ("simulator",))
        assert accounts_offer(sandbox).highest.wire() == "1000.00"
        buyer = buyers.by_email(sandbox, "asha@example.com")
        assert (buyer.created_at, balances.balance(sandbox, buyer.email).wire()) == (sandbox.now, "500.00")
        card, bank = saved_methods.listed(sandbox, buyer.buyer_id)
        assert (card.title, card.display["last4"], card.is_default, card.status) == ("Blue", "1111", True, "ACTIVE")
        assert (bank.display["bank"], bank.status) == ("HDFC", "SUSPENDED")


def accounts_offer(sandbox):
    from mockpay.services.sellers import offers

    return offers.of(sandbox).methods["upi"]


def test_a_seller_that_is_there_is_left_alone_and_the_others_are_made(apply, runtime):
    accounts.create(runtime, NewSeller(seller_id="A1MYSHOP", name="As it was"))
    assert apply(_WORLD) == ["A1OTHER"]
    with transaction(runtime, "A1OTHER") as sandbox:
        accounts.change(sandbox, Changes(name="Changed"))
        scenarios.add_rule(sandbox, stage="issuer", match={}, outcome="failure")
    assert apply(_WORLD) == []
    with read(runtime, "A1MYSHOP") as sandbox:
        assert (sandbox.seller.name, rules.waiting(sandbox)) == ("As it was", [])
    with read(runtime, "A1OTHER") as sandbox:
        assert (sandbox.seller.name, len(rules.waiting(sandbox))) == ("Changed", 1)


def test_what_is_wrong_is_refused_with_its_line_and_nothing_of_the_file_is_there(refusal, runtime, subtests):
    for right, wrong, words in (
        (
            '[[sellers]]\nseller_id = "A1O',
            '[[seller]]\nseller_id = "A1O',
            "line 35: There is no field 'seller'. Did you",
        ),
        ('seller_id = "A1MYSHOP"\n', "", "line 1: The field 'seller_id' is missing."),
        ('"A1MYSHOP"', '"a1myshop"', "line 2: The field 'seller_id' must be 1 to 64 capital letters and digits"),
        ('"A1OTHER"', '"A1MYSHOP"', "line 36: The seller A1MYSHOP is in the file twice."),
        ('"A1OTHER"', '"A1OTHER"\naccess_key = "AKIDMYSHOP"', "line 37: The access key AKIDMYSHOP belongs to another"),
        ("AKIDMYSHOP", "AKIDMOCKPAYDEFAULT", "line 3: The access key AKIDMOCKPAYDEFAULT belongs to another"),
        ("http://localhost:*", "localhost:3000", "line 4: "),
        ("127.0.0.1:9", "shop.example:9", "line 5: "),
        ("Frozen", "frosen", "line 6: The field 'mode' cannot be 'frosen'. Did you mean 'frozen'?"),
        ("15:24:07Z", "15:24:07", "line 6: The time must look like 2026-11-21T15:24:07Z."),
        ("refund_delay_seconds", "refund_dely_seconds", "line 9: There is no setting 'refund_dely_seconds'. Did you"),
        ("seconds = 0", 'seconds = "6h"', "line 9: The setting 'refund_delay_seconds' must be a whole number"),
        ('"1000.00"', '"1000.001"', "line 12: "),
        ("methods.upi]", "methods.upy]", "line 11: There is no 'upy' among the methods."),
        ('stage = "issuer"', 'stage = "isuer"', "line 15: There is no stage 'isuer'. Did you mean 'issuer'?"),
        ('"YE"', '"FROZE"', "line 16: "),
        ("method = ", "methd = ", "line 17: "),
        ("times = 0", "times = -1", "line 18: The field 'times' must be a whole number from 0"),
        ("ttl_seconds", "tll_seconds", "line 19: There is no field 'tll_seconds'. Did you mean 'ttl_seconds'?"),
        ("Asha@", "Asha", "line 22: An e-mail looks like name@example.com."),
        ('"500.00"', "500.0", "line 23: The field 'balance' must be text such as \"500.00\"; 500.0 was given. Did you"),
        ("4111 1111 1111 1111", "4111 1111 1111 1112", "line 25: This card number is mistyped"),
        ("4111 1111 1111 1111", "4012 8888 8888 1881", "line 25: This cannot be saved"),
        ("11/26", "10/26", "line 25: "),
        ('"HDFC"', '"HDCF"', "line 26: "),
        ("suspended = true", 'suspended = "yes"', "line 26: The field 'suspended' must be true or false"),
        (
            'gateway = "razorpay"',
            'gateway = "razopay"',
            "line 32: There is no gateway 'razopay'. Did you mean 'razorpay'?",
        ),
        ('"Blue"', '"\\u0000"', "line 25: A NUL character cannot be stored."),
    ):
        with subtests.test(wrong=wrong):
            text = _WORLD.replace(right, wrong, 1)
            assert text != _WORLD
            told = refusal(text)
            assert told.startswith(words), told
            assert "\n" not in told
            assert "41111111" not in told.replace(" ", "")
            assert not exists(runtime, "A1MYSHOP")
            assert not exists(runtime, "A1OTHER")


def test_a_balance_is_the_opening_one_whoever_has_it(apply, runtime):
    emails = {
        "rich@buyers.mockpay.test": "100.00",
        "newbie@buyers.mockpay.test": "7.00",
        "poor@buyers.mockpay.test": "0",
    }
    tables = "".join(f'[[sellers.buyers]]\nemail = "{email}"\nbalance = "{paid}"\n' for email, paid in emails.items())
    apply(f'[[sellers]]\nseller_id = "A1MYSHOP"\n{tables}')
    with read(runtime, "A1MYSHOP") as sandbox:
        has = {email: balances.balance(sandbox, email).minor for email in emails}
        assert has == {
            "rich@buyers.mockpay.test": 10_000,
            "newbie@buyers.mockpay.test": 700,
            "poor@buyers.mockpay.test": 0,
        }
        from mockpay.store.reads.audit import audit

        assert audit(sandbox) == []


def test_a_balance_that_is_opened_twice_is_refused(refusal, runtime):
    buyer = '[[sellers.buyers]]\nemail = "asha@example.com"\nbalance = "1.00"\n'
    assert refusal(f'[[sellers]]\nseller_id = "A1MYSHOP"\n{buyer}{buyer}').startswith("line 8: This balance has been")
    assert not exists(runtime, "A1MYSHOP")


def test_the_default_seller_keeps_what_the_file_does_not_name(apply, runtime):
    apply('[[sellers]]\nseller_id = "A1MOCKPAYSELLER"\nsettings = {max_attempts = 2}\n')
    seller = accounts.ensure_default(runtime)
    assert (seller.access_key, seller.name) == ("AKIDMOCKPAYDEFAULT", "Mockpay Store")
    assert (seller.settings.max_attempts, seller.settings.refund_delay_seconds) == (2, 21_600)
    assert seller.ipn_url == "http://127.0.0.1:8420/shop/ipn"

"""What each method of payment is to buyers, rules and networks."""

from mockpay.domain.methods.registry import METHODS
from mockpay.kernel.money import Money


def test_methods_stand_in_their_order_with_their_titles():
    assert [(method.code, method.title, method.tile, method.noun, method.icon) for method in METHODS.values()] == [
        ("upi", "UPI", "UPI", "UPI", "upi"),
        ("card", "Credit or debit card", "Card", "card", "card"),
        ("netbanking", "Net banking", "Net banking", "net banking", "bank"),
        ("wallet", "Wallet balance", "Wallet", "wallet balance", "wallet"),
        ("emi", "EMI", "EMI", "EMI", "emi"),
    ]


def test_a_rule_matches_what_the_method_shows():
    keys = {code: set(method.match_keys) for code, method in METHODS.items()}
    assert keys == {"upi": {"vpa"}, "card": {"last4"}, "netbanking": {"bank"}, "wallet": {"email"}, "emi": {"last4"}}


def test_a_refund_has_the_reference_of_its_network():
    references = {code: method.reference for code, method in METHODS.items()}
    assert references == {"upi": "RRN", "card": "ARN", "netbanking": "UTR", "wallet": None, "emi": "ARN"}


def test_an_amount_is_within_what_the_network_takes():
    highest = {code: method.highest for code, method in METHODS.items() if method.highest < Money(999_999_999_999)}
    assert highest == {"upi": Money.parse("500000.00"), "wallet": Money.parse("200000.00")}


def test_an_app_or_a_bank_approves_by_what_identifies_its_buyer():
    approvals = {code: method.approval for code, method in METHODS.items() if method.approval}
    assert {code: (each.page, each.address, each.seconds) for code, each in approvals.items()} == {
        "upi": ("upi-app", "vpa", "upi_collect_seconds"),
        "netbanking": ("bank", "bank", "bank_page_seconds"),
    }
    assert [(each.simulated, each.at_bank) for each in approvals.values()] == [(True, False), (False, True)]
    assert [set(each.refusals) for each in approvals.values()] == [{"ZH"}, {"D"}]


def test_magic_values_are_documented_in_their_sections():
    sections = {code: [section.anchor for section in method.sections] for code, method in METHODS.items()}
    assert sections == {
        "upi": ["upi", "codes", "u-codes", "aliases", "pins"],
        "card": ["cards", "refused", "threeds", "card-risk", "names"],
        "netbanking": ["banks"],
        "wallet": [],
        "emi": [],
    }
    assert {code for code, method in METHODS.items() if method.rows} == {"upi", "card", "netbanking"}

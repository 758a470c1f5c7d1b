"""What an entry of a wallet is called, on the buyer's page and on the dashboard."""

from __future__ import annotations

from collections.abc import Mapping

from mockpay.domain.wallet.ledger import Direction, JournalType, Kind, opening_key
from mockpay.domain.wallet.limits import Allowance
from mockpay.kernel.clock import indian, rfc3339
from mockpay.kernel.money import Money
from mockpay.store.reads.wallet_entries import Entry
from mockpay.web.wording.timelines import moment

TYPES: Mapping[JournalType, str] = {
    JournalType.TOPUP: "Money added",
    JournalType.AUTO_RELOAD: "Added by auto-reload",
    JournalType.HOLD: "Payment",
    JournalType.CAPTURE: "Payment taken by the seller",
    JournalType.RELEASE: "Payment given back",
    JournalType.REFUND: "Refund",
    JournalType.CHARGEBACK: "Refund taken back",
    JournalType.TOPUP_REFUND: "Refund of added money",
    JournalType.ADJUST: "Adjustment",
    JournalType.REVERSAL: "Reversal",
}
DIRECTIONS: Mapping[Direction, str] = {Direction.CREDIT: "Came in", Direction.DEBIT: "Went out"}
ACCOUNTS: Mapping[Kind, str] = {
    Kind.WALLET_MONEY: "Money",
    Kind.WALLET_GIFT: "Gifts",
    Kind.WALLET_HOLD: "On hold",
    Kind.GATEWAY_CLEARING: "The bank or card that paid",
    Kind.MERCHANT_PAYABLE: "The seller",
    Kind.ADJUSTMENT: "Corrections",
}
LIMITS: Mapping[str, str] = {
    "balance_cap": "Left below the cap",
    "monthly_load_cap": "Left to add this month",
    "yearly_load_cap": "Left to add this financial year",
    "monthly_spend_cap": "Left to spend this month",
}


def title(entry: Entry) -> str:
    """What an entry is, in few words."""
    journal = entry.journal
    if journal.key == opening_key(journal.owner):
        return "Opening balance"
    if journal.type is JournalType.ADJUST and any(part.account is Kind.WALLET_GIFT for part in entry.postings):
        return "Gift" if journal.change_minor > 0 else "Gift taken back"
    return TYPES[journal.type]


def signed(amount: Money) -> str:
    """An amount with its sign: ``+₹5.00``, ``−₹5.00``; nought has none."""
    if not amount.minor:
        return amount.display()
    return f"{'−' if amount.minor < 0 else '+'}{Money(abs(amount.minor), amount.currency).display()}"


def line(entry: Entry) -> dict[str, object]:
    """An entry as a line of a history."""
    journal, order = entry.journal, entry.order
    return {
        "number": journal.number,
        "title": title(entry),
        "type": str(journal.type),
        "note": journal.note or "",
        "order": order.seller_order_id if order else "",
        "amount": signed(journal.change),
        "direction": str(journal.direction or ""),
        "moved": journal.amount.display(),
        "balance": journal.balance_after.display(),
        "day": f"{indian(journal.posted_at):%d %b %Y, %H:%M}",
        "at": moment(journal.posted_at),
        "iso": rfc3339(journal.posted_at),
        "reversed": entry.reversed_by is not None,
        "over_cap": journal.over_cap,
    }


def posting_lines(entry: Entry) -> list[dict[str, str]]:
    """What a journal changed of each account."""
    return [
        {
            "account": ACCOUNTS[posting.account],
            "kind": str(posting.account),
            "amount": signed(posting.amount),
            "after": posting.balance_after.display(),
        }
        for posting in entry.postings
    ]


def allowance(item: Allowance) -> dict[str, str]:
    """A limit with what is left of it, and from when all of it is there again."""
    until = f"{indian(item.until).day} {indian(item.until):%b %Y}" if item.until is not None else ""
    return {"label": LIMITS[item.limit], "left": item.amount.display(), "until": until}

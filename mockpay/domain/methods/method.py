"""What a method of payment is: its network's response codes, and one record made in a module of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Protocol

from msgspec import Struct, field

from mockpay.domain.payments.attempts import Failure
from mockpay.domain.scenarios.rows import Row
from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import MINIMUM_MINOR, Money

# --- response codes


class MoneyStatus(StrEnum):
    """What a response code says about the money."""

    APPROVED = "approved"
    PENDING = "pending"
    DECLINED = "declined"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class Code(Struct, frozen=True):
    """One row of a network's code table: meaning in words, and the failure it stands for."""

    code: str
    meaning: str
    reason: str = ""
    source: str = "issuer_bank"
    money: MoneyStatus = MoneyStatus.DECLINED


class Timing(StrEnum):
    """When a later answer comes."""

    NEVER = "never"
    DELAYED = "delayed"
    AFTER_ORDER_EXPIRY = "after_order_expiry"


#: `reversed` is no code: the network sends the money back and says so.
REVERSED = "reversed"


class Answer(Struct, frozen=True):
    """The first code that a network tells, and what becomes of it later."""

    code: str
    later: str | None = None
    timing: Timing = Timing.NEVER


class ResponseCodes(Struct, frozen=True):
    """
    One network's codes, its outcomes by name, and its own code for an ISO 8583 answer.

    Args:
        network: Whose they are, in an error.
        codes: Every code by itself.
        named: Outcomes of the issuer's stage by name; every code is an outcome too.
        from_iso: The network's own code for an ISO code; `other` where there is none.
        approved: The code that took the money.
        step: The step that fails when the issuer refuses.
        speaks_iso: Whether ISO codes are its own.
    """

    network: str
    codes: Mapping[str, Code]
    named: Mapping[str, Answer]
    from_iso: Mapping[str, str]
    other: str
    approved: str = "00"
    speaks_iso: bool = False
    step: str = "payment_authorization"

    def answer(self, outcome: str) -> Answer:
        """
        What the network answers for an outcome: a name, its own code, ``iso:51``, or ``code:59``: its own, not ISO's.

        Raises:
            Invalid: code ``scenario.outcome``: nothing of that name.
        """
        if outcome in self.named:
            return self.named[outcome]
        outcome = outcome.removeprefix("code:")
        if outcome.startswith("iso:"):
            return self._first(self._own(outcome[4:]))
        if outcome.upper() not in self.codes:
            message = f"{self.network} has no outcome '{outcome}'."
            raise Invalid(message, code="scenario.outcome", outcome=outcome)
        return self._first(outcome.upper())

    def has_outcome(self, outcome: str) -> bool:
        """Whether the outcome means anything to this network."""
        try:
            self.answer(outcome)
        except Invalid:
            return False
        return True

    def outcomes(self) -> dict[str, str]:
        """Every outcome that has a name, by name and by code, with what happens: ``pending, then approved``."""
        return {outcome: self._words(self.answer(outcome)) for outcome in (*self.named, *self.codes)}

    def _words(self, answer: Answer) -> str:
        meaning = self.codes[answer.code].meaning
        if answer.later is None:
            return meaning
        later = "sent back" if answer.later == REVERSED else self.codes[answer.later].meaning
        when = " after the order expired" if answer.timing is Timing.AFTER_ORDER_EXPIRY else ""
        return f"{meaning}, then {later}{when}"

    def _own(self, iso: str) -> str:
        """This network's code for an ISO one; cards speak ISO themselves."""
        if iso in self.from_iso:
            return self.from_iso[iso]
        return iso if self.speaks_iso and iso in self.codes else self.other

    def _first(self, code: str) -> Answer:
        if self.codes[code].money is MoneyStatus.UNKNOWN:
            return Answer(code, self.approved, Timing.DELAYED)
        return Answer(code)

    def money_status(self, code: str) -> MoneyStatus:
        """What a code says about the money."""
        return self.codes[code].money

    def failure(self, code: str, step: str | None = None) -> Failure:
        """The failure record for a code that took no money."""
        row = self.codes[code]
        return Failure(row.source, step or self.step, row.reason, code)


def table(*rows: Code) -> Mapping[str, Code]:
    """Rows by their code."""
    return {row.code: row for row in rows}


# --- methods


#: What an instrument is made of, as a form or the control API brings it or as it is stored.
Parts = Mapping[str, str]


#: The smallest and the largest amount that any wire can tell (contract section 5).
_LEAST, _MOST = Money(MINIMUM_MINOR), Money(999_999_999_999)


class Instrument(Protocol):
    """What a payment needs to know of any instrument."""

    @property
    def method(self) -> str:
        """The code of its method."""
        ...

    @property
    def inputs(self) -> Mapping[str, str]:
        """What the scenario table may look at; the first that is magic decides."""
        ...

    def dump(self) -> Parts:
        """As stored with the attempt and shown to people: never a full card number."""
        ...

    def secret(self) -> Parts:
        """What is sealed in the attempt's vault until it ends; empty for most."""
        ...


class Approval(Struct, frozen=True, kw_only=True):
    """
    The app or page at which a method's buyer approves, apart from the payment's own pages.

    Args:
        name: ``UPI app``.
        where: ``in the simulated UPI app``.
        page: The payment's page that plays it, e.g. ``upi-app``.
        address: The instrument's part that names whom to ask.
        heading: What the buyer is told to do, with the instrument's `{title}`.
        sent: The step that asked them, with the instrument's `{title}`.
        waiting: What happens meanwhile, with the instrument's `{title}`.
        seconds: The seller's setting that limits the wait.
        at_bank: Whether the bank keeps a book of its requests that it is asked for.
        alone: What is told of an approval that no person gave.
        forged: The code of an answer that the bank did not write.
        refusals: Codes of an addressed request that come before anybody is asked.
        simulated: Whether a simulated buyer answers an addressed request in time.
        reference_prefix: What stands before the digits of the network's reference.
    """

    name: str
    where: str
    page: str
    address: str
    heading: str
    sent: str
    waiting: str
    seconds: str
    alone: str
    at_bank: bool = False
    forged: str = ""
    refusals: frozenset[str] = frozenset()
    simulated: bool = False
    reference_prefix: str = ""


class Section(Struct, frozen=True, kw_only=True):
    """A part of the list of magic values: the rows about `inputs` whose name begins so."""

    title: str
    anchor: str
    description: str
    inputs: frozenset[str]
    prefix: str = ""


class Method(Struct, frozen=True, kw_only=True):
    """
    All that is particular to one method of payment.

    Args:
        code: Its name in the store, in addresses and in the control API.
        order: Its place among the others, the smallest first.
        title: What a seller's list of methods calls it.
        tile: The title of its tile.
        noun: ``Paid by {noun}``.
        icon: A name of templates/_icons.html.
        subtitle: Below the tile's title; may name `{banks}`, how many can be reached, and
            `{otp}`, whether the amount asks for a password.
        response_codes: What its network answers.
        instrument: What a buyer pays with: ``UPI ID``, ``card``.
        instrument_title: An instrument as it may be shown; empty where nothing names it.
        saved_title: A saved instrument as it may be shown.
        unnamed: What is shown for an instrument that nothing names.
        magic: What decided, where its instrument did; may name `{value}`.
        read: The instrument that the parts of a form make, at an instant, for an amount.
        restore: The instrument again, from the secret of an attempt or the vault and the
            parts that are stored; None where it cannot be had again.
        card: Whether it is paid with a card, so that the card's issuer asks for a proof.
        secret: Whether the vault holds something of a saved one.
        own_proof: Whether its approval is a second factor, so that no amount asks for another.
        decider: Who says yes or no to the money, to the buyer.
        approval: Where the buyer approves; None where nobody else asks them.
        facts: What an event of an attempt tells where its own facts tell nothing.
        unanswered: Why nobody's answer fails a try: in a list.
        reference: The kind of number by which a bank finds a refund; None for a balance.
        lowest, highest: The default limits of one payment.
        rows: Its magic values.
        sections: How a list of them is divided.
        summary: What a timeline tells of an instrument, where that is more than its title.
        terms: How it is paid back, in one line; empty for most.
        details: Labels and values that a result page adds.
        fields: Labels of the parts that a plain form asks for; empty where it has a page of its own.
        fills_wallet: Whether a buyer can add money to a wallet by it.
        mandate: Whether a saved one can be charged without its buyer.
        inputs: Which parts `read` looks at; None where anything may come.
        match_keys: Which parts of an instrument (vpa, bank, last4, email) it has for a rule to match on; None for any.
    """

    code: str
    order: int
    title: str
    tile: str
    noun: str
    icon: str
    subtitle: str
    response_codes: ResponseCodes
    instrument: str
    instrument_title: Callable[[Parts], str]
    read: Callable[[Parts, int, Money | None], Instrument]
    restore: Callable[[Parts, Parts], Instrument | None]
    saved_title: Callable[[Parts], str] | None = None
    unnamed: str = ""
    magic: str = "{value}"
    card: bool = False
    secret: bool = True
    own_proof: bool = False
    decider: str = "Your bank"
    approval: Approval | None = None
    facts: Mapping[str, str] = {}
    unanswered: str = ""
    reference: str | None = None
    lowest: Money = _LEAST
    highest: Money = _MOST
    rows: tuple[Row, ...] = ()
    sections: tuple[Section, ...] = ()
    summary: Callable[[Parts], str] | None = None
    terms: Callable[[Parts], str] = field(default=lambda _parts: "")
    details: Callable[[Parts], Mapping[str, str]] = field(default=lambda _parts: {})
    fields: Mapping[str, str] = {}
    fills_wallet: bool = True
    mandate: bool = False
    inputs: frozenset[str] | None = None
    match_keys: frozenset[str] | None = None

    def shown_saved(self, parts: Parts) -> str:
        """A saved instrument as it may be shown."""
        return (self.saved_title or self.instrument_title)(parts)

    def named(self, parts: Parts) -> str:
        """An instrument's title, or what is shown for one without."""
        return self.instrument_title(parts) or self.unnamed

"""What the core asks of the company through which an order came: ids, spellings and rules of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from msgspec import Struct

from mockpay.domain.methods.method import Method
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.notifications import Notification, NotificationType, OutgoingMessage, RetryProfile
from mockpay.domain.orders import Order, PaymentRequest
from mockpay.domain.payments.attempts import Attempt, Decision, Stage
from mockpay.domain.payments.faults import Fault
from mockpay.domain.payments.gateways import Gateway, GatewayAdapter
from mockpay.domain.refunds import Refund
from mockpay.domain.sellers import Seller
from mockpay.kernel import ids
from mockpay.kernel.http.calls import HttpCall, HttpReply
from mockpay.kernel.keys.files import KeyFile, Keys

#: Told of each step of an order or of one of its refunds: the world, the order as it is, the event, the refund.
#: The first is a `Sandbox`, which the domain does not know.
Observer = Callable[[Any, Order, str, Refund | None], None]
#: What a seller's note asks for, by stage; nothing for an ordinary note.
Simulation = Callable[[str | None], Mapping[Stage, Decision]]


def _order_id(seller: Seller, request: PaymentRequest, number: int) -> str:
    return ids.short("o", seller.seed, seller.seller_id, request.seller_order_id, number)


def _refund_id(seller: Seller, order: Order, reference: str, number: int) -> str:
    return ids.short("refund", seller.seed, order.order_id, reference, number)


def _attempt_id(seller: Seller, order_id: str, number: int) -> str:
    return ids.short("att", seller.seed, seller.seller_id, order_id, number)


def _nothing(*_: object) -> Mapping[Any, Any]:
    return {}


class CallToExplain(Struct, frozen=True):
    """
    A request as it was sent; `string_to_sign` is what the caller's code signs, if known.

    `now` and `real_now` are the seller's time and the machine's, `other_secrets` gives those of other sellers by
    their ids, one of which may have been used.
    """

    url: str
    method: str
    body: str
    signature: str | None
    string_to_sign: str | None
    now: int
    real_now: int
    other_secrets: Callable[[], Mapping[str, str]] = dict


class SignatureReading(Struct, frozen=True):
    """One way of reading the request, and the signature that it would have to carry."""

    flavour: str
    string_to_sign: str
    expected_signature: str


class SignatureMistake(Struct, frozen=True):
    """One mistake by its dotted name, and the line of code that is usually at fault."""

    name: str
    sentence: str
    code: str


class SignatureExplanation(Struct, frozen=True):
    """
    Why a signature fits or does not; `cause` has the sentences of all `mistakes`.

    `nearest` is the reading that fits or is most like the caller's own string, `first_difference`
    the byte at which that leaves it. `warning` says why the real service would refuse what is accepted.
    """

    matched: str | None
    cause: str
    warning: str | None
    mistakes: tuple[SignatureMistake, ...]
    signature: str
    your_string_to_sign: str | None
    nearest: SignatureReading
    first_difference: int | None
    tried: tuple[SignatureReading, ...]


class CompanyObject(Struct, frozen=True):
    """An object as its company answers it: the call that asks for it, and the answer as a document, without secrets."""

    call: str
    text: str


@dataclass(frozen=True, kw_only=True)
class ProviderPort:
    """
    One company as the core sees it; all parts but the names are optional.

    Args:
        name: The folder's name, stored with every order.
        title: The company's name for people.
        opening: What an order's timeline tells of its beginning: whose call it was, or what of it was checked.
        returning: What a buyer's browser brings back to the seller, as in "was sent to this URL with ...".
        listens: Whether the seller of a world has an address that is told of payments.
        own_methods: Methods that its pages call otherwise, by code.
        takes: Whether an order can be paid by a method.
        order_id: Makes an order's id; `number` counts a seller order id's.
        attempt_id: Makes the id of an order's n-th attempt.
        refund_id: Makes a refund's id; `number` counts up while the id is taken.
        simulation: What a note can ask for, in its own words and where; empty for nothing.
        payment_simulation: Reads what an order's note asks for; raises Invalid.
        refund_simulation: Reads what a refund's note asks for; raises Invalid.
        default_outcomes: What it does where nobody asks for anything else, by stage.
        impossible: Outcomes by stage that nothing of this company's can show: they decide nothing and are refused
            where a call asks for them.
        throttling_profiles: Values of the setting `throttling` that mean something to it.
        most_attempts: Tries of one order before it is FAILED; the seller's setting `max_attempts` where None.
        routable: Whether a seller's rules may send its payments to a gateway; else the built-in simulator decides.
        takes_late_success: Whether a success that comes after a try has failed pays an order that is still to be paid.
        reusable: Whether a buyer who leaves an order unpaid leaves it as it was, to be paid later.
        credentials: What the company would have issued to a seller, by name.
        key_names: Those of them by which a call says whose it is.
        observe: Queues what the company tells of a step; in the step's own transaction.
        order_objects: What it answers of an order of its own and of the order's parts; for a world, only to read.
        retry_profiles: Values of the setting `ipn_profile` that it contributes.
        refusal_is_final: Whether a 4xx as the answer to one of its messages is final in a profile that all have.
        notification_types: What its messages call the types of a notification.
        notify: Writes a notification as it goes out to the seller, at a real time in ms; no transaction is open.
        return_url: Where the buyer goes when done, by the order's newest attempt.
        return_fields: What the buyer's browser posts there; None where it only goes there.
        addresses: Name -> URL of what the seller's software calls, below the server's base URL.
        environment: Name -> value of the variables by which the seller's software is configured.
        explain_signature: Tells a developer why a signature fits or does not; raises Invalid.
        key_files: What it needs in the keys folder.
        gateway: Its back side, where the core itself decides.
        adapter: Its back side, where it is asked in its own wire format.
        acquirer: What answers for it in process: for a runtime and a seller's id, the reply to a call.
        webhook: What it tells of an object in process: for a world, the object's id, a name that tells two such
            messages apart, and a fault; None where there is nothing to tell.
    """

    name: str
    title: str
    opening: str = ""
    returning: str = "the result"
    listens: Callable[[Any], bool] = lambda sandbox: bool(sandbox.seller.ipn_url)
    own_methods: Mapping[str, Method] = field(default_factory=dict)
    takes: Callable[[Method], bool] = lambda _method: True
    order_id: Callable[[Seller, PaymentRequest, int], str] = _order_id
    refund_id: Callable[[Seller, Order, str, int], str] = _refund_id
    attempt_id: Callable[[Seller, str, int], str] = _attempt_id
    most_attempts: int | None = None
    routable: bool = True
    takes_late_success: bool = False
    reusable: bool = False
    credentials: Callable[[Seller], Mapping[str, str]] = _nothing
    key_names: tuple[str, ...] = ()
    observe: Observer | None = None
    order_objects: Callable[[Any, Order], Sequence[CompanyObject]] = lambda _sandbox, _order: ()
    simulation: str = ""
    payment_simulation: Simulation = _nothing
    refund_simulation: Simulation = _nothing
    default_outcomes: Mapping[str, str] = field(default_factory=dict)
    impossible: Mapping[Stage, frozenset[str]] = field(default_factory=dict)
    throttling_profiles: frozenset[str] = frozenset()
    retry_profiles: Mapping[str, RetryProfile] = field(default_factory=dict)
    refusal_is_final: bool = True
    notification_types: Mapping[NotificationType, str] = field(default_factory=dict)
    notify: Callable[[Seller, Keys, Notification, int], OutgoingMessage] | None = None
    return_url: Callable[[Seller, Order, Attempt | None], str] | None = None
    return_fields: Callable[[Seller, Order, Attempt | None], Mapping[str, str] | None] | None = None
    addresses: Callable[[str], Mapping[str, str]] = _nothing
    environment: Callable[[Seller, Keys, str], Mapping[str, str]] = _nothing
    explain_signature: Callable[[Seller, Keys, CallToExplain], SignatureExplanation] | None = None
    key_files: Sequence[KeyFile] = ()
    gateway: Gateway | None = None
    adapter: GatewayAdapter | None = None
    acquirer: Callable[[Any, str, HttpCall], HttpReply] | None = None
    webhook: Callable[[Any, str, str, Fault | None], OutgoingMessage | None] | None = None

    @cached_property
    def methods(self) -> Mapping[str, Method]:
        """Every method of payment by which an order can be paid, in the words of this company."""
        return {code: method for code, method in {**METHODS, **self.own_methods}.items() if self.takes(method)}


def _back(_seller: Seller, order: Order, _attempt: Attempt | None) -> str:
    return order.redirect_url


#: In the place of a company where an order came through none and fills a wallet: nobody is notified, nothing signed.
NO_PROVIDER = ProviderPort(name="", title="", return_url=_back, takes=lambda method: method.fills_wallet)

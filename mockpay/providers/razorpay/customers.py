"""Customers, who are buyers of the core, and their tokens, which are its saved methods."""

from __future__ import annotations

from typing import Any

from mockpay.domain.buyers import Buyer, normal_email
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Conflict, Invalid, NotFound
from mockpay.providers.razorpay import ids, parameters
from mockpay.providers.razorpay.calls import Body, Call
from mockpay.providers.razorpay.credentials import NAME
from mockpay.providers.razorpay.errors import invalid
from mockpay.providers.razorpay.instruments import read_instrument
from mockpay.providers.razorpay.objects import shown_notes
from mockpay.services import buyers
from mockpay.services import saved_methods as owners
from mockpay.store import api_objects
from mockpay.store.api_objects import ApiObject
from mockpay.store.unit_of_work import Sandbox
from mockpay.vault import saved_methods
from mockpay.vault.rules import MethodStatus, SavedMethod, consent
from mockpay.wire.razorpay import answers
from mockpay.wire.razorpay import errors as words

CUSTOMER = "customer"
_FIELDS = ("name", "email", "contact", "gstin", "fail_existing")
_MOST_CUSTOMERS = 1_000
_EXISTS = "Customer already exists for the merchant"
#: Where a customer without an e-mail is a buyer.
_DOMAIN = "customers.mockpay.test"


def create(call: Call) -> Body:
    """A customer; the one of the same e-mail and contact where `fail_existing` is 0."""
    parameters.only(call.body, _FIELDS)
    facts = _facts(call.body)
    known = api_objects.by_reference(call.sandbox, NAME, CUSTOMER, _reference(facts))
    if known is not None and (facts["email"] or facts["contact"]):
        if "fail_existing" in call.body and not parameters.flag(call.body, "fail_existing"):
            return _body(known)
        raise Conflict(_EXISTS, code="customer.exists")
    facts["notes"] = parameters.notes(call.body)
    new_id = ids.new(call.sandbox, "cust")
    return _body(api_objects.add(call.sandbox, NAME, CUSTOMER, new_id, facts, reference=_reference(facts)))


def _facts(body: Body) -> dict[str, Any]:
    facts: dict[str, Any] = {name: parameters.text(body, name, 64) for name in ("name", "email", "contact", "gstin")}
    if facts["email"] is not None:
        try:
            facts["email"] = normal_email(facts["email"])
        except Invalid as error:
            raise invalid("The email must be a valid email address.", "email") from error
    return facts


def _reference(facts: Body) -> str:
    return f"{facts['email']}|{facts['contact']}"


def fetch(call: Call, customer_id: str) -> Body:
    """One customer."""
    return _body(find(call, customer_id))


def list_(call: Call) -> Body:
    """Customers, the newest first."""
    part = parameters.part(call)
    found = api_objects.list_newest(call.sandbox, NAME, CUSTOMER, limit=part.count, offset=part.skip)
    return answers.collection_body([_body(customer) for customer in found])


def edit(call: Call, customer_id: str) -> Body:
    """Another name, e-mail or contact."""
    parameters.only(call.body, _FIELDS)
    customer = find(call, customer_id)
    named = {name: value for name, value in _facts(call.body).items() if name in call.body}
    if "notes" in call.body:
        named["notes"] = parameters.notes(call.body)
    facts = {**customer.facts, **named}
    return _body(api_objects.change(call.sandbox, customer, facts=facts, reference=_reference(facts)))


def find(call: Call, customer_id: str) -> ApiObject:
    """
    A customer by its id.

    Raises:
        NotFound: code ``object.not_found``.
    """
    customer = api_objects.find(call.sandbox, NAME, CUSTOMER, customer_id)
    if customer is None:
        raise NotFound("There is no such customer.", code="object.not_found", field="customer_id")
    return customer


def find_named(call: Call) -> ApiObject | None:
    """The customer that a body names; None where it names none."""
    customer_id = parameters.text(call.body, "customer_id")
    return None if customer_id is None else find(call, customer_id)


def buyer_of(sandbox: Sandbox, customer: ApiObject) -> str:
    """The id of the buyer who a customer is."""
    return _buyer(sandbox, customer).buyer_id


def _buyer(sandbox: Sandbox, customer: ApiObject) -> Buyer:
    return buyers.ensure(sandbox, f"{customer.object_id}@{_DOMAIN}")


def _body(customer: ApiObject) -> dict[str, Any]:
    facts = customer.facts
    return {
        "id": customer.object_id,
        "entity": CUSTOMER,
        **{name: facts.get(name) for name in ("name", "email", "contact", "gstin")},
        "notes": shown_notes(facts.get("notes")),
        "created_at": customer.created_at // SECOND,
    }


# --- tokens


def _token_id(method: SavedMethod) -> str:
    return f"token_{method.token.partition('_')[2][:14]}"


def method_of(call: Call, buyer_id: str, token_id: str) -> SavedMethod:
    """
    The saved method that a token stands for.

    Raises:
        NotFound: code ``object.not_found``.
    """
    for method in saved_methods.listed(call.sandbox, buyer_id):
        if _token_id(method) == token_id:
            return method
    raise NotFound("There is no such token.", code="object.not_found", field="token_id")


def list_tokens(call: Call, customer_id: str) -> Body:
    """Every token of a customer."""
    methods = saved_methods.listed(call.sandbox, buyer_of(call.sandbox, find(call, customer_id)))
    return answers.collection_body([_token_body(method) for method in methods])


def fetch_token(call: Call, customer_id: str, token_id: str) -> Body:
    """One token."""
    return _token_body(method_of(call, buyer_of(call.sandbox, find(call, customer_id)), token_id))


def delete_token(call: Call, customer_id: str, token_id: str) -> Body:
    """Take a token away."""
    return _delete(call, find(call, customer_id), token_id)


def _delete(call: Call, customer: ApiObject, token_id: str) -> Body:
    buyer = _buyer(call.sandbox, customer)
    owners.delete(call.sandbox, buyer, method_of(call, buyer.buyer_id, token_id).token)
    return {"deleted": True}


def create_token(call: Call) -> Body:
    """Save a card for a customer, who agreed."""
    customer = find(call, str(parameters.text(call.body, "customer_id", required=True)))
    if call.body.get("method", "card") != "card":
        raise invalid("The selected method is invalid.", "method")
    instrument = read_instrument(call, "card")
    buyer_id, sandbox = buyer_of(call.sandbox, customer), call.sandbox
    agreed = consent(sandbox.now, call.browser.ip, instrument.method)
    return _token_body(saved_methods.save(sandbox, buyer_id, instrument, agreed))


def fetch_named_token(call: Call) -> Body:
    """A token by its id alone."""
    return _token_body(_search(call)[1])


def delete_named_token(call: Call) -> Body:
    """Take a token away by its id alone."""
    customer, method = _search(call)
    _delete(call, customer, _token_id(method))
    return {}


def _search(call: Call) -> tuple[ApiObject, SavedMethod]:
    """The customer and the method of the token that a body names."""
    token_id = parameters.text(call.body, "id", required=True)
    for customer in api_objects.list_newest(call.sandbox, NAME, CUSTOMER, limit=_MOST_CUSTOMERS):
        for method in saved_methods.listed(call.sandbox, buyer_of(call.sandbox, customer)):
            if _token_id(method) == token_id:
                return customer, method
    raise NotFound(words.NOT_FOUND, code="object.not_found", field="id")


def _token_body(method: SavedMethod) -> dict[str, Any]:
    shown, card = method.display, None
    if "last4" in shown:
        card = {
            "entity": "card",
            "name": "",
            "last4": shown["last4"],
            "network": shown["network"],
            "type": shown["type"],
            "issuer": shown["issuer"],
            "international": False,
            "emi": False,
            "sub_type": "consumer",
            "token_iin": None,
        }
    return {
        "id": _token_id(method),
        "entity": "token",
        "token": _token_id(method).removeprefix("token_"),
        "bank": shown.get("bank"),
        "wallet": None,
        "method": method.kind,
        "card": card,
        "vpa": shown.get("vpa"),
        "recurring": False,
        "recurring_details": {"status": "not_applicable", "failure_reason": None},
        "auth_type": None,
        "mrn": None,
        "status": "active" if method.status is MethodStatus.ACTIVE else str(method.status).lower(),
        "used_at": (method.last_used_at or method.created_at) // SECOND,
        "created_at": method.created_at // SECOND,
        "expired_at": None if method.expires_at is None else method.expires_at // SECOND - 1,
        "dcc_enabled": False,
        "compliant_with_tokenisation_guidelines": True,
    }

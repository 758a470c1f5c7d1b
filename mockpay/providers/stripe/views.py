"""Stripe's addresses below its mount: whose call it is, the view of its path, and the answer in Stripe's format."""

from __future__ import annotations

import re
from collections.abc import Mapping
from time import perf_counter
from typing import Any

import msgspec
from flask import Blueprint, Request, Response, request
from msgspec import Struct

from mockpay.domain.scenarios.requested import HEADER
from mockpay.kernel import ids as kernel_ids
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import MockpayError
from mockpay.providers import paths
from mockpay.providers.paths import ID as _ID
from mockpay.providers.stripe import (
    customers,
    events,
    expansion,
    idempotency,
    intents,
    payment_methods,
    refunds,
    sessions,
    webhook_endpoints,
)
from mockpay.providers.stripe.calls import Answer, Call, Later, View
from mockpay.providers.stripe.credentials import MOUNT, NAME
from mockpay.providers.stripe.errors import stripe_error
from mockpay.providers.stripe.parameters import Parameters, Refused
from mockpay.services.sellers import accounts
from mockpay.store import api_objects, journal
from mockpay.store.api_objects import ApiObject
from mockpay.store.journal import RequestLine
from mockpay.store.reads import company_lists
from mockpay.store.unit_of_work import Runtime, Sandbox, transaction
from mockpay.wire.redaction import redact
from mockpay.wire.stripe import errors, forms, objects, requests, signatures
from mockpay.wire.stripe.errors import ApiError

_METHODS = ["GET", "POST", "DELETE", "PUT", "PATCH"]
_REQUEST, _RUNNING, _DONE = "request", "running", "done"
#: For so long a request is taken to run whose end nobody has written down, in real ms.
_LONGEST_RUN = 60 * SECOND
_NO_KEY = (
    "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth"
    " (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
)
_IN_USE = (
    "There is currently another in-progress request using this Idempotent Key (that probably means you submitted"
    " twice, and the other request is still going through)."
)
_NO_TEST_CARD = "mockpay: only published test cards work here; never send a real card's number."


class _Reply(Struct, frozen=True):
    """An answer before it is written; `notice` is printed by the public clients."""

    status: int
    body: dict[str, Any]
    replayed: bool = False
    notice: str | None = None


def blueprint(runtime: Runtime) -> Blueprint:
    """All of Stripe's addresses for one process."""
    front = Blueprint(NAME, __name__, url_prefix=MOUNT)
    for rule in ("/", "/<path:rest>"):
        front.add_url_rule(
            rule, f"call_{len(rule)}", lambda rest="": _handle(runtime, request, f"/{rest}"), methods=_METHODS
        )
    return front


def render_error(error: MockpayError) -> Response:
    """An error that no view told."""
    row = stripe_error(error.code)
    return _response(_Reply(row.status, errors.error_body(row.api_error(error))))


def _response(reply: _Reply, key: str | None = None) -> Response:
    response = Response(msgspec.json.encode(reply.body), reply.status, content_type="application/json")
    response.headers["Request-Id"] = f"req_{kernel_ids.base62(14)}"
    response.headers["Stripe-Version"] = requests.VERSION
    if key is not None:
        response.headers[requests.IDEMPOTENCY] = key
    if reply.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    if reply.notice is not None:
        response.headers["Stripe-Notice"] = reply.notice
    return response


def _handle(runtime: Runtime, sent: Request, path: str) -> Response:
    """One call: whose it is, done, and written into the journal in the transaction of what it changed."""
    line = RequestLine(sent.method, sent.path, perf_counter())
    kind = "call"
    try:
        seller_id = _seller(runtime, sent.headers.get("Authorization", ""))
        kind, view, names = _view(sent.method, path)
        raw = sent.get_data() if sent.method == "POST" else sent.query_string
        params = Parameters(forms.decode(raw))
    except (Refused, MockpayError) as error:
        reply = _refusal(error)
        _add_refusal(runtime, kind, line, reply)
        return _response(reply)
    key = sent.headers.get(requests.IDEMPOTENCY) if sent.method == "POST" else None
    work = _Work(runtime, seller_id, kind, line, path, params, key)
    reply = work.run(view, names, sent.headers.get(HEADER, ""))
    return _response(reply, key)


def _seller(runtime: Runtime, header: str) -> str:
    key = signatures.parse_authorization(header)
    if key is None:
        raise Refused(ApiError(errors.INVALID_REQUEST, _NO_KEY), 401)
    seller_id = accounts.seller_of_key(runtime, NAME, key)
    if seller_id is None:
        hidden = f"{key[:8]}{'*' * 8}{key[-4:]}" if len(key) > 16 else "****"
        raise Refused(ApiError(errors.INVALID_REQUEST, f"Invalid API Key provided: {hidden}"), 401)
    return seller_id


def _refusal(error: Refused | MockpayError) -> _Reply:
    if isinstance(error, Refused):
        return _Reply(error.status, errors.error_body(error.error))
    row = stripe_error(error.code)
    notice = _NO_TEST_CARD if error.code == "test_card_required" else None
    return _Reply(row.status, errors.error_body(row.api_error(error)), notice=notice)


def _add_refusal(runtime: Runtime, kind: str, line: RequestLine, reply: _Reply) -> None:
    """What could not be read or was nobody's: its reason, never a value."""
    error = reply.body["error"]
    journal.add_refusal(
        runtime,
        None,
        kind=f"{NAME}.{kind}",
        outcome=error.get("code") or error["type"],
        reason=error["message"],
        line=line,
        status=reply.status,
    )


class _Work(Struct, frozen=True):
    """One call on its way: once for its key, in one transaction or, where a gateway is asked, in two."""

    runtime: Runtime
    seller_id: str
    kind: str
    line: RequestLine
    path: str
    params: Parameters
    key: str | None

    def run(self, view: View, names: list[str], outcome: str) -> _Reply:
        """Do what the call asks for."""
        base_url, stored = "", None
        with transaction(self.runtime, self.seller_id) as sandbox:
            try:
                stored, before = self._begin(sandbox)
                if before is not None:
                    self._add_line(sandbox, before, outcome="replayed")
                    return before
                base_url = events.pages_of(sandbox)
                call = Call(sandbox, self.params, outcome, base_url)
                with sandbox.connection.begin_nested():
                    answer = view(call, *names)
                    done = None if isinstance(answer, Later) else self._success(call, answer)
            except (Refused, MockpayError) as error:
                answer, done = {}, _refusal(error)
            if done is not None:
                self._end(sandbox, stored, done)
            elif stored is None and self.key is not None:
                self._store(sandbox, None, _RUNNING)
        outbox_id = answer.outbox_id if isinstance(answer, Later) else None
        if self.line.method != "GET":
            self.runtime.deliver(self.runtime, self.seller_id, outbox_id)
        if done is None and isinstance(answer, Later):
            done = self._finish(answer, base_url)
        assert done is not None
        return done

    def _finish(self, answer: Later, base_url: str) -> _Reply:
        """What is answered now that the gateway has been asked."""
        with transaction(self.runtime, self.seller_id) as sandbox:
            call = Call(sandbox, self.params, "", base_url)
            try:
                done = self._success(call, answer.answer(sandbox))
            except (Refused, MockpayError) as error:
                done = _refusal(error)
            stored = None if self.key is None else self._find(sandbox)
            self._end(sandbox, stored, done)
        return done

    def _success(self, call: Call, answer: Answer) -> _Reply:
        assert not isinstance(answer, Later)
        return _Reply(200, expansion.expand(call, answer, self.params.words("expand")))

    # --- once for a key

    def _find(self, sandbox: Sandbox) -> ApiObject | None:
        assert self.key is not None
        return api_objects.find(sandbox, NAME, _REQUEST, idempotency.request_id(self.key))

    def _facts(self, sandbox: Sandbox) -> dict[str, Any]:
        return idempotency.describe(sandbox.seller.secret_key, self.path, self.params.values)

    def _begin(self, sandbox: Sandbox) -> tuple[ApiObject | None, _Reply | None]:
        """The key's former request that is over for good, and its answer where it still counts."""
        stored = None if self.key is None else self._find(sandbox)
        if stored is None or self.key is None or not idempotency.is_fresh(stored.created_at, sandbox.now):
            return stored, None
        idempotency.check_same(self.key, self._facts(sandbox), stored.facts)
        if stored.state == _RUNNING:
            if sandbox.real_now - stored.facts["began"] < _LONGEST_RUN:
                raise Refused(ApiError(errors.IDEMPOTENCY, _IN_USE, "idempotency_key_in_use"), 409)
            return stored, None
        return stored, _Reply(stored.facts["status"], stored.facts["body"], replayed=True)

    def _store(self, sandbox: Sandbox, before: ApiObject | None, state: str, **facts: object) -> None:
        assert self.key is not None
        kept = {**self._facts(sandbox), "began": sandbox.real_now, **facts}
        if before is None:
            api_objects.add(sandbox, NAME, _REQUEST, idempotency.request_id(self.key), kept, state=state, log=True)
        else:
            api_objects.change(sandbox, before, facts=kept, state=state, created_at=sandbox.now)

    def _end(self, sandbox: Sandbox, stored: ApiObject | None, done: _Reply) -> None:
        """Keep the answer of what was tried."""
        error = done.body.get("error")
        tried = error is None or error["type"] == errors.CARD or done.status >= 500
        if self.key is not None and tried:
            self._store(sandbox, stored, _DONE, status=done.status, body=done.body)
        elif stored is not None and stored.state == _RUNNING:
            api_objects.change(sandbox, stored, created_at=0)
        self._add_line(sandbox, done, outcome="ok" if error is None else error.get("code") or error["type"])

    def _add_line(self, sandbox: Sandbox, done: _Reply, outcome: str) -> None:
        """Write the call down."""
        error = done.body.get("error")
        shown = redact(self.params.values, requests.SHOWN)
        journal.add(
            sandbox.connection,
            sandbox.seller_id,
            sandbox.now,
            sandbox.real_now,
            kind=f"{NAME}.{self.kind}",
            outcome=outcome,
            reason=None if error is None else error["message"],
            orders=_orders_of(done.body),
            facts=shown,
            line=self.line,
            status=done.status,
            answer=msgspec.json.encode(redact(done.body, objects.SHOWN)).decode(),
        )


def _orders_of(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Ids of the intents that an answer is about."""
    error = body.get("error")
    about = error.get("payment_intent") if isinstance(error, Mapping) else body
    if not isinstance(about, Mapping):
        return ()
    named = about.get("id") if about.get("object") == "payment_intent" else about.get("payment_intent")
    return (named,) if isinstance(named, str) else ()


# --- addresses


def _balance(call: Call) -> Answer:
    """GET /v1/balance: what was taken and is not on its way back; without fees, and nothing is paid out or pending."""
    left = company_lists.captured_minor(call.sandbox, NAME)
    available, pending = (
        [{"amount": amount, "currency": "inr", "source_types": {"card": amount}}] for amount in (left, 0)
    )
    return {"object": "balance", "available": available, "livemode": False, "pending": pending}


_INTENTS, _SETUPS, _SESSIONS = "payment_intents", "setup_intents", "checkout/sessions"
#: Verb, path below `/v1/`, the journal's word, and what answers.
VIEWS: tuple[tuple[str, str, str, View], ...] = (
    ("POST", _INTENTS, "payment_intents.create", intents.create),
    ("GET", _INTENTS, "payment_intents.list", intents.list_intents),
    ("GET", f"{_INTENTS}/search", "payment_intents.search", intents.search),
    ("GET", f"{_INTENTS}/{_ID}", "payment_intents.retrieve", intents.retrieve),
    ("POST", f"{_INTENTS}/{_ID}", "payment_intents.update", intents.update),
    ("POST", f"{_INTENTS}/{_ID}/confirm", "payment_intents.confirm", intents.confirm),
    ("POST", f"{_INTENTS}/{_ID}/capture", "payment_intents.capture", intents.capture),
    ("POST", f"{_INTENTS}/{_ID}/cancel", "payment_intents.cancel", intents.cancel),
    ("POST", "refunds", "refunds.create", refunds.create),
    ("GET", "refunds", "refunds.list", refunds.list_refunds),
    ("GET", f"refunds/{_ID}", "refunds.retrieve", refunds.retrieve),
    ("POST", f"refunds/{_ID}", "refunds.update", refunds.update),
    ("POST", f"refunds/{_ID}/cancel", "refunds.cancel", refunds.cancel),
    ("GET", "charges", "charges.list", refunds.list_charges),
    ("GET", f"charges/{_ID}", "charges.retrieve", refunds.retrieve_charge),
    ("POST", f"charges/{_ID}/capture", "charges.capture", refunds.capture_charge),
    ("GET", f"charges/{_ID}/refunds", "charges.refunds", refunds.refunds_of_charge),
    ("POST", "customers", "customers.create", customers.create),
    ("GET", "customers", "customers.list", customers.list_customers),
    ("GET", f"customers/{_ID}", "customers.retrieve", customers.retrieve),
    ("POST", f"customers/{_ID}", "customers.update", customers.update),
    ("DELETE", f"customers/{_ID}", "customers.delete", customers.delete),
    ("GET", f"customers/{_ID}/payment_methods", "customers.payment_methods", customers.list_methods),
    ("GET", f"customers/{_ID}/payment_methods/{_ID}", "customers.payment_method", customers.retrieve_method),
    ("POST", "payment_methods", "payment_methods.create", payment_methods.create),
    ("GET", "payment_methods", "payment_methods.list", customers.list_methods),
    ("GET", f"payment_methods/{_ID}", "payment_methods.retrieve", payment_methods.retrieve),
    ("POST", f"payment_methods/{_ID}", "payment_methods.update", payment_methods.update),
    ("POST", f"payment_methods/{_ID}/attach", "payment_methods.attach", payment_methods.attach),
    ("POST", f"payment_methods/{_ID}/detach", "payment_methods.detach", payment_methods.detach),
    ("POST", _SETUPS, "setup_intents.create", customers.create_setup),
    ("GET", _SETUPS, "setup_intents.list", customers.list_setups),
    ("GET", f"{_SETUPS}/{_ID}", "setup_intents.retrieve", customers.retrieve_setup),
    ("POST", f"{_SETUPS}/{_ID}", "setup_intents.update", customers.update_setup),
    ("POST", f"{_SETUPS}/{_ID}/confirm", "setup_intents.confirm", customers.confirm_setup),
    ("POST", f"{_SETUPS}/{_ID}/cancel", "setup_intents.cancel", customers.cancel_setup),
    ("POST", _SESSIONS, "checkout.sessions.create", sessions.create),
    ("GET", _SESSIONS, "checkout.sessions.list", sessions.list_sessions),
    ("GET", f"{_SESSIONS}/{_ID}", "checkout.sessions.retrieve", sessions.retrieve),
    ("GET", f"{_SESSIONS}/{_ID}/line_items", "checkout.sessions.line_items", sessions.line_items),
    ("POST", f"{_SESSIONS}/{_ID}/expire", "checkout.sessions.expire", sessions.expire),
    ("POST", "webhook_endpoints", "webhook_endpoints.create", webhook_endpoints.create),
    ("GET", "webhook_endpoints", "webhook_endpoints.list", webhook_endpoints.list_endpoints),
    ("GET", f"webhook_endpoints/{_ID}", "webhook_endpoints.retrieve", webhook_endpoints.retrieve),
    ("POST", f"webhook_endpoints/{_ID}", "webhook_endpoints.update", webhook_endpoints.update),
    ("DELETE", f"webhook_endpoints/{_ID}", "webhook_endpoints.delete", webhook_endpoints.delete),
    ("GET", "events", "events.list", webhook_endpoints.list_events),
    ("GET", f"events/{_ID}", "events.retrieve", webhook_endpoints.retrieve_event),
    ("GET", "balance", "balance.retrieve", _balance),
)
_PATTERNS = tuple((verb, re.compile(f"/v1/{path}/?"), (kind, view)) for verb, path, kind, view in VIEWS)


def _view(method: str, path: str) -> tuple[str, View, list[str]]:
    """
    What answers a request, the journal's word for it, and the ids in its path.

    Raises:
        Refused: nobody does.
    """
    found, names = paths.find(_PATTERNS, method, path)
    if found is None:
        message = f"Unrecognized request URL ({method}: {path[:500]}). Please see https://stripe.com/docs."
        raise Refused(ApiError(errors.INVALID_REQUEST, message.replace("\0", "")), 404)
    return *found, names

"""PayU's addresses below its mount: parse, hand over, answer; any method and slash."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

from flask import Blueprint, Request, Response, jsonify, request

from mockpay.domain.scenarios.requested import FIELD, HEADER
from mockpay.kernel.errors import MockpayError, NotFound
from mockpay.providers.payu import journal_lines, payment_posts
from mockpay.providers.payu.calls import Call
from mockpay.providers.payu.commands import ABSENT, COMMANDS
from mockpay.providers.payu.credentials import MOUNT, NAME
from mockpay.providers.payu.errors import payu_error
from mockpay.providers.payu.posted_forms import PostedForm, believed_command, read_form, seller_of
from mockpay.store.journal import RequestLine
from mockpay.store.unit_of_work import Runtime, Sandbox, transaction
from mockpay.wire.payu import answers, requests

_METHODS = ["GET", "POST"]


def blueprint(runtime: Runtime) -> Blueprint:
    """All of PayU's addresses for one process."""
    front = Blueprint(NAME, __name__, url_prefix=MOUNT)

    def route(path: str, name: str, view: Callable[[Runtime, Request], Response]) -> None:
        front.add_url_rule(path, name, lambda: view(runtime, request), methods=_METHODS, strict_slashes=False)

    route(requests.PAYMENT_PATH, "payment", payment_posts.post_payment)
    route(requests.COMMAND_PATH, "command", _command)
    route(requests.COMMAND_PATH.removesuffix(".php"), "command_without_php", _command)
    return front


def render_error(error: MockpayError) -> Response:
    """An error that no view told."""
    row = payu_error(error.code)
    answer = jsonify(_refusal(error))
    answer.status_code = row.status
    return answer


def _refusal(error: MockpayError) -> dict[str, Any]:
    row = payu_error(error.code)
    return answers.refusal(row.words or error.message, row.code)


def _command(runtime: Runtime, posted: Request) -> Response:
    """One command: believed, carried out, and written into the journal in one transaction; refusals have status 200."""
    line, form, world = RequestLine(posted.method, posted.path, perf_counter()), PostedForm({}), None
    try:
        form = read_form(posted)
        form.need("key")
        with transaction(runtime, seller_of(runtime, form)) as sandbox:
            world = sandbox
            answer = _carry_out(sandbox, believed_command(sandbox.seller, form), posted, line)
    except MockpayError as error:
        answer = jsonify(_refusal(error))
        name = form.fields.get("command", "")
        kind = name if name in COMMANDS else "command"
        journal_lines.add_refusal(runtime, kind, error, form, world, line, answer)
        return answer
    runtime.deliver(runtime, world.seller_id, None)
    return answer


def _carry_out(sandbox: Sandbox, form: PostedForm, posted: Request, line: RequestLine) -> Response:
    """The command's answer; what it refuses changes nothing."""
    name = form.need("command")
    outcomes = posted.headers.get(HEADER, "") or form.fields.get(FIELD, "")
    call = Call(sandbox, form, posted.host_url.rstrip("/"), outcomes, posted.remote_addr or "127.0.0.1")
    try:
        if name in ABSENT:
            raise NotFound(f"The command {name} is not in this sandbox.", code="command.absent")
        if name not in COMMANDS:
            raise NotFound("There is no such command.", code="command.unknown")
        with sandbox.connection.begin_nested():
            answer = jsonify(COMMANDS[name](call))
        if call.refused is not None:
            raise call.refused
    except MockpayError as error:
        answer = jsonify(_refusal(error))
        kind = name if name in COMMANDS else "command"
        journal_lines.add_refused_command(sandbox, kind, error, form, line, answer.get_data(as_text=True))
        return answer
    orders = tuple(dict.fromkeys(call.orders))
    journal_lines.add_command(sandbox, name, form, line, answer.get_data(as_text=True), orders)
    return answer

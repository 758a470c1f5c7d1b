"""What SNS answers at `/`: ConfirmSubscription and Unsubscribe, by the URLs that its messages bring."""

from __future__ import annotations

from time import perf_counter

from flask import Request, Response

from mockpay.kernel import ids
from mockpay.kernel.errors import MockpayError, NotFound
from mockpay.providers.amazonpay.error_responses import XML
from mockpay.providers.amazonpay.notifications import TOPIC, names
from mockpay.services import subscriptions
from mockpay.store import journal
from mockpay.store.journal import RequestLine
from mockpay.store.unit_of_work import Runtime, Sandbox, transaction
from mockpay.wire.xml import Tree, render

_NAMESPACE = "http://sns.amazonaws.com/doc/2010-03-31/"
_CONFIRM, _UNSUBSCRIBE = "ConfirmSubscription", "Unsubscribe"


def answer_root(runtime: Runtime, request: Request) -> Response | None:
    """Answer one of the two actions, whatever the Host; None where neither is asked for."""
    action, line = request.args.get("Action", ""), RequestLine(request.method, request.path, perf_counter())
    if action not in {_CONFIRM, _UNSUBSCRIBE}:
        return None
    named = request.args.get("TopicArn" if action == _CONFIRM else "SubscriptionArn", "")
    try:
        if not named.startswith(TOPIC):
            raise NotFound("There is no such topic.", code="topic.not_found")
        seller_id = named.removeprefix(TOPIC).partition(":")[0]
        with transaction(runtime, seller_id) as sandbox:
            refused = _act(sandbox, action, named, request.args.get("Token", ""))
            response = _refusal(refused) if refused else _answer(sandbox, action)
            _add_to_journal(sandbox, action, refused, response, line)
            return response
    except MockpayError as error:
        return _refusal(error)


def _act(sandbox: Sandbox, action: str, named: str, token: str) -> MockpayError | None:
    """Do it; or the error to answer with, which the journal of this seller keeps."""
    topic, subscription = names(sandbox.seller.seed, sandbox.seller_id)
    if named != (topic if action == _CONFIRM else subscription):
        return NotFound("There is no such topic or subscription.", code="topic.not_found")
    try:
        subscriptions.confirm(sandbox, token) if action == _CONFIRM else subscriptions.cancel(sandbox)
    except MockpayError as error:
        return error
    return None


def _answer(sandbox: Sandbox, action: str) -> Response:
    subscription = names(sandbox.seller.seed, sandbox.seller_id)[1]
    result: dict[str, Tree] = {f"{action}Result": {"SubscriptionArn": subscription}} if action == _CONFIRM else {}
    return _document(f"{action}Response", {**result, "ResponseMetadata": {"RequestId": ids.request_id()}}, 200)


def _refusal(error: MockpayError) -> Response:
    """SNS's own form of an error."""
    status, code = (404, "NotFound") if isinstance(error, NotFound) else (400, "InvalidParameter")
    detail = {"Type": "Sender", "Code": code, "Message": error.message}
    return _document("ErrorResponse", {"Error": detail, "RequestId": ids.request_id()}, status)


def _document(root: str, content: Tree, status: int) -> Response:
    return Response(render(root, _NAMESPACE, content), status, content_type=XML)


def _add_to_journal(
    sandbox: Sandbox, action: str, refused: MockpayError | None, response: Response, line: RequestLine
) -> None:
    journal.add(
        sandbox.connection,
        sandbox.seller_id,
        sandbox.now,
        sandbox.real_now,
        kind=f"amazonpay.{action}",
        outcome=refused.code if refused else "ok",
        reason=refused.reason if refused else None,
        line=line,
        status=response.status_code,
        answer=response.get_data(as_text=True),
    )

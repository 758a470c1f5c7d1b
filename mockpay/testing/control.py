"""A call of the control API from a test: straight to the sandbox, whatever the test has replaced or set."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any, Protocol

from mockpay.kernel.http.calls import HttpCall, Unreachable
from mockpay.testing.sender import DirectSender

_SENDER = DirectSender()
#: How much longer than the sandbox a call waits for its answer, in seconds.
_MARGIN_SECONDS = 15.0


class ControlApi(Protocol):
    """A sandbox's control API."""

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        ...

    def control(self, method: str, path: str, body: object = None, *, seconds: float = 60) -> Any:
        """Call below ``/_mockpay/v1``; the decoded JSON answer."""
        ...


class ControlError(Exception):
    """
    The control API refused, or did not answer as it does.

    Attributes:
        status: HTTP's, or 0 where there was no answer.
        problem: Its problem+json.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        words = problem.get("detail") or problem.get("title")
        super().__init__(f"{status}: {words}" if status else words)
        self.status = status
        self.problem = problem


class Secret(str):
    """A text that no report of a failing test prints: pytest writes the arguments of functions, by their repr."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Without it."""
        return "'***'"


class NoAnswer(ControlError):
    """No sandbox answered; the cause is the error of the connection or of the answer that could not be read."""

    def __init__(self, detail: str) -> None:
        super().__init__(0, {"title": "No answer", "detail": detail})


def call(url: str, token: Secret | None, method: str, path: str, body: object, seconds: float) -> Any:
    """
    Call below ``/_mockpay/v1``; the decoded JSON answer.

    Args:
        seconds: Real time that the sandbox itself may take.

    Raises:
        ControlError: an answer of 400 or above.
        NoAnswer: no answer, or one that no sandbox gives.
    """
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if token:
        headers["Authorization"] = Secret(f"Bearer {token}")
    content = b"" if body is None else json.dumps(body).encode()
    address = f"{url.rstrip('/')}/_mockpay/v1{path}"
    try:
        reply = _SENDER.send(HttpCall(method, address, headers, content, seconds + _MARGIN_SECONDS))
        answer: Any = json.loads(reply.body) if reply.body else None
    except Unreachable as error:
        raise NoAnswer(f"No sandbox answered at {url}: {error.message}") from error
    except ValueError as error:
        raise NoAnswer(f"What answered at {url} is no sandbox: HTTP {reply.status} and no JSON.") from error
    if reply.status < 400:
        return answer
    if not isinstance(answer, dict):
        raise NoAnswer(f"What answered at {url} is no sandbox: HTTP {reply.status} and no problem+json.")
    raise ControlError(reply.status, answer)


def refuse_in_event_loop(verb: str) -> None:
    """
    Refuse a verb that may wait for the seller's own server, where an event loop would stand still meanwhile.

    A loop that runs below plain code, as Playwright's does, serves nothing of the test's.

    Raises:
        RuntimeError: called from a task of an event loop.
    """
    if not _in_task():
        return
    message = (
        f"{verb}() waits until the sandbox has called your server, which this event loop cannot answer meanwhile. "
        f"Call it in a thread: await asyncio.to_thread(mockpay_seller.{verb}, ...)"
    )
    raise RuntimeError(message)


def _in_task() -> bool:
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_task():
        return True
    try:
        return asyncio.current_task() is not None
    except RuntimeError:
        return False

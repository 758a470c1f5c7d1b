"""Paying by a method without pages of its own: a plain form of the parts that it reads."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, request

from mockpay.domain.methods.method import Instrument, Method
from mockpay.kernel.errors import Invalid
from mockpay.store.unit_of_work import Runtime
from mockpay.web.checkout import page_session, submission
from mockpay.web.checkout.page_session import PageSession, show

_LONGEST_VALUE = 255


def page_of(method: Method) -> Callable[[Runtime, str], Response]:
    """The page of a method, by its record."""

    def read(session: PageSession) -> Instrument:
        return method.read(request.form, session.sandbox.now, session.order.amount)

    def form(session: PageSession, error: Invalid | None = None) -> Response:
        page = page_session.page_context(session, f"Pay by {session.methods[method.code].noun}")
        if error is not None:
            values = {name: request.form.get(name, "")[:_LONGEST_VALUE] for name in method.fields}
            page_session.refuse(page, error, values)
        status = 422 if error is not None else 200
        return show("checkout/generic.html", status, page=page, method=method)

    def page(runtime: Runtime, token: str) -> Response:
        return submission.form_page(runtime, token, read, form)

    return page

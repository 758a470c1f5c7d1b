"""
Paying by card.

What was typed of number and CVV is never sent back: an error brings both fields up empty.
"""

from __future__ import annotations

import re

from flask import Response, request

from mockpay.domain.methods import cards
from mockpay.domain.methods.cards import Card
from mockpay.kernel.errors import Invalid
from mockpay.store.unit_of_work import Runtime
from mockpay.web.checkout import submission, view_models
from mockpay.web.checkout.page_session import PageSession, show

_LONGEST_KEPT = 40
#: Somebody may have typed the number into a wrong field.
_LIKE_A_NUMBER = re.compile(r"(?:[0-9][ -]?){9}")


def page(runtime: Runtime, token: str) -> Response:
    """The card's form."""
    return submission.form_page(runtime, token, typed, _form)


def typed(session: PageSession) -> Card:
    """
    The card that a form brings.

    Raises:
        Invalid: with the `field` that is wrong.
    """
    return cards.read({"cvv": "", **request.form}, session.sandbox.now)


def _form(session: PageSession, error: Invalid | None = None) -> Response:
    page = view_models.page(session, "Pay by card", notes=view_models.card_notes())
    if error is not None:
        view_models.refuse(page, error, {name: kept(name) for name in ("expiry", "name")})
    return show("checkout/card.html", 422 if error is not None else 200, page=page)


def kept(name: str) -> str:
    """What was typed, where it is sure to be no card number."""
    text = request.form.get(name, "")[:_LONGEST_KEPT]
    return "" if _LIKE_A_NUMBER.search(text) else text

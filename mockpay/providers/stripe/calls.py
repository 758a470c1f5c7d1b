"""A call of a seller's software at the front door: its parameters, what outcome it asks for, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from mockpay.domain.payments.attempts import Decision, Stage
from mockpay.domain.scenarios.requested import FIELD, HEADER, NO_OLD_ANSWERS, STAGES, check_requested, parse_outcomes
from mockpay.providers.stripe.parameters import Parameters
from mockpay.store.unit_of_work import Sandbox

#: The way back has no amount and is not signed.
IMPOSSIBLE = {**NO_OLD_ANSWERS, Stage.REDIRECT: frozenset({"amount_changed", "bad_signature"})}


class Call(Struct, frozen=True):
    """
    One call in its seller's world.

    Args:
        outcome: The header `Mockpay-Outcome`.
        base_url: Where buyers' pages are.
    """

    sandbox: Sandbox
    params: Parameters
    outcome: str
    base_url: str

    def outcomes(self, *stages: Stage, params: Parameters | None = None) -> dict[Stage, Decision]:
        """
        What the call asks to happen, by stage: in its header, or in its metadata where it can send no header.

        Args:
            stages: What may come of this call; all that a payment and its refunds meet where none is named.
            params: Whose metadata are looked at beside the call's own: those of an inner object.

        Raises:
            Invalid: nothing of this name can happen; code ``outcome.invalid`` where nothing of it can happen here.
        """
        asked: dict[Stage, Decision] = {}
        for about in (self.params, params or self.params):
            metadata = about.values.get("metadata")
            text = metadata.get(FIELD) if isinstance(metadata, Mapping) else None
            asked |= parse_outcomes(text, FIELD) if isinstance(text, str) else {}
        asked |= parse_outcomes(self.outcome, HEADER)
        check_requested(asked, stages or STAGES, IMPOSSIBLE)
        return asked


class Later(Struct, frozen=True):
    """
    An answer that is known only when a gateway has been asked: outside the transaction of the call.

    Args:
        outbox_id: The gateway's call; None where there is none.
        answer: In a transaction of its own, what is answered then; raises Refused, and what it has done stays.
    """

    outbox_id: int | None
    answer: Callable[[Sandbox], dict[str, Any]]


#: A view's answer: an object, or one that is known later.
Answer = dict[str, Any] | Later
View = Callable[..., Answer]

"""How one journal and its gifts are posted together, and what a lower balance leads to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Unpack

from mockpay.domain.wallet import gifts as gift_rules
from mockpay.domain.wallet.ledger import Journal, JournalFacts, JournalType, Kind
from mockpay.services.wallet import reload_runs
from mockpay.services.wallet.balances import CURRENCY
from mockpay.store import gifts, schedule, wallet
from mockpay.store.unit_of_work import Sandbox

#: An event of the schedule: a gift has expired.
GIFT_EXPIRY = "wallet.gift_expiry"


def post(
    sandbox: Sandbox,
    kind: JournalType,
    owner: str,
    key: str,
    changes: Mapping[Kind, int],
    grants: Mapping[int, int] | None = None,
    **facts: Unpack[JournalFacts],
) -> Journal | None:
    """
    Post a journal and what it changes of each gift; None where its key was posted before.

    A gift that comes back after its expiry may be spent a while longer.

    Raises:
        Conflict: code ``wallet.insufficient``.
    """
    journal = wallet.post(sandbox, kind, owner=owner, changes=changes, currency=CURRENCY, key=key, **facts)
    if journal is not None and grants:
        gifts.use(sandbox, journal.number, grants)
        for grant_id in [grant_id for grant_id, change in grants.items() if change > 0]:
            grant = gifts.find(sandbox, grant_id)
            if grant is not None and grant.expires_at is not None and grant.expires_at <= sandbox.now:
                expire_at(sandbox, grant_id, sandbox.now + gift_rules.EXTENSION)
    if journal is not None and journal.change_minor < 0:
        reload_runs.trigger_by_spend(sandbox, journal)
    return journal


def expire_at(sandbox: Sandbox, grant_id: int, moment: int) -> None:
    """Let a gift expire at an instant."""
    gifts.set_expiry(sandbox, grant_id, moment)
    schedule.add(sandbox, GIFT_EXPIRY, str(grant_id), moment)

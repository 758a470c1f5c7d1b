"""What the tests of auto-reload share: a saved card, settings, and what became of a buyer's runs."""

from __future__ import annotations

from mockpay.domain.wallet.auto_reload import ReloadSettings
from mockpay.kernel.money import Money
from mockpay.services import buyers
from mockpay.services.wallet import corrections, reload_runs, reload_settings
from mockpay.services.wallet.corrections import Part
from mockpay.store import auto_reloads, inbox
from mockpay.store import orders as order_rows
from mockpay.vault import saved_methods
from mockpay.vault.rules import RELOAD_TEXT, consent, consent_to
from tests.services.ledger import ASHA, by_balance

RELOAD, RELOAD_FAIL, RELOAD_CAP = (f"{name}@buyers.mockpay.test" for name in ("reload", "reloadfail", "reloadcap"))
GOOD, REFUSED = "4718609108204366", "4100280000080001"
MINUTE = 60


def save_card(world, number=GOOD, owner=ASHA):
    with world.transaction() as sandbox:
        buyer_id = buyers.ensure(sandbox, owner).buyer_id
        return saved_methods.save(sandbox, buyer_id, world.card(number), consent(sandbox.now, "test")).token


def switch_on(world, token=None, threshold="500.00", amount="1000.00", owner=ASHA, **more):
    money = {name: Money.parse(more.pop(name)) for name in ("cap_day", "cap_month") if name in more}
    settings = ReloadSettings(Money.parse(threshold), Money.parse(amount), token or save_card(world), **money, **more)
    with world.transaction() as sandbox:
        return reload_settings.change(sandbox, owner, settings, consent_to(RELOAD_TEXT, sandbox.now, "test"))


def spend(world, amount, number="O-1", owner=ASHA):
    return by_balance(world, world.order(number, amount), owner)


def adjust(world, amount, owner=ASHA):
    with world.transaction() as sandbox:
        corrections.adjust(sandbox, owner, Part.MONEY, int(float(amount) * 100))


def settle(world):
    """Let the worker do what waits, without moving the clock further than that."""
    world.advance(0)


def reload_of(world, owner=ASHA):
    with world.read() as sandbox:
        return auto_reloads.find(sandbox, owner)


def runs(world, owner=ASHA):
    """The runs, the oldest first."""
    with world.read() as sandbox:
        return auto_reloads.runs_page(sandbox, owner, None, 50).items[::-1]


def ends(world, owner=ASHA):
    return [(str(run.cause), str(run.state), run.reason) for run in runs(world, owner)]


def order_of(world, run):
    with world.read() as sandbox:
        return order_rows.by_id(sandbox, run.order_id)


def messages(world, owner=ASHA):
    """The templates of what the buyer was told, the oldest first."""
    with world.read() as sandbox:
        return [message.template for message in inbox.list_page(sandbox, kind="auto_reload", to=owner).items[::-1]]


def trigger(world, owner=ASHA):
    with world.transaction() as sandbox:
        return reload_runs.trigger(sandbox, owner)

"""Charging the saved method of a run of auto-reload, as a payment that the buyer is not there for."""

from __future__ import annotations

from mockpay.domain.methods.method import Instrument
from mockpay.domain.orders import OrderKind
from mockpay.domain.wallet.auto_reload import ReloadRun, ReloadState, RunState
from mockpay.kernel.errors import Conflict, MockpayError, NotFound
from mockpay.services import buyers
from mockpay.services.payments import payments
from mockpay.services.payments.authentication import Payer
from mockpay.services.wallet import reload_notices, reload_runs, reload_settings, top_ups
from mockpay.store import auto_reloads
from mockpay.store.transitions import transition
from mockpay.store.unit_of_work import Sandbox
from mockpay.vault import saved_methods


def charge(sandbox: Sandbox, number: int) -> None:
    """Charge a run that was triggered, unless a limit, its method or its buyer is against it."""
    run = auto_reloads.find_run(sandbox, number)
    reload = auto_reloads.find(sandbox, run.owner) if run is not None else None
    if run is None or reload is None or run.state is not RunState.TRIGGERED:
        return
    if reload.state is not ReloadState.TRIGGERED:
        reload_runs.cancel(sandbox, run, "switched_off")
        return
    delay = reload_runs.delay_of(sandbox, reload, run)
    if delay is not None:
        reload_runs.put_off(sandbox, run, delay)
        return
    buyer_id = buyers.by_email(sandbox, run.owner).buyer_id
    try:
        instrument = saved_methods.use_for_payment(sandbox, buyer_id, run.token)
    except NotFound:
        _end_with_method(sandbox, run, "method_deleted")
        return
    except Conflict as error:
        _end_with_method(sandbox, run, error.code.replace(".", "_"))
        return
    reload_notices.charge_ahead(sandbox, run)
    transition(sandbox, auto_reloads.mapper, reload, "charge")
    _pay(sandbox, run, Payer(buyer_id=buyer_id, saved_token=run.token), instrument)


def _end_with_method(sandbox: Sandbox, run: ReloadRun, reason: str) -> None:
    """The method cannot be charged any more: nothing was."""
    reload_settings.end_with_method(sandbox, run.owner, run.token, reason)
    reload_runs.cancel(sandbox, run, reason)


def _pay(sandbox: Sandbox, run: ReloadRun, payer: Payer, instrument: Instrument) -> None:
    """Pay a new order by the method; what cannot be begun leaves no order behind."""
    back = f"/account/{sandbox.seller_id}/wallet"
    try:
        with sandbox.connection.begin_nested():
            order = top_ups.open_order(sandbox, run.owner, run.amount, back, OrderKind.RELOAD)
            transition(sandbox, auto_reloads.run_mapper, run, "charge", order_id=order.order_id)
            payments.pay(sandbox, order, instrument, payer, leased=False)
    except MockpayError as error:
        reload_runs.fail(sandbox, run, error.code.replace(".", "_"))

"""A world to look at: orders that ended in every way, made by the services themselves."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask

from mockpay.delivery import clocks, outbox, scheduler
from mockpay.domain.instruments import Upi
from mockpay.domain.orders import Order, PaymentRequest
from mockpay.kernel.clock import SECOND, Mode, parse_time
from mockpay.kernel.http import DirectSender
from mockpay.kernel.keyfiles import Keys
from mockpay.kernel.keyring import Keyring
from mockpay.kernel.money import Money
from mockpay.providers.simulator.gateway import Simulator
from mockpay.services import orders, payments, sellers
from mockpay.settings import Settings
from mockpay.store import engine as engines
from mockpay.store import journal
from mockpay.store.worlds import Runtime, look, work

SELLER = "A1MOCKPAYSELLER"
NOON = parse_time("2026-11-21T09:54:07.104Z")
_ROOT = Path(__file__).parents[2]


@cache
def _keys() -> Keys:
    """Keys that no page looks at, made once."""
    return Keys(rsa.generate_private_key(65537, 2048), Keyring.generate(), _ROOT / "keys")


class FixedClock:
    """A real clock that stands still."""

    def __init__(self, moment: int = NOON) -> None:
        self.moment = moment

    def now(self) -> int:
        return self.moment


class World:
    """One default seller with a frozen clock in a database of its own."""

    def __init__(self, folder: Path, settings: Settings | None = None) -> None:
        engine = engines.open_engine(f"sqlite:///{folder}/world.db")
        engines.create_tables(engine)
        chosen = settings or Settings(seed="fixed")
        self.runtime = Runtime(
            settings=replace(chosen, seed="fixed"),
            engine=engine,
            keys=_keys(),
            real_clock=FixedClock(),
            sender=DirectSender(chosen.outgoing_hosts),
            gateways={"simulator": Simulator()},
        )
        sellers.ensure_default(self.runtime)
        clocks.put(self.runtime, SELLER, Mode.FROZEN, NOON)

    def order(self, number: str, amount: str = "499.00", **marks: object) -> Order:
        """A new order, opened by a verified request."""
        start = str(NOON // SECOND)
        request = PaymentRequest(
            provider="amazonpay",
            seller_order_id=number,
            amount=Money.parse(amount),
            redirect_url="http://127.0.0.1:8420/shop/return",
            digest=f"digest of {number}",
            custom_information="cart=8814;store=NCW",
            seller_note="Hub dynamo, front",
            fields={
                "sellerOrderId": number,
                "orderTotalAmount": amount,
                "orderTotalCurrencyCode": "INR",
                "sellerNote": "Hub dynamo, front",
                "startTime": start,
                "sellerId": SELLER,
                "isSandbox": "true",
            },
            marks={
                "flavour": "php",
                "iv_bytes": 12,
                "plaintext_bytes": 412,
                "double_utf8": False,
                "signature": "9fQx1kVb3mZ0pLq8sT2uWwXyYzAaBbCcDdEeFfGgZg==",
                "string_to_sign": f"POST\namazonpay.amazon.in\n/\norderTotalAmount={amount}",
                "start_time_age_seconds": 0.1,
                "signature_matches": True,
                **marks,
            },
        )
        with work(self.runtime, SELLER) as sandbox:
            begun = orders.begin(sandbox, request)
            journal.add(
                sandbox.connection, SELLER, sandbox.now, sandbox.real_now,
                kind="processPayment", outcome="ok",
                amazon_order_id=begun.order.amazon_order_id if begun.order else None,
                facts={"fields": list(request.fields), "flavour": "php"},
            )  # fmt: skip
        assert begun.order is not None
        return begun.order

    def pay(self, order: Order, vpa: str | None) -> str:
        """Try to pay an order by UPI and fire what is due at once; the attempt's id."""
        with work(self.runtime, SELLER) as sandbox:
            started = payments.pay(sandbox, self.fresh(order), Upi(vpa))
        outbox.send_mine(self.runtime, SELLER, started.parcel_id)
        scheduler.fire_present(self.runtime, SELLER)
        return started.attempt.attempt_id

    def paid(self, number: str, vpa: str, amount: str = "499.00") -> Order:
        """A new order that was tried with one UPI ID."""
        order = self.order(number, amount)
        self.pay(order, vpa)
        return self.fresh(order)

    def fresh(self, order: Order) -> Order:
        """The order as it now stands."""
        from mockpay.store import orders as rows

        with look(self.runtime, SELLER) as sandbox:
            found = rows.by_number(sandbox, order.order_id)
        assert found is not None
        return found

    def wait(self, seconds: float) -> None:
        """Let the seller's clock go on."""
        _, now = clocks.read(self.runtime, SELLER)
        clocks.advance(self.runtime, SELLER, now + int(seconds * SECOND), 30.0)

    def app(self) -> Flask:
        """The dashboard alone."""
        from mockpay.web import dashboard, sign_in

        app = Flask(
            "mockpay",
            template_folder=str(_ROOT / "templates"),
            static_folder=str(_ROOT / "mockpay/static"),
        )
        # As mockpay/app.py has it.
        app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
        app.register_blueprint(sign_in.blueprint(self.runtime))
        app.register_blueprint(dashboard.blueprint(self.runtime))
        return app

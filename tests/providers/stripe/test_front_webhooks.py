"""Webhooks at the front door: what a scenario does to every kind of event, and by which clock a try is signed."""

import json

import pytest
from sqlalchemy import func, insert, select

from mockpay.app import create_app, runtime_of
from mockpay.kernel.clock import SECOND
from mockpay.services.sellers import accounts
from mockpay.services.sellers.accounts import NewSeller
from mockpay.settings import Settings
from mockpay.store.api_objects import objects
from mockpay.store.unit_of_work import transaction
from mockpay.wire.stripe import forms, signatures
from tests.control.worlds import keys_folder
from tests.factories import NOON, FakeRealClock, RecordingSender

MOUNT = "/gw/stripe/v1"
ITEM = {"price_data": {"currency": "inr", "unit_amount": 5_000, "product_data": {"name": "Bell"}}, "quantity": 2}
URL = "http://127.0.0.1:9/hook"


class Shop:
    """A seller's software in an application without a port, whose outgoing calls are recorded."""

    def __init__(self, app, clock, sender):
        self.clock, self.sender, self.http = clock, sender, app.test_client()
        seller = accounts.create(runtime_of(app), NewSeller())
        self.seller_id = seller.seller_id
        self.key = accounts.credentials(runtime_of(app), seller)["stripe"]["secret_key"]
        self.control("PUT", "/clock", {"mode": "frozen", "now": "2026-11-21T12:00:00Z"})
        self.secret = self.post("webhook_endpoints", url=URL, enabled_events=["*"])["secret"]

    def call(self, method, path, params=None, outcome=None):
        headers = {"Authorization": f"Bearer {self.key}", **({"Mockpay-Outcome": outcome} if outcome else {})}
        form = {"content_type": "application/x-www-form-urlencoded", "data": forms.encode(params or {})}
        return self.http.open(f"{MOUNT}/{path}", method=method, headers=headers, **(form if method == "POST" else {}))

    def post(self, path, outcome=None, **params):
        answer = self.call("POST", path, params, outcome)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.get_json()

    def control(self, method, path, body=None):
        address = f"/_mockpay/v1/sellers/{self.seller_id}{path}"
        answer = self.http.open(address, method=method, **({} if body is None else {"json": body}))
        assert answer.status_code < 300, answer.get_data(as_text=True)
        return answer.get_json()

    def advance(self, seconds=0):
        assert self.control("POST", "/clock/advance", {"seconds": seconds})["complete"]

    def pay(self, outcome=None, **more):
        usual = {"amount": 49_900, "currency": "inr", "payment_method": "pm_card_visa", "confirm": True}
        return self.post("payment_intents", outcome, **usual, **more)

    @property
    def types(self):
        """Those of all that came, in order; what is no JSON by None."""
        return [self.type_of(call.body) for call in self.sender.sent]

    @staticmethod
    def type_of(body):
        try:
            return json.loads(body)["type"]
        except ValueError:
            return None

    def fits(self):
        """Whether each signature is that of its body, by the time that it names."""
        return [
            signatures.webhook_fits(self.secret, call.body, call.headers["Stripe-Signature"])
            for call in self.sender.sent
        ]

    def times(self):
        """Seconds by which the time of each signature is off the machine's."""
        headers = [call.headers["Stripe-Signature"] for call in self.sender.sent]
        return [int(signatures.read_webhook_header(header)[0]) - self.clock.now() // SECOND for header in headers]


@pytest.fixture(scope="module")
def app_and_world(tmp_path_factory):
    clock, sender = FakeRealClock(NOON), RecordingSender()
    database = str(tmp_path_factory.mktemp("webhooks") / "m.db")
    app = create_app(Settings(port=0, database_url=database, keys_dir=keys_folder()), real_clock=clock, sender=sender)
    yield app, clock, sender
    for engine in (runtime_of(app).engine, runtime_of(app).writer):
        engine.dispose()


@pytest.fixture
def shop(app_and_world):
    shop = Shop(*app_and_world)
    shop.sender.sent.clear()
    shop.sender.answers = []
    return shop


def customer(shop, outcome):
    made = shop.post("customers", outcome)["id"]
    shop.post(f"customers/{made}", outcome, name="Asha")
    shop.call("DELETE", f"customers/{made}", None, outcome)
    return ["customer.created", "customer.updated", "customer.deleted"]


def payment_method(shop, outcome):
    made = shop.post("customers", "ipn=none")["id"]
    method = shop.post("payment_methods/pm_card_visa/attach", outcome, customer=made)["id"]
    shop.post(f"payment_methods/{method}/detach", outcome)
    return ["payment_method.attached", "payment_method.detached"]


def setup_intent(shop, outcome):
    made = shop.post("customers", "ipn=none")["id"]
    shop.post("setup_intents", outcome, customer=made, payment_method="pm_card_visa", confirm=True)
    given_up = shop.post("setup_intents", outcome)["id"]
    shop.post(f"setup_intents/{given_up}/cancel", outcome)
    done = ["setup_intent.created", "payment_method.attached", "setup_intent.succeeded"]
    return [*done, "setup_intent.created", "setup_intent.canceled"]


def payment(shop, outcome):
    shop.pay(outcome)
    return ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]


def payment_given_up(shop, outcome):
    intent = shop.post("payment_intents", outcome, amount=100, currency="inr")["id"]
    shop.post(f"payment_intents/{intent}/cancel")
    return ["payment_intent.created", "payment_intent.canceled"]


def refund(shop, outcome):
    intent = shop.pay("ipn=none")["id"]
    shop.post("refunds", outcome, payment_intent=intent)
    return ["refund.created", "charge.refunded", "refund.updated"]


def checkout_session(shop, outcome):
    pages = {"success_url": "http://127.0.0.1/ok", "cancel_url": "http://127.0.0.1/cart"}
    asked = {"metadata": {"mockpay_outcome": outcome}} if outcome else {}
    made = shop.post("checkout/sessions", line_items=[ITEM], mode="payment", payment_intent_data=asked, **pages)["id"]
    shop.post(f"checkout/sessions/{made}/expire")
    return ["payment_intent.created", "payment_intent.canceled", "checkout.session.expired"]


KINDS = (customer, payment_method, setup_intent, payment, payment_given_up, refund, checkout_session)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_what_is_asked_of_messages_holds_for_every_kind_of_event(shop, subtests, kind):
    """
    Trap 16 (stripe-cli#1434): an option of delivery that holds for one path only.

    Of payments, refunds, checkout sessions, setup intents, customers and payment methods: late, twice, at once,
    overtaken, lost, forged and signed at another time.
    """

    def told(outcome):
        """Types of what is due at once, and what it is, with what comes within the next minute."""
        shop.sender.sent.clear()
        types = kind(shop, f"ipn={outcome}")
        shop.advance()
        return types, shop.types

    def later(seconds):
        shop.advance(seconds)
        return shop.types

    with subtests.test("success"):
        types, now = told("success")
        # Of an order one after the other; objects have no order.
        assert now == types or kind in {customer, payment_method, setup_intent}
        assert sorted(now) == sorted(types)
        assert set(shop.fits()) == {True}
        assert set(shop.times()) == {0}
        assert len(later(60)) == len(types)
    for outcome, copies in {"doubled": 2, "tripled": 3}.items():
        with subtests.test(outcome):
            types, now = told(outcome)
            assert sorted(now) == sorted(types)
            assert sorted(later(60)) == sorted(types * copies)
    for outcome, copies in {"doubled_at_once": 2, "simultaneous": 1}.items():
        with subtests.test(outcome):
            types, now = told(outcome)
            assert sorted(now) == sorted(types * copies)
    with subtests.test("none"):
        assert told("none")[1] == later(100) == []
    for outcome, seconds in {"delayed": 30, "out_of_order": 60}.items():
        with subtests.test(outcome):
            types, now = told(outcome)
            assert (now, later(seconds - 1)) == ([], [])
            assert sorted(later(1)) == sorted(types)
    with subtests.test("corrupt"):
        types, now = told("corrupt")
        assert now == [None] * len(types)
    with subtests.test("bad_signature"):
        assert len(told("bad_signature")[1]) > 1
        assert set(shop.fits()) == {False}
    for outcome, off in {"old_signature": -600, "future_signature": 600}.items():
        with subtests.test(outcome):
            assert len(told(outcome)[1]) > 1
            assert set(shop.fits()) == {True}
            assert set(shop.times()) == {off}


def test_a_rule_for_every_time_holds_for_every_kind_of_event(shop, subtests):
    """Trap 16 (stripe-cli#1434): the same by a seller's rule, and by the seller's default."""
    rule = shop.control("POST", "/scenarios", {"stage": "ipn", "outcome": "doubled_at_once", "times": None})
    for kind in (customer, payment_given_up, payment, refund):
        with subtests.test(kind.__name__):
            shop.sender.sent.clear()
            types = kind(shop, None)
            shop.advance()
            assert set(types) <= set(shop.types)
            assert all(shop.types.count(type_) == 2 * types.count(type_) for type_ in types)
    shop.control("DELETE", f"/scenarios/{rule['rule_id']}")
    shop.control("PATCH", "", {"settings": {"default_outcomes": {"ipn": "none"}}})
    for kind in (customer, payment_given_up, payment, refund):
        with subtests.test("default", kind=kind.__name__):
            shop.sender.sent.clear()
            kind(shop, None)
            shop.advance(100)
            assert shop.types == []


def test_a_rule_about_something_else_does_nothing_to_a_message(shop):
    shop.control("POST", "/scenarios", {"stage": "redirect", "outcome": "delayed", "times": None})
    customer(shop, None)
    shop.advance()
    assert len(shop.types) == 3
    odd = {"stage": "ipn", "outcome": "none", "match": {"notification_type": "object", "amount": "1.00"}}
    answer = shop.http.post(f"/_mockpay/v1/sellers/{shop.seller_id}/scenarios", json=odd)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "scenario.match")


def test_a_rule_for_one_time_waits_for_what_it_is_about(shop):
    shop.control("POST", "/scenarios", {"stage": "ipn", "outcome": "none", "match": {"notification_type": "object"}})
    shop.control("POST", "/scenarios", {"stage": "ipn", "outcome": "none", "match": {"notification_type": "payment"}})
    shop.pay()
    shop.advance()
    assert shop.types == ["payment_intent.created"]
    shop.post("customers")
    shop.post("customers")
    shop.advance()
    assert shop.types == ["payment_intent.created", "customer.created"]
    # One for half of all: the dice follow the seed, and fall both ways.
    shop.control(
        "POST",
        "/scenarios",
        {"stage": "ipn", "outcome": "none", "match": {"notification_type": "object"}, "probability": 0.5, "times": 40},
    )
    for _ in range(40):
        shop.post("customers")
    shop.advance()
    assert 5 < shop.types.count("customer.created") - 1 < 35


def test_what_can_never_come_of_a_call_is_refused(shop, subtests):
    intent = shop.pay()["id"]
    wrong = {
        "customers": ("issuer=insufficient", {}),
        "setup_intents": ("refund=completed", {}),
        "refunds": ("issuer=insufficient", {"payment_intent": intent}),
        "payment_intents": ("verify=stale", {"amount": 100, "currency": "inr"}),
    }
    for path, (outcome, params) in wrong.items():
        with subtests.test(path):
            answer = shop.call("POST", path, params, outcome)
            error = answer.get_json()["error"]
            assert (answer.status_code, error["type"]) == (400, "invalid_request_error")
            assert f"'{outcome}' cannot be" in error["message"]
    for outcome in ("amount_changed", "bad_signature"):
        answer = shop.call("POST", "payment_intents", {"amount": 100, "currency": "inr"}, f"redirect={outcome}")
        assert (answer.status_code, outcome in answer.get_json()["error"]["message"]) == (400, True)


def test_each_try_is_signed_at_the_real_time_whatever_the_sellers_clock_says(shop):
    """Trap 12 (stripe-node#407, woocommerce-gateway-stripe#952): the signature's time of retries and of a moved clock."""
    shop.control("PUT", "/clock", {"mode": "frozen", "now": "2031-01-01T00:00:00Z"})
    shop.sender.answers = [500, 500]
    shop.post("customers")
    shop.advance()
    for pause in (1, 5):
        shop.clock.move(7_200 * SECOND)
        shop.advance(pause)
    assert shop.types == ["customer.created"] * 3
    assert set(shop.fits()) == {True}
    assert len({call.body for call in shop.sender.sent}) == 1
    assert shop.times() == [-14_400, -7_200, 0]
    assert json.loads(shop.sender.sent[0].body)["created"] == 1_924_992_000


def test_a_refund_is_told_with_its_own_id_and_with_its_payments(shop, subtests):
    """Trap 9 (hyperswitch#5298): refund's and payment's id mixed up in a refund's webhook."""
    intent = shop.pay()
    shop.pay()
    refund = shop.post("refunds", payment_intent=intent["id"], amount=100)
    late = shop.post("refunds", "refund=delay:60", payment_intent=intent["id"], amount=100)
    failed = shop.post("refunds", "refund=REJECTED", payment_intent=intent["id"], amount=100)
    shop.advance(100)
    told = [json.loads(call.body) for call in shop.sender.sent if b"refund" in call.body]
    about_refunds = [event["data"]["object"] for event in told if event["type"].startswith("refund.")]
    assert {event["type"] for event in told} >= {"refund.created", "refund.updated", "refund.failed"}
    for body in about_refunds:
        with subtests.test(body["id"]):
            assert (body["object"], body["payment_intent"], body["charge"]) == (
                "refund",
                intent["id"],
                intent["latest_charge"],
            )
    assert {body["id"] for body in about_refunds} == {refund["id"], late["id"], failed["id"]}
    charges = [event["data"]["object"] for event in told if event["type"] == "charge.refunded"]
    assert {(body["id"], body["payment_intent"]) for body in charges} == {(intent["latest_charge"], intent["id"])}


def test_events_and_idempotent_requests_are_kept_to_their_newest_50000(shop, app_and_world):
    fixed = {"seller_id": shop.seller_id, "provider": "stripe", "state": "", "facts": "{}"}
    fixed |= {"created_at": 0, "updated_at": 0}
    kinds = ("event", "request")
    old = [{**fixed, "kind": kind, "object_id": f"{kind} {n}"} for kind in kinds for n in range(50_000)]
    with transaction(runtime_of(app_and_world[0]), shop.seller_id) as sandbox:
        sandbox.connection.execute(insert(objects), old)
    for number in range(500):
        key = {"Authorization": f"Bearer {shop.key}", "Idempotency-Key": f"k-{number}", "Mockpay-Outcome": "ipn=none"}
        assert shop.http.post(f"{MOUNT}/customers", headers=key).status_code == 200
    with transaction(runtime_of(app_and_world[0]), shop.seller_id) as sandbox:
        query = select(objects.c.kind, func.count()).where(objects.c.seller_id == shop.seller_id)
        stored = dict(sandbox.connection.execute(query.group_by(objects.c.kind)).all())
    assert all(50_000 <= stored[kind] < 50_500 for kind in kinds)
    assert stored["customer"] == 500

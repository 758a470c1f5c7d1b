"""Whatever payment is sent to whichever gateway, nothing secret of it is stored, logged or shown."""

import base64
import logging

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mockpay.domain.payments.faults import OF_WEBHOOKS, Fault
from mockpay.domain.payments.gateways import Operation
from mockpay.services.gateways import accounts, faults, routing
from mockpay.store import gateway_accounts, gateway_calls
from tests.factories import GUEST_AT_PAGE, World, on_sqlite
from tests.journeys.leaks import CVVS, PUBLISHED, cvv_for, numbers_in, values_in
from tests.services.gateways.stubs import rules, send_all, set_rules
from tests.services.test_leaks import TYPED, as_text, cells, codes, spelt
from tests.web.visitor import Visitor, text

#: A code that is agreed to be right, and one that is wrong and like nothing else.
CODES = ("123456", TYPED)
#: Like no other word of a page or a log.
NAMES = ("Zubeida Qureshi", "Ptolemy Featherstonehaugh")
NOT_SENT_BY_US = frozenset(OF_WEBHOOKS)
payments = st.fixed_dictionaries(
    {
        "number": st.sampled_from(PUBLISHED),
        "name": st.sampled_from(NAMES),
        "otp": st.sampled_from(CODES),
        "amount": st.sampled_from(["499.00", "1701.05", "1701.07", "1701.10", "1701.13", "1700.51", "4999.99"]),
        "capture": st.sampled_from(["auto", "manual"]),
        "fault": st.sampled_from([None, *sorted(set(Fault) - NOT_SENT_BY_US)]),
        "operation": st.sampled_from([None, *Operation]),
        "own": st.booleans(),
    }
)


def secrets_of(world, gateway, own):
    """The gateway's credentials that are secret, the seller's key, and how they look in a header."""
    with world.transaction() as sandbox:
        account = gateway_accounts.find(sandbox, gateway)
        issued = accounts.credentials_of(sandbox, account)
        if own:
            credentials = {name: f"{name}0typed1by2somebody3" for name in issued}
            account = accounts.change(sandbox, account, credentials=credentials)
        values = {**issued, **{f"own {n}": v for n, v in accounts.credentials_of(sandbox, account).items()}}
        secret = [value for name, value in values.items() if "secret" in name or "salt" in name]
        pairs = [f"{a}:{b}" for a in values.values() for b in (*values.values(), "")]
        return [sandbox.seller.secret_key, *secret, *(base64.b64encode(pair.encode()).decode() for pair in pairs)]


def play(world, gateway, payment):
    """Pay, capture, refund; whatever becomes of it."""
    set_rules(world, rules(gateway, "simulator"))
    if payment["fault"] is not None:
        with world.transaction() as sandbox:
            faults.add(sandbox, gateway, payment["fault"], operation=payment["operation"], times=2)
    order = world.order(amount=payment["amount"])
    card = world.card(payment["number"], cvv=cvv_for(payment["number"]), name=payment["name"])
    attempt = world.pay_with(order, card, GUEST_AT_PAGE, payment["otp"])
    send_all(world, 120)
    world.advance(90)
    send_all(world, 120)
    order, attempt = world.get_order(order), world.get_attempt(attempt.attempt_id)
    if attempt.state == "AUTHORIZED":
        order = world.capture(order)
        send_all(world, 120)
    if world.get_attempt(attempt.attempt_id).state == "CAPTURED":
        world.refund(order, "1.00")
        world.advance(90)
        send_all(world, 120)
    return order


def shown(world, order):
    """Every page and answer that tells of calls."""
    visitor = Visitor(world.runtime, world.seller_id)
    addresses = ["/gateway-calls", "/gateway-calls/export", "/gateway-health"]
    addresses += ["/gateway-faults", "/journal"]
    with world.read() as sandbox:
        numbers = [number for number in range(1, 99) if gateway_calls.by_number(sandbox, number) is not None]
    addresses += [f"/gateway-calls/{number}" for number in numbers]
    # The order's page prints a command that pays again, by the published card that ends alike.
    panels = visitor.see_order(order).xpath("//section[starts-with(@aria-labelledby, 'gateways-')]")
    assert panels
    answers = [*map(text, panels), *(visitor.client.get(visitor.home + address).text for address in addresses)]
    return "\n".join(answers)


@on_sqlite
@settings(
    max_examples=12,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(payment=payments, place=st.integers(0, 9))
def test_nothing_secret_stays_wherever_a_payment_goes(runtime, caplog, payment, place):
    caplog.set_level(logging.DEBUG)
    caplog.clear()
    names = [name for name in routing.gateway_names(runtime) if runtime.adapter(name) is not None]
    gateway = names[place % len(names)]
    world = World.new(runtime, capture=payment["capture"])
    secrets = secrets_of(world, gateway, payment["own"])
    order = play(world, gateway, payment)
    stored = list(cells(world))
    texts: dict[str, str] = {}
    for where, value in stored:
        texts[where] = f"{texts.get(where, '')}\n{as_text(value)}"
    pages = shown(world, order)
    everywhere = {**texts, "page": pages, "log": caplog.text}

    # Cell by cell: the last four digits of several cards, one below the other, would look like one card's.
    every = [*((where, as_text(value)) for where, value in stored), ("page", pages), ("log", caplog.text)]
    assert {where for where, each in every if numbers_in(each)} == set()
    # The last four digits may be kept, and may look like a CVV.
    others = [(where, value) for where, value in stored if not where.endswith(".last4")]
    assert {where for where, value in others if values_in(value) & CVVS} == set()
    unkept = {where: each for where, each in everywhere.items() if not where.startswith("inbox.")}
    typed = [*codes(world), TYPED]
    assert {(where, code) for where, each in unkept.items() for code in typed if spelt(code, each)} == set()
    assert {(where, secret) for where, each in everywhere.items() for secret in secrets if secret in each} == set()
    told = "".join(
        each for where, each in everywhere.items() if where.startswith("gateway_") or where in {"page", "log"}
    )
    for word in (payment["name"], "Basic ", "Bearer "):
        assert word not in told, word

"""What a Prometheus reads: counts over all sellers in its text format, under the control API's rules."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mockpay.app import create_dashboard
from mockpay.domain.payments.breaker import Force
from mockpay.domain.payments.faults import Fault
from mockpay.services.gateways import faults
from mockpay.store import gateway_breakers
from tests.control.worlds import Api, make_app
from tests.factories import IPN_URL, World
from tests.services.gateways.stubs import OP, VISA, pay, rules, set_rules

PATH = "/_mockpay/metrics"


def scrape(runtime):
    answer = create_dashboard(runtime).test_client().get(PATH)
    assert answer.status_code == 200
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    samples = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            samples[sample.name, *(sample.labels[name] for name in sorted(sample.labels))] = sample.value
    return samples, answer.text


@pytest.fixture
def routed(runtime):
    world = World.new(runtime, ipn_url=IPN_URL)
    set_rules(world, rules("razorpay", "simulator"))
    return world


def test_payments_calls_breakers_outbox_and_notifications_are_counted(runtime, routed):
    empty, _ = scrape(runtime)
    assert set(empty.values()) == set()
    other = World.new(runtime)
    set_rules(other, rules("razorpay"))
    with routed.transaction() as sandbox:
        faults.add(sandbox, "razorpay", Fault.LATENCY, operation=OP.CHARGE, times=1, latency_ms=3_000)
        faults.add(sandbox, "razorpay", Fault.REFUSE, operation=OP.CHARGE, times=1)
    pay(routed, routed.order("O-1"))
    pay(routed, routed.order("O-2"))
    pay(other)
    routed.order("O-3")
    routed.advance(60)
    samples, _ = scrape(runtime)
    assert samples["mockpay_payments", "amazonpay", "PAID"] == 3
    assert samples["mockpay_payments", "amazonpay", "CREATED"] == 1
    assert samples["mockpay_gateway_calls", "razorpay", "CHARGE", "approved"] == 3
    assert samples["mockpay_gateway_calls", "razorpay", "CHARGE", "not_sent"] == 1
    assert samples["mockpay_notifications", "DELIVERED"] == 2
    bucket = ("mockpay_gateway_latency_seconds_bucket", "razorpay")
    assert [samples[*bucket, bound, "CHARGE"] for bound in ("2.5", "5.0", "+Inf")] == [2, 3, 3]
    assert samples["mockpay_gateway_latency_seconds_count", "razorpay", "CHARGE"] == 3
    assert 3 <= samples["mockpay_gateway_latency_seconds_sum", "razorpay", "CHARGE"] < 4
    assert samples["mockpay_gateway_breakers", "razorpay", "card", "CLOSED"] == 1


def test_a_breaker_is_counted_by_its_own_sellers_clock_and_force(runtime, routed):
    with routed.transaction() as sandbox:
        faults.add(sandbox, "razorpay", Fault.REFUSE, operation=OP.CHARGE)
    for number in (1, 2):
        pay(routed, routed.order(f"O-{number}"))
    breaker = ("mockpay_gateway_breakers", "razorpay", "card")
    assert scrape(runtime)[0][*breaker, "OPEN"] == 1
    routed.advance(30)
    assert scrape(runtime)[0][*breaker, "HALF_OPEN"] == 1
    with routed.transaction() as sandbox:
        gateway_breakers.save_force(sandbox, "razorpay", Force.CLOSED)
    assert scrape(runtime)[0][*breaker, "FORCED_CLOSED"] == 1


def test_what_waits_is_counted_by_kind(runtime, routed):
    order = routed.order()
    with routed.transaction() as sandbox:
        faults.add(sandbox, "razorpay", Fault.REFUSE, operation=OP.CHARGE)
    routed.pay_with(order, routed.card(VISA))
    assert scrape(runtime)[0]["mockpay_outbox_depth", "gateway.call"] == 1


def test_nothing_names_a_seller_or_a_card(runtime, routed):
    attempt = pay(routed)
    _, text = scrape(runtime)
    with routed.read() as sandbox:
        seller = sandbox.seller
    for secret in (seller.seller_id, seller.access_key, seller.secret_key, VISA, attempt.attempt_id):
        assert secret not in text


def test_token_and_host_are_asked_for_as_the_control_api_does(tmp_path):
    api = Api(make_app(tmp_path, admin_token="a-token-of-a-test"))
    assert api.client.get(PATH).status_code == 401
    assert api.client.get(PATH).json["code"] == "token.required"
    known = {"Authorization": "Bearer a-token-of-a-test"}
    assert api.client.get(PATH, headers=known).status_code == 200
    foreign = api.client.get(PATH, headers={**known, "Host": "shop.example"})
    assert (foreign.status_code, foreign.json["code"]) == (403, "host.foreign")
    assert api.client.get(PATH, headers={**known, "Origin": "http://shop.example"}).status_code == 403
    assert api.client.post(PATH, headers=known).status_code == 405
    api.runtime.engine.dispose()
    api.runtime.writer.dispose()

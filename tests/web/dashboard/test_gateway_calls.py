"""The log page: calls by filters, tries of one operation together, one call in full, and a file of all."""

import json
import subprocess

from mockpay.domain.payments.faults import Fault
from mockpay.domain.payments.gateways import Operation
from mockpay.services.gateways import faults
from mockpay.web.dashboard.gateway_curl import curl
from tests.factories import World, on_sqlite
from tests.services.gateways.stubs import VISA, log, pay, rules, set_rules
from tests.web.visitor import Visitor, text

LIST = "/gateway-calls"


def routed(runtime, *names):
    world = World.new(runtime)
    set_rules(world, rules("razorpay", "simulator"))
    for fault in names:
        with world.transaction() as sandbox:
            faults.add(sandbox, "razorpay", Fault(fault), operation=Operation.CHARGE, times=1)
    with world.transaction() as sandbox:
        # The log then has calls alone, none of the gateway's own messages.
        faults.add(sandbox, "razorpay", Fault.WEBHOOK_DROP)
    attempt = pay(world)
    return world, Visitor(world.runtime, world.seller_id), attempt


def rows(page):
    return [text(row.xpath("./td[@class='c-what']")[0]) for row in page.xpath("//tbody/tr")]


@on_sqlite
def test_tries_of_one_operation_stand_together_and_each_leads_to_its_page(runtime):
    _, visitor, attempt = routed(runtime, "refuse", "http_429")
    page = visitor.see(LIST)
    charge = next(row for row in rows(page) if "charge" in row)
    assert charge.startswith("razorpay: charge, try 3")
    assert [word in charge for word in ("Try 2: refused, too many requests", "Try 1: not sent, no connection")] == [
        True,
        True,
    ]
    assert "Try 3" not in charge
    assert len(rows(page)) == 2
    [second] = page.xpath("//a[normalize-space()='Try 2']/@href")
    detail = visitor.see(second)
    assert text(detail.xpath("//h1")[0]) == "Razorpay: charge, refused"
    tries = [text(line) for line in detail.xpath("//section[@aria-labelledby='tries']//li/span/b")]
    assert tries == ["Try 1", "Try 2, this one", "Try 3"]
    assert attempt.attempt_id in text(detail)


@on_sqlite
def test_a_call_has_request_and_answer_side_by_side_and_a_curl_line_without_secrets(runtime):
    world, visitor, attempt = routed(runtime)
    call = next(call for call in log(world, attempt) if call.operation is Operation.CHARGE)
    page = visitor.see(f"{LIST}/{call.number}")
    request, answer, line = (
        text(page.xpath(f"//section[@aria-labelledby='{name}']")[0]) for name in ("request", "answer", "curl-head")
    )
    assert "POST http://razorpay.invalid/v1/payments/create/json Authorization: [hidden]" in request
    assert '"amount": 49900' in request
    assert "HTTP 200 Content-Type: application/json" in answer
    assert '"razorpay_payment_id": "pay_' in answer
    assert "-H 'Authorization: '\"$AUTHORIZATION\"" in line
    assert '"number": "\'"$CARD_NUMBER"\'"' in line
    assert VISA not in text(page)


@on_sqlite
def test_what_a_company_signs_is_shown_without_its_secret(runtime):
    world, visitor, attempt = routed(runtime)
    charge = next(call for call in log(world, attempt) if call.operation is Operation.CHARGE)
    assert signed(visitor, charge) == {
        "String to sign of the answer": f"{attempt.external_ids['order']}|{attempt.external_ids['payment']}"
    }
    set_rules(world, rules("payu"))
    order = world.order("O-2")
    paid = pay(world, order)
    charge = next(call for call in log(world, paid) if call.operation is Operation.CHARGE)
    hidden = "[hidden]|[hidden]"
    result = f"<SALT>|success|||||||||||{hidden}|Order|499.00|{paid.attempt_id}|[hidden]"
    assert signed(visitor, charge) == {
        "String to sign": f"[hidden]|{paid.attempt_id}|499.00|Order|{hidden}|||||||||||<SALT>",
        "String to sign of the answer": result,
    }
    webhook = next(call for call in log(world, paid) if call.direction == "in")
    assert signed(visitor, webhook) == {"String to sign": result}
    world.refund(world.get_order(order), "1.00")
    world.advance(30)
    refund = next(call for call in log(world, paid) if call.operation is Operation.REFUND)
    assert signed(visitor, refund) == {
        "String to sign": f"[hidden]|cancel_refund_transaction|{paid.external_ids['payment']}|<SALT>"
    }


@on_sqlite
def test_what_the_signature_of_a_message_covers_is_described(runtime, subtests):
    for gateway, text_ in {"razorpay": "<RAW BODY>", "stripe": "1795262400.<RAW BODY>"}.items():
        with subtests.test(gateway=gateway):
            world = World.new(runtime)
            set_rules(world, rules(gateway))
            attempt = pay(world)
            visitor = Visitor(world.runtime, world.seller_id)
            calls = log(world, attempt)
            webhook = next(call for call in calls if call.direction == "in")
            assert signed(visitor, webhook) == {"String to sign": text_}
            prepared = next(call for call in calls if call.operation is Operation.PREPARE)
            assert signed(visitor, prepared) == {}


def signed(visitor, call):
    """Each text that a signature of a call covers, by its title."""
    page = visitor.see(f"{LIST}/{call.number}")
    panels = page.xpath("//section[starts-with(@aria-labelledby, 'signed-')]")
    return {text(panel.xpath(".//h2")[0]): text(panel.xpath(".//pre")[0]) for panel in panels}


@on_sqlite
def test_the_form_filters_and_says_what_is_wrong_with_it(runtime, subtests):
    world, visitor, attempt = routed(runtime, "timeout_after")
    _, number = attempt.attempt_id, len(log(world, attempt))
    assert number == 3
    for query, count in {
        "gateway=razorpay": 3,
        "operation=lookup": 1,
        "outcome=no_answer": 1,
        "error_class=timeout": 1,
        "direction=in": 0,
        "status=200": 2,
        "latency=0": 2,
        f"attempt_id={attempt.attempt_id}": 3,
        "order_id=none": 0,
        "since=2026-11-21T17:30": 3,
        "since=2026-11-21T17:30:01": 0,
        "until=2026-11-21T17:30:00": 0,
    }.items():
        with subtests.test(query=query):
            assert len(rows(visitor.see(f"{LIST}?{query}"))) == count
    for field, typed, words in (
        ("status", "x", "An HTTP status, or several: 500,503."),
        ("latency", "soon", "A whole number of milliseconds."),
        ("since", "yesterday", "The time must look like"),
        ("until", "2026-13-01T00:00", "The time must look like"),
    ):
        with subtests.test(field=field):
            page = visitor.see(f"{LIST}?{field}={typed}", status=422)
            assert words in text(page.xpath(f"//p[@id='f-{field}-error']")[0])
            assert rows(page) == []
    visitor.see(f"{LIST}?gateway=nobody", status=422)
    visitor.see(f"{LIST}/999", status=404)


@on_sqlite
def test_the_file_has_what_the_page_is_filtered_by(runtime):
    world, visitor, attempt = routed(runtime, "timeout_after")
    page = visitor.see(f"{LIST}?operation=CHARGE&since=2026-11-21T17:30")
    [url] = page.xpath("//a[@data-testid='export-calls']/@href")
    answer = visitor.client.get(url)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="gateway-calls.jsonl"'
    [line] = [json.loads(line) for line in answer.text.splitlines()]
    assert (line["operation"], line["attempt_id"]) == ("CHARGE", attempt.attempt_id)
    whole = visitor.client.get(f"{visitor.home}{LIST}/export")
    assert len(whole.text.splitlines()) == len(log(world, attempt))


@on_sqlite
def test_the_list_has_news_when_a_call_comes_and_when_it_ends(runtime):
    world, visitor, _ = routed(runtime)
    page = visitor.see(LIST)
    version = page.xpath("//body/@data-version")[0]
    assert visitor.news(page)["version"] == version
    with world.transaction() as sandbox:
        sandbox.connection.exec_driver_sql("UPDATE gateway_calls SET outcome = NULL WHERE operation = 'CHARGE'")
    assert visitor.news(page)["version"] != version


def test_a_curl_line_sends_what_was_sent(subtests):
    """As a shell reads it: arguments by printf, with variables for what was hidden."""
    form = {"Content-Type": "application/x-www-form-urlencoded", "X-Key": "[hidden]"}
    cases = [
        (
            {"method": "POST", "url": "http://x/a", "request_headers": form, "request": {"card": {"cvc": "[hidden]"}}},
            [
                *["-sX", "POST", "http://x/a", "-H", "Content-Type: application/x-www-form-urlencoded"],
                *["-H", "X-Key: k", "--data-urlencode", "card[cvc]=c"],
            ],
        ),
        (
            {"method": "GET", "url": "http://x/a?b", "request_headers": {}, "request": {"a": ["1", None]}},
            ["-sX", "GET", "http://x/a?b", "-G", "--data-urlencode", "a[0]=1", "--data-urlencode", "a[1]="],
        ),
        (
            {"method": "POST", "url": "http://x", "request_headers": {}, "request": {"a": "it's $HOME `id`", "b": 1}},
            ["-sX", "POST", "http://x", "-d", '{"a": "it\'s $HOME `id`", "b": 1}'],
        ),
        (
            {"method": "POST", "url": "http://x", "request_headers": {}, "request": {"list": [{"pin": "[hidden]"}]}},
            ["-sX", "POST", "http://x", "-d", '{"list": [{"pin": "p"}]}'],
        ),
        ({"method": "POST", "url": "http://x", "request_headers": {}, "request": None}, ["-sX", "POST", "http://x"]),
    ]
    for exchange, arguments in cases:
        with subtests.test(exchange=exchange):
            program = curl(exchange).replace("curl ", "printf '%s\\n' ", 1)
            variables = {"X_KEY": "k", "CARD_CVC": "c", "LIST_PIN": "p"}
            done = subprocess.run(["/bin/sh", "-c", program], env=variables, capture_output=True, text=True, check=True)
            assert done.stdout.splitlines() == arguments


@on_sqlite
def test_a_webhook_about_nothing_known_has_a_row_and_a_page(runtime):
    world, visitor, attempt = routed(runtime)
    call = log(world, attempt)[0]
    with world.transaction() as sandbox:
        sandbox.connection.exec_driver_sql(
            f"UPDATE gateway_calls SET direction = 'in', attempt_id = '', order_id = '' WHERE id = {call.number}"
        )
    assert rows(visitor.see(f"{LIST}?direction=in")) == ["razorpay: webhook"]
    page = visitor.see(f"{LIST}/{call.number}")
    assert text(page.xpath("//h1")[0]) == "Razorpay: webhook, done"
    assert page.xpath("//pre[@id='curl']") == []
    assert "All calls of this payment" not in text(page)

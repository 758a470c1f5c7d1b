"""Accounts at gateways: sealed, replaced while payments are under way, called over HTTP."""

from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

from msgspec import structs
from msgspec.structs import replace
from sqlalchemy import select, update

from mockpay.domain.payments.gateway_accounts import Timeouts
from mockpay.kernel.http.calls import HttpCall, HttpReply
from mockpay.kernel.http.hosts import OutgoingHosts
from mockpay.kernel.http.sender import HttpSender
from mockpay.kernel.money import Money
from mockpay.services.gateways import accounts, routing
from mockpay.store import gateway_accounts
from mockpay.store.db.metadata import metadata
from tests.factories import World, on_sqlite
from tests.services.gateways.stubs import K, lines, log, pay, rules, send_all, set_rules

NAMES = ("key_id", "key_secret", "webhook_secret")


def credentials(number):
    return {name: f"{name}-number-{number}-of-razorpay" for name in NAMES}


def change(world, **changes):
    new = changes.pop("credentials", None)
    with world.transaction() as sandbox:
        account = structs.replace(gateway_accounts.find(sandbox, "razorpay"), **changes)
        return accounts.change(sandbox, account, credentials=new)


def routed(runtime, **settings):
    world = World.new(runtime, **settings)
    set_rules(world, rules("razorpay"))
    return world


def over_http(runtime, *fallbacks):
    world = World.new(replace(runtime, sender=HttpSender(OutgoingHosts())))
    set_rules(world, rules("razorpay", fallbacks=fallbacks))
    return world


@contextmanager
def served(world, answer=None):
    """Razorpay's acquirer behind a server of its own, or what answers instead; its base URL and the requests."""
    came = []
    acquirer = world.runtime.provider("razorpay").acquirer
    answer = answer or (lambda call: acquirer(world.runtime, world.seller_id, call))

    class Answering(BaseHTTPRequestHandler):
        def _answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            call = HttpCall(self.command, f"http://razorpay.invalid{self.path}", dict(self.headers), body)
            came.append(call)
            reply = answer(call)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_POST = _answer  # noqa: N815  # http.server's own names

        def log_message(self, *_):
            """Nothing is written to the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/base", came
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_credentials_are_nowhere_in_the_database_in_the_clear(runtime):
    world = routed(runtime)
    change(world, credentials=credentials(1))
    change(world, credentials=credentials(2))
    pay(world)
    with world.read() as sandbox:
        for table in metadata.sorted_tables:
            text = repr([tuple(row) for row in sandbox.connection.execute(select(table))])
            assert "of-razorpay" not in text, table.name


@on_sqlite
def test_credentials_are_replaced_while_eight_threads_pay_and_none_fails(runtime):
    world = routed(runtime, risk_rules={"VEL_CARD": "off"})
    orders = [[world.order(f"O-{thread}-{each}") for each in range(3)] for thread in range(8)]

    def buy(mine):
        for order in mine:
            pay(world, order)
            change(world, credentials=credentials(order.seller_order_id))

    threads = [Thread(target=buy, args=[mine]) for mine in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    send_all(world)
    assert {world.states(order) for mine in orders for order in mine} == {("PAID", "CAPTURED")}
    assert world.violations() == []


@on_sqlite
def test_credentials_that_a_gateway_does_not_know_send_the_payment_to_another_one(runtime):
    world = over_http(runtime, "simulator")
    refusal = b'{"error":{"code":"BAD_REQUEST_ERROR","description":"Authentication failed"}}'
    with served(world, lambda _call: HttpReply(401, {}, refusal)) as (url, _):
        change(world, endpoint=url)
        attempt = pay(world)
    called = [(line[1], line[3]) for line in lines(world, attempt) if line[0] == "razorpay"]
    assert called[-2:] == [("PREPARE", "rejected"), ("CHARGE", "rejected")]
    assert attempt.gateway == "simulator"


@on_sqlite
def test_a_gateway_is_called_at_its_endpoint(runtime):
    world = over_http(runtime)
    with served(world) as (url, came):
        change(world, endpoint=url)
        attempt = pay(world)
    assert attempt.state == "CAPTURED"
    assert len(came) == 2
    sent = [call for call in log(world, attempt) if call.direction == "out"]
    assert {call.exchange["url"].partition("/v1")[0] for call in sent} == {url}


@on_sqlite
def test_an_endpoint_at_which_nobody_listens_was_not_sent_anything(runtime):
    world = over_http(runtime, "simulator")
    with served(world) as (url, _):
        pass
    change(world, endpoint=url)
    attempt = pay(world)
    send_all(world)
    attempt = world.get_attempt(attempt.attempt_id)
    assert (attempt.gateway, attempt.state) == ("simulator", "CAPTURED")
    assert {line[3] for line in lines(world, attempt) if line[0] == "razorpay"} == {str(K.NOT_SENT)}


@on_sqlite
def test_an_endpoint_that_says_nothing_is_given_up_after_its_own_time(runtime):
    world = over_http(runtime)
    silent = Event()

    def say_nothing(_call):
        silent.wait(30)
        return HttpReply(200, {}, b"{}")

    with served(world, say_nothing) as (url, _):
        change(world, endpoint=url, timeouts=Timeouts(connect=0.2, read=0.1, total=5.0))
        attempt = pay(world)
        silent.set()
    first = log(world, attempt)[-1]
    assert first.raw_code == "http.timeout"
    assert first.outcome in {K.NO_ANSWER, K.NOT_SENT}


def test_routing_unseals_no_credentials(runtime):
    world = routed(runtime)
    other = routed(runtime)
    change(other, enabled=False)
    change(world, credentials=credentials(1))
    table = gateway_accounts.accounts
    with world.transaction() as sandbox:
        sandbox.connection.execute(update(table).values(credentials_sealed=b"cannot be opened"))
        facts = routing.facts_of(sandbox, "a-1", "card", Money(100_00), {})
        assert routing.decide(sandbox, facts).sequence[0] == "razorpay"
        sandbox.connection.execute(update(table).where(table.c.seller_id == world.seller_id).values(enabled=False))
        assert routing.decide(sandbox, facts).sequence[0] == "simulator"


@on_sqlite
def test_a_gateway_with_a_wire_format_has_an_adapter_and_no_other_name_has_one(runtime):
    assert runtime.adapter("payu").name == "payu"
    assert [runtime.adapter(name) for name in ("simulator", "amazonpay", "nobody", "")] == [None] * 4

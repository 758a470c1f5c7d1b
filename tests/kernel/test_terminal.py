"""Lines of calls and deliveries, and what they never show."""

import io
from threading import Event

from mockpay.kernel.terminal import Terminal, current_call, masked, open_fields


def written(act, *, verbose=False):
    """What a terminal shows of what `act` does with it, without the times."""
    stream = io.StringIO()
    terminal = Terminal(stream, verbose=verbose)
    act(terminal)
    terminal.stop()
    return "".join(line[9:] if line[2:3] == ":" else line for line in stream.getvalue().splitlines(keepends=True))


def call(path, method="GET", **known):
    def act(terminal):
        begun = terminal.begin_call()
        assert current_call() is begun
        for name, value in known.items():
            setattr(begun, name, value)
        terminal.end_call(begun, method, path, "200", 0.0123)
        assert current_call() is None

    return act


def test_a_call_is_told_by_its_operation_or_path_with_its_order_and_seller():
    known = {"operation": "RefundPayment", "orders": "S04-1", "seller_id": "A1X"}
    assert (
        written(call("/OffAmazonPayments/2013-01-01", "POST", **known)) == "POST RefundPayment 200  12 ms  S04-1  A1X\n"
    )
    assert written(call("/shop/orders/NCW-1")) == "GET /shop/orders/NCW-1 200  12 ms\n"
    path = "/_mockpay/v1/sellers/A1X/orders/S04-2/pay"
    assert written(call(path, "POST", seller_id="A1X")) == f"POST {path} 200  12 ms  S04-2  A1X\n"


def test_a_path_shows_no_token_no_card_number_and_nothing_that_moves_a_terminal():
    token = "aBcDeFgHiJkLmNoPqRsT-_"
    assert "/pay/.../upi " in written(call(f"/pay/{token}/upi"))
    assert "/methods/.../suspend " in written(call("/x/methods/tok_abc/suspend", "POST"))
    assert written(call("/\x1b[2J4111111111111111")).startswith("GET /?[2J... 200")


def test_what_is_looked_at_again_and_again_has_no_line():
    for path in (
        "/static/a.css",
        "/_mockpay/health",
        "/pay/x/status",
        "/shop/orders/1/status",
        "/_mockpay/ui",
        "/_mockpay/ui/a",
    ):
        assert written(call(path)) == ""
        assert written(call(path, "POST")) != ""
    for path in ("/shop", "/_mockpay/uis", "/pay/x/result"):
        assert written(call(path)) != ""


def test_a_delivery_is_told_with_what_answered_and_bodies_only_where_asked():
    def deliver(terminal):
        url, body = "http://127.0.0.1:3000/ipn?key=1", '{"a": 1, "Signature": "xyz"}'
        terminal.add_delivery("refund", url, "503", 7, "S04-1", "A1X", body, "down")

    line = "SENT refund to 127.0.0.1:3000 503  7 ms  S04-1  A1X\n"
    assert written(deliver) == line
    assert written(deliver, verbose=True) == f'{line}    {{"a": 1, "Signature": "..."}}\n    down\n'


def test_a_body_is_masked_in_json_in_json_in_json_in_forms_and_in_xml():
    for body, shown in (
        ('{"secret_key": "s3cr3t", "a": 1}', '{"secret_key": "...", "a": 1}'),
        ('{"Message": "{\\"Token\\": \\"s3cr3t\\"}"}', '{"Message": "{\\"Token\\": \\"...\\"}"}'),
        ("AWSAccessKeyId=s3cr3t&Signature=s3cr3t%3D&Amount=1.00", "AWSAccessKeyId=...&Signature=...&Amount=1.00"),
        ("<otp>123456</otp><cvv>123</cvv>", "<otp>...</otp><cvv>...</cvv>"),
        ("pin: 1234, vpa: a@b", "pin: ..., vpa: a@b"),
        ("paid by 4111111111111111", "paid by ..."),
        ("order S04-1234567-1234567", "order S04-1234567-1234567"),
        ("two\n  lines", "two lines"),
        ("x" * 3_000, "x" * 2_000 + " ..."),
    ):
        assert masked(body) == shown


def test_fields_of_the_control_api_are_shown_by_a_list():
    body = {
        "stage": "issuer",
        "match": {"method": "upi", "vpa": "a@b"},
        "otp": "123456",
        "items": [{"number": "4111"}] * 5,
    }
    assert open_fields(body) == {
        "stage": "issuer",
        "match": {"method": "upi", "vpa": "..."},
        "otp": "...",
        "items": [*[{"number": "..."}] * 3, "..."],
    }


def test_a_terminal_that_takes_nothing_holds_nobody_up():
    release = Event()

    class Stuck(io.StringIO):
        def write(self, text):
            release.wait()
            return super().write(text)

    terminal = Terminal(Stuck())
    for _ in range(20_000):
        terminal.add_delivery("refund", "http://a", "200", 1, "", "A1X")
    terminal.stop()
    release.set()

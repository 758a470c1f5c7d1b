"""Why? One order."""

import json
import shlex

import pytest

from mockpay.domain.methods.netbanking import NetBanking
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.methods.upi import Upi
from mockpay.domain.methods.wallet import Wallet
from mockpay.kernel.money import Money
from mockpay.testing import LiveServer
from tests.web.visitor import text

MARKS = {
    "encoding": "node",
    "iv_bytes": 12,
    "node_marks": True,
    "plaintext_bytes": 412,
    "double_utf8": True,
    "signature": "9fQx1kVb3mZ0pLq8sT2uWwXyYzAaBbCcDdEeFfGgZg==",
    "signature_matches": True,
    "string_to_sign": "POST\namazonpay.amazon.in\n/\norderTotalAmount=499.00",
    "start_time_age_seconds": 0.1,
}


def test_the_title_of_an_order_is_the_answer(visitor, world):
    order = world.order()
    world.pay(order, "insufficient@mockpay")
    page = visitor.see_order(order)
    answer = "The buyer’s bank declined the payment: not enough funds"
    assert text(page.xpath("//h1")[0]) == answer
    assert page.xpath("//title")[0].text.startswith(answer)
    assert page.xpath("//h1/following-sibling::p")[0].text == (
        "Nothing is wrong in your integration. The UPI ID insufficient@mockpay asked for this answer. The buyer may try again."
    )


@pytest.mark.parametrize(
    ("vpa", "amount", "step", "says"),
    [
        ("failure@mockpay", "499.00", "3. Instrument", "failure@mockpay: failure"),
        ("asha@okhdfc", "1700.51", "4. Amount band", "1700.51: iso:51"),
        ("asha@okhdfc", "499.00", "6. Success", "everything normal"),
    ],
)
def test_the_deciding_step_of_the_trace_is_marked(visitor, world, vpa, amount, step, says):
    order = world.order(amount=amount)
    world.pay(order, vpa)
    world.advance(20)
    page = visitor.see_order(order)
    current = page.xpath("//ol[@class='trace']/li[@aria-current='step']")
    assert [text(one) for one in current] == [f"{step}{says}"]
    steps = [text(one) for one in page.xpath("//ol[@class='trace']/li")]
    assert [one.endswith("not asked") for one in steps] == [number > int(step[0]) for number in range(1, 7)]


def test_a_rule_that_decided_leaves_the_lower_steps_unasked(visitor, world):
    world.add_rule("Z9")
    order = world.order()
    last = world.pay(order, "failure@mockpay")
    steps = [text(one) for one in visitor.see_order(order).xpath("//ol[@class='trace']/li")]
    assert steps[0] == f"1. One-shot rule{last.plan.scenario}: Z9"
    assert [one.endswith("not asked") for one in steps] == [False] + [True] * 5


def test_payload_and_signature_steps_are_shown(visitor, world):
    fields = {"sellerOrderId": "O-1", "orderTotalAmount": "499.00", "startTime": "1795262400"}
    order = world.order(fields=fields, marks=MARKS)
    page = visitor.see_order(order)
    shown = {text(dt): text(dt.getnext()) for dt in page.xpath("//dl[@class='payload']/dt")}
    assert shown == fields | {"startTime": "1795262400 # 0.1 s ago, limit 900 s"}
    steps = [text(one) for one in page.xpath("//ul[contains(@class, 'checks')]/li")]
    assert "Payload openedAES-GCM, 12-byte IV" in steps
    assert "Text readUTF-8, encoded twice, Node or Java client" in steps
    assert "Received equals expected9fQx1k…Zg==" in steps
    assert page.xpath("//pre[@id='string-to-sign']")[0].text == MARKS["string_to_sign"]


@pytest.mark.parametrize(
    ("age", "says"),
    [
        (0.14, "0.1 s ago, limit 900 s"),
        (-3, "3.0 s ahead, limit 900 s"),
        (86_400, "1 d ago by this clock, fresh by the real one"),
    ],
)
def test_how_fresh_a_request_was_is_told_by_both_clocks(visitor, world, age, says):
    order = world.order(marks=MARKS | {"start_time_age_seconds": age})
    steps = visitor.see_order(order).xpath("//ul[contains(@class, 'checks')]/li")
    assert text(steps[-1]) == f"Fresh enough{says}"


def test_an_order_without_kept_marks_still_has_its_page(visitor, world):
    page = visitor.see_order(world.order())
    assert not page.xpath("//ul[contains(@class, 'checks')]")


def test_every_try_of_an_order_is_listed(visitor, world):
    order = world.order()
    world.pay(order, "failure@mockpay")
    world.pay(order, "success@mockpay")
    tries = visitor.see_order(order).xpath("//section[@aria-labelledby='tries']//li//b")
    assert [text(one) for one in tries] == ["1. failure@mockpay", "2. success@mockpay"]


def test_the_curl_line_makes_the_next_payment_end_the_same_way(visitor, world):
    order = world.order(amount="1700.51")
    world.pay(order, "asha@okhdfc")
    curl = visitor.see_order(order).xpath("//pre[@id='reproduce-curl']")[0].text_content()
    # No curl older than 7.82 has --json.
    program, *words = shlex.split(curl, comments=True)
    assert (program, words[:3]) == ("curl", ["-s", "-H", "Content-Type: application/json"])
    body = json.loads(words[words.index("-d") + 1])
    assert body["times"] == 1
    assert f"/_mockpay/v1/sellers/{world.seller_id}/scenarios" in curl
    world.add_rule(body["outcome"], body["stage"], match=body["match"], times=body["times"])
    again = world.pay(world.order("O-2"), "asha@okhdfc")
    assert again.failure == world.attempts(order)[-1].failure


EMI = {"bank": "HDFC", "number": "5241810000000000", "cvv": "123", "name": "3DS N", "expiry": "08/29", "tenure": "6"}
#: Reason of a failure, amount, and what was paid with.
ENDS = (
    ("insufficient_funds", "499.00", lambda world: Upi("insufficient@mockpay")),
    ("authentication_failed", "1702.01", lambda world: world.card("4718609108204366")),
    ("otp_attempts_exceeded", "20000.00", lambda world: Wallet("rich@buyers.mockpay.test")),
    ("authentication_failed", "9000.00", lambda world: METHODS["emi"].read(EMI, world.now(), Money.parse("9000.00"))),
    ("payment_cancelled", "499.00", lambda world: NetBanking("MKC1")),
)


def test_the_pytest_lines_run_and_end_the_same_way(visitor, world, subtests):
    with LiveServer() as server:
        for number, (reason, amount, instrument) in enumerate(ENDS):
            with subtests.test(reason=reason, amount=amount):
                order = world.order(f"O-{number}", amount=amount)
                attempt = world.pay_with(order, instrument(world), otp="888888" if "otp" in reason else "123456")
                assert attempt.reason == reason
                code = visitor.see_order(order).xpath("//pre[@id='reproduce-pytest']")[0].text_content()
                names: dict[str, object] = {}
                exec(compile(code, "shown", "exec"), names)
                (test,) = (shown for name, shown in names.items() if name.startswith("test_a"))
                assert test.__name__.rpartition("_ends_in_")[2]
                assert test.__name__.startswith("test_an_emi" if attempt.method == "emi" else "test_a_")
                seller = server.new_seller()
                seller.freeze()
                test(seller)


def test_the_order_page_asks_only_about_its_own_order(visitor, world):
    order = world.order("O-1")
    page = visitor.see_order(order)
    before = visitor.news(page)
    world.order("O-2")
    assert visitor.news(page) == before
    world.cancel(order)
    after = visitor.news(page)
    assert after["version"] != before["version"]
    assert after["state"] == "CANCELLED"


def test_json_is_linked_where_a_browser_may_read_it(visitor, visitor_with_token, world):
    order = world.order()
    link = "//a[normalize-space()='Open as JSON']/@href"
    path = f"/_mockpay/v1/sellers/{world.seller_id}/orders/{order.order_id}"
    assert visitor.see_order(order).xpath(link) == [path]
    signed_in = visitor_with_token
    page = signed_in.see("/_mockpay/ui/sign-in")
    form = page.xpath("//form[.//input[@name='token']]")[0]
    fields = {one.get("name"): one.get("value") for one in form.xpath(".//input")}
    signed_in.client.post("/_mockpay/ui/sign-in", data={**fields, "token": "let me in"})
    assert signed_in.see_order(order).xpath(link) == []

"""The buyers' inbox."""

import pytest

from mockpay.domain.methods.netbanking import METHOD as NET_BANKING
from mockpay.otp import challenges
from mockpay.otp.rules import Channel, Purpose
from mockpay.store.inbox import FORGOTTEN, inbox
from tests.web.visitor import text


@pytest.fixture
def send(world):
    """Ask somebody for a code; the code."""

    def ask(to="+919800003210", channel=Channel.SMS):
        with world.transaction() as sandbox:
            challenges.start(sandbox, purpose=Purpose.SIGN_IN, subject=to, to=to, channel=channel)
        with world.read() as sandbox:
            query = inbox.select().order_by(inbox.c.id.desc())
            return sandbox.connection.execute(query).mappings().first()["otp"]

    return ask


def codes(page):
    return [text(one) for one in page.xpath("//*[@data-testid='inbox-otp']")]


def test_the_newest_message_comes_first_with_its_code(visitor, send):
    first, second = send(), send("asha@buyers.mockpay.test", Channel.EMAIL)
    page = visitor.see("/inbox")
    assert codes(page) == [second, first]
    heads = page.xpath("//*[@data-testid='inbox-message']//h2")
    assert [text(one) for one in heads] == ["E-mail to asha@buyers.mockpay.test", "SMS to +919800003210"]


def test_a_code_can_be_copied_by_its_button(visitor, send):
    send()
    page = visitor.see("/inbox")
    target = page.xpath("//*[@data-testid='inbox-otp']/@id")[0]
    assert page.xpath("//button/@data-copy") == [target]


def test_one_address_can_be_asked_for(visitor, send):
    mine, _ = send(), send("+919800000001")
    assert codes(visitor.see("/inbox?to=%2B919800003210")) == [mine]
    assert codes(visitor.see("/inbox?to=+919800003210")) == [mine]
    for typed in ("9800003210", "98000+03210", "%2B91+98000+03210", "91-98000-03210"):
        assert codes(visitor.see(f"/inbox?to={typed}")) == [mine], typed
    none = visitor.see("/inbox?to=nobody")
    assert text(none.xpath("//p[contains(@class, 'empty')]")[0]).startswith("Nothing was sent there")


def test_a_code_is_forgotten_after_an_hour_on_the_disk_too(visitor, world, send):
    code = send()
    world.advance(3_600)
    page = visitor.see("/inbox")
    assert codes(page) == []
    assert FORGOTTEN in text(page.xpath("//*[@data-testid='inbox-message']")[0])
    with world.read() as sandbox:
        rows = sandbox.connection.execute(inbox.select()).mappings().all()
    assert all(row["otp"] is None and code not in row["body"] for row in rows)


def test_the_inbox_hears_of_a_new_message(visitor, send):
    send()
    page = visitor.see("/inbox")
    before = visitor.news(page)
    assert before["version"] == page.xpath("//body/@data-version")[0]
    assert visitor.news(page) == before
    send("+919800000001")
    assert visitor.news(page)["version"] != before["version"]
    assert page.xpath("//a[@data-new][not(@hidden)]")


def test_a_message_names_its_order_and_the_payee_whom_the_page_names(visitor, world):
    for number, store in (("O-1", "Bells & More"), ("O-2", None)):
        order = world.order(number, "6000.00", store_name=store)
        world.start(order, NET_BANKING.read({"bank": "HDFC"}, world.now(), None))
    messages = visitor.see("/inbox").xpath("//*[@data-testid='inbox-message']")
    links = [message.xpath(".//*[@data-testid='inbox-order']/a")[0] for message in messages]
    assert [text(link) for link in links] == ["O-2", "O-1"]
    assert links[0].get("href").endswith(f"/orders/{order.order_id}")
    assert "paying INR 6000.00 at Bells & More." in text(messages[1])
    assert f"at {world.seller_id}" in text(messages[0]) or "at " in text(messages[0])


def test_an_empty_inbox_says_how_to_fill_it(visitor):
    assert "the buyer gets a code" in text(visitor.see("/inbox").xpath("//p[contains(@class, 'empty')]")[0])

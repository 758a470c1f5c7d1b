"""The buyers' inbox."""

import pytest

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
    assert page.xpath("//a[@data-new][@hidden]")


def test_an_empty_inbox_says_how_to_fill_it(visitor):
    assert "the buyer gets a code" in text(visitor.see("/inbox").xpath("//p[contains(@class, 'empty')]")[0])

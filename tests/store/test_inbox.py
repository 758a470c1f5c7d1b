"""The buyer's inbox: lists, filters, what is forgotten and what is swept."""

import pytest
from sqlalchemy import func, insert, select

from mockpay.kernel.errors import Invalid, NotFound
from mockpay.services.buyers import opened
from mockpay.services.sellers import accounts
from mockpay.store import inbox
from mockpay.store.inbox import CODE_KEPT_MS, FORGOTTEN
from tests.factories import World, on_sqlite

PHONE, MAIL = "+919876543210", "asha@example.com"


def put(world, key, **wish):
    given = {
        "kind": "otp",
        "channel": "SMS",
        "to": PHONE,
        "template": "t",
        "body": "Hello",
        "otp": None,
        "attempt_id": None,
    }
    with world.transaction() as sandbox:
        return inbox.put(sandbox, key, **(given | wish))


def put_code(world, key="1", code="482913"):
    return put(world, key, body=f"{code} is your code, Asha.", otp=code)


def listed(world, **wish):
    with world.read() as sandbox:
        return inbox.list_page(sandbox, **wish)


def ids(world, **wish):
    return [message.message_id for message in listed(world, **wish).items]


def stored(world):
    with world.read() as sandbox:
        query = select(inbox.inbox.c.otp, inbox.inbox.c.body).order_by(inbox.inbox.c.id)
        return [tuple(row) for row in sandbox.connection.execute(query)]


def move(world, ms):
    world.set_clock(None, world.now() + ms)


def test_a_message_is_read_as_it_was_sent(world):
    message_id = put(world, "1", attempt_id="att_1", otp="482913", body="482913!", channel="APP")
    (message,) = listed(world).items
    assert (message.message_id, message.kind, message.channel) == (message_id, "otp", "APP")
    assert (message.to, message.template, message.body) == (PHONE, "t", "482913!")
    assert (message.otp, message.attempt_id) == ("482913", "att_1")
    assert (message.created_at, message.read_at) == (world.now(), None)


def test_messages_are_listed_the_newest_first_page_by_page(world):
    sent = [put(world, str(number)) for number in range(5)]
    assert ids(world) == sent[::-1]
    first = listed(world, limit=2)
    second = listed(world, limit=2, after=first.next_cursor)
    put(world, "new")
    third = listed(world, limit=2, after=second.next_cursor)
    pages = [one.message_id for page in (first, second, third) for one in page.items]
    assert pages == sent[::-1]
    assert third.next_cursor is None


@pytest.mark.parametrize("cursor", ["nonsense", "am91cm5hbDox"])
def test_a_cursor_of_another_list_is_refused(world, cursor):
    with pytest.raises(Invalid) as refused:
        listed(world, after=cursor)
    assert refused.value.code == "cursor.invalid"


def test_filters_compose(world):
    one = put(world, "1", attempt_id="att_1")
    two = put(world, "2", to=MAIL, attempt_id="att_1")
    three = put(world, "3", kind="mail", to=MAIL)
    assert ids(world, kind="otp") == [two, one]
    assert ids(world, kind="mail") == [three]
    assert ids(world, to=MAIL) == [three, two]
    assert ids(world, attempt_id="att_1") == [two, one]
    assert ids(world, attempt_id="att_1", to=MAIL) == [two]
    assert ids(world, kind="sms") == []


def test_a_plus_that_a_query_string_made_a_space_is_found_all_the_same(world):
    one = put(world, "1")
    assert ids(world, to=PHONE) == ids(world, to=PHONE.replace("+", " ")) == [one]


def test_a_phone_is_found_as_people_type_it(world):
    one = put(world, "1")
    for typed in ("919876543210", "9876543210", "98765 43210", "+91 98765-43210"):
        assert ids(world, to=typed) == [one], typed
    assert ids(world, to="9876543211") == ids(world, to="876543210") == []


def test_the_same_message_is_sent_once(world):
    assert put(world, "1", body="first") == put(world, "1", body="again")
    assert [message.body for message in listed(world).items] == ["first"]
    assert put(world, "1", kind="mail") not in ids(world, kind="otp")


def test_two_sellers_have_two_inboxes(world, runtime):
    other = World.new(runtime)
    mine, theirs = put(world, "1"), put(other, "1")
    assert (ids(world), ids(other)) == ([mine], [theirs])
    with other.transaction() as sandbox, pytest.raises(NotFound):
        opened(sandbox, mine)
    assert listed(world).items[0].read_at is None


def test_a_message_is_read_when_it_is_first_opened(world):
    message_id, first = put(world, "1"), world.now()
    for _ in range(2):
        with world.transaction() as sandbox:
            assert opened(sandbox, message_id).read_at == first
        move(world, 1_000)
    with world.transaction() as sandbox, pytest.raises(NotFound) as caught:
        opened(sandbox, "msg_nothing")
    assert caught.value.code == "message.not_found"


def test_a_reset_empties_the_inbox(world):
    put(world, "1")
    with world.transaction() as sandbox:
        accounts.reset(sandbox)
    assert ids(world) == []


# --- forgetting


def test_a_code_is_told_for_an_hour_and_no_longer(world):
    put_code(world)
    move(world, CODE_KEPT_MS - 1)
    assert listed(world).items[0].otp == "482913"
    move(world, 1)
    (message,) = listed(world).items
    assert (message.otp, message.body) == (None, f"{FORGOTTEN} is your code, Asha.")
    assert stored(world) == [("482913", "482913 is your code, Asha.")]


def test_the_next_message_takes_old_codes_out_of_the_database(world):
    put_code(world, "1", "482913")
    move(world, CODE_KEPT_MS // 2)
    put_code(world, "2", "555111")
    move(world, CODE_KEPT_MS // 2)
    put_code(world, "3", "771133")
    assert stored(world) == [
        (None, f"{FORGOTTEN} is your code, Asha."),
        ("555111", "555111 is your code, Asha."),
        ("771133", "771133 is your code, Asha."),
    ]
    assert [message.otp for message in listed(world).items] == ["771133", "555111", None]


def test_who_shows_the_inbox_can_take_them_out(world, runtime):
    other = World.new(runtime)
    put_code(world)
    put_code(other)
    move(world, CODE_KEPT_MS)
    with world.transaction() as sandbox:
        inbox.forget_old(sandbox)
        inbox.forget_old(sandbox)
    assert [otp for otp, _ in stored(world)] == [None, "482913"]


def test_a_message_without_a_code_is_left_as_it_is(world):
    put(world, "1", body="482913 is no code")
    move(world, 10 * CODE_KEPT_MS)
    put(world, "2")
    assert stored(world)[0] == (None, "482913 is no code")


# --- the newest are kept


@on_sqlite
def test_only_the_newest_messages_of_a_seller_are_kept(world, runtime):
    other = World.new(runtime)
    theirs = put(other, "1")
    with world.transaction() as sandbox:
        row = {
            "seller_id": world.seller_id,
            "kind": "otp",
            "channel": "SMS",
            "to_address": PHONE,
            "template": "t",
            "body": "",
            "created_at": sandbox.now,
        }
        rows = [{**row, "message_id": f"old_{n}"} for n in range(50_600)]
        sandbox.connection.execute(insert(inbox.inbox), rows)
    last = [put(world, str(number)) for number in range(500)]
    with world.read() as sandbox:
        count = select(func.count()).where(inbox.inbox.c.seller_id == world.seller_id)
        newest = sandbox.connection.execute(select(func.max(inbox.inbox.c.id))).scalar()
        # Every 499th row has the oldest deleted.
        assert sandbox.connection.execute(count).scalar() == 50_000 + newest % 499
        assert inbox.by_id(sandbox, "old_0") is None
        assert inbox.by_id(sandbox, last[0]) is not None
    assert ids(other) == [theirs]
    assert ids(world, limit=3) == last[:-4:-1]

"""Sellers as worlds: credentials at rest, the default seller, and worlds that share nothing."""

from threading import Thread

import pytest
from sqlalchemy import select

from mockpay.kernel.errors import Conflict, Unusable
from mockpay.kernel.keys.keyring import Keyring
from mockpay.services.sellers import accounts
from mockpay.services.sellers.accounts import DEFAULT_SELLER_ID, NewSeller
from mockpay.store import sellers as rows
from mockpay.store.db.engine import reading, writing
from mockpay.store.db.metadata import metadata
from mockpay.store.unit_of_work import transaction
from tests.control.worlds import Api, World, make_app


@pytest.fixture
def api(tmp_path, database_url):
    api = Api(make_app(tmp_path, database_url=database_url))
    yield api
    api.runtime.engine.dispose()
    api.runtime.writer.dispose()


@pytest.fixture
def runtime(api):
    return api.runtime


def at_once(*verbs):
    threads = [Thread(target=verb) for verb in verbs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_the_secret_key_is_never_stored_in_the_clear(runtime, tmp_path):
    seller = accounts.create(runtime, NewSeller(secret_key="a-very-plain-secret"))
    assert seller.secret_key == "a-very-plain-secret"
    for file in tmp_path.glob("mockpay.db*"):
        assert b"a-very-plain-secret" not in file.read_bytes()


def test_a_secret_sealed_by_another_store_key_is_not_read(runtime):
    seller = accounts.create(runtime, NewSeller())
    with reading(runtime.engine) as connection, pytest.raises(Unusable):
        rows.find(connection, Keyring.generate(), seller_id=seller.seller_id)


def test_a_secret_moved_to_another_seller_does_not_open(runtime):
    mine, other = (accounts.create(runtime, NewSeller()) for _ in range(2))
    with writing(runtime.writer) as connection:
        table = rows.sellers
        sealed = connection.execute(
            select(table.c.secret_sealed).where(table.c.seller_id == other.seller_id)
        ).scalar_one()
        connection.execute(table.update().where(table.c.seller_id == mine.seller_id).values(secret_sealed=sealed))
    with reading(runtime.engine) as connection, pytest.raises(Unusable):
        rows.find(connection, runtime.keyring, seller_id=mine.seller_id)


def test_made_up_credentials_are_everybodys_own(runtime):
    made = [accounts.create(runtime, NewSeller()) for _ in range(20)]
    for name in ("seller_id", "access_key", "secret_key", "seed"):
        assert len({getattr(seller, name) for seller in made}) == 20


def test_a_configured_seed_is_every_sellers(tmp_path):
    api = Api(make_app(tmp_path, seed="fixed"))
    made = [accounts.create(api.runtime, NewSeller()) for _ in range(2)]
    assert {seller.seed for seller in made} == {"fixed"}
    assert made[0].seller_id != made[1].seller_id
    api.runtime.engine.dispose()
    api.runtime.writer.dispose()


def test_the_default_seller_is_there_with_its_published_credentials(runtime):
    seller = accounts.ensure_default(runtime)
    assert (seller.seller_id, seller.access_key, seller.secret_key) == (
        "A1MOCKPAYSELLER",
        "AKIDMOCKPAYDEFAULT",
        "mockpay-default-secret-key-EXAMPLE",
    )
    # Whoever tries it moves the clock; a seller of one's own does not wait.
    assert seller.settings.refund_delay_seconds == 21_600
    assert accounts.create(runtime, NewSeller()).settings.refund_delay_seconds == 5


def test_every_seller_is_found_by_the_keys_that_companies_issued(runtime, subtests):
    for seller in (accounts.ensure_default(runtime), accounts.create(runtime, NewSeller())):
        issued = accounts.credentials(runtime, seller)
        for name, provider in runtime.providers.items():
            for key in provider.key_names:
                with subtests.test(company=name, key=key):
                    assert accounts.seller_of_key(runtime, name, issued[name][key]) == seller.seller_id


def test_the_default_seller_is_made_once_however_many_start_at_once(runtime):
    with transaction(runtime, DEFAULT_SELLER_ID) as sandbox:
        accounts.delete(sandbox)
    seeds = []
    at_once(*[lambda: seeds.append(accounts.ensure_default(runtime).seed) for _ in range(8)])
    assert len(seeds) == 8
    assert len(set(seeds)) == 1


def test_one_of_two_that_want_a_name_at_once_gets_it(runtime):
    outcomes = []

    def create():
        try:
            outcomes.append(accounts.create(runtime, NewSeller(seller_id="A1WANTED")))
        except Conflict as error:
            outcomes.append(error.code)

    at_once(*[create] * 6)
    assert outcomes.count("seller.exists") == 5


def test_two_worlds_used_at_once_share_nothing(api):
    """Same order numbers, rules for one only, clocks apart: neither sees the other."""
    one, two = api.new_seller(), api.new_seller()
    one.freeze("2026-01-01T00:00:00Z")
    two.freeze("2027-01-01T00:00:00Z")
    one.post("/scenarios", {"stage": "issuer", "outcome": "insufficient", "times": None})

    def use(world: World):
        for number in range(10):
            world.pay(world.open_order(f"A-{number}"), "anna@okbank")
            world.post("/clock/advance", {"seconds": 10})

    at_once(lambda: use(one), lambda: use(two))

    for world, state, year in ((one, "PENDING", "2026"), (two, "PAID", "2027")):
        items = world.get("/orders").json["items"]
        assert [item["state"] for item in items] == [state] * 10
        assert world.get("/clock").json["now"] == f"{year}-01-01T00:01:40.000Z"
        assert world.get("/audit").json["ok"]
    ids = [o["order_id"] for r in (one, two) for o in r.get("/orders").json["items"]]
    assert len(set(ids)) == 20


def test_a_reset_leaves_no_row_of_the_seller_in_any_table(api):
    world = api.new_seller()
    world.freeze()
    world.paid_order("A-1")
    world.pay(world.open_order("A-2"), None)
    world.post("/scenarios", {"stage": "issuer", "outcome": "failure"})

    def tables_with_rows():
        with reading(api.runtime.engine) as connection:
            return {
                table.name
                for table in metadata.sorted_tables
                if "seller_id" in table.c
                and connection.execute(select(table.c.seller_id).where(table.c.seller_id == world.seller_id)).first()
            }

    assert tables_with_rows() > {"sellers", "orders", "attempts", "timeline", "events"}
    world.post("/reset")
    assert tables_with_rows() == {"sellers", "seller_keys"}

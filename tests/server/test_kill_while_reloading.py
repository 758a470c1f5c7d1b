"""A server that is killed while balances reload themselves charges each card once, and forgets no reload."""

from threading import Event

from tests.server.processes import SERVE, serving

BUYERS = [f"buyer{number}@example.com" for number in range(6)]


def set_up(seller, email):
    card = {"number": "4718609108204366", "expiry": "08/29", "name": "Asha Rao"}
    token = seller.save_method(email, "card", **card)["token"]
    seller.top_up(email, "600.00", "upi", vpa="success@mockpay")
    seller.auto_reload(email, threshold="500.00", amount="1000.00", token=token)


def ended(seller, email):
    """The buyer's runs, once none is under way."""
    for _ in range(300):
        runs = seller.reload_runs(email)
        if not {run["state"] for run in runs} & {"TRIGGERED", "CHARGING"}:
            return runs
        Event().wait(0.1)
    raise AssertionError(runs)


def test_each_card_is_charged_once(tmp_path):
    environ = {
        "MOCKPAY_DATABASE_URL": str(tmp_path / "mockpay.db"),
        "MOCKPAY_KEYS_DIR": str(tmp_path / "keys"),
        "MOCKPAY_LEASE_SECONDS": "2",
    }
    with serving(*SERVE, **environ) as server:
        seller = server.new_seller(settings={"risk_rules": {"VEL_CARD": "off"}})
        seller.freeze()
        for email in BUYERS:
            set_up(seller, email)
        for email in BUYERS:
            seller.trigger_reload(email)
        server.kill()
    with serving(*SERVE, **environ) as server:
        seller = seller.at(server)
        for email in BUYERS:
            [run] = ended(seller, email)
            assert (run["state"], seller.wallet(email)["balance"]) == ("SUCCEEDED", "1600.00")
            assert seller.order(run["order_id"])["attempts"][0]["state"] == "CAPTURED"
        reloads = [order for order in seller.orders(limit="200") if order["kind"] == "reload"]
        assert len(reloads) == len(BUYERS)
        assert seller.control("GET", "/audit") == {"ok": True, "violations": []}

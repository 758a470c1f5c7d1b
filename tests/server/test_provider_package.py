"""A company that an installed package brings: served by `mockpay serve` as it is, and held to what holds for all."""

import os
import subprocess
import sys
import zipfile

import pytest
import requests

from tests.server.processes import ROOT, SERVE, serving

EXAMPLE = ROOT / "examples" / "tinypay"
ORDER = {"amount": "499.00", "reference": "A-1", "return_url": "http://localhost/return"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the example's package and metadata, as an installer lays them."""
    folder = tmp_path_factory.mktemp("tinypay")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=EXAMPLE, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "lib")
    return folder / "lib"


@pytest.fixture(scope="module")
def server(installed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    environ = {
        "MOCKPAY_DATABASE_URL": str(folder / "mockpay.db"),
        "MOCKPAY_KEYS_DIR": str(folder / "keys"),
        "PYTHONPATH": str(installed),
    }
    with serving(*SERVE, **environ) as server:
        yield server


def call(seller, method, path, key=None, **body):
    secret = key or seller.fields["credentials"]["tinypay"]["secret_key"]
    headers = {"Authorization": f"Bearer {secret}"}
    answer = requests.request(method, f"{seller.server.url}/gw/tinypay{path}", json=body, headers=headers, timeout=30)
    return answer.status_code, answer.json()


def test_a_payment_is_made_paid_and_refunded(server):
    seller = server.new_seller(settings={"refund_delay_seconds": 0})
    status, payment = call(seller, "POST", "/payments", **ORDER)
    assert (status, payment["status"]) == (201, "open")
    assert requests.get(payment["pay_url"], timeout=30).ok
    paid = seller.control("POST", f"/orders/{payment['id']}/pay", {"method": "upi", "vpa": "success@mockpay"})
    assert paid["state"] == "PAID"
    assert f"id={payment['id']}&status=paid&signature=" in paid["return_url"]
    path = f"/payments/{payment['id']}"
    assert call(seller, "GET", path)[1]["status"] == "paid"
    status, refund = call(seller, "POST", f"{path}/refunds", amount="99.00", reference="R-1")
    assert (status, refund["amount"]) == (201, "99.00")
    seller.advance(until="idle")
    assert call(seller, "GET", path)[1]["refunded"] == "99.00"
    assert seller.order(payment["id"])["provider"] == "tinypay"
    assert seller.control("GET", "/audit") == {"ok": True, "violations": []}


def test_the_outcome_in_the_request_decides_and_what_cannot_be_is_refused(server):
    seller = server.new_seller()
    seller.freeze()
    _, payment = call(seller, "POST", "/payments", outcome="issuer=insufficient", **ORDER)
    seller.control("POST", f"/orders/{payment['id']}/pay", {"method": "upi", "vpa": "success@mockpay"})
    [attempt] = seller.order(payment["id"])["attempts"]
    assert (attempt["state"], attempt["reason"]) == ("FAILED", "insufficient_funds")
    wrong = {**ORDER, "reference": "A-2", "outcome": "issuer=insuficient"}
    status, refused = call(seller, "POST", "/payments", **wrong)
    assert (status, refused["error"]["code"]) == (400, "bad_request")


def test_what_is_wrong_is_told_in_its_own_format(server, subtests):
    seller, other = server.new_seller(), server.new_seller()
    _, payment = call(seller, "POST", "/payments", **ORDER)
    cases = {
        "unknown_key": call(seller, "POST", "/payments", key="tiny_nobody", **ORDER),
        "no_such_payment": call(other, "GET", f"/payments/{payment['id']}"),
        "not_paid": call(seller, "POST", f"/payments/{payment['id']}/refunds", amount="1.00", reference="R-1"),
        "nothing_here": call(seller, "GET", "/nothing"),
        "wrong_method": call(seller, "DELETE", "/payments"),
        "bad_request": call(seller, "POST", "/payments", **{**ORDER, "amount": "-1"}),
    }
    for code, (status, body) in cases.items():
        with subtests.test(code=code):
            assert 400 <= status < 500
            assert body["error"]["code"] == code


def test_what_holds_for_every_company_holds_for_it(installed):
    """The conformance tests, in an environment in which it is installed."""
    path = os.pathsep.join(filter(None, [str(installed), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"]
    run = subprocess.run(
        [*command, "tests/providers/test_conformance.py"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-3_000:]


def test_a_package_that_cannot_be_used_stops_the_start_with_a_sentence(tmp_path):
    metadata = tmp_path / "broken-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[mockpay.providers]\nbroken = nowhere:provider\n")
    environ = {**os.environ, "PYTHONPATH": str(tmp_path), "MOCKPAY_KEYS_DIR": str(tmp_path / "keys")}
    environ["MOCKPAY_DATABASE_URL"] = str(tmp_path / "mockpay.db")
    command = [sys.executable, *SERVE]
    run = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 2
    assert "The provider broken (nowhere:provider) cannot be loaded" in run.stderr
    assert "Traceback" not in run.stderr

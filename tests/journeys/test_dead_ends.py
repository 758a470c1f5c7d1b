"""Refusals say what is known and where to go on; of the journal only somebody who may see the dashboard reads."""

import json
import shlex
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mockpay.domain.return_urls import LOOPBACK_RETURNS
from mockpay.merchant.client import AmazonPayClient
from mockpay.settings import Settings
from mockpay.testing import LiveServer
from tests.journeys.form_browser import FormBrowser

ORDER = {"amount": "499.00", "seller_order_id": "o-1"}
BACK = "http://127.0.0.1:1/back"
TOKEN = "only-the-testers-know"


def with_secret(seller, secret):
    key = seller.server.runtime.keys.public_file.read_text()
    return AmazonPayClient(seller.seller_id, seller.fields["access_key"], secret, key, seller.server.url)


def facts(buyer):
    rows = buyer.sees("refusal-facts").xpath(".//dl/div")
    return {row.xpath("string(dt)"): row.xpath("string(dd)") for row in rows}


def test_a_wrong_secret_is_explained_with_the_call_that_explains_it(buyer, mockpay_seller):
    buyer.goes_to(with_secret(mockpay_seller, "mistyped").payment_url(redirect_url=BACK, **ORDER))
    assert buyer.answer.status_code == 403
    shown = facts(buyer)
    assert shown["Seller"] == mockpay_seller.seller_id
    assert "the secret key is another one" in shown["Likely cause"]
    assert "sellerOrderId=o-1" in buyer.page.xpath("string(//*[@id='string-to-sign'])")
    command = shlex.split(buyer.page.xpath("string(//*[@id='explain'])"))
    answer = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=30).stdout)
    assert answer["cause"] == shown["Likely cause"]
    assert mockpay_seller.seller_id in buyer.follows("open-journal").url
    assert "signature.invalid" in buyer.page.text_content()


@pytest.fixture(scope="module")
def other_public_key():
    """A good key, of no server here."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_what_was_sealed_with_another_key_is_in_the_journal_of_nobody(buyer, mockpay_seller, other_public_key):
    client = AmazonPayClient(
        mockpay_seller.seller_id, mockpay_seller.fields["access_key"], "x", other_public_key, mockpay_seller.server.url
    )
    buyer.goes_to(client.payment_url(redirect_url=BACK, **ORDER))
    assert facts(buyer) == {"Seller": "none found", "Reason": "the data key does not unwrap with this server's key"}
    assert "public-key" in buyer.page.text_content()
    buyer.follows("open-journal")
    assert "show=ownerless" in buyer.url
    assert "the data key does not unwrap" in buyer.page.text_content()


def test_a_foreign_return_url_is_shown_beside_those_that_are_allowed(buyer, mockpay_seller):
    foreign = "https://shop.example/back"
    buyer.goes_to(mockpay_seller.client().payment_url(redirect_url=foreign, **ORDER))
    assert buyer.answer.status_code == 400
    shown = facts(buyer)
    assert shown["Reason"].endswith("return URLs: its scheme is not that of http://127.0.0.1:*.")
    assert (shown["Sent"], shown["Allowed"]) == (foreign, ", ".join(LOOPBACK_RETURNS))
    assert buyer.page.xpath("//a[contains(@href, 'shop.example')]") == []


def test_a_page_that_is_nowhere_leads_on(buyer, mockpay_server):
    buyer.goes_to(f"{mockpay_server.url}/nothing")
    assert buyer.answer.status_code == 404
    assert "/journal" in buyer.sees("open-journal").get("href")
    assert buyer.follows("error-onward").url == f"{mockpay_server.url}/"


def test_what_never_was_an_order_is_told_apart_from_an_order_that_is_over(buyer, shop):
    buyer.goes_to(f"{shop.server.url}/pay/nothing/card")
    assert buyer.heading == "There is no such payment"
    assert "This was never an order here" in buyer.page.text_content()
    assert not buyer.misses("open-orders")
    over = buyer.buys(shop).url
    buyer.presses("cancel-payment")
    assert buyer.goes_to(f"{over}card").heading == "Payment cancelled"


@pytest.fixture(scope="module")
def locked_server(tmp_path_factory):
    """A server of which the dashboard asks for a token."""
    folder = tmp_path_factory.mktemp("locked")
    with LiveServer(
        Settings(port=0, database_url=str(folder / "x.db"), keys_dir=folder / "keys", admin_token=TOKEN)
    ) as server:
        yield server


def test_only_a_signed_in_tester_reads_what_the_journal_has(buyer, locked_server):
    seller = locked_server.new_seller()
    wrong = with_secret(seller, "mistyped").payment_url(redirect_url=BACK, **ORDER)
    addresses = (wrong, f"{locked_server.url}/nothing", f"{locked_server.url}/pay/nothing/")
    for address in addresses:
        buyer.goes_to(address)
        assert buyer.misses("open-journal")
        assert buyer.misses("refusal-facts")
        assert seller.seller_id not in buyer.answer.text
        assert not buyer.misses("error-onward")
    buyer.goes_to(f"{locked_server.url}/_mockpay/ui/sign-in")
    buyer.presses("sign-in", token="wrong")
    assert "This is not the token that the server was started with." in buyer.page.text_content()
    buyer.presses("sign-in", token=TOKEN)
    for address in addresses:
        assert not buyer.goes_to(address).misses("open-journal")


def test_under_another_name_nobody_reads_it(mockpay_server):
    stranger = FormBrowser()
    stranger.session.headers["Host"] = "amazonpay.example"
    stranger.goes_to(f"{mockpay_server.url}/processPayment?payload=x")
    assert stranger.answer.status_code == 400
    assert stranger.misses("open-journal")

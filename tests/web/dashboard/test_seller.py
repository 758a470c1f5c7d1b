"""The seller page."""

import base64
import subprocess

from cryptography.hazmat.primitives import serialization

from mockpay.domain.sellers import Settings
from mockpay.services.sellers.accounts import Changes, change
from tests.web.visitor import text


def test_the_seller_page_keeps_the_secret_behind_a_fold(visitor, world):
    with world.read() as sandbox:
        secret = sandbox.seller.secret_key
    page = visitor.see("/seller")
    folded = "".join(one.text_content() for one in page.xpath("//details"))
    assert folded.count(secret) == page.text_content().count(secret) == 2


def test_the_seller_page_explains_every_setting(visitor, world):
    shown = visitor.see("/seller").xpath("//section[@aria-labelledby='settings']//b/code")
    assert [text(one) for one in shown] == list(Settings.__struct_fields__)


def test_a_setting_that_is_a_list_is_told_in_words(visitor, world):
    def told(name):
        path = "//section[@aria-labelledby='settings']//li[.//code[.=$name]]/span[@class='num']"
        return text(visitor.see("/seller").xpath(path, name=name)[0])

    assert told("otp_always_methods") == "none"
    with world.transaction() as sandbox:
        change(sandbox, Changes(settings={"otp_always_methods": ("card", "upi")}))
    assert told("otp_always_methods") == "card, upi"


def test_the_lines_for_a_shell_can_be_run(visitor, world, keys):
    lines = visitor.see("/seller").xpath("//pre[@id='exports']")[0].text_content()
    told = subprocess.run(
        ["sh", "-c", f'{lines}\necho "$AMAZONPAY_SELLER_ID $AMAZONPAY_PUBLIC_KEY"'],
        capture_output=True,
        text=True,
        check=True,
    )
    seller_id, key = told.stdout.split()
    assert seller_id == world.seller_id
    found = serialization.load_der_public_key(base64.b64decode(key))
    assert found == keys.private["amazonpay_private.pem"].public_key()

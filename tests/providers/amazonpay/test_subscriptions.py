"""SNS's own addresses on the sandbox: ConfirmSubscription, Unsubscribe, and a certificate that fails or is slow."""

import base64
import json
from threading import Event
from typing import ClassVar
from urllib.parse import urlencode, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from flask import Flask, request
from msgspec.structs import replace

from mockpay.delivery.sender_pool import send_waiting
from mockpay.kernel.errors import NotFound
from mockpay.providers.amazonpay import provider as amazonpay
from mockpay.providers.amazonpay import subscriptions, views
from mockpay.services.sellers import accounts
from mockpay.services.sellers.accounts import Changes
from mockpay.store.journal import journal
from tests.factories import IPN_URL, World

HOST = "sns.ap-south-1.amazonaws.com"


@pytest.fixture
def database_kind():
    return "sqlite"


@pytest.fixture
def get(runtime):
    return served(runtime)


def served(runtime):
    """What the sandbox answers at a URL of SNS's, under SNS's Host."""
    app = Flask("mockpay")
    app.testing = True
    app.register_blueprint(amazonpay.blueprint(runtime))
    app.add_url_rule("/", view_func=lambda: subscriptions.answer_root(runtime, request) or "landing", endpoint="root")

    def ask(url):
        parts = urlsplit(url)
        return app.test_client().get(f"{parts.path}?{parts.query}", headers={"Host": HOST})

    return ask


def world_with(runtime, **settings):
    world = World.new(runtime, ipn_url=IPN_URL, ipn_profile="sns", **settings)
    send_waiting(runtime)
    return world


def newest(post):
    return json.loads(post.sent[-1].body)


def paid(world, number="O-1"):
    order = world.order(number)
    world.pay(order)
    send_waiting(world.runtime)
    (one,) = world.notifications(order)
    return one.state


def test_its_own_url_confirms_and_unsubscribes(runtime, post, get):
    world = world_with(runtime)
    asked = newest(post)
    url = urlsplit(asked["SubscribeURL"])
    assert (url.scheme, url.netloc, url.path) == ("https", HOST, "/")
    answer = get(asked["SubscribeURL"])
    assert (answer.status_code, answer.content_type) == (200, "text/xml")
    assert b"<ConfirmSubscriptionResponse" in answer.data
    assert asked["TopicArn"].encode() in answer.data
    assert paid(world) == "DELIVERED"
    gone = get(newest(post)["UnsubscribeURL"])
    assert (gone.status_code, b"<UnsubscribeResponse" in gone.data) == (200, True)
    assert paid(world, "O-2") == "SUPPRESSED"
    with world.read() as sandbox:
        lines = sandbox.connection.execute(journal.select().order_by(journal.c.id)).fetchall()
    assert [(line.kind, line.outcome, line.status) for line in lines if line.path == "/"] == [
        ("amazonpay.ConfirmSubscription", "ok", 200),
        ("amazonpay.Unsubscribe", "ok", 200),
    ]


def test_what_is_not_its_own_confirms_nothing(runtime, post, get, subtests):
    world = world_with(runtime)
    other = world_with(runtime)
    theirs, topic = newest(post), json.loads(post.sent[0].body)["TopicArn"]
    for query, status, code in [
        ({"Action": "ConfirmSubscription", "TopicArn": topic, "Token": theirs["Token"]}, 400, b"InvalidParameter"),
        ({"Action": "ConfirmSubscription", "TopicArn": topic}, 400, b"InvalidParameter"),
        ({"Action": "ConfirmSubscription", "TopicArn": topic + "X", "Token": "t"}, 404, b"NotFound"),
        ({"Action": "ConfirmSubscription", "TopicArn": "arn:aws:sns:other", "Token": "t"}, 404, b"NotFound"),
        ({"Action": "ConfirmSubscription"}, 404, b"NotFound"),
        ({"Action": "Unsubscribe", "SubscriptionArn": topic}, 404, b"NotFound"),
        ({"Action": "Unsubscribe", "SubscriptionArn": f"{topic}:0"}, 404, b"NotFound"),
    ]:
        with subtests.test(query=query):
            answer = get(f"https://{HOST}/?{urlencode(query)}")
            assert (answer.status_code, code in answer.data, b"<ErrorResponse" in answer.data) == (status, True, True)
    assert [paid(world), paid(other)] == ["SUPPRESSED"] * 2
    assert get(f"https://{HOST}/?Action=Publish").data == b"landing"
    assert get(f"https://{HOST}/").data == b"landing"


@pytest.mark.parametrize(("version", "digest"), [("1", hashes.SHA1()), ("2", hashes.SHA256())])
def test_every_kind_of_message_is_signed_by_the_setting(runtime, post, get, version, digest):
    """By a verifier of the test's own, after the documents of AWS."""
    world = world_with(runtime, ipn_signature_version=version)
    get(newest(post)["SubscribeURL"])
    paid(world)
    get(newest(post)["UnsubscribeURL"])
    send_waiting(runtime)
    kinds = []
    for call in post.sent:
        body = json.loads(call.body)
        names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
        if body["Type"] == "Notification":
            names = ["Message", "MessageId", "Timestamp", "TopicArn", "Type"]
        lines = "".join(f"{name}\n{body[name]}\n" for name in names).encode()
        certificate = x509.load_pem_x509_certificate(get(body["SigningCertURL"]).data)
        certificate.public_key().verify(base64.b64decode(body["Signature"]), lines, PKCS1v15(), digest)
        assert body["SignatureVersion"] == version
        assert call.headers["x-amz-sns-message-type"] == body["Type"]
        kinds.append(body["Type"])
    assert kinds == ["SubscriptionConfirmation", "Notification", "UnsubscribeConfirmation"]


def test_a_certificate_fails_once_and_again_once_where_it_is_asked_to(runtime, post, get):
    world = world_with(runtime, certificate_fault="once")
    url = newest(post)["SigningCertURL"]
    assert urlsplit(url).path.endswith(f"-{world.seller_id}.pem")
    assert [get(url).status_code for _ in range(3)] == [503, 200, 200]
    with world.transaction() as sandbox:
        accounts.change(sandbox, Changes(settings={"certificate_fault": "once"}))
    assert [get(url).status_code for _ in range(2)] == [503, 200]
    with world.transaction() as sandbox:
        accounts.change(sandbox, Changes(settings={"certificate_fault": ""}))
    assert get(url).status_code == 200
    with pytest.raises(NotFound):
        get(url.replace(world.seller_id, "NOBODY"))


def test_nobody_elses_certificate_meets_the_fault(runtime, post, get):
    world_with(runtime, certificate_fault="once")
    world_with(runtime)
    assert get(newest(post)["SigningCertURL"]).status_code == 200


def test_a_slow_certificate_takes_five_seconds(runtime, post):
    """By the event that ends waiting when the server stops, not by any clock."""

    class Waited(Event):
        seconds: ClassVar[list[float]] = []

        def wait(self, timeout=None):
            self.seconds.append(timeout)
            return False

    world_with(runtime, certificate_fault="slow")
    get = served(replace(runtime, stopping=Waited()))
    assert get(newest(post)["SigningCertURL"]).status_code == 200
    assert Waited.seconds == [views._SLOW_SECONDS] == [5]

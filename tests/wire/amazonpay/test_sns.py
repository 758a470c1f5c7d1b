import base64
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from mockpay.wire.amazonpay import sns
from mockpay.wire.amazonpay.sns import SnsError
from tests.wire.known_answers import SNS_PRIVATE_KEY, VECTORS

CERTIFICATE = VECTORS["sns_certificate_pem"].encode()
NOTIFICATIONS = VECTORS["ipn"]
GOOD = NOTIFICATIONS[0]["body"]
VERDICTS = ("node", "php", "python_2_7_1_with_pyopenssl_23_2")


def test_a_notification_is_accepted_when_every_real_consumer_accepts_it(subtests):
    for vector in NOTIFICATIONS:
        with subtests.test(vector=vector):
            if all(vector[consumer] == "accept" for consumer in VERDICTS):
                sns.verify_notification(vector["body"], CERTIFICATE)
            else:
                with pytest.raises(SnsError):
                    sns.verify_notification(vector["body"], CERTIFICATE)


def test_signing_gives_the_signature_that_real_consumers_accepted():
    assert sns.sign_notification(GOOD, SNS_PRIVATE_KEY) == GOOD["Signature"]


@pytest.mark.parametrize("name", [*sns.SIGNED_FIELDS, "Signature"])
def test_a_change_in_any_signed_field_is_noticed(name):
    with pytest.raises(SnsError) as refused:
        sns.verify_notification({**GOOD, name: "AAAA"}, CERTIFICATE)

    assert refused.value.code == "notification.signature"


def test_a_field_that_is_no_text_is_refused_by_name(subtests):
    for value in [None, 1, ["x"]]:
        for name in ["Message", "Signature", "SigningCertURL", "SignatureVersion"]:
            with subtests.test(name=name, value=value):
                with pytest.raises(SnsError) as refused:
                    sns.verify_notification({**GOOD, name: value}, CERTIFICATE)

                assert (refused.value.code, refused.value.detail) == ("notification.field", {"name": name})


def test_an_unknown_signature_version_is_refused():
    with pytest.raises(SnsError) as refused:
        sns.verify_notification({**GOOD, "SignatureVersion": "3"}, CERTIFICATE)

    assert refused.value.code == "notification.version"


def test_a_signature_that_is_not_base64_is_refused():
    with pytest.raises(SnsError) as refused:
        sns.verify_notification({**GOOD, "Signature": "é*"}, CERTIFICATE)

    assert refused.value.code == "notification.signature"


@pytest.mark.parametrize(
    "url",
    [
        "https://sns.ap-south-1.amazonaws.com/x.pem",
        "https://sns.us-east-1.amazonaws.com/a/b.pem",
        "https://sns.cn-north-1.amazonaws.com.cn/x.pem",
    ],
)
def test_a_certificate_may_come_from_amazon_sns(url):
    sns.check_certificate_url(url)


def test_a_certificate_from_anywhere_else_is_refused(subtests):
    for url in [
        "http://sns.ap-south-1.amazonaws.com/x.pem",
        "https://sns.ap-south-1.amazonaws.com/x.pem.txt",
        "https://sns.ap-south-1.amazonaws.com/x",
        "https://sns.ap-south-1.amazonaws.com/x?y=.pem",
        "https://sns.ap-south-1.amazonaws.com/x#.pem",
        "https://sns.ap-south-1.amazonaws.com:8443/x.pem",
        "https://sns.ap-south-1.amazonaws.com@evil.example/x.pem",
        "https://evil.example/sns.ap-south-1.amazonaws.com/x.pem",
        "https://sns.ap-south-1.amazonaws.com.evil.example/x.pem",
        "https://sns.ap-south-1.amazonaws.com\\.evil.example/x.pem",
        "https://sns.ap-south-1.amazonaws.com/x.pem\n",
        "https://evilsns.ap-south-1.amazonaws.com/x.pem",
        "https://sns.a.amazonaws.com/x.pem",
        "https://snsxap-south-1.amazonaws.com/x.pem",
        "https://sns.ap-south-1xamazonaws.com/x.pem",
        "https://sns.ap-south-1.amazonawsxcom/x.pem",
        "https://sns.ap-south-1.amazonaws.comxcn/x.pem",
        "https://sns.ap-south-1.amazonaws.com/xxpem",
        "https://sns.amazonaws.com/x.pem",
        "https://[::1/x.pem",
        "file:///x.pem",
        "",
    ]:
        with subtests.test(url=url):
            with pytest.raises(SnsError) as refused:
                sns.check_certificate_url(url)

            assert refused.value.code == "notification.certificate_url"


def test_another_certificate_url_is_trusted_only_where_it_is_named_exactly():
    url = "http://127.0.0.1:8420/x.pem"
    body = GOOD | {"SigningCertURL": url}
    sns.verify_notification(body, CERTIFICATE, {url})
    for named in ((), {"http://127.0.0.1:8420/"}, {url + "?"}, {url.upper()}):
        with pytest.raises(SnsError) as refused:
            sns.verify_notification(body, CERTIFICATE, named)
        assert refused.value.code == "notification.certificate_url"


@pytest.mark.parametrize("pem", [b"", b"no certificate", CERTIFICATE[:200]])
def test_a_broken_certificate_is_refused(pem):
    with pytest.raises(SnsError) as refused:
        sns.verify_notification(GOOD, pem)

    assert refused.value.code == "notification.certificate"


def certificate_named(*names, key=SNS_PRIVATE_KEY):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each) for each in names])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2036, 1, 1, tzinfo=UTC))
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def test_a_certificate_must_carry_exactly_amazons_name():
    sns.verify_notification(GOOD, certificate_named("sns.amazonaws.com"))
    for names in (["sns.amazonaws.com.evil.example"], ["x", "sns.amazonaws.com"], []):
        with pytest.raises(SnsError) as refused:
            sns.verify_notification(GOOD, certificate_named(*names))
        assert refused.value.code == "notification.certificate"


def test_a_certificate_of_another_kind_of_key_is_refused_as_one():
    with pytest.raises(SnsError) as refused:
        sns.verify_notification(
            GOOD, certificate_named("sns.amazonaws.com", key=ec.generate_private_key(ec.SECP256R1()))
        )
    assert refused.value.code == "notification.certificate"


def test_a_subject_is_signed_only_where_there_is_one():
    assert "Subject" not in sns.canonical_string(GOOD)
    assert "\nSubject\nhello\nTimestamp\n" in sns.canonical_string({**GOOD, "Subject": "hello"})


CONFIRMATION = {
    "Type": "SubscriptionConfirmation",
    "MessageId": "m-1",
    "Token": "t-1",
    "TopicArn": "arn:aws:sns:ap-south-1:1:topic",
    "Message": "Visit it.",
    "SubscribeURL": "https://sns.ap-south-1.amazonaws.com/?Action=ConfirmSubscription&Token=t-1",
    "Timestamp": "2026-11-21T10:10:00.000Z",
    "SignatureVersion": "1",
    "SigningCertURL": GOOD["SigningCertURL"],
}


def test_the_lines_of_a_confirmation_are_those_of_the_documents():
    for kind in ("SubscriptionConfirmation", "UnsubscribeConfirmation"):
        body = {**CONFIRMATION, "Type": kind}
        assert sns.canonical_string(body) == (
            "Message\nVisit it.\nMessageId\nm-1\n"
            "SubscribeURL\nhttps://sns.ap-south-1.amazonaws.com/?Action=ConfirmSubscription&Token=t-1\n"
            "Timestamp\n2026-11-21T10:10:00.000Z\nToken\nt-1\nTopicArn\narn:aws:sns:ap-south-1:1:topic\n"
            f"Type\n{kind}\n"
        )


@pytest.mark.parametrize(("version", "digest"), [("1", hashes.SHA1()), ("2", hashes.SHA256())])
def test_each_signature_version_has_its_own_digest(version, digest):
    """Held against the library itself, not against our own verifier."""
    body = {**CONFIRMATION, "SignatureVersion": version}
    signature = sns.sign_notification(body, SNS_PRIVATE_KEY)
    lines = sns.canonical_string(body).encode()
    SNS_PRIVATE_KEY.public_key().verify(base64.b64decode(signature), lines, PKCS1v15(), digest)
    signed = {**body, "Signature": signature}
    sns.verify_notification(signed, CERTIFICATE)
    other = {"1": "2", "2": "1"}[version]
    with pytest.raises(SnsError) as refused:
        sns.verify_notification({**signed, "SignatureVersion": other}, CERTIFICATE)
    assert refused.value.code == "notification.signature"


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.ap-south-1.amazonaws.com/?Action=ConfirmSubscription",
        "https://sns.ap-south-1.amazonaws.com.evil.example/?Action=ConfirmSubscription",
        "https://snsxap-south-1xamazonaws.com/?Action=ConfirmSubscription",
        "https://sns.ap-south-1.amazonaws.com:8443/?Action=ConfirmSubscription",
        "https://sns.ap-south-1.amazonaws.com@evil.example/?a=b",
        "https://sns.ap-south-1.amazonaws.com/elsewhere?Action=ConfirmSubscription",
        "https://127.0.0.1/?Action=ConfirmSubscription",
    ],
)
def test_a_subscribe_url_that_leads_elsewhere_is_refused(url):
    sns.check_subscribe_url(CONFIRMATION["SubscribeURL"])
    with pytest.raises(SnsError) as refused:
        sns.check_subscribe_url(url)
    assert refused.value.code == "notification.subscribe_url"


def test_a_message_is_signed_by_version_1_where_it_names_none():
    body = {name: value for name, value in GOOD.items() if name not in {"SignatureVersion", "Signature"}}
    assert sns.sign_notification(body, SNS_PRIVATE_KEY) == GOOD["Signature"]
    assert sns.sign_text(sns.canonical_string(GOOD), SNS_PRIVATE_KEY) == GOOD["Signature"]


def test_half_a_surrogate_pair_is_signed_and_verified_as_a_question_mark():
    signed = {**GOOD, "Message": "\ud800"}
    signed["Signature"] = sns.sign_notification({**GOOD, "Message": "?"}, SNS_PRIVATE_KEY)
    assert sns.sign_notification(signed, SNS_PRIVATE_KEY) == signed["Signature"]
    sns.verify_notification(signed, CERTIFICATE)


def test_a_signature_with_anything_but_base64_in_it_is_refused():
    for spoilt in (f"{GOOD['Signature'][:8]}*{GOOD['Signature'][8:]}", f"{GOOD['Signature']}\n", "A"):
        with pytest.raises(SnsError) as refused:
            sns.verify_notification({**GOOD, "Signature": spoilt}, CERTIFICATE)
        assert refused.value.code == "notification.signature"


def test_the_three_types_of_a_message():
    assert sns.TYPES == ("Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation")

"""Payment links: a page that opens, a signed way back, and an end."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from razorpay.errors import BadRequestError

from tests.providers.razorpay.software import CALLBACK


def link_of(software, **more):
    usual = {"amount": 49_900, "currency": "INR", "reference_id": "L-1", "description": "Tea"}
    customer = {"name": "Asha", "email": "asha@example.in", "contact": "9000090000"}
    return software.client.payment_link.create({**usual, "customer": customer, "callback_url": CALLBACK, **more})


def page_of(link):
    return link["short_url"].partition("http://mock")[2]


def test_a_link_is_paid_on_its_page_and_comes_back_signed(software):
    link = link_of(software, notes={"cart": "7"})
    assert (link["id"][:6], link["status"], link["notes"]) == ("plink_", "created", {"cart": "7"})
    page = page_of(link)
    assert software.http.get(page).status_code == 200
    software.choose(page)
    address = urlsplit(software.leave(page)[0])
    fields = dict(parse_qsl(address.query))
    assert address.path == "/callback"
    assert fields["razorpay_payment_link_status"] == "paid"
    told = {
        "payment_link_id": fields["razorpay_payment_link_id"],
        "payment_link_reference_id": fields["razorpay_payment_link_reference_id"],
        "payment_link_status": fields["razorpay_payment_link_status"],
        "razorpay_payment_id": fields["razorpay_payment_id"],
        "razorpay_signature": fields["razorpay_signature"],
    }
    assert software.client.utility.verify_payment_link_signature(told)
    paid = software.client.payment_link.fetch(link["id"])
    assert (paid["status"], paid["amount_paid"]) == ("paid", 49_900)
    assert paid["payments"][0]["payment_id"] == fields["razorpay_payment_id"]
    [event] = software.events("payment_link.paid")
    assert event["contains"] == ["payment_link", "order", "payment"]
    with pytest.raises(BadRequestError, match="already paid"):
        software.client.payment_link.cancel(link["id"])


def test_a_link_is_cancelled_or_ends_by_itself(software):
    cancelled = software.client.payment_link.cancel(link_of(software)["id"])
    assert (cancelled["status"], cancelled["cancelled_at"]) == ("cancelled", cancelled["created_at"])
    now = cancelled["created_at"]
    timed = link_of(software, reference_id="L-2", expire_by=now + 900)
    software.advance(899)
    assert software.client.payment_link.fetch(timed["id"])["status"] == "created"
    software.advance(1)
    assert software.client.payment_link.fetch(timed["id"])["status"] == "expired"
    names = [event["event"] for event in software.events()]
    assert names == ["payment_link.cancelled", "payment_link.expired"]
    with pytest.raises(BadRequestError, match="already expired"):
        software.client.payment_link.edit(timed["id"], {"notes": {"a": "1"}})


def test_a_try_that_failed_is_told_once_though_its_link_ends_later(software):
    link = link_of(software, expire_by=1_795_262_400 + 900)
    software.choose(page_of(link), "failure@razorpay")
    software.advance(900)
    assert [event["event"] for event in software.events()] == ["payment.failed", "payment_link.expired"]


def test_links_are_listed_edited_and_told_again(software):
    first, second = link_of(software), link_of(software, reference_id="L-2", callback_url=None)
    listed = software.client.payment_link.all()["payment_links"]
    assert [link["id"] for link in listed] == [second["id"], first["id"]]
    found = software.client.payment_link.all({"reference_id": "L-1"})["payment_links"]
    assert [link["id"] for link in found] == [first["id"]]
    edited = software.client.payment_link.edit(first["id"], {"reference_id": "L-3", "notes": {"a": "1"}})
    assert (edited["reference_id"], edited["notes"]) == ("L-3", {"a": "1"})
    assert software.client.payment_link.notifyBy(first["id"], "sms") == {"success": True}
    page = page_of(second)
    software.choose(page)
    assert software.leave(page) == (f"{page}result", None)


def test_what_no_link_can_be_is_refused(software, subtests):
    link = link_of(software)
    for name, (change, words) in {
        "same reference": ({}, "already exists"),
        "too soon": ({"reference_id": "x", "expire_by": link["created_at"] + 899}, "at least 15 minutes"),
        "parts": ({"reference_id": "x", "accept_partial": True}, "not supported"),
        "foreign callback": ({"reference_id": "x", "callback_url": "https://evil.example/"}, "return URLs"),
        "no amount": ({"reference_id": "x", "amount": None}, "amount field is required"),
        "odd medium": ({"reference_id": "x", "notify": {"sms": "odd"}}, "true or false"),
    }.items():
        with subtests.test(name), pytest.raises(BadRequestError, match=words):
            link_of(software, **change)
    assert "medium is invalid" in software.refused("POST", f"/v1/payment_links/{link['id']}/notify_by/pigeon", {})
    assert "does not exist" in software.refused("GET", "/v1/payment_links/plink_1")

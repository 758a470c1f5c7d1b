"""The table of docs/clients.md says what the programs of the clients do."""

import json
import re
from pathlib import Path

import pytest

from tests.clients import test_payu, test_razorpay, test_stripe

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "clients.md").read_text("utf-8")
DONE = {
    "Stripe, Python": {*test_stripe.STEPS, *test_stripe.MORE_STEPS, *test_stripe.BY_THE_BUYER},
    "Stripe, npm": {*test_stripe.STEPS, *test_stripe.BY_THE_BUYER},
    "Razorpay, Python": set(test_razorpay.PYTHON_STEPS),
    "Razorpay, npm": set(test_razorpay.NPM_STEPS),
    "PayU, payu-websdk": set(test_payu.WEBSDK_STEPS),
    "PayU, paywix": set(test_payu.PAYWIX_STEPS),
    "PayU, npm": set(test_payu.NPM_STEPS),
}
STEPS = {
    "create, pay, ask for the status": "create_and_pay",
    "authorise, capture": "authorise_and_capture",
    "partial and second refund, more than is left refused": "refunds",
    "webhook, believed by the client's own verifier; changed, refused": "webhook_verified",
    "decline": "decline",
    "3-D Secure [2]": "challenge",
    "the same request twice": "replay",
    "an answer that is lost, then a look-up": "lost_answer",
    "a list of three pages": "paging",
}


def rows(title):
    """The rows of a table, whose first row begins so."""
    table = PAGE[PAGE.index(f"| {title} |") :].split("\n\n")[0]
    head, _, *others = [[cell.strip() for cell in line.strip("| ").split("|")] for line in table.splitlines()]
    return head[1:], {name: cells for name, *cells in others}


def test_the_table_says_what_each_client_does_and_why_not_what_it_does_not():
    clients, table = rows("step")
    assert clients == list(DONE)
    assert list(table) == list(STEPS)
    notes = set(re.findall(r"^(\d)\. ", PAGE, re.MULTILINE))
    for name, cells in table.items():
        for client, cell in zip(clients, cells, strict=True):
            word, _, note = cell.partition(" ")
            assert word == ("done" if STEPS[name] in DONE[client] else "no"), (name, client)
            assert (note.strip("[]") in notes) or (word, note) == ("done", ""), (name, client)


def test_no_step_is_missing_for_all_clients_of_a_company_but_what_none_of_them_has():
    clients, table = rows("step")
    companies = {
        company: [n for n, name in enumerate(clients) if name.startswith(company)] for company in ("S", "R", "P")
    }
    missing = {
        (company, name)
        for name, cells in table.items()
        for company, places in companies.items()
        if not any(cells[place].startswith("done") for place in places)
    }
    assert missing == {("P", "authorise, capture"), ("P", "a list of three pages")}


@pytest.mark.parametrize("client", DONE)
def test_the_version_is_the_one_that_is_installed(client):
    version = rows("client")[1][client][0]
    company, kind = client.lower().split(", ")
    if kind == "npm":
        name = {"payu": "payu-websdk"}.get(company, company)
        assert json.loads((ROOT / "tests/clients/npm/package.json").read_text())["dependencies"][name] == version
    else:
        name = {"python": company}.get(kind, kind)
        wanted = "".join((ROOT / f"requirements-{file}.in").read_text() for file in ("clients", "payu"))
        assert f"\n{name}=={version}\n" in wanted

"""The pages of docs/: their links lead somewhere, on disk and served; what they list and run is so."""

import re
import tomllib
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import click
import pytest
import requests
from flask import Flask
from lxml import html

from mockpay import cli
from mockpay.domain.sellers import setting_forms
from mockpay.settings import unknown_variables
from mockpay.web import docs
from mockpay.web.control.routes import ENDPOINTS
from mockpay.web.errors import COOKBOOK, cookbook_url

ROOT = Path(__file__).parents[1]
PAGES = {file.name: file.read_text("utf-8") for file in sorted((ROOT / "docs").glob("*.md"))}
_CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)


def links(text):
    return re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", _CODE.sub("", text))


def anchors(text):
    """As code hosts make them of headings."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def blocks(page, language="python"):
    return re.findall(rf"```{language}\n(.*?)```", PAGES[page], re.DOTALL)


# --- links


def test_every_link_on_disk_leads_to_a_file_and_a_heading():
    for name, text in {**PAGES, "../README.md": (ROOT / "README.md").read_text("utf-8")}.items():
        here = ROOT / "docs" / name
        for link in links(text):
            target, _, anchor = link.partition("#")
            if "://" in target:
                continue
            file = (here.parent / target).resolve() if target else here
            assert file.exists(), (name, link)
            assert not anchor or anchor in anchors(file.read_text("utf-8")), (name, link)


@pytest.fixture(scope="module")
def served(mockpay_server):
    """Every page as the server shows it."""
    addresses = {name: f"{mockpay_server.url}/_mockpay/docs/{name.removesuffix('.md')}" for name in PAGES}
    return {name: requests.get(address, timeout=20) for name, address in addresses.items()}


def test_every_page_is_served_and_its_links_lead_to_a_page_and_a_heading(served):
    pages = {}
    for name, answer in served.items():
        assert answer.status_code == 200, name
        page = html.fromstring(answer.text)
        assert page.xpath("//main/h1")[0].text_content() in PAGES[name]
        pages[urlsplit(answer.url).path] = page
    for path, page in pages.items():
        for link in page.xpath("//main//a/@href"):
            target = urlsplit(urljoin(path, link))
            if target.path.startswith("/_mockpay/docs"):
                shown = pages[target.path if target.path != "/_mockpay/docs/" else "/_mockpay/docs/README"]
                assert not target.fragment or shown.xpath("//*[@id=$id]", id=target.fragment), (path, link)


def test_the_index_names_every_page():
    assert {link for link in links(PAGES["README.md"]) if "/" not in link} == PAGES.keys() - {"README.md"}


def test_a_served_command_names_the_server_itself_and_nothing_of_a_page_is_markup(served, mockpay_server):
    assert f"{mockpay_server.url}/_mockpay/v1/sellers" in served["languages.md"].text
    assert "http://127.0.0.1:8420" not in "".join(answer.text for answer in served.values())
    for answer in served.values():
        assert html.fromstring(answer.text).xpath("//main//script | //main//style | //main//img") == []


def test_a_page_is_parsed_with_its_anchors_links_and_without_markup_of_its_own():
    text = "# A\n\n## B, c\n\n## B, c\n\n<b>x</b> [p](pages.md#rules) [q](../q.md)\n\n| | d |\n|---|---|\n| 1 | 2 |\n"
    app = Flask("pages")
    app.register_blueprint(docs.blueprint(None))
    with app.test_request_context():
        page = docs.parse(text, {"pages"})
    assert (page.title, [heading.anchor for heading in page.headings]) == ("A", ["b-c", "b-c-1"])
    [prose] = [part.html for part in page.parts if part.html]
    assert "&lt;b&gt;x" in prose
    assert '<a href="/_mockpay/docs/pages#rules">p</a> <span>q</span>' in prose
    assert "<td></td>\n<th>d</th>" in prose


def test_pages_are_for_anybody_and_an_unknown_one_is_a_page_too(mockpay_server):
    address = f"{mockpay_server.url}/_mockpay/docs"
    for path in ("", "/", "/cookbook", "/cookbook.md"):
        assert requests.get(address + path, headers={"Host": "elsewhere.example"}, timeout=20).status_code == 200, path
    unknown = requests.get(f"{address}/nothing", timeout=20)
    assert (unknown.status_code, unknown.headers["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_an_error_leads_to_what_the_cookbook_has_on_it(mockpay_server, mockpay_seller):
    headings = anchors(PAGES["cookbook.md"])
    assert set(COOKBOOK.values()) <= headings
    chapters = re.split(r"^## ", PAGES["cookbook.md"], flags=re.MULTILINE)
    for code, anchor in COOKBOOK.items():
        chapter = next(text for text in chapters if anchors(f"## {text.splitlines()[0]}") == {anchor})
        assert f"`{code}" in chapter, code
    address = mockpay_seller.client().payment_url(
        amount="1.00", seller_order_id="1", redirect_url="https://shop.example/return"
    )
    page = html.fromstring(requests.get(address, timeout=20).text)
    link = page.xpath("//a[@data-testid='open-cookbook']/@href")
    assert link == ["/_mockpay/docs/cookbook#the-redirect-is-refused"]
    assert cookbook_url("somebody.elses") == "/_mockpay/docs/cookbook"


def test_landing_page_and_dashboard_lead_to_the_pages(mockpay_server):
    for path in ("/", "/_mockpay/ui/orders"):
        page = html.fromstring(requests.get(mockpay_server.url + path, timeout=20).text)
        [link] = page.xpath("//a[starts-with(@href, '/_mockpay/docs')]/@href")
        assert requests.get(mockpay_server.url + link, timeout=20).status_code == 200


def test_a_wheel_has_every_page_where_it_is_looked_for():
    built = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {f"docs/{name}": f"mockpay/docs/{name}" for name in PAGES}.items() <= built["force-include"].items()
    assert docs.folder() == ROOT / "docs"


# --- what the pages run


@pytest.fixture
def run(mockpay_seller, monkeypatch):
    """Run the blocks of a page one after the other, in a seller's environment."""
    for name, value in mockpay_seller.fields["environment"].items():
        monkeypatch.setenv(name, value)

    def run(page, **names):
        program = "\n".join(blocks(page))
        exec(compile(program, page, "exec"), {"__name__": "page"} | names)

    return run


def test_the_blocks_of_the_clients_page_run_as_they_stand(run, mockpay_seller):
    run("client.md")
    assert [refund["state"] for refund in mockpay_seller.refunds()] == ["COMPLETED"]


def test_the_buyer_of_the_pages_page_pays_by_card_and_from_a_balance(run, mockpay_seller):
    shop = mockpay_seller.client()
    address, large = (
        shop.payment_url(amount=amount, seller_order_id=amount, redirect_url="http://localhost/return")
        for amount in ("499.00", "5000.01")
    )
    run("pages.md", payment_url=address, large_payment_url=large)
    assert {order["state"] for order in mockpay_seller.orders()} == {"PAID"}


# --- what the pages name

EVERYTHING = {"README.md": (ROOT / "README.md").read_text("utf-8"), **{f"docs/{n}": text for n, text in PAGES.items()}}


def test_every_command_and_option_that_is_named_is_there():
    """`python -m mockpay clock advance 1h`: the words lead to a command that has the options after them."""
    for name, text in EVERYTHING.items():
        for line in re.findall(r"python -m mockpay ([a-z][^`|\n#)]*)", text):
            command = cli.cli
            for word in line.split(" -- ")[0].split():
                context = click.Context(command)
                if isinstance(command, click.Group) and (inner := command.get_command(context, word)):
                    command = inner
                elif word.startswith("--") and len(word) > 2:
                    known = {option for one in command.params for option in one.opts} | {"--help"}
                    assert word.partition("=")[0].strip("\"'") in known, (name, line)
            assert command is not cli.cli, (name, line)


def test_every_variable_that_is_named_is_read():
    for name, text in EVERYTHING.items():
        named = dict.fromkeys(re.findall(r"MOCKPAY_[A-Z_]+[A-Z]", text), "x")
        assert list(unknown_variables(named)) == [], name


def test_every_call_that_is_named_is_an_endpoint():
    known = {(e.method, re.sub(r"{\w+}", "{}", e.path.split("{seller_id}")[-1])) for e in ENDPOINTS}
    for name, text in EVERYTHING.items():
        if name == "docs/control-api.md":
            continue
        for method, path in re.findall(r"`(GET|POST|PUT|PATCH|DELETE) \.\.\.(/[^`?]*)", text):
            assert (method, re.sub(r"{\w+}", "{}", path)) in known, (name, method, path)


def test_every_setting_that_is_set_is_there():
    for name, text in EVERYTHING.items():
        for settings in re.findall(r'"settings": \{"(\w+)"', text):
            assert settings in setting_forms(), (name, settings)


# --- what the pages list

TEMPLATES = ROOT / "templates"
#: The templates of each row of docs/pages.md; what they are made of is looked up.
ROWS = {
    "on every page": ["checkout/_layout.html"],
    "choose": ["checkout/choose.html"],
    "UPI": ["checkout/upi.html"],
    "the UPI app": ["checkout/upi_app.html"],
    "card": ["checkout/card.html"],
    "net banking": ["checkout/netbanking.html"],
    "the bank's log-in": ["checkout/bank_login.html"],
    "the bank": ["checkout/bank.html"],
    "a forged return": ["checkout/forged.html"],
    "balance": ["checkout/wallet.html"],
    "EMI": ["checkout/emi.html"],
    "saved methods": ["checkout/saved.html", "account/methods.html"],
    "the balance": ["account/wallet.html"],
    "auto-reload": ["account/auto_reload.html"],
    "its code": ["account/auto_reload_code.html"],
    "an entry": ["account/wallet_entry.html"],
    "a method of one page": ["checkout/generic.html"],
    "a method that cannot pay": ["checkout/method_refused.html"],
    "one-time code": ["checkout/otp.html"],
    "3-D Secure: the bank looks": ["checkout/threeds_method.html"],
    "3-D Secure: to the bank": ["checkout/threeds.html"],
    "3-D Secure: back in a frame": ["checkout/threeds_back.html"],
    "waiting": ["checkout/waiting.html"],
    "result": ["checkout/result.html"],
    "the way back by a form": ["checkout/return.html"],
    "not there (any more)": ["checkout/gone.html"],
    "refused before there is an order": ["error.html"],
    "the question": ["challenge/page.html"],
    "the answer": ["challenge/back.html"],
    "the look at the browser": ["challenge/method.html"],
    "refused": ["challenge/refused.html"],
    "sign in": ["account/sign_in.html"],
    "the code": ["account/otp.html"],
}
#: Parts with hooks or fields of their own.
PARTS = ("_codes.html", "checkout/_card_fields.html", "checkout/_saved_choices.html", "checkout/_saving.html")
#: On every page of its kind, or inside a name that ends in a place.
COMMON = {"form_token", "cancel-payment", "unlock", "sign-out"}


def template(name):
    return re.sub(r"{#.*?#}", "", (TEMPLATES / name).read_text("utf-8"), flags=re.DOTALL)


def names_of(name):
    """The fields and the hooks of a template and of the parts that it imports."""
    text = template(name)
    hooks = set(re.findall(r'(?:data-)?testid="([^"]+)"', text))
    fields = set(re.findall(r'<(?:input|select|textarea|button)\b[^>]*?\bname="([^"]+)"', text))
    fields |= set(re.findall(r'ui\.(?:field|choose|tick)\("(\w+)"', text))
    fields |= set(re.findall(r'ui\.button\([^)]*?\bname="(\w+)"', text))
    for part in PARTS:
        if f'from "{part}" import' in text:
            fields, hooks = fields | names_of(part)[0], hooks | names_of(part)[1]
            if part == "checkout/_card_fields.html" and "card_fields(" not in text:
                fields -= {"number", "expiry", "cvv", "name"}
    return fields, hooks


def listed():
    """Row -> fields and hooks; what stands in brackets are values and explanations."""
    found = {}
    for line in PAGES["pages.md"].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == 4 and cells[0] not in {"page", "---"}:
            plain = [re.sub(r"\([^)]*\)", "", cell) for cell in cells[2:]]
            fields, hooks = (set(re.findall(r"`([^`]+)`", cell)) for cell in plain)
            old_fields, old_hooks = found.get(cells[0], (set(), set()))
            found[cells[0]] = (fields | old_fields, hooks | old_hooks)
    return found


def plain(hooks):
    """`acs-choose-{{ value }}` and `rename-1` as what they begin with."""
    return {re.sub(r"(\{\{.*|\b[A-Z1]$)", "", hook) for hook in hooks}


def test_the_tables_of_the_pages_page_have_every_field_and_hook_of_the_templates(subtests):
    rows = listed()
    assert rows.keys() == ROWS.keys()
    for row, templates in ROWS.items():
        fields, hooks = (set().union(*parts) for parts in zip(*map(names_of, templates), strict=True))
        told_fields, told_hooks = rows[row]
        if row == "the way back by a form":  # its fields are the company's
            fields -= {"{{ name }}"}
        if row == "choose":  # its tiles are of the methods that there are
            hooks = {hook for hook in hooks if not hook.startswith("method-{{")} | {
                "method-upi",
                "method-card",
                "method-netbanking",
                "method-wallet",
                "method-emi",
            }
        if row == "saved methods":  # its buttons are made in the template itself
            hooks |= {"rename-", "default-", "delete-"}
        with subtests.test(row=row):
            assert plain(told_hooks) - COMMON == plain(hooks) - COMMON
            assert told_fields - COMMON == fields - COMMON


def test_no_page_of_a_payment_is_left_out():
    known = {name for names in ROWS.values() for name in names}
    whole = {
        path.relative_to(TEMPLATES).as_posix()
        for kind in ("checkout", "challenge", "account")
        for path in (TEMPLATES / kind).glob("[!_]*.html")
    }
    silent = {name for name in whole if names_of(name) == (set(), set())}
    assert whole - silent <= known

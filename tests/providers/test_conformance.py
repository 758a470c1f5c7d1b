"""What holds for every company that mockpay impersonates, whoever it is."""

import json
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

from flask import Flask

from mockpay.domain.methods.registry import METHODS
from mockpay.domain.payments.gateways import Charge, Gateway, ResultKind
from mockpay.domain.providers import ProviderPort
from mockpay.kernel.errors import MockpayError
from mockpay.kernel.money import Money
from mockpay.providers import contract
from mockpay.wire import xml
from tests.factories import on_sqlite, payment_request

PROVIDERS = contract.discover()
FOLDER = Path(contract.__file__).parent
SPEAKING = [p for p in PROVIDERS.values() if p.render_error is not None]
ANSWERING = [p for p in PROVIDERS.values() if p.gateway is not None]
_CHARGED = Charge(
    attempt_id="att_1",
    seller_id="A1",
    amount=Money(49_900),
    method="upi",
    instrument={"vpa": "success@mockpay"},
    idempotency_key="att_1:1",
    planned="success",
    agreed=True,
    patience_ms=0,
)


def package_of(provider) -> str:
    """Where a company lives: a folder here, or a package beside mockpay."""
    inside = (FOLDER / provider.name / "__init__.py").is_file()
    return f"{contract.__package__}.{provider.name}" if inside else provider.name


def by_name(provider) -> str:
    return provider.name


def table_of(provider) -> dict:
    """The provider's own table of errors, found where every provider keeps it."""
    return import_module(f"{package_of(provider)}.errors").TABLE


def tell(provider, path: str, code: str):
    """An error of ours in the provider's format, as the application asks for it."""
    app = Flask("mockpay", template_folder=str(FOLDER.parents[1] / "templates"))
    with app.test_request_context(path):
        return provider.refusal(MockpayError('It is <so> & "no" other \x00 ऐसा.', code=code))


def read(response) -> object:
    """The body, well-formed in the format that its type names."""
    if response.content_type.startswith("text/xml"):
        assert response.content_type == "text/xml"
        return xml.parse(response.get_data())
    assert response.content_type.startswith("application/json")
    found = json.loads(response.get_data())
    assert isinstance(found, dict)
    return found


CASES = [(p, code) for p in SPEAKING for code in [*table_of(p), "http.400", "http.418", "form.odd"]]


def test_a_company_with_a_front_door_tells_the_addresses_below_it():
    for provider in PROVIDERS.values():
        addresses = provider.addresses("http://localhost:8420")
        assert bool(addresses) is (provider.blueprint is not None)
        assert all(address.startswith("http://localhost:8420/") for address in addresses.values())


def test_every_folder_is_found_under_its_own_name():
    folders = {path.parent.name for path in FOLDER.glob("*/__init__.py")}

    assert set(PROVIDERS) == folders | {entry.name for entry in entry_points(group=contract.ENTRY_POINTS)}
    assert {"amazonpay", "simulator"} <= folders
    for name, provider in PROVIDERS.items():
        assert provider.name == name
        assert provider.title


def test_every_folder_says_where_its_facts_were_seen(subtests):
    for provider in PROVIDERS.values():
        with subtests.test(provider=provider):
            readme = Path(import_module(package_of(provider)).__file__).with_name("README.md").read_text()

            assert provider.title in readme
            assert len(readme) > 500


def test_every_provider_is_good_for_something(subtests):
    for provider in PROVIDERS.values():
        with subtests.test(provider=provider):
            parts = (provider.blueprint, provider.return_url, provider.gateway, provider.adapter)

            assert any(part is not None for part in parts)
            assert (provider.render_error is None) == (not provider.prefixes)
            assert (provider.adapter is None) == (provider.acquirer is None)
            for prefix in provider.prefixes:
                assert prefix.startswith("/")
                assert provider.owns(f"{prefix}/nothing")
            assert not provider.owns("/_mockpay/v1/sellers")


def test_no_two_providers_own_the_same_address():
    owned = [(p.name, prefix) for p in SPEAKING for prefix in p.prefixes]

    for name, prefix in owned:
        owners = {other for other, theirs in owned if prefix.startswith(theirs)}
        assert owners == {name}


#: What only a scenario or a quota asks for.
AGREED = {"throttled", "service.unavailable", "answer.lost"}


def test_a_companys_own_words_for_a_method_go_before_the_general_ones(subtests):
    for provider in PROVIDERS.values():
        with subtests.test(provider=provider.name):
            taken = [code for code in METHODS if provider.takes(METHODS[code])]
            assert provider.methods == {code: provider.own_methods.get(code, METHODS[code]) for code in taken}


@on_sqlite
def test_ids_of_a_company_that_has_no_form_of_its_own_differ_by_their_number(world):
    plain, order, wanted = ProviderPort(name="plain", title="Plain"), world.order(), payment_request()
    with world.read() as sandbox:
        orders = {plain.order_id(sandbox.seller, wanted, number) for number in range(3)}
        refunds = {plain.refund_id(sandbox.seller, order, "R-1", number) for number in range(3)}
    assert len(orders) == len(refunds) == 3


def test_every_error_is_told_in_the_companys_own_format(subtests):
    for provider, code in CASES:
        with subtests.test(provider=provider, code=code):
            for prefix in provider.prefixes:
                response = tell(provider, prefix, code)

                assert 400 <= response.status_code < 600
                assert (response.status_code < 500) or code in AGREED
                told = read(response)
                assert "Location" not in response.headers
                assert told


def test_an_error_that_no_table_knows_is_the_companys_own_internal_error(subtests):
    """Ours never raise one; if one does, its text stays inside."""
    for provider in SPEAKING:
        with subtests.test(provider=provider):
            for prefix in provider.prefixes:
                response = tell(provider, prefix, "nobody.knows_this")

                assert response.status_code == 500
                read(response)
                assert "It is" not in response.get_data(as_text=True)


def test_every_gateway_answers_a_charge(subtests):
    for provider in ANSWERING:
        with subtests.test(provider=provider):
            gateway: Gateway = provider.gateway

            result = gateway.charge(_CHARGED)

            assert gateway.name == provider.name
            assert result.kind in ResultKind
            assert result.code
            assert gateway.charge(_CHARGED) == result

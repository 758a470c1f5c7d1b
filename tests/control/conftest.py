"""One sandbox for all tests of the control API; each test has a seller of its own."""

import pytest

from tests.control.listeners import listening
from tests.control.worlds import Api, database, make_app


def pytest_generate_tests(metafunc):
    """A file whose subject are queries names `DATABASES`; to the others the kind is all one."""
    if "api" in metafunc.fixturenames:
        kinds = getattr(metafunc.module, "DATABASES", ["sqlite"])
        metafunc.parametrize("api", kinds, indirect=True, scope="session")


@pytest.fixture(scope="session")
def api(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("control")
    api = Api(make_app(folder, database_url=database(request, folder)))
    yield api
    api.runtime.engine.dispose()
    api.runtime.writer.dispose()


@pytest.fixture
def world(api):
    return api.new_seller()


@pytest.fixture
def seller(mockpay_server):
    """A seller of a running server as the client library has it; its clock stands still."""
    seller = mockpay_server.new_seller()
    seller.freeze()
    return seller


@pytest.fixture
def listener():
    """A seller's server on a port of its own."""
    with listening() as listener:
        yield listener


@pytest.fixture
def notified_world(api, listener):
    """A frozen world whose seller is told of things, at the listener."""
    world = api.new_seller(ipn_url=listener.url)
    world.freeze()
    return world


@pytest.fixture
def make_api(tmp_path):
    """A sandbox of its own with other settings."""
    made = []

    def make(**settings):
        made.append(Api(make_app(tmp_path, **settings)))
        return made[-1]

    yield make
    for api in made:
        api.runtime.engine.dispose()
        api.runtime.writer.dispose()

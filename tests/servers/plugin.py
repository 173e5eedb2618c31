"""Marks the tests that need a server, and keeps those of one server in one worker."""

import pytest

from tests.servers import SERVERS


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "server: needs a server; `-m 'not server'` leaves these out")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A server is emptied for each test and started once: its tests run in one worker, one after another."""
    for item in items:
        names: list[str] = getattr(item, "fixturenames", [])
        for server in [name for name in SERVERS if name in names]:
            item.add_marker(pytest.mark.server)
            item.add_marker(pytest.mark.xdist_group(server))

"""Marks the tests that need a server."""

import pytest

from tests.servers import SERVERS


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "server: needs a server; `-m 'not server'` leaves these out")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        names: list[str] = getattr(item, "fixturenames", [])
        if not set(SERVERS).isdisjoint(names):
            item.add_marker(pytest.mark.server)

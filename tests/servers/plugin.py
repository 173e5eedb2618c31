"""Pytest plugin that marks the tests that need a server, and runs the slowest tests first."""

import pytest

from tests.servers import SERVERS


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "server: needs a server; `-m 'not server'` leaves these out")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not _fixtures(item).isdisjoint(SERVERS):
            item.add_marker(pytest.mark.server)
    # These take a minute or more each; if one started last, the other workers would be idle.
    items.sort(key=lambda item: "wine" not in _fixtures(item) and "test_broken_stores" not in item.nodeid)


def _fixtures(item: pytest.Item) -> set[str]:
    return set(getattr(item, "fixturenames", ()))

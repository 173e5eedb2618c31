"""Marks the tests that need a server, and runs those on Wine first."""

import pytest

from tests.servers import SERVERS


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "server: needs a server; `-m 'not server'` leaves these out")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not _fixtures(item).isdisjoint(SERVERS):
            item.add_marker(pytest.mark.server)
    # One of these takes minutes: begun last, it would leave the other workers idle.
    items.sort(key=lambda item: "wine" not in _fixtures(item))


def _fixtures(item: pytest.Item) -> set[str]:
    return set(getattr(item, "fixturenames", ()))

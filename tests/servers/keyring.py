"""`keyring`: a Secret Service on a separate bus, unlocked and empty for each test; the URL is the bus's.

Only the service is on its bus, and the home directory of its files is temporary. A test that uses this
fixture is repeated if the service itself ended; other tests are not.
"""

import gc
import sys
import warnings
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import pytest
from keyring import core
from keyring.backends import SecretService

from tests.servers.processes import binary, running
from tests.servers.server import Server, provided

REPEATS = 5
_LOGIN = "/org/freedesktop/secrets/collection/login"
_BUS = "DBUS_SESSION_BUS_ADDRESS"
_BUS_SETTINGS = """
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>{address}</listen>
  <policy context="default">
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
  </policy>
</busconfig>
"""


class Item(Protocol):
    """The part of a SecretStorage item that the tests use."""

    def get_attributes(self) -> dict[str, str]: ...
    def set_secret(self, secret: bytes) -> None: ...
    def delete(self) -> None: ...


class Collection(Protocol):
    """The part of a SecretStorage collection that the tests use."""

    def get_all_items(self) -> Iterable[Item]: ...
    def search_items(self, attributes: dict[str, str]) -> Iterable[Item]: ...
    def is_locked(self) -> bool: ...
    def lock(self) -> None: ...


@contextmanager
def start() -> Generator[Server]:
    with TemporaryDirectory() as directory:
        server = Server(f"unix:path={directory}/bus")
        with _bus(server, Path(directory)), _daemon(server):
            yield server


def _bus(server: Server, folder: Path) -> AbstractContextManager[object]:
    """Run a bus that starts no service by itself."""
    (folder / "bus.conf").write_text(_BUS_SETTINGS.format(address=server.url))
    command = [binary("dbus-daemon"), "--nofork", "--nopidfile", f"--config-file={folder}/bus.conf"]
    return running(command, directory=folder, ready=(folder / "bus").exists)


@contextmanager
def _daemon(server: Server) -> Generator[None]:
    """Run an empty keyring on a bus; it reads the password that unlocks it."""
    with TemporaryDirectory() as home:
        folders = ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR")
        environment = [f"{_BUS}={server.url}", *(f"{folder}={home}" for folder in folders)]
        options = ["--foreground", "--unlock", "--components=secrets"]
        command = ["env", *environment, binary("gnome-keyring-daemon"), *options]
        with running(command, directory=Path(home), ready=lambda: answers(server), given="\n"):
            yield


def _secretstorage() -> Any:
    """Import SecretStorage, which the keyring package installs on Linux only."""
    return import_module("secretstorage")


@contextmanager
def _login() -> Generator[Collection]:
    """Yield the collection that stores passwords."""
    secretstorage = _secretstorage()
    with closing(secretstorage.dbus_init()) as connection:
        yield secretstorage.Collection(connection, _LOGIN)


@contextmanager
def on_bus(server: Server) -> Generator[None]:
    """Let this process and its children find the keyring."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(_BUS, server.url)
        # If several clients request the default at once, gnome-keyring 42 sometimes names a missing one.
        patch.setenv("KEYRING_PROPERTY_PREFERRED_COLLECTION", _LOGIN)
        patch.setattr(core, "_keyring_backend", SecretService.Keyring())
        yield


def answers(server: Server) -> bool:
    """Return whether there is an unlocked keyring on the bus."""
    try:
        with on_bus(server), _login() as login:
            return not login.is_locked()
    except _secretstorage().SecretStorageException:
        return False


@pytest.fixture(scope="session")
def keyring_server() -> Generator[Server]:
    with provided("keyring", start) as server:
        yield server


@pytest.fixture(scope="session")
def revive_keyring(keyring_server: Server) -> Generator[Callable[[], bool]]:
    """Yield a function that restarts the keyring if it has ended, and returns whether it had."""
    with ExitStack() as stack:

        def revive() -> bool:
            ended = not answers(keyring_server)
            if ended:
                stack.enter_context(_daemon(keyring_server))
            return ended

        yield revive


@pytest.fixture
def keyring(keyring_server: Server, revive_keyring: Callable[[], bool]) -> Generator[Server]:
    revive_keyring()
    with on_bus(keyring_server):
        with _login() as login:
            for item in login.get_all_items():
                item.delete()
        yield keyring_server


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: Any) -> Generator[None, Any, Any]:
    """Repeat a test if gnome-keyring 42 ended, which can happen when a client connects."""
    for repeat in range(REPEATS):
        try:
            return (yield) if repeat == 0 else item.runtest()
        except Exception:
            if "keyring" not in item.funcargs or not item.funcargs["revive_keyring"]():
                raise
        forget_connections()
    return item.runtest()


def forget_connections() -> None:
    """Close failed connections: the driver leaves them to the collector, and pytest keeps their errors."""
    for name in ("last_exc", "last_value", "last_traceback"):
        setattr(sys, name, None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def usernames(service: str) -> list[str]:
    """Return the user names of a service's passwords."""
    with _login() as login:
        return [item.get_attributes()["username"] for item in login.search_items({"service": service})]


def replace_secret(username: str, secret: bytes) -> None:
    """Replace the only password of a user name with any bytes."""
    with _login() as login:
        (item,) = login.search_items({"username": username})
        item.set_secret(secret)


def lock() -> None:
    """Lock the keyring; no prompt can unlock it."""
    with _login() as login:
        login.lock()

"""The keyring store, on a Secret Service and on a double of the Windows Credential Manager."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable, Generator
from pathlib import Path
from typing import Any, ClassVar

import keyring as driver
import pytest
from keyring import core
from keyring.backends import SecretService, fail, null
from keyring.errors import KeyringError, PasswordDeleteError, PasswordSetError
from typing_extensions import override

from key_value.aio.errors import (
    DeserializationError,
    InvalidKeyError,
    KeyValueStoreError,
    StoreConnectionError,
)
from key_value.aio.stores.keyring import (
    KeyringStore,
    KeyringV1CollectionSanitizationStrategy,
    KeyringV1KeySanitizationStrategy,
)
from key_value.aio.stores.keyring.driver import VANISHED
from key_value.aio.stores.keyring.names import LONGEST_NAME, KeyringNames
from key_value.aio.testing import StoreConformance
from key_value.aio.testing.hostile_names import HOSTILE_NAMES
from key_value.aio.testing.operations import Store
from tests.published import Publish
from tests.servers.keyring import forget_connections, lock, on_bus, replace_secret, start, usernames
from tests.servers.server import Server
from tests.stores.embedded import EmbeddedConformance

# A call takes some 20 ms, and a batch of 251 is written, read twice and deleted.
# A call that cannot reach the keyring leaves its connection to the garbage collector.
pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

LIMIT = 100
OPERATIONS: dict[str, Callable[[KeyringStore], Any]] = {
    "get": lambda store: store.get("key"),
    "get_many": lambda store: store.get_many(["key", "other"]),
    "put": lambda store: store.put("key", {"n": 2}),
    "put_many": lambda store: store.put_many(["key", "other"], [{"n": 2}, {"n": 3}]),
    "delete": lambda store: store.delete("key"),
    "delete_many": lambda store: store.delete_many(["key", "other"]),
}
each_operation = pytest.mark.parametrize("operation", OPERATIONS)


@pytest.fixture(scope="module", autouse=True)
def forgotten_connections() -> Generator[None]:
    """Collect abandoned connections, so that they are not reported by other tests."""
    yield
    forget_connections()


class InParts(KeyringStore):
    """A store that assumes a keyring with a small size limit."""

    longest_password: ClassVar = LIMIT


class OnWindows(KeyringStore):
    """A store that assumes the Credential Manager."""

    longest_password: ClassVar = 1280
    on_windows: ClassVar = True


def open_store(path: Path) -> KeyringStore:
    """Return a store in a separate service."""
    return KeyringStore(service_name=str(path))


def open_in_parts(path: Path) -> KeyringStore:
    """Return a store whose limit splits an entry of the process tests into three to five parts."""
    store = type("InLargeParts", (InParts,), {"longest_password": 10_000})
    return store(service_name=str(path))


class TestKeyringStore(EmbeddedConformance):
    abilities: ClassVar = frozenset[type]()
    open_store: ClassVar = open_store
    keeps_files: ClassVar = False
    published_extra: ClassVar = "keyring"
    short_ttl: ClassVar = 0.3
    model_examples: ClassVar = 5
    kills: ClassVar = 3
    many: ClassVar = 51

    @override
    @pytest.fixture
    def path(self, tmp_path: Path, keyring: Server) -> Path:
        return tmp_path

    @override
    def published_opening(self, path: Path) -> str:
        return _published_opening(f"service_name={str(path)!r}")

    @override
    async def write_raw(self, store: Store, *, collection: str, key: str, data: bytes) -> None:
        replace_secret(f"{collection}::{key}", data)

    async def test_is_kept_where_0_5_kept_it(self, keyring: Server) -> None:
        async with KeyringStore() as store:
            await store.put("my-key", {"a": 1}, collection="c d")
        text = driver.get_password("py-key-value", "c d::my-key")
        assert text is not None
        head, _, tail = text.partition(', "created_at": "')
        assert head == '{"collection": "c d"'
        assert tail.partition('"')[2] == ', "key": "my-key", "value": {"a": 1}, "version": 1}'

    async def test_a_whole_entry_survives_each_kill_in_parts(self, path: Path, tmp_path: Path) -> None:
        class Other(TestKeyringStore):
            open_store: ClassVar = open_in_parts

        await Other().test_a_killed_process_leaves_whole_entries(path, tmp_path)

    async def test_a_service_is_its_own(self, path: Path) -> None:
        async with (
            KeyringStore(service_name=f"{path}-1") as one,
            KeyringStore(service_name=f"{path}-2") as two,
        ):
            await one.put("key", {"n": 1})
            assert await two.get("key") is None
            assert await two.delete("key") is False
            assert await one.get("key") == {"n": 1}


class TestTheOldStrategies:
    STRATEGIES: ClassVar[dict[str, Any]] = {
        "key_sanitization_strategy": KeyringV1KeySanitizationStrategy(),
        "collection_sanitization_strategy": KeyringV1CollectionSanitizationStrategy(),
    }

    @pytest.mark.parametrize("store_type", [KeyringStore, OnWindows])
    async def test_are_as_they_were(self, keyring: Server, store_type: type[KeyringStore]) -> None:
        async with store_type(**self.STRATEGIES) as store:
            await store.put("my-key", {"a": 1}, collection="c d")
            assert await store.get("my-key", collection="c d") == {"a": 1}
            assert usernames("py-key-value") == ["S_c_d-b561f19f::S_my_key-5e78863e"]
            with pytest.raises(InvalidKeyError, match="reserved prefixes"):
                await store.get("S_a")

    async def test_find_what_0_5_wrote_with_them(self, keyring: Server, published: Publish) -> None:
        strategies = ", ".join(f"{name}={type(it).__name__}()" for name, it in self.STRATEGIES.items())
        opening = (
            "from key_value.aio.stores.keyring.store import "
            "KeyringV1KeySanitizationStrategy, KeyringV1CollectionSanitizationStrategy\n"
            + _published_opening(strategies)
        )
        put = {"key": "my-key", "value": {"a": 1}, "collection": "c d"}
        published("keyring").run(opening, ("put", put))
        async with KeyringStore(**self.STRATEGIES) as store:
            assert await store.get("my-key", collection="c d") == {"a": 1}


class TestWithoutAKeyring:
    @pytest.fixture(params=[fail.Keyring, null.Keyring], ids=["absent", "disabled"])
    def no_keyring(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(core, "_keyring_backend", request.param())

    @pytest.mark.usefixtures("no_keyring")
    @each_operation
    async def test_one_that_is_not_there_is_no_miss(self, operation: str) -> None:
        store = KeyringStore()
        with pytest.raises(StoreConnectionError, match="No keyring is available"):
            await OPERATIONS[operation](store)
        await store.close()

    async def test_it_is_found_once_it_is_there(
        self, monkeypatch: pytest.MonkeyPatch, manager: "CredentialManager"
    ) -> None:
        async with KeyringStore() as store:
            await store.close()
            monkeypatch.setattr(core, "_keyring_backend", fail.Keyring())
            with pytest.raises(StoreConnectionError):
                await store.__aenter__()
            monkeypatch.setattr(core, "_keyring_backend", manager)
            await store.__aenter__()
            await store.put("key", {"n": 1})

    @each_operation
    async def test_a_locked_one_is_no_miss(self, keyring: Server, operation: str) -> None:
        with start() as server, on_bus(server):
            async with KeyringStore() as store:
                await store.put("key", {"n": 1})
                lock()
                with pytest.raises(StoreConnectionError, match="Failed to unlock"):
                    await OPERATIONS[operation](store)
            gc.collect()

    @each_operation
    async def test_one_that_has_ended_is_no_miss(self, keyring: Server, operation: str) -> None:
        with start() as server, on_bus(server):
            store = KeyringStore()
            await store.put("key", {"n": 1})
        with on_bus(server):
            with pytest.raises(StoreConnectionError):
                await OPERATIONS[operation](store)
            await store.close()

    async def test_the_secret_service_is_chosen(
        self, keyring: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(core, "_keyring_backend", None)
        async with KeyringStore() as store:
            await store.put("key", {"n": 1})
        assert isinstance(driver.get_keyring(), SecretService.Keyring)
        assert usernames("py-key-value") == ["default_collection::key"]


class CredentialManager:
    """A double of the Windows Credential Manager: case-insensitive, with the limits of `wincred.h`.

    Attributes:
        passwords: Stored passwords.
        refuse_after: Number of passwords that it accepts before it refuses more.
        while_reading: Callback with each name before its lookup.
    """

    def __init__(self) -> None:
        self.passwords: dict[str, str] = {}
        self.refuse_after = 10**9
        self.while_reading: Callable[[str], None] | None = None

    def get_password(self, service: str, username: str) -> str | None:
        if self.while_reading is not None:
            self.while_reading(username)
        return self.passwords.get(self._target(service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.refuse_after -= 1
        if self.refuse_after < 0 or len(password.encode("utf-16-le")) > 2560:
            raise PasswordSetError("The stub received bad data")
        self.passwords[self._target(service, username)] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.passwords.pop(self._target(service, username), None) is None:
            raise PasswordDeleteError(service)

    def _target(self, service: str, username: str) -> str:
        if not 0 < len(username.encode("utf-16-le")) // 2 <= LONGEST_NAME or "\0" in username:
            raise KeyringError("The parameter is incorrect")
        return f"{username}@{service}".upper()


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> CredentialManager:
    manager = CredentialManager()
    monkeypatch.setattr(core, "_keyring_backend", manager)
    return manager


class TestOnWindows(StoreConformance):
    abilities: ClassVar = frozenset[type]()
    persistent: ClassVar = True

    @pytest.fixture
    async def store(self, manager: CredentialManager) -> AsyncIterator[OnWindows]:
        async with OnWindows() as store:
            yield store

    @override
    async def write_raw(self, store: Store, *, collection: str, key: str, data: bytes) -> None:
        driver.set_password("py-key-value", f"{collection}::{key}", data.decode(errors="replace"))

    async def test_capitals_are_escaped(self, store: OnWindows, manager: CredentialManager) -> None:
        await store.put("accessToken", {"n": 1})
        assert [*manager.passwords] == ["DEFAULT_COLLECTION::ACCESS%54OKEN@PY-KEY-VALUE"]

    async def test_reads_what_0_5_wrote_in_capitals(
        self, store: OnWindows, manager: CredentialManager
    ) -> None:
        self._written_by_0_5("accessToken")
        assert await store.get("accessToken") == {"from": "0.5"}
        assert await store.get("accesstoken") is None
        await store.put("accessToken", {"n": 1})
        assert [*manager.passwords] == ["DEFAULT_COLLECTION::ACCESS%54OKEN@PY-KEY-VALUE"]
        assert await store.get("accessToken") == {"n": 1}

    async def test_deletes_what_0_5_wrote_in_capitals(
        self, store: OnWindows, manager: CredentialManager
    ) -> None:
        self._written_by_0_5("accessToken")
        assert await store.delete("AccessToken") is False
        assert await store.delete("accessToken") is True
        assert manager.passwords == {}

    async def test_no_other_is_taken_for_it(self, store: OnWindows, manager: CredentialManager) -> None:
        await store.put("accesstoken", {"n": 1})
        assert await store.get("accessToken") is None
        await store.put("accessToken", {"n": 2})
        assert await store.get("accesstoken") == {"n": 1}

    def _written_by_0_5(self, key: str) -> None:
        names = f'"collection": "default_collection", "key": "{key}"'
        text = f'{{{names}, "value": {{"from": "0.5"}}, "version": 1}}'
        driver.set_password("py-key-value", f"default_collection::{key}", text)

    def test_names_fit(self) -> None:
        naming = KeyringNames(windows=True)
        longest = [
            max(len(strategy.sanitize(name).encode("utf-16-le")) // 2 for name in HOSTILE_NAMES)
            for strategy in (naming.collections, naming.keys)
        ]
        assert sum(longest) + len("::") <= LONGEST_NAME


class TestParts:
    VALUE: ClassVar = {"text": "0123456789" * 50}

    @pytest.fixture
    async def store(self, manager: CredentialManager) -> AsyncIterator[InParts]:
        async with InParts() as store:
            yield store

    async def test_a_long_value_is_kept_in_several(self, store: InParts, manager: CredentialManager) -> None:
        await store.put("key", self.VALUE)
        assert len(manager.passwords) > 5
        assert max(map(len, manager.passwords.values())) <= LIMIT
        assert await store.get("key") == self.VALUE

    @pytest.mark.parametrize("value", [{}, {"text": "x" * 100}, {"text": "y" * 1000}])
    async def test_nothing_is_left_of_what_was_replaced(
        self, store: InParts, manager: CredentialManager, value: dict[str, Any]
    ) -> None:
        await store.put("other", value)
        alone = len(manager.passwords)
        await store.put("key", self.VALUE)
        await store.put("key", value)
        assert await store.get("key") == value
        assert abs(len(manager.passwords) - 2 * alone) <= 1
        await store.delete("other")
        assert await store.delete("key") is True
        assert manager.passwords == {}

    async def test_a_write_that_fails_leaves_the_old_value(
        self, store: InParts, manager: CredentialManager
    ) -> None:
        await store.put("other", self.VALUE)
        items = len(manager.passwords)
        await store.put("key", {"text": "old" * 100})
        before = dict(manager.passwords)
        for calls in range(items):
            manager.refuse_after = calls
            with pytest.raises(KeyValueStoreError, match="bad data") as caught:
                await store.put("key", self.VALUE)
            assert isinstance(caught.value.__cause__, PasswordSetError)
            assert manager.passwords == before

    async def test_a_missing_part_is_an_error(self, store: InParts, manager: CredentialManager) -> None:
        await store.put("key", self.VALUE)
        for name in [name for name in manager.passwords if name.startswith("::")][:2]:
            del manager.passwords[name]
        with pytest.raises(DeserializationError, match=r"2 of \d+ chunks are missing.*key: key"):
            await store.get("key")
        assert await store.delete("key") is True
        assert manager.passwords == {}

    async def test_two_writers_and_a_reader_never_see_a_mixture(self, manager: CredentialManager) -> None:
        async def write(store: KeyringStore) -> None:
            for number in range(50):
                await store.put("key", {"n": number % 10, "text": str(number % 10) * 300})

        async def read(store: KeyringStore) -> None:
            while not writing.done():
                value = await store.get("key")
                assert value is not None
                assert value["text"] == str(value["n"]) * 300

        # Lets the threads of the stores take turns within an operation.
        manager.while_reading = lambda _: time.sleep(0.0001)
        stores = [InParts() for _ in range(3)]
        await stores[0].put("key", {"n": 0, "text": "0" * 300})
        writing = asyncio.gather(*map(write, stores[:2]))
        await asyncio.gather(writing, read(stores[2]))
        for store in stores:
            await store.close()

    async def test_a_reader_follows_who_replaces(self, store: InParts, manager: CredentialManager) -> None:
        await store.put("key", self.VALUE)
        other = InParts()
        replaced: list[str] = []

        def replace(username: str) -> None:
            if username.startswith("::") and not replaced:
                replaced.append(username)
                asyncio.run(_put_and_close(other, "key", {"text": "new" * 100}))

        manager.while_reading = replace
        assert await store.get("key") == {"text": "new" * 100}
        assert replaced

    async def test_is_no_entry_to_0_5(self, keyring: Server, published: Publish) -> None:
        """0.5 reports an unreadable entry; if it were a miss, applications would overwrite it."""
        async with InParts() as store:
            await store.put("key", self.VALUE)
        with pytest.raises(AssertionError, match="DeserializationError"):
            published("keyring").run(_published_opening(""), ("get", {"key": "key"}))


async def test_a_refused_delete_is_no_miss(
    manager: CredentialManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with KeyringStore() as store:
        await store.put("key", {"n": 1})
        monkeypatch.setattr(manager, "delete_password", _refuse)
        with pytest.raises(KeyValueStoreError, match="you may not"):
            await store.delete("key")
        assert await store.get("key") == {"n": 1}


async def test_what_is_deleted_meanwhile_is_no_error(
    manager: CredentialManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deleted_by_another(service: str, username: str) -> None:
        manager.passwords.clear()
        raise PasswordDeleteError(service)

    async with KeyringStore() as store:
        await store.put("key", {"n": 1})
        monkeypatch.setattr(manager, "delete_password", deleted_by_another)
        await store.delete("key")
        assert await store.get("key") is None


@pytest.mark.skipif(not VANISHED, reason="only the Secret Service tells what vanished")
async def test_what_vanishes_while_it_is_read_or_deleted_is_missing(
    manager: CredentialManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def vanish(username: str) -> None:
        if manager.passwords:
            manager.passwords.clear()
            raise VANISHED[0]("Item does not exist!")

    def vanish_at_last(service: str, username: str) -> None:
        vanish(username)

    async with KeyringStore() as store:
        await store.put("key", {"n": 1})
        manager.while_reading = vanish
        assert await store.get("key") is None
        manager.while_reading = None
        await store.put("key", {"n": 1})
        monkeypatch.setattr(manager, "delete_password", vanish_at_last)
        await store.delete("key")
        assert manager.passwords == {}


def _refuse(service: str, username: str) -> None:
    raise PasswordDeleteError("you may not")


async def _put_and_close(store: KeyringStore, key: str, value: dict[str, Any]) -> None:
    await store.put(key, value)
    await store.close()


def _published_opening(arguments: str) -> str:
    return f"from key_value.aio.stores.keyring import KeyringStore\nstore = KeyringStore({arguments})"

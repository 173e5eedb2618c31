"""The facts about a store that the suite uses, and the hooks that bypass the store."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar, cast
from uuid import uuid4

import pytest

from key_value.aio.protocols import AsyncPutIfAbsentProtocol
from key_value.aio.testing.operations import READS, WRITES, Store, Write
from key_value.aio.testing.selection import ABILITIES, Fact, check_abilities, leave_out

__all__ = ["ABILITIES", "Conformance", "Opening", "nightly", "overrides"]

AbilityT = TypeVar("AbilityT")

Opening = Callable[[], Any]
"""Creates a store object that is not open yet; picklable if several processes may share its data."""

_HOOKS = ("write_raw", "plant", "refuse_writes", "count_stored", "opening")


def nightly() -> bool:
    """Return whether the slower nightly profile is active: `KV_TEST_PROFILE=nightly`."""
    return os.environ.get("KV_TEST_PROFILE") == "nightly"


class Conformance:
    """The facts about a store that its tests need; a subclass overrides those that differ.

    A test is collected only if the facts make it applicable.

    Attributes:
        abilities: Ability protocols of the store, no more and no less.
        persistent: Whether entries survive `close()`, so that they are found when the store is opened again.
        remembers: False for a store that accepts every entry and reads every key as missing, like NullStore.
            Only `ArgumentConformance`, `LifecycleConformance` and `SetupConformance` apply to it.
        on_base_store: False for a store that does not inherit from `BaseStore`, and for a wrapper.
        short_ttl: TTL of a short-lived entry, in seconds. No test fails because a store is slow, but if calls
            take longer than this, the tests cannot verify that entries live for their whole TTL; increase it.
        single_loop: Reason why the store can be used only in the event loop that opened it, if so.
        largest_value: Size of the largest value that the store accepts, in bytes; larger ones raise
            SerializationError or ValueTooLargeError. None if no test could reach the limit.
        refused_values: Names in `HARD_VALUES` of the values that the store rejects with SerializationError.
        many: Number of keys that the store must list, and maximum size of batches and number of concurrent
            tasks. The default exceeds most page sizes; choose a number above that of your backend. The
            nightly profile lists at least 10,001.
        rivals: Number of tasks per process that increment one counter concurrently. Their duration grows with
            the square of this number; reduce it if calls take milliseconds.
        model_examples: Number of operation sequences to compare with a model of the store. The nightly
            profile runs ten times as many.
        forks: Behaviour in a forked child of a store that was used before the fork: it "works", or "refuses"
            with StoreConnectionError. None if no test may fork.
        open_store: Opens the store at a path that may not exist yet. Omit it for a store without a path.
        keeps_files: False if the path that `open_store` takes does not name a file.
        owns_directories: Whether the store itself, not an engine, opens the files in directories below that
            path.
        bears_file_limits: Whether a limit on file sizes affects the engine like a full disk. If not, a small
            disk is mounted if the user has the permission.
        shared_by_processes: Whether several processes, and several objects in one process, may use the data
            at the same time. This is tested if `opening` is overridden.
        late: Seconds during which an abandoned write is watched for taking effect late.
        closed_frees: Whether a closed store frees its threads and descriptors. False if the driver keeps
            them.
        dropped_unclosed: Whether a store that is dropped without `close()` frees its threads and descriptors.
            False if the driver can only be closed with `await`.
        reclaimed: Number of short-lived entries to store for the reclamation tests, if `count_stored` is
            overridden.
    """

    abilities: ClassVar[frozenset[type]]
    persistent: ClassVar[bool] = False
    remembers: ClassVar[bool] = True
    on_base_store: ClassVar[bool] = True
    short_ttl: ClassVar[float] = 0.1
    single_loop: ClassVar[str | None] = None
    largest_value: ClassVar[int | None] = None
    refused_values: ClassVar[frozenset[str]] = frozenset()
    many: ClassVar[int] = 2_001
    rivals: ClassVar[int] = 10
    model_examples: ClassVar[int] = 30
    forks: ClassVar[Literal["works", "refuses"] | None] = "works"
    open_store: ClassVar[Callable[[Path], Any]]
    keeps_files: ClassVar[bool] = True
    owns_directories: ClassVar[bool] = False
    bears_file_limits: ClassVar[bool] = True
    shared_by_processes: ClassVar[bool] = True
    late: ClassVar[float] = 0.2
    closed_frees: ClassVar[bool] = True
    dropped_unclosed: ClassVar[bool] = True
    reclaimed: ClassVar[int] = 2_000

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Check the abilities, and remove the tests that do not apply."""
        super().__init_subclass__(**kwargs)
        check_abilities(cls)
        if hasattr(cls, "abilities"):
            leave_out(cls)

    def pytest_generate_tests(self) -> None:
        """Raise if the abilities are not declared."""
        if not hasattr(self, "abilities"):
            raise TypeError(f"{type(self).__name__} must state its abilities, at least `frozenset[type]()`")

    def parameters(self) -> dict[str, Mapping[str, Any]]:
        """Return the cases that `over` tries, by argument and name, for this store."""
        return {"write": self.writes(), "read": READS}

    async def write_raw(self, store: Store, *, collection: str, key: str, data: bytes) -> None:
        """Replace an entry's data in the backend, bypassing the store; override to test corruption.

        Args:
            store: The store from the fixture, which has stored the entry.
            collection: Collection of the entry.
            key: Key of the entry.
            data: Data to write instead of the stored document. If the backend does not store bytes, write the
                equivalent.
        """
        raise NotImplementedError

    async def plant(self, store: Store, *, collection: str, key: str) -> None:
        """Store a value of a foreign type at a key's address, such as a list in Redis.

        Override it if the backend has values of other types.

        Args:
            store: The store from the fixture. The key has no entry.
            collection: Collection of the key.
            key: The key.
        """
        raise NotImplementedError

    async def refuse_writes(self, store: Store, *, collection: str, key: str) -> None:
        """Make the backend reject every write to a key from now on, for example with a database trigger.

        Override it to test failing batches.

        Args:
            store: The store from the fixture. Its collection already has an entry.
            collection: Collection of the key.
            key: The key.
        """
        raise NotImplementedError

    async def count_stored(self, store: Store, *, collection: str) -> int:
        """Count the stored entries of a collection in the backend, including expired ones.

        Override it for a store that frees expired entries by itself.

        Args:
            store: The store from the fixture.
            collection: The collection.
        """
        raise NotImplementedError

    @pytest.fixture
    def opening(self) -> Opening:
        """A callable that creates another store object, such as `partial(MyStore, url)`.

        Override it to test several objects, event loops that end, and resources. If the store is
        `shared_by_processes`, the new object must use the data of the fixture `store`, and the callable must
        be picklable.
        """
        raise NotImplementedError

    @pytest.fixture
    def collection(self) -> str:
        """A collection that no other test uses, even if test runs share a server."""
        return f"c-{uuid4().hex}"

    def writes(self) -> dict[str, Write]:
        """Return the operations of the store that write an entry."""
        can_claim = AsyncPutIfAbsentProtocol in self.abilities
        return {name: write for name, write in WRITES.items() if can_claim or name != "put_if_absent"}

    def kept(self, value: dict[str, Any]) -> dict[str, Any] | None:
        """Return the value that a read should return for a stored value."""
        return value if self.remembers else None

    def ability(self, store: Store, protocol: type[AbilityT]) -> AbilityT:
        """Return the store, typed as having an ability that its tests declare."""
        assert isinstance(store, protocol), f"the store lost its {protocol.__name__}"
        return cast("AbilityT", store)


def overrides(hook: str) -> Fact:
    """Return a fact that is true if a class overrides a hook of `Conformance`."""
    assert hook in _HOOKS

    def overridden(tests: type) -> bool:
        definer = next(base for base in tests.__mro__ if hook in vars(base))
        return definer is not Conformance

    return overridden

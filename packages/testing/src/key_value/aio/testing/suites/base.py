"""The facts about a store that the suite reads, and the hooks by which it reaches past the store."""

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
"""Makes a store object, which is to be opened; picklable where several processes may use its data."""

_HOOKS = ("write_raw", "plant", "refuse_writes", "count_stored", "opening")


def nightly() -> bool:
    """Whether the tests run as the nightly profile, which takes its time: `KV_TEST_PROFILE=nightly`."""
    return os.environ.get("KV_TEST_PROFILE") == "nightly"


class Conformance:
    """The facts about a store that its tests need; a subclass states those that differ.

    A test is collected only where the facts say that it applies.

    Attributes:
        abilities: The ability protocols that the store has, no more and no less.
        persistent: Whether entries outlive `close()`, so that `async with` finds them again.
        remembers: False for a store that takes every entry and reads every key as missing, as NullStore does.
            Of the suite, `ArgumentConformance`, `LifecycleConformance` and `SetupConformance` apply to it.
        on_base_store: False for a store that does not build on `BaseStore`, and for a wrapper.
        short_ttl: Seconds that a short-lived entry lives. No test fails because a store is slow, but one
            whose calls take longer than this is not seen to keep its entries for their TTL: give it more.
        single_loop: Why the store can be used from the event loop that opened it only, if so.
        largest_value: Bytes of the largest value that the store holds; more raises SerializationError or
            ValueTooLargeError. None where no test could reach the limit.
        refused_values: The names in `HARD_VALUES` of those that the store refuses with SerializationError.
        many: How many keys the store is made to list, and at most how many a batch has and how many tasks use
            it at once. The default is beyond most page sizes; state a number beyond that of your backend. The
            nightly profile lists 10,001 at least.
        rivals: How many tasks of each process add to one counter at a time. What they take grows with the
            square of it: state fewer where a call takes milliseconds.
        model_examples: How many sequences of operations the store runs beside a model of itself. The nightly
            profile runs ten times as many.
        forks: What a store that was used before a fork does in the child: it "works", or "refuses" with
            StoreConnectionError. None where no test may fork.
        open_store: Opens the store at a path where there may be nothing yet. Leave it out for a store that is
            given no path.
        keeps_files: False where the path that `open_store` takes names no file.
        owns_directories: Whether the store itself opens the files in directories below that path, rather
            than an engine.
        bears_file_limits: Whether a limit on the size of files is to the engine what a full disk is. Where it
            is not, a small disk is mounted if the user may.
        shared_by_processes: Whether several processes may use the data at a time, and several objects of one
            process. They are tested where `opening` is overridden.
        late: Seconds in which a write that was given up is seen to land late.
        closed_frees: Whether a store that is closed frees its threads and descriptors. False where the driver
            keeps them.
        dropped_unclosed: Whether a store that is dropped without `close()` frees its threads and descriptors.
            False where the driver can only be closed by `await`.
        reclaimed: How many short-lived entries are stored to see that they are reclaimed, where
            `count_stored` is overridden.
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
        """Check the abilities, and leave out the tests that do not apply."""
        super().__init_subclass__(**kwargs)
        check_abilities(cls)
        if hasattr(cls, "abilities"):
            leave_out(cls)

    def pytest_generate_tests(self) -> None:
        """Say so where the abilities are not stated."""
        if not hasattr(self, "abilities"):
            raise TypeError(f"{type(self).__name__} must state its abilities, at least `frozenset[type]()`")

    def parameters(self) -> dict[str, Mapping[str, Any]]:
        """The cases that `over` tries, by argument and name; they depend on what the store has."""
        return {"write": self.writes(), "read": READS}

    async def write_raw(self, store: Store, *, collection: str, key: str, data: bytes) -> None:
        """Replace what the backend holds for an entry, past the store; override it to have corruption tested.

        Args:
            store: The store from the fixture. The entry was put through it.
            collection: The entry's collection.
            key: The entry's key.
            data: What to write in place of the stored document. Where the backend holds no bytes, write what
                corresponds to it there.
        """
        raise NotImplementedError

    async def plant(self, store: Store, *, collection: str, key: str) -> None:
        """Store what no store of this kind writes at a key's address, such as a list on Redis.

        Override it where the backend has values of other types.

        Args:
            store: The store from the fixture. The key holds no entry.
            collection: The key's collection.
            key: The key.
        """
        raise NotImplementedError

    async def refuse_writes(self, store: Store, *, collection: str, key: str) -> None:
        """Have the backend refuse every write to a key from now on, as a trigger of a database can.

        Override it to have failed batches tested.

        Args:
            store: The store from the fixture. Its collection holds an entry already.
            collection: The key's collection.
            key: The key.
        """
        raise NotImplementedError

    async def count_stored(self, store: Store, *, collection: str) -> int:
        """Count what the backend holds of a collection, expired or not, past the store.

        Override it for a store that frees by itself what has expired.

        Args:
            store: The store from the fixture.
            collection: The collection.
        """
        raise NotImplementedError

    @pytest.fixture
    def opening(self) -> Opening:
        """A callable that makes one more store object, such as `partial(MyStore, url)`.

        Override it to have several objects, event loops that end and resources tested. Where the store is
        `shared_by_processes`, the new one is on the data of the fixture `store`, and the callable is
        picklable.
        """
        raise NotImplementedError

    @pytest.fixture
    def collection(self) -> str:
        """A collection that no other test uses, also where runs share a server."""
        return f"c-{uuid4().hex}"

    def writes(self) -> dict[str, Write]:
        """The operations that store an entry, of those that the store has."""
        can_claim = AsyncPutIfAbsentProtocol in self.abilities
        return {name: write for name, write in WRITES.items() if can_claim or name != "put_if_absent"}

    def kept(self, value: dict[str, Any]) -> dict[str, Any] | None:
        """The value that a read finds of an entry that was stored before."""
        return value if self.remembers else None

    def ability(self, store: Store, protocol: type[AbilityT]) -> AbilityT:
        """Return the store as one that has an ability which its tests declare."""
        assert isinstance(store, protocol), f"the store lost its {protocol.__name__}"
        return cast("AbilityT", store)


def overrides(hook: str) -> Fact:
    """Whether a class overrides a hook of `Conformance`, which has none of its own."""
    assert hook in _HOOKS

    def overridden(tests: type) -> bool:
        definer = next(base for base in tests.__mro__ if hook in vars(base))
        return definer is not Conformance

    return overridden

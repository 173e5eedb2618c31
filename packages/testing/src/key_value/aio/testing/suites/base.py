"""What every concern of the suite knows about the store that it tests."""

from typing import Any, ClassVar, TypeVar, cast
from uuid import uuid4

import pytest

from key_value.aio.protocols.key_value import (
    AsyncCullProtocol,
    AsyncDestroyCollectionProtocol,
    AsyncDestroyStoreProtocol,
    AsyncEnumerateCollectionsProtocol,
    AsyncEnumerateKeysProtocol,
    AsyncPutIfAbsentProtocol,
)
from key_value.aio.testing.operations import READS, WRITES, Read, Store, Write

ABILITIES: frozenset[type] = frozenset(
    {
        AsyncCullProtocol,
        AsyncDestroyCollectionProtocol,
        AsyncDestroyStoreProtocol,
        AsyncEnumerateCollectionsProtocol,
        AsyncEnumerateKeysProtocol,
        AsyncPutIfAbsentProtocol,
    }
)

AbilityT = TypeVar("AbilityT")


class Conformance:
    """The facts about a store that its tests need; a subclass states those that differ.

    Attributes:
        abilities: The ability protocols that the store has, no more and no less.
        persistent: Whether entries outlive `close()`, so that `async with` finds them again.
        remembers: False for a store that takes every entry and reads every key as missing, as NullStore does.
            Of the suite, `ArgumentConformance`, `LifecycleConformance` and `SetupConformance` apply to it.
        short_ttl: Seconds that a short-lived entry lives. No test fails because a store is slow, but one
            whose calls take longer than this is not seen to keep its entries for their TTL: give it more.
        single_loop: Why the store can be used from the event loop that opened it only, if so.
        largest_value: Bytes of the largest value that the store holds; more raises SerializationError or
            ValueTooLargeError. None where no test could reach the limit.
        refused_values: The names in `HARD_VALUES` of those that the store refuses with SerializationError.
        many: How many keys the store is made to list. The default is beyond the page size of any backend.
        model_examples: How many sequences of operations the store runs beside a model of itself.
    """

    abilities: ClassVar[frozenset[type]]
    persistent: ClassVar[bool] = False
    remembers: ClassVar[bool] = True
    short_ttl: ClassVar[float] = 0.1
    single_loop: ClassVar[str | None] = None
    largest_value: ClassVar[int | None] = None
    refused_values: ClassVar[frozenset[str]] = frozenset()
    many: ClassVar[int] = 10_001
    model_examples: ClassVar[int] = 80

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

    @pytest.fixture
    def collection(self) -> str:
        """A collection that no other test uses, also where runs share a server."""
        return f"c-{uuid4().hex}"

    @pytest.fixture(params=sorted(WRITES))
    def write(self, request: pytest.FixtureRequest) -> Write:
        """Each of the operations that store an entry."""
        if request.param not in self.writes():
            pytest.skip("the store declares no AsyncPutIfAbsentProtocol")
        return WRITES[request.param]

    @pytest.fixture(params=sorted(READS))
    def read(self, request: pytest.FixtureRequest) -> Read:
        """Each of the operations that read a value."""
        return READS[request.param]

    def writes(self) -> dict[str, Write]:
        """The operations that store an entry, of those that the store has."""
        can_claim = AsyncPutIfAbsentProtocol in self.abilities
        return {name: write for name, write in WRITES.items() if can_claim or name != "put_if_absent"}

    def kept(self, value: dict[str, Any]) -> dict[str, Any] | None:
        """What a read of an entry finds that was stored before."""
        return value if self.remembers else None

    def ability(self, store: Store, protocol: type[AbilityT]) -> AbilityT:
        """Return the store as one that has an ability; skip the test where none was declared."""
        if protocol not in self.abilities:
            pytest.skip(f"the store declares no {protocol.__name__}")
        assert isinstance(store, protocol), f"the store lost its {protocol.__name__}"
        return cast("AbilityT", store)

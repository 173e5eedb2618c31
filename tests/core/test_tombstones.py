"""`VersionedStore.leaves_tombstones`: exactly one removal succeeds even if its reply is lost."""

import asyncio
from typing import ClassVar

import pytest
from typing_extensions import override

from key_value.aio.errors import StoreConnectionError
from key_value.aio.stores.base import VersionedBytesStore


class Objects(VersionedBytesStore):
    """A store whose removals always happen but never get a reply, as if a driver sent them twice."""

    leaves_tombstones: ClassVar = True
    reconnects: ClassVar = True

    def __init__(self) -> None:
        super().__init__(timeout=10)
        self.objects: dict[str, bytes] = {}

    @override
    async def _read(self, address: str) -> bytes | None:
        await asyncio.sleep(0)
        return self.objects.get(address)

    @override
    async def _write(self, address: str, data: bytes, ttl: float | None) -> None:
        self.objects[address] = data

    @override
    async def _remove(self, address: str) -> None:
        self.objects.pop(address, None)

    @override
    async def _write_if(self, address: str, data: bytes, ttl: float | None, version: str | None) -> bool:
        there = self.objects.get(address)
        if version != (None if there is None else self.version_of(there)):
            return False
        self.objects[address] = data
        return True

    @override
    async def _remove_if(self, address: str, version: str) -> bool:
        there = self.objects.get(address)
        if there is not None and self.version_of(there) == version:
            del self.objects[address]
        raise StoreConnectionError(message="the connection was lost")


async def test_one_of_all_who_pop_gets_the_value() -> None:
    async with Objects() as store:
        await store.put("k", {"n": 1})
        popped = await asyncio.gather(*(store.pop("k") for _ in range(20)))
        assert [value for value in popped if value is not None] == [{"n": 1}]
        assert store.objects == {}


async def test_one_of_all_who_delete_a_version_does() -> None:
    async with Objects() as store:
        await store.put("k", {"n": 1})
        found = await store.get_versioned("k")
        assert found is not None
        deleted = await asyncio.gather(
            *(store.delete_if_version("k", version=found.version) for _ in range(20))
        )
        assert sum(deleted) == 1
        assert await store.get("k") is None


async def test_a_dead_entry_that_stays_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Objects() as store:

        async def fails(*_: object) -> bool:
            raise StoreConnectionError(message="the connection was lost")

        monkeypatch.setattr(store, "_remove_if", fails)
        await store.put("k", {"n": 1})
        assert await store.pop("k") == {"n": 1}
        assert len(store.objects) == 1
        assert await store.get("k") is None
        assert await store.pop("k") is None
        assert await store.put_if_absent("k", {"n": 2})
        assert await store.get("k") == {"n": 2}


async def test_a_pop_beside_one_whose_answer_is_lost_leaves_it_the_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Objects() as store, Objects() as other:
        other.objects = store.objects
        await store.put("k", {"n": 1})
        write_if = store._write_if
        others: list[object] = []

        async def loses_the_answer(address: str, data: bytes, ttl: float | None, version: str | None) -> bool:
            assert await write_if(address, data, ttl, version)
            others.append(await other.pop("k"))
            raise StoreConnectionError(message="the connection was lost")

        monkeypatch.setattr(store, "_write_if", loses_the_answer)
        assert await store.pop("k") == {"n": 1}
        assert others == [None]

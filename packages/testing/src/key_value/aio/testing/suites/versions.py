"""Versions: a conditional write happens only if the entry has not changed since it was read."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from key_value.aio.errors import InvalidTTLError, SerializationError
from key_value.aio.protocols import AsyncCompareAndSetProtocol, AsyncTouchProtocol, TimeToLive
from key_value.aio.testing.clock import outlive
from key_value.aio.testing.hostile_names import HOSTILE_NAMES, label
from key_value.aio.testing.operations import Read, Store, Write
from key_value.aio.testing.processes import PROCESSES, in_processes
from key_value.aio.testing.selection import needs, states, when
from key_value.aio.testing.suites.base import Conformance, Opening, overrides
from key_value.aio.testing.trials import named, over, try_each

ADDITIONS = 5
NO_VERSIONS = {"empty": "", "number": "0", "negative": "-1", "null": "null", "long": "x" * 10_000, "é": "é"}


async def add(store: AsyncCompareAndSetProtocol, collection: str) -> None:
    """Add 1 to a counter, and retry until the version matches."""
    while True:
        found = await store.get_versioned("counter", collection=collection)
        assert found is not None, "the counter is missing"
        value = {"n": found.value["n"] + 1}
        if await store.put_if_version("counter", value, version=found.version, collection=collection):
            return


async def _add_often(store: AsyncCompareAndSetProtocol, collection: str, tasks: int) -> None:
    async def one_after_another() -> None:
        for _ in range(ADDITIONS):
            await add(store, collection)

    await asyncio.gather(*(one_after_another() for _ in range(tasks)))


async def _add_in_process(tasks: int, opening: Opening, collection: str, _: int) -> None:
    async with opening() as store:
        await _add_often(store, collection, tasks)


class VersionConformance(Conformance):
    """`get_versioned`, `put_if_version` and `delete_if_version`."""

    @needs(AsyncCompareAndSetProtocol)
    async def test_reads_a_value_with_its_version_and_ttl(self, store: Store, collection: str) -> None:
        await store.put("key", {"n": 1}, collection=collection)
        found = await self._comparing(store).get_versioned("key", collection=collection)
        assert found is not None
        assert (found.value, found.ttl) == ({"n": 1}, None)
        await store.put("key", {"n": 2}, collection=collection, ttl=1000)
        found = await self._comparing(store).get_versioned("key", collection=collection)
        assert found is not None
        assert found.value == {"n": 2}
        assert found.ttl is not None
        assert 0 < found.ttl <= 1000

    @needs(AsyncCompareAndSetProtocol)
    async def test_a_missing_key_has_no_version(self, store: Store, collection: str) -> None:
        assert await self._comparing(store).get_versioned("key", collection=collection) is None
        await store.put("key", {"n": 1}, collection=collection)
        await store.delete("key", collection=collection)
        assert await self._comparing(store).get_versioned("key", collection=collection) is None

    @needs(AsyncCompareAndSetProtocol)
    @over("write", at_once=True)
    async def test_an_expired_entry_has_no_version(self, store: Store, collection: str, write: Write) -> None:
        await write(store, "key", {"n": 1}, collection=collection, ttl=self.short_ttl)
        await outlive(self.short_ttl)
        assert await self._comparing(store).get_versioned("key", collection=collection) is None

    @needs(AsyncCompareAndSetProtocol)
    async def test_the_version_of_an_expired_entry_matches_nothing(
        self, store: Store, collection: str
    ) -> None:
        able = self._comparing(store)
        await store.put("key", {"n": 1}, collection=collection, ttl=1000)
        version = await self._version(store, collection)
        shorter = await able.put_if_version(
            "key", {"n": 1}, version=version, collection=collection, ttl=self.short_ttl
        )
        assert shorter is not None
        await outlive(self.short_ttl)
        await self._match_nothing(store, collection, version, shorter)
        assert await store.get("key", collection=collection) is None
        await store.put("key", {"n": 1}, collection=collection)
        await self._match_nothing(store, collection, version, shorter)

    @needs(AsyncCompareAndSetProtocol)
    @over("read")
    async def test_put_if_version_returns_the_next_version(
        self, store: Store, collection: str, read: Read
    ) -> None:
        able = self._comparing(store)
        await store.put("key", {"n": 0}, collection=collection, ttl=1000)
        version = await self._version(store, collection)
        for n in range(1, 4):
            new = await able.put_if_version("key", {"n": n}, version=version, collection=collection)
            assert new is not None
            assert new != version
            assert await read(store, "key", collection=collection) == {"n": n}
            assert await self._version(store, collection) == new
            version = new
        assert await store.ttl("key", collection=collection) == ({"n": 3}, None)

    @needs(AsyncCompareAndSetProtocol)
    @over(ttl=named(1000, timedelta(seconds=1000)))
    async def test_put_if_version_sets_the_ttl(self, store: Store, collection: str, ttl: TimeToLive) -> None:
        await store.put("key", {"n": 0}, collection=collection)
        version = await self._version(store, collection)
        await self._comparing(store).put_if_version(
            "key", {"n": 1}, version=version, collection=collection, ttl=ttl
        )
        value, left = await store.ttl("key", collection=collection)
        assert value == {"n": 1}
        assert left is not None
        assert 0 < left <= 1000

    @needs(AsyncCompareAndSetProtocol)
    async def test_delete_if_version_removes_the_entry_once(self, store: Store, collection: str) -> None:
        able = self._comparing(store)
        await store.put("key", {"n": 1}, collection=collection)
        version = await self._version(store, collection)
        assert await able.delete_if_version("key", version=version, collection=collection) is True
        assert await store.get("key", collection=collection) is None
        assert await able.delete_if_version("key", version=version, collection=collection) is False

    @needs(AsyncCompareAndSetProtocol)
    @over("write")
    async def test_a_stale_version_matches_nothing(self, store: Store, collection: str, write: Write) -> None:
        """This includes an entry that was deleted and stored again with an equal value."""
        await store.put("key", {"n": 1}, collection=collection)
        stale = await self._version(store, collection)
        await store.put("key", {"n": 1}, collection=collection)
        await self._match_nothing(store, collection, stale)
        second = await self._version(store, collection)
        await store.delete("key", collection=collection)
        await self._match_nothing(store, collection, stale, second)
        assert await store.get("key", collection=collection) is None
        await write(store, "key", {"n": 1}, collection=collection)
        await self._match_nothing(store, collection, stale, second)
        assert await store.get("key", collection=collection) == {"n": 1}

    @needs(AsyncCompareAndSetProtocol)
    async def test_equal_values_at_once_have_versions_of_their_own(
        self, store: Store, collection: str
    ) -> None:
        """This includes values written within the same clock tick."""
        able, seen = self._comparing(store), list[str]()
        for _ in range(20):
            await store.put("key", {"n": 1}, collection=collection)
            seen.append(await self._version(store, collection))
            await store.put_many(["key"], [{"n": 1}], collection=collection)
            seen.append(await self._version(store, collection))
            new = await able.put_if_version("key", {"n": 1}, version=seen[-1], collection=collection)
            assert new is not None
            seen.append(new)
        assert len(set(seen)) == len(seen)

    @needs(AsyncCompareAndSetProtocol)
    @over("read")
    async def test_a_read_changes_no_version(self, store: Store, collection: str, read: Read) -> None:
        await store.put("key", {"n": 1}, collection=collection)
        version = await self._version(store, collection)
        await read(store, "key", collection=collection)
        assert await self._version(store, collection) == version

    @needs(AsyncCompareAndSetProtocol)
    async def test_any_text_is_a_version_that_matches_nothing(self, store: Store, collection: str) -> None:
        await store.put("key", {"n": 1}, collection=collection)

        async def match_nothing(version: str) -> None:
            await self._match_nothing(store, collection, version)
            assert (
                await self._comparing(store).put_if_version(
                    "missing", {"n": 1}, version=version, collection=collection
                )
                is None
            )

        await try_each(NO_VERSIONS, match_nothing)
        assert await store.get_many(["key", "missing"], collection=collection) == [{"n": 1}, None]

    @needs(AsyncCompareAndSetProtocol)
    async def test_any_name_has_versions(self, store: Store, collection: str) -> None:
        able = self._comparing(store)

        async def use(name: str) -> None:
            await store.put(name, {"n": 1}, collection=collection)
            found = await able.get_versioned(name, collection=collection)
            assert found is not None
            new = await able.put_if_version(name, {"n": 2}, version=found.version, collection=collection)
            assert new is not None
            assert await store.get(name, collection=collection) == {"n": 2}
            assert await able.delete_if_version(name, version=new, collection=collection) is True

        await try_each({label(name): name for name in HOSTILE_NAMES}, use, at_once=True)

    @needs(AsyncCompareAndSetProtocol)
    async def test_a_refused_conditional_write_changes_nothing(self, store: Store, collection: str) -> None:
        able = self._comparing(store)
        await store.put("key", {"n": 1}, collection=collection)
        version = await self._version(store, collection)
        bad: Any = {"n": {1}}
        with pytest.raises(SerializationError):
            await able.put_if_version("key", bad, version=version, collection=collection)
        with pytest.raises(InvalidTTLError):
            await able.put_if_version("key", {"n": 2}, version=version, collection=collection, ttl=0)
        with pytest.raises(TypeError):
            await able.put_if_version("key", bad["n"], version=version, collection=collection)
        assert await store.get("key", collection=collection) == {"n": 1}
        assert await self._version(store, collection) == version

    @when(states(persistent=True))
    @needs(AsyncCompareAndSetProtocol)
    async def test_a_version_outlives_close(self, store: Store, collection: str) -> None:
        await store.put("key", {"n": 1}, collection=collection)
        version = await self._version(store, collection)
        await store.close()
        async with store:
            assert await self._version(store, collection) == version
            assert await self._comparing(store).put_if_version(
                "key", {"n": 2}, version=version, collection=collection
            )

    @needs(AsyncCompareAndSetProtocol)
    async def test_additions_by_many_tasks_are_all_counted(self, store: Store, collection: str) -> None:
        await store.put("counter", {"n": 0}, collection=collection)
        await _add_often(self._comparing(store), collection, self.rivals)
        assert await store.get("counter", collection=collection) == {"n": self.rivals * ADDITIONS}

    @pytest.mark.timeout(300)
    @when(overrides("opening"), states(shared_by_processes=True))
    @needs(AsyncCompareAndSetProtocol)
    async def test_additions_by_many_processes_are_all_counted(
        self, store: Store, collection: str, opening: Opening
    ) -> None:
        await store.put("counter", {"n": 0}, collection=collection)
        await in_processes(partial(_add_in_process, self.rivals), opening, collection)
        assert await store.get("counter", collection=collection) == {"n": PROCESSES * self.rivals * ADDITIONS}

    @needs(AsyncCompareAndSetProtocol, AsyncTouchProtocol)
    async def test_a_touched_entry_keeps_versions_apart(self, store: Store, collection: str) -> None:
        """A writer that read before the touch may succeed or fail, but the next version is new."""
        await store.put("key", {"n": 1}, collection=collection)
        before = await self._version(store, collection)
        await self.ability(store, AsyncTouchProtocol).touch("key", ttl=1000, collection=collection)
        await store.put("key", {"n": 1}, collection=collection)
        await self._match_nothing(store, collection, before)

    def _comparing(self, store: Store) -> AsyncCompareAndSetProtocol:
        return self.ability(store, AsyncCompareAndSetProtocol)

    async def _version(self, store: Store, collection: str) -> str:
        found = await self._comparing(store).get_versioned("key", collection=collection)
        assert found is not None
        assert isinstance(found.version, str)
        return found.version

    async def _match_nothing(self, store: Store, collection: str, *versions: str) -> None:
        able = self._comparing(store)
        before = await store.get("key", collection=collection)
        for version in versions:
            new = await able.put_if_version("key", {"n": 9}, version=version, collection=collection)
            assert new is None
            assert await able.delete_if_version("key", version=version, collection=collection) is False
        assert await store.get("key", collection=collection) == before

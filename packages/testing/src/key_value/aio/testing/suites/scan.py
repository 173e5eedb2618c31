"""Scan: the keys of a collection, page by page, each exactly once."""

from asyncio import gather
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from key_value.aio.protocols import AsyncEnumerateCollectionsProtocol, AsyncScanProtocol
from key_value.aio.testing.clock import outlive
from key_value.aio.testing.hostile_names import HOSTILE_NAMES
from key_value.aio.testing.operations import Store
from key_value.aio.testing.processes import in_processes
from key_value.aio.testing.selection import needs, states, when
from key_value.aio.testing.suites.base import Conformance, Opening, overrides
from key_value.aio.testing.trials import named, over, try_each

VALUE: dict[str, Any] = {"n": 1}
PREFIXED = [f"{start}{mark}{end}" for mark in "*?[]\\%_^${}.:/é" for start in ("", "a") for end in ("", "b")]


async def pages(
    store: AsyncScanProtocol,
    collection: str | None,
    *,
    prefix: str = "",
    cursor: str | None = None,
    limit: int = 7,
    between: Callable[[], Awaitable[None]] | None = None,
) -> list[str]:
    """Scan to the end and return all keys, with any repetitions."""
    listed: list[str] = []
    cursors: set[str] = set()
    while True:
        page = await store.scan(collection, prefix=prefix, cursor=cursor, limit=limit)
        assert len(page.keys) <= limit
        listed.extend(page.keys)
        cursor = page.cursor
        if cursor is None:
            return listed
        assert cursor not in cursors, "the scan goes round in circles"
        cursors.add(cursor)
        if between is not None:
            await between()


async def _rest(opening: Opening, collection: str, cursor: str, _: int) -> list[str]:
    async with opening() as store:
        return await pages(store, collection, cursor=cursor)


class ScanConformance(Conformance):
    """A key that exists during the whole scan is listed exactly once; other processes can continue a scan."""

    @needs(AsyncScanProtocol)
    @over(limit=named(1, 2, 7, 1000))
    async def test_scan_lists_every_key_once(self, store: Store, collection: str, limit: int) -> None:
        keys = [f"key-{n}" for n in range(30)]
        await store.put_many(keys, [VALUE] * len(keys), collection=collection)
        await store.put("other", {}, collection=f"{collection}2")
        assert sorted(await pages(self._scanning(store), collection, limit=limit)) == sorted(keys)

    @needs(AsyncScanProtocol)
    async def test_scan_has_a_limit_of_its_own(self, store: Store, collection: str) -> None:
        keys = [f"key-{n}" for n in range(1_002)]
        await store.put_many(keys, [VALUE] * len(keys), collection=collection)
        page = await self._scanning(store).scan(collection)
        assert len(page.keys) <= 1_000
        assert page.cursor is not None
        rest = await pages(self._scanning(store), collection, cursor=page.cursor, limit=1_000)
        assert sorted([*page.keys, *rest]) == sorted(keys)

    @needs(AsyncScanProtocol)
    async def test_an_unknown_collection_has_no_keys(self, store: Store, collection: str) -> None:
        assert await pages(self._scanning(store), collection, limit=1_000) == []

    @needs(AsyncScanProtocol)
    @pytest.mark.parametrize("name", [None, ""], ids=["none", "empty"])
    async def test_scan_of_no_collection_lists_the_default_one(
        self, store: Store, collection: str, name: str | None
    ) -> None:
        await store.put(collection, {})
        assert await pages(self._scanning(store), name, prefix=collection, limit=1_000) == [collection]

    @needs(AsyncScanProtocol)
    async def test_a_prefix_is_taken_literally(self, store: Store, collection: str) -> None:
        keys = [*PREFIXED, "ab", "b", "A*", "x" * 300, f"{'x' * 300}y", ""]
        await store.put_many(keys, [VALUE] * len(keys), collection=collection)

        async def list_those_below(prefix: str) -> None:
            listed = await pages(self._scanning(store), collection, prefix=prefix)
            assert sorted(listed) == sorted(key for key in set(keys) if key.startswith(prefix))

        await try_each({repr(prefix): prefix for prefix in keys}, list_those_below, at_once=True)

    @needs(AsyncScanProtocol)
    async def test_scan_lists_any_name(self, store: Store, collection: str) -> None:
        keys = ["", *HOSTILE_NAMES]
        await store.put_many(keys, [VALUE] * len(keys), collection=collection)
        assert sorted(await pages(self._scanning(store), collection, limit=10)) == sorted(keys)

    @needs(AsyncScanProtocol)
    async def test_scan_lists_a_collection_of_any_name(self, store: Store, collection: str) -> None:
        names = [f"{name}{collection}" for name in HOSTILE_NAMES]
        await gather(
            *(store.put(f"{collection}-{index}", {}, collection=name) for index, name in enumerate(names))
        )
        listed = await gather(*(pages(self._scanning(store), name) for name in names))
        assert listed == [[f"{collection}-{index}"] for index in range(len(names))]

    @needs(AsyncScanProtocol)
    async def test_scan_lists_no_expired_key(self, store: Store, collection: str) -> None:
        old, new = [f"old-{n}" for n in range(10)], [f"new-{n}" for n in range(10)]
        await store.put_many(old, [VALUE] * 10, collection=collection, ttl=self.short_ttl)
        await store.put_many(new, [VALUE] * 10, collection=collection)
        await outlive(self.short_ttl)
        assert sorted(await pages(self._scanning(store), collection, limit=3)) == new

    @needs(AsyncScanProtocol)
    @over(limit=named(1, 7))
    async def test_scan_lists_what_stays_while_others_come_and_go(
        self, store: Store, collection: str, limit: int
    ) -> None:
        stay, go = [f"key-{n}" for n in range(0, 60, 2)], [f"key-{n}" for n in range(1, 60, 2)]
        await store.put_many([*stay, *go], [VALUE] * 60, collection=collection)
        going, coming = iter(go), iter(range(1_000))

        async def change() -> None:
            await store.delete(next(going, "none"), collection=collection)
            await store.put(stay[next(coming) % len(stay)], {"again": 1}, collection=collection)
            if (n := next(coming)) < 60:
                await store.put_many([f"a{n}", f"key-{n}a", f"z{n}"], [VALUE] * 3, collection=collection)

        listed = await pages(self._scanning(store), collection, limit=limit, between=change)
        assert sorted(key for key in listed if key in stay) == sorted(stay)

    @needs(AsyncScanProtocol)
    async def test_a_cursor_of_another_scan_is_a_value_error(self, store: Store, collection: str) -> None:
        able = self._scanning(store)
        for name in (collection, f"{collection}2"):
            await store.put_many([f"key-{n}" for n in range(5)], [VALUE] * 5, collection=name)
        cursor = (await able.scan(collection, limit=2)).cursor
        assert cursor is not None
        with pytest.raises(ValueError, match="cursor"):
            await able.scan(f"{collection}2", cursor=cursor)
        with pytest.raises(ValueError, match="cursor"):
            await able.scan(collection, cursor=cursor, prefix="k")
        for invented in ("", "0", "x", "é", "[]", "bm9uZQ=="):
            with pytest.raises(ValueError, match="cursor"):
                await able.scan(collection, cursor=invented)

    @needs(AsyncScanProtocol)
    @over(limit=named(0, -1))
    async def test_a_scan_limit_below_one_is_a_value_error(
        self, store: Store, collection: str, limit: int
    ) -> None:
        with pytest.raises(ValueError, match=str(limit)):
            await self._scanning(store).scan(collection, limit=limit)

    @needs(AsyncScanProtocol, AsyncEnumerateCollectionsProtocol)
    async def test_a_scan_creates_no_collection(self, store: Store, collection: str) -> None:
        await self._scanning(store).scan(collection)
        assert collection not in await self.ability(store, AsyncEnumerateCollectionsProtocol).collections()

    @when(states(persistent=True))
    @needs(AsyncScanProtocol)
    async def test_a_cursor_outlives_close(self, store: Store, collection: str) -> None:
        keys, first, cursor = await self._half(store, collection)
        await store.close()
        async with store:
            rest = await pages(self._scanning(store), collection, cursor=cursor)
        assert sorted([*first, *rest]) == keys

    @when(overrides("opening"), states(shared_by_processes=True))
    @needs(AsyncScanProtocol)
    async def test_another_store_object_continues_a_scan(
        self, store: Store, collection: str, opening: Opening
    ) -> None:
        keys, first, cursor = await self._half(store, collection)
        async with opening() as other:
            rest = await pages(other, collection, cursor=cursor)
        assert sorted([*first, *rest]) == keys

    @pytest.mark.timeout(300)
    @when(overrides("opening"), states(shared_by_processes=True))
    @needs(AsyncScanProtocol)
    async def test_another_process_continues_a_scan(
        self, store: Store, collection: str, opening: Opening
    ) -> None:
        keys, first, cursor = await self._half(store, collection)
        [rest] = await in_processes(_rest, opening, collection, cursor, count=1)
        assert sorted([*first, *rest]) == keys

    async def _half(self, store: Store, collection: str) -> tuple[list[str], list[str], str]:
        keys = sorted(f"key-{n}" for n in range(20))
        await store.put_many(keys, [VALUE] * len(keys), collection=collection)
        page = await self._scanning(store).scan(collection, limit=9)
        assert page.cursor is not None
        return keys, page.keys, page.cursor

    def _scanning(self, store: Store) -> AsyncScanProtocol:
        return self.ability(store, AsyncScanProtocol)

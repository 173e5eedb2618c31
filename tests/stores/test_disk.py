"""The stores in diskcache's format."""

import asyncio
import json
import re
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from typing_extensions import override

from key_value.aio.errors import (
    DeserializationError,
    KeyValueStoreError,
    StoreConnectionError,
    StoreSetupError,
    StoreTimeoutError,
)
from key_value.aio.protocols.key_value import (
    AsyncCullProtocol,
    AsyncDestroyStoreProtocol,
    AsyncEnumerateCollectionsProtocol,
)
from key_value.aio.stores.disk import DiskStore, MultiDiskStore
from key_value.aio.stores.disk.cache import Cache
from key_value.aio.stores.disk.cache_store import MAXIMUM_OPEN
from key_value.aio.stores.disk.value_files import ValueFiles
from key_value.aio.testing.operations import Store
from key_value.aio.testing.suites.base import ABILITIES
from tests.stores.embedded import EmbeddedConformance


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store"


CacheAt = Callable[..., Any]
"""Makes a cache at a path, with settings, as an application does."""


@pytest.fixture
def cache_at(diskcache: Any) -> CacheAt:
    def cache_at(path: Path, **settings: Any) -> Any:
        return diskcache.Cache(str(path), **settings)

    return cache_at


def open_disk(path: Path) -> DiskStore:
    return DiskStore(directory=path)


def open_multi(path: Path) -> MultiDiskStore:
    return MultiDiskStore(base_directory=path)


def overwrite(directory: Path, name: str, data: bytes) -> None:
    try:
        value = data.decode()
    except UnicodeDecodeError:
        value = data
    with closing(sqlite3.connect(directory / "cache.db")) as connection, connection:
        connection.execute("UPDATE Cache SET value = ? WHERE key = ?", (value, name))


def strays(directory: Path) -> list[Path]:
    """Return the value files that belong to no row."""
    with closing(sqlite3.connect(directory / "cache.db")) as connection:
        used = {directory / file for (file,) in connection.execute("SELECT filename FROM Cache") if file}
    return [path for path in directory.rglob("*.val") if path not in used]


class TestDiskStore(EmbeddedConformance):
    abilities: ClassVar = ABILITIES
    reads_what_it_cannot_write: ClassVar = False
    open_store: ClassVar = staticmethod(open_disk)
    owns_directories: ClassVar = True
    published_extra: ClassVar = "disk"

    @override
    def published_opening(self, path: Path) -> str:
        return (
            f"from key_value.aio.stores.disk import DiskStore\nstore = DiskStore(directory={str(path)!r})\n"
        )

    @override
    def leftovers(self, path: Path) -> list[Path]:
        return strays(path)

    @override
    async def refuse_writes(self, store: Store, *, collection: str, key: str) -> None:
        assert isinstance(store, DiskStore)
        refuse(store.directory, f"{collection}::{key}")

    @override
    async def count_stored(self, store: Store, *, collection: str) -> int:
        assert isinstance(store, DiskStore)
        return sum(key.startswith(f"{collection}::") for (key,) in rows(store.directory, "key"))

    @override
    async def write_raw(self, store: Store, *, collection: str, key: str, data: bytes) -> None:
        assert isinstance(store, DiskStore)
        overwrite(store.directory, f"{collection}::{key}", data)


class TestMultiDiskStore(EmbeddedConformance):
    abilities: ClassVar = ABILITIES
    reads_what_it_cannot_write: ClassVar = False
    open_store: ClassVar = staticmethod(open_multi)
    owns_directories: ClassVar = True
    published_extra: ClassVar = "disk"

    @override
    def published_opening(self, path: Path) -> str:
        return (
            "from pathlib import Path\n"
            "from key_value.aio.stores.disk import MultiDiskStore\n"
            f"store = MultiDiskStore(base_directory=Path({str(path)!r}))\n"
        )

    @override
    def leftovers(self, path: Path) -> list[Path]:
        return [file for directory in path.iterdir() for file in strays(directory)]

    @override
    async def refuse_writes(self, store: Store, *, collection: str, key: str) -> None:
        assert isinstance(store, MultiDiskStore)
        refuse(store.directory / collection, key)

    @override
    async def count_stored(self, store: Store, *, collection: str) -> int:
        assert isinstance(store, MultiDiskStore)
        return len(rows(store.directory / collection, "key"))

    @override
    async def write_raw(self, store: Store, *, collection: str, key: str, data: bytes) -> None:
        assert isinstance(store, MultiDiskStore)
        overwrite(store.directory / collection, key, data)


class _Bomb:
    """An object that leaves a trace if it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


class TestRows:
    """Rows in the format of diskcache and 0.5."""

    async def test_a_row_is_that_of_0_5(self, path: Path) -> None:
        async with DiskStore(directory=path) as store:
            await store.put("k", {"b": 1, "a": {"z": 1, "y": "é"}}, collection="c")
            await store.put("k", {"a": 1}, ttl=100)
        [plain, timed] = rows(path, "key, raw, expire_time, mode, filename, typeof(value), value")
        assert plain[:6] == ("c::k", 1, None, 1, None, "text")
        assert re.fullmatch(
            r'\{"collection": "c", "created_at": "[-0-9T:.]+\+00:00", "key": "k", '
            r'"value": \{"a": \{"y": "\\u00e9", "z": 1\}, "b": 1\}, "version": 1, '
            r'"write_id": "[0-9a-f]{16}"\}',
            plain[6],
        )
        document = json.loads(timed[6])
        assert timed[0] == "default_collection::k"
        assert timed[2] == pytest.approx(datetime.fromisoformat(document["expires_at"]).timestamp())

    async def test_a_large_value_is_in_a_file(self, path: Path) -> None:
        async with DiskStore(directory=path) as store:
            await store.put("large", {"text": "x" * 40_000})
            [(mode, filename, size, value)] = rows(path, "mode, filename, size, value")
            file = path / filename
            assert (mode, size, value) == (3, file.stat().st_size, None)
            assert re.fullmatch(r"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{28}-kv\.val", filename)
            assert json.loads(file.read_text())["value"] == {"text": "x" * 40_000}
            await store.put("large", {"n": 1})
            assert not file.parent.parent.exists()

    @pytest.mark.parametrize("given", [False, True])
    async def test_a_pickle_is_refused_and_not_read(
        self, cache_at: CacheAt, path: Path, tmp_path: Path, *, given: bool
    ) -> None:
        """CVE-2025-69872."""
        trace = tmp_path / "trace"
        with cache_at(path) as cache:
            cache.set("c::small", _Bomb(trace))
            cache.set("c::large", [_Bomb(trace), "x" * 100_000])
            cache.set(("c", "key"), _Bomb(trace))
            assert not trace.exists()
            async with DiskStore(disk_cache=cache) if given else DiskStore(directory=path) as store:
                for key in ("small", "large"):
                    with pytest.raises(DeserializationError, match=f"never loaded.*collection: c;key: {key}"):
                        await store.get(key, collection="c")
                    with pytest.raises(DeserializationError):
                        await store.put_if_absent(key, {}, collection="c")
                    with pytest.raises(DeserializationError):
                        await store.pop(key, collection="c")
                assert await store.keys("c") == []
                await store.cull()
                await store.destroy()
                assert await store.delete("small", collection="c") is True
                await store.put("large", {"n": 1}, collection="c")
                assert await store.get("large", collection="c") == {"n": 1}
        assert not trace.exists()

    @pytest.mark.parametrize("value", [b'{"value": {}}', 1, 1.5, None])
    async def test_what_is_not_text_is_not_missing(self, path: Path, value: object) -> None:
        async with DiskStore(directory=path) as store:
            await store.put("key", {"n": 1})
            execute(path, "UPDATE Cache SET value = ?", value)
            with pytest.raises(DeserializationError, match="not text"):
                await store.get("key")

    async def test_the_expiry_of_the_row_wins(self, cache_at: CacheAt, path: Path) -> None:
        with cache_at(path) as cache:
            async with DiskStore(directory=path) as store:
                await store.put_many(["longer", "shorter", "for ever"], [{"n": 1}] * 3, ttl=1000)
                cache.touch("default_collection::longer", expire=5000)
                cache.touch("default_collection::shorter", expire=-1)
                cache.touch("default_collection::for ever", expire=None)
                longer, shorter, for_ever = await store.ttl_many(["longer", "shorter", "for ever"])
                assert longer[1] is not None
                assert longer[1] > 4000
                assert shorter == (None, None)
                assert for_ever[1] is not None
                assert for_ever[1] <= 1000

    async def test_a_file_that_is_gone_is_an_error(self, path: Path) -> None:
        async with DiskStore(directory=path) as store:
            await store.put_many(["large", "small"], [{"text": "x" * 40_000}, {}])
            for file in path.glob("*/*/*.val"):
                file.unlink()
            with pytest.raises(DeserializationError, match="value's file is missing"):
                await store.get("large")
            assert await store.get("small") == {}

    async def test_a_file_that_is_replaced_meanwhile_is_read_again(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with DiskStore(directory=path) as store, DiskStore(directory=path) as other:
            await store.put("key", {"text": "x" * 40_000})
            read, lost = ValueFiles.read, list[object]()

            def lose_first(self: ValueFiles, filename: object, limit: int | None = None) -> bytes:
                if not lost:
                    lost.append(filename)
                    raise FileNotFoundError
                return read(self, filename, limit)

            monkeypatch.setattr(ValueFiles, "read", lose_first)
            assert await other.get("key") == {"text": "x" * 40_000}
            assert lost

    async def test_expired_rows_are_removed_by_later_puts(self, path: Path) -> None:
        async with DiskStore(directory=path) as store:
            await store.put_many([str(n) for n in range(15)], [{"n": 1}] * 15, ttl=1000)
            execute(path, "UPDATE Cache SET expire_time = 1")
            await store.put("new", {})
            assert len(rows(path, "key")) == 6
            await store.cull()
            assert rows(path, "key") == [("default_collection::new",)]


class TestTransactions:
    async def test_a_batch_is_stored_whole_or_not_at_all(self, path: Path) -> None:
        async with DiskStore(directory=path) as store:
            await store.put("large", {"text": "a" * 40_000})
            refuse(path, "default_collection::bad")
            with pytest.raises(KeyValueStoreError, match="refused"):
                await store.put_many(["large", "bad"], [{"text": "b" * 40_000}, {}])
            assert await store.get("large") == {"text": "a" * 40_000}
            assert strays(path) == []

    async def test_one_that_fails_harms_none_of_those_beside_it(self, path: Path) -> None:
        async with DiskStore(directory=path) as store:
            await store.put("first", {"n": 0})
            refuse(path, "default_collection::bad")
            names = [*map(str, range(20)), "bad", *map(str, range(20, 40))]
            puts = [store.put(name, {"name": name}) for name in names]
            results = await asyncio.gather(*puts, store.get("first"), return_exceptions=True)
            failed = [name for name, result in zip(names, results, strict=False) if result is not None]
            assert failed == ["bad"]
            assert results[-1] == {"n": 0}
            assert len(await store.keys()) == 41

    async def test_what_waits_is_one_transaction(self, path: Path) -> None:
        async with DiskStore(directory=path) as store:
            await store.put("key", {})
            before = wal_commits(path)
            await asyncio.gather(*(store.put(str(n), {}) for n in range(50)))
            assert wal_commits(path) - before < 10

    async def test_a_conditional_write_to_a_database_that_was_removed_is_known_to_have_failed(
        self, path: Path
    ) -> None:
        async with DiskStore(directory=path) as store:
            await store.put("key", {})
            (path / "cache.db").unlink()
            with pytest.raises(StoreConnectionError, match="removed or replaced"):
                await store.put_if_absent("other", {})

    async def test_a_writer_that_waits_too_long_is_told(self, cache_at: CacheAt, path: Path) -> None:
        with cache_at(path, timeout=0.05) as cache:
            async with DiskStore(disk_cache=cache) as store:
                await store.put("key", {"n": 1})
                with cache.transact():
                    put, got = await asyncio.gather(
                        store.put("key", {"n": 2}), store.get("key"), return_exceptions=True
                    )
                assert isinstance(put, StoreTimeoutError)
                assert isinstance(put.__cause__, sqlite3.OperationalError)
                assert got == {"n": 1}

    async def test_a_file_that_is_no_database(self, path: Path) -> None:
        path.mkdir()
        (path / "cache.db").write_text("this is no database " * 100)
        async with DiskStore(directory=path) as store:
            with pytest.raises(KeyValueStoreError, match="not a database"):
                await store.get("key")

    async def test_values_that_were_never_stored_are_removed(self, path: Path) -> None:
        async with DiskStore(directory=path) as store:
            await store.put("key", {"text": "x" * 40_000})
            # Left by another process that ended without closing the database.
            ours, others = path / "aa" / "bb" / "cc-kv.val", path / "aa" / "bb" / "cc.val"
            ours.parent.mkdir(parents=True)
            ours.touch()
            others.touch()
            async with DiskStore(directory=path) as second:
                assert await second.get("key") == {"text": "x" * 40_000}
            assert not ours.exists()
            assert others.exists()


class TestMaximumSize:
    """The limit on the size of a directory."""

    async def test_it_applies_to_an_existing_directory(self, path: Path) -> None:
        values = [{"text": "x" * 4000} for _ in range(200)]
        async with DiskStore(directory=path) as store:
            await store.put_many([str(n) for n in range(200)], values)
        async with DiskStore(directory=path, max_size=50_000) as store:
            await store.put("new", values[0])
            kept = await store.keys()
            assert 8 <= len(kept) <= 12
            assert "new" in kept
            assert "199" in kept
        async with DiskStore(directory=path) as store:
            await store.put_many([str(n) for n in range(50)], values[:50])
            assert len(await store.keys()) >= 50

    @pytest.mark.parametrize(("characters", "count"), [(10, 40), (1000, 30), (20_000, 2), (40_000, 1)])
    async def test_what_fits_stays(self, path: Path, characters: int, count: int) -> None:
        async with DiskStore(directory=path, max_size=50_000) as store:
            for n in range(count):
                await store.put(str(n), {"text": "x" * characters})
            assert len(await store.keys()) == count

    @pytest.mark.parametrize("characters", [100, 4000, 40_000])
    async def test_what_was_just_stored_stays(self, path: Path, characters: int) -> None:
        async with DiskStore(directory=path, max_size=1) as store:
            for n in range(5):
                await store.put(str(n), {"text": "x" * characters})
                assert await store.get(str(n)) == {"text": "x" * characters}

    async def test_a_batch_that_fits_drives_out_what_was_there(self, path: Path) -> None:
        async with DiskStore(directory=path, max_size=100_000) as store:
            await store.put_many([f"old-{n}" for n in range(15)], [{"text": "x" * 4000}] * 15)
            await store.put_many([f"new-{n}" for n in range(15)], [{"text": "x" * 4000}] * 15)
            assert {f"new-{n}" for n in range(15)} < set(await store.keys())


class TestGivenCache:
    """A cache that an application created with its own settings."""

    async def test_it_stays_open(self, cache_at: CacheAt, path: Path) -> None:
        with cache_at(path) as cache:
            cache.set("mine", [1])
            async with DiskStore(disk_cache=cache) as store:
                await store.put("key", {"n": 1})
            assert cache.get("mine") == [1]

    async def test_what_others_put_there_stays(self, cache_at: CacheAt, path: Path) -> None:
        with cache_at(path) as cache:
            others: dict[Any, Any] = {1: "one", "plain": "text", ("a", 1): "tuple", "a::b": {"un": "pickled"}}
            for key, value in others.items():
                cache.set(key, value)
            async with DiskStore(disk_cache=cache) as store:
                await store.put_many(["a", "b"], [{"n": 1}] * 2, collection="c")
                assert await store.destroy_collection("c") is True
                await store.put("a", {"n": 1}, collection="c")
                assert await store.destroy() is True
                assert await store.keys("c") == []
            assert {key: cache.get(key) for key in others} == others

    async def test_its_eviction_is_kept(self, cache_at: CacheAt, path: Path) -> None:
        with cache_at(path, eviction_policy="least-recently-used", size_limit=100_000) as cache:
            async with DiskStore(disk_cache=cache) as store:
                for n in range(40):
                    await store.put(str(n), {"text": "x" * 4000})
                    assert await store.get("0") is not None
                assert len(await store.keys()) < 30

    async def test_its_own_form_is_kept(self, diskcache: Any, cache_at: CacheAt, path: Path) -> None:
        with cache_at(path, disk=diskcache.JSONDisk, disk_compress_level=6) as cache:
            async with DiskStore(disk_cache=cache) as store:
                await store.put_many(["a", "b"], [{"n": 1}, {"text": "x" * 100_000}], collection="c")
                assert await store.get_many(["a", "b"], collection="c") == [{"n": 1}, {"text": "x" * 100_000}]
                assert sorted(await store.keys("c")) == ["a", "b"]
                assert await store.collections() == ["c"]
                assert json.loads(cache.get("c::a"))["value"] == {"n": 1}
                execute(path, "UPDATE Cache SET value = ?, mode = 1 WHERE rowid = 1", b"no zlib")
                with pytest.raises(DeserializationError, match="cannot be read"):
                    await store.get("a", collection="c")
                assert await store.destroy_collection("c") is True


class TestDirectory:
    async def test_reading_creates_nothing(self, path: Path) -> None:
        for store in (DiskStore(directory=path), MultiDiskStore(base_directory=path)):
            assert await store.get("key") is None
            assert await store.ttl_many(["key"]) == [(None, None)]
            assert await store.delete("key") is False
            assert await store.keys() == []
            assert isinstance(store, AsyncEnumerateCollectionsProtocol)
            assert await store.collections() == []
            await store.close()
        assert not path.exists()

    async def test_a_home_directory_is_found(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        monkeypatch.setenv("PLACE", "here")
        async with DiskStore(directory="~/$PLACE") as store:
            await store.put("key", {"n": 1})
        assert (tmp_path / "here" / "cache.db").exists()

    def test_wants_one_place(self, cache_at: CacheAt, path: Path) -> None:
        with pytest.raises(ValueError, match=r"^Either disk_cache or directory must be provided$"):
            DiskStore()
        with (
            cache_at(path) as cache,
            pytest.raises(ValueError, match=r"^Provide only one of disk_cache or directory$"),
        ):
            DiskStore(disk_cache=cache, directory=path)
        with pytest.raises(
            ValueError, match=r"^Either disk_cache_factory or base_directory must be provided$"
        ):
            MultiDiskStore()

    async def test_without_auto_create_directories_must_be_there(self, path: Path) -> None:
        with pytest.raises(ValueError, match=re.escape(f"Directory '{path}' does not exist. Either create")):
            DiskStore(directory=path, auto_create=False)
        async with MultiDiskStore(base_directory=path, auto_create=False) as store:
            assert await store.get("key", collection="c") is None
            with pytest.raises(StoreSetupError, match="c' does not exist"):
                await store.put("key", {}, collection="c")
            (path / "c").mkdir(parents=True)
            await store.put("key", {}, collection="c")


class TestFormerRows:
    """0.5 used names unchanged, and dropped characters from the names of directories."""

    DOCUMENT = (
        '{{"collection": "{}", "created_at": "2026-11-23T07:14:39+00:00", "key": "{}", "value": {{"n": 1}}}}'
    )

    @pytest.mark.parametrize(
        ("collection", "directory"), [("tools/list", "toolslist"), ("../up", "..up"), ("a::b", "ab")]
    )
    async def test_directories(self, path: Path, collection: str, directory: str) -> None:
        with closing(Cache.open(path / directory)) as cache, cache.transaction():
            for key in ("k", "l", "m"):
                cache.put(key, self.DOCUMENT.format(collection, key), None)
        async with MultiDiskStore(base_directory=path) as store:
            await self.check(store, collection, "k", "l", "m")

    async def test_names(self, path: Path) -> None:
        with closing(Cache.open(path)) as cache, cache.transaction():
            for key in ("k", "l", "m"):
                cache.put(f"a::b::{key}", self.DOCUMENT.format("a::b", key), None)
        async with DiskStore(directory=path) as store:
            await self.check(store, "a::b", "k", "l", "m")

    async def check(self, store: Any, collection: str, *keys: str) -> None:
        first, second, third = keys
        assert await store.get_many(keys, collection=collection) == [{"n": 1}] * 3
        assert sorted(await store.keys(collection)) == sorted(keys)
        assert await store.collections() == [collection]
        await store.put(first, {"n": 2}, collection=collection)
        assert await store.get(first, collection=collection) == {"n": 2}
        assert sorted(await store.keys(collection)) == sorted(keys)
        assert await store.delete(second, collection=collection) is True
        assert await store.delete(second, collection=collection) is False
        assert await store.pop(third, collection=collection) == {"n": 1}
        assert await store.keys(collection) == [first]
        assert await store.delete(first, collection=collection) is True


class TestCollectionsInDirectories:
    async def test_plain_names_stay_and_no_two_share_a_directory(self, path: Path) -> None:
        """In 0.5, `a/b`, `a::b` and `ab` shared one directory."""
        collections = ["ab", "a/b", "a::b", "c d.é", "..", "$HOME", "x" * 300]
        async with MultiDiskStore(base_directory=str(path)) as store:
            for name in collections:
                await store.put("key", {"name": name}, collection=name)
            found = [await store.get("key", collection=name) for name in collections]
            assert found == [{"name": name} for name in collections]
            assert isinstance(store, AsyncEnumerateCollectionsProtocol)
            assert sorted(await store.collections()) == sorted(collections)
            assert await store.collections(limit=2) == sorted(await store.collections())[:2]
        directories = {directory.name for directory in path.iterdir()}
        assert {"ab", "a%2Fb", "a::b", "c d.é", "%2E%2E", "%24HOME"} < directories

    async def test_there_may_be_more_than_are_open(self, path: Path) -> None:
        async with MultiDiskStore(directory=path) as store:
            for n in range(MAXIMUM_OPEN + 6):
                await store.put("key", {"n": n}, collection=str(n))
            found = [await store.get("key", collection=str(n)) for n in range(MAXIMUM_OPEN + 6)]
            assert found == [{"n": n} for n in range(MAXIMUM_OPEN + 6)]
            assert isinstance(store, AsyncCullProtocol)
            await store.cull()

    async def test_one_of_an_applications_own_can_list_collections_too(self, path: Path) -> None:
        class Own(MultiDiskStore):
            """A subclass without changes."""

        async with Own(base_directory=path) as store:
            await store.put("key", {}, collection="c")
            assert isinstance(store, AsyncEnumerateCollectionsProtocol)
            assert isinstance(store, AsyncDestroyStoreProtocol)
            assert isinstance(store, AsyncCullProtocol)
            assert type(store).__name__ == "Own"
            assert await store.collections() == ["c"]

    async def test_one_that_cannot_be_opened_harms_no_other(self, path: Path) -> None:
        async with MultiDiskStore(base_directory=path) as store:
            (path / "bad" / "cache.db").mkdir(parents=True)
            bad, good = await asyncio.gather(
                store.put("key", {}, collection="bad"),
                store.put("key", {}, collection="good"),
                return_exceptions=True,
            )
            assert isinstance(bad, KeyValueStoreError)
            assert good is None

    async def test_an_error_names_the_store_as_users_know_it(self, path: Path) -> None:
        async with MultiDiskStore(base_directory=path) as store:
            await store.put("key", {}, collection="c")
            overwrite(path / "c", "key", b"{")
            with pytest.raises(
                DeserializationError, match=r"\(store: MultiDiskStore;collection: c;key: key\)"
            ):
                await store.get("key", collection="c")

    async def test_a_factory_makes_the_caches(
        self, cache_at: CacheAt, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made: list[str] = []
        closed: list[bool] = []

        def make(collection: str) -> Any:
            made.append(collection)
            cache = cache_at(path / collection.upper())
            close = cache.close

            def close_connection() -> None:
                closed.append(threading.current_thread() is not threading.main_thread())
                close()

            monkeypatch.setattr(cache, "close", close_connection)
            return cache

        async with MultiDiskStore(disk_cache_factory=make, base_directory=path) as store:
            await store.put("key", {"n": 1}, collection="c")
            assert await store.keys("c") == ["key"]
            assert not isinstance(store, AsyncEnumerateCollectionsProtocol)
            assert not isinstance(store, AsyncDestroyStoreProtocol)
            assert await store.destroy_collection("c") is True
        assert made == ["c"]
        assert closed == [True]  # In the thread in which it was made, which has a connection to it.
        assert rows(path / "C", "key") == []


def rows(directory: Path, columns: str) -> list[Any]:
    with closing(sqlite3.connect(directory / "cache.db")) as connection:
        return connection.execute(f"SELECT {columns} FROM Cache ORDER BY rowid").fetchall()


def execute(directory: Path, statement: str, *arguments: object) -> None:
    with closing(sqlite3.connect(directory / "cache.db")) as connection, connection:
        connection.execute(statement, arguments)


def refuse(directory: Path, name: str) -> None:
    """Make the database reject a row."""
    condition = f"BEFORE INSERT ON Cache WHEN new.key = '{name}'"
    execute(directory, f"CREATE TRIGGER refuse {condition} BEGIN SELECT RAISE(ABORT, 'refused'); END")


def wal_commits(directory: Path) -> int:
    """Count the transactions in the log; only the last frame of each has the page count of the database."""
    log = (directory / "cache.db-wal").read_bytes()
    page = int.from_bytes(log[8:12], "big")
    frames = range(32, len(log), 24 + page)
    return sum(int.from_bytes(log[start + 4 : start + 8], "big") > 0 for start in frames)

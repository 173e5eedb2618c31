"""The RocksDB store."""

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import pytest
from rocksdict import Options, Rdict
from typing_extensions import override

from key_value.aio.errors import (
    DeserializationError,
    KeyValueStoreError,
    StoreConnectionError,
    StoreSetupError,
)
from key_value.aio.stores.rocksdb import RocksDBStore
from key_value.aio.stores.rocksdb.engine import Engine
from key_value.aio.testing.operations import Store
from key_value.aio.testing.suites.base import ABILITIES
from tests.processes import run_together
from tests.stores.embedded import EmbeddedConformance

PUBLISHED = (
    b'{"collection": "c", "created_at": "2026-11-23T07:14:39.564761+00:00", "key": "k", "value": {"b": 1}, '
    b'"version": 1}'
)
LARGE = {"text": "x" * 100_000}


class Pickled:
    """An object whose unpickling would run code."""

    @override
    def __reduce__(self) -> Any:
        return (os._exit, (3,))


def open_store(path: Path) -> RocksDBStore:
    return RocksDBStore(path=path)


class TestRocksDBStore(EmbeddedConformance):
    abilities: ClassVar = ABILITIES
    reads_what_it_cannot_write: ClassVar = False
    open_store: ClassVar = staticmethod(open_store)
    published_extra: ClassVar = "rocksdb"
    private_files: ClassVar = False
    shared_by_processes: ClassVar = False
    forks: ClassVar = "refuses"

    @pytest.fixture
    def db(self, tmp_path: Path) -> Iterator[Rdict]:
        with closing(Rdict(str(tmp_path / "passed-in"))) as db:
            yield db

    @override
    def published_opening(self, path: Path) -> str:
        opening = f"store = RocksDBStore(path={str(path)!r})"
        return f"from key_value.aio.stores.rocksdb import RocksDBStore\n{opening}"

    @override
    async def write_raw(self, store: Store, *, collection: str, key: str, data: bytes) -> None:
        assert isinstance(store, RocksDBStore)
        await store._write(f"{collection}::{key}", data, None)

    @override
    async def count_stored(self, store: Store, *, collection: str) -> int:
        assert isinstance(store, RocksDBStore)
        return len((await store._list(f"{collection}::", None, 1_000_000)).items)

    async def test_reading_creates_nothing(self, path: Path) -> None:
        async with open_store(path) as store:
            assert await store.get("key") is None
            assert await store.ttl_many(["a", "b"]) == [(None, None)] * 2
            assert await store.keys() == await store.collections() == []
            assert await store.delete("key") is False
            assert await store.delete_many(["a", "b"]) == 0
            assert await store.destroy_collection("c") is False
            await store.cull()
            await store.destroy()
        assert not path.exists()

    async def test_reads_and_writes_the_bytes_of_0_5(self, path: Path) -> None:
        with closing(Rdict(str(path), Options())) as db:
            db["c::k"] = PUBLISHED
        async with open_store(path) as store:
            assert await store.get("k", collection="c") == {"b": 1}
            assert await store.keys("c") == ["k"]
            await store.put("new", {"b": 2, "a": "é"}, collection="c")
        with closing(Rdict(str(path), Options())) as db:
            data = bytes(db["c::new"] or b"")
            assert data.startswith(b'{"collection": "c", "created_at": "')
            assert b'"key": "new", "value": {"a": "\\u00e9", "b": 2}, "version": 1, "write_id": "' in data

    async def test_an_entry_of_0_5_at_the_address_of_another_is_not_that_ones(self, path: Path) -> None:
        with closing(Rdict(str(path), Options())) as db:
            db["c::d::k"] = PUBLISHED.replace(b'"c"', b'"c::d"')
        async with open_store(path) as store:
            assert await store.get_versioned("d::k", collection="c") is None
            assert await store.pop("d::k", collection="c") is None
            assert await store.touch("d::k", ttl=None, collection="c") is False
            assert await store.delete_many(["d::k", "k"], collection="c") == 0
            assert await store.get("k", collection="c::d") == {"b": 1}
            assert await store.put_if_absent("d::k", {"n": 1}, collection="c") is True
            assert await store.pop("d::k", collection="c") == {"n": 1}

    async def test_a_database_that_is_passed_in_stays_open(self, db: Rdict) -> None:
        async with RocksDBStore(db=db) as store:
            await store.put("key", {"n": 1})
        assert "default_collection::key" in db
        async with store:
            assert await store.get("key") == {"n": 1}

    async def test_what_others_keep_in_the_database_is_spared(self, db: Rdict) -> None:
        others = {"other": b"1", "a::b": b"2", "c::text": "3", 5: b"4", b"c::bytes": b"5"}
        for key, value in others.items():
            db[key] = value
        async with RocksDBStore(db=db) as store:
            await store.put_many(["k", "l"], [{}, {}], collection="c")
            await store.put("k", {}, collection="d")
            assert await store.collections() == ["c", "d"]
            assert await store.destroy_collection("c") is True
            assert await store.destroy_collection("a") is False
            await store.cull()
            assert await store.destroy() is True
        assert dict(db.items()) == others

    async def test_a_closed_database_is_told(self, path: Path) -> None:
        db = Rdict(str(path))
        db.close()
        with pytest.raises(StoreConnectionError, match="closed"):
            await RocksDBStore(db=db).get("key")

    async def test_takes_a_database_or_a_path(self, db: Rdict, path: Path) -> None:
        with pytest.raises(ValueError, match="Provide only one of db or path"):
            RocksDBStore(db=db, path=path)
        with pytest.raises(ValueError, match="Either db or path must be provided"):
            RocksDBStore()

    def test_without_auto_create_the_directory_must_be_there(self, path: Path) -> None:
        with pytest.raises(ValueError, match=f"Directory '{path}' does not exist"):
            RocksDBStore(path=path, auto_create=False)
        path.mkdir()
        assert RocksDBStore(path=path, auto_create=False)

    async def test_options_are_passed_on(self, path: Path) -> None:
        options = Options()
        options.create_if_missing(False)
        async with RocksDBStore(path=path, options=options) as store:
            with pytest.raises(KeyValueStoreError, match="create_if_missing is false"):
                await store.put("key", {})

    def test_refuses_an_unknown_durability(self, path: Path) -> None:
        with pytest.raises(ValueError, match="'normal' or 'full', not 'none'"):
            RocksDBStore(path=path, durability="none")  # pyright: ignore[reportArgumentType] -- invalid on purpose

    @pytest.mark.parametrize("way", ["full", "passed in"])
    async def test_what_waits_for_the_disk_is_done_in_the_thread(
        self, path: Path, db: Rdict, way: str
    ) -> None:
        store = RocksDBStore(path=path, durability="full") if way == "full" else RocksDBStore(db=db)
        async with store:
            await store.put("key", {"n": 1})
            assert store._engine.try_at_once(lambda db, _: db.put("key", b"")) is None
            assert await store.put_if_absent("key", {"n": 2}) is False
            assert await store.get("key") == {"n": 1}
            assert await store.delete("key") is True
            assert await store.put_if_absent("key", {"n": 2}) is True

    async def test_a_second_store_is_told_why(self, store: RocksDBStore, path: Path) -> None:
        await store.put("key", {"n": 1})
        with pytest.raises(StoreConnectionError, match="one process at a time"):
            await open_store(path).get("key")
        await asyncio.to_thread(run_together, _be_told, 1, str(path))
        other = open_store(path)
        with pytest.raises(StoreSetupError):
            await other.setup()
        await store.close()
        assert await other.get("key") == {"n": 1}
        await other.close()

    async def test_a_pickled_value_is_refused(self, path: Path) -> None:
        with closing(Rdict(str(path), Options())) as db:
            db["c::k"] = Pickled()
        async with open_store(path) as store:
            with pytest.raises(DeserializationError, match="key: k"):
                await store.get("k", collection="c")
            with pytest.raises(DeserializationError, match="key: k"):
                await store.get_many(["k", "l"], collection="c")
            assert await store.keys("c") == ["k"]

    @pytest.mark.parametrize("left", ["", '{"raw_', "gone"])
    async def test_opens_what_a_killed_process_left(self, path: Path, left: str) -> None:
        async with open_store(path) as store:
            await store.put("key", {"n": 1})
        configuration = path / "rocksdict-config.json"
        if left == "gone":
            configuration.unlink()
        else:
            configuration.write_text(left)
        async with open_store(path) as store:
            assert await store.get("key") == {"n": 1}

    async def test_a_directory_that_is_no_database(self, path: Path) -> None:
        path.mkdir()
        (path / "CURRENT").write_text("text")
        with pytest.raises(StoreSetupError, match="CURRENT"):
            await open_store(path).get("key")

    async def test_a_change_does_not_overtake_one_that_waits(self, store: RocksDBStore) -> None:
        """A task that gave up storing a large value may store a small one next."""
        await store.put("key", {"n": 0})
        gate = threading.Event()
        busy = asyncio.create_task(store._worker.run(lambda _: gate.wait(10)))
        large = asyncio.create_task(store.put("key", LARGE))
        while not store._waiting:
            await asyncio.sleep(0)
        large.cancel()
        changes = [asyncio.create_task(store.put("key", {"n": 1}))]
        await asyncio.sleep(0)
        gate.set()
        assert await busy
        await asyncio.gather(*changes)
        assert await store.get("key") == {"n": 1}

    async def test_what_rocksdb_makes_wait_is_done_in_the_thread(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        options = Options()
        options.set_write_buffer_size(65_536)
        options.set_max_write_buffer_number(2)
        async with RocksDBStore(path=path, options=options) as store:
            await store.put("key", {})
            change, counted = Engine.change, list[int]()

            def counting(*args: Any, **kwargs: Any) -> Any:
                counted.append(1)
                return change(*args, **kwargs)

            monkeypatch.setattr(Engine, "change", counting)
            n = 0
            while not counted:
                await store.put(f"key-{n}", {"n": n, "text": os.urandom(7_000).hex()})
                n += 1
            for number in range(n):
                value = await store.get(f"key-{number}")
                assert value is not None
                assert value["n"] == number

    @pytest.mark.parametrize("failure", ["No space left on device", "Input/output error"])
    async def test_a_failure_to_close(self, store: RocksDBStore, failure: str) -> None:
        """After a full disk, the log has the data that the tables lack; any other failure is raised."""

        class Failing:
            def flush(self, *, wait: bool) -> None:
                raise Exception(f"IO error: {failure}")

            def close(self) -> None:
                return None

        await store.put("key", {"n": 1})
        real, store._engine._rdict = store._engine._rdict, Failing()  # pyright: ignore[reportAttributeAccessIssue] -- stands in for it
        if failure.startswith("No space"):
            await store.close()
        else:
            with pytest.raises(StoreConnectionError, match=failure):
                await store.close()
        assert real is not None
        real.close()

    async def test_a_cull_frees_the_entries(self, db: Rdict) -> None:
        async with RocksDBStore(db=db) as store:
            await store.put_many([f"{n}" for n in range(1500)], [{"n": 1}] * 1500, ttl=0.01)
            await store.put("living", {}, ttl=1000)
            await store.put("ever", {})
            while await store.get("0") is not None:
                await asyncio.sleep(0.005)
            await store.cull()
            assert list(db.keys()) == ["default_collection::ever", "default_collection::living"]


def _be_told(_: int, path: str) -> None:
    async def use() -> None:
        with pytest.raises(StoreConnectionError, match="one process at a time"):
            await RocksDBStore(path=path).get("key")

    asyncio.run(use())

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import ClassVar

import pytest
from typing_extensions import override

from key_value.aio.errors import KeyValueStoreError, StoreConnectionError, StoreSetupError, StoreTimeoutError
from key_value.aio.stores.sqlite import SQLiteStore
from key_value.aio.testing.operations import Store
from key_value.aio.testing.suites.base import ABILITIES
from tests.processes import run_together
from tests.stores.embedded import EmbeddedConformance

Row = tuple[str, str, str]


def rows(path: Path) -> list[Row]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT collection, key, value FROM kv_entries ORDER BY key").fetchall()


class TestSQLiteStore(EmbeddedConformance):
    abilities: ClassVar = ABILITIES
    open_store: ClassVar = SQLiteStore
    published_extra: ClassVar = None

    @override
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "made" / "entries.db"

    @override
    async def write_raw(self, store: Store, *, collection: str, key: str, data: bytes) -> None:
        assert isinstance(store, SQLiteStore)
        # The table has a column for each part of a document, so a corrupt document has a corrupt value.
        text = data.decode(errors="replace") if b'"version"' not in data else "[1]"
        with closing(sqlite3.connect(store.path)) as connection, connection:
            connection.execute(
                "UPDATE kv_entries SET value = ? WHERE collection = ? AND key = ?", (text, collection, key)
            )

    @override
    async def refuse_writes(self, store: Store, *, collection: str, key: str) -> None:
        assert isinstance(store, SQLiteStore)
        with closing(sqlite3.connect(store.path)) as connection, connection:
            connection.execute(
                f"CREATE TRIGGER refuse BEFORE INSERT ON kv_entries WHEN new.key = '{key}' "
                "BEGIN SELECT RAISE(ABORT, 'refused'); END"
            )

    @override
    async def count_stored(self, store: Store, *, collection: str) -> int:
        assert isinstance(store, SQLiteStore)
        return sum(row[0] == collection for row in rows(Path(store.path)))

    async def test_reading_creates_nothing(self, path: Path) -> None:
        store = SQLiteStore(path)
        assert await store.get("key") is None
        assert await store.ttl_many(["key"]) == [(None, None)]
        assert await store.keys() == await store.collections() == []
        await store.close()
        assert not path.parent.exists()

    async def test_reads_what_another_process_made_meanwhile(self, path: Path) -> None:
        async with SQLiteStore(path) as reader, SQLiteStore(path) as writer:
            assert await reader.get("key") is None
            await writer.put("key", {"n": 1})
            assert await reader.get("key") == {"n": 1}

    async def test_reads_a_file_that_has_other_tables(self, path: Path) -> None:
        path.parent.mkdir()
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("CREATE TABLE other (n INTEGER)")
            connection.execute("INSERT INTO other VALUES (1)")
        async with SQLiteStore(path) as store:
            assert await store.get("key") is None
            await store.put("key", {"n": 1})
            await store.destroy()
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("SELECT n FROM other").fetchall() == [(1,)]

    async def test_stores_json_text(self, store: SQLiteStore, path: Path) -> None:
        await store.put("key", {"b": 1, "a": "é"}, collection="c")
        assert rows(path) == [("c", "key", '{"a": "\\u00e9", "b": 1}')]

    async def test_memory_is_forgotten_when_closed(self) -> None:
        store = SQLiteStore(":memory:")
        async with store:
            await store.put("key", {"n": 1})
            assert await store.get("key") == {"n": 1}
        async with store:
            assert await store.get("key") is None

    async def test_a_home_directory_is_found(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        async with SQLiteStore("~/entries.db") as store:
            await store.put("key", {"n": 1})
        assert (tmp_path / "entries.db").exists()

    async def test_a_batch_is_stored_whole_or_not_at_all(self, store: SQLiteStore, path: Path) -> None:
        await store.put("a", {"n": 0})
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(
                "CREATE TRIGGER refuse BEFORE INSERT ON kv_entries WHEN new.key = 'bad' "
                "BEGIN SELECT RAISE(ABORT, 'refused'); END"
            )
        with pytest.raises(KeyValueStoreError, match="refused"):
            await store.put_many(["a", "bad"], [{"n": 1}, {"n": 2}])
        assert await store.get("a") == {"n": 0}

    async def test_one_that_fails_harms_none_of_those_beside_it(self, store: SQLiteStore, path: Path) -> None:
        await store.put("first", {"n": 0})
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(
                "CREATE TRIGGER refuse BEFORE INSERT ON kv_entries WHEN new.key = 'bad' "
                "BEGIN SELECT RAISE(ABORT, 'refused'); END"
            )
        names = [*map(str, range(20)), "bad", *map(str, range(20, 40))]
        puts = [store.put(name, {"name": name}) for name in names]
        results = await asyncio.gather(*puts, store.get("first"), return_exceptions=True)
        failed = [name for name, result in zip(names, results, strict=False) if result is not None]
        assert failed == ["bad"]
        assert results[-1] == {"n": 0}
        assert len(await store.keys()) == 41

    async def test_a_writer_that_waits_too_long_is_told(self, path: Path) -> None:
        async with SQLiteStore(path, timeout=0.05) as store:
            await store.put("key", {"n": 1})
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                put, got = await asyncio.gather(
                    store.put("key", {"n": 2}), store.get("key"), return_exceptions=True
                )
                other.execute("ROLLBACK")
            assert isinstance(put, StoreTimeoutError)
            assert isinstance(put.__cause__, sqlite3.OperationalError)
            assert got == {"n": 1}

    async def test_a_file_that_is_no_database(self, tmp_path: Path) -> None:
        path = tmp_path / "text.db"
        path.write_text("this is no database " * 100)
        with pytest.raises(StoreSetupError, match="file is not a database"):
            await SQLiteStore(path).get("key")

    async def test_a_path_that_cannot_be_opened(self, tmp_path: Path) -> None:
        with pytest.raises(StoreConnectionError, match="unable to open"):
            await SQLiteStore(tmp_path).get("key")

    def test_refuses_an_unknown_durability(self, path: Path) -> None:
        with pytest.raises(ValueError, match="'normal' or 'full', not 'none'"):
            SQLiteStore(path, durability="none")  # pyright: ignore[reportArgumentType] -- invalid on purpose

    async def test_a_cull_frees_the_rows(self, store: SQLiteStore, path: Path) -> None:
        await store.put_many(["a", "b"], [{}, {}], ttl=0.01)
        await store.put("c", {})
        while await store.get("a") is not None:
            await asyncio.sleep(0.005)
        assert len(rows(path)) == 3
        await store.cull()
        assert [key for _, key, _ in rows(path)] == ["c"]

    async def test_what_waits_is_written_before_it_closes(self, path: Path) -> None:
        store = SQLiteStore(path)
        await store.setup()
        puts = [asyncio.create_task(store.put(str(n), {"n": n})) for n in range(100)]
        await asyncio.sleep(0)
        await store.close()
        results = await asyncio.gather(*puts, return_exceptions=True)
        stored = {key for _, key, _ in rows(path)}
        assert stored == {str(n) for n, result in enumerate(results) if result is None}
        assert stored

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
    def test_a_forked_process_uses_the_file_on_its_own(self, path: Path) -> None:
        run_together(_fork_and_read, 1, str(path))


def _fork_and_read(_: int, path: str) -> None:
    store = SQLiteStore(path)
    asyncio.run(store.put("key", {"n": 1}))
    child = os.fork()
    if child == 0:
        found = asyncio.run(asyncio.wait_for(store.get("key"), timeout=10))
        os._exit(0 if found == {"n": 1} else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert asyncio.run(store.get("key")) == {"n": 1}

"""The DuckDB store."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pytest
from typing_extensions import override

from key_value.aio.errors import (
    KeyValueStoreError,
    SerializationError,
    StoreConnectionError,
    StoreSetupError,
)
from key_value.aio.stores.duckdb import DuckDBStore
from key_value.aio.stores.duckdb.store import DuckDBSerializationAdapter
from key_value.aio.testing.operations import Store
from key_value.aio.testing.suites.base import ABILITIES
from tests.processes import run_together
from tests.published import ENTRIES
from tests.stores.embedded import EmbeddedConformance

PUBLISHED_TABLE = """
CREATE TABLE kv_entries (
    collection VARCHAR NOT NULL, key VARCHAR NOT NULL, value JSON NOT NULL,
    created_at TIMESTAMPTZ, expires_at TIMESTAMPTZ, version INT NOT NULL, PRIMARY KEY (collection, key)
);
CREATE INDEX idx_kv_entries_collection ON kv_entries(collection);
CREATE INDEX idx_kv_entries_expires_at ON kv_entries(expires_at);
"""
PUBLISHED_ROW = """
INSERT INTO kv_entries
VALUES ('default_collection', 't', '{"a":1}', '2026-11-23 07:14:42+00', '9999-01-01 00:00:00+00', 1)
"""


def open_store(path: Path) -> DuckDBStore:
    return DuckDBStore(database_path=path)


def query(path: Path, statement: str) -> list[tuple[Any, ...]]:
    with closing(duckdb.connect(path)) as connection:
        return connection.execute(statement).fetchall()


class TestDuckDBStore(EmbeddedConformance):
    abilities: ClassVar = ABILITIES
    open_store: ClassVar = staticmethod(open_store)
    published_extra: ClassVar = "duckdb"
    # 0.5.0 stored each value as a DuckDB STRUCT, which cannot hold the other entries.
    published_keeps: ClassVar = {key: ENTRIES[key] for key in ("plain", "texts", "large", "user:1")}
    shared_by_processes: ClassVar = False
    forks: ClassVar = "refuses"
    refused_values: ClassVar = frozenset({"lone surrogate"})
    reclaimed: ClassVar = 500

    @override
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "made" / "entries.db"

    @pytest.fixture
    def connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with closing(duckdb.connect()) as connection:
            yield connection

    @override
    def published_opening(self, path: Path) -> str:
        path.parent.mkdir(exist_ok=True)
        return (
            "from key_value.aio.stores.duckdb import DuckDBStore\n"
            f"store = DuckDBStore(database_path={str(path)!r})"
        )

    @override
    async def write_raw(self, store: Store, *, collection: str, key: str, data: bytes) -> None:
        """Store corrupt data as the value, because a JSON column rejects text that is not JSON."""
        assert isinstance(store, DuckDBStore)
        assert store.path is not None
        with closing(duckdb.connect(store.path)) as connection:
            update = "UPDATE kv_entries SET value = '[1]' WHERE collection = ? AND key = ?"
            connection.execute(update, (collection, key))

    @override
    async def count_stored(self, store: Store, *, collection: str) -> int:
        assert isinstance(store, DuckDBStore)
        assert store.path is not None
        with closing(duckdb.connect(store.path)) as connection:
            count = "SELECT count(*) FROM kv_entries WHERE collection = ?"
            [[stored]] = connection.execute(count, (collection,)).fetchall()
        return stored

    async def test_reading_creates_nothing(self, path: Path) -> None:
        async with open_store(path) as store:
            assert await store.get("key") is None
            assert await store.ttl_many(["a", "b"]) == [(None, None)] * 2
            assert await store.keys() == await store.collections() == []
            assert await store.delete("key") is False
            assert await store.destroy_collection("c") is False
            await store.cull()
            await store.destroy()
        assert not path.parent.exists()

    async def test_has_the_columns_of_0_5(self, store: DuckDBStore, path: Path) -> None:
        await store.put("key", {"b": [1, 2.5], "a": "é"}, collection="c", ttl=1000)
        names = 'column_name, column_type, "null", key'
        found = query(path, f"SELECT {names} FROM (DESCRIBE kv_entries)")
        assert found == [
            ("collection", "VARCHAR", "NO", "PRI"),
            ("key", "VARCHAR", "NO", "PRI"),
            ("value", "JSON", "NO", None),
            ("created_at", "TIMESTAMP WITH TIME ZONE", "YES", None),
            ("expires_at", "TIMESTAMP WITH TIME ZONE", "YES", None),
            ("version", "INTEGER", "NO", None),
        ]
        columns = "collection, key, value, version, epoch_us(expires_at) - epoch_us(created_at)"
        assert query(path, f"SELECT {columns} FROM kv_entries") == [
            ("c", "key", '{"a": "\\u00e9", "b": [1, 2.5]}', 1, 1_000_000_000)
        ]

    async def test_reads_and_replaces_a_row_of_0_5(self, tmp_path: Path) -> None:
        path = tmp_path / "published.db"
        query(path, PUBLISHED_TABLE + PUBLISHED_ROW)
        async with open_store(path) as store:
            value, left = await store.ttl("t")
            assert value == {"a": 1}
            assert left is not None
            await store.put_many(["t", "u"], [{"a": 2}, {"a": 3}], ttl=1000)
            await store.put_many(["t", "u"], [{"a": 4}, {"a": 5}])
            assert await store.ttl_many(["t", "u"]) == [({"a": 4}, None), ({"a": 5}, None)]
            assert await store.keys() == ["t", "u"]

    @pytest.mark.parametrize("name", ["select", "Order", "_1"])
    async def test_a_table_may_have_any_name(self, path: Path, name: str) -> None:
        for number in range(2):
            async with DuckDBStore(database_path=path, table_name=name) as store:
                assert await store.get("key") == (None if number == 0 else {"n": 0})
                await store.put("key", {"n": number})
                assert await store.put_if_absent("key", {"n": 7}) is False
        assert query(path, f'SELECT value FROM "{name}"') == [('{"n": 1}',)]

    @pytest.mark.parametrize("name", ["", "1a", "a-b", 'a"', "a b", "é"])
    def test_refuses_what_is_no_name_of_a_table(self, name: str) -> None:
        with pytest.raises(ValueError, match="Table name must start with a letter or underscore and contain"):
            DuckDBStore(table_name=name)

    async def test_two_tables_are_two_stores(self, path: Path) -> None:
        async with open_store(path) as one, DuckDBStore(database_path=path, table_name="other") as other:
            await one.put("key", {"n": 1})
            await other.put("key", {"n": 2})
            await other.destroy()
            assert await one.get("key") == {"n": 1}

    async def test_two_stores_of_one_process_lose_nothing(self, path: Path) -> None:
        async with open_store(path) as one, open_store(path) as other:
            await asyncio.gather(
                *(store.put(f"{n}", {"n": n}) for n, store in enumerate([one, other] * 25)),
                *(store.put("same", {"n": n}) for n, store in enumerate([one, other] * 25)),
                *(store.delete("same") for store in [one, other] * 5),
            )
            claims = [store.put_if_absent("claim", {}) for store in [one, other] * 10]
            assert (await asyncio.gather(*claims)).count(True) == 1
            assert await other.get_many([f"{n}" for n in range(50)]) == [{"n": n} for n in range(50)]

    async def test_a_connection_that_is_passed_in_stays_open(
        self, connection: "duckdb.DuckDBPyConnection"
    ) -> None:
        async with DuckDBStore(connection=connection) as store:
            await store.put("key", {"n": 1})
        assert connection.execute("SELECT value FROM kv_entries").fetchall() == [('{"n": 1}',)]
        async with store:
            assert await store.get("key") == {"n": 1}

    async def test_a_transaction_of_the_connection_stays_its_own(
        self, connection: "duckdb.DuckDBPyConnection"
    ) -> None:
        async with DuckDBStore(connection=connection) as store:
            await store.put("key", {"n": 1})
            connection.execute("BEGIN")
            connection.execute("DELETE FROM kv_entries")
            assert await store.get("key") == {"n": 1}
            connection.execute("ROLLBACK")

    async def test_a_closed_connection_is_told(self, connection: "duckdb.DuckDBPyConnection") -> None:
        connection.close()
        with pytest.raises(StoreConnectionError, match="already closed"):
            await DuckDBStore(connection=connection).get("key")

    def test_takes_a_connection_or_a_path(self, connection: "duckdb.DuckDBPyConnection", path: Path) -> None:
        with pytest.raises(ValueError, match="Provide only one of connection or database_path"):
            DuckDBStore(connection=connection, database_path=path)

    @pytest.mark.parametrize("path", [None, ":memory:"])
    async def test_memory_is_forgotten_when_closed(self, path: str | None) -> None:
        store = DuckDBStore(database_path=path)
        async with store:
            await store.put("key", {"n": 1})
            assert await store.get("key") == {"n": 1}
        async with store:
            assert await store.get("key") is None

    async def test_without_auto_create_the_table_must_be_there(self, path: Path) -> None:
        store = DuckDBStore(database_path=path, auto_create=False)
        with pytest.raises(StoreSetupError, match="Table 'kv_entries' does not exist"):
            await store.put("key", {"n": 1})
        assert not path.exists()
        async with open_store(path) as maker:
            await maker.put("key", {"n": 1})
        assert await store.get("key") == {"n": 1}
        await store.put("key", {"n": 2})
        assert await store.get("key") == {"n": 2}
        await store.close()

    async def test_a_batch_is_stored_whole_or_not_at_all(self, tmp_path: Path) -> None:
        path = tmp_path / "checked.db"
        query(path, PUBLISHED_TABLE.replace("PRIMARY", "CHECK (key <> 'bad'), PRIMARY"))
        async with open_store(path) as store:
            await store.put("a", {"n": 0})
            with pytest.raises(KeyValueStoreError, match="CHECK constraint"):
                await store.put_many(["a", "bad"], [{"n": 1}, {"n": 2}])
            assert await store.get("a") == {"n": 0}

    async def test_one_that_fails_harms_none_of_those_beside_it(self, tmp_path: Path) -> None:
        path = tmp_path / "checked.db"
        query(path, PUBLISHED_TABLE.replace("PRIMARY", "CHECK (key <> 'bad'), PRIMARY"))
        names = [*map(str, range(20)), "bad", *map(str, range(20, 40))]
        async with open_store(path) as store:
            puts = [store.put(name, {"name": name}) for name in names]
            results = await asyncio.gather(*puts, return_exceptions=True)
            failed = [name for name, result in zip(names, results, strict=True) if result is not None]
            assert failed == ["bad"]
            assert len(await store.keys()) == 40

    async def test_refuses_half_a_surrogate_pair_in_a_batch(self, store: DuckDBStore) -> None:
        with pytest.raises(SerializationError, match="lone surrogate"):
            await store.put_many(["a", "b"], [{"n": 1}, {"text": "\ud800"}])
        assert await store.keys() == []
        value = {"pair": "😀", "backslash": "\\ud800", "\\": "\\\\ud83d"}
        await store.put("a", value)
        assert await store.get("a") == value

    async def test_is_queried_with_sql(self, store: DuckDBStore, path: Path) -> None:
        await store.put_many(["ada", "alan"], [{"born": 1815}, {"born": 1912}], collection="people")
        found = query(
            path,
            "SELECT key, json_extract(value, '$.born')::INTEGER FROM kv_entries "
            "WHERE collection = 'people' AND json_extract(value, '$.born')::INTEGER > 1900",
        )
        assert found == [("alan", 1912)]

    async def test_a_cull_frees_the_rows(self, store: DuckDBStore, path: Path) -> None:
        await store.put_many(["a", "b"], [{}, {}], ttl=0.01)
        await store.put("c", {})
        while await store.get("a") is not None:
            await asyncio.sleep(0.005)
        assert query(path, "SELECT count(*) FROM kv_entries") == [(3,)]
        await store.cull()
        assert query(path, "SELECT key FROM kv_entries") == [("c",)]

    async def test_a_second_process_is_told_why(self, path: Path) -> None:
        async with open_store(path) as store:
            await store.put("key", {"n": 1})
            await asyncio.to_thread(run_together, _be_told, 1, str(path))

    async def test_can_be_set_up_once_the_other_process_has_ended(self, path: Path, tmp_path: Path) -> None:
        path.parent.mkdir()
        path.write_text("no database")
        store = open_store(path)
        with pytest.raises(StoreSetupError, match="not a valid DuckDB database"):
            await store.get("key")
        path.unlink()
        await store.put("key", {"n": 1})
        assert await store.get("key") == {"n": 1}
        await store.close()

    async def test_what_a_killed_maker_left_is_removed(self, path: Path) -> None:
        left = path.parent / f".{path.name}-x.tmp"
        left.mkdir(parents=True)
        (left / path.name).touch()
        async with open_store(path) as store:
            await store.put("key", {"n": 1})
        assert list(path.parent.iterdir()) == [path]

    async def test_a_file_system_without_hard_links(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise PermissionError

        monkeypatch.setattr("os.link", refuse)
        async with open_store(path) as store:
            await store.put("key", {"n": 1})
        assert list(path.parent.iterdir()) == [path]

    def test_the_documents_of_0_5_are_read(self) -> None:
        adapter = DuckDBSerializationAdapter()
        entry = adapter.load_dict({"value": '{"a": 1}', "version": 1})
        assert adapter.dump_dict(entry) == {"value": {"a": 1}, "version": 1}


def _be_told(_: int, path: str) -> None:
    async def use() -> None:
        with pytest.raises(StoreConnectionError, match="one process at a time"):
            await DuckDBStore(database_path=path).get("key")

    asyncio.run(use())

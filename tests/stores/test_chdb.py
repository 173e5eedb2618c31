"""The chDB store."""

import asyncio
import json
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import pytest
from typing_extensions import override

from key_value.aio.errors import DeserializationError, StoreConnectionError, StoreSetupError
from key_value.aio.stores.chdb import ChDBStore
from key_value.aio.stores.chdb.driver import Session, open_session
from key_value.aio.stores.chdb.engine import Engine
from key_value.aio.stores.chdb.table import _literal as literal
from key_value.aio.testing.operations import Store
from key_value.aio.testing.suites.base import ABILITIES
from tests.processes import run_together
from tests.stores.embedded import EmbeddedConformance

PUBLISHED_TABLE = """
CREATE TABLE kv_entries (
    collection String, key String, value String, created_at String, expires_at String, version Int32,
    inserted_at DateTime64(9, 'UTC') DEFAULT now64(9)
) ENGINE = ReplacingMergeTree(inserted_at) ORDER BY (collection, key)
"""
PUBLISHED_ROW = """
INSERT INTO kv_entries VALUES (
    'default_collection', 't', '{"a": 1}', '2026-11-23T07:14:42.276940+00:00', '9999-11-23T07:15:32+00:00', 1,
    '2026-11-23 07:14:42.278245263'
)
"""


def open_store(path: Path) -> ChDBStore:
    return ChDBStore(database_path=path)


def ask(session: Session, statement: str) -> list[Any]:
    return [json.loads(line) for line in session.query(statement, "JSONCompactEachRow").bytes().splitlines()]


def query(path: Path, *statements: str) -> list[Any]:
    """Run statements, and return the result of the last one."""
    with closing(open_session(str(path.resolve()))) as session:
        return [ask(session, statement) for statement in statements][-1]


@pytest.mark.timeout(180)
class TestChDBStore(EmbeddedConformance):
    abilities: ClassVar = ABILITIES
    reads_what_it_cannot_write: ClassVar = False
    open_store: ClassVar = staticmethod(open_store)
    # ClickHouse merges in the background, and does not recover from a limit on the size of its files.
    bears_file_limits: ClassVar = False
    # chDB itself keeps threads and descriptors of closed sessions.
    closed_frees: ClassVar = False
    published_extra: ClassVar = "chdb"
    private_files: ClassVar = False
    shared_by_processes: ClassVar = False
    forks: ClassVar = "refuses"
    # Each deletion rewrites a part of the table, which takes tens of milliseconds; hence the timeout too.
    model_examples: ClassVar = 20

    @override
    def published_opening(self, path: Path) -> str:
        opening = f"store = ChDBStore(database_path={str(path)!r})"
        return f"from key_value.aio.stores.chdb import ChDBStore\n{opening}"

    @override
    def leftovers(self, path: Path) -> list[Path]:
        """Exclude the directory `tmp`, which always exists."""
        return [file for file in super().leftovers(path) if file != path / "tmp"]

    @override
    async def write_raw(self, store: Store, *, collection: str, key: str, data: bytes) -> None:
        assert isinstance(store, ChDBStore)
        assert store.path is not None
        # The table has a column for each part of a document, so a corrupt document has a corrupt value.
        text = data.decode(errors="replace") if b'"version"' not in data else "[1]"
        names = "collection, key, value, version"
        values = f"{literal(collection)}, {literal(key)}, {literal(text)}, 1"
        query(Path(store.path), f"INSERT INTO kv_entries ({names}) VALUES ({values})")

    @override
    async def count_stored(self, store: Store, *, collection: str) -> int:
        assert isinstance(store, ChDBStore)
        assert store.path is not None
        where = f"collection = {literal(collection)}"
        [[stored]] = query(Path(store.path), f"SELECT uniqExact(key) FROM kv_entries WHERE {where}")
        return int(stored)

    async def test_reading_creates_nothing(self, path: Path) -> None:
        async with open_store(path) as store:
            assert await store.get("key") is None
            assert await store.ttl_many(["a", "b"]) == [(None, None)] * 2
            assert await store.keys() == await store.collections() == []
            assert await store.delete("key") is False
            assert await store.destroy_collection("c") is False
            await store.cull()
            await store.destroy()
        assert not path.exists()

    def test_the_driver_is_not_loaded_before_it_is_used(self) -> None:
        code = "import sys, key_value.aio.stores.chdb as chdb; chdb.ChDBStore(); print('chdb' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout == "False\n"

    async def test_writes_the_rows_of_0_5(self, store: ChDBStore, path: Path) -> None:
        await store.put("key", {"b": 1, "a": "é"}, collection="c", ttl=1000)
        [row] = query(path, "SELECT * EXCEPT inserted_at FROM kv_entries")
        assert row[:3] == ["c", "key", '{"a": "\\u00e9", "b": 1}']
        assert row[5] == 1
        assert all(text.endswith("+00:00") for text in row[3:5])
        describe = "SELECT name, type FROM system.columns WHERE table = 'kv_entries' ORDER BY position"
        columns = query(path, describe)
        await store.close()
        published = path.parent / "published"
        assert columns == query(published, PUBLISHED_TABLE, describe)

    async def test_reads_and_replaces_a_row_of_0_5(self, path: Path) -> None:
        query(path, PUBLISHED_TABLE, PUBLISHED_ROW)
        async with open_store(path) as store:
            value, left = await store.ttl("t")
            assert value == {"a": 1}
            assert left is not None
            await store.put("t", {"a": 2})
            assert await store.ttl("t") == ({"a": 2}, None)
            assert await store.keys() == ["t"]

    async def test_the_last_write_wins_though_the_clock_is_set_back(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = time.time_ns()
        async with open_store(path) as store:
            await store.put("key", {"n": 1})
            monkeypatch.setattr("time.time_ns", lambda: now - 3600 * 10**9)
            await store.put("key", {"n": 2})
            await store.put("key", {"n": 3})
            assert await store.get("key") == {"n": 3}
        monkeypatch.setattr(Engine, "_newest", 0)
        async with open_store(path) as store:
            await store.put_many(["key", "other"], [{"n": 4}] * 2)
            assert await store.get("key") == {"n": 4}
            query(path, "OPTIMIZE TABLE kv_entries FINAL")
            assert await store.get("key") == {"n": 4}

    async def test_writes_at_the_same_moment_are_in_order(
        self, store: ChDBStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = time.time_ns()
        monkeypatch.setattr("time.time_ns", lambda: now)
        for n in range(5):
            await store.put("key", {"n": n})
            assert await store.get("key") == {"n": n}

    async def test_a_cull_brings_no_older_version_back(self, store: ChDBStore, path: Path) -> None:
        await store.put_many(["a", "b"], [{"n": 0}] * 2)
        await store.put_many(["a", "c"], [{"n": 1}] * 2, ttl=0.01)
        await store.put("c", {"n": 2})
        while await store.get("a") is not None:
            await asyncio.sleep(0.005)
        await store.cull()
        assert await store.get_many(["a", "b", "c"]) == [None, {"n": 0}, {"n": 2}]
        assert query(path, "SELECT DISTINCT key FROM kv_entries ORDER BY key") == [["b"], ["c"]]

    async def test_what_waits_is_one_insert(self, store: ChDBStore, path: Path) -> None:
        await store.put("key", {})
        await asyncio.gather(*(store.put(f"key-{n}", {"n": n}) for n in range(50)))
        found = query(path, "SELECT count(), uniqExact(inserted_at) FROM kv_entries")
        assert found[0][0] == 51
        assert found[0][1] < 10

    async def test_names_longer_than_a_statement(self, store: ChDBStore) -> None:
        keys = [f"{n}{'x' * 5000}" for n in range(100)]
        await store.put_many(keys, [{"n": n} for n in range(100)])
        assert await store.get_many(keys) == [{"n": n} for n in range(100)]
        assert await store.delete_many(keys) == 100

    async def test_a_row_with_an_unreadable_time_is_named(self, path: Path) -> None:
        query(path, PUBLISHED_TABLE, PUBLISHED_ROW.replace("9999-11-23T07:15:32+00:00", "tomorrow"))
        async with open_store(path) as store:
            with pytest.raises(DeserializationError, match=r"tomorrow.*key: t"):
                await store.get_many(["t", "u"])

    async def test_another_path_is_refused_while_one_is_in_use(
        self, store: ChDBStore, tmp_path: Path
    ) -> None:
        await store.put("key", {"n": 1})
        other = open_store(tmp_path / "other")
        for refused in (other, ChDBStore()):
            with pytest.raises(
                StoreConnectionError, match="one path at a time per process; another one is in use until"
            ):
                await refused.put("key", {"n": 2})
        await store.close()
        await other.put("key", {"n": 2})
        assert await other.get("key") == {"n": 2}
        await other.close()

    async def test_a_second_process_is_told_why(self, store: ChDBStore, path: Path) -> None:
        await store.put("key", {"n": 1})
        await asyncio.to_thread(run_together, _be_told, 1, str(path))

    async def test_two_stores_of_one_path_share_it(self, path: Path, tmp_path: Path) -> None:
        async with open_store(path) as one, open_store(tmp_path / "x" / ".." / path.name) as other:
            await asyncio.gather(*(store.put("same", {"n": 1}) for store in [one, other] * 5))
            await one.put("key", {"n": 1})
            assert await other.get("key") == {"n": 1}
            await other.put("key", {"n": 2})
            assert await one.get("key") == {"n": 2}
            claims = [store.put_if_absent("claim", {}) for store in [one, other] * 10]
            assert (await asyncio.gather(*claims)).count(True) == 1
            await one.close()
            assert await other.get("key") == {"n": 2}

    @pytest.mark.parametrize("path", [None, ":memory:"])
    async def test_memory_is_a_stores_own_and_forgotten_when_closed(self, path: str | None) -> None:
        store, other = ChDBStore(database_path=path), ChDBStore(database_path=path)
        async with store, other:
            await store.put("key", {"n": 1})
            assert await other.get("key") is None
            await other.put("key", {"n": 2})
            assert await store.get("key") == {"n": 1}
        async with store:
            assert await store.get("key") is None

    async def test_a_session_that_is_passed_in_stays_open(self) -> None:
        with closing(open_session(":memory:")) as session:
            async with ChDBStore(session=session) as store:  # pyright: ignore[reportArgumentType] -- it is a session
                await store.put("key", {"n": 1})
            assert ask(session, "SELECT value FROM kv_entries") == [['{"n": 1}']]
            async with store:
                assert await store.get("key") == {"n": 1}
            await store.close()
        with pytest.raises(StoreConnectionError, match="session is closed"):
            await ChDBStore(session=session).get("key")  # pyright: ignore[reportArgumentType] -- it is a session

    @pytest.mark.parametrize("name", ["select", "Order", "_1"])
    async def test_a_table_may_have_any_name(self, path: Path, name: str) -> None:
        for number in range(2):
            async with ChDBStore(database_path=path, table_name=name) as store:
                assert await store.get("key") == (None if number == 0 else {"n": 0})
                await store.put("key", {"n": number})
                assert await store.put_if_absent("key", {"n": 7}) is False
        assert query(path, f"SELECT value FROM `{name}` FINAL") == [['{"n": 1}']]

    @pytest.mark.parametrize("name", ["", "1a", "a-b", "a`", "a b", "é"])
    def test_refuses_what_is_no_name_of_a_table(self, name: str) -> None:
        with pytest.raises(ValueError, match="Table name must start with a letter or underscore and contain"):
            ChDBStore(table_name=name)

    def test_refuses_paths_that_chdb_would_misread(self, path: Path) -> None:
        with pytest.raises(ValueError, match="question mark"):
            ChDBStore(database_path=f"{path}?mode=ro")

    def test_takes_a_session_or_a_path(self, path: Path) -> None:
        with pytest.raises(ValueError, match="Provide only one of session or database_path"):
            ChDBStore(session=object(), database_path=path)  # pyright: ignore[reportArgumentType] -- invalid on purpose

    async def test_without_auto_create_the_table_must_be_there(self, path: Path) -> None:
        store = ChDBStore(database_path=path, auto_create=False)
        with pytest.raises(StoreSetupError, match="Table 'kv_entries' does not exist"):
            await store.put("key", {"n": 1})
        assert not path.exists()
        query(path, PUBLISHED_TABLE)
        await store.put("key", {"n": 2})
        assert await store.get("key") == {"n": 2}
        await store.close()

    async def test_is_queried_with_sql(self, store: ChDBStore, path: Path) -> None:
        await store.put_many(["ada", "alan"], [{"born": 1815}, {"born": 1912}], collection="people")
        born = "JSONExtractInt(value, 'born')"
        where = f"WHERE collection = 'people' AND {born} > 1900"
        found = query(path, f"SELECT key, {born} FROM kv_entries FINAL {where}")
        assert [(key, int(year)) for key, year in found] == [("alan", 1912)]


def _be_told(_: int, path: str) -> None:
    async def use() -> None:
        with pytest.raises(StoreConnectionError, match="one process at a time"):
            await ChDBStore(database_path=path).get("key")

    asyncio.run(use())

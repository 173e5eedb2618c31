"""The PostgreSQL store, on a real server."""

import asyncio
import json
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any, ClassVar, cast

import asyncpg  # pyright: ignore[reportMissingTypeStubs] -- asyncpg has no stubs
import pytest
from typing_extensions import override

from key_value.aio.errors import (
    KeyValueStoreError,
    SerializationError,
    StoreConnectionError,
    StoreSetupError,
)
from key_value.aio.protocols import Versioned
from key_value.aio.stores.postgresql import PostgreSQLStore
from key_value.aio.testing import StoreConformance
from key_value.aio.testing.operations import Store
from key_value.aio.testing.suites.base import ABILITIES, Opening
from tests import published as interop
from tests.published import Publish
from tests.servers.postgresql import Connection, connect
from tests.servers.processes import free_port
from tests.servers.server import Server

PUBLISHED_TABLE = """
CREATE TABLE kv_store (collection TEXT NOT NULL, key TEXT NOT NULL, value JSONB NOT NULL,
  ttl DOUBLE PRECISION, created_at TIMESTAMPTZ, expires_at TIMESTAMPTZ, PRIMARY KEY (collection, key));
CREATE INDEX idx_kv_store_expires_at ON kv_store (expires_at) WHERE expires_at IS NOT NULL
"""


def open_pool(url: str, **options: Any) -> Any:
    return cast("Any", asyncpg).create_pool(url, min_size=0, **options)


def published_opening(postgresql: Server) -> str:
    """Return the code that opens the same server with 0.5.0."""
    return (
        "from key_value.aio.stores.postgresql import PostgreSQLStore\n"
        f"store = PostgreSQLStore(url={postgresql.url!r})"
    )


class PostgreSQLConformance(StoreConformance):
    abilities: ClassVar = ABILITIES
    persistent: ClassVar = True
    refused_values: ClassVar = frozenset({"nan", "infinity"})

    @pytest.fixture
    async def connection(self, postgresql: Server) -> AsyncIterator[Connection]:
        connection = await connect(postgresql.url)
        yield connection
        await connection.close()

    @override
    async def write_raw(self, store: Store, *, collection: str, key: str, data: bytes) -> None:
        """Store corrupt data as the value, because a JSON column rejects text that is not JSON."""
        connection = await self._connect(store)
        update = "UPDATE kv_store SET value = '[1]' WHERE collection = $1 AND key = $2"
        await connection.execute(update, collection, key)
        await connection.close()

    @override
    async def refuse_writes(self, store: Store, *, collection: str, key: str) -> None:
        connection = await self._connect(store)
        check = f"NOT (collection = '{collection}' AND key = '{key}')"
        await connection.execute(f"ALTER TABLE kv_store ADD CHECK ({check})")
        await connection.close()

    @override
    async def count_stored(self, store: Store, *, collection: str) -> int:
        connection = await self._connect(store)
        count = await connection.fetchval("SELECT count(*) FROM kv_store WHERE collection = $1", collection)
        await connection.close()
        return count

    async def _connect(self, store: Store) -> Connection:
        assert isinstance(store, PostgreSQLStore)
        return await connect(self.url)

    url: ClassVar[str]

    @pytest.fixture(autouse=True)
    def use_url(self, postgresql: Server) -> None:
        type(self).url = postgresql.url


class TestPostgreSQLStore(PostgreSQLConformance):
    dropped_unclosed: ClassVar = False

    @override
    @pytest.fixture
    def opening(self, postgresql: Server) -> Opening:
        return partial(PostgreSQLStore, url=postgresql.url)

    @pytest.fixture
    async def store(self, postgresql: Server) -> AsyncIterator[PostgreSQLStore]:
        async with PostgreSQLStore(url=postgresql.url) as store:
            yield store

    async def test_reads_what_0_5_wrote_and_writes_beside_it(
        self, store: PostgreSQLStore, postgresql: Server, published: Publish, connection: Connection
    ) -> None:
        library = published("postgresql")
        library.write(published_opening(postgresql), "theirs")
        await interop.check(store, "theirs")
        types = "SELECT data_type FROM information_schema.columns WHERE table_name = $1 AND column_name = $2"
        assert await connection.fetchval(types, "kv_store", "value") == "jsonb"
        await interop.write(store, "ours")
        await interop.check(store, "ours")
        library.check(published_opening(postgresql), "ours")

    async def test_0_5_reads_and_writes_a_table_of_ours(
        self, store: PostgreSQLStore, postgresql: Server, published: Publish
    ) -> None:
        await interop.write(store, "ours")
        library = published("postgresql")
        library.check(published_opening(postgresql), "ours")
        library.write(published_opening(postgresql), "theirs")
        await interop.check(store, "theirs")

    async def test_keeps_numbers_and_the_order_of_fields(
        self, store: PostgreSQLStore, connection: Connection
    ) -> None:
        value = {"z": -0.0, "a": 1e300, "m": [1e16, 2**130, "\u0000", "\ud800"]}
        await store.put("key", value)
        assert repr(await store.get("key")) == repr(dict(sorted(value.items())))
        assert json.loads(await connection.fetchval("SELECT value::text FROM kv_store")) == value

    async def test_large_floats_stay_floats_in_a_table_of_0_5(
        self, postgresql: Server, connection: Connection
    ) -> None:
        await connection.execute(PUBLISHED_TABLE)
        value = {"n": [1e16, -1e300, 1.5e22, 5e-324, 7, 1], "text": '1e+22 \\" 1e+22'}
        async with PostgreSQLStore(url=postgresql.url) as store:
            await store.put("key", value)
            await store.put_many(["other"], [value])
            assert repr(await store.get_many(["key", "other"])) == repr([value, value])
            with pytest.raises(SerializationError, match="cannot store"):
                await store.put("key", {"secret": "hush\u0000"})
            with pytest.raises(SerializationError) as caught:
                await store.put_many(["a", "b"], [{}, {"secret": "hush\u0000"}])
            assert "hush" not in str(caught.value)
            assert await store.get("a") is None

    async def test_keeps_long_names_of_0_5(self, postgresql: Server, connection: Connection) -> None:
        await connection.execute(PUBLISHED_TABLE)
        await connection.execute(f"INSERT INTO kv_store VALUES ('c', '{'x' * 5000}', '{{}}')")
        async with PostgreSQLStore(url=postgresql.url) as store:
            assert await store.get("x" * 5000, collection="c") == {}
            assert await store.keys("c") == ["x" * 5000]
            too_long = "".join(map(str, range(2000)))
            with pytest.raises(SerializationError):
                await store.put(too_long, {}, collection="c")

    async def test_a_batch_is_stored_whole_or_not_at_all(
        self, store: PostgreSQLStore, connection: Connection
    ) -> None:
        await store.put("a", {"n": 0})
        await connection.execute("ALTER TABLE kv_store ADD CHECK (key <> 'bad')")
        with pytest.raises(KeyValueStoreError, match="check constraint") as caught:
            await store.put_many(["a", "bad"], [{"n": 1}, {"n": 2}])
        assert caught.value.extra_info == {"failed_keys": "'a', 'bad'"}
        assert await store.get("a") == {"n": 0}

    async def test_fifty_gets_are_few_statements(
        self, store: PostgreSQLStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keys = [str(n) for n in range(50)]
        await store.put_many(keys, [{"n": n} for n in range(50)])
        calls: list[int] = []
        get_rows = store._get_rows

        async def count(addresses: Any) -> Any:
            calls.append(len(addresses))
            return await get_rows(addresses)

        monkeypatch.setattr(store, "_get_rows", count)
        tasks = [asyncio.create_task(store.get(key)) for key in [*keys, "none", "0"]]
        await asyncio.sleep(0)
        tasks[7].cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(found.pop(7), asyncio.CancelledError)
        assert found == [*({"n": n} for n in range(50) if n != 7), None, {"n": 0}]
        assert len(calls) <= 3

    async def test_reading_creates_nothing(self, store: PostgreSQLStore, connection: Connection) -> None:
        assert await store.get("key") is None
        assert await store.ttl_many(["a", "b"]) == [(None, None)] * 2
        assert await store.keys() == await store.collections() == []
        assert await store.delete("key") is False
        assert await store.pop("key") is None
        assert await store.destroy_collection("c") is False
        await store.cull()
        await store.destroy()
        assert await connection.fetchval("SELECT to_regclass('kv_store')") is None

    async def test_a_table_is_created_once_by_many(self, postgresql: Server) -> None:
        stores = [PostgreSQLStore(url=postgresql.url) for _ in range(10)]
        await asyncio.gather(*(store.setup() for store in stores))
        await asyncio.gather(*(store.put(str(n), {}) for n, store in enumerate(stores)))
        assert len(await stores[0].keys()) == 10
        for store in stores:
            await store.close()

    async def test_a_table_that_is_dropped_or_altered_meanwhile(
        self, store: PostgreSQLStore, connection: Connection
    ) -> None:
        await store.put("key", {"n": 1})
        await connection.execute("ALTER TABLE kv_store ADD COLUMN more INT; ALTER TABLE kv_store DROP names")
        assert await store.get("key") == {"n": 1}
        await store.put("key", {"n": 2})
        assert await store.keys() == ["key"]
        await connection.execute("DROP TABLE kv_store")
        assert await store.get("key") is None
        assert await store.put_if_absent("key", {"n": 3}) is True
        await connection.execute("DROP TABLE kv_store")
        await connection.execute(PUBLISHED_TABLE)
        await store.put_many(["a", "b"], [{}, {}])
        assert await store.get_many(["a", "key"]) == [{}, None]

    @pytest.mark.parametrize(
        ("table", "reason"),
        [
            (PUBLISHED_TABLE.replace(", PRIMARY KEY (collection, key)", ""), "primary key"),
            (PUBLISHED_TABLE.replace("expires_at TIMESTAMPTZ", "expires_at TIMESTAMP"), "'expires_at'"),
            (PUBLISHED_TABLE.replace("(collection, key)", "(collection, key, ttl)"), "primary key"),
            (PUBLISHED_TABLE.replace("key TEXT", "key TEXT COLLATE ignoring_case"), "not deterministic"),
            ("CREATE VIEW kv_store AS SELECT 1 AS key", "'collection'"),
        ],
        ids=["no key", "a type", "another key", "a collation", "a view"],
    )
    async def test_a_table_that_is_no_store_is_refused(
        self, postgresql: Server, connection: Connection, table: str, reason: str
    ) -> None:
        collation = "provider = icu, locale = 'und-u-ks-level2', deterministic = false"
        await connection.execute(f"CREATE COLLATION ignoring_case ({collation})")
        await connection.execute(table)
        with pytest.raises(StoreSetupError, match=reason):
            await PostgreSQLStore(url=postgresql.url).get("key")

    @pytest.mark.parametrize("level", ["repeatable read", "serializable"])
    async def test_any_isolation_will_do(
        self, postgresql: Server, connection: Connection, level: str
    ) -> None:
        options = {"default_transaction_isolation": level}
        pool = open_pool(postgresql.url, server_settings=options, max_size=20)
        async with PostgreSQLStore(pool=pool) as store, PostgreSQLStore(pool=pool) as other:
            await store.put("key", {})
            await asyncio.gather(*(each.put("key", {"n": n}) for n in range(40) for each in (store, other)))
            claims = [each.put_if_absent("claim", {}) for _ in range(40) for each in (store, other)]
            assert (await asyncio.gather(*claims)).count(True) == 1
        await pool.close()

    async def test_culls_in_chunks_and_leaves_what_is_locked(
        self, store: PostgreSQLStore, connection: Connection
    ) -> None:
        await store.put("lives", {}, ttl=1000)
        await connection.execute(
            "INSERT INTO kv_store SELECT 'c', n::text, '{}', 1, now(), now() - interval '1 s' "
            "FROM generate_series(1, 2500) AS n"
        )
        other = await connect(self.url)
        await other.execute("BEGIN; SELECT FROM kv_store WHERE key = '7' FOR UPDATE")
        await store.cull()
        assert await connection.fetchval("SELECT array_agg(key ORDER BY key) FROM kv_store") == ["7", "lives"]
        await other.execute("ROLLBACK")
        await other.close()
        await store.cull()
        assert await connection.fetchval("SELECT array_agg(key) FROM kv_store") == ["lives"]

    async def test_culls_what_has_gathered(self, store: PostgreSQLStore, connection: Connection) -> None:
        """Many expired rows can accumulate if nothing was culled for months."""
        await store.put("lives", {}, ttl=1000)
        await connection.execute(
            "INSERT INTO kv_store SELECT 'c', n::text, '{}', 1, now(), now() - interval '1 s' "
            "FROM generate_series(1, 200000) AS n; ANALYZE kv_store"
        )
        assert await store.get("7", collection="c") is None
        await store.cull()
        assert await connection.fetchval("SELECT array_agg(key) FROM kv_store") == ["lives"]

    @pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
    async def test_a_database_that_is_not_in_utf_8_holds_all_values(
        self, connection: Connection, encoding: str
    ) -> None:
        """Names that its encoding cannot represent are rejected."""
        name = f"kv_{encoding.lower()}"
        await connection.execute(f"DROP DATABASE IF EXISTS {name}")
        await connection.execute(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'"
        )
        value = {"é": "中😀"}
        async with PostgreSQLStore(url=self.url.rpartition("/")[0] + f"/{name}") as store:
            await store.put_many(["k", "é"], [value, value], ttl=60)
            assert await store.put_if_absent("l", value) is True
            assert await store.get_many(["k", "é", "l"]) == [value] * 3
            if encoding == "LATIN1":
                for call in (store.put("中", {}), store.get("中"), store.delete("中")):
                    with pytest.raises(SerializationError, match="no equivalent"):
                        await call
        await connection.execute(f"DROP DATABASE {name}")

    async def test_statements_on_many_rows_use_the_indexes(
        self, store: PostgreSQLStore, connection: Connection
    ) -> None:
        await store.put("key", {})
        await connection.execute(
            "INSERT INTO kv_store SELECT 'c' || n % 5, n::text, '{}', 1, now(), now() + interval '1 h' "
            "FROM generate_series(1, 20000) AS n; ANALYZE kv_store"
        )
        keys = [str(n) for n in range(100)]
        plans: dict[str, tuple[Any, ...]] = {
            "get": ("c1", "1"),
            "get_many": (["c1"] * 100, keys),
            "delete": ("c1", "1", 0.0),
            "delete_many": ("c1", keys, 0.0),
            "page": ("c1", "1", 100),
            "collections": (0.0, 10),
            "cull": (0.0, 100),
        }
        for name, arguments in plans.items():
            plan = await connection.fetch(f"EXPLAIN {store._sql[name]}", *arguments)
            assert "Seq Scan" not in str(plan), name


class TestWithPool(PostgreSQLConformance):
    """A pool of the caller, with an application's codecs."""

    single_loop: ClassVar = "an asyncpg pool belongs to its event loop"
    model_examples: ClassVar = 5

    @pytest.fixture
    async def store(self, postgresql: Server) -> AsyncIterator[PostgreSQLStore]:
        pool = open_pool(postgresql.url, init=_set_codecs)
        async with PostgreSQLStore(pool=pool) as store:
            yield store
        assert await pool.fetchval("SELECT '[1]'::json") == [1]
        await pool.close()


class TestWithConnection:
    @pytest.fixture
    async def connection(self, postgresql: Server) -> AsyncIterator[Connection]:
        connection = await connect(postgresql.url)
        await _set_codecs(connection)
        yield connection
        await connection.close()

    async def test_does_what_any_store_does(self, connection: Connection) -> None:
        async with PostgreSQLStore(connection=cast("Any", connection)) as store:
            keys = [str(n) for n in range(50)]
            await asyncio.gather(*(store.put(key, {"n": key}, ttl=100) for key in keys))
            assert await asyncio.gather(*map(store.get, keys)) == [{"n": key} for key in keys]
            await store.put_many(keys, [{"n": key} for key in keys])
            assert await store.ttl_many(["0", "none"]) == [({"n": "0"}, None), (None, None)]
            found = await store.get_versioned("1")
            assert found is not None
            assert await store.put_if_version("1", {}, version=found.version) is not None
            assert await store.put_if_version("1", {}, version=found.version) is None
            assert await store.touch("2", ttl=5)
            assert await store.pop("2") == {"n": "2"}
            assert sorted(await store.keys()) == sorted({*keys} - {"2"})
            assert await store.delete_many(keys) == 49
        assert await connection.fetchval("SELECT '[1]'::json") == [1]

    async def test_writes_within_its_transaction(self, connection: Connection) -> None:
        async with PostgreSQLStore(connection=cast("Any", connection)) as store:
            await store.put("kept", {})
            await connection.execute("BEGIN")
            await store.put("undone", {})
            await connection.execute("ROLLBACK")
            assert await store.keys() == ["kept"]

    async def test_a_transaction_that_cannot_be_serialized_says_so(
        self, connection: Connection, postgresql: Server
    ) -> None:
        store = PostgreSQLStore(connection=cast("Any", connection))
        await store.put("k", {"n": 1})
        await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        assert await store.get("k") == {"n": 1}
        async with PostgreSQLStore(url=postgresql.url) as other:
            await other.put("k", {"n": 2})
        with pytest.raises(KeyValueStoreError, match="could not serialize access") as caught:
            await store.put("k", {"n": 3})
        assert isinstance(caught.value.__cause__, asyncpg.SerializationError)
        await connection.execute("ROLLBACK")
        assert await store.get("k") == {"n": 2}

    async def test_each_write_of_a_transaction_has_a_version_of_its_own(self, connection: Connection) -> None:
        store = PostgreSQLStore(connection=cast("Any", connection))
        await store.put("k", {"n": 1})
        await connection.execute("BEGIN")
        first = await store.put_if_version("k", {"n": 2}, version=version_of(await store.get_versioned("k")))
        assert first is not None
        assert await store.put_if_version("k", {"n": 3}, version=first)
        assert await store.put_if_version("k", {"n": 4}, version=first) is None
        assert await store.delete_if_version("k", version=first) is False
        await connection.execute("COMMIT")
        assert await store.get("k") == {"n": 3}


def version_of(found: Versioned[Any] | None) -> str:
    assert found is not None
    return found.version


async def _set_codecs(connection: Any) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
    await connection.set_type_codec("timestamptz", schema="pg_catalog", encoder=str, decoder=_quote)


def _quote(text: str) -> str:
    return f"<{text}>"


class TestForms:
    async def test_takes_host_port_and_database(self, postgresql: Server, connection: Connection) -> None:
        async with PostgreSQLStore(
            host=postgresql.host, port=postgresql.port, database="postgres", user="postgres", ssl="disable"
        ) as store:
            await store.put("key", {"n": 1})
            assert repr(store) == f"PostgreSQLStore('postgresql://127.0.0.1:{postgresql.port}/postgres')"
        assert await connection.fetchval("SELECT value::text FROM kv_store") == '{"n": 1}'

    async def test_takes_the_options_of_a_url_and_of_a_pool(self, postgresql: Server) -> None:
        url = f"{postgresql.url}?application_name=app&sslmode=prefer"
        async with PostgreSQLStore(url=url, min_size=1, max_size=2, timeout=None) as store:
            await asyncio.gather(*(store.put(str(n), {"n": n}) for n in range(50)))
            [[name]] = await store._query("SELECT current_setting('application_name')")
            [[count]] = await store._query(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'app'"
            )
        assert (name, count <= 2) == ("app", True)

    async def test_takes_the_first_host_that_can_be_written_to(self, postgresql: Server) -> None:
        url = postgresql.url.replace("@", f"@127.0.0.1:{free_port()},")
        async with PostgreSQLStore(url=url) as store:
            await store.put("key", {"n": 1})
            assert await store.get("key") == {"n": 1}

    @pytest.mark.parametrize("name", ["user", "SELECT", "My_Table", "таблица", "a" * 63])
    async def test_any_plain_name_is_a_table(
        self, postgresql: Server, connection: Connection, name: str
    ) -> None:
        async with PostgreSQLStore(url=postgresql.url, table_name=name) as store:
            await store.put("key", {"n": 1}, ttl=100)
            assert await store.collections() == ["default_collection"]
        folded = name.lower()
        assert await connection.fetchval(f'SELECT count(*) FROM public."{folded}"') == 1

    @pytest.mark.parametrize("name", ["a-b", 'a"b', "a b", "a.b", "1a", "a" * 64, "я" * 32, "_;"])
    def test_refuses_other_names(self, name: str) -> None:
        with pytest.raises(ValueError, match=r"Table name"):
            PostgreSQLStore(table_name=name)

    @pytest.mark.parametrize("schema", ["App", 'a"; DROP TABLE x; --', "select"])
    async def test_any_name_is_a_schema(
        self, postgresql: Server, connection: Connection, schema: str
    ) -> None:
        quoted = '"' + schema.replace('"', '""') + '"'
        await connection.execute(f"DROP SCHEMA IF EXISTS {quoted} CASCADE; CREATE SCHEMA {quoted}")
        async with PostgreSQLStore(url=postgresql.url, schema=schema) as store:
            await store.put("key", {"n": 1})
            assert await store.get("key") == {"n": 1}
        assert await connection.fetchval(f"SELECT count(*) FROM {quoted}.kv_store") == 1
        assert await connection.fetchval("SELECT to_regclass('public.kv_store')") is None
        await connection.execute(f"DROP SCHEMA {quoted} CASCADE")

    async def test_keeps_to_its_schema_whatever_a_session_searches(
        self, postgresql: Server, connection: Connection
    ) -> None:
        await connection.execute("DROP SCHEMA IF EXISTS other CASCADE; CREATE SCHEMA other")
        pool = open_pool(postgresql.url, max_size=1)
        async with PostgreSQLStore(pool=pool) as store:
            await store.put("key", {"n": 1})
            await connection.execute(
                PUBLISHED_TABLE.replace("kv_store", "other.kv_store", 1).partition(";")[0]
            )
            async with pool.acquire() as leaking:
                await leaking.execute("SET search_path TO other")
                await PostgreSQLStore(connection=leaking, schema="public").get("key")
                store._connections._given = cast("Any", _Leaking(leaking))
                assert await store.get("key") == {"n": 1}
                await store.put("key", {"n": 2})
        assert await connection.fetchval("SELECT value::text FROM public.kv_store") == '{"n": 2}'
        await pool.close()
        await connection.execute("DROP SCHEMA other CASCADE")

    async def test_a_role_that_creates_nothing_uses_a_table_that_is_there(
        self, postgresql: Server, connection: Connection
    ) -> None:
        await connection.execute(
            "DROP ROLE IF EXISTS worker; CREATE ROLE worker LOGIN; GRANT USAGE ON SCHEMA public TO worker"
        )
        url = postgresql.url.replace("postgres@", "worker@")
        async with PostgreSQLStore(url=url) as store:
            with pytest.raises(KeyValueStoreError, match="permission denied") as caught:
                await store.put("key", {})
            assert not isinstance(caught.value, ConnectionError)
        async with PostgreSQLStore(url=postgresql.url) as owner:
            await owner.put("key", {"n": 1})
        await connection.execute("GRANT ALL ON public.kv_store TO worker")
        async with PostgreSQLStore(url=url) as store:
            await store.put("other", {})
            assert await store.get("key") == {"n": 1}
            await store.cull()

    async def test_without_auto_create_the_table_must_be_there(
        self, postgresql: Server, connection: Connection
    ) -> None:
        store = PostgreSQLStore(url=postgresql.url, auto_create=False)
        with pytest.raises(StoreSetupError, match="Table 'kv_store' does not exist"):
            await store.put("key", {})
        await connection.execute(PUBLISHED_TABLE)
        await store.put("key", {"n": 1})
        await connection.execute("DROP TABLE kv_store")
        with pytest.raises(KeyValueStoreError, match="does not exist"):
            await store.get("key")
        await store.close()

    @pytest.mark.parametrize(
        "make",
        [
            lambda: PostgreSQLStore(pool=cast("Any", object())),
            lambda: PostgreSQLStore(pool=cast("Any", 1), url="postgresql://localhost"),
            lambda: PostgreSQLStore(url="postgresql://me:p@ss:w/r@localhost/db"),
            lambda: PostgreSQLStore(url="postgresql+asyncpg://me:ss:w@localhost/db"),
            lambda: PostgreSQLStore(url="postgresql://me:p\u2100ss:w@localhost/db"),
            lambda: PostgreSQLStore(url="postgresql://me:[ss:w@localhost/db"),
            lambda: PostgreSQLStore(url="localhost"),
        ],
        ids=["no pool", "two sources", "a raw password", "another scheme", "symbols", "a bracket", "no URL"],
    )
    def test_refuses_what_means_nothing(self, make: Callable[[], object]) -> None:
        with pytest.raises((TypeError, ValueError)) as caught:
            make()
        assert "ss:w" not in str(caught.value)

    def test_a_url_is_shown_without_its_password(self) -> None:
        store = PostgreSQLStore(url="postgresql://me:p%40ss@[::1]:5432,other/db?sslmode=require")
        assert repr(store) == "PostgreSQLStore('postgresql://[::1]:5432,other/db')"

    async def test_an_error_quotes_no_value(self, postgresql: Server, connection: Connection) -> None:
        async with PostgreSQLStore(url=postgresql.url) as store:
            await store.put("k", {})
            await connection.execute("ALTER TABLE kv_store ADD CHECK (length(value::text) < 9)")
            for call in (store.put("k", {"token": "secret"}), store.put_if_absent("l", {"token": "secret"})):
                with pytest.raises(KeyValueStoreError, match="violates check constraint") as caught:
                    await call
                assert "secret" not in "".join(traceback.format_exception(caught.value))

    async def test_many_connections_that_have_ended_are_one_broken_call(
        self, postgresql: Server, connection: Connection
    ) -> None:
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ended'"
        async with PostgreSQLStore(url=f"{postgresql.url}?application_name=ended") as store:
            calls: list[Callable[[], Awaitable[Any]]] = [
                lambda: store.put("k", {"n": 1}),
                lambda: store.get("k"),
                lambda: store.put_many(["k", "l"], [{"n": 1}, {}]),
                store.keys,
            ]
            for call in calls:
                await asyncio.gather(*(store.put(str(n), {}) for n in range(30)))
                await connection.execute(end)
                # The connections end while the event loop is blocked and cannot notice it.
                time.sleep(0.5)  # noqa: ASYNC251
                await call()
            assert await store.get("k") == {"n": 1}

    async def test_a_server_that_became_a_standby_is_a_connection_error(
        self, postgresql: Server, connection: Connection
    ) -> None:
        async with PostgreSQLStore(url=postgresql.url) as store:
            await store.put("key", {"n": 1})
            pool = await store._connections.get()
            async with cast("Any", pool).acquire() as taken:
                await taken.execute("SET default_transaction_read_only = on")
            # The connection is replaced, and the write is retried.
            await store.put("key", {"n": 2})
            await connection.execute("ALTER ROLE postgres SET default_transaction_read_only = on")
            await cast("Any", pool).expire_connections()
            try:
                with pytest.raises(StoreConnectionError, match="read-only"):
                    await store.put("key", {"n": 3})
            finally:
                await connection.execute("ALTER ROLE postgres RESET default_transaction_read_only")
            await store.put("key", {"n": 4})

    @pytest.fixture
    async def connection(self, postgresql: Server) -> AsyncIterator[Connection]:
        connection = await connect(postgresql.url)
        yield connection
        await connection.close()


class _Leaking:
    """A pool whose only connection keeps the session settings of others."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def acquire(self) -> Any:
        return self._connection

    async def release(self, connection: Any, *, timeout: float | None) -> None:
        return None

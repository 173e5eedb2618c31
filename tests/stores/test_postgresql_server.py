"""The PostgreSQL store with a server that stops, hangs, restarts, requires a password, or has a pooler."""

import asyncio
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import asyncpg  # pyright: ignore[reportMissingTypeStubs] -- asyncpg has no stubs
import pytest
import trustme

from key_value.aio.errors import (
    KeyValueStoreError,
    OutcomeUnknownError,
    StoreAuthenticationError,
    StoreConnectionError,
    StoreTimeoutError,
)
from key_value.aio.stores.postgresql import PostgreSQLStore
from tests.servers.certificates import make_certificates
from tests.servers.postgresql import Node, connect, node, program, unprivileged
from tests.servers.processes import free_port, running
from tests.servers.server import Server, needed

OUTAGES = (StoreConnectionError, StoreTimeoutError)


@pytest.fixture(scope="module")
def nodes() -> Generator[Node]:
    with needed("PostgreSQL"), node() as made:
        yield made


@pytest.fixture
def own(nodes: Node) -> Generator[Node]:
    nodes.start()
    yield nodes
    nodes.stop()


class Load:
    """Tasks that write to separate keys, and record acknowledged and abandoned writes."""

    def __init__(self, store: PostgreSQLStore) -> None:
        self.store = store
        self.acknowledged: dict[str, int] = {}
        self.possible: dict[str, set[int]] = {}
        self.claimed: list[str] = []
        self.failures = 0
        self.successes = 0
        self._tasks = [asyncio.create_task(self._write(f"key-{n}")) for n in range(8)]

    async def _write(self, key: str) -> None:
        n = 0
        while True:
            n += 1
            try:
                if n % 5 == 0 and await self.store.put_if_absent(f"{key}-{n}", {"n": n}):
                    self.claimed.append(f"{key}-{n}")
                await self.store.put(key, {"n": n})
            except (*OUTAGES, OutcomeUnknownError):
                self.failures += 1
                self.possible.setdefault(key, set()).add(n)
                await asyncio.sleep(0.01)
            else:
                self.successes += 1
                self.acknowledged[key] = n
                self.possible.pop(key, None)

    async def reach(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await asyncio.sleep(0.005)

    async def work_again(self) -> None:
        """Wait until every task has another acknowledged write."""
        successes = self.successes
        await self.reach(lambda: self.successes >= successes + 50)

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def check(self) -> None:
        """Compare the stored values with the acknowledged ones and later writes with an unknown outcome."""
        for key, n in self.acknowledged.items():
            found = await self.store.get(key)
            assert found is not None, key
            # A cancelled write may have been applied, too.
            assert found["n"] in {n, n + 1, *self.possible.get(key, ())}, key
        assert None not in await self.store.get_many(self.claimed)


class TestOutages:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=lambda n: n.name)
    async def test_what_was_acknowledged_survives_a_restart(self, own: Node, number: signal.Signals) -> None:
        async with PostgreSQLStore(url=own.url, timeout=5, table_name=f"t_{number.name}") as store:
            load = Load(store)
            await load.work_again()
            if number is signal.SIGTERM:
                # The server waits for its clients to disconnect, and accepts no new ones.
                pool: Any = await store._connections.get()
                await asyncio.gather(asyncio.to_thread(own.stop, number), _leave(load, pool))
            else:
                await asyncio.to_thread(own.stop, number)
            await load.reach(lambda: load.failures > 0)
            with pytest.raises(StoreConnectionError):
                await store.get("key-0")
            await asyncio.to_thread(own.start)
            await load.work_again()
            await load.end()
            await load.check()

    async def test_a_server_that_hangs_is_a_timeout(self, own: Node) -> None:
        async with PostgreSQLStore(url=own.url, timeout=1, max_size=4, table_name="hangs") as store:
            await store.put("key", {"n": 1})
            load = Load(store)
            await load.work_again()
            with own.suspended():
                began = time.monotonic()
                calls = [store.get("key"), store.put("other", {}), store.keys(), store.get_many(["a", "b"])]
                for error in await asyncio.gather(*calls, return_exceptions=True):
                    assert isinstance(error, StoreTimeoutError)
                with pytest.raises(OutcomeUnknownError):
                    await store.put_if_absent("claim", {})
                assert time.monotonic() - began >= 1
                with pytest.raises(StoreTimeoutError):
                    await PostgreSQLStore(url=own.url, timeout=0.2).get("key")
            await load.work_again()
            await load.end()
            await load.check()
            assert await store.get("key") == {"n": 1}

    async def test_no_server_is_a_connection_error(self) -> None:
        store = PostgreSQLStore(port=free_port())
        for call in (store.get("k"), store.put("k", {}), store.put_many(["k"], [{}]), store.keys()):
            with pytest.raises(StoreConnectionError) as caught:
                await call
            assert caught.value.nothing_was_sent
        await store.close()

    async def test_a_cancelled_write_is_in_or_not_but_never_late(self, own: Node) -> None:
        async with PostgreSQLStore(url=own.url, table_name="cancelled") as store:
            await store.put("key", {"n": 0})
            for n in range(100):
                task = asyncio.create_task(store.put("key", {"n": -n}))
                await asyncio.sleep(0)
                task.cancel()
                await store.put("key", {"n": n})
                assert await store.get("key") == {"n": n}

    async def test_a_server_without_room_or_patience(self, own: Node) -> None:
        connection = await connect(own.url)
        async with PostgreSQLStore(url=own.url, table_name="locked") as store:
            await store.put("key", {})
            await connection.execute("ALTER ROLE postgres SET lock_timeout = '10ms'")
            await connection.execute("BEGIN; SELECT FROM locked FOR UPDATE")
            async with PostgreSQLStore(url=own.url, table_name="locked") as impatient:
                with pytest.raises(StoreTimeoutError, match="lock timeout"):
                    await impatient.put("key", {})
            await connection.execute("ROLLBACK; ALTER ROLE postgres RESET lock_timeout")
            await connection.execute("CREATE ROLE one LOGIN CONNECTION LIMIT 0")
            with pytest.raises(StoreConnectionError, match="too many connections"):
                await PostgreSQLStore(url=own.url.replace("postgres@", "one@")).get("key")
            await connection.execute("DROP ROLE one")
        await connection.close()


async def _leave(load: Load, pool: Any) -> None:
    await load.reach(lambda: load.failures > 0 or load.successes > 0)
    while load.failures == 0:
        await pool.expire_connections()
        await asyncio.sleep(0.01)


@pytest.fixture(scope="module")
def secured() -> Generator[Node]:
    with needed("PostgreSQL"), node(password="p@ss:w/r d") as made:
        files = make_certificates(made.directory)
        files.key.chmod(0o600)
        for file in (files.key, files.certificate):
            made.own(file)
        made.start("ssl=on", f"ssl_key_file={files.key}", f"ssl_cert_file={files.certificate}")
        yield made


class TestTLS:
    def url(self, secured: Node, options: str) -> str:
        return f"postgresql://postgres:p%40ss%3Aw%2Fr%20d@127.0.0.1:{secured.port}/postgres?{options}"

    @pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
    async def test_connects_by_url(self, secured: Node, mode: str) -> None:
        authority = secured.directory / "ca.pem"
        async with PostgreSQLStore(url=self.url(secured, f"sslmode={mode}&sslrootcert={authority}")) as store:
            await store.put("k", {"n": 1})
            assert await store.get("k") == {"n": 1}
            [[encrypted]] = await store._query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
            assert encrypted

    async def test_connects_by_arguments(self, secured: Node) -> None:
        arguments: dict[str, Any] = {"port": secured.port, "user": "postgres", "password": "p@ss:w/r d"}
        async with PostgreSQLStore(host="127.0.0.1", ssl="require", **arguments) as store:
            assert await store.get("none") is None

    async def test_trusts_no_other_authority(self, secured: Node) -> None:
        other = secured.directory / "other.pem"
        trustme.CA().cert_pem.write_to_path(str(other))
        with pytest.raises(StoreConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
            await PostgreSQLStore(url=self.url(secured, f"sslmode=verify-full&sslrootcert={other}")).get("k")

    async def test_a_missing_certificate_is_no_connection_error(self, secured: Node) -> None:
        with pytest.raises(KeyValueStoreError) as caught:
            await PostgreSQLStore(url=self.url(secured, "sslmode=verify-full&sslrootcert=/none")).get("k")
        assert not isinstance(caught.value, ConnectionError)

    @pytest.mark.parametrize("password", ["wrong-one", None])
    async def test_a_wrong_password_is_no_connection_error(
        self, secured: Node, password: str | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PGPASSFILE", str(secured.directory / "none"))
        store = PostgreSQLStore(host="127.0.0.1", port=secured.port, user="postgres", password=password)
        with pytest.raises(StoreAuthenticationError, match="password") as caught:
            await store.get("k")
        assert not isinstance(caught.value, ConnectionError)
        assert "wrong-one" not in f"{store!r} {caught.value}"


class TestPooler:
    """PgBouncer in transaction mode, with fewer connections than concurrent tasks."""

    @pytest.fixture
    def pooler(self, postgresql: Server) -> Generator[Server]:
        with needed("PgBouncer"), _pgbouncer(postgresql) as server:
            yield server

    @pytest.fixture
    async def stores(self, pooler: Server) -> AsyncIterator[list[PostgreSQLStore]]:
        stores = [PostgreSQLStore(url=pooler.url, statement_cache_size=0) for _ in range(4)]
        yield stores
        for store in stores:
            await store.close()

    async def test_every_call_gets_its_own_answer(self, stores: list[PostgreSQLStore]) -> None:
        async def use(n: int) -> None:
            store, key = stores[n % len(stores)], f"key-{n}"
            for step in range(15):
                value = {"n": n, "step": step}
                await store.put(key, value)
                assert await store.get(key) == value
                found = await store.get_versioned(key)
                assert found is not None
                assert await store.put_if_version(key, value, version=found.version) is not None
                await store.put_many([f"{key}-a", f"{key}-b"], [value, {}], ttl=100)
                assert await store.get_many([f"{key}-a", f"{key}-b", "none"]) == [value, {}, None]
                assert await store.touch(f"{key}-a", ttl=10)
                assert await store.pop(f"{key}-a") == value
                assert await store.delete_many([f"{key}-a", f"{key}-b"]) == 1

        await asyncio.gather(*(use(n) for n in range(24)))
        assert sorted(await stores[0].keys()) == sorted(f"key-{n}" for n in range(24))
        claims = [store.put_if_absent("claim", {}) for store in stores for _ in range(25)]
        assert (await asyncio.gather(*claims)).count(True) == 1

    async def test_says_what_to_set_where_statements_are_kept(self, pooler: Server) -> None:
        pool: Any = cast("Any", asyncpg).create_pool(pooler.url, min_size=0, max_size=10)
        async with PostgreSQLStore(pool=pool) as store:

            async def use() -> None:
                for _ in range(20):
                    await asyncio.gather(*(store.put(f"{n}", {}) for n in range(40)))

            with pytest.raises(KeyValueStoreError, match="statement_cache_size=0"):
                await use()
        await pool.close()


@contextmanager
def _pgbouncer(postgresql: Server) -> Generator[Server]:
    port = free_port()
    with TemporaryDirectory() as folder:
        directory = Path(folder)
        as_user = unprivileged(directory)
        (directory / "users").write_text('"postgres" "none"\n')
        (directory / "pgbouncer.ini").write_text(
            f"""
[databases]
postgres = host={postgresql.host} port={postgresql.port} dbname=postgres user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = users
pool_mode = transaction
default_pool_size = 3
"""
        )
        server = Server(f"postgresql://postgres@127.0.0.1:{port}/postgres")
        command = [*as_user, program("pgbouncer"), "pgbouncer.ini"]
        with running(command, directory=directory, ready=lambda: _listens(port)):
            yield server


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True

import asyncio
import gc
import json
import signal
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol, cast

import pytest
from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from typing_extensions import override

from key_value.aio.errors import (
    DeserializationError,
    KeyValueStoreError,
    StoreAuthenticationError,
    StoreConnectionError,
    StoreTimeoutError,
)
from key_value.aio.stores.redis import RedisStore
from key_value.aio.testing import StoreConformance
from key_value.aio.testing.operations import Store
from key_value.aio.testing.suites.base import ABILITIES, Opening
from tests import published as interop
from tests.published import Publish
from tests.servers.answering import answering
from tests.servers.processes import free_port
from tests.servers.redis import call, durable, node
from tests.servers.server import Server
from tests.stores.load import Load

Arguments = dict[str, Any]

WRITES: dict[str, Callable[[RedisStore], Awaitable[None]]] = {
    "put": lambda store: store.put("k", {"n": 1}),
    "put_many": lambda store: store.put_many(["k", "l"], [{"n": 1}] * 2),
    "put_many with a TTL": lambda store: store.put_many(["k", "l"], [{"n": 1}] * 2, ttl=10),
}


class Client(Protocol):
    """The part of redis-py's clients that these tests use."""

    def set(self, name: str, value: str | bytes, *, keepttl: bool = False) -> Awaitable[Any]: ...
    def get(self, name: str) -> Awaitable[Any]: ...
    def hset(self, name: str, key: str, value: str) -> Awaitable[Any]: ...
    def pttl(self, name: str) -> Awaitable[int]: ...
    def keys(self) -> Awaitable[list[str]]: ...
    def ping(self) -> Awaitable[bool]: ...
    def execute_command(self, *command: str) -> Awaitable[Any]: ...
    def aclose(self) -> Awaitable[None]: ...


def connect(url: str, **options: Any) -> Client:
    return cast("Client", cast("Any", Redis).from_url(url, **options))


def published_opening(redis: Server) -> str:
    """Return the code that opens the same server with 0.5.0."""
    return f"from key_value.aio.stores.redis import RedisStore\nstore = RedisStore(url={redis.url!r})"


class RedisConformance(StoreConformance):
    abilities: ClassVar = ABILITIES
    persistent: ClassVar = True

    @pytest.fixture
    async def client(self, redis: Server) -> AsyncIterator[Client]:
        client = connect(redis.url, decode_responses=True)
        yield client
        await client.aclose()

    @override
    async def write_raw(self, store: Store, *, collection: str, key: str, data: bytes) -> None:
        address = RedisStore.names.address(collection, key)
        await cast("RedisStore", store).client.execute_command("SET", address, data)


class TestRedisStore(RedisConformance):
    dropped_unclosed: ClassVar = False

    @override
    @pytest.fixture
    def opening(self, redis: Server) -> Opening:
        return partial(RedisStore, url=redis.url)

    @override
    async def plant(self, store: Store, *, collection: str, key: str) -> None:
        address = RedisStore.names.address(collection, key)
        await cast("RedisStore", store).client.execute_command("LPUSH", address, "item")

    @pytest.fixture
    async def store(self, redis: Server) -> AsyncIterator[RedisStore]:
        async with RedisStore(url=redis.url) as store:
            yield store

    async def test_stores_the_documents_of_the_0_5_series(self, store: RedisStore, client: Client) -> None:
        await store.put("k", {"b": 1, "a": "é"}, collection="c", ttl=100)
        text = await client.get("c::k")
        document = json.loads(text)
        assert text == json.dumps(document, sort_keys=True)
        assert list(document) == [
            "collection",
            "created_at",
            "expires_at",
            "key",
            "value",
            "version",
            "write_id",
        ]
        assert (document["collection"], document["key"], document["version"]) == ("c", "k", 1)
        assert document["created_at"].endswith("+00:00")

    async def test_reads_what_0_5_wrote(self, store: RedisStore, redis: Server, published: Publish) -> None:
        published("redis").write(published_opening(redis), "people")
        await interop.check(store, "people")

    async def test_0_5_reads_what_this_writes(
        self, store: RedisStore, redis: Server, published: Publish
    ) -> None:
        await interop.write(store, "people")
        published("redis").check(published_opening(redis), "people")

    @pytest.mark.parametrize("ttl", [0.0001, 0.5, 2, 2.0005])
    async def test_the_server_keeps_an_entry_no_shorter_than_it_lives(
        self, store: RedisStore, client: Client, ttl: float
    ) -> None:
        begun = time.monotonic()
        await store.put("k", {}, ttl=max(ttl, 0.2))
        left = await client.pttl("default_collection::k")
        assert left >= (max(ttl, 0.2) - (time.monotonic() - begun)) * 1000 - 1
        await store.put_many(["k", "l"], [{}, {}], ttl=1000.0001)
        assert await client.pttl("default_collection::l") > 999_000

    async def test_an_unlimited_entry_has_no_expiry(self, store: RedisStore, client: Client) -> None:
        await store.put("k", {}, ttl=1)
        await store.put("k", {})
        assert await client.pttl("default_collection::k") == -1

    async def test_what_others_stored_is_neither_listed_nor_removed(
        self, store: RedisStore, client: Client
    ) -> None:
        foreign = {"users": "x", "users::1": "text", "users::2": '{"value": {"a": 1}}', "a::b": "[1]"}
        copied = json.dumps({"collection": "users", "key": "1", "value": {}, "version": 1})
        foreign["users::copy"] = copied
        for name, text in foreign.items():
            await client.set(name, text)
        await client.hset("users::hash", "field", "value")
        await store.put("mine", {"n": 1}, collection="users")
        assert await store.collections() == ["users"]
        assert await store.destroy_collection("users") is True
        assert await store.destroy_collection("users") is False
        await store.put("mine", {"n": 1}, collection="users")
        assert await store.destroy() is True
        assert sorted(await client.keys()) == sorted([*foreign, "users::hash"])
        assert {name: await client.get(name) for name in foreign} == foreign

    async def test_patterns_in_names_mean_nothing(self, store: RedisStore) -> None:
        names = ["a*", "ab", "a?", "a[b]", "a\\b", "a^b", "[a-z]", "a-b"]
        for name in names:
            await store.put(name, {"n": name}, collection=name)
        for name in names:
            assert await store.keys(name) == [name]
        await store.destroy_collection("a*")
        assert sorted(await store.collections()) == sorted(set(names) - {"a*"})

    async def test_concurrent_calls_get_their_own_answers(self, store: RedisStore) -> None:
        keys = [f"k{n}" for n in range(200)]
        await asyncio.gather(*(store.put(key, {"key": key}) for key in keys))
        calls = [*(store.get(key) for key in keys), *(store.delete(f"no-{key}") for key in keys)]
        answers = await asyncio.gather(*calls)
        assert answers == [*({"key": key} for key in keys), *[False] * len(keys)]

    async def test_a_cancelled_caller_harms_none_of_those_beside_it(self, store: RedisStore) -> None:
        await store.put("k", {"n": 1})
        tasks = [asyncio.create_task(store.get("k")) for _ in range(10)]
        await asyncio.sleep(0)
        # The first call is already in progress, and the second one sends for all others.
        tasks[1].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(results.pop(1), asyncio.CancelledError)
        assert results == [{"n": 1}] * 9

    async def test_one_refused_command_harms_none_of_those_beside_it(
        self, store: RedisStore, client: Client
    ) -> None:
        await client.hset("c::hash", "field", "value")
        put = store.put("k", {"n": 1}, collection="c")
        refused = store.put_if_absent("hash", {"n": 2}, collection="c")
        stored, error = await asyncio.gather(put, refused, return_exceptions=True)
        assert (stored, type(error)) == (None, KeyValueStoreError)
        with pytest.raises(KeyValueStoreError, match="WRONGTYPE"):
            await store.get("hash", collection="c")

    async def test_finds_and_moves_what_0_5_kept_under_a_plain_name(
        self, store: RedisStore, client: Client
    ) -> None:
        document = {"collection": "a::b", "key": "k", "value": {"n": 1}, "version": 1}
        await client.set("a::b::k", json.dumps(document))
        assert await store.get("k", collection="a::b") == {"n": 1}
        assert await store.get("b::k", collection="a") is None
        assert await store.keys("a::b") == ["k"]
        assert await store.keys("a") == []
        await store.put("k", {"n": 2}, collection="a::b")
        assert await client.keys() == ["a%3A%3Ab::k"]
        await client.set("a::b::k", json.dumps(document))
        assert await store.delete("k", collection="a::b") is True
        assert await client.keys() == []

    async def test_a_batch_that_is_refused_names_its_keys(self, store: RedisStore, client: Client) -> None:
        await store.put("k", {"n": 1})
        await client.execute_command("CONFIG", "SET", "maxmemory", "1")
        try:
            with pytest.raises(KeyValueStoreError, match="maxmemory") as caught:
                await store.put_many(["x", "y"], [{}, {}])
        finally:
            await client.execute_command("CONFIG", "SET", "maxmemory", "0")
        assert caught.value.extra_info == {"failed_keys": "'x', 'y'"}

    async def test_a_client_that_was_passed_in_stays_open(self, redis: Server, client: Client) -> None:
        async with RedisStore(client=cast("Redis", client)) as store:
            await store.put("k", {"n": 1})
        assert await client.ping()

    @pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning", "ignore:loop is closed:ResourceWarning")
    @pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
    def test_a_client_that_was_passed_in_outlives_its_event_loop(self, redis: Server, loop: str) -> None:
        """A command on a connection of the ended loop is retried on another connection."""
        run: Callable[[Coroutine[Any, Any, Any]], Any] = pytest.importorskip(loop).run

        async def use(store: RedisStore, number: int) -> dict[str, Any] | None:
            await store.put("k", {"n": number})
            return await store.get("k")

        def use_in_three_loops() -> None:
            store = RedisStore(client=cast("Redis", connect(redis.url)))
            for number in range(3):
                assert run(use(store, number)) == {"n": number}

        use_in_three_loops()
        gc.collect()

    async def test_takes_host_port_and_database(self, redis: Server, client: Client) -> None:
        async with RedisStore(host=redis.host, port=redis.port, db=0) as store:
            await store.put("k", {"n": 1})
        assert await client.keys() == ["default_collection::k"]

    async def test_takes_the_options_of_a_url(self, redis: Server) -> None:
        async with RedisStore(url=f"{redis.url}?protocol=3&socket_timeout=5&max_connections=2") as store:
            await asyncio.gather(*(store.put(str(n), {"n": n}) for n in range(50)))
            assert len(await store.keys()) == 50

    async def test_reads_while_the_client_decodes(self, store: RedisStore, redis: Server) -> None:
        await store.put("k", {"n": 1})
        client = connect(redis.url, decode_responses=True)
        decoding = RedisStore(client=cast("Redis", client))
        await client.set("default_collection::bad", b"\xff\xfe")
        assert await decoding.get_many(["k", "none"]) == [{"n": 1}, None]
        with pytest.raises(DeserializationError):
            await decoding.get("bad")
        with pytest.raises(DeserializationError):
            await decoding.get_many(["k", "bad"])
        await client.aclose()


class TestWithClientThatDecodes(RedisConformance):
    @pytest.fixture
    async def store(self, redis: Server) -> AsyncIterator[RedisStore]:
        client = connect(redis.url, decode_responses=True)
        async with RedisStore(client=cast("Redis", client)) as store:
            yield store
        await client.aclose()

    single_loop: ClassVar = "redis-py's clients belong to the event loop that they were first used in"


@pytest.fixture(scope="class")
def collected() -> Generator[None]:
    """Collect unclosed sockets at the end of a class: later tests would be blamed for them."""
    yield
    gc.collect()


# redis-py's cluster client leaves sockets of nodes behind when it reloads the layout of the cluster.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.usefixtures("collected")
class TestWithRedisCluster(RedisConformance):
    @pytest.fixture
    async def store(self, redis_cluster: Server) -> AsyncIterator[RedisStore]:
        client = cast("Any", RedisCluster).from_url(redis_cluster.url)
        async with RedisStore(client=client) as store:
            yield store
        await client.aclose()

    many: ClassVar = 3_000
    single_loop: ClassVar = "redis-py's clients belong to the event loop that they were first used in"

    async def test_batches_reach_every_master(self, store: RedisStore) -> None:
        keys = [str(n) for n in range(500)]
        await store.put_many(keys, [{"n": n} for n in range(500)])
        assert await store.get_many(keys) == [{"n": n} for n in range(500)]
        assert sorted(await store.keys()) == sorted(keys)
        assert await store.delete_many([*keys, "none"]) == 500


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://:secret@localhost", "must specify one of"),
        ("redis://me:secret@localhost:port", "percent-encode"),
        ("redis://me:p\u2100secret@localhost", "percent-encode"),
        ("redis://me:secret@[localhost", "percent-encode"),
        ("redis://me:secret/1@localhost", "percent-encode"),
        ("redis://me:1/secret@localhost", "percent-encode"),
        ("redis://me:1#secret@localhost", "percent-encode"),
        ("redis://:secret@localhost?db=one", "'db'"),
    ],
)
def test_a_url_that_is_refused_is_not_repeated(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        RedisStore(url=url)
    assert "secret" not in "".join(traceback.format_exception(caught.value))


class TestTLS:
    async def test_connects_by_url(self, redis_tls: Server) -> None:
        async with RedisStore(url=redis_tls.url) as store:
            await store.put("k", {"n": 1})
            assert await store.get("k") == {"n": 1}

    @pytest.mark.parametrize("reqs", ["required", "optional", None])
    async def test_connects_by_arguments(self, redis_tls: Server, reqs: Any) -> None:
        arguments: Arguments = {
            "ssl_ca_certs": redis_tls.option("ssl_ca_certs"),
            "password": redis_tls.password,
            "ssl_cert_reqs": reqs,
        }
        forms: list[Arguments] = [
            {"host": redis_tls.host, "port": redis_tls.port},
            {"url": f"redis://{redis_tls.host}:{redis_tls.port}/0"},
            {"url": f"rediss://{redis_tls.host}:{redis_tls.port}/0"},
        ]
        for form in forms:
            async with RedisStore(**form, **arguments) as store:
                await store.put("k", {"n": 1})
                assert await store.get("k") == {"n": 1}

    async def test_can_trust_anybody(self, redis_tls: Server) -> None:
        arguments: Arguments = {"host": redis_tls.host, "port": redis_tls.port, "password": "secret"}
        async with RedisStore(ssl=True, ssl_cert_reqs="none", **arguments) as store:
            assert await store.get("k") is None

    async def test_trusts_nobody_unknown(self, redis_tls: Server) -> None:
        arguments: Arguments = {"host": redis_tls.host, "port": redis_tls.port, "password": "secret"}
        async with RedisStore(ssl=True, **arguments) as store:
            with pytest.raises(StoreConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
                await store.get("k")

    async def test_a_wrong_password_is_no_connection_error(self, redis_tls: Server) -> None:
        arguments: Arguments = {"host": redis_tls.host, "port": redis_tls.port, "password": "wrong"}
        async with RedisStore(ssl_ca_certs=redis_tls.option("ssl_ca_certs"), **arguments) as store:
            with pytest.raises(StoreAuthenticationError) as caught:
                await store.get("k")
        assert not isinstance(caught.value, ConnectionError)
        assert "wrong" not in str(caught.value).replace("wrong number", "")


class TestFailures:
    async def test_no_server_is_a_connection_error(self) -> None:
        async with RedisStore(port=free_port()) as store:
            for call in (store.get("k"), store.put("k", {}), store.put_many(["k"], [{}]), store.keys()):
                with pytest.raises(StoreConnectionError) as caught:
                    await call
                assert isinstance(caught.value, ConnectionError)

    async def test_silence_is_a_timeout(self) -> None:
        async def be_silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
            await reader.read()

        async with answering(be_silent) as port:
            url = f"redis://127.0.0.1:{port}/0?socket_timeout=0.05&protocol=2"
            async with RedisStore(url=url) as store:
                with pytest.raises(StoreTimeoutError):
                    await store.get("k")

    @pytest.mark.parametrize(
        ("query", "timeout", "expected"),
        [("", 5, None), ("?socket_timeout=2", 5, 2), ("", None, "default")],
        ids=["bounded by the store", "in the URL", "left to the client"],
    )
    async def test_a_socket_timeout_is_only_what_a_user_asks_for(
        self, redis: Server, query: str, timeout: float | None, expected: object
    ) -> None:
        def socket_timeout(client: Any) -> object:
            return client.connection_pool.make_connection().socket_timeout

        async with RedisStore(url=f"{redis.url}{query}", timeout=timeout) as store:
            wanted = socket_timeout(Redis(port=redis.port)) if expected == "default" else expected
            assert socket_timeout(store.client) == wanted

    @pytest.mark.parametrize("write", WRITES)
    async def test_a_write_waits_for_an_earlier_one_without_an_answer(self, write: str) -> None:
        """When the server resumes, it may apply the earlier write after one from another connection."""
        server = Server(f"redis://127.0.0.1:{free_port()}/0")
        with node(server, "--port", str(server.port)):
            async with RedisStore(url=server.url, timeout=0.3) as store:
                await store.put("k", {"n": 0})
                call(server, "CONFIG", "RESETSTAT")
                call(server, "CLIENT", "PAUSE", "1000", "WRITE")
                with pytest.raises(StoreTimeoutError):
                    await WRITES[write](store)
                call(server, "CLIENT", "UNPAUSE")
                assert "ping" not in str(call(server, "INFO", "commandstats"))
                await store.put("k", {"n": 2})
                assert "ping" in str(call(server, "INFO", "commandstats"))
                assert await store.get("k") == {"n": 2}

    async def test_more_calls_than_connections_wait_for_one(self, redis: Server) -> None:
        url = f"{redis.url}?max_connections=2"
        client = connect(url)
        for store in (RedisStore(url=url), RedisStore(client=cast("Redis", client))):
            async with store:
                keys = [f"k{n}" for n in range(50)]
                await asyncio.gather(*(store.put_many([key], [{"key": key}]) for key in keys))
                found = await asyncio.gather(*(store.get_many([key]) for key in keys))
                assert found == [[{"key": key}] for key in keys]
        await client.aclose()

    @pytest.mark.parametrize("url", ["localhost:6379", "http://localhost", "redis://localhost:port/0"])
    def test_refuses_a_url_that_means_nothing(self, url: str) -> None:
        with pytest.raises(ValueError, match=r"Redis URL|[Pp]ort"):
            RedisStore(url=url)

    def test_percent_codes_of_a_url_are_decoded(self) -> None:
        store = RedisStore(url="redis://me%40here:p%40ss@localhost:6379/3", password="other", db=1)

        async def made() -> dict[str, Any]:
            await store.setup()
            client = store.client
            return client.connection_pool.connection_kwargs

        options = asyncio.run(made())
        assert (options["username"], options["password"], options["db"]) == ("me@here", "p@ss", 3)


class TestServerEnds:
    """A server that ends, hangs and restarts under load."""

    @pytest.mark.parametrize("end", ["SIGTERM", "SIGKILL", "SIGSTOP"])
    async def test_accounts_for_every_acknowledged_write(self, tmp_path: Path, end: str) -> None:
        server = Server(f"redis://127.0.0.1:{free_port()}/0")
        async with RedisStore(url=server.url, timeout=0.5) as store:
            with durable(server, tmp_path) as process:
                load = Load(store)
                await load.acknowledges(200)
                process.send_signal(getattr(signal, end))
                await load.fails(16)
                if end == "SIGSTOP":
                    process.send_signal(signal.SIGCONT)
                    await load.acknowledges(200)
            # A suspended server is ended and restarted too: all acknowledged writes are on its disk.
            with durable(server, tmp_path):
                await load.acknowledges(200)
                await load.end()
                await load.check()

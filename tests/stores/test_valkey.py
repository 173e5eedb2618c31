import asyncio
import json
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, cast
from urllib.parse import urlencode

import pytest
from glide import (
    GlideClient,
    GlideClientConfiguration,
    GlideClusterClient,
    GlideClusterClientConfiguration,
    NodeAddress,
    ReadFrom,
)
from redis import RedisError
from typing_extensions import override

from key_value.aio.errors import (
    KeyValueStoreError,
    StoreAuthenticationError,
    StoreConnectionError,
    StoreTimeoutError,
    ValueTooLargeError,
)
from key_value.aio.stores.valkey import ValkeyStore
from key_value.aio.stores.valkey import store as store_module
from key_value.aio.testing import StoreConformance
from key_value.aio.testing.operations import Store
from key_value.aio.testing.suites.base import ABILITIES, Opening
from tests import published as interop
from tests.published import Publish
from tests.servers.certificates import make_certificates
from tests.servers.processes import free_port
from tests.servers.redis import call, durable, node
from tests.servers.redis_cluster import start as start_cluster
from tests.servers.server import Server
from tests.servers.valkey import start
from tests.stores.load import Load

Arguments = dict[str, Any]

# Raised in a thread of the driver that creates a client while its loop ends.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception in thread:pytest.PytestUnhandledThreadExceptionWarning"
)


def published_opening(valkey: Server) -> str:
    """Return the code that opens the same server with 0.5.0."""
    return (
        "from key_value.aio.stores.valkey import ValkeyStore\n"
        f"store = ValkeyStore(host={valkey.host!r}, port={valkey.port})"
    )


def addresses(server: Server) -> list[NodeAddress]:
    return [NodeAddress(server.host, server.port)]


@pytest.fixture
async def store(valkey: Server) -> AsyncIterator[ValkeyStore]:
    async with ValkeyStore(url=valkey.url) as store:
        yield store


@pytest.fixture
async def clustered(valkey_cluster: Server) -> AsyncIterator[ValkeyStore]:
    async with ValkeyStore(url=valkey_cluster.url, cluster=True) as store:
        yield store


class ValkeyConformance(StoreConformance):
    abilities: ClassVar = ABILITIES
    persistent: ClassVar = True

    @override
    async def write_raw(self, store: Store, *, collection: str, key: str, data: bytes) -> None:
        name = ValkeyStore.names.address(collection, key)
        await cast("ValkeyStore", store).client.set(name, data)


class TestValkeyStore(ValkeyConformance):
    dropped_unclosed: ClassVar = False

    @override
    @pytest.fixture
    def opening(self, valkey: Server) -> Opening:
        return partial(ValkeyStore, url=valkey.url)

    @override
    async def plant(self, store: Store, *, collection: str, key: str) -> None:
        name = ValkeyStore.names.address(collection, key)
        await cast("ValkeyStore", store).client.lpush(name, ["item"])


class TestWithValkeyCluster(ValkeyConformance):
    @override
    @pytest.fixture
    async def store(self, clustered: ValkeyStore) -> ValkeyStore:
        return clustered

    many: ClassVar = 3_000


class TestDocuments:
    async def test_stores_the_documents_of_the_0_5_series(self, store: ValkeyStore, valkey: Server) -> None:
        await store.put("k", {"b": 1, "a": "é"}, collection="c", ttl=100)
        text = cast("bytes", call(valkey, "GET", "c::k")).decode()
        document = json.loads(text)
        assert text == json.dumps(document, sort_keys=True)
        assert (document["collection"], document["key"], document["version"]) == ("c", "k", 1)

    async def test_reads_what_0_5_wrote(self, store: ValkeyStore, valkey: Server, published: Publish) -> None:
        published("valkey").write(published_opening(valkey), "people")
        await interop.check(store, "people")

    async def test_0_5_reads_what_this_writes(
        self, store: ValkeyStore, valkey: Server, published: Publish
    ) -> None:
        await interop.write(store, "people")
        published("valkey").check(published_opening(valkey), "people")

    async def test_finds_and_moves_what_0_5_kept_under_a_plain_name(
        self, store: ValkeyStore, valkey: Server
    ) -> None:
        document = {"collection": "a::b", "key": "k", "value": {"n": 1}, "version": 1}
        call(valkey, "SET", "a::b::k", json.dumps(document))
        assert await store.get("k", collection="a::b") == {"n": 1}
        assert await store.get("b::k", collection="a") is None
        await store.put("k", {"n": 2}, collection="a::b")
        assert call(valkey, "KEYS", "*") == [b"a%3A%3Ab::k"]

    async def test_the_server_keeps_an_entry_no_shorter_than_it_lives(
        self, store: ValkeyStore, valkey: Server
    ) -> None:
        await store.put_many(["k", "l"], [{}, {}], ttl=1000.0001)
        assert cast("int", call(valkey, "PTTL", "default_collection::l")) > 999_000
        await store.put("k", {})
        assert call(valkey, "PTTL", "default_collection::k") == -1

    async def test_what_others_stored_is_neither_listed_nor_removed(
        self, store: ValkeyStore, valkey: Server
    ) -> None:
        copied = json.dumps({"collection": "users", "key": "1", "value": {}, "version": 1})
        foreign = {"users": "x", "users::1": "text", "a::b": "[1]", "users::copy": copied}
        for name, text in foreign.items():
            call(valkey, "SET", name, text)
        call(valkey, "HSET", "users::hash", "field", "value")
        await store.put("mine", {"n": 1}, collection="users")
        assert await store.collections() == ["users"]
        assert await store.destroy() is True
        names = {name.decode() for name in cast("list[bytes]", call(valkey, "KEYS", "*"))}
        assert names == {*foreign, "users::hash"}

    async def test_a_batch_that_is_refused_names_its_keys(self, store: ValkeyStore, valkey: Server) -> None:
        await store.put("k", {"n": 1})
        call(valkey, "CONFIG", "SET", "maxmemory", "1")
        try:
            for ttl in (None, 60):
                with pytest.raises(KeyValueStoreError, match="maxmemory") as caught:
                    await store.put_many(["x", "y"], [{}, {}], ttl=ttl)
                assert caught.value.extra_info == {"failed_keys": "'x', 'y'"}
            assert await store.delete("k") is True
        finally:
            call(valkey, "CONFIG", "SET", "maxmemory", "0")

    async def test_a_full_server_keeps_what_it_has_and_gives_it_up(
        self, store: ValkeyStore, valkey: Server
    ) -> None:
        await store.put_many(["a", "b", "c"], [{"n": 1}] * 3)
        found = await store.get_versioned("a")
        assert found is not None
        call(valkey, "CONFIG", "SET", "maxmemory", "1")
        try:
            for refused in (
                store.put_if_version("a", {"n": 2}, version=found.version),
                store.put_if_absent("d", {}),
                store.touch("a", ttl=60),
            ):
                with pytest.raises(KeyValueStoreError, match="maxmemory"):
                    await refused
            assert await store.get("a") == {"n": 1}
            assert await store.delete_if_version("a", version=found.version) is True
            assert await store.pop("b") == {"n": 1}
        finally:
            call(valkey, "CONFIG", "SET", "maxmemory", "0")
        assert await store.keys() == ["c"]

    async def test_what_the_server_cannot_hold_is_not_sent(
        self, store: ValkeyStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(store_module, "MAX_BYTES", 1000)
        with pytest.raises(ValueTooLargeError):
            await store.put("k", {"text": "x" * 1000})
        assert await store.get("k") is None


class TestForms:
    @pytest.mark.parametrize("db", [0, 3])
    async def test_takes_host_port_and_database(self, valkey: Server, db: int) -> None:
        url = f"valkey://{valkey.host}:{valkey.port}/{db}"
        forms: list[Arguments] = [
            {"host": valkey.host, "port": valkey.port, "db": db},
            {"addresses": [(valkey.host, valkey.port)], "db": db},
            {"url": url, "db": 7},
            {"config": GlideClientConfiguration(addresses(valkey), database_id=db)},
        ]
        for form in forms:
            async with ValkeyStore(**form) as store:
                await store.put("k", {"n": db})
                assert store.location == url
        other = GlideClientConfiguration(addresses(valkey), database_id=db)
        client = await GlideClient.create(other)
        async with ValkeyStore(client=client) as store:
            assert await store.get("k") == {"n": db}
            assert store.client is client
        assert await client.ping() == b"PONG"
        await client.close()
        call(valkey, "FLUSHALL")

    @pytest.mark.parametrize("protocol", ["valkey", "redis"])
    async def test_decodes_the_percent_codes_of_a_url(self, valkey: Server, protocol: str) -> None:
        call(valkey, "ACL", "SETUSER", "me@here", "on", ">p@ss:w/r d%", "~*", "+@all")
        try:
            at = f"{valkey.host}:{valkey.port}"
            url = f"{protocol}://me%40here:p%40ss%3Aw%2Fr%20d%25@{at}/0"
            async with ValkeyStore(url=url, username="other", password="other") as store:
                await store.put("k", {"n": 1})
                assert "p@ss" not in repr(store)
            arguments: Arguments = {"username": "me@here", "password": "p@ss:w/r d%"}
            async with ValkeyStore(host=valkey.host, port=valkey.port, **arguments) as store:
                assert await store.get("k") == {"n": 1}
        finally:
            call(valkey, "ACL", "DELUSER", "me@here")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"url": "localhost:6379"}, "begin with"),
            ({"url": "http://:secret@localhost"}, "begin with"),
            ({"url": "valkey://:secret@localhost:port"}, "port"),
            ({"url": "valkey://:p\u2100secret@localhost"}, "percent-encode"),
            ({"url": "valkey://:secret@localhost/people"}, "must be a database number"),
            ({"url": "valkey://:secret@localhost/0?timeout=1"}, "options"),
            ({"username": "me"}, "requires a password"),
            ({"timeout": 0}, "timeout"),
        ],
    )
    def test_refuses_what_means_nothing(self, arguments: Arguments, message: str) -> None:
        with pytest.raises(ValueError, match=message) as caught:
            ValkeyStore(**arguments)
        assert "secret" not in str(caught.value)

    async def test_refuses_a_client_and_a_configuration(self, valkey: Server) -> None:
        config = GlideClientConfiguration(addresses(valkey), lazy_connect=True)
        client = await GlideClient.create(config)
        with pytest.raises(ValueError, match="mutually exclusive"):
            ValkeyStore(client=client, config=config)
        await client.close()


class TestReplica:
    async def test_reads_from_the_primary_what_a_replica_may_lack(self, valkey: Server) -> None:
        with start("--replicaof", f"{valkey.host} {valkey.port}") as replica:
            while cast("dict[str, str]", call(replica, "INFO", "replication"))["master_link_status"] != "up":
                await asyncio.sleep(0.05)
            nodes = [*addresses(valkey), *addresses(replica)]
            config = GlideClientConfiguration(nodes, read_from=ReadFrom.PREFER_REPLICA)
            async with ValkeyStore(config=config) as store:
                await store.put("k", {"n": 1})
                call(replica, "REPLICAOF", "127.0.0.1", str(free_port()))
                await store.put("k", {"n": 2})
                assert await store.get("k") == {"n": 2}
                assert await store.get_many(["k", "none"]) == [{"n": 2}, None]


class TestTLS:
    async def test_connects(self, redis_tls: Server) -> None:
        at = f"{redis_tls.host}:{redis_tls.port}"
        trust: Arguments = {"ssl_ca_certs": redis_tls.option("ssl_ca_certs")}
        forms: list[Arguments] = [
            {"url": f"valkeys://:secret@{at}", **trust},
            {"url": f"redis://{at}/0", "password": "secret", **trust},
            {"url": f"rediss://:secret@{at}", "ssl_cert_reqs": "none"},
            {"host": redis_tls.host, "port": redis_tls.port, "password": "secret", **trust},
        ]
        for form in forms:
            async with ValkeyStore(**form) as store:
                await store.put("k", {"n": 1})
                assert await store.get("k") == {"n": 1}

    async def test_trusts_no_unknown_certificate(self, redis_tls: Server) -> None:
        url = f"rediss://:secret@{redis_tls.host}:{redis_tls.port}"
        async with ValkeyStore(url=url, timeout=0.5) as store:
            with pytest.raises((StoreConnectionError, StoreTimeoutError)):
                await store.get("k")

    async def test_a_wrong_password_is_no_connection_error(self, redis_tls: Server) -> None:
        url = f"rediss://:mistaken@{redis_tls.host}:{redis_tls.port}"
        async with ValkeyStore(url=url, ssl_ca_certs=redis_tls.option("ssl_ca_certs")) as store:
            with pytest.raises(StoreAuthenticationError, match="WRONGPASS") as caught:
                await store.get("k")
        assert not isinstance(caught.value, ConnectionError)
        assert "mistaken" not in str(caught.value)

    async def test_shows_a_certificate(self, redis_tls: Server, tmp_path: Path) -> None:
        """The server requires a client certificate, but no password."""
        files = make_certificates(tmp_path)
        port = free_port()
        trust: Arguments = {"ssl_ca_certs": str(files.authority)}
        shown: Arguments = {"ssl_certfile": str(files.certificate), "ssl_keyfile": str(files.key)}
        server = Server(f"rediss://127.0.0.1:{port}/0?{urlencode(trust | shown)}")
        tls = ["--port", "0", "--tls-port", str(port), "--tls-ca-cert-file", str(files.authority)]
        own = ["--tls-cert-file", str(files.certificate), "--tls-key-file", str(files.key)]
        with node(server, *tls, *own):
            async with ValkeyStore(port=port, **trust, **shown) as store:
                await store.put("k", {"n": 1})
                assert await store.get("k") == {"n": 1}
            async with ValkeyStore(port=port, **trust, timeout=0.5) as store:
                with pytest.raises((StoreConnectionError, StoreTimeoutError)):
                    await store.get("k")


class TestCluster:
    async def test_a_batch_reaches_every_primary(self, clustered: ValkeyStore) -> None:
        keys = [str(n) for n in range(500)]
        await clustered.put_many(keys, [{"n": n} for n in range(500)])
        assert await clustered.get_many(keys) == [{"n": n} for n in range(500)]
        assert await clustered.delete_many([*keys, "none"]) == 500

    async def test_another_client_continues_a_scan(
        self, clustered: ValkeyStore, valkey_cluster: Server
    ) -> None:
        keys = [str(n) for n in range(300)]
        await clustered.put_many(keys, [{"n": 1}] * 300)
        found: list[str] = []
        cursor: str | None = None
        while True:
            async with ValkeyStore(url=valkey_cluster.url, cluster=True) as other:
                page = await other.scan(cursor=cursor, limit=50)
            found += page.keys
            cursor = page.cursor
            if cursor is None:
                break
        assert sorted(found) == sorted(keys)

    async def test_takes_a_client_and_a_configuration(self, valkey_cluster: Server) -> None:
        config = GlideClusterClientConfiguration(addresses(valkey_cluster))
        async with ValkeyStore(config=config) as store:
            await store.put("k", {"n": 1})
        client = await GlideClusterClient.create(config)
        async with ValkeyStore(client=client) as store:
            assert await store.get_many(["k", "none"]) == [{"n": 1}, None]
        await client.close()

    async def test_reads_a_batch_while_its_slot_moves(
        self, clustered: ValkeyStore, valkey_cluster: Server
    ) -> None:
        keys = ["a{tag}", "b{tag}"]
        await clustered.put_many(keys, [{"n": 1}, {"n": 2}])
        slot = cast("int", call(valkey_cluster, "CLUSTER", "KEYSLOT", "{tag}"))
        commands = await clustered._commands.get()
        ranges: list[Any] = await commands.execute("CLUSTER", "SLOTS")
        owner = next(each[2][2].decode() for each in ranges if each[0] <= slot <= each[1])
        nodes = {node.name: Server(f"redis://{node.host}:{node.port}") for node in await commands.primaries()}
        target = next(name for name in nodes if name != owner)
        call(nodes[target], "CLUSTER", "SETSLOT", str(slot), "IMPORTING", owner)
        call(nodes[owner], "CLUSTER", "SETSLOT", str(slot), "MIGRATING", target)
        try:
            assert await clustered.get_many([*keys, "c{tag}"]) == [{"n": 1}, {"n": 2}, None]
        finally:
            for node in nodes.values():
                call(node, "CLUSTER", "SETSLOT", str(slot), "STABLE")

    async def test_lists_once_what_two_nodes_have(
        self, clustered: ValkeyStore, valkey_cluster: Server
    ) -> None:
        """Two nodes have an entry while a slot moves, and after an abandoned move."""
        keys = [str(n) for n in range(50)]
        await clustered.put_many(keys, [{"n": 1}] * 50)
        address = clustered.names.address(clustered.default_collection, "7")
        slot = cast("int", call(valkey_cluster, "CLUSTER", "KEYSLOT", address))
        nodes = nodes_of(valkey_cluster, slot)
        (owner, owner_id), (target, target_id) = nodes[:2]
        call(target, "CLUSTER", "SETSLOT", str(slot), "IMPORTING", owner_id)
        call(owner, "CLUSTER", "SETSLOT", str(slot), "MIGRATING", target_id)
        try:
            call(owner, "MIGRATE", target.host, str(target.port), address, "0", "5000", "COPY")
            assert sorted(await clustered.keys()) == sorted(keys)
            assert await clustered.get("7") == {"n": 1}
        finally:
            for node, _ in nodes:
                call(node, "CLUSTER", "SETSLOT", str(slot), "STABLE")
        assert await clustered.delete("7") is True
        assert "7" not in await clustered.keys()

    async def test_a_batch_names_the_keys_of_the_shard_that_is_down(self, valkey_cluster: Server) -> None:
        with start_cluster("valkey-server") as server:
            async with ValkeyStore(url=server.url, cluster=True) as store:
                keys = [str(n) for n in range(60)]
                await store.put_many(keys, [{"n": 1}] * 60)
                nodes = [node for node, _ in nodes_of(server, 0)]
                for each in nodes:
                    call(each, "CONFIG", "SET", "cluster-require-full-coverage", "no")
                with suppress(ConnectionError, RedisError):
                    call(nodes[-1], "SHUTDOWN", "NOSAVE")
                with pytest.raises(StoreConnectionError) as caught:
                    await store.put_many(keys, [{"n": 2}] * 60)
                assert caught.value.extra_info is not None
                failed = str(caught.value.extra_info["failed_keys"]).replace("'", "").split(", ")
                assert 0 < len(failed) < 60
                written = [key for key in keys if key not in failed]
                assert await store.get_many(written) == [{"n": 2}] * len(written)


def nodes_of(cluster: Server, slot: int) -> list[tuple[Server, str]]:
    """Return the primaries of a cluster and their names, the owner of a slot first."""
    ranges = cast("list[Any]", call(cluster, "CLUSTER SLOTS"))
    ranges.sort(key=lambda each: not each[0] <= slot <= each[1])
    return [(cluster.at(host.decode(), port), name.decode()) for _, _, (host, port, name, *_), *_ in ranges]


class TestLoops:
    """The driver reads the replies for all event loops in one of them."""

    @pytest.fixture(params=["valkey", "valkey_cluster"])
    def opening(self, request: pytest.FixtureRequest) -> Opening:
        server: Server = request.getfixturevalue(request.param)
        return partial(ValkeyStore, url=server.url, cluster=request.param == "valkey_cluster", timeout=1)

    async def test_goes_on_when_the_loop_that_reads_has_ended(self, opening: Opening) -> None:
        store = opening()
        reads, may_end = threading.Event(), threading.Event()

        async def read() -> None:
            await store.put("first", {"n": 1})
            reads.set()
            await asyncio.to_thread(may_end.wait)

        async def go_on() -> None:
            await store.put("k", {"n": 1})
            may_end.set()
            await asyncio.to_thread(reader.join)
            # Without recovery, each of these calls would wait forever.
            assert await store.get("k") == {"n": 1}
            assert await store.get_many(["k", "first"]) == [{"n": 1}, {"n": 1}]
            assert await store.put_if_absent("l", {"n": 2})
            assert set(await store.keys()) == {"k", "l", "first"}
            await store.destroy()
            await store.close()

        reader = threading.Thread(target=asyncio.run, args=(read(),))
        reader.start()
        await asyncio.to_thread(reads.wait)
        await asyncio.to_thread(asyncio.run, go_on())

    async def test_goes_on_when_an_answer_is_read_after_one_to_a_loop_that_was_closed(
        self, opening: Opening
    ) -> None:
        here, other = asyncio.get_running_loop(), asyncio.new_event_loop()
        other.set_exception_handler(lambda _, __: None)
        raised: list[Any] = []
        here.set_exception_handler(lambda _, context: raised.append(context["exception"]))

        def begin_and_close() -> None:
            task = other.create_task(store.put("cut off", {"n": 1}))
            for _ in range(3):
                other.call_soon(other.stop)
                other.run_forever()
            other.close()
            assert not task.done()

        async with opening() as store:
            await store.put("k", {"n": 1})
            await asyncio.to_thread(other.run_until_complete, store.put("first", {"n": 1}))
            # One turn of this loop: a call in the other loop, which then closes; a call here; both replies.
            here.call_soon(in_thread, begin_and_close)
            got = asyncio.ensure_future(store.get("k"))
            here.call_soon(time.sleep, 0.2)
            assert await got == {"n": 1}
            await store.destroy()
        assert all("Event loop is closed" in str(error) for error in raised)


def in_thread(work: Callable[[], None]) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


@pytest.mark.usefixtures("valkey")
class TestFailures:
    async def test_no_server_is_a_connection_error(self) -> None:
        async with ValkeyStore(port=free_port()) as store:
            for request in (store.get("k"), store.put("k", {}), store.put_many(["k"], [{}]), store.keys()):
                with pytest.raises(StoreConnectionError):
                    await request

    async def test_keeps_to_its_database_when_it_connects_again(self, valkey: Server) -> None:
        async with ValkeyStore(host=valkey.host, port=valkey.port, db=3) as store:
            await store.put("k", {"n": 1})
            call(valkey, "CLIENT", "KILL", "TYPE", "normal")
            await store.put("k", {"n": 2})
        third = valkey.url.removesuffix("0") + "3"
        try:
            assert call(Server(third), "DBSIZE") == 1
            assert call(valkey, "DBSIZE") == 0
        finally:
            call(Server(third), "FLUSHDB")

    async def test_a_database_that_is_none_is_no_connection_error(self, valkey: Server) -> None:
        async with ValkeyStore(host=valkey.host, port=valkey.port, db=99) as store:
            with pytest.raises(KeyValueStoreError, match="database") as caught:
                await store.get("k")
        assert not isinstance(caught.value, ConnectionError)

    async def test_a_demoted_primary_is_a_connection_error_until_it_is_one_again(
        self, store: ValkeyStore, valkey: Server
    ) -> None:
        await store.put("k", {"n": 1})
        call(valkey, "REPLICAOF", "127.0.0.1", str(free_port()))
        try:
            with pytest.raises(StoreConnectionError):
                await store.put("k", {"n": 2})
            with pytest.raises(StoreConnectionError):
                await store.put_many(["k", "l"], [{}, {}], ttl=60)
        finally:
            call(valkey, "REPLICAOF", "NO", "ONE")
        await store.put("k", {"n": 3})
        assert await store.get("k") == {"n": 3}

    async def test_says_that_the_password_has_changed_and_works_once_it_is_back(self, valkey: Server) -> None:
        locked = Server(f"redis://:other@{valkey.host}:{valkey.port}/0")
        async with ValkeyStore(host=valkey.host, port=valkey.port, timeout=0.5) as store:
            await store.put("k", {"n": 1})
            call(valkey, "CONFIG", "SET", "requirepass", "other")
            try:
                call(locked, "CLIENT", "KILL", "TYPE", "normal")
                said = ""
                while "NOAUTH" not in said:
                    with pytest.raises(KeyValueStoreError) as caught:
                        await store.get("k")
                    said = str(caught.value)
            finally:
                call(locked, "CONFIG", "SET", "requirepass", "")
            assert await store.get("k") == {"n": 1}

    @pytest.mark.parametrize("end", ["SIGTERM", "SIGKILL", "SIGSTOP"])
    async def test_accounts_for_every_acknowledged_write(self, tmp_path: Path, end: str) -> None:
        port = free_port()
        server = Server(f"redis://127.0.0.1:{port}/0")
        async with ValkeyStore(port=port, timeout=0.5) as store:
            with durable(server, tmp_path, program="valkey-server"):
                load = Load(store)
                await load.acknowledges(200)
                process = int(cast("dict[str, Any]", call(server, "INFO", "server"))["process_id"])
                os.kill(process, getattr(signal, end))
                await load.fails(16)
                if end == "SIGSTOP":
                    os.kill(process, signal.SIGCONT)
                    await load.acknowledges(200)
            # A suspended server is ended and restarted too: all acknowledged writes are on its disk.
            with durable(server, tmp_path, program="valkey-server"):
                await load.acknowledges(200)
                await load.end()
                await load.check()

"""The memcached store."""

import asyncio
import json
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Generator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, cast

import pytest
from aiomcache import Client
from typing_extensions import override

from key_value.aio.errors import (
    DeserializationError,
    KeyValueStoreError,
    StoreAuthenticationError,
    StoreConnectionError,
    StoreTimeoutError,
    ValueTooLargeError,
)
from key_value.aio.protocols import (
    AsyncCompareAndSetProtocol,
    AsyncPopProtocol,
    AsyncPutIfAbsentProtocol,
    AsyncTouchProtocol,
)
from key_value.aio.stores.memcached import MemcachedStore, MemcachedV1KeySanitizationStrategy
from key_value.aio.stores.memcached.store import LATEST
from key_value.aio.testing import StoreConformance
from key_value.aio.testing.operations import Store
from key_value.aio.testing.suites.base import Opening
from key_value.aio.urls import open_store
from tests import published as interop
from tests.published import Publish
from tests.servers.answering import answering
from tests.servers.certificates import make_certificates
from tests.servers.memcached import call, node
from tests.servers.processes import free_port, suspend
from tests.servers.server import Server

CONDITIONAL = frozenset[type](
    {AsyncPutIfAbsentProtocol, AsyncCompareAndSetProtocol, AsyncPopProtocol, AsyncTouchProtocol}
)


def published_opening(memcached: Server) -> str:
    """Return the code that opens the same server with 0.5.0."""
    return (
        "from key_value.aio.stores.memcached import MemcachedStore\n"
        f"store = MemcachedStore(host={memcached.host!r}, port={memcached.port})"
    )


@pytest.fixture
async def store(memcached: Server) -> AsyncIterator[MemcachedStore]:
    async with MemcachedStore(host=memcached.host, port=memcached.port) as store:
        yield store


class TestMemcachedStore(StoreConformance):
    abilities: ClassVar = CONDITIONAL
    persistent: ClassVar = True
    dropped_unclosed: ClassVar = False

    @override
    @pytest.fixture
    def opening(self, memcached: Server) -> Opening:
        return partial(MemcachedStore, host=memcached.host, port=memcached.port)

    @pytest.fixture
    async def client(self, memcached: Server) -> AsyncIterator[Client]:
        client = Client(memcached.host, memcached.port)
        yield client
        await client.close()

    @override
    async def write_raw(self, store: Store, *, collection: str, key: str, data: bytes) -> None:
        address = cast("MemcachedStore", store).names.address(collection, key)
        memcached = cast("MemcachedStore", store)
        host, port = memcached.location.split(":")
        client = Client(host, int(port))
        await client.set(address.encode(), data)
        await client.close()

    async def test_stores_the_documents_of_the_0_5_series(
        self, store: MemcachedStore, client: Client
    ) -> None:
        await store.put("k", {"b": 1, "a": "é"}, collection="c", ttl=100)
        document = json.loads(await client.get(b"c::k") or b"")
        assert (document["collection"], document["key"], document["version"]) == ("c", "k", 1)
        assert document["value"] == {"a": "é", "b": 1}

    async def test_reads_what_0_5_wrote(
        self, store: MemcachedStore, memcached: Server, published: Publish
    ) -> None:
        published("memcached").write(published_opening(memcached), "people")
        await interop.check(store, "people")

    async def test_0_5_reads_what_this_writes(
        self, store: MemcachedStore, memcached: Server, published: Publish
    ) -> None:
        await interop.write(store, "people")
        published("memcached").check(published_opening(memcached), "people")

    async def test_finds_and_moves_what_0_5_kept_under_a_plain_name(
        self, store: MemcachedStore, client: Client
    ) -> None:
        document = {"collection": "a::b", "key": "k", "value": {"n": 1}, "version": 1}
        await client.set(b"a::b::k", json.dumps(document).encode())
        assert await store.get("k", collection="a::b") == {"n": 1}
        assert await store.get("b::k", collection="a") is None
        await store.put("k", {"n": 2}, collection="a::b")
        assert await client.get(b"a::b::k") is None

    async def test_a_strategy_of_0_5_sees_the_whole_name(self, memcached: Server, client: Client) -> None:
        strategy = MemcachedV1KeySanitizationStrategy()
        async with MemcachedStore(
            host=memcached.host, port=memcached.port, key_sanitization_strategy=strategy
        ) as store:
            await store.put("k" * 300, {"n": 1})
            address = strategy.sanitize(f"default_collection::{'k' * 300}")
            assert await client.get(address.encode()) is not None
            assert await store.get("k" * 300) == {"n": 1}

    async def test_a_long_name_is_hashed_by_its_bytes(self, store: MemcachedStore) -> None:
        await store.put("é" * 125, {"text": "flush_all"})
        await store.put("other", {"n": 1})
        assert await store.get("é" * 125) == {"text": "flush_all"}
        assert len(store.names.address("default_collection", "é" * 125)) <= 250

    async def test_a_value_that_is_too_large_leaves_the_old_one(self, store: MemcachedStore) -> None:
        await store.put("k", {"n": 1})
        large = {"text": "x" * 1_048_576}
        for put in (store.put("k", large), store.put_many(["k", "l"], [large, {"n": 2}])):
            with pytest.raises(ValueTooLargeError):
                await put
        with pytest.raises(ValueTooLargeError):
            await store.put_if_absent("k", large)
        assert await store.get_many(["k", "l"]) == [{"n": 1}, {"n": 2}]
        await store.put("k", {"text": "x" * 1_000_000})

    @pytest.mark.parametrize("ttl", [0.9, 1.2, 2_592_000, 2_592_001, 2**37])
    async def test_the_server_keeps_an_entry_as_long_as_it_lives(
        self, store: MemcachedStore, memcached: Server, ttl: float
    ) -> None:
        started = time.time()
        await store.put("k", {"n": 1}, ttl=ttl)
        answer = call(memcached, b"mg default_collection::k t").split()
        left = int(answer[1].removeprefix(b"t"))
        # A TTL beyond the end of memcached's clock lasts until that end.
        assert left + time.time() - started >= min(ttl, LATEST - started - 1)

    async def test_an_item_with_flags_is_another_clients(
        self, store: MemcachedStore, memcached: Server
    ) -> None:
        assert call(memcached, b"set default_collection::k 7 0 2\r\n{}") == b"STORED\r\n"
        await store.put("l", {"n": 1})
        with pytest.raises(DeserializationError):
            await store.get("k")
        with pytest.raises(DeserializationError):
            await store.get_many(["l", "k"])
        assert await store.get("l") == {"n": 1}

    async def test_cancelled_calls_cross_no_answers(self, store: MemcachedStore) -> None:
        keys = [f"k{n}" for n in range(100)]
        await store.put_many(keys, [{"key": key} for key in keys])
        for _ in range(20):
            tasks = [asyncio.create_task(store.get(key)) for key in keys]
            await asyncio.sleep(0.002)
            for task in tasks[::3]:
                task.cancel()
            found = await asyncio.gather(*tasks, return_exceptions=True)
            for key, value in zip(keys, found, strict=True):
                assert value == {"key": key} or isinstance(value, asyncio.CancelledError)

    async def test_uses_the_server_of_a_given_client_which_stays_open(self, client: Client) -> None:
        async with MemcachedStore(client=client) as store:
            keys = [f"k{n}" for n in range(50)]
            await store.put_many(keys, [{"key": key} for key in keys])
            tasks = [asyncio.create_task(store.get(key)) for key in keys]
            await asyncio.sleep(0.002)
            tasks[0].cancel()
            found = await asyncio.gather(*tasks, return_exceptions=True)
            assert found[1:] == [{"key": key} for key in keys[1:]]
        assert await client.get(b"default_collection::k1") is not None

    def test_refuses_a_pool_of_none(self) -> None:
        with pytest.raises(ValueError, match="pool_size must be 1 or more, not 0"):
            MemcachedStore(pool_size=0)

    def test_names_its_server(self) -> None:
        assert repr(MemcachedStore()) == "MemcachedStore('127.0.0.1:11211')"


class TestFailures:
    """A server that is missing, stops, hangs, or refuses."""

    async def test_no_server_is_a_connection_error(self) -> None:
        store = MemcachedStore(port=free_port(), timeout=2)
        with pytest.raises(StoreConnectionError):
            await store.get("k")
        with pytest.raises(StoreConnectionError):
            await store.put_if_absent("k", {})

    @pytest.mark.timeout(60)
    async def test_a_store_survives_the_ends_of_its_server(self, memcached: Server) -> None:
        port = free_port()
        store = MemcachedStore(port=port, timeout=3)
        for number in (signal.SIGTERM, signal.SIGKILL):
            with node(port) as process:
                acknowledged = await write_until_it_fails(store, process, number)
            assert acknowledged
        with node(port) as process:
            await store.put("k", {"n": 1})
            suspend(process)
            with pytest.raises(StoreTimeoutError):
                await store.get("k")
            with pytest.raises(StoreTimeoutError):
                await store.put("k", {"n": 2})
            process.send_signal(signal.SIGCONT)
            await store.put("k", {"n": 3})
            assert await store.get("k") == {"n": 3}
        await store.close()

    async def test_a_server_that_hangs_up_is_a_connection_error(self) -> None:
        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if await reader.readline() == b"stats settings\r\n":
                writer.write(b"STAT item_size_max 1048576\r\nEND\r\n")
                await reader.readline()

        async with answering(hang_up) as port:
            store = MemcachedStore(port=port, pool_size=1, timeout=2)
            for call in (partial(store.put, "k", {}), partial(store.get, "k"), partial(store.delete, "k")):
                with pytest.raises(StoreConnectionError):
                    await call()
            await store.close()

    @pytest.mark.parametrize("answer", [b"ERROR\r\n", b""], ids=["error", "end of the connection"])
    async def test_a_proxy_need_not_tell_its_settings(self, memcached: Server, answer: bytes) -> None:
        """mcrouter and twemproxy do not report them."""

        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            beyond, to = await asyncio.open_connection(memcached.host, memcached.port)
            while line := await reader.readline():
                if line.startswith(b"stats"):
                    writer.write(answer)
                    if answer:
                        continue
                    break
                to.write(line + (await reader.readline() if line.startswith(b"set") else b""))
                found = await beyond.readline()
                while found.startswith(b"VALUE"):
                    writer.write(found)
                    writer.write(await beyond.readline())
                    found = await beyond.readline()
                writer.write(found)
            to.close()

        async with answering(relay) as port, MemcachedStore(port=port, timeout=2) as store:
            await store.put("k", {"n": 1})
            assert await store.get("k") == {"n": 1}

    async def test_too_many_connections_are_an_error_that_passes(self, memcached: Server) -> None:
        port = free_port()
        with node(port, "-c", "16"), ExitStack() as others:
            for _ in range(40):
                other = others.enter_context(socket.create_connection(("127.0.0.1", port)))
                # After the reply, the connection is counted or was refused.
                other.sendall(b"version\r\n")
                other.recv(100)
            store = MemcachedStore(port=port, timeout=2)
            for call in (partial(store.get, "k"), partial(store.put, "k", {})):
                # The server may have closed the connection before its message is read.
                with pytest.raises(StoreConnectionError, match=r"Too many open connections|was closed"):
                    await call()
            others.close()
            await until_it_answers(store)
            await store.close()

    async def test_a_full_server_refuses_and_keeps_what_a_condition_protects(self, memcached: Server) -> None:
        """A failed `put` has dropped the old value there: memcached does so before it allocates memory."""
        port = free_port()
        with node(port, "-m", "2", "-M"):
            async with MemcachedStore(port=port) as store:
                await store.put("kept", {"n": 1})
                version = await store.get_versioned("kept")
                assert version is not None
                large = {"text": "x" * 500_000}
                with pytest.raises(
                    KeyValueStoreError, match=r"put_many failed for .*out of memory"
                ) as caught:
                    await store.put_many([f"large-{n}" for n in range(20)], [large] * 20)
                assert not isinstance(caught.value, StoreConnectionError)
                with pytest.raises(KeyValueStoreError, match="out of memory"):
                    await store.put_if_version("kept", large, version=version.version)
                assert await store.get("kept") == {"n": 1}

    async def test_a_server_that_evicts_loses_entries_and_mixes_none(self, memcached: Server) -> None:
        port = free_port()
        keys = [f"k{n}" for n in range(400)]
        with node(port, "-m", "2"):
            async with MemcachedStore(port=port) as store:
                await store.put_many(keys, [{"key": key, "text": "x" * 20_000} for key in keys])
                found = await store.get_many(keys)
        assert None in found
        assert all(value is None or value["key"] == key for key, value in zip(keys, found, strict=True))

    async def test_speaks_tls_and_trusts_no_unknown_certificate(
        self, memcached: Server, tmp_path: Path
    ) -> None:
        port, files = free_port(), make_certificates(tmp_path)
        for directory in (tmp_path, *tmp_path.parents[:3]):
            directory.chmod(0o755)  # The server drops its privileges before it reads the files.
        files.key.chmod(0o644)
        tls = f"ssl_chain_cert={files.certificate},ssl_key={files.key}"
        with node(port, "-Z", "-o", tls, tls=True):
            trusted = ssl.create_default_context(cafile=files.authority)
            async with MemcachedStore(host="localhost", port=port, ssl=trusted) as store:
                await store.put("k", {"text": "x" * 500_000})
                assert await store.get("k") == {"text": "x" * 500_000}
            with pytest.raises(StoreConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
                await MemcachedStore(port=port, ssl=ssl.create_default_context()).get("k")

    async def test_a_server_that_wants_a_password_gets_it(self, memcached: Server) -> None:
        port = free_port()
        with TemporaryDirectory() as directory:
            Path(directory).chmod(0o755)  # The server drops its privileges before it reads the file.
            file = Path(directory) / "passwords"
            file.write_text("ada:p@ss:w/r\n")
            with node(port, "-Y", str(file)):
                at = f"127.0.0.1:{port}"
                async with open_store(f"memcached://ada:p%40ss%3Aw%2Fr@{at}") as store:
                    await store.put("k", {"n": 1})
                    assert await store.get("k") == {"n": 1}
                for refused in (
                    MemcachedStore(port=port),
                    MemcachedStore(port=port, username="ada", password="wrong"),
                ):
                    with pytest.raises(StoreAuthenticationError, match="authentica") as caught:
                        await refused.put("k", {"n": 2})
                    assert not isinstance(caught.value, StoreConnectionError)
                    assert "wrong" not in str(caught.value)
                    await refused.close()

    async def test_a_server_that_wants_no_password_is_not_told_it(self, memcached: Server) -> None:
        async with MemcachedStore(
            host=memcached.host, port=memcached.port, username="ada", password="secret"
        ) as store:
            await store.put("k", {"n": 1})
        assert call(memcached, b"get auth") == b"END\r\n"


class TestSeveralServers:
    """Entries that are spread over several servers."""

    @pytest.fixture
    def ports(self, memcached: Server) -> Generator[list[int]]:
        with ExitStack() as stack:
            ports = [free_port() for _ in range(3)]
            for port in ports:
                stack.enter_context(node(port))
            yield ports

    @pytest.mark.parametrize("pool_size", [1, 3])
    async def test_each_server_has_a_part(self, ports: list[int], pool_size: int) -> None:
        keys = [f"k{n}" for n in range(300)]
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        async with open_store(f"memcached://{hosts}?pool_size={pool_size}") as store:
            await store.put_many(keys, [{"key": key} for key in keys])
            assert await store.get_many(keys) == [{"key": key} for key in keys]
            assert await store.get("k7") == {"key": "k7"}
            assert not await cast("MemcachedStore", store).put_if_absent("k8", {})
            assert min(items(port) for port in ports) > 50
            assert await store.delete_many([*keys[:150], "absent"]) == 150
        assert sum(items(port) for port in ports) == 150

    async def test_a_server_that_is_added_takes_only_its_part(self, ports: list[int]) -> None:
        keys = [f"k{n}" for n in range(300)]
        hosts = [("127.0.0.1", port) for port in ports]
        async with MemcachedStore(hosts=hosts[:2]) as two:
            await two.put_many(keys, [{"key": key} for key in keys])
        async with MemcachedStore(hosts=hosts) as three:
            kept = [value for value in await three.get_many(keys) if value is not None]
        assert 150 < len(kept) < 250

    async def test_a_server_that_is_down_fails_its_keys_alone(self, memcached: Server) -> None:
        up, down = free_port(), free_port()
        keys = [f"k{n}" for n in range(100)]
        values = [{"key": key} for key in keys]
        store = MemcachedStore(hosts=[("127.0.0.1", up), ("127.0.0.1", down)], timeout=2)
        with node(up):
            with node(down):
                await store.put_many(keys, values)
            for batch in (partial(store.put_many, keys, values), partial(store.get_many, keys)):
                with pytest.raises(StoreConnectionError) as caught:
                    await batch()
                failed = [key for key in keys if repr(key) in str(caught.value)]
                assert 20 < len(failed) < 80
            reached = [key for key in keys if key not in failed]
            assert await store.get_many(reached) == [{"key": key} for key in reached]
            async with MemcachedStore(hosts=[("127.0.0.1", up), ("127.0.0.1", down)]) as another:
                assert await another.get(reached[0]) == {"key": reached[0]}
                with pytest.raises(StoreConnectionError):
                    await another.get(failed[0])
            with node(down):
                await store.put_many(keys, values)
                assert await store.get_many(keys) == values
        await store.close()


class TestOneConnection:
    """The calls of all tasks, over one connection."""

    async def test_calls_share_a_connection(self, store: MemcachedStore, memcached: Server) -> None:
        before = statistic(memcached.port, b"total_connections")
        await asyncio.gather(*(store.put(f"k{n}", {"n": n}) for n in range(100)))
        found = await asyncio.gather(*(store.get(f"k{n}") for n in range(100)))
        assert found == [{"n": n} for n in range(100)]
        # Only the connection that reads the statistic.
        assert statistic(memcached.port, b"total_connections") == before + 1

    async def test_a_write_whose_caller_is_cancelled_is_done_before_the_caller_is_told(
        self, store: MemcachedStore, memcached: Server
    ) -> None:
        for n in range(100):
            put = asyncio.create_task(store.put("k", {"n": n}))
            await asyncio.sleep(0)
            put.cancel()
            with pytest.raises(asyncio.CancelledError):
                await put
            data = call_for_item(memcached, b"default_collection::k")
            assert json.loads(data)["value"] == {"n": n}

    async def test_one_silent_call_fails_those_behind_it_in_time(self) -> None:
        async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if await reader.readline() == b"stats settings\r\n":
                writer.write(b"END\r\n")
            await reader.read()

        async with answering(ignore) as port:
            store = MemcachedStore(port=port, timeout=0.5)
            calls = [*(store.get(f"k{n}") for n in range(5)), store.put("k", {}), store.delete("k")]
            failed = await asyncio.gather(*calls, return_exceptions=True)
            assert all(isinstance(error, StoreTimeoutError | StoreConnectionError) for error in failed)
            await store.close()

    async def test_an_answer_in_pieces_is_put_together(self, memcached: Server) -> None:
        async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            beyond, to = await asyncio.open_connection(memcached.host, memcached.port)

            async def forward() -> None:
                while data := await reader.read(100):
                    to.write(data)
                to.close()

            forwarding = asyncio.create_task(forward())
            while data := await beyond.read(7):
                writer.write(data)
                await writer.drain()
                await asyncio.sleep(0)
            await forwarding

        async with answering(trickle) as port, MemcachedStore(port=port) as store:
            keys = [f"k{n}" for n in range(20)]
            await store.put_many(keys, [{"text": f"{key}\r\nEND\r\n" * 20} for key in keys])
            assert await store.get_many(keys) == [{"text": f"{key}\r\nEND\r\n" * 20} for key in keys]
            assert await store.delete_many([*keys, "absent"]) == 20

    async def test_an_answer_to_no_command_ends_the_connection(self) -> None:
        answers = [b"END\r\nEND\r\n", b"END\r\n"]

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await reader.readline():
                writer.write(answers.pop(0) if answers else b"END\r\n")

        async with answering(answer) as port, MemcachedStore(port=port) as store:
            assert await store.get("k") is None


async def write_until_it_fails(
    store: MemcachedStore, process: "subprocess.Popen[bytes]", number: int
) -> dict[str, int]:
    """Write from several tasks until the server ends; acknowledged writes were there before."""
    acknowledged: dict[str, int] = {}

    async def write(task: int) -> None:
        n = 0
        while True:
            key = f"{task}-{n % 10}"
            await store.put(key, {"n": n})
            acknowledged[key] = n
            assert await store.get(key) == {"n": n}
            n += 1

    tasks = [asyncio.create_task(write(task)) for task in range(5)]
    while len(acknowledged) < 20 and not any(task.done() for task in tasks):
        await asyncio.sleep(0.01)
    process.send_signal(number)
    errors = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(error, StoreConnectionError | StoreTimeoutError) for error in errors), errors
    return acknowledged


async def until_it_answers(store: MemcachedStore) -> None:
    while True:
        try:
            await store.get("k")
        except StoreConnectionError:
            await asyncio.sleep(0.01)
        else:
            return


def statistic(port: int, name: bytes) -> int:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"stats\r\n")
        for line in connection.makefile("rb"):
            if line.startswith(b"STAT %s " % name):
                return int(line.split()[2])
    raise LookupError(name)


def items(port: int) -> int:
    return statistic(port, b"curr_items")


def call_for_item(server: Server, key: bytes) -> bytes:
    with socket.create_connection((server.host, server.port), timeout=5) as connection:
        connection.sendall(b"get %s\r\n" % key)
        answer = connection.makefile("rb")
        answer.readline()
        return answer.readline()

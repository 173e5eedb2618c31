"""The Aerospike store under failures: servers that stop, hang or are busy, lost replies, and forks."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from key_value.aio.errors import (
    KeyValueStoreError,
    OutcomeUnknownError,
    StoreAuthenticationError,
    StoreConnectionError,
    StoreTimeoutError,
    StoreUnreachableError,
)
from key_value.aio.stores.aerospike import AerospikeStore
from tests.servers.aerospike import NAMESPACE, SET, info, is_double, node, open_client
from tests.servers.aerospike_proxy import FrameProxy, frame_proxy
from tests.servers.processes import free_port, suspend
from tests.servers.server import Server

BUSY = (14, 18)
ALWAYS = 10_000


@pytest.fixture
async def proxy(aerospike: Server) -> AsyncIterator[FrameProxy]:
    async with frame_proxy(aerospike) as proxy:
        yield proxy


@pytest.fixture
async def behind(proxy: FrameProxy) -> AsyncIterator[AerospikeStore]:
    async with AerospikeStore(hosts=[("127.0.0.1", proxy.port)]) as store:
        await store.put("there", {"n": 0})
        yield store


@pytest.fixture
def client(aerospike: Server) -> Iterator[Any]:
    """Yield a client of another application."""
    client = open_client({"hosts": [(aerospike.host, aerospike.port)]})
    yield client
    client.close()


@pytest.fixture
def double(aerospike: Server) -> Server:
    if not is_double(aerospike):
        pytest.skip("a server cannot be told what to answer")
    return aerospike


@pytest.fixture
async def store(double: Server) -> AsyncIterator[AerospikeStore]:
    async with AerospikeStore(hosts=[(double.host, double.port)]) as store:
        yield store


def reads(store: AerospikeStore) -> list[Callable[[], Awaitable[Any]]]:
    return [
        lambda: store.get("k"),
        lambda: store.get_many(["k", "l"]),
        lambda: store.ttl("k"),
        lambda: store.get_versioned("k"),
        store.keys,
        store.collections,
    ]


def writes(store: AerospikeStore) -> list[Callable[[], Awaitable[Any]]]:
    return [
        lambda: store.put("k", {"n": 9}),
        lambda: store.put_many(["k", "l"], [{"n": 9}, {"n": 9}]),
        lambda: store.delete("k"),
        lambda: store.delete_many(["k", "l"]),
    ]


def conditional(store: AerospikeStore, version: str) -> list[Callable[[], Awaitable[Any]]]:
    return [
        lambda: store.put_if_absent("new", {"n": 9}),
        lambda: store.put_if_version("k", {"n": 9}, version=version),
        lambda: store.delete_if_version("k", version=version),
        lambda: store.pop("k"),
        lambda: store.touch("k", ttl=60),
    ]


async def version_of(store: AerospikeStore, key: str) -> str:
    found = await store.get_versioned(key)
    assert found is not None
    return found.version


class TestServers:
    """A server that is missing, stops, or hangs."""

    async def test_no_server_is_a_connection_error(self) -> None:
        store = AerospikeStore(hosts=[("127.0.0.1", free_port())])
        for call in (*reads(store), *writes(store), *conditional(store, "v")):
            with pytest.raises(StoreConnectionError):
                await call()
        await store.close()

    async def test_a_host_that_is_silent_is_a_timeout(self) -> None:
        async def be_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        async with await asyncio.start_server(be_silent, "127.0.0.1") as server:
            store = AerospikeStore(hosts=[server.sockets[0].getsockname()[:2]], timeout=0.5)
            started = time.monotonic()
            with pytest.raises((StoreTimeoutError, StoreConnectionError)):
                await store.get("k")
            assert time.monotonic() - started < 30
            await store.close()

    async def test_a_store_survives_the_ends_of_its_server(self, aerospike: Server) -> None:
        port = free_port()
        store = AerospikeStore(hosts=[("127.0.0.1", port)], timeout=2)
        for number in (signal.SIGTERM, signal.SIGKILL):
            with node(port) as process:
                await stored_at_last(store)
                version = await version_of(store, "k")
                process.send_signal(number)
                process.wait()
                for call in (*reads(store), *writes(store)):
                    with pytest.raises(StoreConnectionError):
                        await call()
                for call in conditional(store, version):
                    with pytest.raises((StoreConnectionError, OutcomeUnknownError)):
                        await call()
        with node(port):
            await stored_at_last(store)
            assert await store.get("k") == {"n": 1}
        await store.close()

    async def test_a_server_that_hangs_is_a_timeout_and_never_a_miss(self, aerospike: Server) -> None:
        port = free_port()
        # The timeout of the user's client does not matter.
        with node(port) as process:
            given = open_client({"hosts": [("127.0.0.1", port)], "policies": {"total_timeout": 60_000}})
            for store in (
                AerospikeStore(hosts=[("127.0.0.1", port)], timeout=0.4),
                AerospikeStore(client=given, timeout=0.4),
            ):
                await store.put_many(["k", "l"], [{"n": 1}, {"n": 1}])
                version = await version_of(store, "k")
                suspend(process)
                for call in (*reads(store), *writes(store)):
                    with pytest.raises(StoreTimeoutError):
                        await call()
                for call in conditional(store, version):
                    with pytest.raises((StoreTimeoutError, OutcomeUnknownError)):
                        await call()
                process.send_signal(signal.SIGCONT)
                await store.put("k", {"n": 3})
                assert await store.get("k") == {"n": 3}
                await store.close()
            given.close()


async def stored_at_last(store: AerospikeStore) -> None:
    """Store two entries once the client has found that its server is back."""
    while True:
        try:
            await store.put_many(["k", "l"], [{"n": 1}, {"n": 1}])
        except StoreConnectionError:
            await asyncio.sleep(0.05)
        else:
            return


class TestLostReplies:
    async def test_a_write_is_repeated_once(self, behind: AerospikeStore, proxy: FrameProxy) -> None:
        before = proxy.writes
        proxy.lose_replies(1)
        await behind.put("k", {"n": 1})
        assert await behind.get("k") == {"n": 1}
        assert proxy.writes == before + 2
        proxy.lose_replies(ALWAYS)
        with pytest.raises(StoreConnectionError):
            await behind.put("k", {"n": 2})
        assert proxy.writes == before + 4

    async def test_a_read_is_repeated_and_else_an_error(
        self, behind: AerospikeStore, proxy: FrameProxy
    ) -> None:
        proxy.lose_replies(1, reads=True)
        assert await behind.get("there") == {"n": 0}
        proxy.lose_replies(1, reads=True)
        assert await behind.get_many(["there", "k"]) == [{"n": 0}, None]
        proxy.lose_replies(ALWAYS, reads=True)
        for call in reads(behind):
            with pytest.raises(StoreConnectionError):
                await call()

    async def test_a_batch_is_repeated_and_else_an_error(
        self, behind: AerospikeStore, proxy: FrameProxy
    ) -> None:
        proxy.lose_replies(1, reads=True)
        await behind.put_many(["k", "l"], [{"n": 1}, {"n": 2}])
        proxy.lose_replies(ALWAYS, reads=True)
        with pytest.raises(StoreConnectionError):
            await behind.put_many(["k", "l"], [{"n": 3}, {"n": 4}])

    async def test_a_conditional_write_is_sent_once_and_knows_its_own(
        self, behind: AerospikeStore, proxy: FrameProxy
    ) -> None:
        before = proxy.writes
        proxy.lose_replies(1)
        assert await behind.put_if_absent("k", {"n": 1}) is True
        proxy.lose_replies(1)
        new = await behind.put_if_version("k", {"n": 2}, version=await version_of(behind, "k"))
        assert new is not None
        assert proxy.writes == before + 2
        assert await behind.put_if_version("k", {"n": 3}, version=new) is not None
        proxy.lose_replies(1)
        assert await behind.touch("k", ttl=60) is True
        assert await behind.get("k") == {"n": 3}

    async def test_a_removal_of_unknown_outcome_says_so(
        self, behind: AerospikeStore, proxy: FrameProxy
    ) -> None:
        before = proxy.writes
        proxy.lose_replies(1)
        with pytest.raises(OutcomeUnknownError):
            await behind.pop("there")
        assert proxy.writes == before + 1
        assert await behind.get("there") is None
        await behind.put("k", {"n": 1})
        version = await version_of(behind, "k")
        proxy.lose_replies(1)
        with pytest.raises(OutcomeUnknownError):
            await behind.delete_if_version("k", version=version)
        assert proxy.writes == before + 3

    async def test_a_conditional_write_of_unknown_outcome_says_so(
        self, behind: AerospikeStore, proxy: FrameProxy
    ) -> None:
        proxy.lose_replies(ALWAYS)
        proxy.lose_replies(ALWAYS, reads=True)
        with pytest.raises(OutcomeUnknownError):
            await behind.put_if_absent("k", {"n": 1})

    async def test_a_record_that_is_created_anew_is_another_one(
        self, behind: AerospikeStore, proxy: FrameProxy, aerospike: Server
    ) -> None:
        """The new record has the same generation."""
        async with AerospikeStore(hosts=[(aerospike.host, aerospike.port)]) as other:

            async def replace() -> None:
                await other.delete("k")
                await other.put("k", {"theirs": 1})

            changes: list[Callable[[str], Awaitable[Any]]] = [
                lambda version: behind.put_if_version("k", {"n": 2}, version=version),
                lambda version: behind.delete_if_version("k", version=version),
            ]
            for change in changes:
                await other.delete("k")
                await behind.put("k", {"n": 1})
                version = await version_of(behind, "k")
                proxy.before_write = replace
                assert not await change(version)
                assert proxy.before_write is None
                assert await behind.get("k") == {"theirs": 1}

    async def test_what_another_application_adds_meanwhile_is_not_lost(
        self, behind: AerospikeStore, proxy: FrameProxy, client: Any
    ) -> None:
        """The document is the same, but the record is not."""

        async def add() -> None:
            client.put((NAMESPACE, SET, "default_collection::there"), {"theirs": 1})

        version = await version_of(behind, "there")
        proxy.before_write = add
        assert await behind.put_if_version("there", {"n": 2}, version=version) is None
        proxy.before_write = add
        assert await behind.delete_if_version("there", version=version) is False
        _, _, bins = client.get((NAMESPACE, SET, "default_collection::there"))
        assert bins["theirs"] == 1

    async def test_the_retries_of_a_given_client_decide_nothing(
        self, behind: AerospikeStore, proxy: FrameProxy
    ) -> None:
        retries = {"max_retries": 3, "sleep_between_retries": 1}
        policies = dict.fromkeys(("write", "operate", "remove", "batch", "batch_parent_write"), retries)
        config = {"hosts": [("127.0.0.1", proxy.port)], "policies": policies}
        given = await asyncio.to_thread(open_client, config)
        async with AerospikeStore(client=given) as store:
            before = proxy.writes
            proxy.lose_replies(1)
            assert await store.put_if_absent("k", {"n": 1}) is True
            assert proxy.writes == before + 1
            proxy.lose_replies(1)
            with pytest.raises(OutcomeUnknownError):
                await store.pop("there")
            assert proxy.writes == before + 2
        given.close()


class TestAnswers:
    """Replies of a server that did not carry out the operation."""

    @pytest.mark.parametrize("code", BUSY)
    async def test_a_call_that_a_busy_server_refuses_is_sent_again(
        self, store: AerospikeStore, double: Server, code: int
    ) -> None:
        await store.put_many(["k", "l"], [{"n": 1}, {"n": 1}])
        version = await version_of(store, "k")
        for call in (*reads(store)[:4], *writes(store)[:2], *conditional(store, version)[:1]):
            info(double, f"double-answer:code={code};times=3")
            await call()
        info(double, f"double-answer:code={code};times=3")
        assert await store.pop("k") == {"n": 9}
        info(double, f"double-answer:code={code};times=1")
        assert await store.delete_many(["k", "l"]) == 1

    @pytest.mark.parametrize("code", BUSY)
    async def test_one_that_stays_busy_is_an_error_that_may_pass(
        self, store: AerospikeStore, double: Server, code: int
    ) -> None:
        info(double, f"double-answer:code={code};times={ALWAYS}")
        for call in (*reads(store)[:4], *writes(store), *conditional(store, "v")[:1]):
            # The operation was not carried out, so its outcome is known.
            with pytest.raises(StoreUnreachableError):
                await call()

    async def test_a_timeout_of_the_servers_is_in_doubt(self, store: AerospikeStore, double: Server) -> None:
        await store.put("k", {"n": 1})
        info(double, "double-answer:code=9;times=1")
        with pytest.raises(StoreTimeoutError):
            await store.put("k", {"n": 2})
        info(double, "double-answer:code=9;times=1")
        with pytest.raises(OutcomeUnknownError):
            await store.pop("k")
        info(double, "double-answer:code=9;times=1")
        with pytest.raises(OutcomeUnknownError):
            await store.put_if_absent("l", {"n": 2})
        assert await store.get_many(["k", "l"]) == [{"n": 1}, None]

    @pytest.mark.parametrize("code", [60, 62, 65, 80, 81, 82])
    async def test_a_user_that_is_refused_is_no_miss(
        self, store: AerospikeStore, double: Server, code: int
    ) -> None:
        info(double, f"double-answer:code={code};times={ALWAYS}")
        for call in (*reads(store)[:4], *writes(store), *conditional(store, "v")):
            with pytest.raises(StoreAuthenticationError):
                await call()

    async def test_a_record_of_a_batch_that_fails_is_named(
        self, store: AerospikeStore, double: Server
    ) -> None:
        info(double, "double-answer:code=22;times=1")
        with pytest.raises(KeyValueStoreError, match="nsup-period") as caught:
            await store.put_many(["k", "l"], [{"n": 1}, {"n": 2}])
        assert caught.value.extra_info is not None
        assert await store.get_many(["k", "l"]) == [None, {"n": 2}]


class TestClients:
    async def test_a_given_client_stays_open(self, double: Server) -> None:
        given = open_client({"hosts": [(double.host, double.port)]})
        given.close()
        async with AerospikeStore(client=given) as store:  # The store connects an unconnected client.
            await store.put("k", {"n": 1})
        async with AerospikeStore(client=given) as store:
            assert await store.get("k") == {"n": 1}
        assert given.is_connected()
        assert given.get((NAMESPACE, SET, "default_collection::k"))[2]
        given.close()

    async def test_without_a_timeout(self, double: Server) -> None:
        async with AerospikeStore(hosts=[(double.host, double.port)], timeout=None) as store:
            await store.put_many(["k", "l"], [{"n": 1}, {"n": 2}])
            assert await store.get_many(["k", "l"]) == [{"n": 1}, {"n": 2}]
            assert sorted(await store.keys()) == ["k", "l"]
            assert await store.pop("k") == {"n": 1}

    async def test_threads_share_a_client(self, proxy: FrameProxy) -> None:
        async with AerospikeStore(hosts=[("127.0.0.1", proxy.port)], max_concurrency=8) as store:
            await asyncio.gather(*(store.put(f"k{n}", {}) for n in range(200)))
            # One connection per call, one for the client itself, and the initial one.
            assert proxy.connections <= 8 + 2

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
    @pytest.mark.parametrize("given", [False, True])
    def test_a_forked_child(self, double: Server, given: bool) -> None:
        """The child uses its own client, or refuses the user's, and exits normally."""
        program = f"""
            import asyncio, os, sys, warnings
            import aerospike
            from key_value.aio.errors import StoreConnectionError
            from key_value.aio.stores.aerospike import AerospikeStore

            hosts = [({double.host!r}, {double.port})]
            client = aerospike.client({{"hosts": hosts}}) if {given} else None
            store = AerospikeStore(client=client) if {given} else AerospikeStore(hosts=hosts)

            async def use(name):
                await store.put(name, {{"n": 1}})
                assert await store.get(name) == {{"n": 1}}

            asyncio.run(use("parent"))
            warnings.simplefilter("ignore")
            child = os.fork()
            if child == 0:
                try:
                    asyncio.run(use("child"))
                except StoreConnectionError:
                    os._exit(3)
                sys.exit(0)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            asyncio.run(use("parent again"))
            asyncio.run(store.close())
            print(code)
        """
        assert printed(program) == ("3" if given else "0")

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
    def test_a_forked_child_does_not_end_with_its_parents_client(self, double: Server) -> None:
        program = f"""
            import os, sys
            from key_value.aio.stores.aerospike.client import SharedClient

            client = SharedClient(None, {{"hosts": [({double.host!r}, {double.port})]}})
            client.open()
            child = os.fork()
            if child == 0:
                client.open()
                client.close()
                sys.exit(0)
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
            client.close()
        """
        assert printed(program) == "0"


def printed(program: str) -> str:
    """Return the output of a program without the trailing line break."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()

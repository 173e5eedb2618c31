"""The Firestore store."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import suppress
from datetime import datetime
from functools import partial
from random import Random
from typing import Any, ClassVar, cast

import grpc
import pytest
from google.cloud.firestore import AsyncClient
from typing_extensions import override

from key_value.aio.errors import (
    DeserializationError,
    InvalidKeyError,
    KeyValueStoreError,
    OutcomeUnknownError,
    StoreConnectionError,
    StoreSetupError,
    StoreTimeoutError,
    ValueTooLargeError,
)
from key_value.aio.stores.firestore import (
    FirestoreStore,
    FirestoreV1CollectionSanitizationStrategy,
    FirestoreV1KeySanitizationStrategy,
)
from key_value.aio.stores.firestore.driver import transport_of
from key_value.aio.testing import StoreConformance
from key_value.aio.testing.operations import Store
from key_value.aio.testing.processes import in_processes
from key_value.aio.testing.suites.base import ABILITIES, Opening
from key_value.aio.testing.suites.forks import in_child
from tests import published as interop
from tests.published import Publish
from tests.servers.processes import free_port
from tests.servers.server import Server

METHODS = ("Commit", "BatchGetDocuments", "RunQuery")
"""The calls that a store makes."""


def document_of(store: Store, collection: str, key: str) -> Any:
    ours = cast("FirestoreStore", store)
    address = ours.names.pair(collection, key)
    return ours.client.collection(address.collection).document(address.key)


async def fields_of(store: Store, collection: str, key: str) -> dict[str, Any]:
    return (await document_of(store, collection, key).get()).to_dict()


@pytest.fixture
def opening(firestore: Server, project: str) -> Opening:
    return partial(FirestoreStore, project=project)


@pytest.fixture
async def store(opening: Opening) -> AsyncIterator[FirestoreStore]:
    async with opening() as store:
        yield store


_commit_handler: Any = grpc.unary_unary_rpc_method_handler
_stream_handler: Any = grpc.unary_stream_rpc_method_handler


class Proxy(grpc.GenericRpcHandler):
    """A proxy that forwards calls to the emulator, except those that a test spoils."""

    def __init__(self, channel: Any) -> None:
        self.calls: list[str] = []
        """The methods that were called."""
        self.spoil: Callable[[str, str], Awaitable[None] | None] = lambda _, __: None
        """Is called with a method, and `before` it is passed on, `after` it, or `within` its stream."""
        self.longest_stream: int | None = None
        """After how many answers a stream of documents ends, as if it were complete."""
        self.host = f"127.0.0.1:{free_port()}"
        self._channel = channel

    async def start(self) -> None:
        self._server: Any = grpc.aio.server()
        self._server.add_generic_rpc_handlers((self,))
        self._server.add_insecure_port(self.host)
        await self._server.start()

    async def stop(self) -> None:
        await self._server.stop(None)

    @override
    def service(self, handler_call_details: Any) -> Any:
        path = handler_call_details.method
        metadata = [
            (name, value)
            for name, value in handler_call_details.invocation_metadata
            if name.startswith(("authorization", "google", "x-goog"))
        ]
        if path.endswith("/Commit"):
            return _commit_handler(partial(self._commit, path, metadata))
        return _stream_handler(partial(self._stream, path, metadata))

    async def _commit(self, path: str, metadata: Any, request: bytes, context: Any) -> bytes:
        await self._may_fail(path, "before", context)
        try:
            answer = await self._channel.unary_unary(path)(request, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            return await context.abort(error.code(), error.details())
        await self._may_fail(path, "after", context)
        return answer

    async def _stream(self, path: str, metadata: Any, request: bytes, context: Any) -> AsyncIterator[bytes]:
        await self._may_fail(path, "before", context)
        number = 0
        try:
            async for answer in self._channel.unary_stream(path)(request, metadata=metadata):
                yield answer
                number += 1
                if number == self.longest_stream:
                    return
                await self._may_fail(path, "within", context)
        except grpc.aio.AioRpcError as error:
            await context.abort(error.code(), error.details())

    async def _may_fail(self, path: str, when: str, context: Any) -> None:
        method = path.rpartition("/")[2]
        if when == "before":
            self.calls.append(method)
        try:
            waiting = self.spoil(method, when)
            if waiting is not None:
                await waiting
        except SpoiledError as error:
            await context.abort(error.code, "spoiled")


class SpoiledError(Exception):
    def __init__(self, code: grpc.StatusCode) -> None:
        super().__init__(code)
        self.code = code


def fail(
    code: grpc.StatusCode, methods: Collection[str] = METHODS, *, when: str = "before", times: int = 10**6
) -> Callable[[str, str], None]:
    """Return a fault that answers the next calls of some methods with a status."""
    left = [times]

    def spoil(method: str, at: str) -> None:
        if method in methods and at == when and left[0]:
            left[0] -= 1
            raise SpoiledError(code)

    return spoil


@pytest.fixture
async def proxy(firestore: Server, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Proxy]:
    async with grpc.aio.insecure_channel(f"{firestore.host}:{firestore.port}") as channel:
        proxy = Proxy(channel)
        await proxy.start()
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", proxy.host)
        yield proxy
        await proxy.stop()


@pytest.fixture
async def proxied(proxy: Proxy, project: str) -> AsyncIterator[FirestoreStore]:
    """Yield a store whose calls go through the proxy."""
    async with FirestoreStore(project=project, timeout=2.0) as store:
        yield store
        proxy.spoil = lambda _, __: None


class TestFirestoreStore(StoreConformance):
    abilities: ClassVar = ABILITIES
    persistent: ClassVar = True
    forks: ClassVar = "refuses"
    # Each call takes milliseconds.
    model_examples: ClassVar = 5
    rivals: ClassVar = 4
    many: ClassVar = 1_201
    short_ttl: ClassVar = 0.3
    largest_value: ClassVar = 1_048_400

    @override
    async def write_raw(self, store: Store, *, collection: str, key: str, data: bytes) -> None:
        document = document_of(store, collection, key)
        try:
            stored = json.loads(data)
        except ValueError:
            stored = None
        if isinstance(stored, dict):
            await document.set(stored)
        else:
            await document.update({"value": data.decode(errors="replace")})

    @override
    async def plant(self, store: Store, *, collection: str, key: str) -> None:
        await document_of(store, collection, key).set({"items": [1]})

    @override
    @pytest.fixture
    def opening(self, firestore: Server, project: str) -> Opening:
        return partial(FirestoreStore, project=project)

    @pytest.fixture
    async def store(self, opening: Opening) -> AsyncIterator[FirestoreStore]:
        async with opening() as store:
            yield store


def published_opening(project: str) -> str:
    """Return the code that opens the same database with 0.5.0."""
    return (
        "from key_value.aio.stores.firestore import FirestoreStore\n"
        f"store = FirestoreStore(project={project!r})"
    )


class TestDocuments:
    async def test_stores_the_documents_of_the_0_5_series(self, store: FirestoreStore) -> None:
        await store.put("k", {"b": 1, "a": "é"}, collection="c", ttl=100)
        document = await fields_of(store, "c", "k")
        assert document["version"] == 1
        assert json.loads(document["value"]) == {"b": 1, "a": "é"}
        expires = datetime.fromisoformat(document["expires_at"])
        assert 99 < (expires - datetime.fromisoformat(document["created_at"])).total_seconds() < 101
        assert set(document) == {"version", "value", "created_at", "expires_at", "reap_at", "rev"}

    async def test_a_policy_removes_nothing_before_its_time(self, store: FirestoreStore) -> None:
        async def reap_at() -> datetime | None:
            document = await fields_of(store, "c", "k")
            if "expires_at" not in document:
                assert "reap_at" not in document
                return None
            expires = datetime.fromisoformat(document["expires_at"])
            assert 0 <= (document["reap_at"] - expires).total_seconds() < 1
            return document["reap_at"]

        await store.put("k", {}, collection="c", ttl=100.5)
        first = await reap_at()
        assert first is not None
        assert await store.touch("k", ttl=1000, collection="c")
        touched = await reap_at()
        assert touched is not None
        assert touched > first
        assert await store.touch("k", ttl=None, collection="c")
        assert await reap_at() is None
        await store.put("k", {}, collection="c", ttl=253402300799 - time.time() - 1)
        last = await reap_at()
        assert last is not None
        assert last.year == 9999

    async def test_a_put_without_ttl_forgets_the_old_one(self, store: FirestoreStore) -> None:
        for put in (store.put, store.put_if_absent):
            await store.put("k", {}, ttl=0.001)
            await asyncio.sleep(0.002)
            await put("k", {"n": 1})
            assert await store.ttl("k") == ({"n": 1}, None)
            assert "reap_at" not in await fields_of(store, store.default_collection, "k")

    async def test_reads_what_0_5_wrote(
        self, store: FirestoreStore, project: str, published: Publish
    ) -> None:
        """Nested collections work too, and the next write of 0.5 drops the fields that this library added."""
        old = published("firestore")
        entries = {key: value for key, value in interop.ENTRIES.items() if "/" not in key}
        old.write(published_opening(project), "people", entries)
        await interop.check(store, "people", entries)
        assert sorted(await store.collections()) == ["people", "people-ttl"]
        version = await store.get_versioned("plain", collection="people")
        assert version is not None
        assert await store.put_if_version("plain", {"n": 1}, version=version.version, collection="people")
        assert await store.put_if_absent("plain", {}, collection="people") is False
        await store.put("k", {"n": 1}, collection="a/b/c", ttl=100)
        found = await store.get_versioned("k", collection="a/b/c")
        assert found is not None
        calls = [
            ("ttl", {"key": "k", "collection": "a/b/c"}),
            ("put", {"key": "k", "value": {"n": 2}, "collection": "a/b/c"}),
            ("put", {"key": "l", "value": {"n": 3}, "collection": "a/b/c"}),
        ]
        (value, seconds), *_ = old.run(published_opening(project), *calls)
        assert value == {"n": 1}
        assert 0 < seconds <= 100
        assert await store.put_if_version("k", {}, version=found.version, collection="a/b/c") is None
        assert await store.ttl_many(["k", "l"], collection="a/b/c") == [({"n": 2}, None), ({"n": 3}, None)]
        assert sorted(await store.keys("a/b/c")) == ["k", "l"]

    async def test_0_5_reads_what_this_writes(
        self, store: FirestoreStore, project: str, published: Publish
    ) -> None:
        await interop.write(store, "people")
        published("firestore").check(published_opening(project), "people")

    async def test_the_names_of_the_0_5_series_on_request(
        self, project: str, firestore: Server, published: Publish
    ) -> None:
        names = ["", "a/b", "..", "__x__", "é" * 740 + "/", "é" * 800, "plain"]
        opening = (
            "from key_value.aio.stores.firestore import *\n"
            "from key_value.aio.stores.firestore import FirestoreV1KeySanitizationStrategy as Keys\n"
            "from key_value.aio.stores.firestore import FirestoreV1CollectionSanitizationStrategy as Names\n"
            f"store = FirestoreStore(project={project!r}, "
            "key_sanitization_strategy=Keys(), collection_sanitization_strategy=Names())"
        )
        put: dict[str, Any] = {
            "values": [{"name": name} for name in names],
            "keys": names,
            "collection": "a/b",
        }
        published("firestore").run(opening, ("put_many", put))
        async with FirestoreStore(
            project=project,
            key_sanitization_strategy=FirestoreV1KeySanitizationStrategy(),
            collection_sanitization_strategy=FirestoreV1CollectionSanitizationStrategy(),
        ) as store:
            assert await store.get_many(names, collection="a/b") == put["values"]
            with pytest.raises(InvalidKeyError, match="reserved prefixes"):
                await store.get("S_x")

    async def test_names_that_firestore_cannot_hold(self, store: FirestoreStore) -> None:
        keys = [
            "",
            "%empty",
            "%25empty",
            "a/b",
            "a%2Fb",
            ".",
            "..",
            "...",
            "__x__",
            "____",
            "__x",
            "_",
            "%2E",
        ]
        keys += ["é" * 800, "é" * 801, "a/" * 1000]
        await store.put_many(keys, [{"n": n} for n in range(len(keys))], collection="c")
        assert await store.get_many(keys, collection="c") == [{"n": n} for n in range(len(keys))]
        assert sorted(await store.keys("c")) == sorted(keys)
        await store.destroy()
        names = [
            *keys[1:],
            "a/b/c",
            "/",
            "a//c",
            "a/./c",
            "a/__x__/c",
            "a/b/c/d/e",
            "/".join("a" * 201),
        ]
        await asyncio.gather(*(store.put("k", {"c": name}, collection=name) for name in names))
        for name in names:
            assert await store.get("k", collection=name) == {"c": name}
            assert await store.keys(name) == ["k"]
        assert sorted(await store.collections()) == sorted(names)
        assert await store.destroy_collection("a/b/c") is True
        assert sorted(await store.collections()) == sorted(set(names) - {"a/b/c"})
        assert await store.destroy() is True
        assert await store.collections() == []

    @pytest.mark.parametrize("prefix", ["a", "a_", "_", "__", "", "b/", "z"])
    async def test_scans_a_prefix(self, store: FirestoreStore, prefix: str) -> None:
        keys = ["a", "a_b", "a_c/d", "ab", "b/c", "__x__", "_y", "z"]
        await store.put_many(keys, [{"n": 1}] * len(keys))
        page = await store.scan(prefix=prefix)
        assert sorted(page.keys) == sorted(key for key in keys if key.startswith(prefix))

    async def test_what_others_stored_is_neither_listed_nor_removed(self, store: FirestoreStore) -> None:
        await store.put("k", {"n": 1}, collection="c")
        foreign = [document_of(store, "c", "foreign"), document_of(store, "theirs", "k")]
        for each in foreign:
            await each.set({"version": 1, "value": "{}"})
        assert await store.collections() == ["c"]
        assert await store.keys("theirs") == []
        assert await store.keys("c") == ["k"]
        await store.cull()
        assert await store.destroy() is True
        for each in foreign:
            assert (await each.get()).exists

    async def test_a_foreign_document_is_no_miss(self, store: FirestoreStore) -> None:
        await document_of(store, "c", "k").set({"value": {"a": 1}})
        with pytest.raises(DeserializationError):
            await store.get("k", collection="c")

    @pytest.mark.parametrize("version", ["", "x", "2025-01-01T00:00:00+00:00/x", "None", "~1"])
    async def test_a_version_that_is_none_matches_nothing(self, store: FirestoreStore, version: str) -> None:
        await store.put("k", {"n": 1})
        assert await store.put_if_version("k", {"n": 2}, version=version) is None
        assert await store.put_if_version("new", {"n": 2}, version=version) is None
        assert await store.delete_if_version("k", version=version) is False
        assert await store.get_many(["k", "new"]) == [{"n": 1}, None]

    async def test_a_document_of_1_mib_is_the_largest(self, store: FirestoreStore) -> None:
        """Rejected documents are never sent, and Firestore accepts all others."""
        for key in ("k", "k" * 1500, "é" * 1000):
            for ttl in (None, 100):
                with pytest.raises(ValueTooLargeError) as caught:
                    await store.put(key, {"t": "x" * 1_100_000}, ttl=ttl)
                extra = caught.value.extra_info or {}
                value = {"t": "x" * (int(extra["max_size"] or 0) - len('{"t": ""}'))}
                await store.put(key, value, ttl=ttl)
                assert await store.get(key) == value
                with pytest.raises(ValueTooLargeError):
                    await store.put(key, {"t": value["t"] + "x"}, ttl=ttl)

    async def test_batches_are_split(self, proxied: FirestoreStore, proxy: "Proxy") -> None:
        """They are split at 500 writes, and below the 4 MiB that the emulator accepts per request."""
        keys = [str(n) for n in range(501)]
        await proxied.put_many(keys, [{"n": n} for n in range(501)])
        assert proxy.calls == ["Commit"] * 2
        assert await proxied.get_many(keys) == [{"n": n} for n in range(501)]
        assert await proxied.delete_many([*keys, "none"]) == 501
        assert await proxied.delete_many(keys) == 0
        large = [{"t": "x" * 900_000}] * 7
        await proxied.put_many(keys[:7], large)
        assert await proxied.get_many(keys[:7]) == large
        assert await proxied.destroy() is True

    async def test_a_given_client_stays_open(self, firestore: Server, project: str) -> None:
        client = AsyncClient(project=project, database="other")
        for _ in range(2):
            async with FirestoreStore(client, default_collection="c") as store:
                await store.put("k", {"n": 1})
                assert await store.get("k") == {"n": 1}
                assert store.client is client
                assert repr(store) == f"FirestoreStore('{project}/other')"
        store = FirestoreStore(client, default_collection="c")
        assert await store.get("k") == {"n": 1}
        await store.close()
        await transport_of(client).close()

    async def test_a_given_client_belongs_to_its_loop(self, firestore: Server, project: str) -> None:
        client = AsyncClient(project=project)
        async with FirestoreStore(client) as store:
            await store.put("k", {"n": 1})
            with pytest.raises(KeyValueStoreError, match="loop"):
                await asyncio.to_thread(asyncio.run, store.get("k"))
            assert await store.get("k") == {"n": 1}
        await transport_of(client).close()

    async def test_cull_removes_in_batches_what_has_not_changed(
        self, proxied: FirestoreStore, proxy: "Proxy"
    ) -> None:
        keys = [str(n) for n in range(20)]
        await proxied.put_many(keys, [{"n": 0}] * 20, ttl=0.001)
        await proxied.put("kept", {"n": 1})
        await asyncio.sleep(0.002)
        del proxy.calls[:]
        await proxied.cull()
        assert proxy.calls.count("Commit") == 1
        await proxied.put_many(keys, [{"n": 0}] * 20, ttl=0.001)
        await asyncio.sleep(0.002)

        async def renew(method: str, when: str) -> None:
            if (method, when) == ("Commit", "before"):
                proxy.spoil = lambda _, __: None
                await document_of(proxied, "default_collection", "7").set(renewed)

        await proxied.put("new", {"n": 1})
        renewed = await fields_of(proxied, "default_collection", "new")
        proxy.spoil = renew
        await proxied.cull()
        assert sorted(await proxied.keys()) == ["7", "kept", "new"]

    async def test_databases_are_kept_apart(self, store: FirestoreStore, project: str) -> None:
        async with FirestoreStore(project=project, database="other") as other:
            await other.put("k", {"n": 1})
            assert await store.get("k") is None
            assert "other" in repr(other)


async def _fork_after_closing(opening: Opening, _: int) -> Any:
    store = opening()
    async with store:
        await store.put("k", {"n": 1})

    async def use() -> Any:
        async with store:
            return await store.get("k")

    return await in_child(use)


class TestProcesses:
    async def test_a_child_of_a_process_that_closed_its_store_works(self, opening: Opening) -> None:
        assert await in_processes(_fork_after_closing, opening, count=1) == [{"n": 1}]


LOST = [
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.ABORTED,
]
code_names = partial(pytest.mark.parametrize, "code", ids=lambda code: code.name)


class TestLostAnswers:
    @code_names(LOST)
    async def test_a_conditional_write_knows_its_own(
        self, proxied: FirestoreStore, proxy: Proxy, code: grpc.StatusCode
    ) -> None:
        proxy.spoil = fail(code, {"Commit"}, when="after", times=1)
        assert await proxied.put_if_absent("k", {"n": 1}) is True
        assert await proxied.put_if_absent("k", {"n": 2}) is False
        found = await proxied.get_versioned("k")
        assert found is not None
        proxy.spoil = fail(code, {"Commit"}, when="after", times=1)
        version = await proxied.put_if_version("k", {"n": 3}, version=found.version)
        assert version is not None
        assert await proxied.put_if_version("k", {"n": 4}, version=version) is not None
        proxy.spoil = fail(code, {"Commit"}, when="after", times=1)
        assert await proxied.pop("k") == {"n": 4}
        assert await proxied.pop("k") is None

    async def test_an_outcome_that_cannot_be_known_is_an_error(
        self, proxied: FirestoreStore, proxy: Proxy
    ) -> None:
        def spoil(method: str, when: str) -> None:
            if (method, when) in {("Commit", "after"), ("BatchGetDocuments", "before")}:
                raise SpoiledError(grpc.StatusCode.UNAVAILABLE)

        proxy.spoil = spoil
        with pytest.raises(OutcomeUnknownError):
            await proxied.put_if_absent("k", {"n": 1})
        assert proxy.calls.count("Commit") == 1

    async def test_a_claim_that_was_not_sent_is_not_won(self, proxied: FirestoreStore, proxy: Proxy) -> None:
        proxy.spoil = fail(grpc.StatusCode.UNAVAILABLE, {"Commit"}, times=1)
        with pytest.raises(OutcomeUnknownError):
            await proxied.put_if_absent("k", {"n": 1})
        assert await proxied.get("k") is None

    async def test_no_entry_is_popped_without_a_winner(self, proxied: FirestoreStore, proxy: Proxy) -> None:
        keys = [str(n) for n in range(15)]
        await proxied.put_many(keys, [{"n": n} for n in range(15)])
        random = Random(7)

        def spoil(method: str, when: str) -> None:
            if method == "Commit" and when == "after" and random.random() < 0.25:
                raise SpoiledError(grpc.StatusCode.UNAVAILABLE)

        proxy.spoil = spoil
        popped = await asyncio.gather(*(proxied.pop(key) for key in keys for _ in range(4)))
        assert sorted(value["n"] for value in popped if value is not None) == list(range(15))


class TestFailures:
    @code_names(
        [
            grpc.StatusCode.PERMISSION_DENIED,
            grpc.StatusCode.UNAUTHENTICATED,
            grpc.StatusCode.NOT_FOUND,
            grpc.StatusCode.INVALID_ARGUMENT,
            grpc.StatusCode.FAILED_PRECONDITION,
        ]
    )
    async def test_a_refusal_is_an_error_that_does_not_pass(
        self, proxied: FirestoreStore, proxy: Proxy, code: grpc.StatusCode
    ) -> None:
        """A missing permission, expired credentials or a missing database never count as a miss."""
        await proxied.put("k", {"n": 1})
        found = await proxied.get_versioned("k")
        assert found is not None
        proxy.spoil = fail(code)
        for call in (
            proxied.get("k"),
            proxied.get_many(["k", "l"]),
            proxied.put("k", {}),
            proxied.put_many(["k", "l"], [{}, {}]),
            proxied.put_if_absent("k", {}),
            proxied.put_if_version("k", {}, version=found.version),
            proxied.delete("k"),
            proxied.pop("k"),
            proxied.touch("k", ttl=1),
            proxied.keys(),
            proxied.collections(),
            proxied.destroy(),
        ):
            with pytest.raises(KeyValueStoreError) as caught:
                await call
            assert not isinstance(caught.value, (StoreConnectionError, StoreTimeoutError))
            assert not isinstance(caught.value, OutcomeUnknownError)
        proxy.spoil = lambda _, __: None
        assert await proxied.get("k") == {"n": 1}

    @code_names([grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.NOT_FOUND])
    async def test_a_condition_that_holds_is_no_lost_race(
        self, proxied: FirestoreStore, proxy: Proxy, code: grpc.StatusCode
    ) -> None:
        """A database in Datastore mode replies as if the condition had failed."""
        await proxied.put("k", {"n": 1})
        found = await proxied.get_versioned("k")
        assert found is not None
        proxy.spoil = fail(code, {"Commit"})
        for call in (
            proxied.put_if_absent("l", {}),
            proxied.put_if_version("k", {}, version=found.version),
            proxied.delete_if_version("k", version=found.version),
            proxied.pop("k"),
        ):
            with pytest.raises(KeyValueStoreError):
                await call

    @code_names([grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.ABORTED])
    async def test_what_passes_is_repeated(
        self, proxied: FirestoreStore, proxy: Proxy, code: grpc.StatusCode
    ) -> None:
        for call in (proxied.put("k", {"n": 1}), proxied.get("k"), proxied.keys(), proxied.delete("k")):
            proxy.spoil = fail(code, times=1)
            await call
        proxy.spoil = fail(code)
        started = time.monotonic()
        with pytest.raises(StoreConnectionError):
            await proxied.get("k")
        assert time.monotonic() - started < 4

    async def test_contention_on_a_conditional_write_is_repeated(
        self, proxied: FirestoreStore, proxy: Proxy
    ) -> None:
        proxy.spoil = fail(grpc.StatusCode.ABORTED, {"Commit"}, times=2)
        assert await proxied.put_if_absent("k", {"n": 1}) is True
        assert proxy.calls.count("Commit") == 3

    @pytest.mark.parametrize("method", METHODS)
    async def test_no_answer_is_a_timeout(self, proxy: Proxy, project: str, method: str) -> None:
        async with FirestoreStore(project=project, timeout=0.5) as store:
            proxy.spoil = lambda at, _: asyncio.sleep(30) if at == method else None
            call = {
                "Commit": store.put("k", {}),
                "RunQuery": store.keys(),
                "BatchGetDocuments": store.get("k"),
            }
            for name, waiting in call.items():
                if name != method:
                    waiting.close()
            started = time.monotonic()
            with pytest.raises(StoreTimeoutError):
                await call[method]
            assert time.monotonic() - started < 3

    async def test_no_server_is_a_connection_error(
        self, monkeypatch: pytest.MonkeyPatch, project: str
    ) -> None:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{free_port()}")
        async with FirestoreStore(project=project, timeout=1.0) as store:
            for call in (store.get("k"), store.put("k", {}), store.keys(), store.pop("k")):
                with pytest.raises((StoreConnectionError, StoreTimeoutError)):
                    await call

    async def test_works_again_after_an_outage(self, proxied: FirestoreStore, proxy: Proxy) -> None:
        await proxied.put("k", {"n": 1})
        await proxy.stop()
        with pytest.raises((StoreConnectionError, StoreTimeoutError)):
            await proxied.get("k")
        with pytest.raises((OutcomeUnknownError, StoreConnectionError, StoreTimeoutError)):
            await proxied.put_if_absent("l", {})
        await proxy.start()
        for _ in range(20):
            with suppress(StoreConnectionError, StoreTimeoutError):
                assert await proxied.get("k") == {"n": 1}
                break
        else:
            pytest.fail("the store did not connect again")
        assert await proxied.put_if_absent("l", {}) is True

    async def test_a_stream_that_ends_early_hides_nothing(
        self, proxied: FirestoreStore, proxy: Proxy
    ) -> None:
        keys = [str(n) for n in range(7)]
        await proxied.put_many(keys, [{"n": 1}] * 7)
        proxy.longest_stream = 3
        assert sorted(await proxied.keys()) == keys
        assert await proxied.destroy_collection("default_collection") is True
        proxy.longest_stream = None
        assert await proxied.keys() == []

    async def test_a_read_that_ends_early_is_no_miss(self, proxied: FirestoreStore, proxy: Proxy) -> None:
        keys = [f"k{number}" for number in range(5)]
        await proxied.put_many(keys, [{"n": 1}] * 5)
        proxy.longest_stream = 3
        for call in (proxied.get_many(keys), proxied.delete_many(keys)):
            with pytest.raises(StoreConnectionError, match="3 of 5"):
                await call
        proxy.longest_stream = None
        assert await proxied.get_many(keys) == [{"n": 1}] * 5

    async def test_a_stream_that_breaks_lists_nothing_twice(
        self, proxied: FirestoreStore, proxy: Proxy
    ) -> None:
        keys = [str(n) for n in range(7)]
        await proxied.put_many(keys, [{"n": 1}] * 7)
        for method, call in (("RunQuery", proxied.keys()), ("BatchGetDocuments", proxied.get_many(keys))):
            proxy.spoil = fail(grpc.StatusCode.UNAVAILABLE, {method}, when="within", times=1)
            assert len(await call) == 7

    async def test_credentials_that_are_missing_are_a_setup_error(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nonexistent.json")
        store = FirestoreStore(project="p")
        with pytest.raises(StoreSetupError, match="nonexistent"):
            await store.get("k")
        await store.close()

    async def test_a_client_that_its_owner_closed_is_an_error(self, firestore: Server, project: str) -> None:
        client = AsyncClient(project=project)
        async with FirestoreStore(client) as store:
            await store.put("k", {})
            await transport_of(client).close()
            with pytest.raises(KeyValueStoreError):
                await store.get("k")

"""The Aerospike store, on a double of the wire protocol or the server at KV_TEST_AEROSPIKE_URL."""

import json
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any, ClassVar, cast

import aerospike as driver
import pytest
from aerospike import exception
from typing_extensions import override

from key_value.aio.errors import DeserializationError, KeyValueStoreError, StoreSetupError
from key_value.aio.stores.aerospike import AerospikeStore, records
from key_value.aio.testing import StoreConformance
from key_value.aio.testing.operations import Store
from key_value.aio.testing.suites.base import ABILITIES, Opening
from tests import published as interop
from tests.published import Publish
from tests.servers.aerospike import NAMESPACE, SET, info, is_double, open_client, record
from tests.servers.aerospike_double import Command, Double, partition_of
from tests.servers.server import Server


def hosts(server: Server) -> list[tuple[str, int]]:
    return [(server.host, server.port)]


@pytest.fixture
async def store(aerospike: Server) -> AsyncIterator[AerospikeStore]:
    async with AerospikeStore(hosts=hosts(aerospike)) as store:
        yield store


@pytest.fixture
def client(aerospike: Server) -> Iterator[Any]:
    """Yield a client of another application."""
    client = open_client({"hosts": hosts(aerospike)})
    yield client
    client.close()


@pytest.fixture
def double(aerospike: Server) -> Server:
    """Return the double, whose replies can be set."""
    if not is_double(aerospike):
        pytest.skip("a server cannot be told what to answer")
    return aerospike


class TestAerospikeStore(StoreConformance):
    abilities: ClassVar = ABILITIES
    persistent: ClassVar = True

    @override
    @pytest.fixture
    def opening(self, aerospike: Server) -> Opening:
        return partial(AerospikeStore, hosts=hosts(aerospike))

    @override
    @pytest.fixture
    async def store(self, store: AerospikeStore) -> AerospikeStore:
        return store

    @override
    async def write_raw(self, store: Store, *, collection: str, key: str, data: bytes) -> None:
        ours = cast("AerospikeStore", store)
        address = ours.names.address(collection, key)
        await ours._run(lambda records: records.write(address, data.decode("latin-1").encode(), None))


def published_opening(server: Server) -> str:
    """Return the code that opens the same set with 0.5.0."""
    return (
        "from key_value.aio.stores.aerospike import AerospikeStore\n"
        f"store = AerospikeStore(hosts={hosts(server)!r})"
    )


class TestStoredForm:
    async def test_stores_the_documents_of_the_0_5_series(self, store: AerospikeStore, client: Any) -> None:
        await store.put("k", {"b": 1, "a": "é"}, collection="c", ttl=100)
        _, meta, bins = client.get((NAMESPACE, SET, "c::k"))
        assert [*bins] == ["value"]
        document = json.loads(bins["value"])
        assert (document["collection"], document["key"], document["value"]) == ("c", "k", {"b": 1, "a": "é"})
        assert 99 <= meta["ttl"] <= 102

    async def test_reads_what_0_5_wrote(
        self, store: AerospikeStore, aerospike: Server, published: Publish
    ) -> None:
        entries = {**interop.ENTRIES, "a::b": {"n": 1}}
        published("aerospike").write(published_opening(aerospike), "people", entries)
        await interop.check(store, "people", entries)
        assert sorted(await store.keys("people")) == sorted(entries)
        assert sorted(await store.collections()) == ["people", "people-ttl"]
        found = await store.get_versioned("plain", collection="people")
        assert found is not None
        assert await store.put_if_version("plain", {"n": 1}, version=found.version, collection="people")
        assert await store.put_if_absent("a::b", {}, collection="people") is False
        assert await store.pop("a::b", collection="people") == {"n": 1}
        assert await store.destroy_collection("people-ttl") is True
        assert await store.collections() == ["people"]

    async def test_0_5_reads_what_this_writes(
        self, store: AerospikeStore, aerospike: Server, published: Publish
    ) -> None:
        await interop.write(store, "people")
        published("aerospike").check(published_opening(aerospike), "people")

    async def test_a_version_does_not_survive_a_write_of_0_5(
        self, store: AerospikeStore, aerospike: Server, published: Publish
    ) -> None:
        await store.put("k", {"n": 1}, collection="c")
        found = await store.get_versioned("k", collection="c")
        assert found is not None
        published("aerospike").run(
            published_opening(aerospike), ("put", {"key": "k", "value": {"new": 1}, "collection": "c"})
        )
        assert await store.put_if_version("k", {}, version=found.version, collection="c") is None
        assert await store.get("k", collection="c") == {"new": 1}
        assert await store.keys("c") == ["k"]

    async def test_finds_and_moves_what_0_5_kept_under_a_plain_name(
        self, store: AerospikeStore, client: Any
    ) -> None:
        document = {"collection": "a::b", "key": "k", "value": {"n": 1}, "version": 1}
        client.put((NAMESPACE, SET, "a::b::k"), {"value": json.dumps(document)})
        assert await store.get("k", collection="a::b") == {"n": 1}
        assert await store.get("b::k", collection="a") is None
        assert await store.keys("a::b") == ["k"]
        await store.put("k", {"n": 2}, collection="a::b")
        with pytest.raises(exception.RecordNotFound):
            client.get((NAMESPACE, SET, "a::b::k"))
        assert await store.keys("a::b") == ["k"]

    async def test_a_key_does_not_end_at_a_nul(self, store: AerospikeStore) -> None:
        keys = ["a", "a\0b", "a\0c", "\0", "a\ud800", "a\ud800\0"]
        await store.put_many(keys, [{"key": number} for number in range(6)])
        assert await store.get_many(keys) == [{"key": number} for number in range(6)]
        assert sorted(await store.keys()) == sorted(keys)
        await store.put("k", {"n": 1}, collection="c\0d")
        assert await store.get("k", collection="c") is None
        assert sorted(await store.collections()) == ["c\0d", "default_collection"]

    async def test_keys_are_stored_with_their_records(self, store: AerospikeStore, double: Server) -> None:
        await store.put("one", {})
        await store.put_many(["two"], [{}])
        await store.put_if_absent("three", {})
        for key in ("one", "two", "three"):
            assert record(double, f"default_collection::{key}")["key"] == f"\x03default_collection::{key}"

    async def test_an_entry_without_ttl_outlives_the_namespaces_default(
        self, store: AerospikeStore, double: Server
    ) -> None:
        info(double, "double-set:default-ttl=500")
        await store.put("one", {})
        await store.put_many(["two"], [{}])
        await store.put_if_absent("three", {})
        await store.put("four", {}, ttl=60)
        await store.touch("four", ttl=None)
        for key in ("one", "two", "three", "four"):
            assert record(double, f"default_collection::{key}")["ttl"] is None

    @pytest.mark.parametrize("ttl", [0.4, 1.2, 3600, 315_359_999, 315_360_000, 2**32, 2**37])
    async def test_the_server_keeps_an_entry_as_long_as_it_lives(
        self, store: AerospikeStore, double: Server, ttl: float
    ) -> None:
        await store.put("k", {"n": 1}, ttl=ttl)
        await store.put_many(["l"], [{"n": 1}], ttl=ttl)
        for key in ("k", "l"):
            left = record(double, f"default_collection::{key}")["ttl"]
            remaining = await store.ttl(key)
            assert remaining[1] is None or left is None or left >= remaining[1]

    async def test_destroy_leaves_what_is_not_ours(self, store: AerospikeStore, client: Any) -> None:
        theirs: list[tuple[Any, dict[str, Any]]] = [
            (7, {"value": "{}"}),
            ("a::theirs", {"value": 3}),
            ("other", {"value": "no document"}),
            ("a::x", {"value": json.dumps({"collection": "a", "key": "y", "value": {}})}),
            (bytearray(b"a::z"), {"value": json.dumps({"collection": "a", "key": "z", "value": {}})}),
            ("plain", {"n": 1}),
        ]
        for key, bins in theirs:
            client.put((NAMESPACE, SET, key), bins, policy={"key": driver.POLICY_KEY_SEND})
        client.put((NAMESPACE, "another", "a::k"), {"value": "{}"})
        client.put((NAMESPACE, SET, "keyless"), {"value": json.dumps({"collection": "a", "key": "b"})})
        await store.put_many(["k", "l"], [{}, {}], collection="a")
        await store.put("k", {}, collection="b")
        assert sorted(await store.collections()) == ["a", "b"]
        await store.destroy_collection("a")
        assert await store.collections() == ["b"]
        await store.destroy()
        assert await store.collections() == []
        for key, bins in theirs:
            assert client.get((NAMESPACE, SET, key))[2] == bins
        assert client.get((NAMESPACE, "another", "a::k"))[2] == {"value": "{}"}
        assert client.get((NAMESPACE, SET, "keyless"))[2]

    async def test_a_record_without_a_document_is_an_error(self, store: AerospikeStore, client: Any) -> None:
        for bins in ({"n": 1}, {"value": 7}, {"value": bytearray(b"{}")}):
            client.put((NAMESPACE, SET, "c::k"), bins)
            await store.put("l", {"n": 1}, collection="c")
            for call in (
                store.get("k", collection="c"),
                store.get_many(["l", "k"], collection="c"),
                store.put_if_absent("k", {}, collection="c"),
            ):
                with pytest.raises(DeserializationError):
                    await call
            assert await store.keys("c") == ["l"]
            client.remove((NAMESPACE, SET, "c::k"))


class TestPages:
    async def test_pages_have_every_key_however_small_they_are(
        self, store: AerospikeStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keys = [f"k{number}" for number in range(300)]
        await store.put_many(keys, [{"n": 1}] * 300)
        for least in (1, 2, 7, 299, 300, 301):
            monkeypatch.setattr(records, "LEAST_PER_QUERY", least)
            found: list[str] = []
            cursor: str | None = None
            while True:
                page = await store.scan(cursor=cursor, limit=1)
                found += page.keys
                cursor = page.cursor
                if cursor is None:
                    break
            assert sorted(found) == sorted(keys)

    async def test_a_partition_of_many_records_has_several_pages(
        self, store: AerospikeStore, client: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        names = (f"k{number}" for number in range(1_000_000))
        partition = client.get_key_partition_id(NAMESPACE, SET, "default_collection::k0")
        keys: list[str] = []
        while len(keys) < 9:
            key = next(names)
            if client.get_key_partition_id(NAMESPACE, SET, f"default_collection::{key}") == partition:
                keys.append(key)
        others = [f"other{number}" for number in range(20)]
        await store.put_many([*keys, *others], [{"n": 1}] * 29)
        monkeypatch.setattr(records, "LEAST_PER_QUERY", 2)
        assert sorted(await store.keys()) == sorted([*keys, *others])


class TestNames:
    @pytest.mark.parametrize("name", ["", "x" * 64, "é" * 32, "a\0b"])
    def test_refuses_a_set_that_cannot_be(self, name: str) -> None:
        with pytest.raises(ValueError, match="set_name must have 1 to 63 bytes"):
            AerospikeStore(set_name=name)

    def test_refuses_a_namespace_that_cannot_be(self) -> None:
        with pytest.raises(ValueError, match="namespace must have 1 to 31 bytes, not 32"):
            AerospikeStore(namespace="x" * 32)

    def test_refuses_no_hosts_and_no_threads(self) -> None:
        with pytest.raises(ValueError, match="hosts"):
            AerospikeStore(hosts=[])
        with pytest.raises(ValueError, match="max_concurrency"):
            AerospikeStore(max_concurrency=0)

    async def test_the_longest_names_are_held(self, aerospike: Server) -> None:
        async with AerospikeStore(hosts=hosts(aerospike), set_name="s" * 63) as store:
            await store.put("k" * 5000, {"n": 1})
            assert await store.keys() == ["k" * 5000]
            await store.destroy()

    def test_names_its_server(self) -> None:
        assert repr(AerospikeStore()) == "AerospikeStore('localhost:3000/test/kv-store')"


class TestNamespaces:
    async def test_a_missing_namespace_is_an_error_at_setup_on_request(self, aerospike: Server) -> None:
        store = AerospikeStore(hosts=hosts(aerospike), namespace="none", auto_create=False)
        with pytest.raises(StoreSetupError, match="Namespace 'none' does not exist") as caught:
            await store.get("k")
        assert isinstance(caught.value.__cause__, ValueError)
        await store.close()
        async with AerospikeStore(hosts=hosts(aerospike), auto_create=False) as found:
            assert await found.get("k") is None

    async def test_a_missing_namespace_is_no_miss(self, aerospike: Server) -> None:
        async with AerospikeStore(hosts=hosts(aerospike), namespace="none") as store:
            for call in (
                store.get("k"),
                store.get_many(["k", "l"]),
                store.put("k", {}),
                store.put_many(["k", "l"], [{}, {}]),
                store.keys(),
                store.pop("k"),
            ):
                with pytest.raises(KeyValueStoreError, match="no such namespace") as caught:
                    await call
                assert not isinstance(caught.value, ConnectionError)

    async def test_a_namespace_that_takes_no_ttl_is_named_so(
        self, store: AerospikeStore, double: Server
    ) -> None:
        info(double, "double-set:nsup-period=0")
        await store.put("k", {"n": 1})
        for call in (store.put("k", {}, ttl=5), store.put_many(["k"], [{}], ttl=5), store.touch("k", ttl=5)):
            with pytest.raises(KeyValueStoreError, match="nsup-period"):
                await call
        assert await store.get("k") == {"n": 1}

    async def test_too_large_an_entry_is_named_so(self, store: AerospikeStore, double: Server) -> None:
        large = {"text": "x" * 1_100_000}
        await store.put("k", {"n": 1})
        for call in (
            store.put("k", large),
            store.put_many(["k", "l"], [large, {}]),
            store.put_if_absent("n", large),
        ):
            with pytest.raises(KeyValueStoreError, match="max-record-size") as caught:
                await call
            assert not isinstance(caught.value, ConnectionError)
        assert await store.get("k") == {"n": 1}


class TestDouble:
    """Tests that the double is strict and agrees with the client."""

    async def test_it_has_the_clients_hashes_and_partitions(
        self, store: AerospikeStore, client: Any, double: Server
    ) -> None:
        for key in ("a", "é", "x" * 300):
            await store.put(key, {})
            address = store.names.address("default_collection", key)
            assert record(double, address) is not None
            digest = bytes(driver.calc_digest(NAMESPACE, SET, address))
            assert partition_of(digest) == client.get_key_partition_id(NAMESPACE, SET, address)

    def test_a_generation_wraps(self) -> None:
        double = Double()
        fields = {0: b"test", 1: b"s", 4: b"d" * 20}
        for expected in (*range(1, 65536), 1, 2):
            outcome = double._apply(Command((0, 1, 0), 0, 0, fields, [(2, 3, "value", b"x")]))
            assert outcome.generation == expected

    def test_it_refuses_what_it_does_not_know(self, double: Server) -> None:
        client = open_client({"hosts": hosts(double)})
        key = (NAMESPACE, SET, "k")
        for call in (
            partial(client.increment, key, "n", 1),
            partial(client.touch, key),
            partial(client.put, key, {"value": "x"}, policy={"gen": driver.POLICY_GEN_GT}),
            partial(client.put, key, {"value": "x"}, policy={"durable_delete": True}),
            partial(client.truncate, NAMESPACE, SET, 0),
            client.query(NAMESPACE).results,
        ):
            with pytest.raises(exception.AerospikeError):
                call()
            assert json.loads(info(double, "double-refusals")) != []
            info(double, "double-reset")
        client.close()

"""The DynamoDB store."""

import asyncio
import json
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Any, ClassVar, cast

import pytest
from typing_extensions import override

from key_value.aio.errors import DeserializationError, KeyValueStoreError, ValueTooLargeError
from key_value.aio.stores.dynamodb import DynamoDBStore
from key_value.aio.testing import StoreConformance
from key_value.aio.testing.operations import Store
from key_value.aio.testing.suites.base import ABILITIES, Opening
from tests import published as interop
from tests.published import Publish
from tests.servers.dynamodb import control, create_table
from tests.servers.server import Server


def published_opening(server: Server, table: str) -> str:
    """Return the code that opens the same table with 0.5.0."""
    keys = 'aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1"'
    return (
        "from key_value.aio.stores.dynamodb import DynamoDBStore\n"
        f"store = DynamoDBStore(table_name={table!r}, endpoint_url={server.url!r}, {keys})"
    )


async def raw_item(store: Store, collection: str, key: str) -> dict[str, Any]:
    ours = cast("DynamoDBStore", store)
    client: Any = ours.client
    name = {"collection": {"S": ours.names.collection(collection)}, "key": {"S": ours.names.key(key)}}
    return (await client.get_item(TableName=ours.table_name, Key=name)).get("Item", {})


async def write_item(store: Store, collection: str, key: str, attributes: Mapping[str, Any]) -> None:
    ours = cast("DynamoDBStore", store)
    client: Any = ours.client
    name = {"collection": {"S": ours.names.collection(collection)}, "key": {"S": ours.names.key(key)}}
    await client.put_item(TableName=ours.table_name, Item={**attributes, **name})


EMPTY: dict[str, Any] = {}


class TestDynamoDBStore(StoreConformance):
    abilities: ClassVar = ABILITIES
    persistent: ClassVar = True
    # Each call takes milliseconds.
    model_examples: ClassVar = 5
    rivals: ClassVar = 4
    many: ClassVar = 1_201
    dropped_unclosed: ClassVar = False

    @override
    async def write_raw(self, store: Store, *, collection: str, key: str, data: bytes) -> None:
        item = await raw_item(store, collection, key)
        await write_item(store, collection, key, item | {"value": {"S": data.decode("latin-1")}})

    @override
    async def plant(self, store: Store, *, collection: str, key: str) -> None:
        await write_item(store, collection, key, {"items": {"L": [{"N": "1"}]}})

    @override
    @pytest.fixture
    def opening(self, dynamodb: Server, table: str) -> Opening:
        # Each connection takes some kilobytes, which tests of memory use count.
        return partial(DynamoDBStore, table_name=table, endpoint_url=dynamodb.url, max_pool_connections=4)

    @pytest.fixture
    async def store(self, opening: Opening, dynamodb: Server, table: str) -> AsyncIterator[DynamoDBStore]:
        create_table(dynamodb, table)
        async with opening() as store:
            yield store

    async def test_stores_the_items_of_the_0_5_series(self, store: DynamoDBStore) -> None:
        before = time.time()
        await store.put("k", {"b": 1, "a": "é"}, collection="c", ttl=1.5)
        item = await raw_item(store, "c", "k")
        document = json.loads(item.pop("value")["S"])
        assert document.pop("created_at").endswith("+00:00")
        assert document == {"collection": "c", "key": "k", "value": {"a": "é", "b": 1}, "version": 1}
        assert before + 1.5 <= float(item["expires"]["N"]) <= time.time() + 1.5
        assert int(item["ttl"]["N"]) == math.ceil(float(item["expires"]["N"]))
        assert set(item) == {"collection", "key", "ttl", "expires", "rev"}
        await store.put("k", {}, collection="c")
        assert set(await raw_item(store, "c", "k")) == {"collection", "key", "value", "rev"}

    async def test_reads_what_0_5_wrote(
        self, store: DynamoDBStore, dynamodb: Server, table: str, published: Publish
    ) -> None:
        published("dynamodb").write(published_opening(dynamodb, table), "people")
        await interop.check(store, "people")
        assert sorted(await store.keys("people-ttl")) == sorted(interop.ENTRIES)
        for key in ("plain", "nested", "texts"):
            assert await store.put_if_absent(key, {}, collection="people") is False
        await self._change_under_a_version(store)
        assert await store.touch("plain", ttl=9000, collection="people-ttl")
        assert await store.touch("nested", ttl=None, collection="people-ttl")
        assert await store.pop("numbers", collection="people") == interop.ENTRIES["numbers"]
        opening = published_opening(dynamodb, table)
        touched = [("ttl", {"key": key, "collection": "people-ttl"}) for key in ("plain", "nested")]
        [plain, seconds], nested = published("dynamodb").run(opening, *touched)
        assert plain == interop.ENTRIES["plain"]
        assert 8000 < seconds <= 9001
        assert nested == [interop.ENTRIES["nested"], None]
        assert await store.destroy_collection("people-ttl")
        assert await store.collections() == ["people"]

    async def _change_under_a_version(self, store: DynamoDBStore) -> None:
        """Items of the 0.5 series have no version, so conditions compare their text."""
        for key in ("plain", "nested"):
            found = await store.get_versioned(key, collection="people")
            assert found is not None
            assert await store.put_if_version("empty", {}, version=found.version, collection="people") is None
            assert await store.put_if_version(key, {"n": 1}, version=found.version, collection="people")
            assert not await store.delete_if_version(key, version=found.version, collection="people")
        found = await store.get_versioned("texts", collection="people")
        assert found is not None
        assert await store.delete_if_version("texts", version=found.version, collection="people")

    async def test_0_5_reads_and_replaces_what_this_writes(
        self, store: DynamoDBStore, dynamodb: Server, table: str, published: Publish
    ) -> None:
        await interop.write(store, "people")
        opening = published_opening(dynamodb, table)
        # 0.5.0 reads whole seconds, rounded up; a second later, the TTL is at most the given one.
        await asyncio.sleep(1)
        published("dynamodb").check(opening, "people")
        found = await store.get_versioned("plain", collection="people")
        assert found is not None
        put = ("put", {"key": "plain", "value": found.value, "collection": "people"})
        published("dynamodb").run(opening, put)
        assert await store.put_if_version("plain", {}, version=found.version, collection="people") is None
        assert await store.get("plain", collection="people") == found.value

    async def test_what_has_expired_of_0_5_is_culled(self, store: DynamoDBStore) -> None:
        text = {"S": json.dumps({"value": {"n": 1}, "version": 1})}
        await write_item(store, "c", "dead", {"value": text, "ttl": {"N": "1"}})
        await write_item(store, "c", "alive", {"value": text, "ttl": {"N": str(int(time.time()) + 60)}})
        assert await store.keys("c") == ["alive"]
        await store.cull()
        assert await raw_item(store, "c", "dead") == {}
        assert await store.get("alive", collection="c") == {"n": 1}

    async def test_a_ttl_that_somebody_changed_counts(self, store: DynamoDBStore) -> None:
        await store.put("k", {}, collection="c", ttl=60)
        item = await raw_item(store, "c", "k")
        await write_item(store, "c", "k", item | {"ttl": {"N": str(int(time.time()) + 1000)}})
        _, seconds = await store.ttl("k", collection="c")
        assert seconds is not None
        assert 900 < seconds <= 1000
        assert await store.touch("k", ttl=10, collection="c")
        await write_item(store, "c", "k", item | {"ttl": {"N": "1"}})
        assert await store.get("k", collection="c") is None
        assert await store.touch("k", ttl=10, collection="c") is False

    async def test_dynamodb_removes_what_has_expired(self, dynamodb: Server, store: DynamoDBStore) -> None:
        client = control(dynamodb)
        found = client.describe_time_to_live(TableName=store.table_name)["TimeToLiveDescription"]
        assert found["TimeToLiveStatus"] == "DISABLED"
        await store.put("k", {}, ttl=60)
        found = client.describe_time_to_live(TableName=store.table_name)["TimeToLiveDescription"]
        assert found == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}

    async def test_a_ttl_on_another_attribute_is_warned_of(
        self, dynamodb: Server, store: DynamoDBStore, caplog: pytest.LogCaptureFixture
    ) -> None:
        control(dynamodb).update_time_to_live(
            TableName=store.table_name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"},
        )
        assert await store.put_if_absent("k", {}, collection="c", ttl=0.01)
        assert "by the attribute 'expires_at'" in caplog.text
        await asyncio.sleep(0.02)
        await store.cull()
        assert await raw_item(store, "c", "k") == {}

    async def test_a_deleted_table_is_created_by_the_next_write(
        self, store: DynamoDBStore, dynamodb: Server, table: str
    ) -> None:
        await store.put("k", {"n": 1}, ttl=60)
        client = control(dynamodb)
        writes: list[Callable[[], Awaitable[Any]]] = [
            lambda: store.put("k", {"n": 2}, ttl=60),
            lambda: store.put_many(["k", "l"], [{"n": 2}, {"n": 2}], ttl=60),
            lambda: store.put_if_absent("k", {"n": 2}, ttl=60),
        ]
        for write in writes:
            client.delete_table(TableName=table)
            with pytest.raises(KeyValueStoreError, match="no longer exists"):
                await store.get("k")
            refused = await asyncio.gather(write(), write(), return_exceptions=True)
            for error in refused:
                with pytest.raises(KeyValueStoreError, match="no longer exists"):
                    raise cast("Exception", error)
            await write()
            assert await store.get("k") == {"n": 2}
            ttl = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
            assert ttl["TimeToLiveStatus"] in ("ENABLING", "ENABLED")

    async def test_the_options_of_a_table(self, dynamodb: Server, table: str) -> None:
        index = {
            "IndexName": "by-owner",
            "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
            "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
        }
        options: dict[str, Any] = {
            "TableName": "another",
            "KeySchema": [],
            "AttributeDefinitions": [{"AttributeName": "owner", "AttributeType": "S"}],
            "BillingMode": "PROVISIONED",
            "ProvisionedThroughput": {"ReadCapacityUnits": 3, "WriteCapacityUnits": 2},
            "GlobalSecondaryIndexes": [index],
        }
        async with DynamoDBStore(table_name=table, endpoint_url=dynamodb.url, table_config=options) as store:
            await store.put("k", {"n": 1})
            assert await store.get("k") == {"n": 1}
        found = control(dynamodb).describe_table(TableName=table)["Table"]
        assert found["ProvisionedThroughput"]["ReadCapacityUnits"] == 3
        assert [each["AttributeName"] for each in found["KeySchema"]] == ["collection", "key"]
        assert "another" not in control(dynamodb).list_tables()["TableNames"]

    async def test_what_others_stored_is_neither_listed_nor_removed(self, store: DynamoDBStore) -> None:
        await store.put("k", {}, collection="c")
        await self.plant(store, collection="c", key="theirs")
        await write_item(store, "theirs", "k", {"value": {"N": "1"}})
        assert await store.keys("c") == ["k"]
        assert await store.collections() == ["c"]
        assert await store.destroy_collection("theirs") is False
        assert await store.destroy() is True
        assert await store.collections() == []
        assert await raw_item(store, "c", "theirs")
        assert await raw_item(store, "theirs", "k")

    async def test_names_that_cannot_be_read_hide_no_other_entry(self, store: DynamoDBStore) -> None:
        await store.put("k", {"n": 1}, collection="c")
        broken = {"value": {"S": "{}"}, "rev": {"S": "r"}, "names": {"S": "["}}
        await write_item(store, "c", "broken", broken)
        assert "k" in await store.keys("c")
        with pytest.raises(DeserializationError):
            await store.get("broken", collection="c")

    async def test_collections_of_expired_entries_are_not_listed(self, store: DynamoDBStore) -> None:
        await store.put("k", {}, collection="one", ttl=0.01)
        await store.put_many(["a", "b"], [EMPTY, EMPTY], collection="two", ttl=0.01)
        await store.put_many(["a", "b"], [EMPTY, EMPTY], collection="three", ttl=0.01)
        await store.put("c", {}, collection="three")
        await asyncio.sleep(0.02)
        assert await store.collections() == ["three"]

    async def test_names_that_dynamodb_cannot_hold(self, store: DynamoDBStore) -> None:
        keys = ["", "%-", "%25%2D", "k" * 1024, "k" * 1025, "é" * 513, "\ud800", "a::b", "\0"]
        collections = ["c" * 2048, "c" * 2049, "é" * 1025]
        values = [{"n": n} for n in range(len(keys))]
        for name in collections:
            await store.put_many(keys, values, collection=name)
            assert await store.get_many(keys, collection=name) == values
            assert sorted(await store.keys(name)) == sorted(keys)
        assert sorted(await store.collections()) == sorted(collections)
        assert (await store.scan(collections[1], prefix="k" * 1025)).keys == ["k" * 1025]
        assert len(await raw_item(store, collections[0], keys[3])) == 4

    async def test_an_item_of_400_kb_is_the_largest(self, store: DynamoDBStore) -> None:
        await store.put("k", {"text": "x" * 409_000})
        assert await store.get("k") == {"text": "x" * 409_000}
        for write in (
            store.put("k", {"text": "x" * 409_600}),
            store.put_if_absent("l", {"text": "x" * 409_600}),
            store.put_many(["m", "n"], [EMPTY, {"text": "é" * 70_000}]),
        ):
            with pytest.raises(ValueTooLargeError):
                await write
        assert await store.get_many(["l", "m", "n"]) == [None] * 3

    async def test_batches_beyond_what_one_reply_holds(self, store: DynamoDBStore) -> None:
        keys = [f"{n:03}" for n in range(60)]
        values = [{"n": n, "text": "x" * 390_000} for n in range(60)]
        await store.put_many(keys, values)
        assert await store.get_many([*keys, "000", "none"]) == [*values, values[0], None]
        assert await store.keys() == keys
        assert await store.delete_many([*keys, "none"]) == 60

    async def test_an_eventually_consistent_store_claims_once(self, dynamodb: Server, table: str) -> None:
        async with DynamoDBStore(table_name=table, endpoint_url=dynamodb.url, consistent_read=False) as store:
            claims = await asyncio.gather(*(store.put_if_absent("k", {"n": n}) for n in range(20)))
            assert sum(claims) == 1

    def test_secrets_are_not_shown(self) -> None:
        store = DynamoDBStore(table_name="t", aws_access_key_id="known", aws_secret_access_key="secret")
        assert "secret" not in repr(store)
        assert "t" in repr(store)

"""The Azure Tables store, on Azurite."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Generator
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, cast

import pytest
from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
from azure.data.tables import EdmType, EntityProperty, TableSasPermissions, UpdateMode, generate_table_sas
from azure.data.tables.aio import TableClient
from typing_extensions import override

from key_value.aio.errors import (
    DeserializationError,
    InvalidKeyError,
    KeyValueStoreError,
    StoreAuthenticationError,
    StoreSetupError,
    StoreUnreachableError,
    ValueTooLargeError,
)
from key_value.aio.stores.azure_tables import AzureTablesSanitizationStrategy, AzureTablesStore
from key_value.aio.stores.azure_tables.driver import account_of
from key_value.aio.testing import StoreConformance
from key_value.aio.testing.operations import Store
from key_value.aio.testing.suites.base import ABILITIES, Opening
from tests import published as interop
from tests.published import Publish
from tests.servers.azure_tables import ACCOUNT, KEY, service
from tests.servers.http_proxy import Forward, HttpProxy, Reply, Request, answer, http_proxy
from tests.servers.processes import free_port
from tests.servers.server import Server
from tests.stores.http_faults import ALWAYS, HttpFaults

EXTRAS = "azure-tables,elasticsearch"
"""What 0.5.0 needs; its extra for Azure forgets aiohttp, which the other one has."""

HELD = {key: value for key, value in interop.ENTRIES.items() if key != "large"}
"""What both libraries can store."""


@pytest.fixture
async def store(azure_tables: Server, azure_table: str) -> AsyncIterator[AzureTablesStore]:
    async with AzureTablesStore(connection_string=azure_tables.url, table_name=azure_table) as store:
        yield store


# A loop that ends during a call leaves aiohttp sessions open.
@pytest.mark.filterwarnings("ignore:.*[Uu]nclosed:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:Unclosed:ResourceWarning")
@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
class TestAzureTablesStore(StoreConformance):
    abilities: ClassVar = ABILITIES
    persistent: ClassVar = True
    # Each call takes milliseconds.
    model_examples: ClassVar = 3
    rivals: ClassVar = 4
    many: ClassVar = 301
    dropped_unclosed: ClassVar = False

    @override
    @pytest.fixture
    def opening(self, azure_tables: Server, azure_table: str) -> Opening:
        return partial(AzureTablesStore, connection_string=azure_tables.url, table_name=azure_table)

    @override
    async def write_raw(self, store: Store, *, collection: str, key: str, data: bytes) -> None:
        ours = cast("AzureTablesStore", store)
        name, stored = ours.names.pair(collection, key)
        table: Any = ours.client
        entity = {"PartitionKey": name, "RowKey": stored, "Value": data.decode("latin-1")}
        await table.upsert_entity(entity, mode=UpdateMode.REPLACE)


def published_opening(server: Server, table: str) -> str:
    """Return the code that opens the same table with 0.5.0."""
    return (
        "from key_value.aio.stores.azure_tables import AzureTablesStore\n"
        f"store = AzureTablesStore(connection_string={server.url!r}, table_name={table!r})"
    )


def entities(server: Server, table: str) -> list[dict[str, Any]]:
    """Return all entities of a table."""
    with service(server) as client:
        return [dict(entity) for entity in client.get_table_client(table).list_entities()]


class TestStoredForm:
    async def test_stores_the_entities_of_the_0_5_series(
        self, store: AzureTablesStore, azure_tables: Server, azure_table: str
    ) -> None:
        await store.put("k", {"b": 1, "a": "é"}, collection="c", ttl=100)
        [entity] = entities(azure_tables, azure_table)
        document = json.loads(entity["Value"])
        assert {name: document[name] for name in ("collection", "key", "value", "version")} == {
            "collection": "c",
            "key": "k",
            "value": {"b": 1, "a": "é"},
            "version": 1,
        }
        assert entity["ExpiresAt"].value - 1 < entity["Expires"] <= entity["ExpiresAt"].value
        await store.put("k", {}, collection="c")
        [entity] = entities(azure_tables, azure_table)
        assert not {"Expires", "ExpiresAt"} & entity.keys()

    async def test_reads_what_0_5_wrote(
        self, store: AzureTablesStore, azure_tables: Server, azure_table: str, published: Publish
    ) -> None:
        published(EXTRAS).write(published_opening(azure_tables, azure_table), "people", HELD)
        await interop.check(store, "people", HELD)
        assert sorted(await store.keys("people")) == sorted(HELD)
        version = await store.get_versioned("plain", collection="people")
        assert version is not None
        assert await store.put_if_version("plain", {"n": 1}, version=version.version, collection="people")
        assert await store.put_if_absent("plain", {}, collection="people") is False

    async def test_0_5_reads_what_this_writes(
        self, store: AzureTablesStore, azure_tables: Server, azure_table: str, published: Publish
    ) -> None:
        await store.put_many(list(HELD), list(HELD.values()), collection="people", ttl=interop.TTL)
        await store.put("k", {"n": 1}, collection="theirs", ttl=1000)
        found = await store.get_versioned("k", collection="theirs")
        keys = list(HELD)
        values, timed, _ = published(EXTRAS).run(
            published_opening(azure_tables, azure_table),
            ("get_many", {"keys": keys, "collection": "people"}),
            ("ttl_many", {"keys": keys, "collection": "people"}),
            ("put", {"key": "k", "value": {"new": 1}, "collection": "theirs"}),
        )
        assert dict(zip(keys, values, strict=True)) == HELD
        # 0.5 reads whole seconds, which are rounded up.
        assert all(interop.TTL - 600 < seconds <= interop.TTL + 1 for _, seconds in timed)
        assert found is not None
        assert await store.put_if_version("k", {}, version=found.version, collection="theirs") is None
        assert await store.get("k", collection="theirs") == {"new": 1}
        assert await store.ttl("k", collection="theirs") == ({"new": 1}, None)

    async def test_what_others_stored_is_neither_listed_nor_removed(
        self, store: AzureTablesStore, azure_tables: Server, azure_table: str
    ) -> None:
        await store.put("k", {"n": 1}, collection="c")
        past = EntityProperty(5, EdmType.INT64)
        foreign = {"ExpiresAt": past, "PartitionKey": "c", "RowKey": "z", "Value": "text"}
        with service(azure_tables) as client:
            client.get_table_client(azure_table).create_entity(foreign)
            client.get_table_client(azure_table).create_entity({**foreign, "PartitionKey": "d", "Value": 5})
        assert await store.keys("c") == ["k"]
        assert await store.collections() == ["c"]
        await store.cull()
        assert await store.destroy() is True
        assert sorted(entity["PartitionKey"] for entity in entities(azure_tables, azure_table)) == ["c", "d"]

    async def test_what_is_no_entry_is_not_claimed_for_ever(
        self, store: AzureTablesStore, azure_tables: Server, azure_table: str
    ) -> None:
        await store.put("there", {}, collection="c")
        with service(azure_tables) as tables:
            table = tables.get_table_client(azure_table)
            table.create_entity({"PartitionKey": "c", "RowKey": "k", "Other": 1})
            table.create_entity(
                {"PartitionKey": "c", "RowKey": "l", "Rev": "r", "Value": "{}", "Key": "[", "Collection": "1"}
            )
        with pytest.raises(KeyValueStoreError, match="as if one existed"):
            await asyncio.wait_for(store.put_if_absent("k", {"n": 1}, collection="c"), 30)
        with pytest.raises(DeserializationError):
            await store.get("l", collection="c")
        assert "there" in await store.keys("c")

    @pytest.mark.parametrize("size", [31_900, 32_000, 65_536, 200_000, 700_000])
    async def test_a_large_value_is_split(self, store: AzureTablesStore, size: int) -> None:
        value = {"text": "x" * size}
        await store.put("k", value)
        await store.put_many(["l", "m"], [value, {"n": 1}])
        assert await store.get("k") == value
        assert await store.get_many(["l", "m"]) == [value, {"n": 1}]

    async def test_a_value_beyond_the_limit_is_refused_before_it_is_sent(
        self, store: AzureTablesStore
    ) -> None:
        with pytest.raises(ValueTooLargeError, match="1032192"):
            await store.put_many(["k", "l"], [{}, {"text": "x" * 1_040_000}])
        assert await store.get_many(["k", "l"]) == [None, None]

    @pytest.mark.parametrize("key", ["é" * 512, "é" * 513, "😀" * 300, "a/b\\c#d?e\x7f\x85", "'\"%+ "])
    async def test_any_key_is_kept_singly_and_in_a_transaction(
        self, store: AzureTablesStore, key: str
    ) -> None:
        await store.put(key, {"n": 1}, collection=key)
        await store.put_many([key, "other"], [{"n": 2}, {"n": 3}], collection=key)
        assert sorted(await store.keys(key)) == sorted([key, "other"])
        assert await store.get_many([key, "none", "other"], collection=key) == [{"n": 2}, None, {"n": 3}]
        assert await store.delete_many([key, "none", "other"], collection=key) == 2

    def test_the_names_of_the_0_5_series_strategy(self) -> None:
        strategy = AzureTablesSanitizationStrategy()
        assert strategy.sanitize("plain") == "plain"
        assert strategy.sanitize("a/b") == "H_" + hashlib.sha256(b"a/b").hexdigest()
        assert strategy.sanitize("x" * 257) == "H_" + hashlib.sha256(b"x" * 257).hexdigest()
        with pytest.raises(InvalidKeyError):
            strategy.validate("H_x")


class TestConnect:
    async def test_takes_an_account_an_endpoint_and_a_shared_access_signature(
        self, store: AzureTablesStore, azure_tables: Server, azure_table: str
    ) -> None:
        await store.put("k", {"n": 1})
        endpoint = account_of(azure_tables.url)
        key = AzureNamedKeyCredential(ACCOUNT, KEY)
        async with AzureTablesStore(endpoint=endpoint, credential=key, table_name=azure_table) as other:
            assert await other.get("k") == {"n": 1}
            assert repr(other).endswith(f"{endpoint}/{azure_table}')")
        readers = generate_table_sas(
            key, azure_table, permission=TableSasPermissions(read=True), expiry=datetime(2100, 1, 1)
        )
        signed = AzureSasCredential(readers)
        async with AzureTablesStore(endpoint=endpoint, credential=signed, table_name=azure_table) as other:
            assert await other.get("k") == {"n": 1}
            with pytest.raises(StoreAuthenticationError, match="lack a permission: 403") as caught:
                await other.put("k", {"n": 2})
            assert not isinstance(caught.value, ConnectionError)

    async def test_a_given_client_stays_open(self, azure_tables: Server, azure_table: str) -> None:
        given: Any = TableClient.from_connection_string(azure_tables.url, azure_table)
        async with given as client:
            async with AzureTablesStore(client=client) as store:
                await store.put("k", {"n": 1})
                assert store.client is client
            assert (await client.get_entity("default_collection", "k"))["RowKey"] == "k"

    async def test_a_missing_table_is_refused_without_auto_create(
        self, store: AzureTablesStore, azure_tables: Server, azure_table: str
    ) -> None:
        strict = AzureTablesStore(
            connection_string=azure_tables.url, table_name=azure_table, auto_create=False
        )
        for call in (strict.get("k"), strict.put("k", {})):
            with pytest.raises(StoreSetupError, match="does not exist"):
                await call
        await store.put("k", {"n": 1})
        async with strict:
            assert await strict.get("k") == {"n": 1}
            with service(azure_tables) as client:
                client.delete_table(azure_table)
            for call in (strict.get("k"), strict.get_many(["k", "l"]), strict.keys(), strict.delete("k")):
                with pytest.raises(KeyValueStoreError, match="does not exist"):
                    await call
        # The next write recreates the table; a read does not.
        assert await store.get("k") is None
        assert await store.delete("k") is False
        with service(azure_tables) as client:
            assert azure_table not in [each.name for each in client.list_tables()]
        await store.put_many(["k", "l"], [{"n": 2}] * 2)
        assert await store.get("k") == {"n": 2}

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({}, "`table_name` is required"),
            ({"table_name": "t"}, "Provide client"),
            ({"table_name": "t", "account_name": "a"}, "Provide client"),
            ({"table_name": "t", "connection_string": "nonsense"}, "AccountName"),
        ],
    )
    def test_refuses_what_leads_nowhere(self, arguments: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            AzureTablesStore(**arguments)

    def test_refuses_a_key_in_place_of_a_credential(self) -> None:
        with pytest.raises(TypeError, match="AzureNamedKeyCredential") as caught:
            AzureTablesStore(account_name="a", credential="secret", table_name="t")
        assert "secret" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:Unclosed:ResourceWarning")
class TestFaults(HttpFaults):
    creation: ClassVar = "POST"
    replacement: ClassVar = "PUT"
    statuses: ClassVar = (429, 500, 503)

    @pytest.fixture
    def proxy(self, azure_tables: Server) -> Generator[HttpProxy]:
        with http_proxy(Server(account_of(azure_tables.url))) as proxy:
            yield proxy

    @pytest.fixture
    def opening(
        self, azure_tables: Server, azure_table: str, proxy: HttpProxy
    ) -> Callable[..., AzureTablesStore]:
        url = azure_tables.url.replace(f"http://127.0.0.1:{proxy.server.port}", proxy.url)
        options = {"retry_backoff_factor": 0}
        return partial(
            AzureTablesStore, connection_string=url, table_name=azure_table, client_options=options
        )

    async def test_what_fails_once_is_repeated(self, behind: AzureTablesStore, proxy: HttpProxy) -> None:
        proxy.inject(answer(503))
        assert await behind.get("there") == {"n": 0}

    async def test_a_table_that_is_being_deleted_is_no_lost_claim(
        self, behind: AzureTablesStore, proxy: HttpProxy
    ) -> None:
        proxy.inject(answer(409, x_ms_error_code="TableBeingDeleted"), times=ALWAYS)
        with pytest.raises(KeyValueStoreError, match="TableBeingDeleted"):
            await behind.put_if_absent("k", {"n": 1})

    async def test_a_refusal_is_no_miss(self, behind: AzureTablesStore, proxy: HttpProxy) -> None:
        proxy.inject(answer(403, x_ms_error_code="AuthorizationFailure"), times=ALWAYS)
        calls = (behind.get("there"), behind.get_many(["there", "k"]), behind.delete("there"), behind.keys())
        for call in calls:
            with pytest.raises(KeyValueStoreError, match="AuthorizationFailure"):
                await call

    async def test_a_batch_is_read_to_its_last_page(self, behind: AzureTablesStore, proxy: HttpProxy) -> None:
        """The service ends a page once it has searched for long enough."""
        keys = [f"k{n}" for n in range(6)]
        values = [{"n": n} for n in range(6)]
        await behind.put_many(keys, values)
        top = f"top={len(keys) + 1}"
        proxy.inject(
            lambda request, forward: forward(request._replace(path=request.path.replace(top, "top=2"))),
            part=top,
            times=ALWAYS,
        )
        assert await behind.get_many([*keys, "none"]) == [*values, None]

    async def test_what_is_stored_while_a_page_is_read_hides_nothing(
        self, behind: AzureTablesStore, proxy: HttpProxy, azure_tables: Server, azure_table: str
    ) -> None:
        """Entities of the 0.5 series are read again, because only their documents distinguish them."""
        with service(azure_tables) as tables:
            table = tables.get_table_client(azure_table)

            def create(key: str) -> None:
                document = json.dumps({"collection": "c", "key": key, "value": {}, "version": 1})
                table.create_entity({"PartitionKey": "c", "RowKey": key, "Value": document})

            def create_after(request: Request, forward: Forward) -> Reply:
                reply = forward(request)
                create("b")
                return reply

            for key in "ace":
                create(key)
            proxy.inject(create_after, method="GET")
            first = await behind.scan("c", limit=2)
            second = await behind.scan("c", limit=2, cursor=first.cursor)
        assert {*"ace"} <= {*first.keys, *second.keys}

    async def test_no_server_is_a_connection_error(self, azure_table: str) -> None:
        url = f"AccountName=a;AccountKey=a2V5;TableEndpoint=http://127.0.0.1:{free_port()}/a;"
        options = {"retry_total": 0}
        async with AzureTablesStore(
            connection_string=url, table_name=azure_table, client_options=options
        ) as store:
            for call in (store.get("k"), store.put("k", {}), store.put_if_absent("k", {}), store.pop("k")):
                with pytest.raises(StoreUnreachableError):
                    await call

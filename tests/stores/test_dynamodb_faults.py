"""DynamoDBStore when DynamoDB, the network or the permissions fail; and the requests that it sends."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession

from key_value.aio.errors import (
    KeyValueStoreError,
    OutcomeUnknownError,
    StoreAuthenticationError,
    StoreConnectionError,
    StoreSetupError,
    StoreTimeoutError,
    StoreUnreachableError,
)
from key_value.aio.stores.dynamodb import DynamoDBStore
from tests.servers.dynamodb import control, create_table
from tests.servers.processes import free_port
from tests.servers.server import Server

EMPTY: Sequence[dict[str, Any]] = [dict[str, Any]()] * 30

LOSE, HANG, CUT = "lose the reply", "never answer", "cut the reply"
Fault = str | tuple[int, str | bytes] | None
"""What to do with a request: one of the above, a status and body to answer, or None to pass it on."""


def refusal(code: str, message: str = "refused", status: int = 400) -> tuple[int, str]:
    """Return an error reply of DynamoDB."""
    return status, json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message})


class Proxy:
    """A proxy in front of DynamoDB that records the requests and applies `fault` to each."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.fault: Callable[[str, Mapping[str, Any]], Fault] = lambda operation, body: None
        self.url = ""

    @property
    def operations(self) -> list[str]:
        return [operation for operation, _ in self.requests]

    @asynccontextmanager
    async def serve(self) -> AsyncGenerator["Proxy"]:
        listener = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            listener.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._request(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head, body = await _message(reader)
        target = next((line for line in head.split("\r\n") if line.lower().startswith("x-amz-target")), ".")
        operation, arguments = target.rpartition(".")[2], json.loads(body or b"{}")
        self.requests.append((operation, arguments))
        fault = self.fault(operation, arguments)
        if fault == HANG:
            await asyncio.sleep(60)
            return False
        if isinstance(fault, tuple):
            status, text = fault
            data = text if isinstance(text, bytes) else text.encode()
            fields = f"Content-Length: {len(data)}\r\nx-amzn-RequestId: proxy"
            if isinstance(text, bytes):
                fields = f"Content-Length: {len(data)}\r\nLocation: {self.url}/elsewhere"
            writer.write(f"HTTP/1.1 {status} Reply\r\n{fields}\r\n\r\n".encode() + data)
            await writer.drain()
            return True
        reply = await self._forward(head, body)
        if fault == LOSE:
            return False
        writer.write(reply[:60] if fault == CUT else reply)
        await writer.drain()
        return fault != CUT

    async def _forward(self, head: str, body: bytes) -> bytes:
        at = urlsplit(self._server.url)
        reader, writer = await asyncio.open_connection(at.hostname, at.port)
        try:
            writer.write(head.encode() + b"\r\n\r\n" + body)
            answer, data = await _message(reader)
        finally:
            writer.close()
        return answer.encode() + b"\r\n\r\n" + data


async def _message(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()[:-4]
    fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:])
    return head, await reader.readexactly(int(fields.get("content-length", 0)))


@pytest.fixture
async def proxy(dynamodb: Server) -> AsyncIterator[Proxy]:
    async with Proxy(dynamodb).serve() as proxy:
        yield proxy


@pytest.fixture
def existing(dynamodb: Server, table: str) -> str:
    create_table(dynamodb, table)
    return table


@pytest.fixture
async def store(proxy: Proxy, existing: str) -> AsyncIterator[DynamoDBStore]:
    async with DynamoDBStore(table_name=existing, endpoint_url=proxy.url, timeout=2.0) as store:
        await store.put("there", {"n": 0})
        proxy.requests.clear()
        yield store


@pytest.fixture
async def hasty(proxy: Proxy, existing: str) -> AsyncIterator[DynamoDBStore]:
    """Yield a store with a timeout of one second."""
    async with DynamoDBStore(table_name=existing, endpoint_url=proxy.url, timeout=1) as store:
        await store.put("there", {"n": 0})
        yield store


@pytest.fixture
def environment(existing: str) -> Iterator[pytest.MonkeyPatch]:
    """Yield a monkeypatch whose changes end before the table is dropped."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@asynccontextmanager
async def client_at(url: str, **config: Any) -> AsyncGenerator[Any]:
    session: Any = AioSession()
    async with session.create_client("dynamodb", endpoint_url=url, config=AioConfig(**config)) as client:
        yield client


def first(wanted: str, fault: Fault) -> Callable[[str, Mapping[str, Any]], Fault]:
    """Return a fault for the first request of an operation."""
    left = [fault]
    return lambda operation, body: left.pop() if operation == wanted and left else None


def every(wanted: str, fault: Fault) -> Callable[[str, Mapping[str, Any]], Fault]:
    return lambda operation, body: fault if operation == wanted else None


def reads(store: DynamoDBStore) -> list[Awaitable[Any]]:
    return [store.get("there"), store.get_many(["there", "k"]), store.keys(), store.collections()]


class TestRequests:
    async def test_all_reads_are_consistent(self, store: DynamoDBStore, proxy: Proxy) -> None:
        await asyncio.gather(*reads(store))
        await store.scan(prefix="th")
        await store.get_versioned("there")
        for operation, body in proxy.requests:
            asked = body["RequestItems"][store.table_name] if operation == "BatchGetItem" else body
            assert asked["ConsistentRead"] is True, operation
        assert set(proxy.operations) == {"GetItem", "BatchGetItem", "Query", "Scan"}

    async def test_reads_at_half_the_cost(self, proxy: Proxy, existing: str) -> None:
        async with DynamoDBStore(
            table_name=existing, endpoint_url=proxy.url, consistent_read=False, auto_create=False
        ) as store:
            await asyncio.gather(*reads(store))
            await store.get_versioned("k")
        for operation, body in proxy.requests[:-1]:
            asked = body["RequestItems"][existing] if operation == "BatchGetItem" else body
            assert asked["ConsistentRead"] is False, operation
        assert proxy.requests[-1][1]["ConsistentRead"] is True

    async def test_a_prefix_is_a_condition_of_the_query(self, store: DynamoDBStore, proxy: Proxy) -> None:
        await store.put_many(["a/1", "a/2", "b/1"], EMPTY[:3])
        assert (await store.scan(prefix="a/")).keys == ["a/1", "a/2"]
        assert proxy.requests[-1][1]["ExpressionAttributeValues"][":prefix"] == {"S": "a/"}

    async def test_collections_cost_a_request_each(self, store: DynamoDBStore, proxy: Proxy) -> None:
        for name in ("a", "b", "c"):
            await store.put_many([str(n) for n in range(30)], EMPTY, collection=name)
        proxy.requests.clear()
        assert sorted(await store.collections()) == ["a", "b", "c", "default_collection"]
        assert proxy.operations == ["Scan"] * 5

    async def test_an_existing_table_needs_no_control(self, proxy: Proxy, existing: str) -> None:
        async with DynamoDBStore(table_name=existing, endpoint_url=proxy.url) as store:
            assert await store.get("k") is None
            await store.put("k", {"n": 1})
            assert await store.put_if_absent("k", {}) is False
            assert await store.pop("k") == {"n": 1}
        assert set(proxy.operations) == {"GetItem", "PutItem", "DeleteItem"}

    async def test_without_auto_create_nothing_but_items_is_asked_for(
        self, proxy: Proxy, existing: str
    ) -> None:
        async with DynamoDBStore(table_name=existing, endpoint_url=proxy.url, auto_create=False) as store:
            await store.put("k", {"n": 1}, ttl=60)
            await store.put_many(["l", "m"], EMPTY[:2], ttl=60)
            assert await store.touch("k", ttl=100)
            await store.destroy()
        items = {"PutItem", "BatchWriteItem", "UpdateItem", "Scan"}
        assert set(proxy.operations) == items

    async def test_reading_creates_no_table(self, proxy: Proxy, table: str) -> None:
        async with DynamoDBStore(table_name=table, endpoint_url=proxy.url) as store:
            assert await store.get_many(["k", "l"]) == [None, None]
            assert await store.keys() == await store.collections() == []
            assert await store.delete("k") is await store.touch("k", ttl=1) is False
            assert await store.pop("k") is None
            assert "CreateTable" not in proxy.operations
            await store.put("k", {"n": 1})
            assert await store.get("k") == {"n": 1}
        assert proxy.operations.count("CreateTable") == 1

    async def test_stores_create_a_table_together(self, dynamodb: Server, table: str) -> None:
        stores = [DynamoDBStore(table_name=table, endpoint_url=dynamodb.url) for _ in range(4)]
        await asyncio.gather(*(each.put(str(n), {}) for n, each in enumerate(stores)))
        assert await stores[0].keys() == ["0", "1", "2", "3"]
        await asyncio.gather(*(each.close() for each in stores))

    async def test_a_missing_table_is_an_error_without_auto_create(
        self, dynamodb: Server, table: str
    ) -> None:
        async with DynamoDBStore(table_name=table, endpoint_url=dynamodb.url, auto_create=False) as store:
            for call in (*reads(store), store.put("k", {}), store.pop("k"), store.delete("k")):
                with pytest.raises(KeyValueStoreError, match="does not exist"):
                    await call

    async def test_a_table_that_was_there_is_missed(self, store: DynamoDBStore, dynamodb: Server) -> None:
        client = control(dynamodb)
        client.delete_table(TableName=store.table_name)
        for call in reads(store):
            with pytest.raises(KeyValueStoreError, match="no longer exists"):
                await call


class TestLostReplies:
    async def test_a_claim_recognises_itself(self, store: DynamoDBStore, proxy: Proxy) -> None:
        proxy.fault = first("PutItem", LOSE)
        assert await store.put_if_absent("k", {"n": 1}) is True
        assert proxy.operations == ["PutItem", "GetItem"]

    async def test_a_compare_and_set_recognises_itself(self, store: DynamoDBStore, proxy: Proxy) -> None:
        found = await store.get_versioned("there")
        assert found is not None
        proxy.fault = first("PutItem", CUT)
        version = await store.put_if_version("there", {"n": 1}, version=found.version)
        proxy.fault = first("PutItem", HANG)
        assert version is not None
        with pytest.raises(OutcomeUnknownError):
            await store.put_if_version("there", {"n": 2}, version=version)
        assert proxy.operations.count("PutItem") == 2
        assert await store.get("there") == {"n": 1}

    @pytest.mark.parametrize("fault", [LOSE, refusal("InternalServerError", status=500), (200, b"<html>")])
    async def test_what_a_pop_did_is_unknown(self, store: DynamoDBStore, proxy: Proxy, fault: Fault) -> None:
        proxy.fault = every("DeleteItem", fault)
        with pytest.raises(OutcomeUnknownError):
            await store.pop("there")
        assert proxy.operations == ["DeleteItem"]

    async def test_a_lost_delete_is_an_error(self, store: DynamoDBStore, proxy: Proxy) -> None:
        proxy.fault = every("DeleteItem", LOSE)
        with pytest.raises(StoreConnectionError):
            await store.delete("there")
        with pytest.raises(StoreConnectionError, match="failed for 2 of 2 keys"):
            await store.delete_many(["there", "k"])
        assert proxy.operations == ["DeleteItem"] * 3

    async def test_a_put_and_reads_are_repeated(self, store: DynamoDBStore, proxy: Proxy) -> None:
        proxy.fault = first("PutItem", LOSE)
        await store.put("k", {"n": 1})
        proxy.fault = first("GetItem", CUT)
        assert await store.get("k") == {"n": 1}
        proxy.fault = first("BatchGetItem", refusal("InternalServerError", status=500))
        assert await store.get_many(["k", "l"]) == [{"n": 1}, None]

    async def test_a_client_of_the_callers_may_send_again(self, proxy: Proxy, existing: str) -> None:
        async with client_at(proxy.url, retries={"mode": "standard", "total_max_attempts": 3}) as client:
            async with DynamoDBStore(client=client, table_name=existing) as store:
                proxy.fault = first("PutItem", LOSE)
                assert await store.put_if_absent("k", {"n": 1}) is True
                assert proxy.operations.count("PutItem") == 2
                proxy.fault = first("DeleteItem", LOSE)
                with pytest.raises(OutcomeUnknownError):
                    await store.pop("k")
                assert await store.put_if_absent("k", {"n": 2}) is True
                found = await store.get_versioned("k")
                assert found is not None
                proxy.fault = first("DeleteItem", LOSE)
                with pytest.raises(OutcomeUnknownError):
                    await store.delete_if_version("k", version=found.version)
            assert (
                await client.get_item(TableName=existing, Key={"collection": {"S": "c"}, "key": {"S": "k"}})
            )["ResponseMetadata"]["HTTPStatusCode"] == 200


class TestThrottling:
    @pytest.mark.parametrize(
        "code", ["ProvisionedThroughputExceededException", "TransactionConflictException"]
    )
    async def test_what_was_not_done_is_sent_again(
        self, store: DynamoDBStore, proxy: Proxy, code: str
    ) -> None:
        for operation, call in (
            ("PutItem", store.put("k", {"n": 1})),
            ("GetItem", store.get("k")),
            ("PutItem", store.put_if_absent("l", {})),
            ("DeleteItem", store.pop("l")),
        ):
            proxy.fault = first(operation, refusal(code))
            assert await call in (None, {"n": 1}, True, {})
        assert proxy.operations.count("PutItem") == 4

    async def test_throttling_without_end_is_an_error(self, hasty: DynamoDBStore, proxy: Proxy) -> None:
        proxy.fault = lambda operation, body: refusal("ThrottlingException")
        start = time.monotonic()
        with pytest.raises((StoreUnreachableError, StoreTimeoutError)):
            await hasty.get("k")
        with pytest.raises(StoreUnreachableError, match="throttled"):
            await hasty.put_if_absent("k", {})
        assert time.monotonic() - start < 6
        proxy.fault = lambda operation, body: None
        assert await hasty.get("k") is None

    async def test_what_was_not_processed_is_sent_again(self, store: DynamoDBStore, proxy: Proxy) -> None:
        """Each request of a batch processes one item, and leaves the others unprocessed."""
        keys = [f"k{n}" for n in range(6)]

        def refuse(operation: str, body: Mapping[str, Any]) -> Fault:
            if operation == "BatchWriteItem" and len(proxy.requests) < 4:
                return 200, json.dumps({"UnprocessedItems": body["RequestItems"]})
            if operation == "BatchGetItem" and proxy.operations.count(operation) < 3:
                return 200, json.dumps({"Responses": {}, "UnprocessedKeys": body["RequestItems"]})
            return None

        proxy.fault = refuse
        await store.put_many(keys, [{"n": n} for n in range(6)])
        assert await store.get_many(keys) == [{"n": n} for n in range(6)]
        assert proxy.operations == ["BatchWriteItem"] * 4 + ["BatchGetItem"] * 3

    async def test_what_was_never_processed_is_named(self, hasty: DynamoDBStore, proxy: Proxy) -> None:
        def refuse(operation: str, body: Mapping[str, Any]) -> Fault:
            if operation == "BatchGetItem":
                return 200, json.dumps({"Responses": {}, "UnprocessedKeys": body["RequestItems"]})
            if operation != "BatchWriteItem":
                return None
            [(name, requests)] = body["RequestItems"].items()
            left = [each for each in requests if each["PutRequest"]["Item"]["key"]["S"] == "b"]
            return (200, json.dumps({"UnprocessedItems": {name: left}})) if left else None

        proxy.fault = refuse
        with pytest.raises(StoreUnreachableError, match="1 of 3") as failure:
            await hasty.put_many(["a", "b", "c"], EMPTY[:3])
        assert (failure.value.extra_info or {})["failed_keys"] == "'b'"
        with pytest.raises(StoreUnreachableError) as failure:
            await hasty.get_many(["a", "b"])
        assert (failure.value.extra_info or {})["failed_keys"] == "'a', 'b'"


class TestErrors:
    @pytest.mark.parametrize(
        ("code", "text", "kind"),
        [
            ("ExpiredTokenException", "credentials have expired", StoreAuthenticationError),
            ("UnrecognizedClientException", "expired or are not valid", StoreAuthenticationError),
            ("AccessDeniedException", "lack a permission", StoreAuthenticationError),
            ("ValidationException", "refused", KeyValueStoreError),
        ],
    )
    async def test_a_refusal_is_never_a_miss(
        self, store: DynamoDBStore, proxy: Proxy, code: str, text: str, kind: type[KeyValueStoreError]
    ) -> None:
        proxy.fault = lambda operation, body: refusal(code)
        writes: list[Awaitable[Any]] = [store.put("k", {}), store.put_if_absent("k", {}), store.pop("k")]
        calls = [*reads(store), *writes, store.delete("there"), store.delete_many(["there"]), store.destroy()]
        for call in calls:
            with pytest.raises(kind, match=text):
                await call
        assert len(proxy.requests) == len(calls), "none is sent again"

    @pytest.mark.parametrize(
        "fault", [(200, b"<html>sign in</html>"), (200, b"{}"), (302, b""), (502, b"bad")]
    )
    async def test_a_reply_of_somebody_else_is_an_error(
        self, proxy: Proxy, existing: str, fault: Fault
    ) -> None:
        config = AioConfig(retries={"total_max_attempts": 1})
        async with DynamoDBStore(table_name=existing, endpoint_url=proxy.url, config=config) as store:
            await store.put("there", {})
            proxy.fault = lambda operation, body: fault
            for call in (*reads(store), store.put("k", {}), store.put_many(["k", "l"], EMPTY[:2])):
                with pytest.raises(KeyValueStoreError):
                    await call
            with pytest.raises(OutcomeUnknownError):
                await store.pop("there")

    async def test_a_server_that_is_silent_is_a_timeout(self, hasty: DynamoDBStore, proxy: Proxy) -> None:
        proxy.fault = lambda operation, body: HANG
        start = time.monotonic()
        for call in (hasty.get("k"), hasty.put("k", {}), hasty.keys()):
            with pytest.raises(StoreTimeoutError):
                await call
        assert time.monotonic() - start < 6

    @pytest.mark.usefixtures("dynamodb")
    async def test_no_server_is_a_connection_error(self) -> None:
        url = f"http://127.0.0.1:{free_port()}"
        config = AioConfig(retries={"total_max_attempts": 1})
        async with DynamoDBStore(table_name="none", endpoint_url=url, config=config) as store:
            for call in (store.get("k"), store.put("k", {}), store.pop("k"), store.keys()):
                with pytest.raises(StoreConnectionError):
                    await call

    async def test_a_table_of_another_key_is_refused(self, dynamodb: Server, table: str) -> None:
        client = control(dynamodb)
        client.create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        )
        async with DynamoDBStore(table_name=table, endpoint_url=dynamodb.url) as store:
            with pytest.raises(StoreSetupError, match="must have the keys"):
                await store.put("k", {})
            with pytest.raises(KeyValueStoreError, match="must have the keys"):
                await store.get("k")

    async def test_no_region_and_no_credentials_are_errors(
        self, dynamodb: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        store = DynamoDBStore(table_name="none", endpoint_url=dynamodb.url)
        with pytest.raises(StoreAuthenticationError, match="no valid credentials"):
            await store.get("k")
        await store.close()
        monkeypatch.delenv("AWS_DEFAULT_REGION")
        with pytest.raises(StoreSetupError, match="region"):
            await DynamoDBStore(table_name="none").setup()


class TestCredentials:
    async def test_loops_refresh_the_credentials_of_a_role(
        self, dynamodb: Server, existing: str, environment: pytest.MonkeyPatch
    ) -> None:
        """Each loop has a separate session, because a shared one holds a lock of the first loop."""
        served = 0

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal served
            await reader.readuntil(b"\r\n\r\n")
            served += 1
            ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 20))
            credentials = {"AccessKeyId": "a", "SecretAccessKey": "b", "Token": "c", "Expiration": ends}
            body = json.dumps(credentials).encode()
            writer.write(
                b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )
            await writer.drain()
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as listener:
            port = listener.sockets[0].getsockname()[1]
            environment.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
            environment.delenv("AWS_ACCESS_KEY_ID")
            environment.delenv("AWS_SECRET_ACCESS_KEY")
            environment.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{port}/")
            async with DynamoDBStore(table_name=existing, endpoint_url=dynamodb.url) as store:

                async def use(name: str) -> None:
                    await asyncio.gather(*(store.put(f"{name}-{n}", {}) for n in range(2)))

                def run(name: str) -> None:
                    asyncio.run(use(name))

                await asyncio.gather(use("here"), *(asyncio.to_thread(run, name) for name in "ab"))
                await asyncio.gather(use("again"), *(asyncio.to_thread(run, name) for name in "cd"))
                assert len(await store.keys()) == 12
        assert served >= 6


async def test_the_first_entry_that_expires_may_come_in_another_loop(store: DynamoDBStore) -> None:
    await asyncio.to_thread(asyncio.run, store.put("k", {"n": 1}, ttl=60))
    assert await store.get("k") == {"n": 1}


async def test_a_given_client_stays_open(proxy: Proxy, existing: str) -> None:
    async with client_at(proxy.url) as client:
        async with DynamoDBStore(client=client, table_name=existing) as store:
            await store.put("k", {"n": 1})
            assert store.client is client
        item = {"collection": {"S": "default_collection"}, "key": {"S": "k"}}
        assert (await client.get_item(TableName=existing, Key=item))["Item"]
        with pytest.raises(ValueError, match="either client"):
            DynamoDBStore(client=client, table_name=existing, endpoint_url=proxy.url)


async def test_a_given_session_opens_the_clients(proxy: Proxy, existing: str) -> None:
    session = AioSession()
    config = AioConfig(max_pool_connections=3, retries={"mode": "adaptive", "total_max_attempts": 4})
    async with DynamoDBStore(
        session=session, config=config, endpoint_url=proxy.url, table_name=existing
    ) as store:
        await store.put("k", {"n": 1})
        chosen = cast("Any", store.client).meta.config
        assert chosen.max_pool_connections == 3
        assert chosen.retries["mode"] == "adaptive"
        assert await store.get("k") == {"n": 1}

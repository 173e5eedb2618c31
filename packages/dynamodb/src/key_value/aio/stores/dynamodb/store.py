"""A store in DynamoDB."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar, cast
from uuid import uuid4

from typing_extensions import override

from key_value.aio.errors import (
    BaseKeyValueError,
    KeyValueStoreError,
    OutcomeUnknownError,
    StoreUnreachableError,
)
from key_value.aio.stores.base import (
    Address,
    BatchLimit,
    ClientPerLoop,
    Listed,
    ManagedEntry,
    Row,
    RowPage,
    RowStore,
)
from key_value.aio.stores.dynamodb.driver import (
    CONDITION_FAILED,
    MISSING,
    THROTTLED,
    AioBaseClient,
    AioSession,
    Backoff,
    ClientError,
    Clients,
    Config,
    check_reply,
    code_of,
    make_config,
    map_error,
    open_clients,
    response_of,
    was_sent_again,
)
from key_value.aio.stores.dynamodb.items import (
    LAST_KEY,
    LISTED,
    NAMES,
    condition,
    decode_item,
    encode_expiry,
    encode_item,
    encode_key,
    expression,
    names_and_values,
    needs_row,
)
from key_value.aio.stores.dynamodb.table import create_table, enable_ttl

T = TypeVar("T")

Reply = dict[str, Any]

# Keeps requests below 1 MiB, where aiohttp warns about large bodies; JSON can double the size of its content.
WRITES = BatchLimit(items=25, size=500_000)
"""Limits of one BatchWriteItem request."""

PAGE = 1000
"""Number of entries per listing for removal."""

_STORING = frozenset({"put_item", "batch_write_item"})
"""Operations that need a table; the others find, change and remove nothing without one."""

_OURS = "attribute_type(#value, :string)"
_STRING = {"S": "S"}


class DynamoDBStore(RowStore):
    """A store in a DynamoDB table, shared by any number of processes and machines.

    The partition key of the table is `collection` and its sort key `key`, both strings. The table may hold
    other items, which are neither listed nor removed. The first write creates a missing table; reads create
    nothing. DynamoDB removes expired entries within a few days; until then they count as missing.

    Reads are strongly consistent. Conditional operations are sent once. If a response is lost, and the entry
    does not show whether the write was applied, the store raises `OutcomeUnknownError`.
    """

    names = NAMES
    reclaim_after = None  # DynamoDB removes expired entries.
    reconnects = True
    batch_limit = BatchLimit(items=100)
    url_parts = (
        ("host", "table_name"),
        ("username", "aws_access_key_id"),
        ("password", "aws_secret_access_key"),
    )

    def __init__(
        self,
        *,
        client: AioBaseClient | None = None,
        table_name: str,
        region_name: str | None = None,
        endpoint_url: str | None = None,
        aws_access_key_id: str | None = None,
        aws_secret_access_key: str | None = None,
        aws_session_token: str | None = None,
        profile_name: str | None = None,
        session: AioSession | None = None,
        config: Config | None = None,
        use_ssl: bool = True,
        verify: bool | str | None = None,
        max_pool_connections: int = 50,
        default_collection: str | None = None,
        table_config: Mapping[str, Any] | None = None,
        auto_create: bool = True,
        consistent_read: bool = True,
        timeout: float | None = 10.0,
    ) -> None:
        """Initialize with the name of a table; connects on first use.

        Missing arguments are resolved like in boto3: from the environment, the files in `~/.aws`, or the
        metadata of the machine or container.

        Args:
            client: aiobotocore client, bound to its event loop. The store does not close it.
            table_name: Table name, or the ARN of the table if `auto_create` is False.
            region_name: Region.
            endpoint_url: URL of DynamoDB, if it is not the region's own endpoint.
            aws_access_key_id: Access key ID.
            aws_secret_access_key: Secret access key.
            aws_session_token: Session token of temporary credentials.
            profile_name: Profile in `~/.aws`.
            session: aiobotocore session, bound to its event loop.
            config: Options of the clients, such as `retries`, `proxies` or `connect_timeout`. They take
                precedence over the store's, but conditional operations are always sent once.
            use_ssl: Whether to use TLS for an endpoint without a scheme.
            verify: Whether to verify certificates, or the file of trusted CA certificates.
            max_pool_connections: Maximum number of connections of a client.
            default_collection: Collection used when a call does not name one.
            table_config: Further arguments of CreateTable, such as `BillingMode`, `ProvisionedThroughput`,
                `SSESpecification` or `Tags`. Defaults to on-demand billing.
            auto_create: Whether the first write creates a missing table and enables its TTL. Otherwise only
                permissions for items are needed.
            consistent_read: Whether reads see all earlier writes. Other reads cost half as much, but may miss
                the writes of the last second or so.
            timeout: Maximum duration of a call, in seconds; None leaves it to the driver.

        Raises:
            ValueError: `client` is given together with arguments to create one, or `timeout` is not positive.
        """
        super().__init__(default_collection=default_collection, timeout=timeout)
        options = {
            "region_name": region_name,
            "endpoint_url": endpoint_url,
            "aws_access_key_id": aws_access_key_id,
            "aws_secret_access_key": aws_secret_access_key,
            "aws_session_token": aws_session_token,
            "verify": verify,
        }
        options = {name: value for name, value in options.items() if value is not None}
        if client is not None and (options or profile_name or session or config):
            raise ValueError("Provide either client, or arguments to create one")
        self.table_name = table_name
        place = re.sub("//[^/]*@", "//", endpoint_url or region_name or "dynamodb")
        self.location = f"{place}/{table_name}"
        self._consistent = consistent_read
        self._auto_create = auto_create
        self._table_config = dict(table_config or {})
        self._has_table = False
        self._has_ttl = not auto_create
        chosen = make_config(timeout, max_pool_connections, config)
        options["use_ssl"] = use_ssl
        self._clients = self._owns(
            ClientPerLoop[Clients](
                None if client is None else Clients(client, client),
                lambda: open_clients(session, profile_name, options, chosen),
            )
        )

    @property
    def client(self) -> AioBaseClient:
        """The client that was passed in, or the one that the store opened for the running event loop.

        Raises:
            StoreClosedError: The store is closed or not set up in this event loop.
        """
        return self._clients.current().repeating

    @override
    def _map_error(self, error: Exception) -> BaseKeyValueError | None:
        return super()._map_error(error) or map_error(error, repr(self), self.table_name)

    @override
    async def _setup(self) -> None:
        await self._clients.get()

    @override
    async def _setup_collection(self, *, collection: str) -> None:
        if self._has_table or not self._auto_create:
            return
        address = self.names.pair(collection, "")
        await self._fetch(self._get_item, address)
        if not self._has_table:
            await create_table((await self._clients.get()).repeating, self.table_name, self._table_config)
            self._has_table = True

    async def _call(self, operation: str, *, once: bool = False, **arguments: Any) -> Reply:
        """Return the reply to an operation on items; an empty one if the table does not exist yet.

        Throttled requests are retried until shortly before the timeout.

        Args:
            operation: Operation, as a method of the client.
            once: Whether the operation must not be repeated, so that the driver sends it once.
            arguments: Arguments of the operation.
        """
        clients = await self._clients.get()
        call: Callable[..., Awaitable[Reply]] = getattr(
            clients.once if once else clients.repeating, operation
        )
        backoff = Backoff(self.timeout)
        while True:
            try:
                reply = check_reply(await call(**arguments))
            except ClientError as error:
                if code_of(error) == MISSING and self._auto_create:
                    if not self._has_table and operation not in _STORING:
                        return {}
                    raise self._table_was_deleted(operation) from error
                if not (code_of(error) in THROTTLED and await backoff.wait()):
                    raise
            else:
                self._has_table = True
                return reply

    def _table_was_deleted(self, operation: str) -> KeyValueStoreError:
        if operation in _STORING:
            self._has_table = self._has_ttl = False
            self._forget_prepared()
        message = f"{self!r}: the table no longer exists; the write after a failed one creates it"
        return KeyValueStoreError(message=message)

    async def _call_if(self, operation: str, rev: str | None, **arguments: Any) -> tuple[bool, Row | None]:
        """Return whether a conditional write was done, and if not, the existing row, if any.

        Args:
            operation: The operation.
            rev: The `rev` that the operation stores, if any.
            arguments: Arguments of the operation.
        """
        try:
            reply = await self._call(operation, once=True, TableName=self.table_name, **arguments)
        except ClientError as error:
            if code_of(error) != CONDITION_FAILED:
                raise
            response = response_of(error)
            item = response.get("Item")
            row = None if item is None else decode_item(item)
            if was_sent_again(response):
                # A client passed in by the caller may have succeeded on its first attempt.
                if row is not None and row.version == rev:
                    return True, None
                message = f"{self!r}: the client retried a conditional write, which may have been applied"
                raise OutcomeUnknownError(message=message) from error
            return False, row
        return bool(reply), None

    async def _get_item(self, address: Address, *, consistent: bool = True) -> list[Row]:
        reply = await self._call(
            "get_item", TableName=self.table_name, Key=encode_key(address), ConsistentRead=consistent
        )
        return [decode_item(reply["Item"])] if reply.get("Item") else []

    @override
    async def _row(self, collection: str, key: str, entry: ManagedEntry) -> Row:
        row = await super()._row(collection, key, entry)
        return row._replace(value=encode_item(row, entry))

    @override
    async def _row_value(self, row: Row) -> dict[str, Any]:
        fields = await super()._row_value(row)
        return dict(self._serialization_adapter.load_dict(fields).value)

    @override
    async def _get_versioned_entry(self, *, collection: str, key: str) -> tuple[ManagedEntry, str] | None:
        # Always a consistent read, because an outdated version would be useless.
        address = self.names.pair(collection, key)
        rows = await self._fetch(self._get_item, address)
        return (await self._entry(collection, key, rows[0]), rows[0].version) if rows else None

    @override
    async def _get_rows(self, addresses: Sequence[Address]) -> Sequence[Row]:
        if len(addresses) == 1:
            return await self._get_item(addresses[0], consistent=self._consistent)
        keys = [encode_key(address) for address in addresses]
        wanted: Any = {self.table_name: {"Keys": keys, "ConsistentRead": self._consistent}}
        rows: list[Row] = []
        backoff = Backoff(self.timeout)
        while True:
            reply = await self._call("batch_get_item", RequestItems=wanted)
            rows += map(decode_item, reply.get("Responses", {}).get(self.table_name, ()))
            wanted = reply.get("UnprocessedKeys")
            if not wanted:
                return rows
            if not await backoff.wait():
                raise self._unprocessed()

    @override
    async def _put_rows(self, rows: Sequence[Row]) -> Sequence[Exception | None]:
        if any(row.expires is not None for row in rows):
            await self._enable_ttl()
        if len(rows) == 1:
            await self._call("put_item", TableName=self.table_name, Item=rows[0].value)
            return [None]
        requests = [{"PutRequest": {"Item": row.value}} for row in rows]
        return await self._write(requests, [len(row.value["value"]["S"]) for row in rows])

    async def _enable_ttl(self) -> None:
        """Enable DynamoDB's TTL when the first entry with an expiry time is stored."""
        if not self._has_ttl:
            self._has_ttl = True
            await enable_ttl((await self._clients.get()).repeating, self.table_name)

    async def _write(self, requests: Sequence[Any], sizes: Sequence[int]) -> list[Exception | None]:
        """Send the requests of a batch and return the error of each, or None."""
        parts = [partial(self._write_part, requests[part]) for part in WRITES.parts(sizes)]
        return [error for errors in await _gather(parts, self.max_concurrency) for error in errors]

    async def _write_part(self, requests: Sequence[Any]) -> list[Exception | None]:
        backoff = Backoff(self.timeout)
        left = requests
        failure: Exception = self._unprocessed()
        try:
            while left:
                reply = await self._call("batch_write_item", RequestItems={self.table_name: left})
                left = reply.get("UnprocessedItems", {}).get(self.table_name, [])
                if left and not await backoff.wait():
                    break
        except Exception as error:  # noqa: BLE001 -- all items that are not left over are stored
            failure = error
        undone = {_address(request) for request in left}
        return [failure if _address(request) in undone else None for request in requests]

    def _unprocessed(self) -> StoreUnreachableError:
        return StoreUnreachableError(message=f"DynamoDB is throttling: {self!r} could not complete a batch")

    @override
    async def _delete_rows(self, addresses: Sequence[Address], now: float) -> int:
        deletes = [partial(self._take_row, address) for address in addresses]
        rows = await _gather(deletes, self.max_concurrency)
        return sum(row is not None and not row.has_expired(now) for row in rows)

    @override
    async def _put_row_if(self, row: Row, version: str | None) -> str | None:
        where = await self._condition(row.address, version)
        if where is None:
            return None
        if row.expires is not None:
            await self._enable_ttl()
        stored, _ = await self._call_if("put_item", row.version, Item=row.value, **where)
        return row.version if stored else None

    @override
    async def _delete_row_if(self, address: Address, version: str) -> bool:
        where = await self._condition(address, version)
        if where is None:
            return False
        deleted, _ = await self._call_if("delete_item", None, Key=encode_key(address), **where)
        return deleted

    async def _condition(self, address: Address, version: str | None) -> dict[str, Any] | None:
        found = await self._get_item(address) if needs_row(version) else []
        return condition(version, found[0] if found else None)

    @override
    async def _take_row(self, address: Address) -> Row | None:
        try:
            reply = await self._call(
                "delete_item",
                once=True,
                TableName=self.table_name,
                Key=encode_key(address),
                ReturnValues="ALL_OLD",
                # Without a condition, DynamoDB Local returns one item to several callers.
                **expression("attribute_exists(#key)"),
            )
        except ClientError as error:
            if code_of(error) != CONDITION_FAILED:
                raise
            if was_sent_again(response_of(error)):
                message = f"{self!r}: the client retried a removal: {address}"
                raise OutcomeUnknownError(message=message) from error
            return None
        item = reply.get("Attributes")
        return decode_item(item) if item else None

    @override
    async def _touch_row(self, address: Address, expires: float | None, now: float) -> bool | None:
        rev = uuid4().hex
        values: dict[str, Any] = {"rev": {"S": rev}, "now": {"N": repr(now)}}
        update = "SET #rev = :rev REMOVE #ttl, #expires"
        if expires is not None:
            update = "SET #rev = :rev, #ttl = :ttl, #expires = :expires"
            values |= encode_expiry(expires)
            await self._enable_ttl()
        lives = "attribute_exists(#rev) AND (attribute_not_exists(#ttl) OR (#expires > :now AND #ttl > :now))"
        arguments = expression(lives) | names_and_values(f"{lives} {update}", **values)
        touched, row = await self._call_if(
            "update_item", rev, Key=encode_key(address), UpdateExpression=update, **arguments
        )
        # An item of the 0.5 series is stored again, in the current format.
        return True if touched else False if row is None or row.has_expired(now) else None

    @override
    async def _list_rows(
        self, collection: str | None, prefix: str, after: Address | None, limit: int
    ) -> RowPage:
        operation, where, values = "scan", "", {"string": _STRING}
        arguments: dict[str, Any] = {"Limit": limit}
        if collection is not None:
            operation, where = "query", "#collection = :collection"
            values["collection"] = {"S": collection}
            if prefix:
                # DynamoDB rejects an empty prefix.
                where += " AND begins_with(#key, :prefix)"
                values["prefix"] = {"S": prefix}
            arguments["KeyConditionExpression"] = where
        page = await self._page(
            operation, after, **arguments, **names_and_values(f"{where} {LISTED} {_OURS}", **values)
        )
        rows = [decode_item(item) for item in page.get("Items", ())]
        last = page.get("LastEvaluatedKey")
        return RowPage(rows, None if last is None else decode_item(last).address)

    async def _page(self, operation: str, after: Address | None, **arguments: Any) -> Reply:
        """Return the page of a query or scan after an address, with any number of our items."""
        start = {} if after is None else {"ExclusiveStartKey": encode_key(after)}
        return await self._call(
            operation,
            TableName=self.table_name,
            FilterExpression=_OURS,
            ProjectionExpression=LISTED,
            ConsistentRead=self._consistent,
            **start,
            **arguments,
        )

    @override
    async def _get_collection_names(self, *, limit: int | None = None) -> list[str]:
        found: list[str] = []
        after: Address | None = None
        while limit is None or len(found) < limit:
            page = await self._fetch(self._list_rows, None, "", after, 1)
            if page.rows:
                name = await self._unexpired_collection(page.rows[0])
                found += [] if name is None else [name]
                # Continue after the last possible key of the collection.
                after = Address(page.rows[0].collection, LAST_KEY)
            elif page.after is None:
                break
            else:
                after = page.after
        return found

    async def _unexpired_collection(self, first: Row) -> str | None:
        """Return the collection of a row, if it has an unexpired entry."""
        rows: Sequence[Row] = [first]
        after: Address | None = None
        is_last = False
        while True:
            for listed in map(self._listed, rows):
                if listed is not None and listed.is_unexpired:
                    return listed.collection
            if is_last:
                return None
            rows, after = await self._fetch(self._list_rows, first.collection, "", after, PAGE)
            is_last = after is None

    @override
    async def _remove_listed(self, entries: Sequence[Listed], *, if_unchanged: bool) -> None:
        if if_unchanged:
            await super()._remove_listed(entries, if_unchanged=True)
        else:
            rows = [cast("Row", entry.handle) for entry in entries]
            await self._change([], partial(self._delete_all, rows))

    async def _delete_all(self, rows: Sequence[Row]) -> None:
        requests = [{"DeleteRequest": {"Key": encode_key(row.address)}} for row in rows]
        for error in await self._write(requests, [0] * len(rows)):
            if error is not None:
                raise error


async def _gather(calls: Sequence[Callable[[], Awaitable[T]]], at_a_time: int) -> list[T]:
    """Return the results of calls that run with limited concurrency; raise an error after all have ended."""
    slots = asyncio.Semaphore(at_a_time)

    async def run(call: Callable[[], Awaitable[T]]) -> T:
        async with slots:
            return await call()

    results: list[T] = []
    for result in await asyncio.gather(*map(run, calls), return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
        results.append(result)
    return results


def _address(request: Mapping[str, Any]) -> Address:
    """Return the address in a request of BatchWriteItem."""
    [(kind, content)] = request.items()
    return decode_item(content["Item" if kind == "PutRequest" else "Key"]).address

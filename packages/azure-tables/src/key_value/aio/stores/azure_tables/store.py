"""A store in Azure Tables."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any, TypeVar, cast
from urllib.parse import SplitResult

from azure.core import MatchConditions
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.data.tables import TableTransactionError, UpdateMode
from azure.data.tables.aio import TableClient
from typing_extensions import override

from key_value.aio.errors import (
    BaseKeyValueError,
    KeyValueStoreError,
    StoreUnreachableError,
    ValueTooLargeError,
)
from key_value.aio.stores.azure_tables.driver import (
    ENTITY_EXISTS,
    ERRORS,
    ONCE,
    TABLE_EXISTS,
    TABLE_NOT_FOUND,
    account_of,
    code_of,
    make_client,
    service_error,
    was_unreachable,
)
from key_value.aio.stores.azure_tables.entities import (
    LARGEST_DOCUMENT,
    LISTED,
    decode_entity,
    document_of,
    encode_row,
    etag_of,
    is_of_store,
    value_of,
)
from key_value.aio.stores.azure_tables.names import names_of
from key_value.aio.stores.base import (
    Address,
    BatchLimit,
    ClientPerLoop,
    Listed,
    ManagedEntry,
    Row,
    RowPage,
    RowStore,
    SanitizationStrategy,
)

T = TypeVar("T")

READ_LIMIT = BatchLimit(items=14)
"""A filter may have 15 comparisons, one of which is for the partition:
https://learn.microsoft.com/rest/api/storageservices/querying-tables-and-entities"""

_MISSING = 404
_LAST = "\uffff"
"""A key that sorts after all others, in UTF-16 order."""


class AzureTablesStore(RowStore):
    """A store in a table of Azure Tables.

    A collection is a partition of the table, and an entry an entity in it, in the format of the 0.5 series.
    The service removes nothing by itself: use `cull()`. A value of more than about 1 MB raises
    `ValueTooLargeError`.

    Without a `client` argument, the store creates a client per event loop, and its calls end within
    `timeout`. The driver retries reads and plain writes. A conditional write is sent once; if its response is
    lost, the entry shows whether the write was applied. A client that you pass in keeps its own retry
    settings.
    """

    errors = ERRORS
    reconnects = True
    buries = True
    reclaim_after = None  # Reading the table costs money.
    # A transaction may have 100 operations and 4 MiB. aiohttp sends up to 1 MiB without copying it in steps.
    batch_limit = BatchLimit(items=100, size=400_000)
    read_limit = READ_LIMIT
    url_parts = (("host", "account_name"), ("path", "table_name"), ("password", "credential"))

    def __init__(
        self,
        *,
        client: TableClient | None = None,
        connection_string: str | None = None,
        account_name: str | None = None,
        endpoint: str | None = None,
        credential: Any = None,
        table_name: str | None = None,
        default_collection: str | None = None,
        collection_sanitization_strategy: SanitizationStrategy | None = None,
        key_sanitization_strategy: SanitizationStrategy | None = None,
        auto_create: bool = True,
        client_options: Mapping[str, Any] | None = None,
        timeout: float | None = 10.0,
    ) -> None:
        """Initialize with a client, or with arguments to create one; connects on first use.

        Args:
            client: Client of the table, bound to its event loop. The store does not close it.
            connection_string: Connection string of the account.
            account_name: Account, whose endpoint is `https://<account>.table.core.windows.net`.
            endpoint: Endpoint of the account, instead of its name.
            credential: `AzureNamedKeyCredential`, `AzureSasCredential` or asynchronous token credential.
            table_name: Table name of 3 to 63 letters and digits, not starting with a digit.
            default_collection: Collection used when a call does not name one.
            collection_sanitization_strategy: Strategy that maps collections to names Azure Tables accepts. By
                default, unsupported characters are escaped.
            key_sanitization_strategy: The same for keys.
            auto_create: Whether the first write creates a missing table; otherwise it raises
                `StoreSetupError`.
            client_options: Further options of the client that the store creates, such as `retry_total`,
                `read_timeout` or `connection_timeout`, in seconds.
            timeout: Maximum duration of a call, in seconds, including the driver's retries; None leaves it to
                the client.

        Raises:
            TypeError: `credential` is a str.
            ValueError: `table_name` is missing, or neither a client nor an account is given.
        """
        super().__init__(default_collection=default_collection, timeout=timeout)
        if client is None:
            if table_name is None:
                raise ValueError("`table_name` is required when `client` is not provided")
            if isinstance(credential, str):
                raise TypeError(
                    "credential must be a credential object, such as AzureNamedKeyCredential(account, key)"
                )
            if connection_string is not None:
                self.location = f"{account_of(connection_string)}/{table_name}"
            else:
                endpoint = endpoint or (
                    f"https://{account_name}.table.core.windows.net" if account_name else None
                )
                if endpoint is None or credential is None:
                    raise ValueError(
                        "Provide client, connection_string, or credential with account_name or endpoint"
                    )
                self.location = f"{endpoint.partition('?')[0]}/{table_name}"
        self.names = names_of(collection_sanitization_strategy, key_sanitization_strategy)
        self._auto_create = auto_create
        self._how = (table_name or "", connection_string, endpoint, credential, dict(client_options or {}))
        self._clients = self._owns(ClientPerLoop[TableClient](client, self._open))

    @override
    @classmethod
    def _arguments_from_url(cls, url: SplitResult) -> dict[str, Any]:
        arguments = super()._arguments_from_url(url)
        if "credential" in arguments:
            account_name: str = arguments.get("account_name", "")
            arguments["credential"] = AzureNamedKeyCredential(account_name, arguments["credential"])
        return arguments

    @property
    def client(self) -> TableClient:
        """The client that was passed in, or the one that the store opened for the running event loop.

        Raises:
            StoreClosedError: The store is closed or not set up in this event loop.
        """
        return self._clients.current()

    @asynccontextmanager
    async def _open(self) -> AsyncGenerator[TableClient]:
        async with make_client(*self._how) as client:
            yield client

    @override
    async def _setup(self) -> None:
        await self._clients.get()
        if not self._auto_create:
            await self._first_page("", {}, 1)

    @override
    def _map_error(self, error: Exception) -> BaseKeyValueError | None:
        if isinstance(error, HttpResponseError) and error.status_code is not None:
            return service_error(error)
        if was_unreachable(error):
            return StoreUnreachableError(message=f"{self!r} cannot be reached: {error}")
        return super()._map_error(error)

    @override
    async def _row(self, collection: str, key: str, entry: ManagedEntry) -> Row:
        row = await super()._row(collection, key, entry)
        document = document_of(row)
        if len(document) > LARGEST_DOCUMENT:
            raise ValueTooLargeError(len(document), LARGEST_DOCUMENT, collection, key)
        return row._replace(value=document)

    @override
    async def _row_value(self, row: Row) -> dict[str, Any]:
        return value_of(await super()._row_value(row))

    @override
    async def _get_rows(self, addresses: Sequence[Address]) -> Sequence[Row]:
        if len(addresses) == 1:
            return await self._get_row(addresses[0])
        keys = {f"k{number}": address.key for number, address in enumerate(addresses)}
        # The driver recognises a parameter between spaces.
        wanted = " or ".join(f"RowKey eq @{name}" for name in keys)
        rows, _ = await self._first_page(
            f"PartitionKey eq @c and ( {wanted} )", {"c": addresses[0].collection, **keys}, len(keys), None
        )
        return rows

    @override
    async def _put_rows(self, rows: Sequence[Row]) -> None:
        table = await self._table()
        if len(rows) == 1:
            entity = encode_row(rows[0])
            await self._write(lambda: table.upsert_entity(entity, mode=UpdateMode.REPLACE))
        else:
            puts = [("upsert", encode_row(row), {"mode": UpdateMode.REPLACE}) for row in rows]
            await self._write(lambda: table.submit_transaction(puts))

    @override
    async def _delete_rows(self, addresses: Sequence[Address], now: float) -> int:
        parts = READ_LIMIT.parts([0] * len(addresses))
        found = await asyncio.gather(*(self._get_rows(addresses[part]) for part in parts))
        rows = [row for part in found for row in part]
        unexpired = {row.address for row in rows if not row.has_expired(now)}
        deleted = await self._delete_each([row.address for row in rows])
        return len(unexpired & deleted)

    @override
    async def _put_row_if(self, row: Row, version: str | None) -> str | None:
        table = await self._table()
        entity = encode_row(row)
        condition = {} if version is None else _if_unchanged(version)
        if condition is None:
            return None
        try:
            if version is None:
                stored = await self._write(lambda: table.create_entity(entity, **ONCE))
            else:
                stored = await table.update_entity(entity, mode=UpdateMode.REPLACE, **condition)
        except ResourceExistsError as error:
            # The error for a table that is being deleted has the same class.
            if code_of(error) != ENTITY_EXISTS:
                raise
            return None
        except ResourceModifiedError:
            return None
        except ResourceNotFoundError as error:
            await self._refuse_missing_table(error)
            return None
        return f"{row.version} {stored['etag']}"

    @override
    async def _delete_row_if(self, address: Address, version: str) -> bool:
        condition = _if_unchanged(version)
        if condition is None:
            return False
        try:
            return await self._delete_one(address, **condition)
        except ResourceModifiedError:
            return False

    @override
    async def _list_rows(
        self, collection: str | None, prefix: str, after: Address | None, limit: int
    ) -> RowPage:
        terms: list[str] = []
        values: dict[str, str] = {}
        if collection is not None:
            terms.append("PartitionKey eq @c")
            values["c"] = collection
        if after is not None:
            terms.append(
                "PartitionKey ge @c and ( PartitionKey gt @c or RowKey gt @k )"
                if collection is None
                else "RowKey gt @k"
            )
            values |= {"c": after.collection, "k": after.key}
        if prefix:
            terms.append("RowKey ge @p and RowKey lt @q")
            values |= {"p": prefix, "q": prefix[:-1] + chr(ord(prefix[-1]) + 1)}
        return RowPage(*await self._first_page(" and ".join(terms), values, limit))

    @override
    async def _get_collection_names(self, *, limit: int | None = None) -> list[str]:
        names: list[str] = []
        after: Address | None = None
        while limit is None or len(names) < limit:
            page = await self._fetch(self._list_rows, None, "", after, 1)
            listed = [each for each in map(self._listed, page.rows) if each and not each.is_expired]
            names += [each.collection for each in listed]
            if page.after is None:
                break
            # If a collection has an entry, skip the rest of it.
            after = page.after._replace(key=_LAST) if listed else page.after
        return names

    @override
    async def _remove_listed(self, entries: Sequence[Listed], *, if_unchanged: bool) -> None:
        if if_unchanged:
            await super()._remove_listed(entries, if_unchanged=True)
            return
        rows = [cast("Row", entry.handle) for entry in entries]
        for _, some in groupby(rows, attrgetter("collection")):
            addresses = [row.address for row in some]
            for part in self.batch_limit.parts([0] * len(addresses)):
                await self._change([], partial(self._delete_each, addresses[part]))

    async def _table(self) -> Any:
        """Return the client as Any, because the driver's methods are only partly typed."""
        return await self._clients.get()

    async def _get_row(self, address: Address) -> list[Row]:
        table = await self._table()
        try:
            entity = await table.get_entity(*address)
        except ResourceNotFoundError as error:
            await self._refuse_missing_table(error)
            return []
        row = decode_entity(entity, entity.metadata["etag"])
        return [] if row is None else [row]

    async def _first_page(
        self, condition: str, values: Mapping[str, str], limit: int, select: list[str] | None = LISTED
    ) -> tuple[list[Row], Address | None]:
        """Return the first rows of a filter, and the last entity's address if there may be more.

        Without `select`, it returns whole entities, as many as the limit if there are enough.
        """
        table = await self._table()
        options: dict[str, Any] = {"select": select, "results_per_page": limit}
        found = (
            table.query_entities(condition, parameters=dict(values), **options)
            if condition
            else table.list_entities(**options)
        )
        pages: Any = found.by_page()
        entities: list[Any] = []
        try:
            async for page in pages:
                entities += [entity async for entity in page]
                # A page may be empty or short without being the last.
                if len(entities) >= (1 if select else limit):
                    break
        except ResourceNotFoundError as error:
            await self._refuse_missing_table(error)
            return [], None
        if not entities:
            return [], None
        if select and not all("Rev" in entity for entity in entities):
            # Only the documents show whether entities belong to the 0.5 series or to other applications.
            whole, last = await self._first_page(condition, values, limit, None)
            return [row for row in whole if is_of_store(row)], last
        decoded = (decode_entity(entity, entity.metadata["etag"]) for entity in entities)
        rows = [row for row in decoded if row is not None]
        last = Address(entities[-1]["PartitionKey"], entities[-1]["RowKey"])
        return rows, last if pages.continuation_token else None

    async def _delete_each(self, addresses: Sequence[Address]) -> set[Address]:
        """Remove rows of one collection, at most one transaction; return the ones that existed."""
        if len(addresses) > 1:
            table = await self._table()
            deletions = [("delete", {"PartitionKey": c, "RowKey": k}) for c, k in addresses]
            # A row that another task has removed rolls back the transaction.
            with suppress(TableTransactionError):
                await table.submit_transaction(deletions)
                return {*addresses}
        return {address for address in addresses if await self._delete_one(address)}

    async def _delete_one(self, address: Address, **options: Any) -> bool:
        """Remove a row; return whether it existed, which the driver does not report."""
        table = await self._table()
        answers: list[Any] = []
        await table.delete_entity(*address, raw_response_hook=answers.append, **options)
        answer = answers[-1].http_response
        if answer.status_code != _MISSING:
            return True
        if answer.headers.get("x-ms-error-code") == TABLE_NOT_FOUND:
            await self._refuse_missing_table()
        return False

    async def _write(self, call: Callable[[], Awaitable[T]]) -> T:
        """Await a write; if the table is missing, create it and try again."""
        try:
            return await call()
        except HttpResponseError as error:
            if code_of(error) != TABLE_NOT_FOUND or not self._auto_create:
                raise
        table = await self._table()
        try:
            await table.create_table()
        except ResourceExistsError as error:
            if code_of(error) != TABLE_EXISTS:
                raise
        return await call()

    async def _refuse_missing_table(self, error: ResourceNotFoundError | None = None) -> None:
        """Raise if the table is missing, unless the first write creates it."""
        if self._auto_create or (error is not None and code_of(error) != TABLE_NOT_FOUND):
            return
        name = (await self._clients.get()).table_name
        raise KeyValueStoreError(
            message=f"Table '{name}' does not exist. "
            "Either create the table manually or set auto_create=True."
        ) from error


def _if_unchanged(version: str) -> dict[str, Any] | None:
    """Return the options of a call, sent once, for a row of this version; None if the version is invalid."""
    etag = etag_of(version)
    return None if etag is None else {"etag": etag, "match_condition": MatchConditions.IfNotModified, **ONCE}

"""A store in Firestore."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from google.api_core.exceptions import AlreadyExists, FailedPrecondition, NotFound, RetryError
from google.api_core.retry import AsyncRetry
from google.cloud.firestore import DELETE_FIELD, AsyncClient
from typing_extensions import override

from key_value.aio.errors import (
    BaseKeyValueError,
    KeyValueStoreError,
    StoreConnectionError,
    ValueTooLargeError,
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
    SanitizationStrategy,
)
from key_value.aio.stores.firestore.documents import (
    FIELDS,
    LISTED,
    fields_of,
    room_for_value,
    row_of,
    update_time_of,
    version_of,
    was_written_by,
)
from key_value.aio.stores.firestore.driver import (
    ERRORS,
    Document,
    count_channel,
    default_retry,
    list_documents,
    location_of,
    refuse_inherited_channels,
    repeated,
    retry_of_aborted,
    transport_of,
)
from key_value.aio.stores.firestore.names import names_of

if TYPE_CHECKING:
    from google.api_core.client_options import ClientOptions
    from google.auth.credentials import Credentials

__all__ = ["FirestoreStore"]


class FirestoreStore(RowStore):
    """A store in a Firestore database in native mode.

    A collection is a Firestore collection, where `a/b/c` is the collection `c` of the document `b` in `a`.
    Each entry is a document whose ID is the key. A collection may hold other documents, which are neither
    listed nor removed. A document of more than 1 MiB raises `ValueTooLargeError`.

    Firestore removes expired entries if their collection has a TTL policy on the field `reap_at`; the store
    treats an entry as missing from the moment it expires.

    Without a `client` argument, the store creates a client per event loop. All calls end within `timeout`.
    Reads and plain writes are retried, conditional writes only if the response states that nothing was
    written. In a process that was forked while a channel was open, every call raises `StoreConnectionError`.
    """

    errors = ERRORS
    reconnects = True
    leaves_tombstones = True
    reclaim_after = None  # Searching for expired entries costs as much as reading them.
    # A request may have 10 MiB (4 MiB on the emulator), with paths of up to 3 KB for each of its 500 writes.
    batch_limit = BatchLimit(500, 2_500_000)
    url_parts = (("host", "project"), ("path", "database"))

    def __init__(
        self,
        client: AsyncClient | None = None,
        *,
        credentials: "Credentials | None" = None,
        project: str | None = None,
        database: str | None = None,
        default_collection: str | None = None,
        key_sanitization_strategy: SanitizationStrategy | None = None,
        collection_sanitization_strategy: SanitizationStrategy | None = None,
        client_options: "ClientOptions | Mapping[str, Any] | None" = None,
        retry: AsyncRetry | None = None,
        timeout: float | None = 10.0,
    ) -> None:
        """Initialize with a client, or with arguments to create one; connects on first use.

        Args:
            client: Client, bound to its event loop and process. The store does not close it.
            credentials: Credentials. Defaults to the application default credentials.
            project: Project. Defaults to that of the credentials.
            database: Database. Defaults to `(default)`.
            default_collection: Collection used when a call does not name one.
            key_sanitization_strategy: Strategy that maps keys to IDs Firestore accepts. By default,
                unsupported characters are escaped.
            collection_sanitization_strategy: The same for collections.
            client_options: Further options of the client that the store creates, such as `api_endpoint`.
            retry: Retry policy of reads and plain writes. By default, they are retried for a quarter of
                `timeout` after `Aborted`, `ResourceExhausted` and `ServiceUnavailable`, with delays that grow
                from 0.1 s.
            timeout: Maximum duration of a call, in seconds, including retries; None sets no limit.

        Raises:
            ValueError: `timeout` is not positive.
        """
        super().__init__(default_collection=default_collection, timeout=timeout)
        self.names = names_of(key_sanitization_strategy, collection_sanitization_strategy)
        self.location = location_of(client) if client else f"{project or ''}/{database or '(default)'}"
        self._given = client
        self._options: dict[str, Any] = {
            "project": project,
            "credentials": credentials,
            "database": database,
            "client_options": client_options,
        }
        self._call: dict[str, Any] = {"retry": None, "timeout": self.timeout}
        self._retry = retry or default_retry(self.timeout)
        self._retry_aborted = retry_of_aborted(self.timeout)
        self._clients = self._owns(ClientPerLoop[AsyncClient](None, self._open))

    @property
    def client(self) -> AsyncClient:
        """The client that was passed in, or the one that the store opened for the running event loop.

        Raises:
            StoreClosedError: The store is closed or not set up in this event loop.
        """
        return self._given or self._clients.current()

    @asynccontextmanager
    async def _open(self) -> AsyncGenerator[AsyncClient]:
        if self._given is not None:
            with count_channel():
                yield self._given
            return
        # Finding the credentials may involve files and the metadata server.
        client = await asyncio.to_thread(AsyncClient, **self._options)
        with count_channel():
            transport = transport_of(client)
            try:
                yield client
            finally:
                await transport.close()

    @override
    async def _setup(self) -> None:
        await self._client()

    @override
    def _map_error(self, error: Exception) -> BaseKeyValueError | None:
        if isinstance(error, RetryError) and isinstance(error.cause, Exception):
            return super()._map_error(error.cause)
        return super()._map_error(error)

    @override
    async def _row(self, collection: str, key: str, entry: ManagedEntry) -> Row:
        row = await super()._row(collection, key, entry)
        room = room_for_value(row)
        if len(row.value) > room:
            raise ValueTooLargeError(len(row.value), room, collection, key)
        return row

    @override
    async def _get_rows(self, addresses: Sequence[Address]) -> Sequence[Row]:
        return await repeated(self._retry, lambda: self._read(addresses))

    @override
    async def _put_rows(self, rows: Sequence[Row]) -> None:
        client = await self._client()

        async def put() -> None:
            batch = client.batch()
            for row in rows:
                batch.set(_reference(client, row.address), fields_of(row))
            await batch.commit(**self._call)

        await repeated(self._retry, put)

    @override
    async def _delete_rows(self, addresses: Sequence[Address], now: float) -> int:
        rows = await repeated(self._retry, lambda: self._read(addresses, ["expires_at"]))
        unexpired = [row for row in rows if not row.has_expired(now)]
        await self._delete_all(unexpired)
        return len(unexpired)

    @override
    async def _put_row_if(self, row: Row, version: str | None) -> str | None:
        client = await self._client()
        reference, fields = _reference(client, row.address), fields_of(row)

        async def put() -> str | None:
            try:
                if version is None:
                    result = await reference.create(fields, **self._call)
                else:
                    # An empty condition would always hold.
                    written = update_time_of(version)
                    if written is None:
                        return None
                    whole = {name: fields.get(name, DELETE_FIELD) for name in FIELDS}
                    option = client.write_option(last_update_time=written)
                    result = await reference.update(whole, option=option, **self._call)
            except (AlreadyExists, FailedPrecondition, NotFound) as error:
                found = await self._found_instead(row.address, version, error)
                return found.version if found and was_written_by(found, row) else None
            return version_of(result.update_time, row.version)

        return await repeated(self._retry_aborted, put)

    @override
    async def _delete_row_if(self, address: Address, version: str) -> bool:
        client = await self._client()
        written = update_time_of(version)
        if written is None:
            return False
        try:
            option = client.write_option(last_update_time=written)
            await _reference(client, address).delete(option=option, **self._call)
        except (FailedPrecondition, NotFound) as error:
            await self._found_instead(address, version, error)
            return False
        return True

    @override
    async def _list_rows(
        self, collection: str | None, prefix: str, after: Address | None, limit: int
    ) -> RowPage:
        documents = await repeated(self._retry, lambda: self._list(collection, prefix, after, limit))
        rows = [row_of(*each) for each in documents]
        ours = [row for row, each in zip(rows, documents, strict=True) if _is_entry(each[1])]
        # A stream may end early without an error, so only an empty page marks the end.
        return RowPage(ours, rows[-1].address if rows else None)

    @override
    async def _remove_listed(self, entries: Sequence[Listed], *, if_unchanged: bool) -> None:
        for part in self.batch_limit.parts([0] * len(entries)):
            rows = [cast("Row", entry.handle) for entry in entries[part]]
            keys = [row.key for row in rows]
            try:
                await self._change(keys, partial(self._delete_all, rows, if_unchanged=if_unchanged))
            except KeyValueStoreError as error:
                if not isinstance(error.__cause__, (FailedPrecondition, NotFound)):
                    raise
                # A batch is atomic, and one of these documents has been stored anew.
                await super()._remove_listed(entries[part], if_unchanged=if_unchanged)

    async def _client(self) -> Any:
        refuse_inherited_channels()
        return await self._clients.get()

    async def _read(self, addresses: Sequence[Address], fields: Sequence[str] | None = None) -> list[Row]:
        """Return the rows at several addresses, with all fields or some.

        Raises:
            StoreConnectionError: The stream ended before it reported on all documents.
        """
        client = await self._client()
        references = [_reference(client, address) for address in addresses]
        said = [found async for found in client.get_all(references, fields, **self._call)]
        if len(said) < len(addresses):
            raise StoreConnectionError(
                message=f"Firestore answered only {len(said)} of {len(addresses)} reads"
            )
        return [
            row_of(found.reference.path, found.to_dict() or {}, found.update_time)
            for found in said
            if found.exists
        ]

    async def _list(
        self, collection: str | None, prefix: str, after: Address | None, limit: int
    ) -> list[Document]:
        bounds: list[tuple[str, str]] = []
        if collection is not None and prefix:
            # The prefix ends with an ASCII character, which always has a successor.
            end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
            bounds = [
                ("GREATER_THAN_OR_EQUAL", f"{collection}/{prefix}"),
                ("LESS_THAN", f"{collection}/{end}"),
            ]
        if after is not None:
            bounds.append(("GREATER_THAN", "/".join(after)))
        return await list_documents(
            await self._client(),
            collection,
            bounds=bounds,
            fields=LISTED,
            limit=limit,
            timeout=self.timeout,
        )

    async def _delete_all(self, rows: Sequence[Row], *, if_unchanged: bool = False) -> None:
        """Remove documents atomically; a removal that is sent twice may hit documents stored in between."""
        client = await self._client()

        async def delete() -> None:
            batch = client.batch()
            for row in rows:
                written = update_time_of(row.version) if if_unchanged else None
                option = None if written is None else client.write_option(last_update_time=written)
                batch.delete(_reference(client, row.address), option=option)
            await batch.commit(**self._call)

        if rows:
            await repeated(self._retry_aborted, delete)

    async def _found_instead(self, address: Address, version: str | None, error: Exception) -> Row | None:
        """Return the row that made a condition fail.

        Raises:
            Exception: The condition holds, so something else failed, such as the database's mode.
        """
        rows = await self._read([address])
        found = rows[0] if rows else None
        if found.version == version if found else version is None and not isinstance(error, AlreadyExists):
            raise error
        return found


def _reference(client: Any, address: Address) -> Any:
    return client.collection(address.collection).document(address.key)


def _is_entry(fields: Mapping[str, Any]) -> bool:
    """Return whether a listed document belongs to a store."""
    return fields.get("version") == 1 and isinstance(fields.get("created_at"), str)

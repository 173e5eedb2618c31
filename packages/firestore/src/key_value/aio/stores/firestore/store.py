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
    """A store in a database of Firestore in native mode.

    A collection is a collection of the database, `a/b/c` the collection `c` of the document `b` of `a`, and
    each entry a document whose id is the key. A collection may hold other documents, which are neither listed
    nor removed. A document of more than 1 MiB is a `ValueTooLargeError`.

    Firestore removes what has expired once its collection has a TTL policy on the field `reap_at`; the store
    takes it as missing from the moment it expires.

    A store with a client of its own has one for each event loop. All calls end within `timeout`: reads and
    plain writes are repeated, conditional writes only if the answer says that nothing was written. In a
    process that was forked while a channel was open, every call is a `StoreConnectionError`.
    """

    errors = ERRORS
    reconnects = True
    buries = True
    reclaim_after = None  # To look for what has expired costs as much as to read it.
    # A request holds 10 MiB (4 MiB on the emulator), with paths of up to 3 KB for each of its 500 writes.
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
        """Use a client, or create one; nothing is looked up or sent before the store is used.

        Args:
            client: A client, for the event loop and the process that it belongs to; the store does not close
                it.
            credentials: The credentials; the application's default ones unless given.
            project: The project; that of the credentials unless given.
            database: The database; `(default)` unless given.
            default_collection: The collection used when a call names none.
            key_sanitization_strategy: What becomes of keys, in place of escaping what Firestore cannot hold.
            collection_sanitization_strategy: What becomes of collections, in place of that.
            client_options: Further options of the client that the store creates, such as `api_endpoint`.
            retry: How reads and plain writes are repeated; unless given, for a quarter of `timeout` after
                `Aborted`, `ResourceExhausted` and `ServiceUnavailable`, after pauses that grow from 0.1 s.
            timeout: Seconds that a call may take with its repetitions; None sets no bound.

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
        """The client that was passed in, or the one of the running event loop, which the store has opened.

        Raises:
            StoreClosedError: The store is not set up in this event loop, or closed.
        """
        return self._given or self._clients.current()

    @asynccontextmanager
    async def _open(self) -> AsyncGenerator[AsyncClient]:
        if self._given is not None:
            with count_channel():
                yield self._given
            return
        # The credentials may be looked up in files and on the metadata server.
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
        living = [row for row in rows if not row.has_expired(now)]
        await self._delete_all(living)
        return len(living)

    @override
    async def _put_row_if(self, row: Row, version: str | None) -> str | None:
        client = await self._client()
        reference, fields = _reference(client, row.address), fields_of(row)

        async def put() -> str | None:
            try:
                if version is None:
                    result = await reference.create(fields, **self._call)
                else:
                    # No condition at all would be one that always holds.
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
        # A stream may end early without an error: only an empty page is the end.
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
                # A batch happens all or not at all, and one of these has been stored anew.
                await super()._remove_listed(entries[part], if_unchanged=if_unchanged)

    async def _client(self) -> Any:
        refuse_inherited_channels()
        return await self._clients.get()

    async def _read(self, addresses: Sequence[Address], fields: Sequence[str] | None = None) -> list[Row]:
        """Return the rows at some addresses, with all fields or some.

        Raises:
            StoreConnectionError: The stream has ended before it said of each document whether it is there.
        """
        client = await self._client()
        references = [_reference(client, address) for address in addresses]
        said = [found async for found in client.get_all(references, fields, **self._call)]
        if len(said) < len(addresses):
            raise StoreConnectionError(
                message=f"Firestore has answered {len(said)} of {len(addresses)} reads"
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
            # The prefix ends with a character of ASCII, which has a next one.
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
        """Remove documents, all or none; a removal that is sent twice may hit what was stored in between."""
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
        """Return the row because of which a condition failed.

        Raises:
            Exception: The condition holds, so it is something else that failed, such as the database's mode.
        """
        rows = await self._read([address])
        found = rows[0] if rows else None
        if found.version == version if found else version is None and not isinstance(error, AlreadyExists):
            raise error
        return found


def _reference(client: Any, address: Address) -> Any:
    return client.collection(address.collection).document(address.key)


def _is_entry(fields: Mapping[str, Any]) -> bool:
    """Return whether a document that was listed is one of a store."""
    return fields.get("version") == 1 and isinstance(fields.get("created_at"), str)

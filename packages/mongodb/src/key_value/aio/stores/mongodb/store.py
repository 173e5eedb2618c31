"""A store in MongoDB."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from bson.raw_bson import RawBSONDocument
from pymongo import ReplaceOne, WriteConcern
from pymongo.errors import (
    BulkWriteError,
    DuplicateKeyError,
    OperationFailure,
    WriteConcernError,
    WriteError,
)
from pymongo.read_concern import ReadConcern
from typing_extensions import override

from key_value.aio.errors import BaseKeyValueError, KeyValueStoreError, StoreAuthenticationError
from key_value.aio.stores.base import (
    Address,
    BasicSerializationAdapter,
    BatchLimit,
    ClientPerLoop,
    ManagedEntry,
    Row,
    RowPage,
    RowStore,
    SanitizationStrategy,
)
from key_value.aio.stores.mongodb.documents import (
    LISTED,
    decode_row,
    decode_value,
    encode_row,
    has_version,
    json_text,
    moment,
)
from key_value.aio.stores.mongodb.driver import (
    ERRORS,
    Collection,
    Collections,
    hide_details,
    is_of_key,
    is_refusal,
    location_of,
    make_client,
    open_database,
)
from key_value.aio.stores.mongodb.indexes import DUPLICATE_KEY, DUPLICATES, KEY_INDEX, create_indexes
from key_value.aio.stores.mongodb.names import MongoDBV1CollectionSanitizationStrategy, names_of

if TYPE_CHECKING:
    from pymongo import AsyncMongoClient

__all__ = ["MongoDBSerializationAdapter", "MongoDBStore", "MongoDBV1CollectionSanitizationStrategy"]

NEWEST_FIRST = [("created_at", -1), ("_id", -1)]


class MongoDBSerializationAdapter(BasicSerializationAdapter):
    """The serialization adapter of the 0.5 series' MongoDB store, for code that imports it."""

    def __init__(self) -> None:
        super().__init__(date_format="datetime", value_format="dict")


class MongoDBStore(RowStore):
    """A store in MongoDB 5.0 or later; the server removes expired entries, typically within a minute.

    Each collection is a MongoDB collection, and each entry a document with the fields `key`, `collection`,
    `value.object`, `created_at` and `expires_at`. A collection may hold other documents, which are neither
    listed nor removed. The first write to a collection creates it and its indexes; reads create nothing.
    Missing indexes are added to collections of the 0.5 series.

    BSON supports integers of up to 64 bits, no lone surrogates, and no NUL in field names. A value outside
    these limits, or with more than 150 levels, is stored as JSON text, which the 0.5 series treats as
    missing. A document of more than 16 MiB raises `SerializationError`. Times are in milliseconds.

    Without a `client` argument, the store creates a client per event loop, and its calls end within
    `timeout`. On a broken connection, reads and plain writes are retried once, conditional writes never. A
    client that you pass in keeps its own retry settings; its codec, read preference and unacknowledged writes
    are not used.
    """

    errors = ERRORS
    reconnects = True
    gathers_reads = True
    reclaim_after = None  # The server removes expired entries.
    # The keys of a query must fit in 16 MiB, at up to four bytes per character.
    batch_limit = BatchLimit(size=4_000_000)
    url_parts = (("url", "url"), ("path", "db_name"))

    def __init__(
        self,
        *,
        client: "AsyncMongoClient[Any] | None" = None,
        url: str | None = None,
        db_name: str | None = None,
        coll_name: str | None = None,
        default_collection: str | None = None,
        collection_sanitization_strategy: SanitizationStrategy | None = None,
        auto_create: bool = True,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
        client_options: Mapping[str, Any] | None = None,
        timeout: float | None = 5.0,
    ) -> None:
        """Initialize with a client, or with a URL to create one; connects on first use.

        Args:
            client: Asynchronous pymongo client, bound to its event loop. The store does not close it.
            url: `mongodb://` or `mongodb+srv://` URL, with pymongo's options. Without a client or a URL, the
                store connects to localhost.
            db_name: Database name. Defaults to `kv-store-adapter`.
            coll_name: Collection used when a call does not name one, if `default_collection` is not given.
            default_collection: Collection used when a call does not name one.
            collection_sanitization_strategy: Strategy that maps collections to names MongoDB accepts. By
                default, unsupported characters are escaped.
            auto_create: Whether a write creates a missing collection; otherwise it raises `StoreSetupError`.
            write_concern: Members that must acknowledge a write. Defaults to the client's write concern.
            read_concern: Durability required of read data. Defaults to the client's read concern.
            client_options: Further options of the client that the store creates, such as `maxPoolSize`, `tls`
                or `tlsCAFile`. They take precedence over those of the URL.
            timeout: Maximum duration of a call to the server, in seconds; None leaves it to the client.

        Raises:
            ValueError: The URL is not a MongoDB URL, writes would not be acknowledged, or `timeout` is not
                positive.
        """
        if write_concern is not None and not write_concern.acknowledged:
            raise ValueError("write_concern must be acknowledged: with w=0, failed writes go unnoticed")
        super().__init__(default_collection=default_collection or coll_name, timeout=timeout)
        self.db_name = db_name or "kv-store-adapter"
        self.names = names_of(self.db_name, collection_sanitization_strategy)
        if client is None:
            self.location = location_of(url or "mongodb://localhost:27017", self.db_name)
        self._given = client
        self._url = url
        self._options = dict(client_options or {})
        self._concerns = (self.db_name, write_concern, read_concern)
        self._auto_create = auto_create
        self._collections = self._owns(ClientPerLoop[Collections](None, self._open))
        self._other_indexes: dict[str, str | None] = {}
        """The unique index on the key, or None, for each collection without the store's own index."""

    @property
    def client(self) -> "AsyncMongoClient[Any]":
        """The client that was passed in, or the one that the store opened for the running event loop.

        Raises:
            StoreClosedError: The store is closed or not set up in this event loop.
        """
        return self._given or self._collections.current().database.client

    @asynccontextmanager
    async def _open(self) -> AsyncGenerator[Collections]:
        client = self._given or make_client(self._url, self.timeout, self._options)
        try:
            yield Collections(open_database(client, *self._concerns))
        finally:
            if client is not self._given:
                await client.close()

    @override
    async def _setup(self) -> None:
        await self._collections.get()

    @override
    async def _setup_collection(self, *, collection: str) -> None:
        name = self.names.collection(collection)
        await self._fetch(self._prepare, name)

    async def _prepare(self, name: str) -> None:
        database = (await self._collections.get()).database
        found = await (await database.list_collections(filter={"name": name})).to_list()
        if not found and not self._auto_create:
            raise ValueError(
                f"Collection '{name}' does not exist. "
                "Either create the collection manually or set auto_create=True."
            )
        if found and "collation" in found[0].get("options", {}):
            raise ValueError(f"Collection '{name}' has a collation, which may treat different keys as equal.")
        index = await create_indexes(database.get_collection(name))
        self._other_indexes.pop(name, None)
        if index != KEY_INDEX:
            self._other_indexes[name] = index

    @override
    def _map_error(self, error: Exception) -> BaseKeyValueError | None:
        hide_details(error)
        if is_refusal(error):
            return StoreAuthenticationError(message=f"{self!r}: {error}")
        return super()._map_error(error)

    @override
    async def _row(self, collection: str, key: str, entry: ManagedEntry) -> Row:
        return encode_row(await super()._row(collection, key, entry))

    @override
    async def _row_value(self, row: Row) -> dict[str, Any]:
        text = json_text(row.value)
        return decode_value(row.value) if text is None else await super()._row_value(row._replace(value=text))

    @override
    async def _get_rows(self, addresses: Sequence[Address]) -> Sequence[Row]:
        names = {address.collection for address in addresses}
        if len(names) == 1:
            return await self._find_rows(names.pop(), [address.key for address in addresses])
        grouped = groupby(sorted(addresses), attrgetter("collection"))
        finds = [self._find_rows(name, [address.key for address in some]) for name, some in grouped]
        return [row for rows in await asyncio.gather(*finds) for row in rows]

    @override
    async def _put_rows(self, rows: Sequence[Row]) -> Sequence[Exception | None]:
        kv = await self._collection(rows[0].collection)
        failures = await _replace(kv, rows)
        # If two upserts of one absent key compete, the second one fails on the first one's document.
        again = [index for index, error in enumerate(failures) if _is_duplicate(error)]
        if again:
            for index, error in zip(again, await _replace(kv, [rows[index] for index in again]), strict=True):
                failures[index] = error
        return failures

    @override
    async def _delete_rows(self, addresses: Sequence[Address], now: float) -> int:
        kv = await self._collection(addresses[0].collection)
        keys = _any_of([address.key for address in addresses])
        # The 0.5 series may have left several documents for a key.
        return (await kv.delete_many({"key": keys, **_unexpired(now)})).deleted_count

    @override
    async def _put_row_if(self, row: Row, version: str | None) -> str | None:
        kv = await self._collection(row.collection)
        document = RawBSONDocument(row.value)
        if version is not None:
            replaced = await kv.replace_one(has_version(row.key, version), document)
            return row.version if replaced.matched_count else None
        # Expired entries count as absent; for a live entry, the upsert violates the unique index.
        absent = {"key": row.key, "expires_at": {"$lte": moment(time.time())}}
        insert = partial(kv.replace_one, absent, document, upsert=True)
        try:
            try:
                await insert(hint=self._key_index(row))
            except OperationFailure as error:
                said = (error.details or {}).get("errmsg", "")
                if isinstance(error, DuplicateKeyError) or "hint" not in said:
                    raise
                # The index was dropped, maybe with its collection, or the server does not support hints.
                await self._set_up_again(row)
                self._key_index(row)
                await insert()
        except DuplicateKeyError as error:
            if not is_of_key(error):
                raise
            return None
        return row.version

    def _key_index(self, row: Row) -> str:
        """Return the name of the unique index on the key in a row's collection.

        Raises:
            KeyValueStoreError: There is no such index.
        """
        index = self._other_indexes.get(row.collection, KEY_INDEX)
        if index is None:
            # The index may have been created before the next call.
            self._forget_prepared((row.original or row).collection)
            message = f"{self!r}: put_if_absent needs a unique index on `key` in '{row.collection}'"
            raise KeyValueStoreError(message=message)
        return index

    async def _set_up_again(self, row: Row) -> None:
        collection = (row.original or row).collection
        self._forget_prepared(collection)
        await self.setup_collection(collection=collection)

    @override
    async def _delete_row_if(self, address: Address, version: str) -> bool:
        kv = await self._collection(address.collection)
        return (await kv.delete_one(has_version(address.key, version))).deleted_count > 0

    @override
    async def _take_row(self, address: Address) -> Row | None:
        kv = await self._collection(address.collection)
        document = await kv.find_one_and_delete({"key": address.key}, sort=NEWEST_FIRST)
        return None if document is None else decode_row(address.collection, document)

    @override
    async def _list_rows(
        self, collection: str | None, prefix: str, after: Address | None, limit: int
    ) -> RowPage:
        names = await self._collection_names() if collection is None else [collection]
        rows: list[Row] = []
        for name in names if after is None else [name for name in names if name >= after.collection]:
            start = after.key if after is not None and name == after.collection else None
            kv = await self._collection(name)
            found = kv.find(
                _keys(prefix, start), LISTED, sort=[("key", 1)], limit=limit, batch_size=limit + 1
            )
            documents = await found.to_list()
            rows += [self._listed_row(name, each) for each in documents if self._is_ours(name, each)]
            if len(documents) >= limit:
                return RowPage(rows, Address(name, documents[-1]["key"]))
        return RowPage(rows, None)

    @override
    async def _get_collection_names(self, *, limit: int | None = None) -> list[str]:
        found: list[str] = []
        for name in await self._collection_names():
            unexpired = {"key": {"$gte": ""}, "collection": {"$gte": ""}, **_unexpired(time.time())}
            document = await (await self._collection(name)).find_one(unexpired, {"collection": 1})
            if document is not None and self._is_ours(name, document):
                found.append(self._original(name, document["collection"]))
            if limit is not None and len(found) >= limit:
                break
        return found

    @override
    async def _clear_rows(self, collection: str | None) -> bool:
        names = await self._collection_names() if collection is None else [collection]
        return any(await asyncio.gather(*map(self._delete_ours, names)))

    @override
    async def _cull(self) -> None:
        for name in await self._collection_names():
            await self._delete_ours(name, expires_at={"$lte": moment(time.time())})

    async def _collection(self, name: str) -> Collection:
        return (await self._collections.get()).get(name)

    async def _find_rows(self, name: str, keys: list[str]) -> list[Row]:
        kv = await self._collection(name)
        # Without a batch size, the first batch has 101 documents.
        documents = await kv.find({"key": _any_of(keys)}, batch_size=len(keys) + 1).to_list()
        rows = [decode_row(name, document) for document in documents]
        if len(rows) > len(keys):
            # The 0.5 series may have left several documents for a key; the newest one counts.
            newest = {row.key: row for row in sorted(rows, key=lambda row: str(row.created))}
            return list(newest.values())
        return rows

    async def _collection_names(self) -> list[str]:
        """Return the collections of the database, including those of other applications."""
        database = (await self._collections.get()).database
        names = await database.list_collection_names(filter={"type": "collection"})
        return sorted(name for name in names if name != DUPLICATES and not name.startswith("system."))

    def _is_ours(self, name: str, document: Mapping[str, Any]) -> bool:
        """Return whether a document names the collection that contains it."""
        named = document.get("collection")
        return isinstance(named, str) and (named == name or self.names.collection(named) == name)

    def _original(self, name: str, named: str) -> str:
        """Return the original name of a collection, which a document states if it was truncated."""
        original = self.names.collections.try_unsanitize(name)
        return named if original is None else original

    def _listed_row(self, name: str, document: dict[str, Any]) -> Row:
        key = self.names.keys.try_unsanitize(document["key"]) or document["key"]
        original = Address(self._original(name, document["collection"]), key)
        return decode_row(name, document)._replace(original=original)

    async def _delete_ours(self, name: str, **condition: object) -> int:
        """Remove the documents of a collection that name it as theirs."""
        kv = await self._collection(name)
        named = await kv.distinct("collection", {"key": {"$gte": ""}})
        ours = [each for each in named if self._is_ours(name, {"collection": each})]
        return (await kv.delete_many({"collection": {"$in": ours}, **condition})).deleted_count


async def _replace(kv: Collection, rows: Sequence[Row]) -> list[Exception | None]:
    """Insert or replace the documents of rows; return the failures."""
    failures: list[Exception | None] = [None] * len(rows)
    try:
        if len(rows) == 1:
            await kv.replace_one({"key": rows[0].key}, RawBSONDocument(rows[0].value), upsert=True)
        else:
            await kv.bulk_write([_replacement(row) for row in rows], ordered=False)
    except DuplicateKeyError as error:
        failures[0] = error
    except BulkWriteError as error:
        for each in error.details["writeConcernErrors"]:
            failures = [WriteConcernError(str(each.get("errmsg")), each.get("code"), each)] * len(rows)
        for each in error.details["writeErrors"]:
            failures[each["index"]] = WriteError(str(each.get("errmsg")), each.get("code"), each)
    return failures


def _replacement(row: Row) -> ReplaceOne[Any]:
    return ReplaceOne({"key": row.key}, RawBSONDocument(row.value), upsert=True)


def _is_duplicate(error: Exception | None) -> bool:
    return isinstance(error, WriteError) and error.code == DUPLICATE_KEY


def _any_of(keys: list[str]) -> Any:
    return keys[0] if len(keys) == 1 else {"$in": keys}


def _unexpired(now: float) -> dict[str, Any]:
    # "Not earlier" also matches a missing field, and avoids the second plan that `$or` needs.
    return {"expires_at": {"$not": {"$lte": moment(now)}}}


def _keys(prefix: str, after: str | None) -> dict[str, Any]:
    """Return the filter for the keys after `after` that start with `prefix`.

    The last letter of the prefix must have a successor.
    """
    bounds: dict[str, str] = {"$gte": prefix}
    if after is not None:
        bounds["$gt"] = after
    if prefix:
        bounds["$lt"] = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    return {"key": bounds}

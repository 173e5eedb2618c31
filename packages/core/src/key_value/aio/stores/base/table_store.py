"""The base class of embedded stores that keep rows in a table, accessed by a separate thread."""

import hashlib
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from typing_extensions import override

from key_value.aio.stores.base.names import Address
from key_value.aio.stores.base.row_store import Row, RowPage, RowStore
from key_value.aio.stores.base.worker import Worker

TOGETHER = 1_000_000
"""Characters of values beyond which the next task's rows are stored in a separate call.

While a driver handles many megabytes in one call, no other thread can run Python code.
"""

_TABLE_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")


class Table(ABC):
    """A driver's calls on one table, made by the only thread that uses it; writes run in a transaction.

    `put_if`, `delete_if` and `take` read before they write: the transaction makes them atomic.
    """

    @staticmethod
    def version_of(*fields: object) -> str:
        """Return the version of a row: a digest of all its fields, including the random ID.

        The 0.5 series writes no random ID, and may leave an existing one: versions of its rows differ only by
        their times.
        """
        return hashlib.sha1(repr(fields).encode(errors="surrogatepass"), usedforsecurity=False).hexdigest()

    @abstractmethod
    def exists(self) -> bool:
        """Return whether the table exists, without creating anything."""

    @abstractmethod
    def get(self, addresses: Collection[Address], /) -> Mapping[Address, Row]:
        """Return the existing rows of the given distinct addresses, with their versions."""

    @abstractmethod
    def put(self, rows: Collection[Row], /) -> None:
        """Store rows with distinct addresses, replacing existing ones; either all are stored or none."""

    @abstractmethod
    def delete(self, addresses: Collection[Address], now: float, /) -> Collection[Address]:
        """Remove the rows that expire after `now` or never, and return their addresses."""

    @abstractmethod
    def page(
        self, collection: str | None, prefix: str, after: Address | None, limit: int, /
    ) -> Sequence[Row]:
        """Return rows in the order of their addresses, with or without their values."""

    @abstractmethod
    def keys(self, collection: str, limit: int | None, /) -> Sequence[str]:
        """Return the keys of a collection's rows that have not expired."""

    @abstractmethod
    def collections(self, limit: int | None, /) -> Sequence[str]:
        """Return the collections that have at least one row that has not expired."""

    @abstractmethod
    def clear(self, collection: str | None, /) -> bool:
        """Remove the rows of a collection, or all rows; return whether there were any."""

    @abstractmethod
    def cull(self, limit: int, /) -> int:
        """Remove up to `limit` expired rows and return their number."""

    def put_if(self, row: Row, version: str | None, /) -> str | None:
        """Store a row if the stored row has a given version, or if there is none; return the new version."""
        stored = self.get([row.address]).get(row.address)
        if (None if stored is None else stored.version) != version:
            return None
        self.put([row])
        return self.get([row.address])[row.address].version

    def take(self, address: Address, version: str | None, /) -> Row | None:
        """Remove a row, if it has the given version or no version is given; return the removed row."""
        stored = self.get([address]).get(address)
        if stored is None or (version is not None and stored.version != version):
            return None
        # Expired rows are removed as well.
        self.delete([address], 0)
        return stored


class TableStore(RowStore, ABC):
    """A store in a table that one thread uses; concurrent operations of tasks become one statement."""

    writes_in_order = True

    def __init__(self, worker: Worker[Any], *, table_name: str, auto_create: bool, **kwargs: Any) -> None:
        """Initialize with the location of the rows. Nothing is opened before its first use.

        Args:
            worker: Worker whose thread opens and uses the table.
            table_name: Name of the table.
            auto_create: Whether to create the table if it is missing; if False, a missing table raises a
                `StoreSetupError`.
            **kwargs: Arguments of `BaseStore`.

        Raises:
            ValueError: `table_name` is not a plain SQL identifier.
        """
        if not _TABLE_NAME.fullmatch(table_name):
            raise ValueError(
                "Table name must start with a letter or underscore and contain only letters, digits, "
                "or underscores"
            )
        super().__init__(**kwargs)
        self._table_name = table_name
        self._auto_create = auto_create
        self._worker = self._owns(worker)

    @override
    async def _setup(self) -> None:
        if not await self._worker.run(lambda table: table.exists()) and not self._auto_create:
            raise ValueError(
                f"Table '{self._table_name}' does not exist. "
                "Either create the table manually or set auto_create=True."
            )

    @override
    async def _get_rows(self, addresses: Sequence[Address]) -> Sequence[Row]:
        return await self._worker.run_batch(_get, addresses)

    @override
    async def _put_rows(self, rows: Sequence[Row]) -> None:
        await self._worker.run_batch(_put, rows, writes=True)

    @override
    async def _delete_rows(self, addresses: Sequence[Address], now: float) -> int:
        return await self._worker.run_batch(_delete, addresses, writes=True)

    @override
    async def _put_row_if(self, row: Row, version: str | None) -> str | None:
        return await self._worker.run(lambda table: table.put_if(row, version), writes=True)

    @override
    async def _delete_row_if(self, address: Address, version: str) -> bool:
        return await self._worker.run(lambda table: table.take(address, version), writes=True) is not None

    @override
    async def _take_row(self, address: Address) -> Row | None:
        return await self._worker.run(lambda table: table.take(address, None), writes=True)

    @override
    async def _list_rows(
        self, collection: str | None, prefix: str, after: Address | None, limit: int
    ) -> RowPage:
        rows = await self._worker.run(lambda table: table.page(collection, prefix, after, limit))
        return RowPage(rows, rows[-1].address if len(rows) == limit else None)

    @override
    async def _clear_rows(self, collection: str | None) -> bool:
        return await self._worker.run(lambda table: table.clear(collection), writes=True)

    @override
    async def _get_collection_keys(self, *, collection: str, limit: int | None = None) -> list[str]:
        name = self.names.collection(collection)
        keys = await self._worker.run(lambda table: table.keys(name, limit))
        originals = map(self.names.keys.try_unsanitize, keys)
        return [key for key in originals if key is not None]

    @override
    async def _get_collection_names(self, *, limit: int | None = None) -> list[str]:
        names = await self._worker.run(lambda table: table.collections(limit))
        originals = map(self.names.collections.try_unsanitize, names)
        return [name for name in originals if name is not None]

    @override
    async def _cull_rows(self, limit: int) -> int:
        return await self._worker.run(lambda table: table.cull(limit), writes=True)


def _get(table: Table, batches: Sequence[Sequence[Address]]) -> Sequence[Sequence[Row]]:
    """Return the rows at the addresses of several tasks."""
    rows = table.get(batches[0] if len(batches) == 1 else {address for batch in batches for address in batch})
    return [[row for address in batch if (row := rows.get(address)) is not None] for batch in batches]


def _put(table: Table, batches: Sequence[Sequence[Row]]) -> Sequence[None]:
    """Store the rows of several tasks; if two rows have the same address, the last one is stored."""
    if len(batches) == 1:
        table.put(batches[0])
        return [None]
    waiting: dict[Address, Row] = {}
    size = 0
    for rows in batches:
        waiting.update((row.address, row) for row in rows)
        size += sum(len(row.value) for row in rows)
        if size > TOGETHER:
            table.put(waiting.values())
            waiting, size = {}, 0
    if waiting:
        table.put(waiting.values())
    return [None] * len(batches)


def _delete(table: Table, batches: Sequence[Sequence[Address]]) -> Sequence[int]:
    """Remove rows for several tasks; return for each the number of unexpired rows, counted once."""
    deleted = set(table.delete({address for batch in batches for address in batch}, time.time()))
    counts: list[int] = []
    for batch in batches:
        own = deleted.intersection(batch)
        deleted -= own
        counts.append(len(own))
    return counts

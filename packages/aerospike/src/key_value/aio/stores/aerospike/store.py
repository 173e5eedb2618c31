"""A store in Aerospike."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

import aerospike
from typing_extensions import override

from key_value.aio.errors import BaseKeyValueError
from key_value.aio.stores.aerospike.client import SharedClient, is_busy, mapped_error
from key_value.aio.stores.aerospike.records import Records
from key_value.aio.stores.base import (
    AddressPage,
    EscapingStrategy,
    Names,
    PagedBytesStore,
    VersionedBytesStore,
    Worker,
)

T = TypeVar("T")
ItemT = TypeVar("ItemT")

PORT = 3000
"""Default port of a node."""

LONGEST_NAMESPACE = 31
LONGEST_SET = 63
"""In bytes: https://aerospike.com/docs/database/reference/limitations"""

_CLIENT_GIVES_UP = 0.9
"""Fraction of the timeout after which the client ends a call."""

_PAUSES = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32)
"""Seconds before each retry of a call that an overloaded server has rejected."""


class AerospikeNames(Names):
    """Maps an entry to `<collection>::<key>`; NUL is escaped, because the client ends a key there."""

    def __init__(self) -> None:
        super().__init__(
            keys=EscapingStrategy("\0"),
            collections=EscapingStrategy("\0|:{2,}|:$"),
            formerly=Names.PLAIN,
        )

    @override
    def former(self, address: str, collection: str, key: str) -> str | None:
        former = super().former(address, collection, key)
        return None if former is None or "\0" in former else former


class AerospikeStore(VersionedBytesStore, PagedBytesStore):
    """A store in one set of an Aerospike namespace; the server removes expired entries.

    An entry is a record with the key `collection::key`, which is stored with it, so that entries can be
    listed. Its only bin, `value`, is the JSON document of the 0.5 series. Other records in the set are
    neither listed nor removed.

    The client blocks, so its calls are made in threads, which share one client. It never retries a write.
    """

    url_parts = (("hosts", "hosts"), ("path", "namespace"))
    reconnects = True
    gathers_reads = True
    reclaim_after = None  # The server removes expired entries.

    def __init__(
        self,
        *,
        client: aerospike.Client | None = None,
        hosts: Sequence[tuple[str, int]] | None = None,
        namespace: str = "test",
        set_name: str = "kv-store",
        default_collection: str | None = None,
        auto_create: bool = True,
        max_concurrency: int = 8,
        timeout: float | None = 5.0,
    ) -> None:
        """Initialize with a client, or with hosts to create one; connects on first use.

        Args:
            client: Configured `aerospike.Client`. The store does not close it. It cannot be used in a process
                forked from the one that created it.
            hosts: Names and ports of some nodes of the cluster, if there is no client. Defaults to
                `localhost`, 3000.
            namespace: Namespace, which must be in the server's configuration.
            set_name: Set name.
            default_collection: Collection used when a call does not name one.
            auto_create: If False, setup checks that the namespace exists. A set is created when a record is
                first stored in it.
            max_concurrency: Number of threads, which is the maximum number of concurrent calls.
            timeout: Maximum duration of a call, in seconds; None sets no limit.

        Raises:
            ValueError: A name is empty or too long, `hosts` is empty, or `timeout` or `max_concurrency` is
                not positive.
        """
        _check_name("namespace", namespace, LONGEST_NAMESPACE)
        _check_name("set_name", set_name, LONGEST_SET)
        if max_concurrency < 1:
            raise ValueError("max_concurrency must be positive")
        super().__init__(default_collection=default_collection, timeout=timeout)
        self.names = AerospikeNames()
        self.max_concurrency = max_concurrency
        self._checks_namespace = not auto_create
        nodes = [("localhost", PORT)] if hosts is None else [*hosts]
        if not nodes:
            raise ValueError("hosts must contain at least one node")
        if client is None:
            self.location = f"{nodes[0][0]}:{nodes[0][1]}/{namespace}/{set_name}"
        patience = None if timeout is None else timeout * _CLIENT_GIVES_UP
        config: dict[str, Any] = {"hosts": nodes}
        if patience is not None:
            config["connect_timeout"] = max(int(patience * 1000 / len(nodes)), 1)
        shared = SharedClient(client, config)
        self._worker = self._owns(
            Worker(
                "aerospike",
                lambda: Records(shared.open(), namespace, set_name, patience),
                close=lambda _: shared.close(),
                threads=max_concurrency,
                forks=client is None,
            )
        )

    @override
    @classmethod
    def _arguments_from_url(cls, url: SplitResult) -> dict[str, Any]:
        arguments = super()._arguments_from_url(url)
        if "hosts" in arguments:
            nodes = [urlsplit(f"//{node}") for node in arguments["hosts"].split(",")]
            arguments["hosts"] = [(node.hostname or "localhost", node.port or PORT) for node in nodes]
        namespace, _, set_name = arguments.pop("namespace", "").partition("/")
        named = {"namespace": namespace, "set_name": set_name}
        return arguments | {argument: name for argument, name in named.items() if name}

    @override
    async def _setup(self) -> None:
        await self._run(Records.check if self._checks_namespace else _connect)

    @override
    def _map_error(self, error: Exception) -> BaseKeyValueError | None:
        return mapped_error(error) or super()._map_error(error)

    async def _run(self, work: Callable[[Records], T], *, writes: bool = False) -> T:
        """Call a function in a thread, and retry while the server is overloaded."""
        for pause in _PAUSES:
            try:
                return await self._worker.run(work, writes=writes)
            except Exception as error:
                if not is_busy(error):
                    raise
            await asyncio.sleep(pause)
        return await self._worker.run(work, writes=writes)

    async def _run_batch(
        self,
        work: Callable[[Records, Sequence[ItemT]], list[T]],
        items: Sequence[ItemT],
        *,
        writes: bool = False,
        pauses: Sequence[float] = _PAUSES,
    ) -> list[T]:
        """Call a function for several records in a thread, and retry those rejected by a busy server."""
        results = await self._run(lambda records: work(records, items), writes=writes)
        busy = [n for n, result in enumerate(results) if is_busy(result)]
        if busy and pauses:
            await asyncio.sleep(pauses[0])
            refused = [items[n] for n in busy]
            again = await self._run_batch(work, refused, writes=writes, pauses=pauses[1:])
            for n, result in zip(busy, again, strict=True):
                results[n] = result
        return results

    @override
    async def _read(self, address: str) -> bytes | None:
        return await self._run(lambda records: records.read(address))

    @override
    async def _read_many(self, addresses: Sequence[str]) -> Sequence[bytes | Exception | None]:
        if len(addresses) == 1:
            return [await self._read(addresses[0])]
        return await self._run_batch(Records.read_many, addresses)

    @override
    async def _write(self, address: str, data: bytes, ttl: float | None) -> None:
        await self._run(lambda records: records.write(address, data, ttl), writes=True)

    @override
    async def _write_many(
        self, items: Sequence[tuple[str, bytes]], ttl: float | None
    ) -> Sequence[Exception | None]:
        return await self._run_batch(lambda records, some: records.write_many(some, ttl), items, writes=True)

    @override
    async def _write_if(self, address: str, data: bytes, ttl: float | None, version: str | None) -> bool:
        if version is None:
            return await self._run(lambda records: records.create(address, data, ttl), writes=True)
        return await self._run(
            lambda records: records.replace(address, data, ttl, self._has(version)), writes=True
        )

    @override
    async def _remove(self, address: str) -> None:
        await self._run(lambda records: records.take(address), writes=True)

    @override
    async def _remove_many(self, addresses: Sequence[str]) -> Sequence[Exception | None]:
        return [
            result if isinstance(result, Exception) else None for result in await self._take_many(addresses)
        ]

    @override
    async def _remove_if(self, address: str, version: str) -> bool:
        return await self._run(lambda records: records.remove_if(address, self._has(version)), writes=True)

    @override
    async def _take(self, address: str) -> bytes | None:
        return await self._run(lambda records: records.take(address), writes=True)

    @override
    async def _take_many(self, addresses: Sequence[str]) -> Sequence[bytes | Exception | None]:
        return await self._run_batch(Records.take_many, addresses, writes=True)

    @override
    async def _list(self, prefix: str, cursor: str | None, limit: int) -> AddressPage:
        return await self._run(lambda records: records.page(prefix, cursor, limit))

    def _has(self, version: str) -> Callable[[bytes], bool]:
        return lambda document: self.version_of(document) == version


def _connect(records: Records) -> None:
    """Do nothing with the client, which is already open."""


def _check_name(argument: str, name: str, longest: int) -> None:
    size = len(name.encode(errors="surrogatepass"))
    if not 0 < size <= longest or "\0" in name:
        raise ValueError(f"{argument} must have 1 to {longest} bytes, not {size}")

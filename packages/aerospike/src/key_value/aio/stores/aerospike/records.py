"""The records of a set, and the blocking calls of the client that the store makes."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import aerospike
from aerospike import exception
from aerospike_helpers import expressions as _expressions  # pyright: ignore[reportMissingTypeStubs]
from aerospike_helpers.batch.records import (  # pyright: ignore[reportMissingTypeStubs]
    BatchRecords,
    Write,
)
from aerospike_helpers.operations import (  # pyright: ignore[reportMissingTypeStubs]
    operations as _operations,
)

from key_value.aio.errors import DeserializationError
from key_value.aio.stores.aerospike.client import NO_RESPONSE, RecordError
from key_value.aio.stores.base import AddressPage

BIN = "value"
"""Bin of a record that contains the document of its entry."""

PARTITIONS = 4096
"""Number of partitions of a namespace, over which records are distributed by the hashes of their keys."""

LEAST_PER_QUERY = 1000
"""Minimum number of records per query: each node is asked for its share, which must not be zero."""

NARROWER = 8

LONGEST_TTL = 315_360_000
"""Ten years, in seconds: https://aerospike.com/docs/database/reference/config"""

_MISSING = 2
_CHANGED = (exception.RecordNotFound, exception.RecordGenerationError, exception.FilteredOut)

T = TypeVar("T")

# The client's helpers are untyped.
expressions: Any = _expressions
operations: Any = _operations

_TAKE = [operations.read(BIN), operations.delete()]


class Records:
    """The records of a set, accessed through a client that other threads may use, too."""

    def __init__(self, client: Any, namespace: str, set_name: str, timeout: float | None) -> None:
        """Initialize with a client.

        Args:
            client: The client.
            namespace: Namespace.
            set_name: Set name.
            timeout: Maximum duration of a call, in seconds; None sets no limit.
        """
        self._client = client
        self._namespace = namespace
        self._set = set_name
        self._reading = {"total_timeout": 0 if timeout is None else math.ceil(timeout * 1000)}
        # If a write is sent twice, the second response reflects the first write.
        self._changing = {**self._reading, "max_retries": 0}

    def check(self) -> None:
        """Check that the namespace exists.

        Raises:
            ValueError: The namespace does not exist.
        """
        for _, answer in self._client.info_all("namespaces").values():
            if self._namespace not in answer.rpartition("\t")[2].strip().split(";"):
                raise ValueError(f"Namespace {self._namespace!r} does not exist")

    def read(self, address: str) -> bytes | None:
        """Return the document at an address."""
        found = self._find(address)
        return None if found is None else found.document

    def read_many(self, addresses: Sequence[str]) -> list[bytes | Exception | None]:
        """Return the documents at several addresses."""
        keys = [self._key(address) for address in addresses]
        return _results(self._client.batch_read(keys, [BIN], self._reading), _document)

    def write(self, address: str, document: bytes, ttl: float | None) -> None:
        """Store a document."""
        self._put(address, document, ttl, exists=aerospike.POLICY_EXISTS_CREATE_OR_REPLACE)

    def write_many(self, items: Sequence[tuple[str, bytes]], ttl: float | None) -> list[Exception | None]:
        """Store several documents."""
        policy = _storing(ttl, aerospike.POLICY_EXISTS_CREATE_OR_REPLACE)
        writes = [
            Write(self._key(address), [operations.write(BIN, document.decode())], policy=policy)
            for address, document in items
        ]
        return self._change_many(writes, lambda _: None)

    def create(self, address: str, document: bytes, ttl: float | None) -> bool:
        """Store a document if there is no record."""
        try:
            self._put(address, document, ttl, exists=aerospike.POLICY_EXISTS_CREATE)
        except exception.RecordExistsError:
            return False
        return True

    def replace(
        self, address: str, document: bytes, ttl: float | None, is_expected: Callable[[bytes], bool]
    ) -> bool:
        """Replace the existing document if it is the expected one."""
        found = self._find(address)
        if found is None or not is_expected(found.document):
            return False
        try:
            self._put(address, document, ttl, found, exists=aerospike.POLICY_EXISTS_REPLACE)
        except _CHANGED:
            return False
        return True

    def remove_if(self, address: str, is_expected: Callable[[bytes], bool]) -> bool:
        """Remove a record if its document is the expected one."""
        found = self._find(address)
        if found is None or not is_expected(found.document):
            return False
        policy = {**self._changing, **found.condition}
        try:
            generation = {"gen": found.generation}
            self._client.operate(self._key(address), [operations.delete()], generation, policy)
        except _CHANGED:
            return False
        return True

    def take(self, address: str) -> bytes | None:
        """Remove the record at an address and return its document; empty if it has none."""
        try:
            _, _, bins = self._client.operate(self._key(address), _TAKE, None, self._changing)
        except exception.RecordNotFound:
            return None
        return _taken(bins)

    def take_many(self, addresses: Sequence[str]) -> list[bytes | Exception | None]:
        """Remove the records at several addresses and return their documents."""
        return self._change_many([Write(self._key(address), _TAKE) for address in addresses], _taken)

    def page(self, prefix: str, cursor: str | None, limit: int) -> AddressPage:
        """Return documents whose addresses start with a prefix, together with the addresses.

        A page consists of as many whole partitions as fit in the limit, or of a part of one partition, if
        that alone exceeds the limit.
        """
        begin, count, digest = _position(cursor)
        wanted = max(limit, LEAST_PER_QUERY)
        found, is_done = self._query(begin, count, digest, wanted)
        while not is_done and count > 1:
            count = max(count // NARROWER, 1)
            found, is_done = self._query(begin, count, b"", wanted)
        addresses = map(self._address, found)
        items = [
            (address, _document(bins))
            for address, (_, _, bins) in zip(addresses, found, strict=True)
            if address is not None and address.startswith(prefix)
        ]
        if not is_done:
            return AddressPage(items, f"{begin} 1 {found[-1][0][3].hex()}")
        begin += count
        if len(found) * NARROWER < wanted:
            count *= 2
        return AddressPage(items, f"{begin} {count}" if begin < PARTITIONS else None)

    def _query(self, begin: int, count: int, digest: bytes, wanted: int) -> tuple[list[Any], bool]:
        """Return records of partitions, after a digest in the first one, and whether they are complete."""
        count = min(count, PARTITIONS - begin)
        partitions: dict[str, Any] = {"begin": begin, "count": count}
        if digest:
            after = (begin, True, True, bytearray(digest), 0)
            partitions["partition_status"] = {"done": False, "retry": True, begin: after}
        query = self._client.query(self._namespace, self._set)
        query.select(BIN)
        query.max_records = wanted
        query.paginate()
        found = query.results({**self._reading, "partition_filter": partitions})
        return found, query.is_done()

    def _address(self, record: Any) -> str | None:
        """Return the address of a record; None if it does not belong to an entry."""
        (_, _, key, digest), _, bins = record
        if key is None:
            # The 0.5 series did not store the key; the address in the document is verified by its hash.
            key = _named_address(bins.get(BIN))
            if key is None or aerospike.calc_digest(*self._key(key)) != digest:
                return None
        return key if isinstance(key, str) and isinstance(bins.get(BIN), str) else None

    def _find(self, address: str) -> "Found | None":
        try:
            _, meta, bins = self._client.select(self._key(address), [BIN], self._reading)
        except exception.RecordNotFound:
            return None
        return Found(_document(bins), meta["gen"])

    def _put(
        self, address: str, document: bytes, ttl: float | None, found: "Found | None" = None, *, exists: int
    ) -> None:
        policy = {**self._changing, **_storing(ttl, exists), **({} if found is None else found.condition)}
        generation = None if found is None else {"gen": found.generation}
        self._client.put(self._key(address), {BIN: document.decode()}, generation, policy)

    def _change_many(self, changes: list[Any], parse: Callable[[Any], T]) -> list[T | Exception | None]:
        batch = BatchRecords(changes)
        self._client.batch_write(batch, self._changing)
        return _results(batch, parse)

    def _key(self, address: str) -> tuple[str, str, str]:
        return self._namespace, self._set, address


class Found(NamedTuple):
    """The record at an address."""

    document: bytes
    generation: int

    @property
    def condition(self) -> dict[str, Any]:
        """The policy of a write that requires that this record still exists.

        Generations restart when a record is recreated, so the document is compared, too.
        """
        same = expressions.Eq(expressions.StrBin(BIN), self.document.decode())
        return {"gen": aerospike.POLICY_GEN_EQ, "expressions": same.compile()}


def _document(bins: Mapping[str, Any]) -> bytes:
    document = bins.get(BIN)
    if not isinstance(document, str):
        raise DeserializationError(f"The record has no text in its bin {BIN!r}")
    return document.encode()


def _taken(bins: Mapping[str, Any]) -> bytes:
    document = bins.get(BIN)
    return document.encode() if isinstance(document, str) else b""


def _storing(ttl: float | None, exists: int) -> dict[str, Any]:
    """Return the policy of a write; it stores the key, so that the record can be listed."""
    return {"key": aerospike.POLICY_KEY_SEND, "ttl": _seconds(ttl), "exists": exists}


def _seconds(ttl: float | None) -> int:
    """Return the TTL of a record, never too short although Aerospike counts whole seconds since 2010."""
    seconds = math.inf if ttl is None else math.ceil(ttl) + 1
    return int(seconds) if seconds <= LONGEST_TTL else aerospike.TTL_NEVER_EXPIRE


def _results(batch: Any, parse: Callable[[Any], T]) -> list[T | Exception | None]:
    """Return the result of each record of a batch.

    Raises:
        RecordError: There was no response for any record.
    """
    records = batch.batch_records
    if records and all(record.result == NO_RESPONSE for record in records):
        raise RecordError(batch.result, records[0].in_doubt)
    return [_result(record, batch.result, parse) for record in records]


def _result(record: Any, code: int, parse: Callable[[Any], T]) -> T | Exception | None:
    if record.result == _MISSING:
        return None
    if record.result:
        return RecordError(code if record.result == NO_RESPONSE else record.result, record.in_doubt)
    try:
        return parse(record.record[2])
    except DeserializationError as error:
        return error


def _position(cursor: str | None) -> tuple[int, int, bytes]:
    """Return the start of a page: the partition, the number of partitions, and the last hash in the first."""
    if cursor is None:
        return 0, PARTITIONS, b""
    begin, count, *digest = cursor.split()
    return int(begin), int(count), bytes.fromhex("".join(digest))


def _named_address(document: Any) -> str | None:
    """Return the address of the entry that a document names, as the 0.5 series formed it."""
    try:
        # Numbers are left as text, because they may have any length.
        fields = json.loads(document, parse_int=str, parse_float=str)
        address = f"{fields['collection']}::{fields['key']}"
        address.encode()
    except (TypeError, ValueError, KeyError, RecursionError):
        return None
    return address

"""A double of Aerospike's wire protocol; it is no proof of how a real server behaves.

It runs in a separate process and answers exactly the requests that `AerospikeStore` sends, by the
documented rules, for one node that keeps its records in memory. Any other request is refused and recorded:
`double-refusals` returns the refused requests, and the test that caused them fails. The double does not
cover replication, eviction, migrations, several nodes, storage, security, or TLS.

    python aerospike_double.py PORT

In addition to the server's info requests it answers its own, whose names start with `double-`:

    double-reset                     clear all records, settings and refusals
    double-refusals                  the refused requests
    double-set:NAME=VALUE            change one of the `Settings`
    double-answer:code=14;times=2    answer the next record requests with a result code
    double-count                     the number of record requests since the reset
    double-record:DIGEST             the generation, TTL, user key and bins of a record, as JSON
"""

import asyncio
import base64
import json
import struct
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

PARTITIONS = 4096
NODE = "BB9DOUBLE000000"
EPOCH = 1262304000
"""2010-01-01: expiry times are seconds since then."""
MOST_TTL = 315_360_000
"""Ten years, the longest TTL that a server takes."""
NEVER, KEEP = 0xFFFFFFFF, 0xFFFFFFFE

OK, NOT_FOUND, GENERATION, PARAMETER, EXISTS = 0, 2, 3, 4, 5
TOO_BIG, KEY_MISMATCH, NO_NAMESPACE, FORBIDDEN, FILTERED = 13, 19, 20, 22, 27

READ, GET_ALL, BATCH, NO_BINS = 1, 2, 8, 32
WRITE, DELETE, IF_GENERATION, CREATE_ONLY, ALL_OPS = 1, 2, 4, 32, 128
LAST, PARTITION_DONE, REPLACE, REPLACE_ONLY = 1, 4, 16, 32

NAMESPACE, SET, KEY, DIGEST, QUERY_ID, SOCKET_TIMEOUT = 0, 1, 2, 4, 7, 9
PARTITION_IDS, DIGESTS, MOST_RECORDS, BATCH_ROWS, FILTER = 11, 12, 13, 41, 43

OP_READ, OP_WRITE, OP_DELETE = 1, 2, 14
STRING = 3

HEADER = struct.Struct("!BBBBBBIIIHH")


class RefusedError(Exception):
    """The double does not support the request."""


@dataclass
class Settings:
    """The namespace settings of a server's configuration."""

    namespace: str = "test"
    default_ttl: int = 0
    nsup_period: int = 120
    """0 is a server's own default: it then refuses a TTL."""
    max_record_size: int = 1024 * 1024


@dataclass
class Record:
    set_name: str
    user_key: bytes = b""
    bins: dict[str, tuple[int, bytes]] = field(default_factory=dict[str, tuple[int, bytes]])
    generation: int = 0
    void_time: int = 0
    """Seconds since `EPOCH`; 0: it does not expire."""

    @property
    def is_expired(self) -> bool:
        return 0 < self.void_time <= time.time() - EPOCH

    @property
    def size(self) -> int:
        return len(self.user_key) + sum(len(name) + len(value) for name, (_, value) in self.bins.items())


@dataclass
class Command:
    """The operations on one record."""

    flags: tuple[int, int, int]
    generation: int
    ttl: int
    fields: Mapping[int, bytes]
    ops: list[tuple[int, int, str, bytes]]
    """Operation, type of the value, bin, value."""


@dataclass
class Outcome:
    code: int
    generation: int = 0
    void_time: int = 0
    bins: list[tuple[str, int, bytes]] = field(default_factory=list[tuple[str, int, bytes]])


class Double:
    """A node that keeps its records in memory."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.settings = Settings()
        self.records: dict[bytes, Record] = {}
        self.refusals: list[str] = []
        self.forced: list[int] = []
        self.count = 0

    def info(self, names: Iterable[str]) -> str:
        """Return the replies to info requests, one line each."""
        return "".join(f"{name}\t{self._info(name)}\n" for name in names)

    def _info(self, name: str) -> str:
        owned = base64.b64encode(b"\xff" * (PARTITIONS // 8)).decode()
        known = {
            "node": NODE,
            "build": "8.1.0.0",
            "features": "batch-any;batch-index;partition-info;peers;pipelining;pquery;pscans;query-show",
            "partitions": str(PARTITIONS),
            "partition-generation": "1",
            "peers-generation": "1",
            "rebalance-generation": "1",
            "peers-clear-std": "1,3000,[]",
            "replicas": f"{self.settings.namespace}:0,1,{owned};",
            "namespaces": self.settings.namespace,
        }
        verb, _, rest = name.partition(":")
        control: Mapping[str, Callable[[str], str]] = {
            "user-agent-set": lambda _: "ok",
            "double-reset": self._reset,
            "double-refusals": lambda _: json.dumps(self.refusals),
            "double-count": lambda _: str(self.count),
            "double-set": self._set,
            "double-answer": self._force,
            "double-record": self._described,
        }
        if name in known:
            return known[name]
        if verb in control:
            return control[verb](rest)
        self.refusals.append(f"info {name!r}")
        return "ERROR:4:unknown to the double"

    def _reset(self, _: str) -> str:
        self.reset()
        return "ok"

    def _set(self, text: str) -> str:
        setting, _, value = text.partition("=")
        attribute = setting.replace("-", "_")
        setattr(self.settings, attribute, type(getattr(self.settings, attribute))(value))
        return "ok"

    def _force(self, text: str) -> str:
        options = dict(option.split("=") for option in text.split(";"))
        self.forced += [int(options["code"])] * int(options.get("times", 1))
        return "ok"

    def _described(self, digest: str) -> str:
        record = self._find(bytes.fromhex(digest))
        if record is None:
            return "null"
        left = None if not record.void_time else record.void_time + EPOCH - time.time()
        bins = {name: value.decode("latin-1") for name, (_, value) in record.bins.items()}
        key = record.user_key.decode("latin-1")
        return json.dumps({"generation": record.generation, "ttl": left, "key": key, "bins": bins})

    def answer(self, message: bytes) -> bytes:
        """Return the reply to a message."""
        flags, generation, ttl, fields, ops = parsed(message)
        self.count += 1
        if flags[0] & BATCH:
            return b"".join(self._batch(flags, fields))
        if PARTITION_IDS in fields or DIGESTS in fields:
            return b"".join(self._query(flags, fields, {name for _, _, name, _ in ops}))
        outcome = self._apply(Command(flags, generation, ttl, fields, ops))
        return packed(outcome)

    def _batch(self, flags: tuple[int, int, int], fields: Mapping[int, bytes]) -> Iterator[bytes]:
        _only("batch", flags, (READ | BATCH, 0, 0))
        _only_fields("batch", fields, {BATCH_ROWS})
        for index, command in rows(fields[BATCH_ROWS]):
            yield packed(self._apply(command), transaction=index)
        yield packed(Outcome(OK), last=LAST)

    def _query(
        self, flags: tuple[int, int, int], fields: Mapping[int, bytes], wanted: set[str]
    ) -> Iterator[bytes]:
        # With PARTITION_DONE a client declines to be notified of finished partitions.
        _only("query", flags, (READ, 0, PARTITION_DONE))
        _only_fields(
            "query",
            fields,
            {NAMESPACE, SET, QUERY_ID, SOCKET_TIMEOUT, PARTITION_IDS, DIGESTS, MOST_RECORDS},
        )
        if fields[NAMESPACE].decode() != self.settings.namespace:
            yield packed(Outcome(NO_NAMESPACE), last=LAST)
            return
        left = int.from_bytes(fields[MOST_RECORDS], "big") if MOST_RECORDS in fields else sys.maxsize
        for partition, digests in self._members(fields):
            for digest in digests[:left]:
                record = self.records[digest]
                bins = [each for each in _all_bins(record) if each[0] in wanted]
                outcome = Outcome(OK, record.generation, record.void_time, bins)
                names = [(NAMESPACE, fields[NAMESPACE]), (DIGEST, digest), (SET, fields[SET])]
                yield packed(outcome, fields=[*names, *([(KEY, record.user_key)] if record.user_key else [])])
            left -= len(digests)
            if left < 0:
                break
            if not flags[2] & PARTITION_DONE:
                yield packed(Outcome(OK, generation=partition), last=PARTITION_DONE)
        yield packed(Outcome(OK), last=LAST)

    def _members(self, fields: Mapping[int, bytes]) -> list[tuple[int, list[bytes]]]:
        """Return the partitions that a query names, each with the ordered records of its set."""
        set_name = fields[SET].decode()
        after = {partition_of(digest): digest for digest in _pieces(fields.get(DIGESTS, b""), 20)}
        ids = [int.from_bytes(piece, "little") for piece in _pieces(fields.get(PARTITION_IDS, b""), 2)]
        members: dict[int, list[bytes]] = {partition: [] for partition in (*after, *ids)}
        for digest, record in self.records.items():
            partition = partition_of(digest)
            if record.set_name == set_name and not record.is_expired and digest > after.get(partition, b""):
                members.get(partition, []).append(digest)
        return [(partition, sorted(members[partition])) for partition in sorted(members)]

    def _apply(self, command: Command) -> Outcome:
        """Apply a command to one record."""
        _only_fields("record", command.fields, {NAMESPACE, SET, KEY, DIGEST, FILTER})
        if self.forced:
            return Outcome(self.forced.pop(0))
        if command.fields[NAMESPACE].decode() != self.settings.namespace:
            return Outcome(NO_NAMESPACE)
        record = self._find(command.fields[DIGEST])
        sent, kept = command.fields.get(KEY), b"" if record is None else record.user_key
        if sent and kept and sent != kept:
            return Outcome(KEY_MISMATCH)
        if record is not None and FILTER in command.fields and not holds(command.fields[FILTER], record):
            return Outcome(FILTERED)
        if not command.flags[1] & WRITE:
            return _read(command, record)
        return self._write(command, record)

    def _write(self, command: Command, record: Record | None) -> Outcome:
        digest = command.fields[DIGEST]
        refusal = self._refusal(command, record)
        if refusal is not None:
            return Outcome(refusal)
        if command.flags[1] & DELETE:
            del self.records[digest]
            return Outcome(OK)
        new = Record(command.fields[SET].decode(), void_time=self._void_time(command.ttl, record))
        new.generation = 1 if record is None else record.generation % 65535 + 1
        new.user_key = command.fields.get(KEY) or (record.user_key if record else b"")
        new.bins = dict(record.bins) if record and not command.flags[2] & (REPLACE | REPLACE_ONLY) else {}
        found = _operate(command, new)
        if new.size > self.settings.max_record_size:
            return Outcome(TOO_BIG)
        if new.bins:
            self.records[digest] = new
        else:
            self.records.pop(digest, None)
        return Outcome(OK, new.generation, new.void_time, found)

    def _refusal(self, command: Command, record: Record | None) -> int | None:
        """Return the result code of the first condition of a write that does not hold."""
        _, writes, more = command.flags
        known = (READ, WRITE | DELETE | IF_GENERATION | CREATE_ONLY | ALL_OPS, REPLACE | REPLACE_ONLY)
        _only("write", command.flags, known)
        removes = writes & DELETE or any(op == OP_DELETE for op, *_ in command.ops)
        if record is None:
            return (
                NOT_FOUND
                if removes or more & REPLACE_ONLY or writes & IF_GENERATION
                else self._ttl_refusal(command)
            )
        if writes & CREATE_ONLY:
            return EXISTS
        if writes & IF_GENERATION and record.generation != command.generation:
            return GENERATION
        return self._ttl_refusal(command)

    def _ttl_refusal(self, command: Command) -> int | None:
        if command.ttl in (NEVER, KEEP):
            return None
        if command.ttl > MOST_TTL:
            return PARAMETER
        return (
            FORBIDDEN
            if (command.ttl or self.settings.default_ttl) and not self.settings.nsup_period
            else None
        )

    def _void_time(self, ttl: int, record: Record | None) -> int:
        """Return the expiry time of a record."""
        if ttl == KEEP:
            return 0 if record is None else record.void_time
        seconds = self.settings.default_ttl if ttl == 0 else 0 if ttl == NEVER else ttl
        return int(time.time()) - EPOCH + seconds if seconds else 0

    def _find(self, digest: bytes) -> Record | None:
        record = self.records.get(digest)
        if record is not None and record.is_expired:
            del self.records[digest]
            return None
        return record


def partition_of(digest: bytes) -> int:
    """Return the partition of a record: the first twelve bits, lowest bits first."""
    return int.from_bytes(digest[:2], "little") % PARTITIONS


def parsed(message: bytes) -> tuple[tuple[int, int, int], int, int, dict[int, bytes], list[Any]]:
    """Return flags, generation, TTL, fields and operations of a message."""
    size, one, two, three, four, _, generation, ttl, _, fields, ops = HEADER.unpack_from(message)
    if size != HEADER.size or four:
        raise RefusedError(f"a header of {size} bytes, {four}")
    found, at = _fields(message, size, fields)
    operations, at = _ops(message, at, ops)
    if at != len(message):
        raise RefusedError("something after the last operation")
    return (one, two, three), generation, ttl, found, operations


def rows(data: bytes) -> Iterator[tuple[int, Command]]:
    """Yield the records of a batch, each with its index."""
    [count] = struct.unpack_from("!I", data)
    at = 5
    previous: Command | None = None
    for _ in range(count):
        index, digest, kind = struct.unpack_from("!I20sB", data, at)
        at += 25
        if kind == 1 and previous is not None:
            yield (
                index,
                Command(
                    previous.flags,
                    previous.generation,
                    previous.ttl,
                    {**previous.fields, DIGEST: digest},
                    previous.ops,
                ),
            )
            continue
        if kind & ~0x0E or not kind & 2:
            raise RefusedError(f"a row of kind {kind} in a batch")
        flags = struct.unpack_from("!BBB", data, at)
        at += 3
        generation = ttl = 0
        if kind & 4:
            [generation] = struct.unpack_from("!H", data, at)
            at += 2
        if kind & 8:
            [ttl] = struct.unpack_from("!I", data, at)
            at += 4
        fields, ops = struct.unpack_from("!HH", data, at)
        found, at = _fields(data, at + 4, fields)
        operations, at = _ops(data, at, ops)
        previous = Command(flags, generation, ttl, {**found, DIGEST: digest}, operations)
        yield index, previous
    if at != len(data):
        raise RefusedError("something after the last row of a batch")


def holds(expression: bytes, record: Record) -> bool:
    """Return whether a record passes a filter; only the equality of a bin and a text is supported."""
    (operator, (verb, kind, name), text), at = _msgpack(expression, 0)
    if at != len(expression) or (operator, verb, kind) != (1, 81, 3):
        raise RefusedError(f"a filter {expression[:40]!r}")
    return record.bins.get(name.decode()) == (STRING, text[1:])


def packed(
    outcome: Outcome, *, transaction: int = 0, last: int = 0, fields: Iterable[tuple[int, bytes]] = ()
) -> bytes:
    """Encode an outcome as a message without its length."""
    named = [struct.pack("!IB", len(value) + 1, kind) + value for kind, value in fields]
    ops = [
        struct.pack("!IBBBB", 4 + len(name) + len(value), OP_READ, kind, 0, len(name)) + name.encode() + value
        for name, kind, value in outcome.bins
    ]
    header = HEADER.pack(
        HEADER.size,
        0,
        0,
        last,
        0,
        outcome.code,
        outcome.generation,
        outcome.void_time,
        transaction,
        len(named),
        len(ops),
    )
    return b"".join((header, *named, *ops))


def _operate(command: Command, record: Record) -> list[tuple[str, int, bytes]]:
    """Change a record, and return the bins that the command reads."""
    found: list[tuple[str, int, bytes]] = []
    for op, kind, name, value in command.ops:
        if op == OP_WRITE:
            record.bins[name] = kind, value
        elif op == OP_DELETE:
            record.bins.clear()
        elif op == OP_READ and command.flags[0] & READ:
            found += [(name, *record.bins[name])] if name in record.bins else []
        else:
            raise RefusedError(f"operation {op}")
    return found


def _read(command: Command, record: Record | None) -> Outcome:
    _only("read", command.flags, (READ | GET_ALL | NO_BINS, 0, 0))
    if record is None:
        return Outcome(NOT_FOUND)
    bins = _all_bins(record)
    if command.flags[0] & NO_BINS:
        bins = []
    elif not command.flags[0] & GET_ALL:
        wanted = {name for _, _, name, _ in command.ops}
        bins = [each for each in bins if each[0] in wanted]
    return Outcome(OK, record.generation, record.void_time, bins)


def _all_bins(record: Record) -> list[tuple[str, int, bytes]]:
    return [(name, kind, value) for name, (kind, value) in record.bins.items()]


def _fields(data: bytes, at: int, count: int) -> tuple[dict[int, bytes], int]:
    found: dict[int, bytes] = {}
    for _ in range(count):
        size, kind = struct.unpack_from("!IB", data, at)
        found[kind] = data[at + 5 : at + 4 + size]
        at += 4 + size
    return found, at


def _ops(data: bytes, at: int, count: int) -> tuple[list[tuple[int, int, str, bytes]], int]:
    found: list[tuple[int, int, str, bytes]] = []
    for _ in range(count):
        size, op, kind, _, length = struct.unpack_from("!IBBBB", data, at)
        name, value = data[at + 8 : at + 8 + length], data[at + 8 + length : at + 4 + size]
        found.append((op, kind, name.decode(), value))
        at += 4 + size
    return found, at


def _msgpack(data: bytes, at: int) -> tuple[Any, int]:
    """Return the MessagePack value at an offset and its end; supports lists, small numbers and texts."""
    tag = data[at]
    at += 1
    if tag < 0x80:
        return tag, at
    if tag & 0xF0 == 0x90:
        found: list[Any] = []
        for _ in range(tag & 0x0F):
            each, at = _msgpack(data, at)
            found.append(each)
        return found, at
    if tag & 0xE0 == 0xA0:
        size = tag & 0x1F
    elif tag in (0xD9, 0xDA, 0xDB, 0xC4, 0xC5, 0xC6):
        width = {0xD9: 1, 0xDA: 2, 0xDB: 4, 0xC4: 1, 0xC5: 2, 0xC6: 4}[tag]
        size = int.from_bytes(data[at : at + width], "big")
        at += width
    else:
        raise RefusedError(f"MessagePack of type {tag:#x}")
    return data[at : at + size], at + size


def _pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def _only(what: str, flags: tuple[int, int, int], known: tuple[int, int, int]) -> None:
    for number, (flag, mask) in enumerate(zip(flags, known, strict=True), 1):
        if flag & ~mask:
            raise RefusedError(f"{what}: flags {flag & ~mask:#x} of {number}")


def _only_fields(what: str, fields: Mapping[int, bytes], known: set[int]) -> None:
    if unknown := set(fields) - known:
        raise RefusedError(f"{what}: fields {sorted(unknown)}")


async def serve(double: Double, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of a connection until it ends."""
    try:
        while True:
            start = int.from_bytes(await reader.readexactly(8), "big")
            kind, body = start >> 48 & 0xFF, await reader.readexactly(start & (1 << 48) - 1)
            if kind == 1:
                answer = double.info(body.decode().split("\n")[:-1] or [""]).encode()
            else:
                try:
                    if kind != 3:
                        raise RefusedError(f"a message of type {kind}")
                    answer = double.answer(body)
                except (RefusedError, struct.error, KeyError, IndexError, TypeError, ValueError) as error:
                    double.refusals.append(f"{type(error).__name__}: {error}")
                    answer = packed(Outcome(PARAMETER), last=LAST)
            writer.write((2 << 56 | kind << 48 | len(answer)).to_bytes(8, "big") + answer)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        return
    finally:
        writer.close()


async def main(port: int) -> None:
    """Listen on the loopback interface."""
    double = Double()
    server = await asyncio.start_server(partial(serve, double), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))

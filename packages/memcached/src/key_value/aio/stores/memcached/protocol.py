"""Memcached's text protocol, over a connection that is shared by all tasks.

https://docs.memcached.org/protocols/basic/
"""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar, cast

from typing_extensions import override

T = TypeVar("T")

_TOO_MANY = "Too many open connections"


class RefusedError(Exception):
    """Memcached has returned an error."""


class UnauthenticatedError(Exception):
    """Memcached requires a username and a password, or rejects the given ones."""


class BusyError(Exception):
    """Memcached accepts no more connections."""


class Item(NamedTuple):
    """The item that memcached stores under a key."""

    data: bytes
    has_flags: bool = False
    token: int = 0
    """The `cas` number, if it was requested."""


class Answer(ABC, Generic[T]):
    """The response to commands that were sent together, with one result per entry."""

    def __init__(self) -> None:
        """Initialize without results."""
        self._loop = asyncio.get_running_loop()
        self.sent = self._loop.time()
        self.results: Sequence[T] | Exception | None = None
        """The results, or an error instead; None while the response is incomplete."""
        self._future: asyncio.Future[None] = self._loop.create_future()

    @abstractmethod
    def read(self, data: bytes | bytearray, position: int) -> int:
        """Parse the data from a position on; return the position of the first unparsed byte."""

    async def get(self) -> Sequence[T]:
        """Return the results; if the caller is cancelled, they are skipped on arrival."""
        await self._future
        if self.results is None or isinstance(self.results, Exception):
            raise self.results or asyncio.InvalidStateError
        return self.results

    async def settled(self) -> Sequence[T]:
        """Return the results of writes; a cancelled caller waits for them first.

        An abandoned write may still be executed after a later one, but not once its response has arrived.
        """
        try:
            return await self.get()
        except asyncio.CancelledError:
            while self.results is None:
                self._future = self._loop.create_future()
                try:
                    await self._future
                except asyncio.CancelledError:
                    continue
            raise

    def finish(self, results: Sequence[T] | Exception) -> None:
        """Deliver the results, or an error, to the caller."""
        self.results = results
        if not self._future.done():
            self._future.set_result(None)


class Lines(Answer[bytes]):
    """One response line per command."""

    def __init__(self, count: int) -> None:
        """Initialize with the expected number of lines."""
        super().__init__()
        self._missing = count
        self._lines: list[bytes] = []

    @override
    def read(self, data: bytes | bytearray, position: int) -> int:
        while (end := data.find(b"\r\n", position)) >= 0:
            self._lines.append(bytes(data[position:end]))
            position = end + 2
            self._missing -= 1
            if not self._missing:
                self.finish(self._lines)
                break
        return position


class Items(Answer[Item | None]):
    """The items of several keys, in response to one command; a statistic is also an item."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Initialize with the keys."""
        super().__init__()
        self._keys = keys
        self._found: dict[bytes, Item] = {}

    @override
    def read(self, data: bytes | bytearray, position: int) -> int:
        while self.results is None and (end := data.find(b"\r\n", position)) >= 0:
            line = bytes(data[position:end])
            end += 2
            if line.startswith(b"VALUE "):
                _, key, flags, size, *token = line.split()
                start, end = end, end + int(size) + 2
                if len(data) < end:
                    break
                found = bytes(data[start : end - 2])
                self._found[key] = Item(found, flags != b"0", int(token[0]) if token else 0)
            elif line.startswith(b"STAT "):
                _, key, found = line.split(b" ", 2)
                self._found[key] = Item(found)
            else:
                self.finish([*map(self._found.get, self._keys)] if line == b"END" else refusal(line))
            position = end
        return position


class TakenItems(Answer[Item | Exception | None]):
    """The items of several keys, in response to a command that reads them and others that delete them."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Initialize with the keys."""
        super().__init__()
        self._items = Items(keys)
        self._lines = Lines(len(keys))

    @override
    def read(self, data: bytes | bytearray, position: int) -> int:
        for part in (self._items, self._lines):
            if part.results is None:
                position = part.read(data, position)
            if part.results is None:
                return position
        items, lines = self._items.results, self._lines.results
        if isinstance(items, Exception):
            self.finish(items)
        else:
            pairs = zip(cast("Any", items), cast("Any", lines), strict=True)
            self.finish([_taken(item, line) for item, line in pairs])
        return position


class Connection(asyncio.Protocol):
    """A connection on which responses arrive in the order of the commands.

    Writes are not paused if the server reads slowly: the callers, which wait for the responses, hold as much
    data themselves.
    """

    def __init__(self, timeout: float | None) -> None:
        """Initialize without connecting.

        Args:
            timeout: Maximum time to wait for a response, in seconds; after that, the connection is closed.
        """
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._answers: deque[Answer[Any]] = deque()
        self._unread = bytearray()
        self._timer: asyncio.TimerHandle | None = None
        self._error: Callable[[], Exception] | None = None
        """Creates the error for commands sent after the connection has ended."""
        self._lost: asyncio.Future[None] = self._loop.create_future()

    @property
    def has_ended(self) -> bool:
        """Whether the connection accepts no more commands."""
        return self._error is not None

    def send(self, commands: bytes, answer: Answer[T]) -> Answer[T]:
        """Send commands at once and return their response, to be awaited.

        Raises:
            Exception: The connection has ended.
        """
        if self._transport is None or self._error is not None:
            raise (self._error or _ended)()
        self._transport.write(commands)
        self._answers.append(answer)
        if self._timer is None and self._timeout is not None:
            self._timer = self._loop.call_later(self._timeout, self._check_time)
        return answer

    async def close(self) -> None:
        """Close the connection; commands without a response fail."""
        self._end(_ended)
        if self._transport is not None:
            await asyncio.wait([self._lost])

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._end(_ended)
        if not self._lost.done():
            self._lost.set_result(None)

    @override
    def data_received(self, data: bytes) -> None:
        unread = self._unread
        received: bytes | bytearray = data
        if unread:
            unread += data
            received = unread
        position = 0
        while self._answers:
            answer = self._answers[0]
            position = answer.read(received, position)
            if answer.results is None:
                break
            self._answers.popleft()
        if received is unread:
            del unread[:position]
        else:
            unread += data[position:]
        if unread.startswith(f"ERROR {_TOO_MANY}".encode()):
            self._end(lambda: BusyError(_TOO_MANY))
        elif unread and not self._answers:
            self._end(_ended)

    def _check_time(self) -> None:
        self._timer = None
        if not self._answers or self._timeout is None:
            return
        left = self._answers[0].sent + self._timeout - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._check_time)
        else:
            self._answers.popleft().finish(TimeoutError("the server did not respond in time"))
            self._end(_ended)

    def _end(self, error: Callable[[], Exception]) -> None:
        if self._error is not None:
            return
        self._error = error
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()
        while self._answers:
            self._answers.popleft().finish(error())


def refusal(line: bytes) -> Exception:
    """Return the error for an unexpected response line."""
    text = line.decode(errors="replace")
    if _TOO_MANY in text:
        return BusyError(text)
    return UnauthenticatedError(text) if "authentica" in text else RefusedError(text)


def _taken(item: Item | None, line: bytes) -> Item | Exception | None:
    if line == b"DELETED":
        return item
    return None if line == b"NOT_FOUND" else refusal(line)


def _ended() -> Exception:
    return ConnectionResetError("the connection was closed")

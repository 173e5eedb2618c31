"""Memcached's text protocol over a connection that carries the calls of all tasks at once.

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
    """Memcached answers with an error."""


class UnauthenticatedError(Exception):
    """Memcached wants a username and a password, or other ones."""


class BusyError(Exception):
    """Memcached takes no more connections."""


class Item(NamedTuple):
    """What memcached holds under a key."""

    data: bytes
    has_flags: bool = False
    token: int = 0
    """The number for `cas`, if it was asked for."""


class Answer(ABC, Generic[T]):
    """The answer to commands that were sent together: a result for each entry."""

    def __init__(self) -> None:
        """Await all of it."""
        self._loop = asyncio.get_running_loop()
        self.sent = self._loop.time()
        self.results: Sequence[T] | Exception | None = None
        """The results, or the error in place of them; None while a part is missing."""
        self._future: asyncio.Future[None] = self._loop.create_future()

    @abstractmethod
    def read(self, data: bytes | bytearray, position: int) -> int:
        """Read what is there from a position on; return the position of what is not read yet."""

    async def get(self) -> Sequence[T]:
        """Return the results; if the caller is cancelled they are passed over when they come."""
        await self._future
        if self.results is None or isinstance(self.results, Exception):
            raise self.results or asyncio.InvalidStateError
        return self.results

    async def settled(self) -> Sequence[T]:
        """Return the results of writes; a caller that is cancelled waits for them first.

        A write that is given up may still be done, after a later one. Once it is answered it cannot.
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
        """Give the results, or the error in place of them, to the caller."""
        self.results = results
        if not self._future.done():
            self._future.set_result(None)


class Lines(Answer[bytes]):
    """A line for each of some commands."""

    def __init__(self, count: int) -> None:
        """State how many lines there will be."""
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
    """The items of some keys, in answer to one command; a statistic is an item too."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """State the keys."""
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
    """The items of some keys, in answer to one command that reads them and others that delete them."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """State the keys."""
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
    """A connection, whose answers come in the order of the commands.

    What is sent is not held back where the server takes it slowly: the callers, which wait for the answers,
    hold as much themselves.
    """

    def __init__(self, timeout: float | None) -> None:
        """Connect to nothing yet.

        Args:
            timeout: Seconds that an answer may take, after which the connection is not used again.
        """
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._answers: deque[Answer[Any]] = deque()
        self._unread = bytearray()
        self._timer: asyncio.TimerHandle | None = None
        self._error: Callable[[], Exception] | None = None
        """Makes the error of what is sent after the end."""
        self._lost: asyncio.Future[None] = self._loop.create_future()

    @property
    def has_ended(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._error is not None

    def send(self, commands: bytes, answer: Answer[T]) -> Answer[T]:
        """Send commands at once; return their answer, which is to be awaited.

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
        """Close the connection; what is not answered yet fails."""
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
            self._answers.popleft().finish(TimeoutError("the server gave no answer in time"))
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
    """Return the error for a line that is none of the expected ones."""
    text = line.decode(errors="replace")
    if _TOO_MANY in text:
        return BusyError(text)
    return UnauthenticatedError(text) if "authentica" in text else RefusedError(text)


def _taken(item: Item | None, line: bytes) -> Item | Exception | None:
    if line == b"DELETED":
        return item
    return None if line == b"NOT_FOUND" else refusal(line)


def _ended() -> Exception:
    return ConnectionResetError("the connection has ended")

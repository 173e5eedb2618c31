"""Reads of concurrent tasks combined into one call, for drivers whose connections carry one at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

AddressT = TypeVar("AddressT")
FoundT = TypeVar("FoundT")

PER_CALL = 500
"""Maximum number of reads per call: this many replies of usual size fit into one or two socket reads."""


@dataclass
class _Turn(Generic[AddressT, FoundT]):
    """The reads of one event loop."""

    under_way: int = 0
    waiting: "list[tuple[AddressT, asyncio.Future[FoundT | None]]]" = field(
        default_factory=list["tuple[AddressT, asyncio.Future[FoundT | None]]"]
    )


class GatheredReads(Generic[AddressT, FoundT]):
    """Sends the reads of a single task unchanged, and combines those of several tasks.

    While a read is in progress, the next one waits for other reads of the same turn of the event loop.
    """

    def __init__(
        self,
        read: Callable[[Sequence[AddressT]], Awaitable[Sequence[FoundT | None]]],
        run: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        """Initialize with functions to read and to run a task.

        Args:
            read: Returns the data at each of several distinct addresses.
            run: Runs a coroutine as a task of the store, which starts after it has returned.
        """
        self._read = read
        self._run = run
        self._turns: WeakKeyDictionary[asyncio.AbstractEventLoop, _Turn[AddressT, FoundT]] = (
            WeakKeyDictionary()
        )

    async def get(self, address: AddressT) -> FoundT | None:
        """Return the data at an address."""
        loop = asyncio.get_running_loop()
        turn = self._turns.get(loop) or self._turns.setdefault(loop, _Turn())
        if turn.under_way or turn.waiting:
            future: asyncio.Future[FoundT | None] = loop.create_future()
            if not turn.waiting:
                # Use a separate task, since any of the waiting tasks may be cancelled.
                self._run(self._send(turn))
            turn.waiting.append((address, future))
            return await future
        turn.under_way += 1
        try:
            [found] = await self._read([address])
            return found
        finally:
            turn.under_way -= 1

    async def _send(self, turn: _Turn[AddressT, FoundT]) -> None:
        waiting, turn.waiting = turn.waiting, []
        turn.under_way += 1
        try:
            parts = range(0, len(waiting), PER_CALL)
            await asyncio.gather(*(self._answer(waiting[start : start + PER_CALL]) for start in parts))
        finally:
            turn.under_way -= 1

    async def _answer(self, waiting: "Sequence[tuple[AddressT, asyncio.Future[FoundT | None]]]") -> None:
        addresses = list(dict.fromkeys(address for address, future in waiting if not future.done()))
        if not addresses:
            return
        try:
            found = dict(zip(addresses, await self._read(addresses), strict=True))
        except Exception as error:  # noqa: BLE001 -- raised where the answers are awaited
            for _, future in waiting:
                if not future.done():
                    future.set_exception(error)
            return
        for address, future in waiting:
            if not future.done():
                future.set_result(found[address])

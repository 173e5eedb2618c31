"""The calling of hooks, shared by `BytesStore` and `RowStore`."""

import asyncio
import re
import sys
from abc import ABC
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, ClassVar, ParamSpec, TypeVar

from typing_extensions import override

from key_value.aio._utils.arguments import check_timeout
from key_value.aio._utils.cancellations import cancellations
from key_value.aio._utils.time_limit import TimeLimit
from key_value.aio.errors import (
    BaseKeyValueError,
    OutcomeUnknownError,
    StoreConnectionError,
    StoreTimeoutError,
    StoreUnreachableError,
)
from key_value.aio.stores.base.batches import BatchLimit, for_each_part
from key_value.aio.stores.base.calls import WriteOrder
from key_value.aio.stores.base.names import Names
from key_value.aio.stores.base.store import BaseStore

_ANOTHER_LOOP = re.compile("different (event )?loop|event loop is closed", re.IGNORECASE)
_CLOSED_TRANSPORT = "the handler is closed"
"""What uvloop raises for a write to a closed connection; asyncio's own loops ignore such a write."""

_LOSES_CANCELLATIONS = sys.version_info < (3, 12)
"""Whether `asyncio.wait_for` in a driver loses a cancellation that meets the end of what it awaits."""

P = ParamSpec("P")
T = TypeVar("T")


class HookedStore(BaseStore, ABC):
    """A store whose hooks are one driver call each; this class decides how they are called.

    A call ends within the store's `timeout`. A write runs to completion even if its caller is cancelled, and
    writes to the same entry keep their order. Batches are split at `batch_limit`. A driver's exceptions are
    mapped.
    """

    names: Names = Names()
    """Names that the backend can hold; a store that learns them from its backend sets it per instance."""

    batch_limit: ClassVar[BatchLimit] = BatchLimit()
    """Maximum size of one call to the backend."""

    read_limit: ClassVar[BatchLimit | None] = None
    """Maximum size of one `get_many` call, if it differs from `batch_limit`."""

    writes_in_order: ClassVar[bool] = False
    """Whether the backend performs the writes of this store one after another, each to completion.

    This holds for a `Worker` with one thread. It also holds for a connection shared by all tasks, if a
    cancelled caller still waits there for the reply to its write.
    """

    settles_writes: ClassVar[bool] = False
    """Whether a cancelled write ends before its hook raises CancelledError, as the jobs of a `Worker` do."""

    bounds_calls: ClassVar[bool] = False
    """Whether the client itself ends each call within `timeout`, which costs less than a timer per call."""

    reconnects: ClassVar[bool] = False
    """Whether calls use a connection that may break; repeatable calls are then retried once."""

    gathers_reads: ClassVar[bool] = False
    """Whether concurrent single reads of several tasks are combined into one call of the batch hook.

    For drivers whose connections carry one call at a time.
    """

    def __init__(self, *, timeout: float | None = None, **kwargs: Any) -> None:
        """Create a store. Nothing is opened or created before its first use.

        Args:
            timeout: Maximum duration of a hook call, in seconds; None sets no limit.
            **kwargs: Arguments of `BaseStore`.

        Raises:
            ValueError: `timeout` is not positive.
        """
        super().__init__(**kwargs)
        self.timeout = check_timeout(timeout)
        self._is_local = self.timeout is None and not self.reconnects
        """Whether calls are neither limited in time nor repeated."""
        self._write_order = WriteOrder()
        self._time_limit = None if timeout is None or self.bounds_calls else TimeLimit(timeout)

    @override
    def _map_error(self, error: Exception) -> BaseKeyValueError | None:
        if type(error) is TimeoutError and self.timeout is not None:
            return StoreTimeoutError(message=f"{self!r} did not respond within {self.timeout} s")
        if type(error) is RuntimeError:
            text = str(error)
            if _ANOTHER_LOOP.search(text):
                # This is a client that was passed in: one that the store opens belongs to the running loop.
                return StoreConnectionError(message=f"{self!r}: the client belongs to another event loop")
            if _CLOSED_TRANSPORT in text:
                return StoreConnectionError(message=f"{self!r}: the connection is closed")
        return super()._map_error(error)

    @override
    async def _release(self) -> None:
        # If their client is closed during a call, some drivers react as if the caller had been cancelled.
        if self._time_limit is not None:
            await self._time_limit.rest()
        await super()._release()

    @override
    async def _prepare_to_read(self, collection: str) -> None:
        await self.setup()

    def _fetch(self, read: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Await a read hook."""
        return read(*args, **kwargs) if self._is_local else self._attempt(partial(read, *args, **kwargs))

    def _change(
        self, entries: Sequence[str], write: Callable[[], Awaitable[T]], *, repeatable: bool = False
    ) -> Awaitable[T]:
        """Await a write hook to completion, after the earlier writes to the same entries.

        Args:
            entries: Identifiers of the entries that are written.
            write: Calls the hook.
            repeatable: Whether calling the hook twice has the same effect as calling it once.
        """
        if self.writes_in_order:
            return write() if self._is_local else self._attempt(write, repeatable=repeatable)
        attempt = partial(self._attempt, repeatable=repeatable)
        return self._write_order.run(entries, write, attempt, settles=self.settles_writes)

    async def _change_if(self, entries: Sequence[str], write: Callable[[], Awaitable[T]]) -> T:
        """Await a conditional write hook.

        Raises:
            OutcomeUnknownError: The reply was lost, so the write may have happened.
        """
        if self._is_local:
            # Within this process no reply can be lost.
            return await self._change(entries, write)
        try:
            return await self._change(entries, write)
        except StoreUnreachableError:
            raise
        except (StoreConnectionError, StoreTimeoutError) as error:
            raise OutcomeUnknownError(
                message=f"{self!r} did not respond to a conditional write, "
                f"which may have been applied: {error}"
            ) from error

    async def _attempt(self, call: Callable[[], Awaitable[T]], *, repeatable: bool = True) -> T:
        """Await a hook, and once more if the connection was broken and the hook is repeatable."""
        task = asyncio.current_task() if _LOSES_CANCELLATIONS else None
        may_repeat = repeatable and self.reconnects
        while True:
            cancelled = 0 if task is None else cancellations(task)
            try:
                if self._time_limit is None:
                    result = await call()
                else:
                    with self._time_limit.start():
                        result = await call()
            except Exception as error:
                ours = self._ours(error)
                if not may_repeat or not isinstance(ours, StoreConnectionError) or ours.nothing_was_sent:
                    if ours is error:
                        raise
                    raise ours from error
            else:
                if task is not None and cancellations(task) > cancelled:
                    raise asyncio.CancelledError
                return result
            may_repeat = False

    async def _in_parts(
        self,
        name: str,
        keys: Sequence[str],
        sizes: Sequence[int],
        operation: Callable[[slice], Awaitable[Sequence[T | Exception]]],
        limit: BatchLimit | None = None,
    ) -> list[T]:
        """Call a batch hook for each part of a batch, split at `batch_limit` unless another limit is given.

        See `for_each_part`.
        """

        async def run(part: slice) -> Sequence[T | Exception]:
            with self._driver_errors:
                results = await operation(part)
            return [self._ours(each) if isinstance(each, Exception) else each for each in results]

        parts = (limit or self.batch_limit).parts(sizes)
        return await for_each_part(keys, parts, run, name=name, max_concurrency=self.max_concurrency)

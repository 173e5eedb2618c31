"""A lock in a store: leased, renewed while it is held, with a fencing token."""

import asyncio
import contextlib
import logging
import random
import sys
import time
from types import TracebackType
from typing import Any, NamedTuple, cast
from uuid import uuid4

from typing_extensions import Self

from key_value.aio._utils.cancellations import cancellations
from key_value.aio._utils.tasks import start_task
from key_value.aio._utils.time_limit import TimeLimit
from key_value.aio._utils.time_to_live import prepare_ttl
from key_value.aio._utils.uncopyable import Uncopyable
from key_value.aio.adapters.raise_on_missing import RaiseOnMissingAdapter
from key_value.aio.errors import BaseKeyValueError
from key_value.aio.protocols.abilities import (
    AsyncCompareAndSetProtocol,
    AsyncPutIfAbsentProtocol,
    TimeToLive,
)
from key_value.aio.protocols.key_value import AsyncKeyValue

logger = logging.getLogger(__name__)

_FAILURES = (BaseKeyValueError, ConnectionError, TimeoutError, asyncio.TimeoutError)

_FIRST_WAIT, _LONGEST_WAIT = 0.01, 0.5
"""Approximate seconds between two attempts to acquire: the wait doubles, up to the longest one."""


class LockLostError(BaseKeyValueError):
    """A lock was lost while it was held, and the body of its `async with` was cancelled."""


class _Lease(NamedTuple):
    holder: str
    token: int
    version: str
    ends: float
    """Time on the monotonic clock at which the lease ends unless it is renewed."""


class KeyValueLock(Uncopyable):
    """A lock with one holder among all tasks, threads, processes and hosts that share a store.

    ```python
    async with KeyValueLock(store, "nightly-report", ttl=30) as lock:
        await write_report(fencing_token=lock.token)
    ```

    The holder has a lease of `ttl` seconds, which is renewed in the background after each third of that time.
    If the holder is killed, the lease simply ends. A holder that is suspended, or cut off from the store, for
    longer than its lease loses the lock: `lost` is set, and with `cancel_on_loss` the body is cancelled and
    `LockLostError` is raised. Neither undoes what the body has already sent elsewhere, so send `token` with
    each request. Every holder's token is larger than those before, so a resource that rejects a token smaller
    than the largest it has seen is safe from late writes.

    The lock is stored as the entry `lock:<name>`, and the last token as `token:<name>`, which never expires.
    One object is one user of the lock and cannot hold it twice.
    """

    def __init__(
        self,
        store: AsyncKeyValue,
        name: str,
        *,
        ttl: TimeToLive = 30.0,
        collection: str | None = None,
        cancel_on_loss: bool = False,
    ) -> None:
        """Initialize a lock. Nothing is stored yet.

        Args:
            store: Store with `put_if_absent`, `get_versioned`, `put_if_version` and `delete_if_version`.
            name: Name of the lock.
            ttl: Duration of a lease that is not renewed, in seconds or as a timedelta.
            collection: Collection of the lock's entries.
            cancel_on_loss: Whether to cancel the body of `async with` when the lock is lost.

        Raises:
            TypeError: The store lacks an ability.
            InvalidTTLError: `ttl` is not positive and finite.
        """
        for protocol in (AsyncPutIfAbsentProtocol, AsyncCompareAndSetProtocol):
            if not isinstance(store, protocol):
                raise TypeError(
                    f"{type(store).__name__} cannot be used for a lock: "
                    f"it does not implement {protocol.__name__}"
                )
        self.name = name
        self.lost = asyncio.Event()
        self._entries = RaiseOnMissingAdapter(store)
        self._ttl = prepare_ttl(ttl) or 0.0
        self._collection = collection
        self._cancel_on_loss = cancel_on_loss
        self._in_use = False
        self._lease: _Lease | None = None
        self._renewal: asyncio.Task[None] | None = None
        self._cancelled: asyncio.Task[Any] | None = None
        self._cancellations = 0

    @property
    def token(self) -> int:
        """The fencing token, larger than that of every earlier holder.

        Raises:
            RuntimeError: The lock is not held.
        """
        if self._lease is None:
            raise RuntimeError(f"The lock {self.name!r} is not held")
        return self._lease.token

    async def acquire(self, *, timeout: float | None = None) -> bool:
        """Acquire the lock, waiting while another holder has it.

        Args:
            timeout: Maximum time to wait, in seconds; 0 makes one attempt, None waits indefinitely.

        Returns:
            True if the lock was acquired.

        Raises:
            RuntimeError: This object already holds or awaits the lock.
        """
        if self._in_use:
            raise RuntimeError(
                f"This object already holds or awaits the lock {self.name!r}: create another one"
            )
        self._in_use = True
        try:
            self._lease = await self._acquire(None if timeout is None else time.monotonic() + timeout)
        finally:
            self._in_use = self._lease is not None
        if self._lease is None:
            return False
        self.lost = asyncio.Event()
        body = asyncio.current_task()
        self._cancellations = 0 if body is None else cancellations(body)
        self._renewal = start_task(self._keep_renewing(body))
        return True

    async def release(self) -> None:
        """Release the lock if it is still held; otherwise do nothing.

        If the store cannot be reached, a warning is logged and the lease ends by itself.
        """
        lease, renewal = self._lease, self._renewal
        if lease is None or renewal is None:
            return
        while not renewal.done():
            renewal.cancel()
            # A store may lose a cancellation, as `asyncio.wait_for` does before Python 3.12.
            await asyncio.wait([renewal], timeout=_LONGEST_WAIT)
        lease, self._lease, self._renewal, self._in_use = self._lease, None, None, False
        try:
            if not self.lost.is_set() and lease is not None:
                await self._delete(lease.holder, lease.version)
        except _FAILURES as error:
            logger.warning(
                "The lock %r could not be released, and will expire on its own: %r", self.name, error
            )

    async def __aenter__(self) -> Self:
        await self.acquire()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self.release()
        except asyncio.CancelledError:
            if self._cancelled is None:
                raise
            # The cancellation was meant for the body, which had just ended.
            await self.release()
        cancelled, self._cancelled = self._cancelled, None
        if cancelled is None:
            return
        if sys.version_info >= (3, 11):
            cancelled.uncancel()
        if exc_type in (None, asyncio.CancelledError):
            if cancellations(cancelled) > self._cancellations:
                # The body was also cancelled by something else.
                raise asyncio.CancelledError
            raise LockLostError(f"The lock {self.name!r} was lost while it was held") from exc_value

    async def _acquire(self, deadline: float | None) -> _Lease | None:
        holder, wait = uuid4().hex, _FIRST_WAIT
        while True:
            lease = await self._attempt(holder)
            if lease is not None:
                return lease
            seconds = random.uniform(wait / 2, wait)  # noqa: S311  -- not a secret
            if deadline is not None and time.monotonic() + seconds > deadline:
                return None
            await asyncio.sleep(seconds)
            wait = min(wait * 2, _LONGEST_WAIT)

    async def _attempt(self, holder: str) -> _Lease | None:
        """Take the lease if it is free and draw a token; the lock is held once the entry has the token."""
        try:
            return await self._take(holder)
        except BaseException:
            with contextlib.suppress(*_FAILURES):
                await self._give_up(holder)
            raise

    async def _take(self, holder: str) -> _Lease | None:
        ends = time.monotonic() + self._ttl
        if not await self._entries.put_if_absent(
            self._key, {"holder": holder, "token": 0}, collection=self._collection, ttl=self._ttl
        ):
            return None
        counted = await self._entries.update(
            f"token:{self.name}", _add_one, default={"token": 0}, collection=self._collection
        )
        version = await self._own_version(holder)
        if version is None:
            return None
        return await self._write(_Lease(holder, counted["token"], version, ends))

    async def _write(self, lease: _Lease) -> _Lease | None:
        """Restart the lease; return None if it no longer belongs to this holder."""
        ends = time.monotonic() + self._ttl
        version = await self._entries.put_if_version(
            self._key,
            {"holder": lease.holder, "token": lease.token},
            version=lease.version,
            collection=self._collection,
            ttl=self._ttl,
        )
        return None if version is None else lease._replace(version=version, ends=ends)

    async def _own_version(self, holder: str) -> str | None:
        found = await self._entries.get_versioned(self._key, collection=self._collection)
        return found.version if found is not None and found.value.get("holder") == holder else None

    async def _give_up(self, holder: str) -> None:
        await self._delete(holder, await self._own_version(holder))

    async def _delete(self, holder: str, version: str | None) -> None:
        while version is not None and not await self._entries.delete_if_version(
            self._key, version=version, collection=self._collection
        ):
            # A write whose reply was lost may have changed the version.
            version = await self._own_version(holder)

    async def _keep_renewing(self, body: "asyncio.Task[Any] | None") -> None:
        pause = self._ttl / 3
        while (lease := self._lease) is not None and time.monotonic() < lease.ends:
            await asyncio.sleep(max(0.0, min(pause, lease.ends - time.monotonic())))
            pause = self._ttl / 10
            if time.monotonic() >= lease.ends:
                break
            # Whatever the store raises, the lease ends if the failure lasts.
            with contextlib.suppress(Exception):
                with TimeLimit(lease.ends - time.monotonic()).start():
                    renewed = await self._renew(lease)
                if renewed is None:
                    break
                self._lease, pause = renewed, self._ttl / 3
        self.lost.set()
        if self._cancel_on_loss and body is not None and not body.done():
            self._cancelled = body
            body.cancel()

    async def _renew(self, lease: _Lease) -> _Lease | None:
        renewed = await self._write(lease)
        while renewed is None:
            # A renewal whose reply was lost may have changed the version.
            version = await self._own_version(lease.holder)
            if version is None:
                return None
            renewed = await self._write(lease._replace(version=version))
        return renewed

    @property
    def _key(self) -> str:
        return f"lock:{self.name}"


def _add_one(counted: Any) -> dict[str, Any]:
    return {"token": cast("int", counted["token"]) + 1}

"""Set up, close and reopen a store."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Any, ClassVar, TypeAlias, TypeVar

from typing_extensions import Self, override

from key_value.aio._utils.arguments import check_collection
from key_value.aio._utils.tasks import start_task
from key_value.aio._utils.uncopyable import Uncopyable
from key_value.aio.errors import (
    BaseKeyValueError,
    KeyValueStoreError,
    StoreAuthenticationError,
    StoreClosedError,
    StoreConnectionError,
    StoreSetupAuthenticationError,
    StoreSetupConnectionError,
    StoreSetupError,
    StoreSetupTimeoutError,
    StoreTimeoutError,
)
from key_value.aio.stores.base.once import Once

ErrorTable: TypeAlias = Sequence[
    tuple[type[Exception] | tuple[type[Exception], ...], type[KeyValueStoreError]]
]

ResourceT = TypeVar("ResourceT", bound=AbstractAsyncContextManager[Any])

_SETUP_ERRORS: Sequence[tuple[type[KeyValueStoreError], type[StoreSetupError]]] = (
    (StoreConnectionError, StoreSetupConnectionError),
    (StoreTimeoutError, StoreSetupTimeoutError),
    (StoreAuthenticationError, StoreSetupAuthenticationError),
)

MAXIMUM_PREPARED_COLLECTIONS = 65_536
"""Maximum number of collections that a store remembers as set up; beyond that, it sets them up again."""


class Lifecycle(Uncopyable):
    """The part of a store that covers setup, closing and the mapping of driver errors."""

    errors: ClassVar[
        Sequence[tuple[type[Exception] | tuple[type[Exception], ...], type[KeyValueStoreError]]]
    ] = ()
    """A driver's exceptions and the errors to raise for them; the first matching row applies.

    Connection and timeout errors are transient: `RetryWrapper` retries them. An exception without a row is
    raised unchanged.
    """

    location: str = ""
    """Location of the data, for `repr` and messages: a path, or a URL without its password."""

    def __init__(self) -> None:
        self._driver_errors = _DriverErrors(self._ours)
        self._exit_stack = AsyncExitStack()
        self._resources: list[AbstractAsyncContextManager[Any]] = []
        self._once = Once(self._set_up)
        self._collections_once: dict[str, Once] = {}
        self._prepared: set[str] = set()
        self._background: set[asyncio.Task[None]] = set()
        self._closed = False

    @override
    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.location!r})" if self.location else f"{type(self).__name__}()"

    def _owns(self, resource: ResourceT) -> ResourceT:
        """Enter a resource at every setup, and close it with the store; to be called in `__init__`.

        Args:
            resource: Async context manager, such as a `Worker` or a `ClientPerLoop`.

        Returns:
            The resource.
        """
        self._resources.append(resource)
        return resource

    async def _setup(self) -> None:
        """Hook: prepare the store before its first operation.

        It runs once, and again after it failed or the store was closed. Everything registered with
        `self._exit_stack` is closed with the store, or when this hook raises.
        """

    async def _setup_collection(self, *, collection: str) -> None:
        """Hook: prepare a collection; runs once before its first use.

        It must be safe to run again, since it does after `destroy`, `close`, and the use of many other
        collections.
        """

    async def _seed(self) -> None:
        """Hook: store the seed data; runs at the end of the store's setup."""

    async def _cleanup_failed_setup(self) -> None:
        """Hook: undo a setup that failed partway."""
        await self._release()

    def _map_error(self, error: Exception) -> BaseKeyValueError | None:
        """Hook: map a driver's exception to the error to raise for it; None raises the exception unchanged.

        By default it uses the table `errors`. It applies to every hook, including batches, setup and `close`.
        """
        for driver, ours in self.errors:
            if isinstance(error, driver):
                return ours(message=f"{self!r}: {error or type(error).__name__}")
        return None

    def _ours(self, error: Exception) -> Exception:
        """Return the error to raise for a driver's exception, which is its cause; return others unchanged."""
        mapped = None if isinstance(error, BaseKeyValueError) else self._map_error(error)
        if mapped is None:
            return error
        mapped.__cause__ = error
        return mapped

    async def setup(self) -> None:
        """Prepare the store now rather than on first use.

        Raises:
            StoreSetupError: The store could not be set up; the next call tries again.
            StoreClosedError: The store was closed.
        """
        self._refuse_if_closed()
        try:
            await self._once.ensure()
        except Exception as error:
            raise self._setup_error("could not be set up", error) from error
        self._refuse_if_closed()

    async def setup_collection(self, *, collection: str) -> None:
        """Prepare the store and one of its collections now rather than on first use.

        Args:
            collection: Collection to prepare.

        Raises:
            StoreSetupError: The store or collection could not be set up; the next call tries again.
            StoreClosedError: The store was closed.
        """
        check_collection(collection)
        await self.setup()
        if collection in self._prepared:
            return
        if type(self)._setup_collection is Lifecycle._setup_collection:
            self._remember(collection)
            return
        once = self._collections_once.get(collection)
        if once is None:
            once = Once(partial(self._set_up_collection, collection))
            once = self._collections_once.setdefault(collection, once)
        try:
            await once.ensure()
        except Exception as error:
            raise self._setup_error(f"could not set up the collection {collection!r}", error) from error

    def _setup_error(self, what: str, cause: Exception) -> StoreSetupError:
        kind = next((kind for base, kind in _SETUP_ERRORS if isinstance(cause, base)), StoreSetupError)
        # An error from the `errors` table already names the store.
        return kind(message=f"{self!r} {what}: {str(cause).removeprefix(f'{self!r}: ')}")

    async def close(self) -> None:
        """Close everything that the store opened; after that the store cannot be used.

        A client that was passed in stays open. Closing twice is harmless; `async with` opens the store again.
        """
        self._closed = True
        self._prepared.clear()
        once, self._once = self._once, Once(self._set_up)
        await once.rest()
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(task for task in self._background if task.get_loop() is loop))
        await self._release()

    async def __aenter__(self) -> Self:
        self._closed = False
        await self.setup()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _prepare_to_read(self, collection: str) -> None:
        """Set up everything that a read of a collection needs, unless the collection is in `_prepared`.

        Stores written for the 0.5 series rely on their collection being set up; `BytesStore` and `RowStore`
        create nothing before a read.
        """
        await self.setup_collection(collection=collection)

    def _forget_prepared(self, collection: str | None = None) -> None:
        """Make the store set up one collection, or all of them, again before their next use."""
        if collection is None:
            self._prepared.clear()
        else:
            self._prepared.discard(collection)

    def _run_in_background(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine as a background task of the store; `close` waits for it."""
        task = start_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise StoreClosedError(message="The store is closed", extra_info={"store": type(self).__name__})

    async def _set_up(self) -> None:
        try:
            with self._driver_errors:
                for resource in self._resources:
                    await self._exit_stack.enter_async_context(resource)
                await self._setup()
                await self._seed()
        except BaseException:
            await self._cleanup_failed_setup()
            raise

    async def _set_up_collection(self, collection: str) -> None:
        try:
            with self._driver_errors:
                await self._setup_collection(collection=collection)
        finally:
            self._collections_once.pop(collection, None)
        self._remember(collection)

    def _remember(self, collection: str) -> None:
        if len(self._prepared) >= MAXIMUM_PREPARED_COLLECTIONS:
            self._prepared.clear()
        self._prepared.add(collection)

    async def _release(self) -> None:
        exit_stack, self._exit_stack = self._exit_stack, AsyncExitStack()
        with self._driver_errors:
            await exit_stack.aclose()


class _DriverErrors:
    """A context that converts a driver's exceptions to store errors; the driver's exception is the cause."""

    __slots__ = ("_ours",)

    def __init__(self, ours: Callable[[Exception], Exception]) -> None:
        self._ours = ours

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(exc_value, Exception):
            error = self._ours(exc_value)
            if error is not exc_value:
                raise error from exc_value

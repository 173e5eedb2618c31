"""Setting a store up, closing it, and opening it again."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Any, ClassVar, TypeAlias, TypeVar

from typing_extensions import Self, override

from key_value.aio._utils.arguments import check_collection
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
"""How many collections a store remembers to have set up, before it sets them up again."""


class Lifecycle(Uncopyable):
    """The part of a store that comes before and after its operations, and its driver's errors."""

    errors: ClassVar[
        Sequence[tuple[type[Exception] | tuple[type[Exception], ...], type[KeyValueStoreError]]]
    ] = ()
    """A driver's exceptions and the errors to raise for them; the first row that fits counts.

    Connection and timeout errors are transient: `RetryWrapper` tries again. An exception without a row is
    raised as it is.
    """

    location: str = ""
    """Where the data is, for `repr` and messages: a path, a URL without its password."""

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
            resource: An async context manager, such as a `Worker` or a `ClientPerLoop`.

        Returns:
            The resource.
        """
        self._resources.append(resource)
        return resource

    async def _setup(self) -> None:
        """Hook: prepare the store, before anything else is done with it.

        It runs once, and again after it failed or the store was closed. What it registers with
        `self._exit_stack` is closed when the store is, or when this raises.
        """

    async def _setup_collection(self, *, collection: str) -> None:
        """Hook: prepare a collection; runs once before it is used.

        It must do no harm if it runs again: it does after `destroy`, `close`, and many other collections.
        """

    async def _seed(self) -> None:
        """Hook: fill the store for the first time; runs at the end of its setup."""

    async def _cleanup_failed_setup(self) -> None:
        """Hook: undo what a setup did before it failed."""
        await self._release()

    def _map_error(self, error: Exception) -> BaseKeyValueError | None:
        """Hook: map a driver's exception to the error to raise for it; None raises the exception itself.

        By default the table `errors` is read. It is called around every hook, in batches, setup and `close`
        too.
        """
        for driver, ours in self.errors:
            if isinstance(error, driver):
                return ours(message=f"{self!r}: {error or type(error).__name__}")
        return None

    def _ours(self, error: Exception) -> Exception:
        """Return the error to raise for a driver's exception, which is its cause; any other as it is."""
        mapped = None if isinstance(error, BaseKeyValueError) else self._map_error(error)
        if mapped is None:
            return error
        mapped.__cause__ = error
        return mapped

    async def setup(self) -> None:
        """Prepare the store now rather than at its first use.

        Raises:
            StoreSetupError: It could not be set up; the next call tries again.
            StoreClosedError: It was closed.
        """
        self._refuse_if_closed()
        try:
            await self._once.ensure()
        except Exception as error:
            raise self._setup_error("could not be set up", error) from error
        self._refuse_if_closed()

    async def setup_collection(self, *, collection: str) -> None:
        """Prepare the store and one of its collections now rather than at their first use.

        Args:
            collection: The collection.

        Raises:
            StoreSetupError: They could not be set up; the next call tries again.
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
        # An error of the table of errors names the store already.
        return kind(message=f"{self!r} {what}: {str(cause).removeprefix(f'{self!r}: ')}")

    async def close(self) -> None:
        """Close what the store opened, after which it refuses to be used.

        A client that was passed in stays open. To close twice does no harm; `async with` opens it again.
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
        """Set up what a read of a collection needs, unless it is in `_prepared`.

        Stores written for the 0.5 series rely on their collection being set up; `BytesStore` and `RowStore`
        create nothing before a read.
        """
        await self.setup_collection(collection=collection)

    def _forget_prepared(self, collection: str | None = None) -> None:
        """Set a collection, or all of them, up again before their next use."""
        if collection is None:
            self._prepared.clear()
        else:
            self._prepared.discard(collection)

    def _run_in_background(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something as a task of the store's own, for which `close` waits."""
        task = asyncio.get_running_loop().create_task(work)
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
    """A context in which a driver's exceptions become ours, with the driver's own as the cause."""

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

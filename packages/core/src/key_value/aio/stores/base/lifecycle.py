"""Setting a store up, closing it, and opening it again."""

from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import ClassVar

from typing_extensions import Self

from key_value.aio._utils.arguments import check_collection
from key_value.aio.errors import (
    BaseKeyValueError,
    ExtraInfoType,
    StoreClosedError,
    StoreConnectionError,
    StoreSetupConnectionError,
    StoreSetupError,
    StoreSetupTimeoutError,
    StoreTimeoutError,
)
from key_value.aio.stores.base.driver_errors import DriverErrors
from key_value.aio.stores.base.once import Once

MAXIMUM_PREPARED_COLLECTIONS = 65_536
"""How many collections a store remembers to have set up, before it sets them up again."""


class Lifecycle:
    """The part of a store that comes before and after its operations."""

    sets_up_collections_for_reads: ClassVar[bool] = True
    """Whether a collection is set up before it is first read, or only before it is first written.

    The 0.5 series did the first. A store whose `_setup_collection` creates something says False, and answers
    a read of what is not there with a miss.
    """

    def __init__(self) -> None:
        self._driver_errors = DriverErrors(self._store_error)
        self._exit_stack = AsyncExitStack()
        self._once = Once(self._set_up)
        self._collections_once: dict[str, Once] = {}
        self._prepared: set[str] = set()
        self._closed = False

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

    def _store_error(self, error: Exception) -> BaseKeyValueError | None:
        """Hook: what a driver's error means to an application; None leaves it as it is."""
        return None

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
            message = f"Failed to setup key value store: {error}"
            raise _setup_error(message, {"store": type(self).__name__}, error) from error
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
            raise _setup_error(
                f"Failed to setup collection: {error}", {"collection": collection}, error
            ) from error

    async def close(self) -> None:
        """Close what the store opened, after which it refuses to be used.

        A client that was passed in stays open. To close twice does no harm; `async with` opens it again.
        """
        self._closed = True
        self._prepared.clear()
        once, self._once = self._once, Once(self._set_up)
        await once.rest()
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

    async def _prepare(self, collection: str, *, reading: bool = False) -> None:
        """What an operation does first, unless its collection is in `_prepared`."""
        if reading and not self.sets_up_collections_for_reads:
            await self.setup()
        else:
            await self.setup_collection(collection=collection)

    def _forget_prepared(self, collection: str | None = None) -> None:
        """Set a collection, or all of them, up again before their next use."""
        if collection is None:
            self._prepared.clear()
        else:
            self._prepared.discard(collection)

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise StoreClosedError(message="The store is closed", extra_info={"store": type(self).__name__})

    async def _set_up(self) -> None:
        try:
            with self._driver_errors:
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
        await exit_stack.aclose()


def _setup_error(message: str, extra_info: ExtraInfoType, cause: Exception) -> StoreSetupError:
    kind: type[StoreSetupError] = StoreSetupError
    if isinstance(cause, StoreConnectionError):
        kind = StoreSetupConnectionError
    elif isinstance(cause, StoreTimeoutError):
        kind = StoreSetupTimeoutError
    return kind(message=message, extra_info=extra_info)

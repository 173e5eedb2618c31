"""Setup: it runs once, a cancelled setup does not affect other callers, and a failed one is retried."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest

from key_value.aio.errors import StoreClosedError, StoreSetupError
from key_value.aio.stores.base import BaseStore
from key_value.aio.testing.operations import Store
from key_value.aio.testing.selection import states, when
from key_value.aio.testing.suites.base import Conformance


class _Setup:
    """A setup hook that fails a number of times, and otherwise waits until it is released."""

    def __init__(self, *, failures: int = 0) -> None:
        self.failures = failures
        self.calls = 0
        self.begun = asyncio.Event()
        self.let_go = asyncio.Event()

    def wrap(self, original: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        async def setup() -> None:
            self.calls += 1
            self.begun.set()
            if self.calls <= self.failures:
                raise OSError("the backend is away")
            await self.let_go.wait()
            await original()

        return setup


class SetupConformance(Conformance):
    """The guarantees of `BaseStore` for `_setup`, kept by stores that override it."""

    @when(states(on_base_store=True))
    async def test_setup_can_be_repeated(self, store: Store, collection: str) -> None:
        await store.put("key", {"a": 1}, collection=collection)
        setup = self._base(store).setup
        await asyncio.gather(*(setup() for _ in range(10)))
        assert await store.get("key", collection=collection) == self.kept({"a": 1})

    @when(states(on_base_store=True))
    async def test_first_use_by_many_tasks_sets_up_once(
        self, store: Store, collection: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        setup = await self._closed_with(store, _Setup(), monkeypatch)
        opening = asyncio.create_task(store.__aenter__())
        await asyncio.wait_for(setup.begun.wait(), timeout=30)
        users = [asyncio.create_task(store.get("key", collection=collection)) for _ in range(20)]
        await asyncio.sleep(0)
        setup.let_go.set()
        await asyncio.wait_for(opening, timeout=30)
        await asyncio.wait_for(asyncio.gather(*users), timeout=30)
        assert setup.calls == 1

    @when(states(on_base_store=True))
    async def test_a_cancelled_setup_harms_no_other_user(
        self, store: Store, collection: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        setup = await self._closed_with(store, _Setup(), monkeypatch)
        opening = asyncio.create_task(store.__aenter__())
        await asyncio.wait_for(setup.begun.wait(), timeout=30)
        users = [asyncio.create_task(store.get("key", collection=collection)) for _ in range(3)]
        await asyncio.sleep(0)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        setup.let_go.set()
        assert await asyncio.wait_for(asyncio.gather(*users), timeout=30) == [None] * 3

    @when(states(on_base_store=True))
    async def test_a_store_that_is_closed_during_its_setup_is_closed(
        self, store: Store, collection: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        setup = await self._closed_with(store, _Setup(), monkeypatch)
        opening = asyncio.create_task(store.__aenter__())
        await asyncio.wait_for(setup.begun.wait(), timeout=30)
        closing = asyncio.create_task(store.close())
        await asyncio.sleep(0)
        setup.let_go.set()
        await asyncio.wait_for(closing, timeout=30)
        with pytest.raises(StoreClosedError):
            await opening
        with pytest.raises(StoreClosedError):
            await store.get("key", collection=collection)

    @when(states(on_base_store=True))
    async def test_a_failed_setup_is_tried_again(
        self, store: Store, collection: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        setup = await self._closed_with(store, _Setup(failures=1), monkeypatch)
        setup.let_go.set()
        with pytest.raises(StoreSetupError) as caught:
            await store.__aenter__()
        assert any(isinstance(cause, OSError) for cause in _causes(caught.value))
        async with store:
            await store.put("key", {"a": 1}, collection=collection)
            assert await store.get("key", collection=collection) == self.kept({"a": 1})
        assert setup.calls == 2

    async def _closed_with(self, store: Store, setup: _Setup, monkeypatch: pytest.MonkeyPatch) -> _Setup:
        base = self._base(store)
        await store.close()
        monkeypatch.setattr(base, "_setup", setup.wrap(base._setup))  # pyright: ignore[reportPrivateUsage] -- a hook that store authors implement
        return setup

    def _base(self, store: Store) -> BaseStore:
        assert isinstance(store, BaseStore), "state `on_base_store = False` for a store without BaseStore"
        return store


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions that caused this one, the latest first."""
    cause = error.__cause__
    while cause is not None:
        yield cause
        cause = cause.__cause__

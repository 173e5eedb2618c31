"""Faults between a store and an HTTP server, injected by a proxy."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, ClassVar

import pytest

from key_value.aio.errors import OutcomeUnknownError, StoreConnectionError, StoreTimeoutError
from tests.servers.http_proxy import Fault, HttpProxy, answer, cut_body, drop_reply

ALWAYS = 1000
"""More requests than a test sends."""


def inject(proxy: HttpProxy, fault: Fault, request: str, *, times: int = 1) -> None:
    """Apply a fault to the next requests with a method and a part of a path, such as `POST /_bulk`."""
    method, _, part = request.partition(" ")
    proxy.inject(fault, method=method, part=part, times=times)


class HttpFaults:
    """Tests of a store that `opening` opens behind `proxy`, both fixtures of the subclass.

    Attributes:
        creation: Method of the request that stores a new entry, and a part of its path if the method alone
            is ambiguous: `POST /_bulk`.
        replacement: The same for the request that stores an entry under a version.
        removal: The same for the request that removes an entry.
        reading: The same for the request that reads an entry.
        statuses: HTTP statuses of temporary failures.
        patience: Timeout of the store for a silent server, in seconds.
    """

    creation: ClassVar[str]
    replacement: ClassVar[str]
    removal: ClassVar[str] = "DELETE"
    reading: ClassVar[str] = "GET"
    statuses: ClassVar[tuple[int, ...]]
    patience: ClassVar[float] = 0.5

    @pytest.fixture
    async def behind(self, opening: Callable[..., Any]) -> AsyncIterator[Any]:
        async with opening() as store:
            await store.put("there", {"n": 0})
            yield store

    async def test_a_conditional_write_whose_answer_is_lost_knows_its_own(
        self, behind: Any, proxy: HttpProxy
    ) -> None:
        inject(proxy, drop_reply, self.creation)
        assert await behind.put_if_absent("k", {"n": 1}) is True
        found = await behind.get_versioned("k")
        inject(proxy, drop_reply, self.replacement)
        new = await behind.put_if_version("k", {"n": 2}, version=found.version)
        assert new is not None
        assert await behind.put_if_version("k", {"n": 3}, version=new) is not None

    async def test_a_pop_whose_answer_is_lost_has_its_value(self, behind: Any, proxy: HttpProxy) -> None:
        for request in (self.replacement, self.removal):
            for number in range(5):
                await behind.put("k", {"n": number})
                inject(proxy, drop_reply, request)
                popped = await asyncio.gather(*(behind.pop("k") for _ in range(5)))
                assert [value for value in popped if value is not None] == [{"n": number}]
                assert await behind.get("k") is None
                proxy.clear()

    async def test_a_conditional_write_of_unknown_outcome_says_so(
        self, behind: Any, proxy: HttpProxy
    ) -> None:
        inject(proxy, drop_reply, self.creation, times=ALWAYS)
        inject(proxy, answer(500, "{}"), self.reading, times=ALWAYS)
        with pytest.raises((OutcomeUnknownError, StoreConnectionError)):
            await behind.put_if_absent("k", {"n": 1})

    async def test_a_failing_server_is_a_connection_error(self, behind: Any, proxy: HttpProxy) -> None:
        for status in self.statuses:
            proxy.inject(answer(status, '{"errors": ["out of order"]}'), times=ALWAYS)
            calls = (behind.get("there"), behind.get_many(["there", "k"]), behind.put("k", {}), behind.keys())
            for call in calls:
                with pytest.raises(StoreConnectionError):
                    await call
            proxy.clear()
            assert await behind.get("there") == {"n": 0}

    @pytest.mark.parametrize("fault", [drop_reply, cut_body(10)])
    async def test_a_read_that_is_cut_off_is_repeated_and_else_an_error(
        self, behind: Any, proxy: HttpProxy, fault: Fault
    ) -> None:
        proxy.inject(fault)
        assert await behind.get("there") == {"n": 0}
        proxy.inject(fault, times=ALWAYS)
        with pytest.raises(StoreConnectionError):
            await behind.get("there")

    async def test_a_silent_server_is_a_timeout(self, opening: Callable[..., Any], proxy: HttpProxy) -> None:
        async with opening(timeout=self.patience) as store:
            await store.put("there", {"n": 0})
            proxy.inject(proxy.be_silent, times=ALWAYS)
            for call in (store.get("k"), store.put("k", {}), store.keys()):
                with pytest.raises(StoreTimeoutError):
                    await call
            with pytest.raises((OutcomeUnknownError, StoreTimeoutError)):
                await store.put_if_absent("k", {})
            proxy.end()

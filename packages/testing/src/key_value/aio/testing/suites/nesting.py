"""Nesting: a stored value can be read, however deep the stack of its reader is."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

from key_value.aio.errors import SerializationError
from key_value.aio.testing.hostile_values import nested
from key_value.aio.testing.operations import READS, Store, Write
from key_value.aio.testing.suites.base import Conformance
from key_value.aio.testing.trials import over

ResultT = TypeVar("ResultT")

DEPTHS = [*range(100, 1_000, 50), *range(1_000, 5_000, 500)]
FRAMES = 150
"""Number of frames by which the reader's stack is deeper than the writer's."""


async def _deeper(frames: int, call: Callable[[], Awaitable[ResultT]]) -> ResultT:
    """Make a call from a deeper stack."""
    return await call() if frames == 0 else await _deeper(frames - 1, call)


class NestingConformance(Conformance):
    """The maximum nesting depth is fixed, and does not depend on the remaining stack."""

    @over("write")
    async def test_what_is_too_deep_to_read_is_refused(
        self, store: Store, collection: str, write: Write
    ) -> None:
        stored: list[int] = []
        for depth in DEPTHS:
            try:
                await write(store, f"key-{depth}", {"value": nested(depth)}, collection=collection)
            except SerializationError:
                break
            stored.append(depth)
        for depth in stored:
            for read in READS.values():
                found = await _deeper(FRAMES, partial(read, store, f"key-{depth}", collection=collection))
                assert found is not None
                assert _depth(found["value"]) == depth
        assert stored, "a value of 100 levels is refused"

    @over("write")
    async def test_the_limit_is_the_same_for_a_deep_writer(
        self, store: Store, collection: str, write: Write
    ) -> None:
        for depth in DEPTHS:
            accepts = partial(self._accepts, store, collection, write, depth)
            assert await _deeper(FRAMES, accepts) is await accepts(), f"{depth} levels"

    async def _accepts(self, store: Store, collection: str, write: Write, depth: int) -> bool:
        try:
            await write(store, f"key-{depth}", {"value": nested(depth)}, collection=collection)
        except SerializationError:
            return False
        await store.delete(f"key-{depth}", collection=collection)
        return True


def _depth(value: Any) -> int:
    """Return the depth of a nested list, without recursion."""
    depth = 0
    while value:
        [value] = value
        depth += 1
    return depth

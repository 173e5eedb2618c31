"""The state machine: rules that apply the same operation to a store and to its model."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast
from uuid import uuid4

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from key_value.aio.protocols import (
    AsyncCompareAndSetProtocol,
    AsyncEnumerateKeysProtocol,
    AsyncPopProtocol,
    AsyncPutIfAbsentProtocol,
    AsyncScanProtocol,
    AsyncTouchProtocol,
)
from key_value.aio.testing.clock import outlive
from key_value.aio.testing.expectations import Call, Expectations
from key_value.aio.testing.operations import Store

Entry = tuple[str, dict[str, Any]]

ResultT = TypeVar("ResultT")

_numbers = st.integers() | st.integers(-(2**130), 2**130) | st.floats(allow_nan=False, allow_infinity=False)
_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
_json = st.recursive(
    st.none() | st.booleans() | _numbers | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=6,
)
values = st.dictionaries(_text, _json, max_size=3)
keys = st.sampled_from(["a", "b", "A", "", "a:", "::", "é", "a%3A", "a/b", "x" * 300])
# Three collections that are new in each example and differ in this suffix.
endings = st.sampled_from(["", "::", "-2"])
# Longer than any example takes, or so short that the entry expires within the example.
lives = st.sampled_from(["forever", "long", "short"])


class StoreMachine(RuleBasedStateMachine):
    """Runs in a separate thread, while the store stays in the event loop of its test."""

    def __init__(
        self, store: Store, loop: asyncio.AbstractEventLoop, abilities: frozenset[type], short_ttl: float
    ) -> None:
        super().__init__()
        self._store = store
        self._loop = loop
        self._abilities = abilities
        self._short_ttl = short_ttl
        self._short_lived = 0
        self._name = f"c-{uuid4().hex}"
        self._models: dict[str, Expectations] = {}

    def _do(self, call: Callable[[], Awaitable[ResultT]]) -> tuple[ResultT, Call]:
        async def run() -> ResultT:
            return await call()

        begun = time.monotonic()
        result = asyncio.run_coroutine_threadsafe(run(), self._loop).result(timeout=60)
        return result, Call(begun, time.monotonic())

    def _collection(self, ending: str) -> tuple[str, Expectations]:
        return self._name + ending, self._models.setdefault(ending, Expectations())

    def _lifetime(self, life: str) -> float | None:
        if life == "short":
            self._short_lived += 1
            return self._short_ttl
        return None if life == "forever" else 1000

    @rule(key=keys, value=values, life=lives, ending=endings)
    def put(self, key: str, value: dict[str, Any], life: str, ending: str) -> None:
        collection, model = self._collection(ending)
        ttl = self._lifetime(life)
        _, call = self._do(lambda: self._store.put(key, value, collection=collection, ttl=ttl))
        model.write(key, value, ttl, call)

    @rule(entries=st.lists(st.tuples(keys, values), max_size=6), life=lives, ending=endings)
    def put_many(self, entries: list[Entry], life: str, ending: str) -> None:
        collection, model = self._collection(ending)
        ttl = self._lifetime(life)
        names, contents = [key for key, _ in entries], [value for _, value in entries]
        _, call = self._do(lambda: self._store.put_many(names, contents, collection=collection, ttl=ttl))
        for key, value in entries:
            model.write(key, value, ttl, call)

    @precondition(lambda self: AsyncPutIfAbsentProtocol in self._abilities)
    @rule(key=keys, value=values, life=lives, ending=endings)
    def put_if_absent(self, key: str, value: dict[str, Any], life: str, ending: str) -> None:
        collection, model = self._collection(ending)
        store, ttl = cast("AsyncPutIfAbsentProtocol", self._store), self._lifetime(life)
        stored, call = self._do(lambda: store.put_if_absent(key, value, collection=collection, ttl=ttl))
        assert key not in model.surely([key], call) if stored else key in model.possibly([key], call)
        if stored:
            model.write(key, value, ttl, call)

    @rule(key=keys, ending=endings)
    def get(self, key: str, ending: str) -> None:
        collection, model = self._collection(ending)
        value, call = self._do(lambda: self._store.get(key, collection=collection))
        model.check(key, value, call)

    @rule(names=st.lists(keys, max_size=6), ending=endings)
    def get_many(self, names: list[str], ending: str) -> None:
        collection, model = self._collection(ending)
        found, call = self._do(lambda: self._store.get_many(names, collection=collection))
        for key, value in zip(names, found, strict=True):
            model.check(key, value, call)

    @rule(names=st.lists(keys, max_size=6), ending=endings)
    def ttl_many(self, names: list[str], ending: str) -> None:
        collection, model = self._collection(ending)
        found, call = self._do(lambda: self._store.ttl_many(names, collection=collection))
        for key, (value, left) in zip(names, found, strict=True):
            model.check(key, value, call)
            model.check_left(key, value, left)

    @rule(key=keys, ending=endings)
    def ttl(self, key: str, ending: str) -> None:
        collection, model = self._collection(ending)
        (value, left), call = self._do(lambda: self._store.ttl(key, collection=collection))
        model.check(key, value, call)
        model.check_left(key, value, left)

    @rule(key=keys, ending=endings)
    def delete(self, key: str, ending: str) -> None:
        collection, model = self._collection(ending)
        deleted, call = self._do(lambda: self._store.delete(key, collection=collection))
        assert key in model.possibly([key], call) if deleted else key not in model.surely([key], call)
        model.forget([key])

    @rule(names=st.lists(keys, max_size=6), ending=endings)
    def delete_many(self, names: list[str], ending: str) -> None:
        collection, model = self._collection(ending)
        count, call = self._do(lambda: self._store.delete_many(names, collection=collection))
        assert len(model.surely(names, call)) <= count <= len(model.possibly(names, call))
        model.forget(names)

    @precondition(lambda self: AsyncEnumerateKeysProtocol in self._abilities)
    @rule(ending=endings)
    def list_keys(self, ending: str) -> None:
        collection, model = self._collection(ending)
        store = cast("AsyncEnumerateKeysProtocol", self._store)
        listed, call = self._do(lambda: store.keys(collection))
        assert len(listed) == len(set(listed))
        assert model.surely(model.all(), call) <= set(listed) <= model.possibly(model.all(), call)

    @precondition(lambda self: AsyncPopProtocol in self._abilities)
    @rule(key=keys, ending=endings)
    def pop(self, key: str, ending: str) -> None:
        collection, model = self._collection(ending)
        store = cast("AsyncPopProtocol", self._store)
        value, call = self._do(lambda: store.pop(key, collection=collection))
        model.check(key, value, call)
        model.forget([key])

    @precondition(lambda self: AsyncTouchProtocol in self._abilities)
    @rule(key=keys, life=lives, ending=endings)
    def touch(self, key: str, life: str, ending: str) -> None:
        collection, model = self._collection(ending)
        store, ttl = cast("AsyncTouchProtocol", self._store), self._lifetime(life)
        touched, call = self._do(lambda: store.touch(key, ttl=ttl, collection=collection))
        assert key in model.possibly([key], call) if touched else key not in model.surely([key], call)
        if touched:
            model.touch(key, ttl, call)

    @precondition(lambda self: AsyncCompareAndSetProtocol in self._abilities)
    @rule(key=keys, value=values, life=lives, ending=endings)
    def replace(self, key: str, value: dict[str, Any], life: str, ending: str) -> None:
        collection, model = self._collection(ending)
        store, ttl = cast("AsyncCompareAndSetProtocol", self._store), self._lifetime(life)
        found, call = self._do(lambda: store.get_versioned(key, collection=collection))
        model.check(key, found and found.value, call)
        version = found.version if found else "1"
        new, call = self._do(
            lambda: store.put_if_version(key, value, version=version, collection=collection, ttl=ttl)
        )
        assert found or new is None
        if new is None:
            assert not found or key not in model.surely([key], call)
        else:
            model.write(key, value, ttl, call)

    @precondition(lambda self: AsyncScanProtocol in self._abilities)
    @rule(ending=endings)
    def scan(self, ending: str) -> None:
        collection, model = self._collection(ending)
        store = cast("AsyncScanProtocol", self._store)
        page, call = self._do(lambda: store.scan(collection, limit=3))
        listed, begun = page.keys, call.begun
        while page.cursor is not None:
            cursor = page.cursor
            page, call = self._do(lambda: store.scan(collection, cursor=cursor, limit=3))  # noqa: B023 -- awaited at once
            listed = [*listed, *page.keys]
        assert len(listed) == len(set(listed))
        call = Call(begun, call.ended)
        assert model.surely(model.all(), call) <= set(listed) <= model.possibly(model.all(), call)

    @precondition(lambda self: self._short_lived > 0)
    @rule()
    def let_the_short_lived_expire(self) -> None:
        self._do(lambda: outlive(self._short_ttl))
        self._short_lived = 0

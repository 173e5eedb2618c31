"""The abilities that each wrapper keeps: as documented, and never more than the store has."""

import copy
import gc
import importlib
import inspect
import pickle
import pkgutil
import subprocess
import sys
import weakref
from typing import Any, cast

import pytest
from typing_extensions import override

from key_value.aio import wrappers
from key_value.aio.protocols import ABILITIES, AsyncCullProtocol, AsyncKeyValue
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.stores.null import NullStore
from key_value.aio.wrappers.base import BaseWrapper, Interceptor, Translator
from key_value.aio.wrappers.base.abilities import EVERY_ABILITY
from key_value.aio.wrappers.default_value import DefaultValueWrapper
from key_value.aio.wrappers.prefix_keys import PrefixKeysWrapper
from key_value.aio.wrappers.retry import RetryWrapper
from scripts.wrapper_table import PAGE, WRAPPERS, Wrap, written
from tests.wrappers.able import FullStore, able

BASES = {"BaseEncryptionWrapper", "BaseWrapper"}


def full() -> AsyncKeyValue:
    return cast("AsyncKeyValue", FullStore())


every_wrapper = pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)


def test_the_table_in_the_documentation_is_fresh() -> None:
    assert PAGE.read_text() == written(), "run python -m scripts.wrapper_table"


def test_the_table_has_every_wrapper() -> None:
    found: set[str] = set()
    for module in pkgutil.iter_modules(wrappers.__path__, f"{wrappers.__name__}."):
        names: list[str] = importlib.import_module(module.name).__all__
        found |= {name for name in names if name.endswith("Wrapper")}
    assert found - BASES == set(WRAPPERS)


@every_wrapper
def test_a_store_without_abilities_gets_none(wrap: Wrap) -> None:
    assert [ability for ability in EVERY_ABILITY if isinstance(wrap(NullStore()), ability)] == []


@every_wrapper
def test_it_is_true_although_it_is_empty(wrap: Wrap) -> None:
    assert wrap(MemoryStore())


@every_wrapper
def test_it_says_what_it_drops(wrap: Wrap) -> None:
    wrapper = type(wrap(MemoryStore()))
    documented = wrapper.__doc__ or ""
    assert ("Drops `" in documented) is bool(wrapper.drops), wrapper


def test_a_subclass_that_changes_delete_loses_what_reaches_around_it() -> None:
    class Soft(BaseWrapper):
        @override
        async def delete(self, key: str, *, collection: str | None = None) -> bool:
            await self.put(key, {"deleted": True}, collection=collection)
            return True

    assert not hasattr(Soft(MemoryStore()), "destroy_collection")
    assert hasattr(Soft(MemoryStore()), "put_if_absent")


def test_a_subclass_may_say_what_it_keeps() -> None:
    class Counting(BaseWrapper):
        keeps = EVERY_ABILITY
        deleted = 0

        @override
        async def delete(self, key: str, *, collection: str | None = None) -> bool:
            self.deleted += 1
            return await super().delete(key, collection=collection)

    class Further(Counting):
        @override
        async def delete(self, key: str, *, collection: str | None = None) -> bool:
            return False

    assert all(isinstance(Counting(full()), ability) for ability in EVERY_ABILITY)
    assert not hasattr(Further(full()), "keys")


@pytest.mark.parametrize("base", [Interceptor, Translator])
def test_a_wrapper_that_gets_another_store_gets_its_abilities(base: Any) -> None:
    wrapper = WRAPPERS["RetryWrapper"](NullStore())
    assert not hasattr(wrapper, "keys")
    wrapper.key_value = MemoryStore()
    assert hasattr(wrapper, "keys")


def test_a_protocol_is_dropped_as_a_whole() -> None:
    class Checking(BaseWrapper):
        @override
        async def put(self, key: str, value: Any, *, collection: str | None = None, ttl: Any = None) -> None:
            raise PermissionError

    wrapper = Checking(full())
    assert not hasattr(wrapper, "get_versioned")
    assert not hasattr(wrapper, "delete_if_version")
    assert hasattr(wrapper, "pop")


class TestMissingAbilities:
    def test_the_error_names_the_store_that_lacks_it(self) -> None:
        stack = RetryWrapper(PrefixKeysWrapper(NullStore(), "p"))
        expected = r"RetryWrapper has no keys\(\): NullStore does not implement AsyncEnumerateKeysProtocol"
        with pytest.raises(AttributeError, match=expected):
            _ = able(stack).keys

    def test_the_error_names_the_wrapper_that_drops_it(self) -> None:
        stack = RetryWrapper(PrefixKeysWrapper(MemoryStore(), "p"))
        with pytest.raises(AttributeError, match="PrefixKeysWrapper does not implement AsyncDestroyStore"):
            _ = able(stack).destroy
        with pytest.raises(AttributeError, match=r"PrefixKeysWrapper does not offer destroy\(\)"):
            _ = able(PrefixKeysWrapper(MemoryStore(), "p")).destroy

    def test_another_attribute_is_just_missing(self) -> None:
        with pytest.raises(AttributeError, match="'RetryWrapper' object has no attribute 'unknown'"):
            _ = cast("Any", RetryWrapper(MemoryStore())).unknown


class TestObjects:
    @every_wrapper
    def test_a_copy_is_a_wrapper_of_its_own(self, wrap: Wrap) -> None:
        wrapper = wrap(full())
        copied = copy.copy(wrapper)
        assert type(copied) is type(wrapper)
        assert vars(copied) == vars(wrapper)
        copied.key_value = NullStore()
        assert not isinstance(copied, AsyncCullProtocol)
        assert wrapper.wrapped != copied.wrapped

    async def test_the_methods_of_a_copy_are_its_own(self) -> None:
        one, other = FullStore(), FullStore()
        wrapper = PrefixKeysWrapper(one, "p")
        copied = copy.copy(wrapper)
        copied.key_value = other
        await copied.put("k", {"n": 1})
        assert await able(copied).keys() == ["k"]
        assert await able(wrapper).keys() == []

    @every_wrapper
    def test_is_freed_without_the_collector(self, wrap: Wrap) -> None:
        gc.disable()
        try:
            dropped = weakref.ref(wrap(full()))
            assert dropped() is None
        finally:
            gc.enable()

    @every_wrapper
    def test_its_class_is_known_by_its_name(self, wrap: Wrap) -> None:
        cls = type(wrap(full()))
        assert (cls.__module__, cls.__qualname__) == (cls.__base__.__module__, cls.__base__.__qualname__)  # pyright: ignore[reportOptionalMemberAccess] -- the class has a base

    async def test_may_have_attributes_of_any_name(self) -> None:
        class Named(BaseWrapper):
            def __init__(self, key_value: AsyncKeyValue) -> None:
                self.key_value = key_value
                for name in ("_keys", "_cull", "_kept", "_wrapped", "_default", "_only", "_name", "_methods"):
                    setattr(self, name, None)

        wrapper = able(Named(full()))
        await wrapper.put("k", {"n": 1})
        assert await wrapper.keys() == ["k"]
        await wrapper.cull()

    @pytest.mark.parametrize("ability", ABILITIES, ids=lambda ability: ability.method)
    def test_a_method_has_the_signature_of_its_protocol(self, ability: Any) -> None:
        method = getattr(type(BaseWrapper(full())), ability.method)
        assert inspect.signature(method) == inspect.signature(getattr(ability.protocol, ability.method))
        assert method.__doc__ == getattr(ability.protocol, ability.method).__doc__

    async def test_wrong_arguments_are_a_type_error(self) -> None:
        put_if_absent: Any = able(BaseWrapper(full())).put_if_absent
        for call in (
            put_if_absent,
            lambda: put_if_absent("k"),
            lambda: put_if_absent("k", {}, "c"),
            lambda: put_if_absent("k", {}, key="k"),
            lambda: put_if_absent("k", {}, unknown=1),
        ):
            with pytest.raises(TypeError, match=r"argument|parameter"):
                await call()

    def test_a_default_keeps_what_has_no_default(self) -> None:
        assert hasattr(DefaultValueWrapper(full(), {}), "pop")

    @every_wrapper
    def test_is_neither_deep_copied_nor_pickled(self, wrap: Wrap) -> None:
        wrapper = wrap(full())
        name = type(wrapper).__name__
        with pytest.raises(TypeError, match=f"{name} cannot be deep-copied: it holds .* construct another"):
            copy.deepcopy({"store": wrapper})
        with pytest.raises(TypeError, match=f"{name} cannot be pickled .* Construct it where it is used"):
            pickle.dumps(wrapper)


def test_a_new_ability_needs_nothing_but_its_row() -> None:
    script = """
import asyncio
from typing import Protocol, runtime_checkable
from key_value.aio.protocols import abilities

@runtime_checkable
class AsyncExistsProtocol(Protocol):
    async def exists(self, key: str, *, collection: str | None = None) -> bool: ...

row = abilities.Ability("exists", AsyncExistsProtocol, ("key", "collection"), bypasses=("get",))
abilities.ABILITIES = (*abilities.ABILITIES, row)
abilities.ABILITY_OF["exists"] = row

from scripts.wrapper_table import WRAPPERS, Everything
from tests.wrappers.able import FullStore

class Store(FullStore):
    async def exists(self, key, *, collection=None):
        return await self.get(key, collection=collection) is not None

async def check(name, wrap):
    store = wrap(Store())
    assert isinstance(store, AsyncExistsProtocol), name
    assert await store.exists("k", collection="c") is False, name
    if name != "ReadOnlyWrapper":
        await store.put("k", {"n": 1}, collection="c")
        assert await store.exists("k", collection="c") is True, name

for name, wrap in WRAPPERS.items():
    asyncio.run(check(name, wrap))
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=PAGE.parents[2], timeout=60)

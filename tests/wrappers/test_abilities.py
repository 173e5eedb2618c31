"""Which abilities each wrapper keeps: as its page says, and never more than the store has."""

import importlib
import pkgutil
from typing import Any

import pytest
from typing_extensions import override

from key_value.aio import wrappers
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.stores.null import NullStore
from key_value.aio.testing.concerns.base import ABILITIES
from key_value.aio.wrappers.base import BaseWrapper, Interceptor, Translator
from scripts.wrapper_table import PAGE, WRAPPERS, Wrap, written

BASES = {"BaseEncryptionWrapper", "BaseWrapper"}

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
    assert [ability for ability in ABILITIES if isinstance(wrap(NullStore()), ability)] == []


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
        keeps = frozenset(ABILITIES)
        deleted = 0

        @override
        async def delete(self, key: str, *, collection: str | None = None) -> bool:
            self.deleted += 1
            return await super().delete(key, collection=collection)

    class Further(Counting):
        @override
        async def delete(self, key: str, *, collection: str | None = None) -> bool:
            return False

    assert all(isinstance(Counting(MemoryStore()), ability) for ability in ABILITIES)
    assert not hasattr(Further(MemoryStore()), "keys")


@pytest.mark.parametrize("base", [Interceptor, Translator])
def test_a_wrapper_that_gets_another_store_gets_its_abilities(base: Any) -> None:
    wrapper = WRAPPERS["RetryWrapper"](NullStore())
    assert not hasattr(wrapper, "keys")
    wrapper.key_value = MemoryStore()
    assert hasattr(wrapper, "keys")

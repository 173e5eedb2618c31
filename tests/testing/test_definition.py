"""The facts that a test class declares, which are checked at its definition and select its tests."""

import inspect
from typing import Any, ClassVar

import pytest

from key_value.aio.protocols import AsyncCullProtocol, AsyncEnumerateKeysProtocol, AsyncKeyValue
from key_value.aio.testing import StoreConformance
from key_value.aio.testing.trials import named, over


def define(base: type = StoreConformance, **attributes: Any) -> type:
    return type("Defined", (base,), attributes)


def selected(defined: type) -> set[str]:
    return {name for name in dir(defined) if name.startswith("test") and callable(getattr(defined, name))}


@pytest.mark.parametrize("abilities", [set[type](), [AsyncCullProtocol], AsyncCullProtocol, None], ids=str)
def test_abilities_that_are_no_frozenset_are_refused(abilities: object) -> None:
    with pytest.raises(TypeError, match=r"Defined\.abilities must be a frozenset of ability protocols"):
        define(abilities=abilities)


@pytest.mark.parametrize("ability", ["keys", AsyncKeyValue, int], ids=str)
def test_an_unknown_ability_is_refused(ability: object) -> None:
    with pytest.raises(TypeError, match="but the ability protocols are AsyncCompareAndSetProtocol, "):
        define(abilities=frozenset({AsyncCullProtocol, ability}))


def test_a_class_that_states_no_abilities_is_refused_when_it_is_collected() -> None:
    with pytest.raises(TypeError, match="Defined must state its abilities"):
        define()().pytest_generate_tests()


def test_a_test_is_left_out_where_its_ability_is_not_declared() -> None:
    able = selected(define(abilities=frozenset({AsyncCullProtocol})))
    unable = selected(define(abilities=frozenset[type]()))
    assert able - unable == {
        "test_cull_of_nothing_is_no_error",
        "test_cull_leaves_what_has_not_expired",
        "test_the_abilities_of_a_closed_store_say_so",
    }
    assert unable < able


def test_a_subclass_gets_back_what_its_base_left_out() -> None:
    base = define(abilities=frozenset[type]())
    derived = define(base, abilities=frozenset({AsyncEnumerateKeysProtocol}))
    assert "test_lists_the_keys_of_a_collection" in selected(derived) - selected(base)


def test_what_a_class_dropped_stays_dropped() -> None:
    base = define(abilities=frozenset({AsyncCullProtocol}), test_cull_of_nothing_is_no_error=None)
    assert "test_cull_of_nothing_is_no_error" not in selected(define(base))


def test_a_fact_selects_tests() -> None:
    assert "test_entries_outlive_close" in selected(define(abilities=frozenset[type](), persistent=True))
    assert "test_entries_outlive_close" not in selected(define(abilities=frozenset[type]()))


class Tried:
    seen: ClassVar[list[Any]] = []

    def parameters(self) -> dict[str, dict[str, int]]:
        return {"write": {"put": 1, "put_many": 2}}

    @over("write", ttl=named(None, 5))
    async def tries(self, store: str, collection: str, write: int, ttl: int | None) -> None:
        self.seen.append((store, collection, write, ttl))
        assert (write, ttl) != (2, 5)


async def test_a_test_is_tried_over_all_combinations_of_its_cases() -> None:
    assert list(inspect.signature(Tried.tries).parameters) == ["self", "store", "collection"]
    with pytest.raises(AssertionError, match=r"1 of 4 cases failed:\nput_many-5: "):
        await Tried().tries(store="s", collection="c")
    assert Tried.seen == [
        ("s", "c-0", 1, None),
        ("s", "c-1", 1, 5),
        ("s", "c-2", 2, None),
        ("s", "c-3", 2, 5),
    ]

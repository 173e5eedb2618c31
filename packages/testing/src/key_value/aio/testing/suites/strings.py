"""Strings: a name of a subclass of str is treated as its plain text."""

from enum import Enum
from typing import Any, SupportsIndex, cast

from typing_extensions import override

from key_value.aio.protocols import (
    AsyncDestroyCollectionProtocol,
    AsyncEnumerateCollectionsProtocol,
    AsyncEnumerateKeysProtocol,
    AsyncPutIfAbsentProtocol,
    AsyncScanProtocol,
)
from key_value.aio.testing.operations import Store
from key_value.aio.testing.selection import needs, states, when
from key_value.aio.testing.suites.base import Conformance
from key_value.aio.testing.suites.scan import pages
from key_value.aio.testing.trials import try_each


class Escaping(str):
    """A string that escapes the strings it is joined with, like markup."""

    __slots__ = ()

    @override
    def __add__(self, other: str) -> "Escaping":
        return Escaping(f"{str.__str__(self)}{_escaped(other)}")

    def __radd__(self, other: str) -> "Escaping":
        return Escaping(f"{_escaped(other)}{str.__str__(self)}")

    @override
    def __mod__(self, args: Any) -> "Escaping":
        return Escaping(str.__mod__(self, _escaped(args)))

    @override
    def __format__(self, spec: str) -> str:
        return _escaped(self)

    @override
    def __str__(self) -> str:
        return _escaped(self)

    @override
    def join(self, parts: Any, /) -> "Escaping":
        return Escaping(str.join(self, map(_escaped, parts)))

    @override
    def replace(self, old: str, new: str, count: SupportsIndex = -1, /) -> "Escaping":
        return Escaping(str.replace(self, old, _escaped(new), count))


def _escaped(text: object) -> str:
    return str.replace(str.__str__(text), "&", "&amp;") if isinstance(text, str) else str(text)


def _subclassed(text: str) -> dict[str, str]:
    """Return a text as instances of subclasses of str, by description."""
    member = cast("str", Enum("Name", {"MEMBER": text}, type=str)["MEMBER"])
    return {"enum": member, "escaping": Escaping(text)}


class StringConformance(Conformance):
    """Only the characters of a name count, however its class implements `str()`, `format` and `+`."""

    async def test_a_key_of_a_subclass_is_its_plain_text(self, store: Store, collection: str) -> None:
        async def use(key: str) -> None:
            await store.put(key, {"n": 1}, collection=collection)
            assert await store.get("a&b", collection=collection) == {"n": 1}
            assert await store.delete("a&b", collection=collection) is True
            await store.put_many(["a&b", "c"], [{"n": 2}, {"n": 3}], collection=collection)
            assert await store.get(key, collection=collection) == {"n": 2}
            assert await store.ttl_many(["c", key], collection=collection) == [
                ({"n": 3}, None),
                ({"n": 2}, None),
            ]
            assert await store.delete_many([key, "a&b"], collection=collection) == 1

        await try_each(_subclassed("a&b"), use)

    async def test_a_collection_of_a_subclass_is_its_plain_text(self, store: Store, collection: str) -> None:
        plain = f"{collection}&"

        async def use(name: str) -> None:
            await store.put("key", {"n": 1}, collection=name)
            assert await store.get("key", collection=plain) == {"n": 1}
            await store.put_many(["key"], [{"n": 2}], collection=plain)
            assert await store.get_many(["key"], collection=name) == [{"n": 2}]
            assert await store.delete("key", collection=name) is True
            assert await store.get("key", collection=plain) is None

        await try_each(_subclassed(plain), use)

    @when(states(persistent=True))
    async def test_a_name_of_a_subclass_is_found_after_close(self, store: Store, collection: str) -> None:
        plain = f"{collection}&"

        async def use(name: str) -> None:
            await store.put(name, {"n": 1}, collection=name)
            await store.close()
            await store.__aenter__()
            assert await store.get(plain, collection=plain) == {"n": 1}
            assert await store.delete(plain, collection=name) is True

        await try_each(_subclassed(plain), use)

    @needs(AsyncPutIfAbsentProtocol)
    async def test_put_if_absent_takes_a_subclass_for_its_text(self, store: Store, collection: str) -> None:
        put_if_absent = self.ability(store, AsyncPutIfAbsentProtocol).put_if_absent

        async def use(key: str) -> None:
            assert await put_if_absent(key, {"n": 1}, collection=collection) is True
            assert await put_if_absent("a&b", {"n": 2}, collection=collection) is False
            assert await store.delete("a&b", collection=collection) is True

        await try_each(_subclassed("a&b"), use)

    @needs(AsyncEnumerateKeysProtocol)
    async def test_listed_keys_are_plain(self, store: Store, collection: str) -> None:
        for key in _subclassed("a&b").values():
            await store.put(key, {}, collection=collection)
            listed = await self.ability(store, AsyncEnumerateKeysProtocol).keys(collection)
            assert [(type(each), each) for each in listed] == [(str, "a&b")]

    @needs(AsyncEnumerateCollectionsProtocol)
    async def test_listed_collections_are_plain(self, store: Store, collection: str) -> None:
        plain = f"{collection}&"
        for name in _subclassed(plain).values():
            await store.put("key", {}, collection=name)
            listed = await self.ability(store, AsyncEnumerateCollectionsProtocol).collections()
            assert [type(each) for each in listed if each == plain] == [str]

    @needs(AsyncDestroyCollectionProtocol)
    async def test_a_collection_of_a_subclass_is_destroyed(self, store: Store, collection: str) -> None:
        plain = f"{collection}&"

        async def use(name: str) -> None:
            await store.put("key", {}, collection=plain)
            assert await self.ability(store, AsyncDestroyCollectionProtocol).destroy_collection(name) is True
            assert await store.get("key", collection=plain) is None

        await try_each(_subclassed(plain), use)

    @needs(AsyncScanProtocol)
    async def test_a_prefix_of_a_subclass_is_its_plain_text(self, store: Store, collection: str) -> None:
        scanning = self.ability(store, AsyncScanProtocol)
        await store.put_many(["a&b", "a&amp;b"], [{}, {}], collection=collection)
        for prefix in _subclassed("a&b").values():
            assert await pages(scanning, collection, prefix=prefix, limit=1_000) == ["a&b"]

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

import pytest

from key_value.aio.adapters.pydantic import PydanticAdapter
from key_value.aio.errors import DeserializationError, SerializationError
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.stores.null import NullStore
from key_value.aio.wrappers.prefix_keys import PrefixKeysWrapper
from tests.adapters import models
from tests.published import Publish

ROUND_TRIPS: Mapping[str, tuple[Any, Any]] = {
    "model": (models.Plain, models.Plain(name="Ada", born=1815)),
    "aliases": (models.Aliased, models.Aliased.model_validate({"fooBar": 1, "otherName": "y"})),
    "serialized by alias": (models.AliasedOnly, models.AliasedOnly(fooBar=1)),
    "strict": (models.Strict, models.STRICT),
    "list of strict": (list[models.Strict], [models.STRICT]),
    "discriminated union": (models.Shape, models.Square(side=1)),
    "union by function": (models.Tagged, models.Circle(radius=1)),
    "generic": (models.Box[models.Plain], models.Box[models.Plain](content=models.Plain(name="x"))),
    "generic of unions": (
        models.Box[int | str],
        models.Box[int | str](content="1", shapes=[models.Circle(radius=1), models.Square(side=2)]),
    ),
    "recursive": (models.Tree, models.Tree(value=1, children=[models.Tree(value=2)])),
    "computed field": (models.Computed, models.Computed(side=2)),
    "root list": (models.Names, models.Names(["a", "b"])),
    "root object": (models.Table, models.Table({"a": 1})),
    "typed dict": (models.Typed, {"a": 1}),
    "dataclass": (models.Point, models.Point(1, labels=["a"])),
    "dataclass with alias": (models.Named, models.Named(n="x")),  # pyright: ignore[reportCallIssue] -- passed by alias
    "number": (int, 5),
    "zero": (int, 0),
    "empty text": (str, ""),
    "empty list": (list[int], []),
    "set": (set[int], {1, 2}),
    "tuple": (tuple[int, str], (1, "x")),
    "datetime": (datetime, datetime(2020, 1, 1, tzinfo=timezone.utc)),
    "bytes": (bytes, b"abc"),
    "dict of numbers": (dict[str, int], {"a": 1}),
    "dict with integer keys": (dict[int, str], {1: "a"}),
    "anything": (Any, [1, {"a": None}]),
    "big integer": (int, 2**130),
    "infinity": (list[float], [float("inf")]),
}


@pytest.mark.parametrize(("form", "value"), ROUND_TRIPS.values(), ids=ROUND_TRIPS)
async def test_what_it_can_dump_it_can_read(form: Any, value: Any) -> None:
    adapter: PydanticAdapter[Any] = PydanticAdapter(MemoryStore(), form, raise_on_validation_error=True)
    await adapter.put("k", value, ttl=100)
    await adapter.put_many(["l"], [value])
    assert await adapter.get("k") == value
    assert type(await adapter.get("k")) is type(value)
    assert await adapter.get_many(["k", "l", "x"]) == [value, value, None]
    assert (await adapter.ttl_many(["k"]))[0][0] == value
    assert (await adapter.ttl("k"))[0] == value


@pytest.mark.parametrize(
    ("form", "value", "stored"),
    [
        (models.Plain, models.Plain(name="Ada"), {"name": "Ada", "born": None}),
        (int, 5, {"items": 5}),
        (list[int], [1], {"items": [1]}),
        (datetime, datetime(2020, 1, 1, tzinfo=timezone.utc), {"items": "2020-01-01T00:00:00Z"}),
        (dict[str, int], {"a": 1}, {"a": 1}),
        (models.Tree, models.Tree(value=1), {"items": {"value": 1, "children": []}}),
        (models.Names, models.Names(["a"]), {"items": ["a"]}),
        (models.Shape, models.Circle(radius=1), {"items": {"kind": "circle", "radius": 1.0}}),
    ],
)
async def test_stores_the_forms_of_the_0_5_series(form: Any, value: Any, stored: dict[str, Any]) -> None:
    inner = MemoryStore()
    await PydanticAdapter[Any](inner, form).put("k", value)
    assert await inner.get("k") == stored


async def test_reads_what_was_stored_under_aliases() -> None:
    inner = MemoryStore()
    await inner.put("k", {"fooBar": 1, "o": "y"})
    assert await PydanticAdapter(inner, models.Aliased).get("k") == models.Aliased.model_validate(
        {"fooBar": 1, "o": "y"}
    )


def test_exchanges_with_the_published_library(published: Publish) -> None:
    opening = """
from dataclasses import dataclass
from key_value.aio.adapters.pydantic import PydanticAdapter
from key_value.aio.stores.memory import MemoryStore
from pydantic import BaseModel

class Plain(BaseModel):
    name: str
    born: int | None = None

inner = MemoryStore()
single, several = PydanticAdapter(inner, Plain), PydanticAdapter(inner, list[Plain])

class Exchange:
    async def write(self):
        await single.put("one", Plain(name="Ada", born=1815))
        await several.put("many", [Plain(name="Bob")])
        return await inner.get_many(["one", "many"])

    async def read(self, one, many):
        await inner.put_many(["one", "many"], [one, many])
        return [repr(await single.get("one")), repr(await several.get("many"))]

store = Exchange()
"""
    one, many = {"name": "Ada", "born": 1815}, {"items": [{"name": "Bob", "born": None}]}
    written, read = published("memory,pydantic").run(
        opening, ("write", {}), ("read", {"one": one, "many": many})
    )
    assert written == [one, many]
    assert read == ["Plain(name='Ada', born=1815)", "[Plain(name='Bob', born=None)]"]


class TestDefaults:
    async def test_a_miss_is_the_default(self) -> None:
        adapter = PydanticAdapter(MemoryStore(), int)
        assert await adapter.get("x") is None
        assert await adapter.get("x", default=7) == 7
        await adapter.put("zero", 0)
        assert await adapter.get_many(["zero", "x"], default=7) == [0, 7]
        assert await adapter.ttl("x") == (None, None)

    async def test_the_default_collection(self) -> None:
        inner = MemoryStore()
        adapter = PydanticAdapter(inner, int, default_collection="c")
        await adapter.put("k", 1)
        await adapter.put("k", 2, collection="d")
        assert await inner.get("k", collection="c") == {"items": 1}
        assert await adapter.get("k", collection="d") == 2
        assert await adapter.delete("k") is True
        assert await adapter.delete_many(["k", "x"], collection="d") == 1

    async def test_is_generic_at_run_time(self) -> None:
        adapter = PydanticAdapter[models.Plain](
            key_value=MemoryStore(), pydantic_model=models.Plain, default_collection="c"
        )
        await adapter.put(key="k", value=models.Plain(name="x"), ttl=10.5)
        assert await adapter.get(key="k") == models.Plain(name="x")


class TestWhatIsNotOfTheType:
    @pytest.fixture
    async def inner(self) -> MemoryStore:
        inner = MemoryStore()
        await inner.put("k", {"name": ["s3cr3t"]})
        await inner.put("list", {"name": "x"})
        return inner

    async def test_is_missing_and_logged_without_its_value(
        self, inner: MemoryStore, caplog: pytest.LogCaptureFixture
    ) -> None:
        adapter = PydanticAdapter(inner, models.Plain)
        with caplog.at_level(logging.ERROR):
            assert await adapter.get("k") is None
            assert await adapter.ttl_many(["k"]) == [(None, None)]
        [record, _] = caplog.records
        assert record.getMessage() == "Validation failed for pydantic-serializable value"
        assert vars(record)["error_count"] == 1
        assert "s3cr3t" not in caplog.text
        assert "s3cr3t" not in str(vars(record))

    async def test_is_an_error_on_request(self, inner: MemoryStore) -> None:
        adapter = PydanticAdapter(inner, models.Plain, raise_on_validation_error=True)
        with pytest.raises(DeserializationError, match="Invalid pydantic-serializable value") as caught:
            await adapter.get_many(["k"])
        assert "s3cr3t" not in str(caught.value)

    async def test_a_missing_wrapper_is_told(
        self, inner: MemoryStore, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.ERROR):
            assert await PydanticAdapter(inner, list[int]).get("list") is None
        assert caplog.messages == ["Missing 'items' wrapper for pydantic-serializable value"]
        with pytest.raises(DeserializationError, match="missing 'items' wrapper"):
            await PydanticAdapter(inner, list[int], raise_on_validation_error=True).get("list")

    @pytest.mark.parametrize("value", [object(), b"\xff\xfe"])
    async def test_what_cannot_be_json_is_refused(self, value: Any) -> None:
        adapter: PydanticAdapter[Any] = PydanticAdapter(MemoryStore(), Any)
        with pytest.raises(SerializationError, match="Invalid pydantic-serializable value"):
            await adapter.put("k", value)


class TestAbilities:
    async def test_those_of_the_store(self) -> None:
        adapter = PydanticAdapter(PrefixKeysWrapper(MemoryStore(), "p"), models.Plain, default_collection="c")
        people = [models.Plain(name=str(n)) for n in range(250)]
        assert await adapter.put_if_absent("0", people[0], ttl=100) is True
        assert await adapter.put_if_absent("0", people[1]) is False
        await adapter.put_many([str(n) for n in range(250)], people)
        assert len(await adapter.keys(limit=10)) == 10
        walked = {key: value async for key, value in adapter.items()}
        assert walked == {person.name: person for person in people}

    def test_none_of_a_store_that_has_none(self) -> None:
        adapter = PydanticAdapter(NullStore(), models.Plain)
        for name in ("keys", "items", "put_if_absent", "unknown"):
            assert not hasattr(adapter, name)
        with pytest.raises(AttributeError, match="NullStore does not implement AsyncEnumerateKeysProtocol"):
            _ = adapter.keys


async def test_a_sequence_of_misses_stays_in_order() -> None:
    adapter = PydanticAdapter(MemoryStore(), models.Plain)
    keys: Sequence[str] = ("a", "b")
    assert await adapter.get_many(keys) == [None, None]

"""Values that would not read back equal are rejected, with the name of the field."""

import math
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from pydantic import AnyHttpUrl, AnyUrl, SecretStr, TypeAdapter

from key_value.aio.adapters.dataclass import DataclassAdapter
from key_value.aio.adapters.pydantic import PydanticAdapter
from key_value.aio.adapters.pydantic.round_trip import plain_type
from key_value.aio.errors import SerializationError
from key_value.aio.stores.memory import MemoryStore
from tests.adapters import models

ADA = models.Plain(name="Ada")


def changed(model: Any, **fields: object) -> Any:
    for name, value in fields.items():
        setattr(model, name, value)
    return model


REFUSED: dict[str, tuple[Any, Any, str]] = {
    "secret": (models.Secret, models.Secret(name="x", token="s3cr3t"), "field 'token'"),  # pyright: ignore[reportArgumentType] -- pydantic wraps it
    "excluded": (models.Excluded, models.Excluded(name="x", token="s3cr3t"), "field 'token'"),
    "excluded and required": (
        models.ExcludedRequired,
        models.ExcludedRequired(name="x", token="s3cr3t"),
        "field 'token'",
    ),
    "subclass": (models.Plain, models.PlainWithMore(name="x", more="s3cr3t"), "field 'more'"),
    "subclass with a mapping": (
        models.Plain,
        models.PlainWithMapping(name="x", more={"s3cr3t": 1}),
        "field 'more'",
    ),
    "nested subclass": (
        models.Nested,
        models.Nested(people=[ADA, models.PlainWithMore(name="x", more="s3cr3t")]),
        r"field 'people\[1\].more'",
    ),
    "list of secrets": (
        list[models.Secret],
        [models.Secret(name="x", token="s3cr3t")],  # pyright: ignore[reportArgumentType] -- as above
        r"field '\[0\].token'",
    ),
    "mapping": (
        dict[str, models.Excluded],
        {"s3cr3t": models.Excluded(name="x", token="y")},
        r"field '\[...\].token'",
    ),
    "wrong type": (models.Plain, changed(ADA.model_copy(), born="s3cr3t"), "field 'born'"),
    "coerced type": (models.Plain, changed(ADA.model_copy(), born="1815"), "field 'born'"),
    "out of bounds": (models.Bounded, changed(models.Bounded(age=1), age=-1), "field 'age'"),
    "text as a number": (int, "5", "the value"),
    "a secret in anything": (Any, SecretStr("s3cr3t"), "the value"),
    "a model with a secret in anything": (
        dict[str, Any],
        {"a": [models.Secret(name="x", token="s3cr3t")]},  # pyright: ignore[reportArgumentType] -- as above
        r"field '\[...\]\[0\]'",
    ),
    "a secret under a number in anything": (
        Any,
        {1: [SecretStr("s3cr3t")]},
        r"field '\[...\]\[0\]'",
    ),
}

KEPT: dict[str, tuple[Any, Any]] = {
    "revealed secret": (models.RevealedSecret, models.RevealedSecret(name="x", token="t")),  # pyright: ignore[reportArgumentType] -- as above
    "excluded default": (models.Excluded, models.Excluded(name="x")),
    "subclass that adds nothing": (models.Plain, models.PlainWithMethods(name="x")),
    "objects without equality": (models.WithOpaque, models.WithOpaque(inner=models.Opaque())),
    "tuple in anything": (dict[str, Any], {"a": [1, (2, {"b": (3,)})]}),
    "nan": (list[float], [math.nan]),
    "extra default": (models.Nested, models.Nested(people=[ADA])),
    "one kind of URL for another": (list[AnyUrl], [AnyHttpUrl("http://localhost:1/callback")]),
    "a set of another kind of URL": (
        set[AnyUrl],
        {AnyHttpUrl(f"http://localhost:{port}") for port in range(9)},
    ),
}

AS_JSON: dict[str, tuple[object, object]] = {
    "time": (datetime(2020, 1, 1), "2020-01-01T00:00:00"),
    "identifier": (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    "number": (Decimal("1.5"), "1.5"),
    "member": (models.Colour.RED, "red"),
    "bytes": (b"x", "x"),
    "set": ({1}, [1]),
    "model": (ADA, {"name": "Ada", "born": None}),
    "model with alias": (models.Aliased(fooBar=1), {"foo_bar": 1, "other": "x"}),
    "model with an excluded field": (models.Excluded(name="x", token="t"), {"name": "x"}),
    "dataclass": (models.Point(1), {"x": 1, "y": 0, "labels": []}),
    "nested": (
        {"a": [ADA, (datetime(2020, 1, 1),)]},
        {"a": [{"name": "Ada", "born": None}, ["2020-01-01T00:00:00"]]},
    ),
    "numbers for keys": ({1: {2: ADA}}, {"1": {"2": {"name": "Ada", "born": None}}}),
}


@pytest.mark.parametrize(("form", "value", "field"), REFUSED.values(), ids=REFUSED)
async def test_a_value_that_would_be_changed_is_refused(form: Any, value: Any, field: str) -> None:
    inner = MemoryStore()
    adapter: PydanticAdapter[Any] = PydanticAdapter(inner, form)
    for put in (adapter.put("k", value), adapter.put_many(["k"], [value]), adapter.put_if_absent("k", value)):
        with pytest.raises(SerializationError, match=f"{field} would not read back equal") as caught:
            await put
        assert "s3cr3t" not in str(caught.value)
    assert await inner.get("k") is None


@pytest.mark.parametrize(("form", "value"), KEPT.values(), ids=KEPT)
async def test_what_loses_nothing_is_stored(form: Any, value: Any) -> None:
    adapter: PydanticAdapter[Any] = PydanticAdapter(MemoryStore(), form, raise_on_validation_error=True)
    await adapter.put("k", value)
    assert await adapter.get("k") is not None


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (Any, [math.inf, {"a": math.nan}]),
        (models.Anything, models.Anything(value=[math.inf, math.nan])),
        (list[models.Anything], [models.Anything(value={"a": math.nan})]),
    ],
    ids=["anything", "field", "nested"],
)
async def test_nan_and_infinity_are_kept_where_any_type_is_declared(form: Any, value: object) -> None:
    adapter: PydanticAdapter[Any] = PydanticAdapter(MemoryStore(), form, raise_on_validation_error=True)
    await adapter.put("k", value)
    assert repr(await adapter.get("k")) == repr(value)


@pytest.mark.parametrize(("value", "expected"), AS_JSON.values(), ids=AS_JSON)
@pytest.mark.parametrize("form", [Any, object])
async def test_where_any_type_is_declared_json_is_read(form: Any, value: object, expected: object) -> None:
    """The 0.5 series does the same; FastMCP stores session state and result metadata this way."""
    adapter: PydanticAdapter[Any] = PydanticAdapter(MemoryStore(), form, raise_on_validation_error=True)
    await adapter.put("k", value)
    assert await adapter.get("k") == expected


SURROGATE = "half of a pair: \ud800"


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (str, SURROGATE),
        (models.Plain, models.Plain(name=SURROGATE)),
        (models.Nested, models.Nested(people=[models.Plain(name=SURROGATE)])),
        (Any, {"a": [SURROGATE]}),
        (models.Point, models.Point(1, labels=[SURROGATE])),
    ],
)
async def test_half_a_surrogate_pair_is_kept(form: Any, value: object) -> None:
    adapter: PydanticAdapter[Any] = PydanticAdapter(MemoryStore(), form, raise_on_validation_error=True)
    await adapter.put("k", value)
    assert await adapter.get("k") == value


async def test_a_private_attribute_takes_no_part() -> None:
    adapter = PydanticAdapter(MemoryStore(), models.WithPrivate)
    value = models.WithPrivate(name="x")
    value.call()
    await adapter.put("k", value)
    found = await adapter.get("k")
    assert found is not None
    assert found.name == "x"


async def test_a_dataclass_is_checked_too() -> None:
    @dataclass
    class More(models.Point):
        more: str = ""

    adapter = DataclassAdapter(MemoryStore(), models.Point)
    with pytest.raises(SerializationError, match="Invalid dataclass: field 'more' would not read back"):
        await adapter.put("k", More(1, more="x"))


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (models.Plain, models.Plain),
        (int, int),
        (models.Secret, None),
        (models.Excluded, None),
        (models.Bounded, None),
        (models.Nested, None),
        (models.Optionals, models.Optionals),
        (models.Aliased, None),
        (models.Tree, None),
        (models.Names, None),
        (models.Strict, None),
        (list[int], None),
        (Any, None),
    ],
)
def test_only_plain_types_are_decided_by_their_schema(form: Any, expected: type | None) -> None:
    plain = plain_type(TypeAdapter[Any](form).core_schema)
    assert (plain and plain.cls) is expected

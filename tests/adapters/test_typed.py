"""`BaseModelAdapter` and `DataclassAdapter`, which equal `PydanticAdapter` for their own types."""

from collections.abc import Sequence
from typing import Any

import pytest

from key_value.aio.adapters.base_model import BaseModelAdapter
from key_value.aio.adapters.dataclass import DataclassAdapter
from key_value.aio.adapters.pydantic import PydanticAdapter
from key_value.aio.errors import DeserializationError
from key_value.aio.stores.memory import MemoryStore
from tests.adapters import models


@pytest.mark.parametrize(
    ("form", "value", "stored"),
    [
        (models.Plain, models.Plain(name="x"), {"name": "x", "born": None}),
        (list[models.Plain], [models.Plain(name="x")], {"items": [{"name": "x", "born": None}]}),
        (models.Aliased, models.Aliased(fooBar=1), {"foo_bar": 1, "other": "x"}),
        (models.Tree, models.Tree(value=1), {"value": 1, "children": []}),
        (models.Names, models.Names(["a"]), {"items": ["a"]}),
        (models.Table, models.Table({"a": 1}), {"a": 1}),
        (models.Computed, models.Computed(side=2), {"side": 2}),
        (models.Box[int], models.Box[int](content=1), {"content": 1, "shapes": []}),
    ],
)
async def test_models_round_trip(form: Any, value: Any, stored: dict[str, Any]) -> None:
    inner = MemoryStore()
    adapter: BaseModelAdapter[Any] = BaseModelAdapter(inner, form, raise_on_validation_error=True)
    await adapter.put("k", value)
    assert await inner.get("k") == stored
    assert await adapter.get("k") == value


async def test_strict_models_round_trip() -> None:
    adapter = BaseModelAdapter(MemoryStore(), models.Strict, raise_on_validation_error=True)
    await adapter.put("k", models.STRICT)
    assert await adapter.get("k") == models.STRICT


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (int, "pydantic_model must be a BaseModel subclass, got"),
        ("Plain", "pydantic_model must be a BaseModel subclass, got"),
        (models.Point, "pydantic_model must be a BaseModel subclass, got"),
        (tuple[models.Plain, ...], r"Only list\[BaseModel\] is supported for sequence types, got"),
        (dict[str, models.Plain], r"Only list\[BaseModel\] is supported for sequence types, got"),
        (list[int], "List element type must be a BaseModel subclass, got"),
    ],
)
def test_other_types_are_no_models(form: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        BaseModelAdapter(MemoryStore(), form)


POINT = {"x": 1, "y": 0, "labels": ["a"]}
DATACLASSES: Sequence[tuple[Any, Any, dict[str, Any]]] = [
    (models.Point, models.Point(1, labels=["a"]), POINT),
    (list[models.Point], [models.Point(1, labels=["a"])], {"items": [POINT]}),
    (Sequence[models.Point], [models.Point(1, labels=["a"])], {"items": [POINT]}),
    (tuple[models.Point, ...], (models.Point(1, labels=["a"]),), {"items": [POINT]}),
    (models.Named, models.Named(n="x"), {"name": "x"}),  # pyright: ignore[reportCallIssue] -- passed by alias
]


@pytest.mark.parametrize(("form", "value", "stored"), DATACLASSES)
async def test_dataclasses_round_trip(form: Any, value: Any, stored: dict[str, Any]) -> None:
    inner = MemoryStore()
    adapter: DataclassAdapter[Any] = DataclassAdapter(inner, form, raise_on_validation_error=True)
    await adapter.put("k", value)
    assert await inner.get("k") == stored
    assert await adapter.get("k") == value


@pytest.mark.parametrize(
    "form", [int, models.Plain, list[int], tuple[models.Point, int], dict[str, models.Point]]
)
def test_other_types_are_no_dataclasses(form: Any) -> None:
    with pytest.raises(TypeError, match="is not a dataclass"):
        DataclassAdapter(MemoryStore(), form)


@pytest.mark.parametrize(
    ("adapter", "name"),
    [
        (BaseModelAdapter(MemoryStore(), models.Plain, raise_on_validation_error=True), "BaseModel"),
        (DataclassAdapter(MemoryStore(), models.Point, raise_on_validation_error=True), "dataclass"),
        (PydanticAdapter(MemoryStore(), int, raise_on_validation_error=True), "pydantic-serializable value"),
    ],
)
async def test_errors_name_the_kind(adapter: Any, name: str) -> None:
    await adapter._key_value.put("k", {"items": "no"})
    with pytest.raises(DeserializationError, match=f"Invalid {name}"):
        await adapter.get("k")

"""Private copies of values, as the in-memory store keeps them."""

import json
from array import array
from collections import OrderedDict, UserDict
from collections.abc import Mapping
from enum import IntEnum
from typing import Any

import pytest

from key_value.aio.errors import SerializationError
from key_value.aio.stores.base import restore, snapshot


class TestSnapshots:
    @pytest.mark.parametrize(
        "value",
        list[Any](
            [
                {"tuple": (1, 2)},
                {"number": 1 << 64},
                {"number": IntEnum("Level", ["HIGH"])(1)},
                {"nested": [OrderedDict(a=1)]},
                {"keys": {1: "one", 2: "two"}},
                UserDict(a=1),
            ]
        ),
        ids=str,
    )
    async def test_what_json_changes_is_changed(self, value: Mapping[str, Any]) -> None:
        copy = await restore(await snapshot(value))
        assert repr(copy) == repr(json.loads(json.dumps(dict(value))))

    @pytest.mark.parametrize(
        "intruder",
        [b"bytes", bytearray(1), memoryview(b"x"), array("i", [1]), {1}, frozenset({1}), 1j, ..., 10**5000],
        ids=lambda intruder: type(intruder).__name__,
    )
    async def test_what_json_refuses_is_refused(self, intruder: object) -> None:
        for value in ({"a": intruder}, {"a": [intruder]}, {"a": {"b": [{"c": intruder}]}}):
            with pytest.raises(SerializationError):
                await snapshot(value)

    async def test_what_has_no_end_is_refused(self) -> None:
        circle: dict[str, Any] = {}
        circle["itself"] = [circle]
        with pytest.raises(SerializationError):
            await snapshot(circle)

    async def test_what_occurs_twice_is_copied_twice(self) -> None:
        shared = ["a"]
        copy = await restore(await snapshot({"one": shared, "two": shared}))
        copy["one"].append("b")
        assert (copy["two"], shared) == (["a"], ["a"])

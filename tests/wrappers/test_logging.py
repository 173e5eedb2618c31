import json
import logging
from collections import deque
from types import MappingProxyType
from typing import Any

import pytest

from key_value.aio.errors import SerializationError, StoreConnectionError
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.wrappers.logging import LoggingWrapper
from tests.wrappers.flaky import Flaky


@pytest.fixture(autouse=True)
def heard(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "key_value.logging")
    return caplog


async def test_tells_start_and_finish_without_values(heard: pytest.LogCaptureFixture) -> None:
    store = LoggingWrapper(MemoryStore())
    await store.put("k", {"secret": "s3cr3t"}, ttl=5)
    await store.get("k")
    await store.get("x", collection="c")
    assert heard.messages == [
        "Start PUT collection='default_collection' keys='k' ({'ttl': 5})",
        "Finish PUT collection='default_collection' keys='k' ({'ttl': 5})",
        "Start GET collection='default_collection' keys='k'",
        "Finish GET collection='default_collection' keys='k' ({'hit': True})",
        "Start GET collection='c' keys='x'",
        "Finish GET collection='c' keys='x' ({'hit': False})",
    ]


async def test_tells_of_batches(heard: pytest.LogCaptureFixture) -> None:
    store = LoggingWrapper(MemoryStore(), log_values=True)
    await store.put_many(["k", "l"], [{"a": 1}, {"b": 2}], collection="c")
    await store.get_many(["k", "x"], collection="c")
    await store.delete_many(["k"], collection="c")
    assert heard.messages == [
        "Start PUT_MANY collection='c' keys='['k', 'l']' value=[{'a': 1}, {'b': 2}] ({'ttl': None})",
        "Finish PUT_MANY collection='c' keys='['k', 'l']' value=[{'a': 1}, {'b': 2}] ({'ttl': None})",
        "Start GET_MANY collection='c' keys='['k', 'x']' ({'keys': ['k', 'x']})",
        "Finish GET_MANY collection='c' keys='['k', 'x']' ({'hits': 1, 'misses': 1})",
        "Start DELETE_MANY collection='c' keys='['k']' ({'keys': ['k']})",
        "Finish DELETE_MANY collection='c' keys='['k']' ({'deleted': 1})",
    ]


async def test_any_sequence_of_keys_is_told(heard: pytest.LogCaptureFixture) -> None:
    store = LoggingWrapper(MemoryStore())
    await store.put_many(deque("ab"), [{"a": 1}, {"b": 2}])
    assert await store.get_many(deque("ab")) == [{"a": 1}, {"b": 2}]
    assert await store.delete_many(deque("abcdefg")) == 2
    assert "keys='['a', 'b']' ({'keys': ['a', 'b']})" in heard.messages[2]
    assert "({'keys': ['a', 'b', 'c', 'd', 'e']})" in heard.messages[4]


async def test_tells_values_on_request(heard: pytest.LogCaptureFixture) -> None:
    store = LoggingWrapper(MemoryStore(), log_values=True)
    await store.put("k", {"a": 1})
    await store.get("k")
    assert heard.messages[0].endswith("keys='k' value={'a': 1} ({'ttl': None})")
    assert heard.messages[3].endswith("keys='k' value={'a': 1} ({'hit': True})")


async def test_structured_records_are_json(heard: pytest.LogCaptureFixture) -> None:
    store = LoggingWrapper(MemoryStore(), structured_logs=True, log_values=True)
    await store.put("k", MappingProxyType({"a": 1}), ttl=5)
    await store.get("k", collection="c")
    records: list[dict[str, Any]] = [json.loads(message) for message in heard.messages]
    assert records[0] == {
        "status": "start",
        "action": "PUT",
        "collection": None,
        "keys": "k",
        "value": {"a": 1},
        "extra": {"ttl": 5},
    }
    assert records[2] == {"status": "start", "action": "GET", "collection": "c", "keys": "k"}
    assert records[3]["extra"] == {"hit": False}


@pytest.mark.parametrize("structured", [False, True])
async def test_what_json_cannot_hold_is_refused_by_the_store_alone(
    heard: pytest.LogCaptureFixture, structured: bool
) -> None:
    circle: dict[str, Any] = {}
    circle["again"] = circle
    store = LoggingWrapper(MemoryStore(), structured_logs=structured, log_values=True)
    for value in ({"a": {1}}, circle):
        with pytest.raises(SerializationError):
            await store.put("k", value)
    assert len(heard.messages) == 4


async def test_a_failure_is_told(heard: pytest.LogCaptureFixture) -> None:
    flaky = Flaky(MemoryStore())
    flaky.failures = 1
    with pytest.raises(StoreConnectionError):
        await LoggingWrapper(flaky).get("k")
    assert heard.messages[-1].endswith("keys='k' ({'error': 'StoreConnectionError'})")
    assert heard.messages[-1].startswith("Failed GET")


async def test_a_name_cannot_begin_a_line(heard: pytest.LogCaptureFixture) -> None:
    store = LoggingWrapper(MemoryStore())
    await store.get("a\nINFO forged\x1b[0m", collection="b\r\nc")
    assert heard.messages[0] == "Start GET collection='b\\r\\nc' keys='a\\nINFO forged\\x1b[0m'"


async def test_nothing_is_formatted_while_the_level_is_off(heard: pytest.LogCaptureFixture) -> None:
    class Loud(dict[str, Any]):
        def __str__(self) -> str:  # pyright: ignore[reportImplicitOverride] -- it must not be called
            raise AssertionError("it was formatted")

    await LoggingWrapper(MemoryStore(), log_level=logging.DEBUG, log_values=True).put("k", Loud())
    assert heard.messages == []

"""Error messages, which name the problem and the entry but never the value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, ClassVar

import pytest
from cryptography.fernet import Fernet
from pydantic import BaseModel
from typing_extensions import override

from key_value.aio._utils.json_faults import json_fault
from key_value.aio.adapters.base_model import BaseModelAdapter
from key_value.aio.adapters.pydantic import PydanticAdapter
from key_value.aio.adapters.raise_on_missing import RaiseOnMissingAdapter
from key_value.aio.errors import (
    InvalidTTLError,
    SerializationError,
    StoreAuthenticationError,
    StoreConnectionError,
    StoreSetupAuthenticationError,
    StoreSetupConnectionError,
    StoreSetupError,
)
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.stores.simple import SimpleStore
from key_value.aio.wrappers.encryption import FernetEncryptionWrapper
from key_value.aio.wrappers.fallback import FallbackWrapper
from key_value.aio.wrappers.prefix_keys import PrefixKeysWrapper
from key_value.aio.wrappers.retry import RetryWrapper
from key_value.aio.wrappers.timeout import TimeoutWrapper

SECRET = "s3cr3t"


class Person(BaseModel):
    name: str


@dataclass
class Point:
    x: int


WRONG: Mapping[str, tuple[str, dict[str, Any], str]] = {
    "text": ("put", {"key": "k", "value": SECRET}, "value must be a mapping of JSON values, not str"),
    "model": (
        "put",
        {"key": "k", "value": Person(name=SECRET)},
        "value must be a mapping of JSON values, not Person: use PydanticAdapter(store, Person)",
    ),
    "dataclass": (
        "put",
        {"key": "k", "value": Point(1)},
        "value must be a mapping of JSON values, not Point: use DataclassAdapter(store, Point)",
    ),
    "key": ("get", {"key": 5}, "key must be a str, not int"),
    "collection": ("get", {"key": "k", "collection": 5}, "collection must be a str or None, not int"),
    "field": ("put", {"key": "k", "value": {1: SECRET}}, "keys of value must be str: found int"),
    "one key": ("get_many", {"keys": SECRET}, "keys must be a sequence of str, not str"),
    "odd key": ("get_many", {"keys": ["a", b"b"]}, "keys must be str: found bytes"),
    "values": (
        "put_many",
        {"keys": ["k"], "values": SECRET},
        "values must be a sequence of mappings, not str",
    ),
}


@pytest.mark.parametrize("wrapped", [False, True], ids=["store", "wrapper"])
@pytest.mark.parametrize(("operation", "arguments", "message"), WRONG.values(), ids=WRONG)
async def test_a_wrong_argument_is_named_by_its_type(
    operation: str, arguments: dict[str, Any], message: str, wrapped: bool
) -> None:
    store = RetryWrapper(MemoryStore()) if wrapped else MemoryStore()
    with pytest.raises(TypeError) as caught:
        await getattr(store, operation)(**arguments)
    assert str(caught.value) == message


@pytest.mark.parametrize("store", [MemoryStore(), SimpleStore()], ids=repr)
async def test_what_is_not_json_is_named_by_its_entry_and_path(store: MemoryStore | SimpleStore) -> None:
    value = {"profile": {"tags": ["a", {"joined": datetime.now(timezone.utc)}]}}
    message = (
        "people/ada: value['profile']['tags'][1]['joined'] is of type datetime, which JSON cannot represent; "
        "PydanticAdapter stores it"
    )
    with pytest.raises(SerializationError) as caught:
        await store.put("ada", value, collection="people")
    assert str(caught.value) == message
    with pytest.raises(SerializationError) as caught:
        await store.put_many(["bob", "ada"], [{}, value], collection="people")
    assert str(caught.value) == message
    with pytest.raises(SerializationError) as caught:
        await store.put_if_absent("ada", value, collection="people")
    assert str(caught.value) == message
    assert await store.get("ada", collection="people") is None


def circle() -> dict[str, object]:
    value: dict[str, object] = {}
    value["again"] = [value]
    return value


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({"a": object()}, "value['a'] is of type object, which JSON cannot represent"),
        ({"a": [{1: 1}]}, "value['a'][0] has a key of type int, but the keys of JSON objects are str"),
        (circle(), "value['again'][0] contains itself"),
        ({"a": [1, None, "x", {"b": (True, 2.5)}]}, None),
    ],
)
def test_a_fault_is_found(value: object, fault: str | None) -> None:
    assert json_fault(value) == fault


@pytest.mark.parametrize(
    ("ttl", "shown"), [(0, "0"), (-1.5, "-1.5"), ("5", "a str"), (True, "a bool"), (10**400, "an int")]
)
async def test_a_ttl_is_refused_in_a_sentence(ttl: Any, shown: str) -> None:
    with pytest.raises(InvalidTTLError) as caught:
        await MemoryStore().put("k", {}, ttl=ttl)
    sentence = "ttl must be a positive, finite number of seconds that ends before the year 10000, not "
    assert str(caught.value) == sentence + shown


class Refusing(MemoryStore):
    """A store whose backend rejects the password; its driver never repeats the password in a message."""

    errors = ((PermissionError, StoreAuthenticationError), (OSError, StoreConnectionError))
    location = "kv://host:1234/0"
    reason: ClassVar[Exception] = PermissionError("invalid password")

    @override
    async def _setup(self) -> None:
        raise self.reason


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (PermissionError("refused"), StoreSetupAuthenticationError),
        (OSError("refused"), StoreSetupConnectionError),
        (ValueError("refused"), StoreSetupError),
    ],
)
async def test_a_setup_that_fails_names_the_store_once(
    reason: Exception, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Refusing, "reason", reason)
    with pytest.raises(StoreSetupError) as caught:
        await Refusing().get("k")
    assert type(caught.value) is kind
    assert str(caught.value) == "Refusing('kv://host:1234/0') could not be set up: refused"


def test_a_repr_shows_what_is_wrapped() -> None:
    store = MemoryStore()
    assert repr(RetryWrapper(TimeoutWrapper(store))) == "RetryWrapper(TimeoutWrapper(MemoryStore()))"
    assert repr(FallbackWrapper(store, SimpleStore())) == "FallbackWrapper(MemoryStore(), SimpleStore())"
    assert repr(PydanticAdapter(store, Person)) == "PydanticAdapter[Person](MemoryStore())"
    assert repr(BaseModelAdapter(store, Person)) == "BaseModelAdapter[Person](MemoryStore())"
    assert repr(RaiseOnMissingAdapter(store)) == "RaiseOnMissingAdapter(MemoryStore())"


NO_STORES: Mapping[str, tuple[Any, str]] = {
    "text": ("redis://localhost", "needs a store, not str"),
    "mapping": ({}, "needs a store, not dict"),
    "class": (MemoryStore, "needs a store, not the class MemoryStore"),
}


@pytest.mark.parametrize(("given", "message"), NO_STORES.values(), ids=NO_STORES)
def test_what_is_no_store_is_refused_where_it_is_given(given: Any, message: str) -> None:
    makers: list[tuple[str, Callable[[], object]]] = [
        ("PrefixKeysWrapper", lambda: PrefixKeysWrapper(given, "app")),
        ("FallbackWrapper", lambda: FallbackWrapper(MemoryStore(), given)),
        ("PydanticAdapter", lambda: PydanticAdapter(given, int)),
        ("RaiseOnMissingAdapter", lambda: RaiseOnMissingAdapter(given)),
    ]
    for name, make in makers:
        with pytest.raises(TypeError, match=f"^{name} {message}$"):
            make()


@pytest.mark.parametrize("fernet", [b"key", "key", Fernet], ids=["bytes", "text", "class"])
def test_what_is_no_fernet_is_refused_where_it_is_given(fernet: Any) -> None:
    with pytest.raises(TypeError, match=r"^fernet must be a Fernet or a MultiFernet, not (bytes|str|type)$"):
        FernetEncryptionWrapper(MemoryStore(), fernet=fernet)

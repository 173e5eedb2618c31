"""Reading the header of a stored document returns the same as reading the whole document."""

import pytest

from key_value.aio._utils.managed_entry import ManagedEntry
from key_value.aio._utils.serialization import BasicSerializationAdapter
from key_value.aio.errors import DeserializationError
from key_value.aio.stores.base.codec import Header, read_header
from key_value.aio.testing.hostile_names import HOSTILE_NAMES

EXPIRY = 2_000_000_000.5
VALUE = {"expires_at": "2000-01-01T00:00:00+00:00", "key": "x"}


@pytest.mark.parametrize("expires", [None, EXPIRY])
def test_names_and_expiry_of_a_document(expires: float | None) -> None:
    entry = ManagedEntry.from_epochs(VALUE, 1.0, expires)
    for name in HOSTILE_NAMES:
        data = BasicSerializationAdapter().dump_json(entry, key=name, collection=f"{name}c").encode()
        assert read_header(data) == Header(f"{name}c", name, expires)


def test_a_document_without_names() -> None:
    data = BasicSerializationAdapter().dump_json(ManagedEntry.from_epochs(VALUE, 1.0, EXPIRY)).encode()
    assert read_header(data) == Header(None, None, EXPIRY)


def test_fields_in_another_order() -> None:
    text = '{"version": 1, "value": {}, "expires_at": "2033-05-18T03:33:20.500000+00:00", "key": "k"}'
    assert read_header(text.encode()) == Header(None, "k", EXPIRY)


def test_the_value_is_not_read() -> None:
    assert read_header(b'{"key": "k", "value": {"broken') == Header(None, "k", None)


@pytest.mark.parametrize("data", [b"", b"no json", b"[]", b"\xff", b'{"expires_at": "soon", "value": {}}'])
def test_what_is_no_document(data: bytes) -> None:
    with pytest.raises(DeserializationError):
        read_header(data)


def test_of_a_field_that_is_there_twice_the_last_one_counts() -> None:
    data = b'{"expires_at": "2000-01-01", "key": "k", "value": {}, "expires_at": "2033-05-18T03:33:20Z"}'
    assert read_header(data) == Header(None, "k", 2_000_000_000.0)
    assert not read_header(data).is_expired


def test_an_entry_is_expired_after_its_time() -> None:
    adapter = BasicSerializationAdapter()
    assert read_header(adapter.dump_json(ManagedEntry.from_epochs({}, 1.0, 2.0)).encode()).is_expired
    assert not read_header(adapter.dump_json(ManagedEntry.from_epochs({}, 1.0, EXPIRY)).encode()).is_expired
    assert not read_header(adapter.dump_json(ManagedEntry.from_epochs({}, 1.0)).encode()).is_expired

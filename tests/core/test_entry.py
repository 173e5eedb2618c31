from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from key_value.aio._utils.managed_entry import (
    ManagedEntry,
    dump_to_json,
    estimate_serialized_size,
    load_from_json,
    verify_dict,
)
from key_value.aio._utils.serialization import BasicSerializationAdapter, key_must_be, parse_datetime_str
from key_value.aio.errors import DeserializationError, SerializationError

CREATED = datetime(2025, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc)
EXPIRES = datetime(2025, 1, 2, 3, 5, 5, tzinfo=timezone.utc)
ENTRY = ManagedEntry(value={"name": "Alice", "age": 30, "é": None}, created_at=CREATED, expires_at=EXPIRES)
DOCUMENT = (
    '{"collection": "c", "created_at": "2025-01-02T03:04:05.678901+00:00", '
    '"expires_at": "2025-01-02T03:05:05+00:00", "key": "k", '
    '"value": {"age": 30, "name": "Alice", "\\u00e9": null}, "version": 1}'
)

NEAR_SECONDS = [
    1_700_000_000 + part for part in (4e-7, 5e-7, 6e-7, 1e-6, 0.5, 0.999_999, 0.999_999_5, 0.999_999_6)
]


class TestManagedEntry:
    @given(st.floats(-1e9, 2.5e11) | st.integers(-(10**9), 2 * 10**11) | st.sampled_from(NEAR_SECONDS))
    def test_a_time_has_the_text_of_its_datetime(self, epoch: float) -> None:
        entry = ManagedEntry.from_epochs({}, None, epoch)
        assert entry.expires_at_isoformat == datetime.fromtimestamp(epoch, tz=timezone.utc).isoformat()

    def test_keeps_times_to_the_microsecond(self) -> None:
        assert ENTRY.created_at == CREATED
        assert ENTRY.expires_at == EXPIRES
        assert ENTRY.created_at_isoformat == "2025-01-02T03:04:05.678901+00:00"
        assert ENTRY.expires_at_isoformat == "2025-01-02T03:05:05+00:00"

    def test_a_time_without_a_zone_is_utc(self) -> None:
        entry = ManagedEntry(value={}, expires_at=EXPIRES.replace(tzinfo=None))
        assert entry.expires_at == EXPIRES
        assert entry.is_expired

    def test_can_be_changed_and_compared(self) -> None:
        entry = ManagedEntry(value={"a": 1})
        assert (entry.created_at, entry.expires_at, entry.ttl, entry.is_expired) == (None, None, None, False)
        entry.created_at, entry.expires_at = CREATED, EXPIRES
        assert entry == ManagedEntry(value={"a": 1}, created_at=CREATED, expires_at=EXPIRES)
        assert entry != ManagedEntry(value={"a": 2}, created_at=CREATED, expires_at=EXPIRES)
        assert entry != {"a": 1}
        assert "a" in repr(entry)
        with pytest.raises(TypeError, match="unhashable"):
            hash(entry)

    def test_from_ttl(self) -> None:
        entry = ManagedEntry.from_ttl(value={}, ttl=100)
        assert entry.ttl == pytest.approx(100, abs=1)
        assert ManagedEntry.from_ttl(value={}).ttl is None
        assert ManagedEntry.from_ttl(value={}, ttl=-1).is_expired

    def test_value_forms(self) -> None:
        assert ENTRY.value_as_json == '{"age": 30, "name": "Alice", "\\u00e9": null}'
        assert ENTRY.value_as_dict == ENTRY.value
        assert ENTRY.value_as_dict is not ENTRY.value

    def test_a_damaged_creation_time_harms_only_who_asks_for_it(self) -> None:
        entry = BasicSerializationAdapter().load_dict({"value": {}, "created_at": "bad"})
        assert entry.value == {}
        with pytest.raises(DeserializationError, match="Invalid datetime string: bad"):
            _ = entry.created_at


class TestDump:
    def test_is_byte_for_byte_that_of_the_0_5_series(self) -> None:
        adapter = BasicSerializationAdapter()
        assert adapter.dump_json(ENTRY, key="k", collection="c") == DOCUMENT
        assert adapter.load_json(DOCUMENT) == adapter.load_json(DOCUMENT.encode()) == ENTRY

    @pytest.mark.parametrize(
        ("options", "arguments", "text"),
        [
            ({}, {}, '{"value": {"x": 1}, "version": 1}'),
            (
                {},
                {"exclude_none": False},
                '{"created_at": null, "expires_at": null, "value": {"x": 1}, "version": 1}',
            ),
            ({"value_format": "string"}, {}, '{"value": "{\\"x\\": 1}", "version": 1}'),
            ({"date_format": None}, {"key": "k"}, '{"key": "k", "value": {"x": 1}, "version": 1}'),
            ({}, {"version": 2, "key": ""}, '{"key": "", "value": {"x": 1}, "version": 2}'),
        ],
    )
    def test_forms(self, options: dict[str, Any], arguments: dict[str, Any], text: str) -> None:
        entry = ManagedEntry(value={"x": 1})
        assert BasicSerializationAdapter(**options).dump_json(entry, **arguments) == text

    def test_datetimes_are_for_dictionaries_only(self) -> None:
        adapter = BasicSerializationAdapter(date_format="datetime")
        document = adapter.dump_dict(ENTRY, key="k", collection="c")
        assert list(document) == ["version", "value", "key", "collection", "created_at", "expires_at"]
        assert document["expires_at"] == EXPIRES
        assert adapter.load_dict(document) == ENTRY
        with pytest.raises(SerializationError, match='incompatible with date_format="datetime"'):
            adapter.dump_json(ENTRY)


class TestLoad:
    @pytest.mark.parametrize(
        ("document", "value"),
        [
            ('{"value":{}}', {}),
            ('{"value":"{}"}', {}),
            (
                '{"value": {"a": 1}, "version": 99, "more": [1], "created_at": "", "expires_at": null}',
                {"a": 1},
            ),
            ('{"value": {}, "created_at": null}', {}),
        ],
    )
    def test_takes(self, document: str, value: dict[str, Any]) -> None:
        entry = BasicSerializationAdapter().load_json(document)
        assert (entry.value, entry.created_at, entry.expires_at) == (value, None, None)

    @pytest.mark.parametrize(
        "text", ["2025-01-02T03:05:05", "2025-01-02T03:05:05Z", "2025-01-02T04:05:05+01:00"]
    )
    def test_takes_times_in_any_form(self, text: str) -> None:
        assert BasicSerializationAdapter().load_dict({"value": {}, "expires_at": text}).expires_at == EXPIRES
        assert parse_datetime_str(text) == EXPIRES

    @pytest.mark.parametrize(
        ("document", "message"),
        [
            ("{}", "Value field not found"),
            ('{"value": [1]}', "Value field is not a string or dictionary"),
            ('{"value": null}', "Value field is not a string or dictionary"),
            ('{"value": {}, "expires_at": "bad"}', "Invalid datetime string: bad"),
            ('{"value": {}, "expires_at": 5}', "expires_at is neither a timestamp nor a string"),
            ("[]", "Failed to deserialize JSON string"),
            ('"x"', "Failed to deserialize JSON string"),
            ("", "Failed to deserialize JSON string"),
            ("{", "Failed to deserialize JSON string"),
            ('{"value": "{"}', "Failed to deserialize JSON string"),
        ],
    )
    def test_refuses(self, document: str, message: str) -> None:
        with pytest.raises(DeserializationError, match=message):
            BasicSerializationAdapter().load_json(document)


def test_verify_dict() -> None:
    class Name(str):
        __slots__ = ()

    assert verify_dict({Name("a"): 1}) == {"a": 1}
    with pytest.raises(TypeError, match="Object is not a Mapping"):
        verify_dict([1])
    with pytest.raises(TypeError, match="Object contains non-string keys"):
        verify_dict({"a": 1, 2: 3})


def test_key_must_be() -> None:
    assert key_must_be({"a": 1}, "a", int) == 1
    assert key_must_be({}, "a", int) is None
    with pytest.raises(TypeError, match="a must be a str"):
        key_must_be({"a": 1}, "a", str)


def test_json_functions() -> None:
    assert dump_to_json({"b": 1, "a": "é"}) == '{"a": "\\u00e9", "b": 1}'
    assert load_from_json('{"a": 1}') == {"a": 1}
    assert estimate_serialized_size({"é": 1}) == len('{"\\u00e9": 1}')


def test_an_expired_entry_has_a_negative_ttl() -> None:
    entry = ManagedEntry(value={}, expires_at=datetime.now(tz=timezone.utc) - timedelta(seconds=5))
    assert entry.ttl is not None
    assert -10 < entry.ttl <= -5

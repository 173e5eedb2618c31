import pickle

import pytest

from key_value.aio import errors
from key_value.aio.errors import base, key_value, store, wrappers

EXAMPLES: dict[errors.BaseKeyValueError, str] = {
    errors.BaseKeyValueError(): "",
    errors.BaseKeyValueError("text"): "text",
    errors.BaseKeyValueError(extra_info={"a": 1}): "a: 1",
    errors.BaseKeyValueError("text", {"a": 1, "b": None}): "text: (a: 1;b: None)",
    errors.MissingKeyError(
        "get", "c", "k"
    ): "A key was requested that was required but not found in the store.: "
    "(operation: get;collection: c;key: k)",
    errors.InvalidTTLError(-5): "ttl must be a positive, finite number of seconds "
    "that ends before the year 10000, not -5",
    errors.ReadOnlyError("put"): "Write operation not allowed on read-only store.: "
    "(operation: put;collection: default;key: N/A)",
    errors.ValueTooLargeError(1, 2): "Value size exceeds the maximum allowed size.: "
    "(size: 1;max_size: 2;collection: default;key: None)",
    errors.EntryTooLargeError(3, 2, "c", "k"): "Entry size exceeds the maximum allowed size.: "
    "(size: 3;max_size: 2;collection: c;key: k)",
    errors.EntryTooSmallError(1, 2): "Entry size is less than the minimum allowed size.: "
    "(size: 1;min_size: 2;collection: default;key: None)",
    errors.StoreConnectionError("gone", {"store": "S"}): "gone: (store: S)",
}


@pytest.mark.parametrize(("error", "text"), EXAMPLES.items())
def test_says_what_it_is_about(error: errors.BaseKeyValueError, text: str) -> None:
    assert str(error) == error.message == text


@pytest.mark.parametrize("error", EXAMPLES)
def test_survives_pickling(error: errors.BaseKeyValueError) -> None:
    copy: errors.BaseKeyValueError = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (str(copy), copy.args, copy.extra_info) == (str(error), error.args, error.extra_info)


@pytest.mark.parametrize(
    ("kind", "parents"),
    [
        (errors.SerializationError, {errors.KeyValueOperationError}),
        (errors.CorruptedDataError, {errors.DecryptionError, errors.EncryptionError}),
        (errors.EncryptionVersionError, {errors.EncryptionError}),
        (errors.StoreConnectionError, {errors.KeyValueStoreError, ConnectionError}),
        (errors.StoreTimeoutError, {errors.KeyValueStoreError, TimeoutError}),
        (errors.StoreClosedError, {errors.KeyValueStoreError}),
        (errors.StoreSetupConnectionError, {errors.StoreSetupError, errors.StoreConnectionError}),
        (errors.StoreSetupAuthenticationError, {errors.StoreSetupError, errors.StoreAuthenticationError}),
        (errors.StoreSetupTimeoutError, {errors.StoreSetupError, errors.StoreTimeoutError}),
        (errors.PathSecurityError, {errors.KeyValueStoreError}),
    ],
)
def test_can_be_caught_as_what_it_is(kind: type[Exception], parents: set[type[Exception]]) -> None:
    assert all(issubclass(kind, parent) for parent in {*parents, errors.BaseKeyValueError})


def test_its_modules_are_those_of_the_0_5_series() -> None:
    assert base.ExtraInfoType == errors.ExtraInfoType
    assert key_value.InvalidKeyError is errors.InvalidKeyError
    assert store.StoreSetupError is errors.StoreSetupError
    assert wrappers.EntryTooLargeError is errors.EntryTooLargeError

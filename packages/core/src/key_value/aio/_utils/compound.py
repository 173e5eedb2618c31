"""Compound names, as in the 0.5 series: two names joined without escaping.

Where ambiguity matters, the stores use `Names.address` in `key_value.aio.stores.base` instead, which gives
the same text for all plain names.
"""

from collections.abc import Iterable

DEFAULT_COMPOUND_SEPARATOR = "::"
DEFAULT_PREFIX_SEPARATOR = "__"


def compound_string(first: str, second: str, separator: str | None = None) -> str:
    """Join two names."""
    return first + (separator or DEFAULT_COMPOUND_SEPARATOR) + second


def uncompound_string(string: str, separator: str | None = None) -> tuple[str, str]:
    """Split a compound name at its first separator.

    Raises:
        TypeError: It has no separator.
    """
    first, found, second = string.partition(separator or DEFAULT_COMPOUND_SEPARATOR)
    if not found:
        raise TypeError(f"String {string} is not a compound identifier")
    return first, second


def uncompound_strings(strings: Iterable[str], separator: str | None = None) -> list[tuple[str, str]]:
    """Split each of several compound names."""
    return [uncompound_string(string, separator) for string in strings]


def compound_key(collection: str, key: str, separator: str | None = None) -> str:
    """Join a collection and a key."""
    return compound_string(collection, key, separator)


def uncompound_key(key: str, separator: str | None = None) -> tuple[str, str]:
    """Split a compound key into its collection and its key."""
    return uncompound_string(key, separator)


def prefix_key(key: str, prefix: str, separator: str | None = None) -> str:
    """Add a prefix to a key."""
    return prefix + (separator or DEFAULT_PREFIX_SEPARATOR) + key


def unprefix_key(key: str, prefix: str, separator: str | None = None) -> str:
    """Remove a prefix from a key.

    Raises:
        ValueError: The key does not start with the prefix.
    """
    start = prefix_key("", prefix, separator)
    if not key.startswith(start):
        raise ValueError(f"Key {key} is not prefixed with {start}")
    return key[len(start) :]


def prefix_collection(collection: str, prefix: str, separator: str | None = None) -> str:
    """Add a prefix to a collection."""
    return prefix_key(collection, prefix, separator)


def unprefix_collection(collection: str, prefix: str, separator: str | None = None) -> str:
    """Remove a prefix from a collection.

    Raises:
        ValueError: The collection does not start with the prefix.
    """
    start = prefix_key("", prefix, separator)
    if not collection.startswith(start):
        raise ValueError(f"Collection {collection} is not prefixed with {start}")
    return collection[len(start) :]


def get_collections_from_compound_keys(
    compound_keys: Iterable[str], separator: str | None = None
) -> list[str]:
    """Return the distinct collections of several compound keys, in order of first appearance."""
    return list(dict.fromkeys(collection for collection, _ in uncompound_strings(compound_keys, separator)))


def get_keys_from_compound_keys(
    compound_keys: Iterable[str], collection: str, separator: str | None = None
) -> list[str]:
    """Return the keys of the compound keys that belong to a collection."""
    return [key for found, key in uncompound_strings(compound_keys, separator) if found == collection]

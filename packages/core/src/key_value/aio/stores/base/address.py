"""Where an entry lies in a backend that has one flat space of names: at `collection::key`."""

from functools import lru_cache

from key_value.aio._utils.escaping import EscapingStrategy

SEPARATOR = "::"

AMBIGUOUS = ":{2,}|:$"
"""What a collection cannot hold beside the separator, as a regular expression for `EscapingStrategy`."""

_collections = EscapingStrategy(AMBIGUOUS)
_keys = EscapingStrategy()


@lru_cache(maxsize=1024)
def collection_prefix(collection: str) -> str:
    """What the address of every entry of a collection starts with.

    A collection that contains `::` or ends in `:` is escaped, so that an address belongs to one collection
    and key.
    """
    return _collections.sanitize(collection) + SEPARATOR


def address(collection: str, key: str) -> str:
    """The address of an entry: text that UTF-8 can hold, and no other entry's."""
    return collection_prefix(collection) + _keys.sanitize(key)


def key_at(address: str, collection: str) -> str | None:
    """The key of an address in a collection, or None where the address is not in it."""
    prefix = collection_prefix(collection)
    return _keys.try_unsanitize(address[len(prefix) :]) if address.startswith(prefix) else None


def collection_at(address: str) -> str | None:
    """The collection of an address, or None where it is no such address."""
    collection, separator, _ = address.partition(SEPARATOR)
    return _collections.try_unsanitize(collection) if separator else None

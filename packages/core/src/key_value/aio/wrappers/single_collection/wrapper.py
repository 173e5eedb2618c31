"""A wrapper that keeps all collections in one."""

import re

from typing_extensions import override

from key_value.aio._utils.arguments import check_collection, check_limit, warns_on_wrong_types
from key_value.aio._utils.compound import DEFAULT_PREFIX_SEPARATOR
from key_value.aio._utils.constants import DEFAULT_COLLECTION_NAME
from key_value.aio._utils.escaping import EscapingStrategy
from key_value.aio.protocols.key_value import (
    AsyncDestroyCollectionProtocol,
    AsyncDestroyStoreProtocol,
    AsyncEnumerateCollectionsProtocol,
    AsyncEnumerateKeysProtocol,
    AsyncKeyValue,
)
from key_value.aio.wrappers.base import Translator


class SingleCollectionWrapper(Translator):
    """Keeps every collection in one of the store's, under keys `<collection>__<key>`.

    For a store where collections are dear. A collection that contains the separator, or ends in the beginning
    of one, is escaped, so that no key of one collection is also one of another.

    Lists and destroys collections where the store lists keys, by looking at all of them. Drops `destroy`: the
    store's would reach past the collection.
    """

    drops = frozenset({AsyncDestroyStoreProtocol})

    @warns_on_wrong_types
    def __init__(
        self,
        key_value: AsyncKeyValue,
        single_collection: str,
        default_collection: str | None = None,
        separator: str | None = None,
    ) -> None:
        """Wrap a store.

        Args:
            key_value: The store.
            single_collection: The collection that holds all others.
            default_collection: The collection used where none is named; `default_collection` unless given.
            separator: What stands between a collection and a key; `__` unless given.
        """
        super().__init__(key_value)
        self.single_collection = single_collection
        self.default_collection = default_collection or DEFAULT_COLLECTION_NAME
        self.separator = separator or DEFAULT_PREFIX_SEPARATOR
        self._names = EscapingStrategy(_ambiguous(self.separator))

    @override
    def _can(self, protocol: type) -> bool:
        by_keys = (AsyncEnumerateCollectionsProtocol, AsyncDestroyCollectionProtocol)
        return super()._can(AsyncEnumerateKeysProtocol if protocol in by_keys else protocol)

    @override
    def _encode_collection(self, collection: str | None) -> str:
        check_collection(collection)
        return self.single_collection

    @override
    def _encode_key_in(self, key: str, collection: str | None) -> str:
        check_collection(collection)
        return self._names.sanitize(collection or self.default_collection) + self.separator + key

    @override
    def _decode_key_in(self, key: str, collection: str | None) -> str | None:
        start = self._encode_key_in("", collection)
        return key[len(start) :] if key.startswith(start) else None

    @override
    async def _collections(self, *, limit: int | None = None) -> list[str]:
        check_limit(limit)
        splits = (key.partition(self.separator) for key in await self._stored_keys())
        names = (self._names.try_unsanitize(name) for name, found, _ in splits if found)
        return list(dict.fromkeys(name for name in names if name is not None))[:limit]

    @override
    async def _destroy_collection(self, collection: str) -> bool:
        start = self._encode_key_in("", collection)
        keys = [key for key in await self._stored_keys() if key.startswith(start)]
        return await self.key_value.delete_many(keys, collection=self.single_collection) > 0

    async def _stored_keys(self) -> list[str]:
        assert isinstance(self.key_value, AsyncEnumerateKeysProtocol)  # noqa: S101  -- else this is not offered
        return await self.key_value.keys(self.single_collection)


def _ambiguous(separator: str) -> str:
    """What a collection may not contain: the separator, or a beginning of it at the end of the name."""
    beginnings = "|".join(re.escape(separator[:length]) for length in range(len(separator) - 1, 0, -1))
    return f"(?:{re.escape(separator)})" + (f"|(?:{beginnings})$" if beginnings else "")

"""A wrapper that keeps all collections in one."""

import re
from typing import Any

from typing_extensions import override

from key_value.aio._utils.arguments import check_collection, check_limit, warns_on_wrong_types
from key_value.aio._utils.compound import DEFAULT_PREFIX_SEPARATOR
from key_value.aio._utils.constants import DEFAULT_COLLECTION_NAME
from key_value.aio._utils.escaping import EscapingStrategy
from key_value.aio.protocols.abilities import Ability
from key_value.aio.protocols.key_value import (
    AsyncDestroyCollectionProtocol,
    AsyncDestroyStoreProtocol,
    AsyncEnumerateCollectionsProtocol,
    AsyncEnumerateKeysProtocol,
    AsyncKeyValue,
)
from key_value.aio.protocols.paging import pages
from key_value.aio.wrappers.base import Translator
from key_value.aio.wrappers.base.abilities import Arguments


class SingleCollectionWrapper(Translator):
    """A wrapper that keeps all collections in one collection of the store, under keys `<collection>__<key>`.

    It is meant for stores in which collections are expensive. A collection that contains the separator, or
    ends with a leading part of it, is escaped, so that no key of one collection is also one of another.

    The wrapper lists and destroys collections if the store can list keys, by reading all of them.

    Drops `destroy`: that of the store would reach beyond the collection.
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
            key_value: Store to wrap.
            single_collection: Collection that holds all others.
            default_collection: Collection used when a call does not name one. Defaults to
                `default_collection`.
            separator: Separator between a collection and a key. Defaults to `__`.
        """
        super().__init__(key_value)
        self.single_collection = single_collection
        self.default_collection: str = default_collection or DEFAULT_COLLECTION_NAME
        self.separator = separator or DEFAULT_PREFIX_SEPARATOR
        self._names = EscapingStrategy(_ambiguous(self.separator))

    @override
    def _can_offer(self, protocol: type) -> bool:
        by_keys = (AsyncEnumerateCollectionsProtocol, AsyncDestroyCollectionProtocol)
        return super()._can_offer(AsyncEnumerateKeysProtocol if protocol in by_keys else protocol)

    @override
    def _encode_collection(self, collection: str | None) -> str:
        return self.single_collection

    @override
    def _encode_key_in(self, key: str, collection: str | None) -> str:
        return self._names.sanitize(collection or self.default_collection) + self.separator + key

    @override
    def _decode_key_in(self, key: str, collection: str | None) -> str | None:
        start = self._encode_key_in("", collection)
        return key[len(start) :] if key.startswith(start) else None

    @override
    def _encode_prefix(self, prefix: str, collection: str | None) -> str:
        return self._encode_key_in(prefix, collection)

    @override
    async def _call_ability(self, ability: Ability, arguments: Arguments) -> Any:
        if ability.method == "collections":
            return await self._list_collections(arguments["limit"])
        if ability.method == "destroy_collection":
            return await self._delete_collection(check_collection(arguments["collection"]))
        return await super()._call_ability(ability, arguments)

    async def _list_collections(self, limit: int | None) -> list[str]:
        check_limit(limit)
        names: dict[str, None] = {}
        async for keys in pages(self.key_value, self.single_collection):
            splits = (key.partition(self.separator) for key in keys)
            stored = (self._names.try_unsanitize(name) for name, found, _ in splits if found)
            names |= dict.fromkeys(name for name in stored if name is not None)
            if limit is not None and len(names) >= limit:
                break
        return list(names)[:limit]

    async def _delete_collection(self, collection: str | None) -> bool:
        start = self._encode_key_in("", collection)
        deleted = 0
        async for keys in pages(self.key_value, self.single_collection, prefix=start):
            deleted += await self.key_value.delete_many(keys, collection=self.single_collection)
        return deleted > 0


def _ambiguous(separator: str) -> str:
    """Return the pattern to escape in a collection: the separator, or a leading part of it at the end."""
    beginnings = "|".join(re.escape(separator[:length]) for length in range(len(separator) - 1, 0, -1))
    return f"(?:{re.escape(separator)})" + (f"|(?:{beginnings})$" if beginnings else "")

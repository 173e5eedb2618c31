"""A wrapper that prefixes every collection."""

from typing_extensions import override

from key_value.aio._utils.arguments import warns_on_wrong_types
from key_value.aio._utils.constants import DEFAULT_COLLECTION_NAME
from key_value.aio._utils.prefixes import Prefix
from key_value.aio.protocols.key_value import AsyncDestroyStoreProtocol, AsyncKeyValue
from key_value.aio.wrappers.base import Translator


class PrefixCollectionsWrapper(Translator):
    """A wrapper that gives applications separate collections in one store, as `<prefix>__<collection>`.

    A prefix that contains `__` or ends in `_` is escaped, so that no collection of one prefix is also one of
    another.

    Drops `destroy`: it would reach beyond the prefix.
    """

    drops = frozenset({AsyncDestroyStoreProtocol})

    @warns_on_wrong_types
    def __init__(self, key_value: AsyncKeyValue, prefix: str, default_collection: str | None = None) -> None:
        """Wrap a store.

        Args:
            key_value: Store to wrap.
            prefix: Prefix of every collection, followed by `__`.
            default_collection: Collection used when a call does not name one. Defaults to
                `default_collection`, whatever the store's own default is.
        """
        super().__init__(key_value)
        self.default_collection: str = default_collection or DEFAULT_COLLECTION_NAME
        self._prefix = Prefix(prefix)

    @override
    def _encode_collection(self, collection: str | None) -> str:
        return self._prefix.add(collection or self.default_collection)

    @override
    def _decode_collection(self, collection: str) -> str | None:
        return self._prefix.remove(collection)

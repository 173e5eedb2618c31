"""A wrapper that prefixes every key."""

from typing_extensions import override

from key_value.aio._utils.arguments import warns_on_wrong_types
from key_value.aio._utils.prefixes import Prefix
from key_value.aio.protocols.key_value import (
    AsyncDestroyCollectionProtocol,
    AsyncDestroyStoreProtocol,
    AsyncKeyValue,
)
from key_value.aio.wrappers.base import Translator


class PrefixKeysWrapper(Translator):
    """A wrapper that gives several applications separate keys in one collection, as `<prefix>__<key>`.

    A prefix that contains `__` or ends in `_` is escaped, so that no key of one prefix is also one of
    another.

    Drops `destroy` and `destroy_collection`: they would reach beyond the prefix.
    """

    drops = frozenset({AsyncDestroyStoreProtocol, AsyncDestroyCollectionProtocol})

    @warns_on_wrong_types
    def __init__(self, key_value: AsyncKeyValue, prefix: str) -> None:
        """Wrap a store.

        Args:
            key_value: Store to wrap.
            prefix: Prefix of every key, followed by `__`.
        """
        super().__init__(key_value)
        self._prefix = Prefix(prefix)
        self._start = self._prefix.add("")

    @override
    def _encode_key(self, key: str) -> str:
        return self._start + key

    @override
    def _encode_prefix(self, prefix: str, collection: str | None) -> str:
        return self._start + prefix

    @override
    def _decode_key(self, key: str) -> str | None:
        return self._prefix.remove(key)

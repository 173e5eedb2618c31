"""The protocols of stores: `AsyncKeyValue`, and one for each ability that only some stores have."""

from key_value.aio.protocols import missing_stores
from key_value.aio.protocols.abilities import ABILITIES, Ability
from key_value.aio.protocols.key_value import (
    AsyncCompareAndSetProtocol,
    AsyncCullProtocol,
    AsyncDestroyCollectionProtocol,
    AsyncDestroyStoreProtocol,
    AsyncEnumerateCollectionsProtocol,
    AsyncEnumerateKeysProtocol,
    AsyncKeyValue,
    AsyncKeyValueProtocol,
    AsyncPopProtocol,
    AsyncPutIfAbsentProtocol,
    AsyncScanProtocol,
    AsyncTouchProtocol,
    Page,
    Versioned,
)

__all__ = [
    "ABILITIES",
    "Ability",
    "AsyncCompareAndSetProtocol",
    "AsyncCullProtocol",
    "AsyncDestroyCollectionProtocol",
    "AsyncDestroyStoreProtocol",
    "AsyncEnumerateCollectionsProtocol",
    "AsyncEnumerateKeysProtocol",
    "AsyncKeyValue",
    "AsyncKeyValueProtocol",
    "AsyncPopProtocol",
    "AsyncPutIfAbsentProtocol",
    "AsyncScanProtocol",
    "AsyncTouchProtocol",
    "Page",
    "Versioned",
]

missing_stores.install()

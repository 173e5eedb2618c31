"""Protocols of stores: `AsyncKeyValue`, and one for each ability that only some stores have."""

from key_value.aio.protocols.abilities import ABILITIES, ABILITY_OF, Ability
from key_value.aio.protocols.extending import extend, missing_ability, plain_class
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
    TimeToLive,
    Versioned,
)

__all__ = [
    "ABILITIES",
    "ABILITY_OF",
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
    "TimeToLive",
    "Versioned",
    "extend",
    "missing_ability",
    "plain_class",
]

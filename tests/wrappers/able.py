"""A wrapper as one that has abilities, for the type checker."""

from typing import Protocol, cast

from key_value.aio.protocols.key_value import (
    AsyncCullProtocol,
    AsyncDestroyCollectionProtocol,
    AsyncDestroyStoreProtocol,
    AsyncEnumerateCollectionsProtocol,
    AsyncEnumerateKeysProtocol,
    AsyncKeyValue,
    AsyncPutIfAbsentProtocol,
)


class AbleStore(
    AsyncKeyValue,
    AsyncCullProtocol,
    AsyncDestroyCollectionProtocol,
    AsyncDestroyStoreProtocol,
    AsyncEnumerateCollectionsProtocol,
    AsyncEnumerateKeysProtocol,
    AsyncPutIfAbsentProtocol,
    Protocol,
):
    """Every ability; a test fails where it calls one that is not there."""


def able(store: AsyncKeyValue) -> AbleStore:
    return cast("AbleStore", store)

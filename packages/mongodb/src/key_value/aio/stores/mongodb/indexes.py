"""The indexes of a collection in MongoDB, even if the 0.5 series left documents with duplicate keys."""

import logging
from typing import Any

from pymongo import IndexModel, WriteConcern
from pymongo.errors import DuplicateKeyError, OperationFailure

from key_value.aio.stores.mongodb.driver import Collection

DUPLICATES = "kv_duplicates"
"""Collection for documents that share their key with a newer one."""

KEY_INDEX = "kv_key"
"""Name of the unique index on the key."""

ATTEMPTS = 10

DUPLICATE_KEY = 11000
_LEFT_AS_THEY_ARE = {85, 86, 13}
"""Error codes: another index is on the field or has the name, or the user may not create indexes."""

_log = logging.getLogger("key_value.aio")


async def create_indexes(collection: Collection) -> str | None:
    """Create the collection, a unique index on the key, and a TTL index, if they are missing.

    An existing index of another application on the same field is left as it is.

    Returns:
        The name of the unique index; None if the user can see no such index.

    Raises:
        DuplicateKeyError: Other clients keep storing documents with the same key.
    """
    # The 0.5 series has an index `key_1` that is not unique.
    unique = IndexModel("key", unique=True, name=KEY_INDEX)
    is_ours = False
    for attempt in range(ATTEMPTS):
        try:
            is_ours = await _create(collection, unique)
            break
        except DuplicateKeyError:
            if attempt == ATTEMPTS - 1:
                raise
            await _set_duplicates_aside(collection)
    await _create(collection, IndexModel("expires_at", expireAfterSeconds=0))
    return KEY_INDEX if is_ours else await _unique_index(collection)


async def _create(collection: Collection, index: IndexModel) -> bool:
    try:
        # Acknowledgement by the primary is enough: the caller's write concern is meant for entries.
        await collection.with_options(write_concern=WriteConcern(w=1)).create_indexes([index])
    except OperationFailure as error:
        if error.code not in _LEFT_AS_THEY_ARE:
            raise
        _log.warning("%s lacks an index that the store could not create: %s", collection.full_name, error)
        return False
    return True


async def _unique_index(collection: Collection) -> str | None:
    try:
        indexes = await collection.index_information()
    except OperationFailure as error:
        if error.code not in _LEFT_AS_THEY_ARE:
            raise
        return None
    for name, index in indexes.items():
        is_on_keys = [field for field, _ in index["key"]] == ["key"]
        if is_on_keys and index.get("unique") and "partialFilterExpression" not in index:
            return name
    return None


async def _set_duplicates_aside(collection: Collection) -> None:
    """Move all but the newest document of each key to a separate collection."""
    newest: dict[str, Any] | None = None
    moved = 0
    aside = collection.database.get_collection(DUPLICATES)
    repeated = [
        {"$match": {"key": {"$type": "string"}}},
        {"$group": {"_id": "$key", "count": {"$sum": 1}}},
        {"$match": {"count": {"$gt": 1}}},
    ]
    async for group in await collection.aggregate(repeated, allowDiskUse=True):
        found = collection.find({"key": group["_id"]}, sort=[("created_at", -1), ("_id", -1)])
        newest = None
        async for document in found:
            if newest is None:
                newest = document
                continue
            await aside.replace_one({"_id": document["_id"]}, document, upsert=True)
            # A document that was rewritten in the meantime may be the newest now.
            same = {"_id": document["_id"], "created_at": document.get("created_at")}
            moved += (await collection.delete_one(same)).deleted_count
    _log.warning(
        "%s had %d older documents with duplicate keys, now in %s", collection.full_name, moved, DUPLICATES
    )

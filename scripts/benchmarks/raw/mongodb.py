"""MongoDB through pymongo: one command per call, and its own batches."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from bson import CodecOptions
from pymongo import AsyncMongoClient, ReplaceOne


class Raw:
    def __init__(self, place: str) -> None:
        options: CodecOptions[dict[str, Any]] = CodecOptions(document_class=dict, tz_aware=True)
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(place)
        self._documents = client.get_database("benchmark-raw", options).get_collection("entries")
        self._indexed = False

    async def put(self, key: str, value: Mapping[str, Any], *, ttl: float | None = None) -> None:
        await self._index()
        await self._documents.replace_one({"key": key}, _document(key, value, ttl), upsert=True)

    async def get(self, key: str) -> dict[str, Any] | None:
        return _value(await self._documents.find_one({"key": key}))

    async def put_many(
        self, keys: Sequence[str], values: Sequence[Mapping[str, Any]], *, ttl: float | None = None
    ) -> None:
        await self._index()
        pairs = zip(keys, values, strict=True)
        writes = [ReplaceOne({"key": key}, _document(key, value, ttl), upsert=True) for key, value in pairs]
        await self._documents.bulk_write(writes, ordered=False)

    async def get_many(self, keys: Sequence[str]) -> list[dict[str, Any] | None]:
        found = await self._documents.find({"key": {"$in": list(keys)}}).to_list()
        documents = {document["key"]: document for document in found}
        return [_value(documents.get(key)) for key in keys]

    async def delete(self, key: str) -> bool:
        return (await self._documents.delete_one({"key": key})).deleted_count > 0

    async def delete_many(self, keys: Sequence[str]) -> int:
        return (await self._documents.delete_many({"key": {"$in": list(keys)}})).deleted_count

    async def _index(self) -> None:
        if not self._indexed:
            await self._documents.create_index("key", unique=True)
            self._indexed = True


def _document(key: str, value: Mapping[str, Any], ttl: float | None) -> dict[str, Any]:
    now = datetime.now(timezone.utc)
    document: dict[str, Any] = {"key": key, "value": {"object": value}, "version": 1, "created_at": now}
    if ttl is not None:
        document["expires_at"] = now + timedelta(seconds=ttl)
    return document


def _value(document: dict[str, Any] | None) -> dict[str, Any] | None:
    if document is None:
        return None
    expires_at: datetime | None = document.get("expires_at")
    if expires_at and expires_at <= datetime.now(timezone.utc):
        return None
    return document["value"]["object"]

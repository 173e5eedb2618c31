"""Firestore through Google's client: one call per operation, and its own batches."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from google.cloud.firestore import AsyncClient


class Raw:
    def __init__(self, place: str) -> None:  # noqa: ARG002 -- the environment names the emulator
        # The driver's types are incomplete.
        self._client: Any = AsyncClient(project="demo-benchmark")
        self._collection = self._client.collection("benchmark-raw")

    async def put(self, key: str, value: Mapping[str, Any], *, ttl: float | None = None) -> None:
        await self._collection.document(key).set(_document(value, ttl))

    async def get(self, key: str) -> dict[str, Any] | None:
        return _value(await self._collection.document(key).get())

    async def put_many(
        self, keys: Sequence[str], values: Sequence[Mapping[str, Any]], *, ttl: float | None = None
    ) -> None:
        batch = self._client.batch()
        for key, value in zip(keys, values, strict=True):
            batch.set(self._collection.document(key), _document(value, ttl))
        await batch.commit()

    async def get_many(self, keys: Sequence[str]) -> list[dict[str, Any] | None]:
        references = [self._collection.document(key) for key in keys]
        found = {document.id: document async for document in self._client.get_all(references)}
        return [_value(found[key]) for key in keys]

    async def delete(self, key: str) -> bool:
        return await self.delete_many([key]) > 0

    async def delete_many(self, keys: Sequence[str]) -> int:
        references = [self._collection.document(key) for key in keys]
        batch = self._client.batch()
        count = 0
        async for document in self._client.get_all(references, ["version"]):
            if document.exists:
                batch.delete(document.reference)
                count += 1
        await batch.commit()
        return count


def _document(value: Mapping[str, Any], ttl: float | None) -> dict[str, Any]:
    now = datetime.now(timezone.utc)
    document = {"value": json.dumps(value), "version": 1, "created_at": now.isoformat()}
    if ttl is not None:
        document["expires_at"] = (now + timedelta(seconds=ttl)).isoformat()
    return document


def _value(document: Any) -> dict[str, Any] | None:
    if not document.exists:
        return None
    fields = document.to_dict()
    expires_at: str | None = fields.get("expires_at")
    if expires_at and datetime.fromisoformat(expires_at) <= datetime.now(timezone.utc):
        return None
    return json.loads(fields["value"])

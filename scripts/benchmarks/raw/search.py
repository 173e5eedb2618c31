"""Elasticsearch and OpenSearch through their HTTP API: documents of 0.5 in one index, without a refresh."""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, cast

INDEX = "benchmark-raw"

_MAPPING = {"mappings": {"dynamic": False, "properties": {"value": {"type": "object", "enabled": False}}}}


class SearchDriver(ABC):
    """The timed operations, implemented with a driver's requests."""

    _created = False

    @abstractmethod
    async def _request(self, method: str, path: str, body: str | None, kind: str) -> Any:
        """Return the body of a response."""

    async def put(self, key: str, value: Mapping[str, Any], *, ttl: float | None = None) -> None:
        await self.put_many([key], [value], ttl=ttl)

    async def get(self, key: str) -> dict[str, Any] | None:
        return (await self.get_many([key]))[0]

    async def put_many(
        self, keys: Sequence[str], values: Sequence[Mapping[str, Any]], *, ttl: float | None = None
    ) -> None:
        await self._create()
        expires = None if ttl is None else time.time() + ttl
        pairs = zip(keys, values, strict=True)
        documents = [({"index": _at(key)}, {"value": value, "expires": expires}) for key, value in pairs]
        await self._bulk([line for lines in documents for line in lines])

    async def get_many(self, keys: Sequence[str]) -> list[dict[str, Any] | None]:
        await self._create()
        body = json.dumps({"docs": [_at(key) for key in keys]})
        found = await self._request("POST", "/_mget", body, "json")
        return [_value(doc.get("_source")) for doc in found["docs"]]

    async def delete(self, key: str) -> bool:
        return await self.delete_many([key]) > 0

    async def delete_many(self, keys: Sequence[str]) -> int:
        await self._create()
        done = await self._bulk([{"delete": _at(key)} for key in keys])
        return sum(item["delete"]["result"] == "deleted" for item in done["items"])

    async def _bulk(self, lines: Sequence[Mapping[str, Any]]) -> Any:
        body = "".join(f"{json.dumps(line)}\n" for line in lines)
        done = await self._request("POST", "/_bulk", body, "x-ndjson")
        if any(next(iter(item.values()))["status"] not in (200, 201, 404) for item in done["items"]):
            raise RuntimeError("An operation failed")
        return done

    async def _create(self) -> None:
        if not self._created:
            # A pattern without matches is not an error.
            if not await self._request("GET", f"/{INDEX}*/_mapping", None, "json"):
                await self._request("PUT", f"/{INDEX}", json.dumps(_MAPPING), "json")
            self._created = True


def _at(key: str) -> dict[str, str]:
    return {"_index": INDEX, "_id": key}


def _value(source: object) -> dict[str, Any] | None:
    if source is None:
        return None
    document = cast("dict[str, Any]", source)
    expires = document["expires"]
    return None if expires is not None and expires <= time.time() else document["value"]

"""Azure Tables through azure-data-tables: one request per call, transactions, and queries of 14 keys."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.data.tables import EdmType, EntityProperty, UpdateMode
from azure.data.tables.aio import TableClient

PARTITION = "entries"
KEYS_IN_A_FILTER = 14
WRITES_AT_A_TIME = 100


class Raw:
    def __init__(self, place: str) -> None:
        self._table: Any = TableClient.from_connection_string(place, "benchmarkraw")
        self._created = False

    async def put(self, key: str, value: Mapping[str, Any], *, ttl: float | None = None) -> None:
        await self._create()
        await self._table.upsert_entity(_entity(key, value, ttl), mode=UpdateMode.REPLACE)

    async def get(self, key: str) -> dict[str, Any] | None:
        try:
            return _value(await self._table.get_entity(PARTITION, key))
        except ResourceNotFoundError:
            return None

    async def put_many(
        self, keys: Sequence[str], values: Sequence[Mapping[str, Any]], *, ttl: float | None = None
    ) -> None:
        await self._create()
        pairs = zip(keys, values, strict=True)
        puts = [("upsert", _entity(key, value, ttl), {"mode": UpdateMode.REPLACE}) for key, value in pairs]
        for start in range(0, len(puts), WRITES_AT_A_TIME):
            await self._table.submit_transaction(puts[start : start + WRITES_AT_A_TIME])

    async def get_many(self, keys: Sequence[str]) -> list[dict[str, Any] | None]:
        parts = [keys[start : start + KEYS_IN_A_FILTER] for start in range(0, len(keys), KEYS_IN_A_FILTER)]
        found = {key: value for part in await asyncio.gather(*map(self._query, parts)) for key, value in part}
        return [found.get(key) for key in keys]

    async def delete(self, key: str) -> bool:
        if await self.get(key) is None:
            return False
        await self._table.delete_entity(PARTITION, key)
        return True

    async def delete_many(self, keys: Sequence[str]) -> int:
        found = [key for key, value in zip(keys, await self.get_many(keys), strict=True) if value is not None]
        deletions = [("delete", {"PartitionKey": PARTITION, "RowKey": key}) for key in found]
        for start in range(0, len(deletions), WRITES_AT_A_TIME):
            await self._table.submit_transaction(deletions[start : start + WRITES_AT_A_TIME])
        return len(found)

    async def _query(self, keys: Sequence[str]) -> list[tuple[str, dict[str, Any] | None]]:
        wanted = " or ".join(f"RowKey eq @k{number}" for number in range(len(keys)))
        names = {"c": PARTITION, **{f"k{number}": key for number, key in enumerate(keys)}}
        found = self._table.query_entities(f"PartitionKey eq @c and ( {wanted} )", parameters=names)
        return [(entity["RowKey"], _value(entity)) async for entity in found]

    async def _create(self) -> None:
        if not self._created:
            with suppress(ResourceExistsError):
                await self._table.create_table()
            self._created = True


def _entity(key: str, value: Mapping[str, Any], ttl: float | None) -> dict[str, Any]:
    entity: dict[str, Any] = {"PartitionKey": PARTITION, "RowKey": key, "Value": json.dumps(value)}
    if ttl is not None:
        entity["ExpiresAt"] = EntityProperty(int(time.time() + ttl), EdmType.INT64)
    return entity


def _value(entity: Mapping[str, Any]) -> dict[str, Any] | None:
    expires = entity.get("ExpiresAt")
    if expires is not None and expires.value <= time.time():
        return None
    return json.loads(entity["Value"])

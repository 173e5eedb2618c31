"""DynamoDB through aiobotocore: one request per call, and its own batches, for values that fit into one."""

import asyncio
import json
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

from aiobotocore.session import AioSession

TABLE = "benchmark-raw"
OPTIONS = {"region_name": "us-east-1", "aws_access_key_id": "local", "aws_secret_access_key": "local"}
_NAMES = {"collection": "HASH", "key": "RANGE"}


class Raw:
    def __init__(self, place: str) -> None:
        self._place = place
        self._opened: Any = None

    async def put(self, key: str, value: Mapping[str, Any], *, ttl: float | None = None) -> None:
        client = await self._client()
        await client.put_item(TableName=TABLE, Item=_item(key, value, ttl))

    async def get(self, key: str) -> dict[str, Any] | None:
        client = await self._client()
        return _value(
            (await client.get_item(TableName=TABLE, Key=_key(key), ConsistentRead=True)).get("Item")
        )

    async def put_many(
        self, keys: Sequence[str], values: Sequence[Mapping[str, Any]], *, ttl: float | None = None
    ) -> None:
        client = await self._client()
        pairs = zip(keys, values, strict=True)
        requests = [{"PutRequest": {"Item": _item(key, value, ttl)}} for key, value in pairs]
        parts = [requests[start : start + 25] for start in range(0, len(requests), 25)]
        await asyncio.gather(*(client.batch_write_item(RequestItems={TABLE: part}) for part in parts))

    async def get_many(self, keys: Sequence[str]) -> list[dict[str, Any] | None]:
        client = await self._client()
        wanted = {"Keys": [_key(key) for key in keys], "ConsistentRead": True}
        reply = await client.batch_get_item(RequestItems={TABLE: wanted})
        items = {item["key"]["S"]: item for item in reply["Responses"][TABLE]}
        return [_value(items.get(key)) for key in keys]

    async def delete(self, key: str) -> bool:
        client = await self._client()
        reply = await client.delete_item(TableName=TABLE, Key=_key(key), ReturnValues="ALL_OLD")
        return "Attributes" in reply

    async def delete_many(self, keys: Sequence[str]) -> int:
        return sum(await asyncio.gather(*map(self.delete, keys)))

    async def _client(self) -> Any:
        if self._opened is None:
            session: Any = AioSession()
            client: Any = await session.create_client(
                "dynamodb", endpoint_url=self._place, **OPTIONS
            ).__aenter__()
            schema = [{"AttributeName": name, "KeyType": kind} for name, kind in _NAMES.items()]
            types = [{"AttributeName": name, "AttributeType": "S"} for name in _NAMES]
            arguments = {"BillingMode": "PAY_PER_REQUEST", "KeySchema": schema, "AttributeDefinitions": types}
            if TABLE not in (await client.list_tables())["TableNames"]:
                await client.create_table(TableName=TABLE, **arguments)
            self._opened = client
        return self._opened


def _key(key: str) -> dict[str, Any]:
    return {"collection": {"S": "entries"}, "key": {"S": key}}


def _item(key: str, value: Mapping[str, Any], ttl: float | None) -> dict[str, Any]:
    item = {**_key(key), "value": {"S": json.dumps({"value": value, "version": 1})}}
    if ttl is not None:
        item["ttl"] = {"N": str(math.ceil(time.time() + ttl))}
    return item


def _value(item: dict[str, Any] | None) -> dict[str, Any] | None:
    if item is None or ("ttl" in item and float(item["ttl"]["N"]) <= time.time()):
        return None
    return json.loads(item["value"]["S"])["value"]

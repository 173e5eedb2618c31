"""The table of a store in DynamoDB: its creation, and its TTL."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from key_value.aio.errors import StoreTimeoutError
from key_value.aio.stores.dynamodb.driver import FAILURES, IN_USE, MISSING, ClientError, code_of

TTL = "ttl"

LONGEST_WAIT = 120.0
"""Maximum time for a new table to become active, in seconds; it usually takes about ten."""

_KEY = {"collection": "HASH", "key": "RANGE"}

_log = logging.getLogger("key_value.aio")


async def create_table(client: Any, table: str, options: Mapping[str, Any]) -> None:
    """Create a table, unless another process does, and wait until it is active.

    Args:
        client: The client.
        table: Table name.
        options: Further arguments of CreateTable, such as `BillingMode` or `Tags`.

    Raises:
        StoreTimeoutError: The table did not become active.
    """
    loop = asyncio.get_running_loop()
    end, seconds = loop.time() + LONGEST_WAIT, 0.05
    while (status := await _status(client, table)) != "ACTIVE":
        if status is None:
            # Try again after a table that was being deleted is gone.
            await _create(client, table, options)
        if loop.time() > end:
            raise StoreTimeoutError(message=f"Table '{table}' was not active after {LONGEST_WAIT} s")
        await asyncio.sleep(seconds)
        seconds = min(2 * seconds, 2.0)


async def _create(client: Any, table: str, options: Mapping[str, Any]) -> None:
    try:
        await client.create_table(**table_arguments(table, options))
    except ClientError as error:
        if code_of(error) != IN_USE:
            raise


def table_arguments(table: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of CreateTable; the key is fixed, and all else is up to the caller."""
    ours = [{"AttributeName": name, "AttributeType": "S"} for name in _KEY]
    # Attributes of the caller's indexes.
    others = [each for each in options.get("AttributeDefinitions", ()) if each["AttributeName"] not in _KEY]
    billing = {} if "ProvisionedThroughput" in options else {"BillingMode": "PAY_PER_REQUEST"}
    return {
        **billing,
        **options,
        "TableName": table,
        "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in _KEY.items()],
        "AttributeDefinitions": [*ours, *others],
    }


async def enable_ttl(client: Any, table: str) -> None:
    """Enable the TTL of a table, unless it is enabled; errors are logged."""
    try:
        found = (await client.describe_time_to_live(TableName=table))["TimeToLiveDescription"]
        attribute = found.get("AttributeName")
        if found["TimeToLiveStatus"] == "DISABLED":
            specification = {"Enabled": True, "AttributeName": TTL}
            await client.update_time_to_live(TableName=table, TimeToLiveSpecification=specification)
        elif attribute not in (TTL, None):
            _log.warning(
                "DynamoDB removes expired items by the attribute %r of table %r: "
                "entries of this store stay until cull()",
                attribute,
                table,
            )
    except (*FAILURES, KeyError) as error:
        _log.warning("Whether DynamoDB removes expired items from table %r is unknown: %s", table, error)


async def _status(client: Any, table: str) -> str | None:
    try:
        return (await client.describe_table(TableName=table))["Table"]["TableStatus"]
    except ClientError as error:
        if code_of(error) != MISSING:
            raise
        return None

"""The DynamoDB store: `DynamoDBStore`."""

try:
    from key_value.aio.stores.dynamodb.store import DynamoDBStore
except ModuleNotFoundError as error:
    if error.name not in ("aiobotocore", "aiohttp", "botocore"):
        raise
    raise ImportError("DynamoDBStore needs aiobotocore: pip install 'py-key-value-aio[dynamodb]'") from error

__all__ = ["DynamoDBStore"]

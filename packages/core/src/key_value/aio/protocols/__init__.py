"""The protocol of every store: `AsyncKeyValue`."""

from key_value.aio.protocols import missing_stores
from key_value.aio.protocols.key_value import AsyncKeyValue

__all__ = ["AsyncKeyValue"]

missing_stores.install()

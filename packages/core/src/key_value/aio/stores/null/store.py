"""A store that keeps nothing."""

from typing_extensions import override

from key_value.aio.stores.base import BaseStore, ManagedEntry
from key_value.aio.stores.base.codec import encode


class NullStore(BaseStore):
    """A store that discards every write: every read is a miss.

    It rejects what a real store rejects, so code that works with it also works with another store.
    """

    @override
    async def _get_managed_entry(self, *, collection: str, key: str) -> ManagedEntry | None:
        return None

    @override
    async def _put_managed_entry(self, *, collection: str, key: str, managed_entry: ManagedEntry) -> None:
        await encode(managed_entry.value)

    @override
    async def _delete_managed_entry(self, *, key: str, collection: str) -> bool:
        return False

"""A store in AcmeDB."""

from typing_extensions import override

from key_value.aio.stores.base import BytesStore


class AcmeDBStore(BytesStore):
    """A store in AcmeDB.

    It cannot list keys.
    """

    def __init__(self, *, default_collection: str | None = None) -> None:
        """Initialize an empty store.

        Args:
            default_collection: Collection used when a call does not name one. Defaults to
                `default_collection`.
        """
        super().__init__(default_collection=default_collection)
        self._data: dict[str, bytes] = {}

    @override
    async def _read(self, address: str) -> bytes | None:
        return self._data.get(address)

    @override
    async def _write(self, address: str, data: bytes, ttl: float | None) -> None:
        self._data[address] = data

    @override
    async def _remove(self, address: str) -> None:
        self._data.pop(address, None)

"""What is measured: any store, and what stands in for one where a driver is called by hand."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol


class Subject(Protocol):
    """The operations that are timed."""

    async def put(self, key: str, value: Mapping[str, Any], *, ttl: float | None = None) -> None: ...

    async def get(self, key: str) -> Mapping[str, Any] | None: ...

    async def put_many(
        self, keys: Sequence[str], values: Sequence[Mapping[str, Any]], *, ttl: float | None = None
    ) -> None: ...

    async def get_many(self, keys: Sequence[str]) -> Sequence[Mapping[str, Any] | None]: ...

    async def delete(self, key: str) -> bool: ...

    async def delete_many(self, keys: Sequence[str]) -> int: ...


def open_subject(library: str, store: str, place: str) -> Subject:
    """Opens a store of the library that this process has, or its driver if the library is `raw`.

    Args:
        library: A name in `environments.LIBRARIES`.
        store: A name in `plan.STORES`.
        place: The directory or URL that the store may use.
    """
    if library == "raw":
        return import_module(f"scripts.benchmarks.raw.{store}").Raw(place)
    if store == "memory":
        return import_module("key_value.aio.stores.memory").MemoryStore()
    if store == "redis":
        collection = f"benchmark-{library}"
        return import_module("key_value.aio.stores.redis").RedisStore(
            url=place, default_collection=collection
        )
    if library == "0.5.0":
        return import_module("key_value.aio.stores.disk").DiskStore(directory=place)
    return import_module("key_value.aio.stores.sqlite").SQLiteStore(Path(place) / "store.sqlite3")

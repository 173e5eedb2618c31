"""The in-memory store: `MemoryStore`."""

from key_value.aio.stores.memory.store import MemoryStore

__all__ = ["MemoryStore"]

"""The file tree store: `FileTreeStore`, and the naming strategies of the 0.5 series."""

from key_value.aio.stores.filetree.names import (
    FileTreeV1CollectionSanitizationStrategy,
    FileTreeV1KeySanitizationStrategy,
)
from key_value.aio.stores.filetree.store import FileTreeStore

__all__ = [
    "FileTreeStore",
    "FileTreeV1CollectionSanitizationStrategy",
    "FileTreeV1KeySanitizationStrategy",
]
